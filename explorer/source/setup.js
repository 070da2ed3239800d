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
export const WARMUP = 5000; // steps of the large start, where nobody says otherwise

/** The ranges of numbers, ends included. */
export const RANGES = /** @satisfies {Record<string, readonly [number, number]>} */ ({
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
});

/** The numbers that are whole. */
export const WHOLE = new Set(["warmupSteps", "n", "width", "seed"]);

/** @type {CurveData} */
const CURVE = { kind: "curve", truth: "tent", n: 30, noise: 0.5, flipRate: 0.1, amplitude: 2, halfWidth: 3, seed: 0 };

/** @type {Setup} */
export const OPENING = {
  loss: "square",
  data: CURVE,
  start: { arm: "large", width: 1000, seed: 1 },
  method: { stepSize: 0.1, momentum: 0, weightDecay: 0, warmupSteps: WARMUP },
};

/**
 * Data as they can be drawn: those of a curve as they are, of other points what is known of their curve.
 * @param {Data} data
 * @returns {CurveData}
 */
export function drawnData(data) {
  if (data.kind === "curve") return data;
  const { truth, amplitude, flipRate, halfWidth } = data;
  return truth === null ? CURVE : { ...CURVE, truth, amplitude, flipRate, halfWidth };
}

/**
 * Why a number may not stand in a setup: one sentence; "" if it may.
 * @param {string} label  of the number
 * @param {keyof typeof RANGES} name
 * @param {number} value
 */
export function objection(label, name, value) {
  const [least, most] = RANGES[name];
  const whole = WHOLE.has(name);
  if (Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value))) return "";
  const got = Number.isNaN(value) ? "no number" : value;
  return `${label} must be a ${whole ? "whole " : ""}number from ${least} to ${most}, got ${got}; nothing was changed.`;
}

/**
 * Whether two plain values are the same.
 * @param {unknown} one
 * @param {unknown} other
 */
export function same(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
