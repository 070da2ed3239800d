/**
 * Which inputs a neuron sees, as one integer. With inputs sorted a neuron of weight w and bias b is active on a
 * half-line of them: for w > 0 on x[p:], else on x[:p]. Its cell is p in the first case and n + 1 + p in the second.
 * What sees no input, cells n and n + 1, enters no sum, so that dead neurons need no care of their own.
 */

/** Whether x lies left of the knot of (w, b): the one place where activation is decided. @param {number} w @param {number} b @param {number} x */
const isLeft = (w, b, x) => w * x + b > 0 !== w > 0;

/**
 * The inputs on either side of the knots of each cell (2n + 2,), infinite beyond the ends.
 *
 * @param {Float64Array} x
 */
export function sides(x) {
  const n = x.length;
  const left = new Float64Array(2 * n + 2);
  const right = new Float64Array(2 * n + 2);
  for (let p = 0; p <= n; p++) {
    left[p] = left[n + 1 + p] = p > 0 ? x[p - 1] : -Infinity;
    right[p] = right[n + 1 + p] = p < n ? x[p] : Infinity;
  }
  return { left, right };
}

/**
 * The cell of (w, b), sought from another cell; ends also for NaN.
 *
 * @param {number} w @param {number} b @param {Float64Array} x @param {number} near
 */
export function cellOf(w, b, x, near) {
  const n = x.length;
  let p = near > n ? near - n - 1 : near;
  while (p < n && isLeft(w, b, x[p])) p++;
  while (p > 0 && !isLeft(w, b, x[p - 1])) p--;
  return w > 0 ? p : n + 1 + p;
}

/**
 * The cells of all neurons of θ, sought from those of another network.
 *
 * @param {Float64Array} theta @param {Float64Array} x @param {Uint32Array} near
 */
export function cellsOf(theta, x, near) {
  const k = near.length;
  return near.map((cell, j) => cellOf(theta[j], theta[k + j], x, cell));
}

/** Cells to seek from where nothing better is known. @param {number} width @param {Float64Array} x */
export const middles = (width, x) => new Uint32Array(width).fill(x.length >> 1);
