/**
 * The edge of stability and catapults, from the edge ratio λ_max/threshold of the midpoint network.
 *
 * At the edge: from a ratio of 0.9 until one below 0.8, as the monitor says it. Beyond: from 1.2 until one of at most
 * 1. A catapult: λ_max was beyond, is within the threshold now, and has fallen by half or more in between.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {"unknown" | "below" | "edge" | "beyond"} Place
 *
 * @typedef {object} Memory
 * @property {Place} place
 * @property {number} peak  largest sharpness since it was beyond
 * @property {number} ratio  there
 * @property {boolean} aloud  whether it was said that it is beyond
 */
import { count, number } from "../words.js";

export const AT_EDGE = 0.9;
export const LEFT_EDGE = 0.8;
export const BEYOND = 1.2;
export const FALL = 0.5;

/** @type {Memory} */
export const BEGINNING = { place: "unknown", peak: 0, ratio: 0, aloud: false };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 */
export function next(memory, numbers) {
  const ratio = numbers.sharpness / numbers.threshold;
  if (!Number.isFinite(ratio)) return { memory, says: null };
  const place = placeOf(memory.place, ratio);
  if (place === "beyond") return beyond(memory, numbers, ratio);
  const caught = memory.place === "beyond" && numbers.sharpness <= FALL * memory.peak;
  const says = caught ? catapult(memory, numbers) : arrival(memory.place, place, numbers, ratio);
  return { memory: { ...BEGINNING, place }, says };
}

/** @param {Memory} memory */
export function word({ place }) {
  return { unknown: "", below: "below the edge", edge: "at the edge", beyond: "beyond the edge" }[place];
}

/**
 * @param {Place} before
 * @param {number} ratio
 * @returns {Place}
 */
function placeOf(before, ratio) {
  if (ratio >= BEYOND || (before === "beyond" && ratio > 1)) return "beyond";
  return ratio >= (before === "edge" ? LEFT_EDGE : AT_EDGE) ? "edge" : "below";
}

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {number} ratio
 */
function beyond(memory, { sharpness, step }, ratio) {
  const higher = memory.place !== "beyond" || sharpness > memory.peak;
  const aloud = memory.aloud || memory.place !== "edge" || ratio >= 2;
  const peak = higher ? { peak: sharpness, ratio } : { peak: memory.peak, ratio: memory.ratio };
  const sentence =
    `Beyond the edge at step ${count(step)}: λ_max = ${number(sharpness)} is ${number(ratio, 2)} times the threshold 2/η, ` +
    "so that the swing grows.";
  const says = aloud && !memory.aloud ? { kind: /** @type {const} */ ("beyond"), sentence } : null;
  return { memory: { place: /** @type {const} */ ("beyond"), ...peak, aloud }, says };
}

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 */
function catapult({ peak }, { sharpness, step, alive }) {
  const sentence =
    `Catapult: by step ${count(step)} λ_max has fallen from ${number(peak)} to ${number(sharpness)}, within 2/η; ` +
    `${count(alive)} neurons bend among the data.`;
  return { kind: /** @type {const} */ ("catapult"), sentence };
}

/**
 * @param {Place} before
 * @param {Place} place
 * @param {Numbers} numbers
 * @param {number} ratio
 */
function arrival(before, place, { step, sharpness }, ratio) {
  if (place === "edge" && before !== "edge" && before !== "beyond") {
    const sentence =
      `At the edge of stability since step ${count(step)}: λ_max = ${number(sharpness)}, ` +
      `${number(ratio, 2)} times 2/η.`;
    return { kind: /** @type {const} */ ("edge"), sentence };
  }
  if (place === "below" && before === "edge") {
    const sentence = `Below the edge since step ${count(step)}: λ_max is ${number(ratio, 2)} times 2/η.`;
    return { kind: /** @type {const} */ ("below"), sentence };
  }
  return null;
}
