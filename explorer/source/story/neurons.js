/**
 * Whether the network still has neurons that bend among the data.
 *
 * Dead: fewer than 3, or fewer than 1 % of the width, as the claims on step sizes say it. Alive again: three times as
 * many. At the edge knots swing in and out of the data, so that the number of a frame counts no less than 80 % of the
 * frame before it.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Context} Context
 * @typedef {{ dead: boolean, recent: number }} Memory  recent: how many bend, swings evened out
 */
import { count, counted } from "../words.js";

const FEWEST = 3;
const LEAST = 0.01;
const AGAIN = 3;
const FADE = 0.8;

/** @type {Memory} */
export const BEGINNING = { dead: false, recent: 0 };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Context} context
 */
export function next(memory, { step, alive }, { width }) {
  const recent = Math.max(alive, FADE * memory.recent);
  const dead = recent < (memory.dead ? AGAIN : 1) * Math.max(FEWEST, LEAST * width);
  const says = dead && !memory.dead ? { kind: /** @type {const} */ ("dead"), sentence: sentence(step, alive, width) } : null;
  return { memory: { dead, recent }, says };
}

/** @param {Memory} memory */
export function word({ dead }) {
  return dead ? "dead" : "";
}

/**
 * @param {number} step
 * @param {number} alive
 * @param {number} width
 */
function sentence(step, alive, width) {
  const left = alive === 0 ? "none bends" : `only ${count(alive)} ${alive === 1 ? "bends" : "bend"}`;
  return `Dead by step ${count(step)}: of ${counted(width, "neuron")} ${left} among the data.`;
}
