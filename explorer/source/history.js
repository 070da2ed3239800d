/**
 * What is remembered of a run: one column per number of a frame, all of the same length, at most `CAPACITY`.
 *
 * Entries are dense where a logarithmic and where a linear axis of steps needs them; the first and the last frame
 * always stand. A history is a value: nothing here changes one.
 *
 * @typedef {import("./types.js").Frame} Frame
 *
 * @typedef {object} History
 * @property {Record<Column, Float64Array>} columns  NaN where a frame lacks the number
 * @property {number} length
 * @property {number} spacing  least distance of two entries, as `placesUpTo` measures it
 */
import { ALIVE, DEAD } from "./types.js";

export const COLUMNS = /** @type {const} */ ([
  "step", "time", "stepSize", "threshold", "loss", "sharpness", "residual", "trace", "weightedTv", "bound", "pieces",
  "risk", "alive", "dead", "diverged",
]);
/** @typedef {typeof COLUMNS[number]} Column */

export const CAPACITY = 2000;

/** @type {History} */
export const EMPTY = { columns: record(() => new Float64Array(0)), length: 0, spacing: 0 };

/**
 * The numbers of a frame that a history keeps: its own, how many neurons bend among the
 * data (alive) or are dead, and whether it diverged (0 or 1).
 * @param {Frame} frame
 * @returns {Record<Column, number>}
 */
export function numbersOf(frame) {
  const { states } = frame.neurons;
  const count = (/** @type {number} */ state) => states.reduce((sum, each) => sum + Number(each === state), 0);
  const counts = { alive: count(ALIVE), dead: count(DEAD), diverged: Number(frame.outcome === "diverged") };
  const known = { ...frame, ...counts, risk: frame.risk ?? NaN };
  return record((name) => known[name]);
}

/**
 * Numbers of one entry.
 * @param {History} history
 * @param {number} index
 */
export function entry(history, index) {
  return record((name) => history.columns[name][index]);
}

/**
 * Step of the last entry; -1 if there is none.
 * @param {History} history
 */
export function lastStep(history) {
  return history.columns.step.at(-1) ?? -1;
}

/**
 * Add a frame whose step does not lie before the last one. It takes the place of the last entry where that has the
 * same step, or stands too close to the last but one.
 * @param {History} history
 * @param {Frame} frame
 * @returns {History}
 */
export function append(history, frame) {
  const room = history.length < CAPACITY ? history : thin(history);
  const kept = room.length - Number(isReplaced(room, frame.step));
  const numbers = numbersOf(frame);
  const columns = record((name) => {
    const longer = new Float64Array(kept + 1);
    longer.set(room.columns[name].subarray(0, kept));
    longer[kept] = numbers[name];
    return longer;
  });
  return { columns, length: kept + 1, spacing: room.spacing };
}

/**
 * The entries up to a step.
 * @param {History} history
 * @param {number} step
 * @returns {History}
 */
export function until(history, step) {
  const length = history.columns.step.filter((at) => at <= step).length;
  if (length === history.length) return history;
  return { ...history, columns: record((name) => history.columns[name].slice(0, length)), length };
}

/**
 * @param {History} history
 * @param {number} step
 */
function isReplaced({ columns, length, spacing }, step) {
  if (lastStep({ columns, length, spacing }) === step) return true;
  if (length < 2 || !spacing) return false;
  const place = placesUpTo(step);
  return place(columns.step[length - 1]) - place(columns.step[length - 2]) < spacing;
}

/**
 * Drop about half of the entries, those closest to the one before; never the first or the last.
 * @param {History} history
 * @returns {History}
 */
function thin(history) {
  const steps = history.columns.step;
  const place = placesUpTo(lastStep(history));
  const spacing = (2 * (place(Infinity) - place(steps[0]))) / CAPACITY;
  /** @type {number[]} */
  const kept = [0];
  for (let index = 1; index < steps.length - 1; index++)
    if (place(steps[index]) - place(steps[kept[kept.length - 1]]) >= spacing) kept.push(index);
  kept.push(steps.length - 1);
  const columns = record((name) => Float64Array.from(kept, (index) => history.columns[name][index]));
  return { columns, length: kept.length, spacing };
}

/**
 * Where a step stands on [0, 1]: half of the room goes to its logarithm, half to itself.
 * @param {number} last
 */
function placesUpTo(last) {
  const end = Math.max(last, 1);
  return (/** @type {number} */ step) => {
    const at = Math.min(step, end);
    return 0.5 * (at / end + Math.log1p(at) / Math.log1p(end));
  };
}

/**
 * @template T
 * @param {(name: Column) => T} value
 * @returns {Record<Column, T>}
 */
function record(value) {
  return /** @type {Record<Column, T>} */ (Object.fromEntries(COLUMNS.map((name) => [name, value(name)])));
}
