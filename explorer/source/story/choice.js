/**
 * When the step size was chosen that a run has now. A warm-up, whose step sizes grow from frame to frame by less than a
 * tenth, is one choice.
 *
 * @typedef {import("../story.js").Numbers} Numbers
 *
 * @typedef {object} Choice
 * @property {number} stepSize
 * @property {number} origin  step from which on it counts
 * @property {boolean} isNew  whether that is this frame
 */

const CHOICE = 1.1; // factor between two frames by which a step size is another one
const LASTING = 0.25; // of the steps since the choice

/** @type {Choice} */
export const BEGINNING = { stepSize: NaN, origin: 0, isNew: true };

/**
 * @param {Choice} choice
 * @param {Numbers} numbers
 * @returns {Choice}
 */
export function next({ stepSize, origin }, numbers) {
  const factor = numbers.stepSize / stepSize;
  const isNew = !(factor < CHOICE && factor > 1 / CHOICE);
  return { stepSize: numbers.stepSize, origin: isNew ? numbers.step : origin, isNew };
}

/**
 * Whether what began at a step has lasted long enough to be said: a quarter of the steps since the choice.
 * @param {number} since
 * @param {number} step
 * @param {Choice} choice
 */
export function lasts(since, step, { origin }) {
  return step - since >= LASTING * Math.max(0, since - origin);
}
