/**
 * How many straight lines draw a function, each within a tolerance of it at every vertex. A line that does exists
 * exactly when the convex hull of the vertices is nowhere thicker than twice the tolerance; the longest possible piece
 * each time is optimal. As `stepscape.measures.pieces`.
 *
 * @typedef {import("./polyline.js").Polyline} Polyline
 * @typedef {import("./problem.js").Problem} Problem
 */

const SHARE = 0.05; // of the standard deviation of the labels
const LOGIT = 0.2;

/** @param {Polyline} polyline @param {number} tolerance */
export function linearPieces(polyline, tolerance) {
  const last = polyline.points.length - 1;
  let count = 1;
  for (let end = reach(polyline, 0, 2 * tolerance); end < last; end = reach(polyline, end, 2 * tolerance)) count++;
  return count;
}

/**
 * 5 % of the standard deviation of the labels, infinite where they are equal; for the logistic loss 0.2 of a logit.
 * At least the rounding of f.
 *
 * @param {Problem} problem @param {Float64Array} theta
 */
export function pieceTolerance({ loss, x, y }, theta) {
  const n = y.length;
  const mean = y.reduce((sum, label) => sum + label, 0) / n;
  const deviation = Math.sqrt(y.reduce((sum, label) => sum + (label - mean) ** 2, 0) / n);
  const equal = deviation <= 4 * Number.EPSILON * Math.max(...y.map(Math.abs));
  const wanted = loss === "logistic" ? LOGIT : equal ? Infinity : SHARE * deviation;
  return Math.max(wanted, 64 * Number.EPSILON * magnitude(theta, Math.max(...x.map(Math.abs))));
}

/** The sum of the sizes of the terms of f at a distance from 0. @param {Float64Array} theta @param {number} distance */
function magnitude(theta, distance) {
  const k = (theta.length - 1) / 3;
  let sum = Math.abs(theta[3 * k]);
  for (let j = 0; j < k; j++) {
    sum += Math.abs(theta[2 * k + j]) * (Math.abs(theta[j]) * distance + Math.abs(theta[k + j]));
  }
  return sum;
}

/** The last vertex of the longest piece from a start. @param {Polyline} polyline @param {number} start @param {number} thickness */
function reach(polyline, start, thickness) {
  const upper = [start];
  const lower = [start];
  const last = polyline.points.length - 1;
  for (let i = start + 1; i <= last; i++) {
    extend(polyline, upper, i, 1);
    extend(polyline, lower, i, -1);
    // Only the newest edges can have made the hull thicker.
    if (i > start + 1 && Math.max(gap(polyline, upper, lower, 1), gap(polyline, lower, upper, -1)) > thickness) {
      return i - 1;
    }
  }
  return last;
}

/** Add a vertex on the right of an upper (1) or lower (-1) hull. @param {Polyline} polyline @param {number[]} chain @param {number} added @param {number} sign */
function extend({ points: x, values: y }, chain, added, sign) {
  while (chain.length > 1) {
    const [a, b] = chain.slice(-2);
    if (sign * ((y[b] - y[a]) * (x[added] - x[a]) - (y[added] - y[a]) * (x[b] - x[a])) > 0) break;
    chain.pop();
  }
  chain.push(added);
}

/**
 * The largest vertical distance from the last edge of a hull to the other hull; its slopes are monotone, so that the
 * vertex where they pass the slope of the edge is found by bisection.
 *
 * @param {Polyline} polyline @param {number[]} chain @param {number[]} other @param {number} sign
 */
function gap({ points: x, values: y }, chain, other, sign) {
  const [a, b] = chain.slice(-2);
  const slope = (y[b] - y[a]) / (x[b] - x[a]);
  let low = 0;
  let high = other.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [c, d] = [other[middle], other[middle + 1]];
    if (sign * ((y[d] - y[c]) / (x[d] - x[c]) - slope) < 0) low = middle + 1;
    else high = middle;
  }
  const at = other[low];
  return x[at] >= x[a] ? sign * (y[a] + slope * (x[at] - x[a]) - y[at]) : 0;
}
