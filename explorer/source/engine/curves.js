/**
 * The curves of `stepscape.problems.curves`, each a function on [-1, 1] that is stretched over the inputs.
 *
 * @typedef {import("../types.js").Data} Data
 */

/** @param {number} value @param {number} low @param {number} high */
const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** @type {Record<string, (u: number) => number>} */
export const SHAPES = {
  tent: (u) => 2 * Math.max(1 - 2 * Math.abs(u), 0) - 0.5,
  wave: (u) => Math.sin(2 * Math.PI * u),
  steps: (u) => clip(20 * (u + 0.4), -0.5, 0.5) - clip(20 * (u - 0.3), -0.5, 0.5),
  doppler: (u) => {
    const t = (u + 1) / 2;
    return 2 * Math.sqrt(Math.max(t * (1 - t), 0)) * Math.sin((2.1 * Math.PI) / (t + 0.05));
  },
  line: (u) => u,
  zero: () => 0,
};

/** s(f) = 1/(1 + e^-f). @param {number} f */
export function probability(f) {
  const small = Math.exp(-Math.abs(f));
  return (f >= 0 ? 1 : small) / (1 + small);
}

/** log(e^a + e^b). @param {number} a @param {number} b */
const logSum = (a, b) => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));

/** The logit of labels drawn from the logit f and then flipped at a rate below ½. @param {number} f @param {number} rate */
function flipped(f, rate) {
  if (rate === 0) return f;
  const keep = Math.log1p(-rate);
  const flip = Math.log(rate);
  return logSum(f + keep, flip) - logSum(f + flip, keep);
}

/**
 * The truth of data: the mean of the labels or, for the logistic loss, their logit; null where nobody knows it.
 *
 * @param {Data} data
 * @param {import("../types.js").Loss} loss
 * @returns {((x: number) => number) | null}
 */
export function truthOf(data, loss) {
  if (data.truth === null) return null;
  const shape = SHAPES[data.truth];
  if (loss === "square") return (x) => shape(x / data.halfWidth);
  return (x) => flipped(data.amplitude * shape(x / data.halfWidth), data.flipRate);
}
