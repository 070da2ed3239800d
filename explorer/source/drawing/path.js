/** Paths of curves and marks: strings for the attribute `d`, in pixels with one decimal. */

/** @typedef {import("./scale.js").Scale} Scale */
/** @typedef {ArrayLike<number>} Numbers */

const COLUMN = 2; // pixels; of each column the least and the largest point are kept: one point a pixel
const FAR = 4000; // pixels beyond the panel, where its clip hides everything

/** The line through points; gaps where a value is not finite or has no place.
 * @param {Numbers} xs increasing @param {Numbers} ys @param {Scale} x @param {Scale} y */
export function line(xs, ys, x, y) {
  return write(thin(places(xs, ys, x, y)));
}

/** The area between two curves over the same inputs; both must be finite where it is drawn.
 * @param {Numbers} xs @param {Numbers} lower @param {Numbers} upper @param {Scale} x @param {Scale} y */
export function area(xs, lower, upper, x, y) {
  const top = thin(places(xs, upper, x, y));
  const bottom = thin(places(xs, lower, x, y)).reverse();
  if (top.length === 0 || [...top, ...bottom].some(([, at]) => Number.isNaN(at))) return "";
  return `${write([...top, ...bottom])}Z`;
}

/** A horizontal line for each run of equal values, joined by upright ones: what is set, and set anew.
 * @param {Numbers} xs @param {Numbers} ys @param {Scale} x @param {Scale} y */
export function stairs(xs, ys, x, y) {
  const points = places(xs, ys, x, y);
  /** @type {[number, number][]} */
  const corners = [];
  points.forEach(([at, height], i) => {
    const last = i > 0 ? points[i - 1][1] : NaN;
    if (height === last && i < points.length - 1) return;
    if (i > 0 && height !== last) corners.push([at, last]);
    corners.push([at, height]);
  });
  return write(corners);
}

/** @param {Numbers} xs @param {Numbers} ys @param {Scale} x @param {Scale} y @returns {[number, number][]} */
function places(xs, ys, x, y) {
  const low = Math.min(y.from, y.to) - FAR;
  const high = Math.max(y.from, y.to) + FAR;
  return Array.from({ length: Math.min(xs.length, ys.length) }, (_, i) => {
    const height = y.at(ys[i]);
    return [x.at(xs[i]), Math.min(high, Math.max(low, height))];
  });
}

/** Keep of every column of pixels its least and its largest point, in their order, and every gap.
 * @param {[number, number][]} points @returns {[number, number][]} */
export function thin(points) {
  /** @type {[number, number][]} */
  const kept = [];
  for (let i = 0; i < points.length; ) {
    const column = Math.floor(points[i][0] / COLUMN);
    let [least, largest, gap] = [i, i, Number.isNaN(points[i][1])];
    let j = i + 1;
    for (; !gap && j < points.length && Math.floor(points[j][0] / COLUMN) === column; j += 1) {
      if (Number.isNaN(points[j][1])) break;
      if (points[j][1] < points[least][1]) least = j;
      if (points[j][1] > points[largest][1]) largest = j;
    }
    kept.push(points[Math.min(least, largest)]);
    if (least !== largest) kept.push(points[Math.max(least, largest)]);
    i = j;
  }
  return kept;
}

/** @param {[number, number][]} points */
function write(points) {
  let text = "";
  let drawing = false;
  for (const [x, y] of points) {
    if (Number.isNaN(x) || Number.isNaN(y)) drawing = false;
    else {
      text += `${drawing ? "L" : "M"}${tenth(x)} ${tenth(y)}`;
      drawing = true;
    }
  }
  return text;
}

/** @param {number} pixel */
export function tenth(pixel) {
  return Math.round(pixel * 10) / 10;
}
