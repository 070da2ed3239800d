/**
 * The largest eigenvalue of a symmetric tridiagonal matrix, by counting signs of pivots (Sturm) and bisection.
 */

/**
 * How many eigenvalues are below a number.
 *
 * @param {Float64Array} diagonal (m,) @param {Float64Array} beside  the m - 1 numbers beside it @param {number} level
 */
function below(diagonal, beside, level) {
  let count = 0;
  let pivot = 1;
  for (let i = 0; i < diagonal.length; i++) {
    const square = i > 0 ? beside[i - 1] ** 2 : 0;
    pivot = diagonal[i] - level - square / (pivot || Number.MIN_VALUE);
    if (pivot < 0) count++;
  }
  return count;
}

/** Eigenvalue number `index` from below, to the last bits. @param {Float64Array} diagonal @param {Float64Array} beside @param {number} index */
function eigenvalue(diagonal, beside, index) {
  const reach = diagonal.map((d, i) => Math.abs(d) + (beside[i - 1] ?? 0) + (i + 1 < diagonal.length ? beside[i] : 0));
  let high = reach.reduce((a, b) => Math.max(a, b));
  let low = -high;
  for (let i = 0; i < 64; i++) {
    const middle = 0.5 * (low + high);
    if (middle === low || middle === high) break;
    if (below(diagonal, beside, middle) > index) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Its largest eigenvalue, the largest size of one, and the eigenvector of the largest.
 *
 * @param {Float64Array} diagonal (m,) @param {Float64Array} beside (m - 1,) not negative
 */
export function topOf(diagonal, beside) {
  const m = diagonal.length;
  const top = eigenvalue(diagonal, beside, m - 1);
  const scale = Math.max(Math.abs(top), Math.abs(eigenvalue(diagonal, beside, 0)));
  return { top, scale, vector: vectorOf(diagonal, beside, top + 4 * Number.EPSILON * scale) };
}

/**
 * Inverse iteration just above the largest eigenvalue: the matrix less the level is negative definite there, so that
 * elimination needs no pivoting.
 *
 * @param {Float64Array} diagonal @param {Float64Array} beside @param {number} level
 */
function vectorOf(diagonal, beside, level) {
  const m = diagonal.length;
  if (m === 1) return Float64Array.of(1);
  const pivots = new Float64Array(m);
  for (let i = 0; i < m; i++) {
    pivots[i] = diagonal[i] - level - (i > 0 ? beside[i - 1] ** 2 / pivots[i - 1] : 0);
    if (!(pivots[i] < 0)) pivots[i] = -Number.EPSILON * Math.abs(level) || -Number.MIN_VALUE;
  }
  let vector = new Float64Array(m).fill(1 / Math.sqrt(m));
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i < m; i++) vector[i] -= (beside[i - 1] / pivots[i - 1]) * vector[i - 1];
    for (let i = m - 1; i >= 0; i--) {
      vector[i] = (vector[i] - (i + 1 < m ? beside[i] * vector[i + 1] : 0)) / pivots[i];
    }
    const size = Math.hypot(...vector);
    vector = vector.map((value) => value / size);
  }
  return vector;
}
