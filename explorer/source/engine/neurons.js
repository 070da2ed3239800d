/**
 * Where each neuron bends and what has become of it.
 *
 * @typedef {import("../types.js").Neurons} Neurons
 */

import { ALIVE, DEAD, LINEAR, STUCK } from "../types.js";

const NEAR = 1e-3; // of the range of the inputs: a knot this close to an input is stuck to it

/**
 * @param {Float64Array} theta @param {Uint32Array} cells @param {Float64Array} x
 * @returns {Neurons}
 */
export function neuronsOf(theta, cells, x) {
  const k = cells.length;
  const n = x.length;
  const knots = Float64Array.from(cells, (_, j) => (theta[j] === 0 ? NaN : -theta[k + j] / theta[j]));
  const near = NEAR * (x[n - 1] - x[0]);
  return {
    knots,
    states: Uint8Array.from(cells, (cell, j) => {
      if (cell === n || cell === n + 1) return DEAD;
      if (cell === 0 || cell === 2 * n + 1) return LINEAR;
      const p = cell > n ? cell - n - 1 : cell;
      return knots[j] - x[p - 1] <= near || x[p] - knots[j] <= near ? STUCK : ALIVE;
    }),
    jumps: Float64Array.from(cells, (_, j) => theta[2 * k + j] * Math.abs(theta[j])),
  };
}
