/**
 * What a setup may be, and the setup with which the page opens.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Data} Data
 * @typedef {import("./types.js").CurveData} CurveData
 */

export const TRUTHS = /** @type {const} */ (["tent", "wave", "steps", "doppler", "line", "zero"]);
export const ARMS = /** @type {const} */ (["printed", "small", "large"]);
export const LOSSES = /** @type {const} */ (["square", "logistic"]);

/** The ranges of numbers, ends included. */
export const RANGES = {
  stepSize: [0.001, 10],
  momentum: [0, 0.99],
  weightDecay: [0, 0.1],
  warmupSteps: [0, 100_000],
  n: [2, 200],
  noise: [0, 2],
  flipRate: [0, 0.45],
  amplitude: [0, 10],
  halfWidth: [0.5, 10],
  width: [1, 2000],
  seed: [0, 9999],
};

/** @type {Setup} */
export const OPENING = {
  loss: "square",
  data: { kind: "curve", truth: "tent", n: 30, noise: 0.5, flipRate: 0.1, amplitude: 2, halfWidth: 3, seed: 0 },
  start: { arm: "large", width: 1000, seed: 0 },
  method: { stepSize: 0.1, momentum: 0, weightDecay: 0, warmupSteps: 5000 },
};

/**
 * Whether two plain values are the same.
 * @param {unknown} one
 * @param {unknown} other
 */
export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
