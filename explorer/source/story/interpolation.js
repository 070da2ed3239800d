/**
 * Whether the network passes through the labels.
 *
 * Square loss: from a root mean square error of at most 1 % of the standard deviation of the labels until one of more
 * than 10 %. Logistic loss: from a loss below (log 2)/n, at which every label is on its side, until ten times that. A change is
 * said when it has lasted for a quarter of the steps since the step size was chosen.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Context} Context
 * @typedef {import("./choice.js").Choice} Choice
 * @typedef {{ fits: boolean, other: boolean, since: number }} Memory  other: whether it fits lately, since a step
 */
import { count, number } from "../words.js";
import { lasts } from "./choice.js";

const CLOSE = 0.01;
const AGAIN = 10;

/** @type {Memory} */
export const BEGINNING = { fits: false, other: false, since: 0 };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Context} context
 * @param {Choice} choice
 */
export function next(memory, { loss, step }, context, choice) {
  const other = missing(loss, context) <= (memory.other ? AGAIN : 1);
  const since = other === memory.other ? memory.since : step;
  const now = { ...memory, other, since };
  if (other === memory.fits || !lasts(since, step, choice)) return { memory: now, says: null };
  const kind = /** @type {"interpolating" | "missing"} */ (other ? "interpolating" : "missing");
  const sentence = other ? hit(since, loss, context) : left(since);
  return { memory: { ...now, fits: other }, says: { kind, step: since, sentence } };
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
  const ratio = loss / closeLoss(context);
  return context.loss === "logistic" ? ratio : Math.sqrt(ratio);
}

/**
 * Loss from which on a run interpolates.
 * @param {Context} context
 */
export function closeLoss({ loss, n, deviation }) {
  return loss === "logistic" ? Math.LN2 / n : 0.5 * (CLOSE * deviation) ** 2;
}

/**
 * @param {number} step
 * @param {number} loss
 * @param {Context} context
 */
function hit(step, loss, context) {
  const since = `Interpolating since step ${count(step)}: `;
  if (context.loss === "logistic") return `${since}every label is on its side of the curve.`;
  return `${since}the curve misses the labels by ${number(Math.sqrt(2 * loss), 2)} now (root mean square).`;
}

/** @param {number} step */
function left(step) {
  return `No longer interpolating since step ${count(step)}.`;
}
