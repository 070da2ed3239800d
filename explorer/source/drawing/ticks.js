/** Ticks at round numbers, as many as have room for their names, three or more wherever three fit. */

import { fixed, short } from "./number.js";

/** @typedef {import("./scale.js").Scale} Scale */
/** @typedef {{ value: number, name: string, at: number }} Tick */

const FEWEST = 3;
const MOST = 7;

/**
 * @param {Scale} scale
 * @param {(name: string) => number} extent  length of a name along the axis, in pixels
 * @returns {Tick[]}
 */
export function ticks(scale, extent) {
  const sets = scale.kind === "log" ? logSets(scale.low, scale.high) : linearSets(scale.low, scale.high);
  /** @type {Tick[]} */
  let best = [];
  for (const { values, name } of sets) {
    const found = values.map((value) => ({ value, name: name(value), at: scale.at(value) }));
    if (!apart(found, extent) || found.length <= best.length) continue;
    best = found;
    if (best.length >= FEWEST) break;
  }
  return best;
}

/**
 * @param {Tick[]} found
 * @param {(name: string) => number} extent
 */
function apart(found, extent) {
  return (
    found.length <= MOST + 2 &&
    found.every((tick, i) => {
      if (i === 0) return true;
      const need = 0.5 * (extent(tick.name) + extent(found[i - 1].name));
      return Math.abs(tick.at - found[i - 1].at) >= need;
    })
  );
}

/**
 * Multiples of 1, 2 or 5 times a power of ten, the finest first.
 * @param {number} low
 * @param {number} high
 */
function* linearSets(low, high) {
  const span = high - low;
  const start = Math.floor(Math.log10(span / MOST));
  for (let exponent = start; exponent <= start + 2; exponent += 1) {
    for (const factor of [1, 2, 5]) {
      const values = multiples(factor, exponent, low, high);
      if (values.length > 0 && values.length <= MOST) {
        const decimals = Math.max(0, -exponent);
        const name = decimals > 5 ? short : (/** @type {number} */ value) => fixed(value, decimals);
        yield { values, name };
      }
    }
  }
}

/**
 * @param {number} factor
 * @param {number} exponent
 * @param {number} low
 * @param {number} high
 */
function multiples(factor, exponent, low, high) {
  const slack = 1e-9 * (high - low);
  const step = factor * 10 ** exponent;
  const values = [];
  for (let i = Math.ceil((low - slack) / step); i * step <= high + slack && values.length <= MOST; i += 1) {
    values.push(Number(`${i * factor}e${exponent}`));
  }
  return values;
}

/**
 * {1, 3}·10^k, then every so many powers, then finer; the best first.
 * @param {number} low
 * @param {number} high
 */
function* logSets(low, high) {
  const usual = within([1, 3], 1, low, high);
  if (usual.length >= FEWEST) {
    yield { values: usual, name: short };
    for (const stride of [1, 2, 3, 5, 10, 20, 50, 100]) {
      const values = within([1], stride, low, high);
      if (values.length >= FEWEST) yield { values, name: short };
    }
  }
  yield { values: within([1, 2, 5], 1, low, high), name: short };
  yield { values: within([1, 1.5, 2, 3, 5], 1, low, high), name: short };
  yield { values: within([1, 1.5, 2, 3, 4, 5, 7], 1, low, high), name: short };
  yield* linearSets(low, high);
  yield { values: usual, name: short };
}

/**
 * @param {number[]} factors
 * @param {number} stride  of the powers of ten
 * @param {number} low
 * @param {number} high
 */
function within(factors, stride, low, high) {
  const values = [];
  const first = Math.floor(Math.log10(low));
  for (let k = first; k <= Math.ceil(Math.log10(high)); k += 1) {
    if (k % stride !== 0) continue;
    for (const factor of factors) {
      const value = Number(`${factor}e${k}`);
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) values.push(value);
    }
  }
  return values;
}
