/**
 * Whether the network still has neurons that bend among the data.
 *
 * Dead: fewer than 3, or fewer than 1 % of the width, as the claims on step sizes say it. Alive again: twice as many.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 * @typedef {import("../story.js").Context} Context
 * @typedef {{ dead: boolean, most: number }} Memory  most: the largest number that bent so far
 */
import { count, counted } from "../words.js";

export const FEWEST = 3;
export const LEAST = 0.01;

/** @type {Memory} */
export const BEGINNING = { dead: false, most: 0 };

/**
 * @param {Memory} memory
 * @param {Numbers} numbers
 * @param {Context} context
 */
export function next(memory, { step, alive }, { width }) {
  const least = Math.max(FEWEST, LEAST * width);
  const dead = alive < (memory.dead ? 2 : 1) * least;
  const most = Math.max(memory.most, alive);
  const says = dead && !memory.dead ? { kind: /** @type {const} */ ("dead"), sentence: sentence(step, alive, width) } : null;
  return { memory: { dead, most }, says };
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
  const left = alive === 0 ? "no neuron bends" : `only ${counted(alive, "neuron bends", "neurons bend")}`;
  return `Dead at step ${count(step)}: of ${count(width)} neurons ${left} among the data.`;
}
