import assert from "node:assert/strict";
import { test } from "node:test";
import { area, line, thin } from "../source/drawing/path.js";
import { linear, log } from "../source/drawing/scale.js";

const unit = (/** @type {number} */ high) => linear([0, high], [0, high]);

/** @param {string} path */
function pointsOf(path) {
  return [...path.matchAll(/[ML]([-\d.]+) ([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

test("a line goes through its points", () => {
  assert.equal(line([0, 10, 20], [5, 7.25, 1], unit(20), unit(20)), "M0 5L10 7.3L20 1");
});

test("a line of many points has at most one a pixel, and keeps the least and the largest", () => {
  const n = 20_000;
  const xs = Float64Array.from({ length: n }, (_, i) => i);
  const ys = xs.map((i) => Math.sin(i / 300) + 0.3 * Math.sin(77 * i));
  ys[12_345] = 9;
  ys[4321] = -9;
  const found = pointsOf(line(xs, ys, linear([0, n - 1], [0, 500]), linear([-10, 10], [0, 200])));
  assert.ok(found.length <= 502, `${found.length}`);
  assert.ok(found.some(([, y]) => y === 190) && found.some(([, y]) => y === 10));
  found.slice(1).forEach(([x], i) => assert.ok(x >= found[i][0]));
});

test("few points are all kept", () => {
  assert.deepEqual(thin([0, 3, 6, 9], [1, 2, 1, 2]), [0, 1, 2, 3]);
});

test("a line has a gap where a number is missing or has no logarithm, and infinity stays in reach", () => {
  assert.equal(line([0, 10, 20, 30], [1, NaN, 3, 4], unit(30), unit(30)), "M0 1M20 3L30 4");
  assert.equal(line([0, 10, 20], [1, 0, 1], unit(20), log([1, 10], [0, 10])), "M0 0M20 0");
  const far = pointsOf(line([0, 10], [1, Infinity], unit(10), unit(10)));
  assert.ok(Math.abs(far[1][1]) < 1e4);
});

test("an area is closed and has both curves; without one of them there is none", () => {
  assert.equal(area([0, 10], [1, 1], [5, 6], unit(10), unit(10)), "M0 5L10 6L10 1L0 1Z");
  assert.equal(area([0, 10], [1, NaN], [5, 6], unit(10), unit(10)), "");
  assert.equal(area([], [], [], unit(10), unit(10)), "");
});
