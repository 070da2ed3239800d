/**
 * The largest eigenvalue of a symmetric operator by Lanczos with full reorthogonalization, with its true residual.
 *
 * @typedef {object} Eigenpair
 * @property {number} value  Rayleigh quotient of the vector: a lower bound on the largest eigenvalue
 * @property {number} residual  ‖A v - value v‖: some eigenvalue lies within it
 * @property {Float64Array} vector  of length 1
 */

import { topOf } from "./tridiagonal.js";

const ROWS = 64; // of the Krylov basis before a restart
const MOST_PRODUCTS = 2000;
const FIRST_LOOK = 8; // products before the first check, from a generic vector
const WARM_LOOK = 2; // from a vector that is close

/**
 * @param {(u: Float64Array, out: Float64Array) => void} product
 * @param {Float64Array} noise  a generic vector of length 1
 * @param {Float64Array | null} start  close to the eigenvector; a little of the noise is mixed into it
 * @param {number} tolerance  of the residual, relative
 * @returns {Eigenpair}
 */
export function largestEigenpair(product, noise, start, tolerance) {
  const rows = Math.min(ROWS, noise.length);
  const basis = [begin(noise, start)];
  const diagonal = new Float64Array(rows);
  const beside = new Float64Array(rows);
  const image = new Float64Array(noise.length);
  let look = start ? WARM_LOOK : FIRST_LOOK;
  for (let done = 0, spent = 0; ; ) {
    const want = Math.min(done + look, rows);
    look = want < FIRST_LOOK ? 1 : 2;
    const reached = extend(product, basis, diagonal, beside, done, want);
    spent += reached - done;
    done = reached;
    const { scale, vector } = topOf(diagonal.subarray(0, done), beside.subarray(0, done - 1));
    const closed = done < want || done === rows;
    if (!closed && Math.abs(beside[done - 1] * vector[done - 1]) > tolerance * scale) continue;
    const found = combination(basis, vector);
    product(found, image);
    const pair = rayleigh(found, image);
    if (!(pair.residual > 2 * tolerance * scale) || spent >= MOST_PRODUCTS) return pair;
    if (closed) {
      basis.length = 0;
      basis.push(found);
      [done, look] = [0, FIRST_LOOK];
    }
  }
}

/** @param {Float64Array} noise @param {Float64Array | null} start */
function begin(noise, start) {
  if (!start) return noise.slice();
  const size = norm(start);
  return unit(noise.map((value, j) => start[j] / size + 0.01 * value));
}

/**
 * Extend the basis from row `first` to row `last`; returns the rows whose product was taken, fewer where the space
 * is invariant.
 *
 * @param {(u: Float64Array, out: Float64Array) => void} product @param {Float64Array[]} basis
 * @param {Float64Array} diagonal @param {Float64Array} beside @param {number} first @param {number} last
 */
function extend(product, basis, diagonal, beside, first, last) {
  for (let m = first; m < last; m++) {
    const out = new Float64Array(basis[m].length);
    product(basis[m], out);
    const size = norm(out);
    diagonal[m] = orthogonalize(out, basis);
    beside[m] = norm(out);
    if (beside[m] < 0.1 * size) {
      diagonal[m] += orthogonalize(out, basis); // much canceled: rounding errors along the rows are no longer small
      beside[m] = norm(out);
    }
    if (!(beside[m] > 1e-14 * size)) {
      beside[m] = 0;
      return m + 1;
    }
    for (let j = 0; j < out.length; j++) out[j] /= beside[m];
    basis.push(out);
  }
  return last;
}

/** Subtract the components along the basis; returns the last of them. @param {Float64Array} out @param {Float64Array[]} basis */
function orthogonalize(out, basis) {
  const inner = basis.map((row) => dot(row, out));
  basis.forEach((row, i) => addTo(out, -inner[i], row));
  return inner[inner.length - 1];
}

/** @param {Float64Array[]} basis @param {Float64Array} weights */
function combination(basis, weights) {
  const out = new Float64Array(basis[0].length);
  weights.forEach((weight, i) => addTo(out, weight, basis[i]));
  return unit(out);
}

/** @param {Float64Array} vector @param {Float64Array} image @returns {Eigenpair} */
function rayleigh(vector, image) {
  const value = dot(vector, image);
  return { value, residual: norm(image.map((entry, j) => entry - value * vector[j])), vector };
}

/** @param {Float64Array} out @param {number} factor @param {Float64Array} row */
function addTo(out, factor, row) {
  for (let j = 0; j < out.length; j++) out[j] += factor * row[j];
}

/** @param {Float64Array} a @param {Float64Array} b */
function dot(a, b) {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/** @param {Float64Array} a */
const norm = (a) => Math.sqrt(dot(a, a));

/** @param {Float64Array} a */
export function unit(a) {
  const size = norm(a);
  return a.map((value) => value / size);
}
