/**
 * Where training starts: `TwoLayerReLU.random(width, scale, init, seed)` in one of three arms.
 *
 * A network is one vector θ = (w1, b1, w2, b2) of length 3k + 1.
 *
 * @typedef {import("../types.js").Start} Start
 * @typedef {import("./problem.js").Problem} Problem
 */

import { roughSharpness } from "./sharpness.js";
import { Generator } from "./random.js";

const LARGE = 6; // scale of the large start
const MARGIN = 0.8; // of the threshold: the sharpness of the small start
const SMALLEST = 1e-4;

/**
 * As PyTorch draws a network: every parameter is uniform on ±scale/√(fan in).
 *
 * @param {number} width @param {number} scale @param {number} seed
 */
export function torchNetwork(width, scale, seed) {
  const generator = new Generator(seed);
  const outer = scale / Math.sqrt(width);
  const theta = new Float64Array(3 * width + 1);
  theta.set(generator.uniform(-scale, scale, 2 * width));
  theta.set(generator.uniform(-outer, outer, width + 1), 2 * width);
  return theta;
}

/** Every parameter normal of standard deviation 2 scale/√k, b2 = 0. @param {number} width @param {number} scale @param {number} seed */
function meanFieldNetwork(width, scale, seed) {
  const theta = new Float64Array(3 * width + 1);
  const deviation = (scale * 2) / Math.sqrt(width);
  theta.set(new Generator(seed).normals(3 * width).map((value) => deviation * value));
  return theta;
}

/**
 * @param {Start} start
 * @param {Problem} problem
 * @param {number} stepSize  the small start lies below its threshold
 * @returns {{ theta: Float64Array, init: "torch" | "mean_field", scale: number }}
 */
export function networkOf({ arm, width, seed }, problem, stepSize) {
  if (arm === "large") return { theta: meanFieldNetwork(width, LARGE, seed), init: "mean_field", scale: LARGE };
  const scale = arm === "small" ? stableScale(problem, width, seed, stepSize) : 1;
  return { theta: torchNetwork(width, scale, seed), init: "torch", scale };
}

/**
 * The largest scale up to 1 at which the initial sharpness is at most 0.8·2/η, to 1 %; at least 1e-4.
 *
 * @param {Problem} problem @param {number} width @param {number} seed @param {number} stepSize
 */
function stableScale(problem, width, seed, stepSize) {
  const limit = (MARGIN * 2) / stepSize;
  let low = SMALLEST;
  let high = 1;
  while (high > 1.01 * low) {
    const middle = Math.sqrt(low * high);
    if (roughSharpness(problem, torchNetwork(width, middle, seed)) <= limit) low = middle;
    else high = middle;
  }
  return low;
}
