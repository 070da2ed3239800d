/** Frames for tests: one of a quiet run, with what a test says. */

import { ALIVE, DEAD } from "../source/types.js";

/** @typedef {import("../source/types.js").Frame} Frame */

/**
 * @param {Partial<Frame> & { alive?: number, width?: number }} [changes]
 * @returns {Frame}
 */
export function frame({ alive = 90, width = 100, ...changes } = {}) {
  const states = Uint8Array.from({ length: width }, (_, j) => (j < alive ? ALIVE : DEAD));
  const zeros = new Float64Array(width);
  return {
    kind: "frame", step: 0, time: 0, stepSize: 0.1, threshold: 20, loss: 1, sharpness: 10, residual: 0, trace: 12,
    weightedTv: 2, bound: 9, pieces: 4, risk: 0.5, now: zeros, before: zeros, midpoint: zeros,
    neurons: { knots: zeros, states, jumps: zeros }, outcome: "training", stepsPerSecond: 1000, ...changes,
  };
}

/**
 * @param {Partial<import("../source/types.js").Ready>} [changes]
 * @returns {import("../source/types.js").Ready}
 */
export function ready(changes = {}) {
  return {
    kind: "ready", step: 0, x: Float64Array.of(-1, 0, 1), y: Float64Array.of(0, 1, 0), grid: Float64Array.of(-1, 1),
    truth: null, initialSharpness: 10, init: "torch", scale: 1,
    method: { stepSize: 0.1, momentum: 0, weightDecay: 0, warmupSteps: 0 }, ...changes,
  };
}
