// The largest eigenvalue of matrices whose eigenvalues are known.

import assert from "node:assert/strict";
import { test } from "node:test";
import { largestEigenpair, unit } from "../source/engine/lanczos.js";
import { Generator } from "../source/engine/random.js";

const SIZE = 400;
const noise = unit(new Generator(2).normals(SIZE));

/** @param {(j: number) => number} eigenvalue */
const diagonal = (eigenvalue) => (/** @type {Float64Array} */ u, /** @type {Float64Array} */ out) => {
  u.forEach((value, j) => (out[j] = eigenvalue(j) * value));
};

test("the largest is found, though negative ones are larger in size, and close ones take restarts", () => {
  for (const [eigenvalue, top] of /** @type {[(j: number) => number, number][]} */ ([
    [(j) => (j === 7 ? 3 : -Math.sqrt(j)), 3],
    [(j) => -1 - j, -1],
    [(j) => 1 - 1e-4 * j, 1],
    [(j) => (j < 3 ? 2 : 1 / (j + 1)), 2],
    [() => 0.5, 0.5],
    [() => 0, 0],
  ])) {
    const { value, residual } = largestEigenpair(diagonal(eigenvalue), noise, null, 1e-8);
    const reach = Math.max(Math.abs(eigenvalue(0)), Math.abs(eigenvalue(SIZE - 1)));
    assert.ok(Math.abs(value - top) <= 1e-9 * reach && residual <= 2e-8 * reach, `${value} ± ${residual}`);
  }
});

test("a start in the wrong eigenspace does not hide it", () => {
  const wrong = new Float64Array(SIZE).with(5, -3);
  const { value } = largestEigenpair(diagonal((j) => (j === 5 ? 2 : j === 9 ? 2.1 : 1 / (j + 1))), noise, wrong, 1e-8);
  assert.ok(Math.abs(value - 2.1) < 1e-9, `${value}`);
});
