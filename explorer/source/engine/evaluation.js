/** Values of a network on a grid. */

import { cellOf } from "./cells.js";
import { spread } from "./sums.js";

const POINTS = 401;
const MARGIN = 0.08; // of the range, on either side: what a network does outside the data is part of the story

/**
 * Equispaced points around the inputs and the interval of the truth.
 *
 * @param {Float64Array} x  sorted @param {number} halfWidth  of the interval of the truth; 0 without a truth
 */
export function gridAround(x, halfWidth) {
  const low = halfWidth > 0 ? Math.min(x[0], -halfWidth) : x[0];
  const high = halfWidth > 0 ? Math.max(x[x.length - 1], halfWidth) : x[x.length - 1];
  const margin = MARGIN * (high - low) || 1;
  const step = (high - low + 2 * margin) / (POINTS - 1);
  return Float64Array.from({ length: POINTS }, (_, i) => low - margin + i * step);
}

/** f at the points of a grid, O(k + m). @param {Float64Array} theta @param {Float64Array} grid */
export function valuesOn(theta, grid) {
  const k = (theta.length - 1) / 3;
  const m = grid.length;
  const step = (grid[m - 1] - grid[0]) / (m - 1);
  const slope = new Float64Array(2 * m + 2);
  const shift = new Float64Array(2 * m + 2);
  for (let j = 0; j < k; j++) {
    const [w, b] = [theta[j], theta[k + j]];
    const guess = Math.ceil((-b / w - grid[0]) / step);
    const cell = cellOf(w, b, grid, Math.min(Math.max(guess || 0, 0), m));
    slope[cell] += theta[2 * k + j] * w;
    shift[cell] += theta[2 * k + j] * b;
  }
  const values = new Float64Array(m);
  spread(grid, slope, shift, theta[3 * k], values);
  return values;
}
