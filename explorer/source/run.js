/**
 * A run that is kept: for the overlay of curves, for risk against step size, for a link.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./history.js").History} History
 * @typedef {import("./story.js").Happening} Happening
 *
 * @typedef {object} Segment  a stretch of steps under one method and on one set of data
 * @property {number} from  number of steps made before it
 * @property {Setup} setup
 *
 * @typedef {object} Run
 * @property {number} id  unique on this page
 * @property {Setup} setup  of its last segment
 * @property {readonly Segment[]} segments
 * @property {Frame} frame  the last one
 * @property {Float64Array} grid
 * @property {History} history
 * @property {readonly Happening[]} events
 */
import { same } from "./setup.js";

export const MOST = 24; // runs that are kept; the oldest makes room
export const LEAST_FRAMES = 30; // drawn since the last change, before a run is kept without being asked to

/**
 * Whether a run has trained long enough since its last change to be kept when it is changed again.
 * @param {Frame | null} frame
 * @param {number} frames  drawn since the last change
 */
export function isWorthKeeping(frame, frames) {
  return frame !== null && frame.outcome !== "diverged" && frames >= LEAST_FRAMES;
}

/**
 * Put a run at the end of a list; an earlier moment of the same run makes room for it.
 * @param {readonly Run[]} runs
 * @param {Run} run
 */
export function withRun(runs, run) {
  return [...runs.filter(({ segments }) => !same(segments, run.segments)), run].slice(-MOST);
}

/**
 * Whether a run can be made again from a setup by another step size alone.
 * @param {Run} run
 * @param {Setup} setup
 */
export function comparable({ segments }, setup) {
  const { stepSize } = segments[0].setup.method;
  return segments.length === 1 && same(segments[0].setup, { ...setup, method: { ...setup.method, stepSize } });
}
