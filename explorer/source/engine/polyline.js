/**
 * A network as the piecewise linear function that it is, over the range of the inputs.
 *
 * @typedef {object} Polyline
 * @property {Float64Array} points  the ends of the range and the distinct knots strictly between them, increasing
 * @property {Float64Array} values  f there
 * @property {Float64Array} jumps  changes of slope at the points, 0 at the ends
 */

/**
 * @param {Float64Array} theta @param {number} low @param {number} high
 * @param {number} first  f(low)
 * @returns {Polyline}
 */
export function polylineOf(theta, low, high, first) {
  const knots = knotsBetween(theta, low, high);
  if (high > low) knots.push({ at: high, jump: 0 });
  const points = Float64Array.of(low, ...knots.map(({ at }) => at));
  const jumps = Float64Array.of(0, ...knots.map(({ jump }) => jump));
  const values = new Float64Array(points.length).fill(first);
  let slope = slopeAfter(theta, low);
  for (let i = 1; i < points.length; i++) {
    values[i] = values[i - 1] + slope * (points[i] - points[i - 1]);
    slope += jumps[i];
  }
  return { points, values, jumps };
}

/** Increasing knots of neurons that bend; equal ones are one. @param {Float64Array} theta @param {number} low @param {number} high */
function knotsBetween(theta, low, high) {
  const k = (theta.length - 1) / 3;
  const found = [];
  for (let j = 0; j < k; j++) {
    const at = -theta[k + j] / theta[j];
    if (at > low && at < high && theta[2 * k + j] !== 0) found.push({ at, jump: theta[2 * k + j] * Math.abs(theta[j]) });
  }
  found.sort((a, b) => a.at - b.at);
  let count = 0;
  for (const knot of found) {
    if (count && found[count - 1].at === knot.at) found[count - 1].jump += knot.jump;
    else found[count++] = knot;
  }
  found.length = count;
  return found;
}

/** The slope of f just right of a point. @param {Float64Array} theta @param {number} low */
function slopeAfter(theta, low) {
  const k = (theta.length - 1) / 3;
  let slope = 0;
  for (let j = 0; j < k; j++) {
    const w = theta[j];
    const knot = -theta[k + j] / w;
    if (w > 0 ? knot <= low : knot > low) slope += theta[2 * k + j] * w;
  }
  return slope;
}
