/**
 * Whether the network passes through the labels.
 *
 * Square loss: from a root mean square error of at most 1 % of the standard deviation of the labels until one of more
 * than 2 %. Logistic loss: from a loss below (log 2)/n, at which every label is on its side, until twice that.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Context} Context
 * @typedef {{ fits: boolean }} Memory
 */
import { count, number } from "../words.js";

export const CLOSE = 0.01;
export const AGAIN = 2;

/** @type {Memory} */
export const BEGINNING = { fits: false };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Context} context
 */
export function next({ fits }, { loss, step }, context) {
  const error = missing(loss, context);
  const now = error <= (fits ? AGAIN : 1);
  if (now === fits) return { memory: { fits }, says: null };
  const kind = /** @type {"interpolating" | "missing"} */ (now ? "interpolating" : "missing");
  return { memory: { fits: now }, says: { kind, sentence: now ? hit(step, loss, context) : left(step) } };
}

/** @param {Memory} memory */
export function word({ fits }) {
  return fits ? "interpolating" : "";
}

/**
 * How far from interpolation, in units of the limit.
 * @param {number} loss
 * @param {Context} context
 */
function missing(loss, context) {
  if (context.loss === "logistic") return loss / (Math.LN2 / context.n);
  return Math.sqrt(2 * loss) / (CLOSE * context.deviation);
}

/**
 * @param {number} step
 * @param {number} loss
 * @param {Context} context
 */
function hit(step, loss, context) {
  const since = `Interpolating since step ${count(step)}: `;
  if (context.loss === "logistic") return `${since}every label is on its side of the curve.`;
  return `${since}the curve misses the labels by ${number(Math.sqrt(2 * loss), 2)} (root mean square).`;
}

/** @param {number} step */
function left(step) {
  return `No longer interpolating at step ${count(step)}.`;
}
