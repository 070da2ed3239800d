// Weighted variation, its bounds, pieces and neurons against their definitions.

import assert from "node:assert/strict";
import { test } from "node:test";
import { variationAndBound } from "../source/engine/bound.js";
import { middles } from "../source/engine/cells.js";
import { gridAround, valuesOn } from "../source/engine/evaluation.js";
import { landscapeOf } from "../source/engine/hessian.js";
import { neuronsOf } from "../source/engine/neurons.js";
import { linearPieces, pieceTolerance } from "../source/engine/pieces.js";
import { polylineOf } from "../source/engine/polyline.js";
import { riskOf } from "../source/engine/risk.js";
import { sharpnessAt } from "../source/engine/sharpness.js";
import { weightedVariation } from "../source/engine/weight.js";
import { ALIVE, DEAD, LINEAR, STUCK } from "../source/types.js";
import { drawnCase, valueAt } from "./dense.js";

const LOSSES = /** @type {const} */ (["square", "logistic"]);

/** g at a point by its definition. @param {number} t @param {Float64Array} x @param {Float64Array} v */
function definedWeight(t, x, v) {
  const total = v.reduce((a, b) => a + b);
  const sides = [1, -1].map((side) => {
    let [mass, first] = [0, 0];
    x.forEach((at, i) => {
      if (side * at > side * t) [mass, first] = [mass + v[i] / total, first + (v[i] / total) * at];
    });
    return mass === 0 ? 0 : mass ** 2 * Math.abs(first / mass - t) * Math.sqrt(1 + (first / mass) ** 2);
  });
  return Math.min(...sides);
}

/** @param {"square" | "logistic"} loss @param {number} seed @param {number} [n] @param {number} [k] */
function network(loss, seed, n, k) {
  const { problem, theta, generator } = drawnCase(loss, seed, n, k);
  return { generator, ...at(problem, theta) };
}

/** @param {import("../source/engine/problem.js").Problem} problem @param {Float64Array} theta */
function at(problem, theta) {
  const landscape = landscapeOf(problem, theta, middles((theta.length - 1) / 3, problem.x));
  const polyline = polylineOf(theta, problem.x[0], problem.x[problem.x.length - 1], landscape.values[0]);
  return { problem, theta, landscape, polyline };
}

test("a network is the polyline through its knots", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { theta, polyline } = network("square", seed);
    polyline.points.forEach((at, i) => assert.ok(Math.abs(polyline.values[i] - valueAt(theta, at)) < 1e-12));
    assert.ok(polyline.points.every((at, i) => i === 0 || at > polyline.points[i - 1]));
  }
});

test("neurons that share a knot bend together: opposite ones not at all", () => {
  const theta = Float64Array.of(1, -1, 2, 0.5, -0.5, 1, 1, -1, 1, 0); // two at -0.5 with jumps 1 and -1, one at -0.5
  const { points, jumps } = polylineOf(theta, -1, 1, 0);
  assert.deepEqual([...points], [-1, -0.5, 1]);
  assert.deepEqual([...jumps], [0, 2, 0]);
});

test("∫|f''| g is the sum over knots with g by its definition, whatever the weights", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { problem, polyline, generator } = network("square", seed);
    const weights = generator.uniform(0.1, 1, problem.x.length);
    const expected = polyline.points.reduce(
      (sum, t, i) => sum + Math.abs(polyline.jumps[i]) * definedWeight(t, problem.x, weights),
      0,
    );
    assert.ok(Math.abs(weightedVariation(polyline, problem.x, weights) - expected) < 1e-13 * (1 + expected));
  }
});

test("inputs without weight count as if they were not there", () => {
  for (let seed = 0; seed < 30; seed++) {
    const { problem, polyline } = network("square", seed);
    const weights = problem.x.map((_, i) => Number(i > 1 && i < 10));
    const inner = weightedVariation(polyline, problem.x.subarray(2, 10), new Float64Array(8).fill(1));
    assert.ok(Math.abs(weightedVariation(polyline, problem.x, weights) - inner) < 1e-13);
  }
});

test("square loss: close to 0 the bound needs x_max = 1/√3, without which two neurons back to back break it", () => {
  const [a, c, rho] = [0.1, 20, 0.5];
  const product = c / (2 * a * Math.hypot(1, a));
  const s = Math.sqrt((product * Math.hypot(1, a)) / a);
  const u = product / s;
  const problem = { loss: /** @type {const} */ ("square"), x: Float64Array.of(-a, a), y: new Float64Array(2).fill(u * s * a + rho), truth: null };
  const { landscape, polyline } = at(problem, Float64Array.of(s, -s, 0, 0, u, u, 0));
  const { weightedTv, bound } = variationAndBound(landscape, polyline, sharpnessAt(landscape, 0, null).value);
  assert.ok(weightedTv < bound && weightedTv > bound - (1 / Math.sqrt(3) - a) * rho);
  assert.ok(Math.abs(weightedTv - 5) < 1e-9 && Math.abs(bound - (1 / Math.sqrt(3) - a) * rho - 4.936) < 1e-3);
});

for (const loss of LOSSES) {
  const judged = (/** @type {ReturnType<typeof at>} */ { landscape, polyline }) =>
    variationAndBound(landscape, polyline, sharpnessAt(landscape, 0, null).value);

  test(`${loss} loss: the bound holds at every network`, () => {
    for (let seed = 0; seed < 300; seed++) {
      const { weightedTv, bound } = judged(network(loss, seed, 5 + (seed % 9), 1 + (seed % 4)));
      assert.ok(weightedTv <= bound * (1 + 1e-7), `seed ${seed}: ${weightedTv} > ${bound}`);
    }
  });

  test(`${loss} loss: the bound is 0 where all neurons are dead and labels are met`, () => {
    const x = Float64Array.of(-1, 0.5, 2);
    const y = loss === "square" ? x.map(() => 0.3) : Float64Array.of(1, -1, 1);
    const { weightedTv, bound } = judged(at({ loss, x, y, truth: null }, Float64Array.of(1, -9, 0, 0.3)));
    assert.ok(weightedTv === 0 && Math.abs(bound) < 1e-7, `${bound}`);
  });

  test(`${loss} loss: two large neurons back to back nearly meet the bound`, () => {
    const a = 0.8; // inputs at -a and a, the knots at 0: ∫|f''| g = c/4
    const c = 400;
    const product = c / (2 * a * Math.hypot(1, a));
    const s = Math.sqrt((product * Math.hypot(1, a)) / a);
    const u = product / s;
    const x = Float64Array.of(-a, a);
    const y = loss === "square" ? x.map(() => 0.5) : Float64Array.of(1, 1);
    const { weightedTv, bound } = judged(at({ loss, x, y, truth: null }, Float64Array.of(s, -s, 0, 0, u, u, -u * s * a)));
    assert.ok(Math.abs(weightedTv - c / 4) < 1e-9 && weightedTv < bound && bound < 1.02 * weightedTv, `${weightedTv}, ${bound}`);
  });

  test(`${loss} loss: with a knot on an input, up to rounding, no theorem speaks`, () => {
    const { problem, theta } = network(loss, 2, 8, 3);
    for (const [off, silent] of [[0, true], [1, true], [-6, true], [20, false], [-20, false]]) {
      [theta[0], theta[3]] = [2, -2 * problem.x[5] * (1 + Number(off) * Number.EPSILON)];
      const { weightedTv, bound } = judged(at(problem, theta));
      assert.ok(weightedTv >= 0 && Number.isNaN(bound) === silent, `${off}`);
    }
  });
}

test("pieces: a tent has two, and one where the tolerance is half its height", () => {
  const line = (/** @type {number[]} */ values) => ({
    points: Float64Array.from(values, (_, i) => i), values: Float64Array.from(values), jumps: Float64Array.from(values, () => 0),
  });
  const tent = line([0, 1, 2, 1, 0]);
  assert.deepEqual([0, 0.99, 1.01].map((tolerance) => linearPieces(tent, tolerance)), [2, 2, 1]);
  assert.equal(linearPieces(line([0, 1, 0, 1, 0, 1]), 0), 5);
  assert.equal(linearPieces(line([0, 1, 0, 1, 0, 1]), 0.51), 1);
  assert.equal(linearPieces(line([3]), 0), 1);
});

test("pieces may differ by 5 % of the deviation of the labels, by 0.2 of a logit, and by rounding", () => {
  const [x, y, theta] = [Float64Array.of(-1, 3), Float64Array.of(-2, 4), Float64Array.of(1, 0, 1, 0)];
  const of = (/** @type {any} */ part, scale = 1) =>
    pieceTolerance({ loss: "square", x, y, truth: null, ...part }, theta.map((value) => scale * value));
  assert.ok(Math.abs(of({}) - 0.15) < 1e-15);
  assert.equal(of({ loss: "logistic", y: Float64Array.of(-1, 1) }), 0.2);
  assert.equal(of({ y: Float64Array.of(0.1, 0.1) }), Infinity);
  assert.ok(Math.abs(of({}, 1e8) / (64 * Number.EPSILON * 3e16) - 1) < 1e-12);
});

test("neurons are alive, linear, dead or stuck", () => {
  const x = Float64Array.of(-1, 0, 1);
  const w = [1, -1, 1, -1, 1, 1, 1, 0, 0];
  const b = [0.5, 0.5, 2, -2, -2, 0.0019, 0.0021, 1, -1];
  const { cells } = landscapeOf({ loss: "square", x, y: x, truth: null }, Float64Array.of(...w, ...b, ...w, 0), middles(9, x));
  const { states, knots } = neuronsOf(Float64Array.of(...w, ...b, ...w, 0), cells, x);
  assert.deepEqual([...states], [ALIVE, ALIVE, LINEAR, DEAD, DEAD, STUCK, ALIVE, LINEAR, DEAD]);
  assert.ok(knots[0] === -0.5 && Number.isNaN(knots[7]));
});

test("f on the grid is f at its points, which reach beyond the data", () => {
  for (let seed = 0; seed < 10; seed++) {
    const { problem, theta } = drawnCase("square", seed);
    const grid = gridAround(problem.x, 1.5);
    assert.ok(Math.abs(grid[0] + 1.5 + 0.24) < 1e-15 && Math.abs(grid[grid.length - 1] - 1.74) < 1e-14);
    valuesOn(theta, grid).forEach((value, i) => assert.ok(Math.abs(value - valueAt(theta, grid[i])) < 1e-12));
  }
  assert.ok(gridAround(Float64Array.of(3), 0).every((at, i, all) => i === 0 || at > all[i - 1]));
});

test("the risk is the mean square, or the divergence of probabilities by its definition", () => {
  const [x, y] = [Float64Array.of(0, 1), Float64Array.of(1, -1)];
  const f = Float64Array.of(0.3, -2);
  assert.equal(riskOf({ loss: "square", x, y, truth: null }, f), null);
  assert.ok(Math.abs(Number(riskOf({ loss: "square", x, y, truth: (t) => t }, f)) - (0.09 + 9) / 2) < 1e-15);
  const s = (/** @type {number} */ z) => 1 / (1 + Math.exp(-z));
  const kl = (/** @type {number} */ p, /** @type {number} */ q) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
  const expected = (kl(s(0), s(0.3)) + kl(s(1), s(-2))) / 2;
  assert.ok(Math.abs(Number(riskOf({ loss: "logistic", x, y, truth: (t) => t }, f)) - expected) < 1e-15);
  assert.ok(Number.isFinite(riskOf({ loss: "logistic", x, y, truth: () => -900 }, Float64Array.of(900, -900))));
});
