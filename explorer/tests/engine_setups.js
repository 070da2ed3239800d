/** Setups for the tests of the engine. @typedef {import("../source/types.js").Setup} Setup */

/** @type {import("../source/types.js").CurveData} */
const DATA = { kind: "curve", truth: "tent", n: 30, noise: 0.5, flipRate: 0, amplitude: 2, halfWidth: 2, seed: 0 };

/** @type {Setup} */
export const TENT = {
  loss: "square",
  data: DATA,
  start: { arm: "printed", width: 60, seed: 1 },
  method: { stepSize: 0.1, momentum: 0, weightDecay: 0, warmupSteps: 0 },
};

/** @type {Setup} */
export const CLASSES = {
  ...TENT,
  loss: "logistic",
  data: { ...DATA, n: 50, flipRate: 0.1 },
};

/** Points of one's own. @param {number[]} x @param {number[]} y @returns {import("../source/types.js").OwnData} */
export const points = (x, y) => ({ kind: "own", x, y, truth: null, amplitude: 1, flipRate: 0, halfWidth: 1 });
