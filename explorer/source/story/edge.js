/**
 * The edge of stability and catapults, from the edge ratio λ_max/threshold of the midpoint network.
 *
 * At the edge: from a ratio of 0.9 until one below 0.8, as the monitor says it; a change is said when it has lasted for
 * a quarter of the steps since the step size was chosen. Beyond: from 2 (1.2 in the first frame, or just after another
 * step size was chosen) until one of at most 1.1, the upper end of what the claims call the edge. A catapult: λ_max was
 * beyond, is not any more, and has fallen by half or more in between.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Kind} Kind
 * @typedef {import("./choice.js").Choice} Choice
 * @typedef {"unknown" | "below" | "edge" | "beyond"} Place
 *
 * @typedef {object} Memory
 * @property {Place} place
 * @property {Place} other  where the run has been lately, if that is not yet said
 * @property {number} since  step from which on it has been there
 * @property {number} peak  largest sharpness while it was beyond
 */
import { count, number } from "../words.js";
import { lasts } from "./choice.js";

const AT_EDGE = 0.9;
const LEFT_EDGE = 0.8;
const BEYOND = 2;
const BEYOND_AT_FIRST = 1.2;
const BACK = 1.1;
const FALL = 0.5;

/** @type {Memory} */
export const BEGINNING = { place: "unknown", other: "unknown", since: 0, peak: 0 };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Choice} choice
 * @returns {{ memory: Memory, says: { kind: Kind, sentence: string, step?: number } | null }}
 */
export function next(memory, numbers, choice) {
  const ratio = numbers.sharpness / numbers.threshold;
  if (!Number.isFinite(ratio)) return { memory, says: null };
  if (memory.place === "beyond") return ratio > BACK ? stay(memory, numbers.sharpness) : land(memory, numbers, ratio);
  if (ratio >= (choice.isNew ? BEYOND_AT_FIRST : BEYOND)) return leave(memory, numbers, ratio);
  return hover(memory, numbers, ratio, choice);
}

/** @param {Memory} memory */
export function word({ place, other }) {
  const now = place === "unknown" ? other : place;
  return { unknown: "", below: "below the edge", edge: "at the edge", beyond: "beyond the edge" }[now];
}

/** @typedef {ReturnType<typeof next>} Told */

/**
 * @param {Memory} memory
 * @param {number} sharpness
 * @returns {Told}
 */
function stay(memory, sharpness) {
  return { memory: { ...memory, peak: Math.max(memory.peak, sharpness) }, says: null };
}

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {number} ratio
 * @returns {Told}
 */
function leave(memory, { step, sharpness }, ratio) {
  const sentence = `Beyond the edge at step ${count(step)}: λ_max = ${number(sharpness)} is ${number(ratio, 2)} times its ` +
    "threshold, so that every step overshoots.";
  const there = { ...memory, place: /** @type {const} */ ("beyond"), since: step, peak: sharpness };
  return { memory: there, says: { kind: "beyond", sentence } };
}

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {number} ratio
 * @returns {Told}
 */
function land(memory, numbers, ratio) {
  const { step, sharpness, alive } = numbers;
  const other = placeOf("edge", ratio);
  if (sharpness > FALL * memory.peak) return { memory: { ...BEGINNING, other, since: step }, says: null };
  const sentence = `Catapult: by step ${count(step)} λ_max has fallen from ${number(memory.peak)} to ${number(sharpness)}, ` +
    `${number(ratio, 2)} times its threshold; ${count(alive)} ${alive === 1 ? "neuron bends" : "neurons bend"} among the data.`;
  return { memory: { ...BEGINNING, place: other, other, since: step }, says: { kind: "catapult", sentence } };
}

/**
 * Between the edge and what lies below.
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {number} ratio
 * @param {Choice} choice
 * @returns {Told}
 */
function hover(memory, numbers, ratio, choice) {
  const { step } = numbers;
  const other = placeOf(memory.other, ratio);
  const since = other === memory.other ? memory.since : step;
  if (other === memory.place || !lasts(since, step, choice)) return { memory: { ...memory, other, since }, says: null };
  const isNews = other === "edge" || memory.place === "edge";
  return { memory: { ...memory, place: other, other, since }, says: isNews ? arrival(other, since, numbers) : null };
}

/**
 * @param {Place} before
 * @param {number} ratio
 * @returns {"edge" | "below"}
 */
function placeOf(before, ratio) {
  return ratio >= (before === "edge" ? LEFT_EDGE : AT_EDGE) ? "edge" : "below";
}

/**
 * @param {"edge" | "below"} place
 * @param {number} step
 * @param {Numbers} numbers
 */
function arrival(place, step, { sharpness, threshold }) {
  const where = place === "edge" ? "At the edge of stability" : "Below the edge";
  const ratio = number(sharpness / threshold, 2);
  return { kind: place, step, sentence: `${where} since step ${count(step)}: λ_max = ${number(sharpness)}, ${ratio} times its threshold.` };
}
