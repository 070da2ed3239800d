/**
 * What runs came to.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../types.js").Frame} Frame
 *
 * @typedef {object} Outcome  of one run
 * @property {number} eta
 * @property {number} risk  NaN where there is no truth
 * @property {number} pieces
 * @property {number} step
 * @property {boolean} live
 */
import { isComparable } from "./comparable.js";

/**
 * Median of a value at every step size, in order of the step sizes.
 * @param {Outcome[]} found
 * @param {(each: Outcome) => number} value
 * @returns {[number, number][]}
 */
export function medians(found, value) {
  /** @type {Map<number, number[]>} */
  const groups = new Map();
  for (const each of found)
    if (Number.isFinite(value(each))) groups.set(each.eta, [...(groups.get(each.eta) ?? []), value(each)]);
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([eta, values]) => {
      const sorted = values.sort((a, b) => a - b);
      const half = (sorted.length - 1) / 2;
      return [eta, 0.5 * (sorted[Math.floor(half)] + sorted[Math.ceil(half)])];
    });
}

/**
 * What runs on the data now shown came to: risks on other data are not comparable.
 * @param {Pick<State, "setup" | "runs" | "frame">} state
 * @returns {Outcome[]} by step size
 */
export function outcomes({ setup, runs, frame }) {
  const ended = runs.filter((run) => run.frame.outcome !== "diverged" && isComparable(run.setup, setup));
  const kept = ended.map((run) => outcome(run.setup, run.frame, false));
  const live = frame && frame.outcome !== "diverged" ? [outcome(setup, frame, true)] : [];
  return [...kept, ...live].sort((a, b) => a.eta - b.eta);
}

/**
 * @param {Setup} setup
 * @param {Frame} frame
 * @param {boolean} live
 * @returns {Outcome}
 */
function outcome({ method }, { risk, pieces, step }, live) {
  return { eta: method.stepSize, risk: risk ?? NaN, pieces, step, live };
}
