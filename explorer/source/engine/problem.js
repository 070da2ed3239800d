/**
 * Examples in the order of their inputs, as the engine wants them.
 *
 * @typedef {import("../types.js").Data} Data
 * @typedef {import("../types.js").CurveData} CurveData
 * @typedef {import("../types.js").Loss} Loss
 *
 * @typedef {object} Problem
 * @property {Loss} loss  square: 1/(2n) Σ (f - y)²; logistic: 1/n Σ log(1 + e^(-y f))
 * @property {Float64Array} x  sorted (n,)
 * @property {Float64Array} y  (n,)
 * @property {((x: number) => number) | null} truth
 */

import { SHAPES, probability, truthOf } from "./curves.js";
import { Generator } from "./random.js";

/** @param {Data} data @param {Loss} loss @returns {Problem} */
export function problemOf(data, loss) {
  const { x, y } = data.kind === "own" ? data : drawn(data, loss);
  const order = Array.from(x, (_, i) => i).sort((i, j) => x[i] - x[j] || i - j);
  return {
    loss,
    x: Float64Array.from(order, (i) => x[i]),
    y: Float64Array.from(order, (i) => y[i]),
    truth: truthOf(data, loss),
  };
}

/**
 * The examples of `ss.problems.curve(truth, n, noise, seed, half_width)`, or of `ss.problems.bernoulli(truth, n,
 * amplitude, flip_rate, seed, half_width)`: one input in each of n equal cells.
 *
 * @param {CurveData} data
 * @param {Loss} loss
 */
function drawn({ truth, n, noise, flipRate, amplitude, halfWidth, seed }, loss) {
  const generator = new Generator(seed);
  const x = generator.uniform(0, 1, n).map((u, i) => halfWidth * ((i + u) * (2 / n) - 1));
  if (loss === "square") {
    const clean = x.map((at) => SHAPES[truth](at / halfWidth));
    return { x, y: clean.map((value) => value + noise * generator.normal()) };
  }
  const logit = /** @type {(x: number) => number} */ (
    truthOf({ kind: "own", x: [], y: [], truth, amplitude, flipRate, halfWidth }, "logistic")
  );
  return { x, y: x.map((at) => (generator.random() < probability(logit(at)) ? 1 : -1)) };
}
