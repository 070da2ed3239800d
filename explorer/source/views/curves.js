/**
 * Numbers of a history over steps, and where they are drawn.
 *
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/panel.js").Box} Box
 */
import { linear, log, stepLimit } from "../drawing/scale.js";

export const MARGINS = { left: 56, top: 30, bottom: 42 };

/**
 * Box of a panel with room for names beside it where there is any.
 * @param {import("../drawing/plot.js").Size} size
 * @param {number} top
 * @param {number} bottom
 * @returns {Box}
 */
export function boxOf({ width, narrow }, top, bottom) {
  return { left: MARGINS.left, right: width - (narrow ? 12 : 112), top, bottom };
}

/**
 * The axis of steps; on the logarithmic one step 0 stands at 1.
 * @param {number} last
 * @param {Box} box
 * @param {boolean} isLog
 * @returns {Scale}
 */
export function stepScale(last, box, isLog) {
  const limit = stepLimit(last);
  if (!isLog) return linear([0, limit], [box.left, box.right]);
  const scale = log([1, Math.max(limit, 100)], [box.left, box.right]);
  return { ...scale, at: (step) => scale.at(Math.max(step, 1)) };
}

/**
 * Least and largest of the finite numbers, positive ones only if that is asked for.
 * @param {ArrayLike<number>[]} columns
 * @param {boolean} [positive]
 * @returns {[number, number]}
 */
export function extent(columns, positive = false) {
  let [low, high] = [Infinity, -Infinity];
  for (const column of columns) {
    for (let i = 0; i < column.length; i++) {
      const value = column[i];
      if (!Number.isFinite(value) || (positive && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

/**
 * The last entry of a history that lies at or before the frame that is shown.
 * @param {State} state
 */
export function shownIndex({ history, frame }) {
  if (!frame) return -1;
  const { step } = history.columns;
  let index = history.length - 1;
  while (index >= 0 && step[index] > frame.step) index -= 1;
  return index;
}

/**
 * @param {Float64Array} values
 */
export function lastFinite(values) {
  for (let i = values.length - 1; i >= 0; i--) if (Number.isFinite(values[i])) return values[i];
  return NaN;
}

/**
 * The threshold 2(1 + β)/η of the method that the controls say.
 * @param {State} state
 */
export function thresholdOf({ setup: { method } }) {
  return (2 * (1 + method.momentum)) / method.stepSize;
}
