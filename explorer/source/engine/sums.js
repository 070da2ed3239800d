/**
 * The two passes over sorted inputs that make every sum over pairs of a neuron and an input cost O(n + k).
 * Arrays (2n + 2,) have one entry per cell; see `cells.js`.
 */

/**
 * Set values[i] = constant + Σ (slope x_i + shift) over the cells that see x_i, and empty the cells.
 *
 * @param {Float64Array} x @param {Float64Array} slope @param {Float64Array} shift @param {number} constant
 * @param {Float64Array} values
 */
export function spread(x, slope, shift, constant, values) {
  const n = x.length;
  let rise = 0;
  let lift = constant;
  for (let i = 0; i < n; i++) {
    rise += slope[i];
    lift += shift[i];
    values[i] = rise * x[i] + lift;
  }
  rise = 0;
  lift = 0;
  for (let i = n - 1; i >= 0; i--) {
    rise += slope[n + 2 + i];
    lift += shift[n + 2 + i];
    values[i] += rise * x[i] + lift;
  }
  slope.fill(0);
  shift.fill(0);
}

/**
 * Set moment[c] = Σ g_i x_i and total[c] = Σ g_i over the inputs that cell c sees; cell 0 sees all of them.
 *
 * @param {Float64Array} x @param {Float64Array} g @param {Float64Array} moment @param {Float64Array} total
 */
export function gather(x, g, moment, total) {
  const n = x.length;
  moment[n] = total[n] = moment[n + 1] = total[n + 1] = 0;
  for (let i = n - 1; i >= 0; i--) {
    moment[i] = moment[i + 1] + g[i] * x[i];
    total[i] = total[i + 1] + g[i];
  }
  for (let i = 0; i < n; i++) {
    moment[n + 2 + i] = moment[n + 1 + i] + g[i] * x[i];
    total[n + 2 + i] = total[n + 1 + i] + g[i];
  }
}
