/**
 * The weight g of the theory and ∫|f''| g. With X the distribution of the inputs,
 *
 *     g+(t) = P(X > t)² (E[X | X > t] - t) √(1 + E[X | X > t]²),   g-(t) its mirror image,   g = min(g+, g-).
 *
 * Source: Mulayoff et al. (2021), Theorem 1; Qiao et al. (2024), Theorem 3.1.
 *
 * @typedef {import("./polyline.js").Polyline} Polyline
 *
 * @typedef {object} Tails  of a distribution, from the right
 * @property {Float64Array} points  distinct, increasing (m,)
 * @property {Float64Array} mass  P(X ≥ x_i), 0 at the end (m + 1,)
 * @property {Float64Array} spread  E[max(X - x_i, 0)], 0 at the end (m + 1,)
 */

/**
 * ∫|f''| g of a function for inputs with weights of any positive sum.
 *
 * @param {Polyline} polyline @param {Float64Array} x  sorted @param {Float64Array} weights
 */
export function weightedVariation({ points, jumps }, x, weights) {
  const up = tailsOf(x, weights);
  const down = tailsOf(x.map((_, i) => -x[x.length - 1 - i]), weights.slice().reverse());
  return points.reduce((sum, t, i) => sum + Math.abs(jumps[i]) * Math.min(side(up, t), side(down, -t)), 0);
}

/** @param {Float64Array} x @param {Float64Array} weights @returns {Tails} */
function tailsOf(x, weights) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  /** @type {number[]} */
  const points = [];
  /** @type {number[]} */
  const masses = [];
  x.forEach((at, i) => {
    if (weights[i] === 0) return;
    if (points[points.length - 1] === at) masses[masses.length - 1] += weights[i] / total;
    else masses[points.push(at) - 1] = weights[i] / total;
  });
  const m = points.length;
  const mass = new Float64Array(m + 1);
  const spread = new Float64Array(m + 1);
  for (let i = m - 1; i >= 0; i--) {
    mass[i] = mass[i + 1] + masses[i];
    if (i + 1 < m) spread[i] = spread[i + 1] + mass[i + 1] * (points[i + 1] - points[i]); // no negative term
  }
  return { points: Float64Array.from(points), mass, spread };
}

/** g+ of a distribution. @param {Tails} tails @param {number} t */
function side({ points, mass, spread }, t) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle] > t) high = middle;
    else low = middle + 1;
  }
  if (low === points.length) return 0;
  const beyond = spread[low] / mass[low];
  return mass[low] ** 2 * (beyond + (points[low] - t)) * Math.hypot(1, points[low] + beyond);
}
