/**
 * Whether the run still moves: the last half of its steps is compared with the quarter before.
 *
 * Arrived: the mean loss and the mean weighted variation differ by at most 5 %, the mean edge ratio by at most 0.05.
 * Moving again: one of them by more than twice that. Counted anew whenever the step size changes, judged from 1000
 * steps on, at every doubling.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {{ loss: number, ratio: number, variation: number }} Means
 * @typedef {"unknown" | "moving" | "arrived"} Status
 *
 * @typedef {object} Memory
 * @property {Status} status
 * @property {number} stepSize
 * @property {number} origin  step from which is counted
 * @property {number} until  steps after the origin at which the stretch ends
 * @property {number} frames  in the stretch
 * @property {Means} sums  over the stretch
 * @property {Means | null} before  means of the stretch before
 */
import { count, number } from "../words.js";

export const LIMIT = 0.05;
export const AGAIN = 2;
export const FIRST = 500; // steps of the first stretch: judged at 1000

const NOTHING = { loss: 0, ratio: 0, variation: 0 };
/** @type {Memory} */
export const BEGINNING = {
  status: "unknown", stepSize: NaN, origin: 0, until: FIRST, frames: 0, sums: NOTHING, before: null,
};

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @returns {{ memory: Memory, says: { kind: "arrived" | "moving", sentence: string } | null }}
 */
export function next(memory, numbers) {
  const { step, stepSize } = numbers;
  if (stepSize !== memory.stepSize) return { memory: { ...BEGINNING, stepSize, origin: step }, says: null };
  const within = { ...memory, frames: memory.frames + 1, sums: plus(memory.sums, numbers) };
  return step - memory.origin < memory.until ? { memory: within, says: null } : judge(within, step);
}

/** @param {Memory} memory */
export function word({ status }) {
  return { unknown: "", moving: "not arrived", arrived: "arrived" }[status];
}

/**
 * At the end of a stretch: compare it with the one before, and begin the next, up to twice as many steps.
 * @param {Memory} memory
 * @param {number} step
 * @returns {{ memory: Memory, says: { kind: "arrived" | "moving", sentence: string } | null }}
 */
function judge(memory, step) {
  const { sums, frames, before, status } = memory;
  const means = { loss: sums.loss / frames, ratio: sums.ratio / frames, variation: sums.variation / frames };
  const ended = { ...memory, until: 2 * (step - memory.origin), frames: 0, sums: NOTHING, before: means };
  if (!before) return { memory: ended, says: null };
  const moved = movement(before, means);
  const now = moved <= (status === "arrived" ? AGAIN : 1) * LIMIT ? "arrived" : "moving";
  return { memory: { ...ended, status: now }, says: now === status ? null : { kind: now, sentence: sentence(now, step, moved) } };
}

/**
 * @param {Means} sums
 * @param {Numbers} numbers
 */
function plus(sums, { loss, sharpness, threshold, weightedTv }) {
  return { loss: sums.loss + loss, ratio: sums.ratio + sharpness / threshold, variation: sums.variation + weightedTv };
}

/**
 * The largest of the three differences.
 * @param {Means} before
 * @param {Means} now
 */
function movement(before, now) {
  const relative = (/** @type {number} */ from, /** @type {number} */ to) =>
    from === to ? 0 : Math.abs(to - from) / Math.max(from, to);
  return Math.max(
    relative(before.loss, now.loss),
    relative(before.variation, now.variation),
    Math.abs(now.ratio - before.ratio),
  );
}

/**
 * @param {"arrived" | "moving"} status
 * @param {number} step
 * @param {number} moved
 */
function sentence(status, step, moved) {
  const by = `${number(100 * moved, 2)} %`;
  if (status === "arrived")
    return `Arrived by step ${count(step)}: over the last half of the steps the run moved by ${by} at most.`;
  return `Not arrived at step ${count(step)}: over the last half of the steps the run still moved by ${by}.`;
}
