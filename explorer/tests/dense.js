/** The network, its loss and its gradient as sums over all pairs of a neuron and an input: what the engine must equal. */

import { Generator } from "../source/engine/random.js";

/** @typedef {import("../source/engine/problem.js").Problem} Problem */

/** f at a point. @param {Float64Array} theta @param {number} x */
export function valueAt(theta, x) {
  const k = Math.floor(theta.length / 3);
  let f = theta[3 * k];
  for (let j = 0; j < k; j++) {
    const z = theta[j] * x + theta[k + j];
    if (z > 0) f += theta[2 * k + j] * z;
  }
  return f;
}

/** ∂ℓ/∂f of one example. @param {Problem} problem @param {number} f @param {number} y */
const slopeOf = ({ loss }, f, y) => (loss === "square" ? f - y : -y / (1 + Math.exp(y * f)));

/** @param {Problem} problem @param {Float64Array} theta */
export function denseLoss({ loss, x, y }, theta) {
  let sum = 0;
  x.forEach((at, i) => {
    const f = valueAt(theta, at);
    sum += loss === "square" ? 0.5 * (f - y[i]) ** 2 : Math.log1p(Math.exp(-y[i] * f));
  });
  return sum / x.length;
}

/** @param {Problem} problem @param {Float64Array} theta @param {Float64Array} out  receives ∇L (3k + 1,) */
export function setDenseGradient(problem, theta, out) {
  const { x, y } = problem;
  const k = Math.floor(theta.length / 3);
  out.fill(0);
  for (let i = 0; i < x.length; i++) {
    let f = theta[3 * k];
    for (let j = 0; j < k; j++) {
      const z = theta[j] * x[i] + theta[k + j];
      if (z > 0) f += theta[2 * k + j] * z;
    }
    const g = slopeOf(problem, f, y[i]) / x.length;
    for (let j = 0; j < k; j++) {
      const z = theta[j] * x[i] + theta[k + j];
      if (z > 0) {
        out[j] += g * theta[2 * k + j] * x[i];
        out[k + j] += g * theta[2 * k + j];
        out[2 * k + j] += g * z;
      }
    }
    out[3 * k] += g;
  }
}

/** One step of plain descent in place. @param {Problem} problem @param {Float64Array} theta @param {number} eta @param {Float64Array} g */
export function denseStep(problem, theta, eta, g) {
  setDenseGradient(problem, theta, g);
  for (let j = 0; j < theta.length; j++) theta[j] -= eta * g[j];
}

/** Examples with repeated inputs, and a network with neurons that are dead, linear, constant and without effect.
 * @param {"square" | "logistic"} loss @param {number} seed @param {number} [n] @param {number} [k] */
export function drawnCase(loss, seed, n = 12, k = 9) {
  const generator = new Generator(seed);
  const x = generator.uniform(-1, 1, n).sort();
  x[3] = x[4];
  const y = generator.normals(n).map((label) => (loss === "square" ? label : Math.sign(label)));
  const theta = generator.normals(3 * k + 1);
  if (k >= 9) {
    [theta[0], theta[k]] = [1, -5]; // dead
    [theta[1], theta[k + 1]] = [-1, 7]; // linear
    [theta[2], theta[k + 2]] = [0, 0.5]; // constant
    [theta[3], theta[k + 3]] = [0, -0.5]; // constant, dead
    theta[2 * k + 4] = 0;
  }
  /** @type {Problem} */
  const problem = { loss, x, y, truth: null };
  return { problem, theta, generator };
}
