/**
 * Whether the run still moves: the last half of its steps is compared with the quarter before.
 *
 * Arrived: the mean loss and the mean weighted variation differ by at most 5 %, the mean edge ratio by at most 0.05. A
 * square loss at which the run interpolates counts as 0.
 * Moving again: one of them by more than three times that. Counted anew whenever the step size, the method or the data
 * change, judged from 1000 steps on, at every doubling.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Context} Context
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
import { closeLoss } from "./interpolation.js";

export const LIMIT = 0.05;
export const AGAIN = 3;
export const FIRST = 500; // steps of the first stretch: judged at 1000

const NOTHING = { loss: 0, ratio: 0, variation: 0 };
/** @type {Memory} */
export const BEGINNING = {
  status: "unknown", stepSize: NaN, origin: 0, until: FIRST, frames: 0, sums: NOTHING, before: null,
};

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Context} context
 * @returns {{ memory: Memory, says: { kind: "arrived" | "moving", sentence: string } | null }}
 */
export function next(memory, numbers, context) {
  const { step, stepSize } = numbers;
  const isChanged = step >= context.from && memory.origin < context.from;
  if (stepSize !== memory.stepSize || isChanged) return { memory: { ...BEGINNING, stepSize, origin: step }, says: null };
  const within = { ...memory, frames: memory.frames + 1, sums: plus(memory.sums, numbers, context) };
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
 * @param {Context} context
 */
function plus(sums, { loss, sharpness, threshold, weightedTv }, context) {
  const counted = context.loss === "square" && loss <= closeLoss(context) ? 0 : loss;
  return { loss: sums.loss + counted, ratio: sums.ratio + sharpness / threshold, variation: sums.variation + weightedTv };
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
  const what = "over the last half of the steps loss, edge ratio and weighted variation";
  if (status === "arrived") return `Arrived by step ${count(step)}: ${what} moved by ${moved < 0.001 ? "less than 0.1 %" : `${by} at most`}.`;
  return `Not arrived at step ${count(step)}: ${what} still moved by up to ${by}.`;
}
