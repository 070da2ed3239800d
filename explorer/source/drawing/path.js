/** Paths of curves and marks: strings for the attribute `d`, in pixels with one decimal. */

/** @typedef {import("./scale.js").Scale} Scale */
/** @typedef {ArrayLike<number>} Numbers */

const COLUMN = 2; // pixels; of each column the least and the largest point are kept: one point a pixel
const FAR = 4000; // pixels beyond the panel, where its clip hides everything

/**
 * The line through points; gaps where a value is not a number or has no place.
 * @param {Numbers} xs  increasing
 * @param {Numbers} ys
 * @param {Scale} x
 * @param {Scale} y
 */
export function line(xs, ys, x, y) {
  const [across, up] = [pixels(xs, x), pixels(ys, y)];
  return write(across, up, thin(across, up));
}

/**
 * The area between two curves over the same inputs; nothing where one of them has a gap.
 * @param {Numbers} xs
 * @param {Numbers} lower
 * @param {Numbers} upper
 * @param {Scale} x
 * @param {Scale} y
 */
export function area(xs, lower, upper, x, y) {
  const [across, bottom, top] = [pixels(xs, x), pixels(lower, y), pixels(upper, y)];
  if (across.length === 0 || bottom.some(Number.isNaN) || top.some(Number.isNaN)) return "";
  const back = write(across, bottom, thin(across, bottom).reverse());
  return `${write(across, top, thin(across, top))}${back.replace("M", "L")}Z`;
}

/**
 * Pixels of values, held so near that a path stands them.
 * @param {Numbers} values
 * @param {Scale} scale
 */
function pixels(values, { at, from, to }) {
  const [low, high] = [Math.min(from, to) - FAR, Math.max(from, to) + FAR];
  const found = new Float64Array(values.length);
  // Float64Array.from takes five times as long.
  for (let i = 0; i < found.length; i++) found[i] = Math.min(high, Math.max(low, at(values[i])));
  return found;
}

/**
 * Which points are drawn: of every column of pixels the least and the largest, in their order, and every gap.
 * @param {Numbers} across  increasing
 * @param {Numbers} up
 */
export function thin(across, up) {
  /** @type {number[]} */
  const kept = [];
  for (let i = 0, next = 0; i < up.length; i = next) {
    const column = Math.floor(across[i] / COLUMN);
    let [least, largest] = [i, i];
    next = i + 1;
    if (!Number.isNaN(up[i])) {
      for (
        ;
        next < up.length && Math.floor(across[next] / COLUMN) === column && !Number.isNaN(up[next]);
        next++
      ) {
        if (up[next] < up[least]) least = next;
        if (up[next] > up[largest]) largest = next;
      }
    }
    kept.push(Math.min(least, largest));
    if (least !== largest) kept.push(Math.max(least, largest));
  }
  return kept;
}

/**
 * @param {Numbers} across
 * @param {Numbers} up
 * @param {number[]} places
 */
function write(across, up, places) {
  let text = "";
  let isDrawing = false;
  for (const i of places) {
    const isGap = Number.isNaN(across[i]) || Number.isNaN(up[i]);
    if (!isGap) text += `${isDrawing ? "L" : "M"}${tenth(across[i])} ${tenth(up[i])}`;
    isDrawing = !isGap;
  }
  return text;
}

/** @param {number} pixel */
export function tenth(pixel) {
  return Math.round(pixel * 10) / 10;
}
