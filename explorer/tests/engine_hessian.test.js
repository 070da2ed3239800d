// Gradients, products, traces and eigenvalues against sums over all pairs.

import assert from "node:assert/strict";
import { test } from "node:test";
import { middles } from "../source/engine/cells.js";
import { gradientOf, landscapeOf, productOf, traceOf } from "../source/engine/hessian.js";
import { sharpnessAt } from "../source/engine/sharpness.js";
import { denseLoss, drawnCase, setDenseGradient, valueAt } from "./dense.js";

const LOSSES = /** @type {const} */ (["square", "logistic"]);
const STEP = 1e-6;

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const apart = (a, b) => Array.from(a, (value, i) => Math.abs(value - b[i])).reduce((x, y) => Math.max(x, y), 0);
/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
const dot = (a, b) => Array.from(a, (value, i) => value * b[i]).reduce((x, y) => x + y, 0);

/** @param {"square" | "logistic"} loss @param {number} seed @param {number} [n] @param {number} [k] */
function landscape(loss, seed, n, k) {
  const { problem, theta, generator } = drawnCase(loss, seed, n, k);
  const at = landscapeOf(problem, theta, middles((theta.length - 1) / 3, problem.x));
  return { problem, theta, generator, at };
}

for (const loss of LOSSES) {
  test(`${loss} loss: values, loss and gradient are the sums over all pairs`, () => {
    for (let seed = 0; seed < 50; seed++) {
      const { problem, theta, at } = landscape(loss, seed);
      const gradient = new Float64Array(theta.length);
      setDenseGradient(problem, theta, gradient);
      assert.ok(apart(at.values, problem.x.map((x) => valueAt(theta, x))) < 1e-13);
      assert.ok(Math.abs(at.loss - denseLoss(problem, theta)) < 1e-14 * (1 + at.loss));
      assert.ok(apart(gradientOf(at), gradient) < 1e-13);
    }
  });

  test(`${loss} loss: the gradient is the finite difference of the loss`, () => {
    const { problem, theta, at } = landscape(loss, 7);
    const gradient = gradientOf(at);
    theta.forEach((_, j) => {
      if (j === 2 || j === 3) return; // the loss has a kink where a constant neuron turns
      const [up, down] = [1, -1].map((side) => denseLoss(problem, theta.with(j, theta[j] + side * STEP)));
      assert.ok(Math.abs((up - down) / (2 * STEP) - gradient[j]) < 1e-8, `coordinate ${j}`);
    });
  });

  test(`${loss} loss: products are symmetric and the finite differences of the gradient`, () => {
    for (let seed = 0; seed < 20; seed++) {
      const { problem, theta, at, generator } = landscape(loss, seed, 12, 7);
      const product = productOf(at, 0);
      const [u, v, image, other] = [generator.normals(theta.length), generator.normals(theta.length), theta.slice(), theta.slice()];
      product(u, image);
      product(v, other);
      assert.ok(Math.abs(dot(v, image) - dot(u, other)) < 1e-12);
      const ends = [STEP, -STEP].map((step) => {
        const out = theta.slice();
        setDenseGradient(problem, theta.map((value, j) => value + step * u[j]), out);
        return out;
      });
      const difference = image.map((_, j) => (ends[0][j] - ends[1][j]) / (2 * STEP));
      assert.ok(apart(image, difference) < 1e-6, `seed ${seed}: ${apart(image, difference)}`);
    }
  });

  test(`${loss} loss: the trace is the sum of the diagonal, and decay shifts all of it but b2`, () => {
    const { theta, at } = landscape(loss, 3);
    const [plain, decayed] = [0, 0.25].map((decay) => {
      const product = productOf(at, decay);
      return theta.map((_, j) => {
        const image = theta.slice();
        product(new Float64Array(theta.length).with(j, 1), image);
        return image[j];
      });
    });
    assert.ok(Math.abs(plain.reduce((a, b) => a + b) - traceOf(at)) < 1e-12);
    decayed.forEach((entry, j) => assert.ok(Math.abs(entry - plain[j] - (j < theta.length - 1 ? 0.25 : 0)) < 1e-14));
  });

  test(`${loss} loss: λ_max is the limit of the power method, with a residual that is true`, () => {
    for (const [n, k] of [[12, 9], [1, 1], [30, 100]]) {
      const { theta, at, generator } = landscape(loss, n + k, Math.max(n, 5), k);
      const { value, residual, vector } = sharpnessAt(at, 0.1, null);
      const product = productOf(at, 0.1);
      const image = theta.slice();
      product(vector, image);
      assert.ok(Math.abs(Math.hypot(...image.map((entry, j) => entry - value * vector[j])) - residual) < 1e-12);
      assert.ok(residual <= 1e-7 * value);
      assert.ok(Math.abs(value - largest(product, generator.normals(theta.length))) < 1e-7 * value, `${n}, ${k}`);
      assert.ok(Math.abs(sharpnessAt(at, 0.1, vector).value - value) < 1e-9 * value);
    }
  });
}

/** By the power method, shifted so that the largest eigenvalue is the largest in size. @param {(u: Float64Array, out: Float64Array) => void} product @param {Float64Array} start */
function largest(product, start) {
  const image = start.slice();
  let vector = start;
  let value = 0;
  for (let i = 0; i < 20000; i++) {
    const size = Math.hypot(...vector);
    vector = vector.map((entry) => entry / size);
    product(vector, image);
    value = dot(vector, image);
    vector = image.map((entry, j) => entry + 20 * vector[j]);
  }
  return value;
}

test("where all curvature has underflowed λ_max is 0", () => {
  const problem = { loss: /** @type {const} */ ("logistic"), x: Float64Array.of(0, 1), y: Float64Array.of(1, 1), truth: null };
  const at = landscapeOf(problem, Float64Array.of(1, -9, 1, 2000), middles(1, problem.x));
  assert.deepEqual([sharpnessAt(at, 0, null).value, sharpnessAt(at, 0, null).residual], [0, 0]);
});
