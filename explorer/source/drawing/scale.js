/**
 * Scales: from values to pixels and back.
 *
 * @typedef {object} Scale
 * @property {"linear" | "log"} kind
 * @property {number} low  least value
 * @property {number} high  largest value
 * @property {number} from  pixel of the least
 * @property {number} to  pixel of the largest
 * @property {(value: number) => number} at  NaN where a logarithm has no place for the value
 * @property {(pixel: number) => number} back
 */

/**
 * @param {readonly [number, number]} values
 * @param {readonly [number, number]} pixels
 * @returns {Scale}
 */
export function linear([low, high], [from, to]) {
  const slope = (to - from) / (high - low);
  return {
    kind: "linear",
    low,
    high,
    from,
    to,
    at: (value) => from + (value - low) * slope,
    back: (pixel) => low + (pixel - from) / slope,
  };
}

/**
 * @param {readonly [number, number]} values  positive
 * @param {readonly [number, number]} pixels
 * @returns {Scale}
 */
export function log([low, high], [from, to]) {
  const origin = Math.log(low);
  const slope = (to - from) / (Math.log(high) - origin);
  return {
    kind: "log",
    low,
    high,
    from,
    to,
    at: (value) => (value > 0 ? from + (Math.log(value) - origin) * slope : NaN),
    back: (pixel) => Math.exp(origin + (pixel - from) / slope),
  };
}

/**
 * What a scale is, as values that can be compared.
 * @param {Scale} scale
 */
export function keyOf({ kind, low, high, from, to }) {
  return [kind, low, high, from, to];
}

/**
 * Limits that hold some values with a margin and do not dance: they grow when they must and shrink when the
 * values fill less than half of them.
 *
 * @param {readonly [number, number] | null} before
 * @param {number} low  least of the values
 * @param {number} high  largest
 * @param {number} margin  share of the span that is added at both ends
 * @param {number} least  smallest span
 * @returns {[number, number]}
 */
export function steadyLimits(before, low, high, margin = 0.08, least = 1e-9) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return before ? [before[0], before[1]] : [0, 1];
  const span = Math.max(high - low, least);
  const middle = 0.5 * (low + high);
  const fits = before && before[0] <= middle - 0.5 * span && middle + 0.5 * span <= before[1];
  if (fits && span > 0.5 * (before[1] - before[0])) return [before[0], before[1]];
  const half = (0.5 + margin) * span;
  return [middle - half, middle + half];
}

/**
 * The same on a logarithmic axis; values are positive, `least` is a factor.
 * @param {readonly [number, number] | null} before
 * @param {number} low
 * @param {number} high
 * @returns {[number, number]}
 */
export function steadyLogLimits(before, low, high, margin = 0.08, least = 1.5) {
  if (!(low > 0) || !Number.isFinite(high)) return before ? [before[0], before[1]] : [0.1, 10];
  const logs = before && /** @type {const} */ ([Math.log(before[0]), Math.log(before[1])]);
  const [a, b] = steadyLimits(logs, Math.log(low), Math.log(high), margin, Math.log(least));
  return [Math.exp(a), Math.exp(b)];
}

/**
 * The end of an axis of steps: the next of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten.
 * @param {number} step
 */
export function stepLimit(step) {
  const tens = 10 ** Math.floor(Math.log10(Math.max(step, 10)));
  const factors = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12];
  return tens * /** @type {number} */ (factors.find((factor) => factor * tens >= step * 1.02));
}
