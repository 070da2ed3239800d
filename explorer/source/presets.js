/**
 * Lessons: a setup each, two sentences, and what to do next.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Method} Method
 *
 * @typedef {object} Move  one thing to do; one of the three
 * @property {string} label
 * @property {Partial<Method>} [method]  changed while it trains
 * @property {Partial<Setup>} [setup]  begins a new run
 * @property {{ stepSizes: number[], steps: number }} [sweep]
 *
 * @typedef {object} Preset
 * @property {string} claim  its name in the ledger
 * @property {string} title
 * @property {string} try
 * @property {string} look
 * @property {Setup} setup
 * @property {Move[]} moves
 */
import { OPENING, WARMUP } from "./setup.js";

/**
 * The setup of the opening with changes.
 * @param {Setup["loss"]} loss
 * @param {Partial<import("./types.js").CurveData>} data
 * @param {Partial<import("./types.js").Start>} start
 * @param {number} stepSize
 * @returns {Setup}
 */
function setupOf(loss, data, start, stepSize) {
  const warmupSteps = start.arm === "large" ? WARMUP : 0;
  return {
    loss,
    data: /** @type {import("./types.js").CurveData} */ ({ ...OPENING.data, ...data }),
    start: { ...OPENING.start, ...start },
    method: { stepSize, momentum: 0, weightDecay: 0, warmupSteps },
  };
}

/** @type {Preset[]} */
export const PRESETS = [
  {
    claim: "curve-fitting",
    title: "Curve fitting",
    try: "",
    look: "",
    setup: setupOf("square", {}, { arm: "large" }, 0.1),
    moves: [],
  },
];
