import assert from "node:assert/strict";
import { test } from "node:test";
import { linear, log, steadyLimits, steadyLogLimits, stepLimit } from "../source/drawing/scale.js";

for (const [name, scale] of /** @type {const} */ ([
  ["linear", linear([-2, 3], [50, 650])],
  ["log", log([0.01, 300], [400, 20])],
])) {
  test(`a ${name} scale maps its ends to its ends, and back() undoes at()`, () => {
    assert.ok(Math.abs(scale.at(scale.low) - scale.from) < 1e-9);
    assert.ok(Math.abs(scale.at(scale.high) - scale.to) < 1e-9);
    for (const share of [0, 0.1, 0.37, 0.5, 0.99, 1.2]) {
      const pixel = scale.from + share * (scale.to - scale.from);
      assert.ok(Math.abs(scale.at(scale.back(pixel)) - pixel) < 1e-9);
    }
  });
}

test("equal factors are equal distances on a logarithmic scale, equal differences on a linear one", () => {
  const across = log([1, 1e4], [0, 400]);
  assert.ok(Math.abs(across.at(20) - across.at(2) - (across.at(5000) - across.at(500))) < 1e-9);
  const up = linear([0, 10], [300, 100]);
  assert.equal(up.at(2.5), 250);
});

test("a logarithmic scale has no place for zero and negative values", () => {
  assert.ok(Number.isNaN(log([1, 10], [0, 1]).at(0)));
  assert.ok(Number.isNaN(log([1, 10], [0, 1]).at(-3)));
});

test("limits hold the values with their margin, stay while they fit, and shrink when less than half is filled", () => {
  const first = steadyLimits(null, 0, 10, 0.1);
  assert.deepEqual(first, [-1, 11]);
  assert.deepEqual(steadyLimits(first, 1, 10.5, 0.1), first);
  assert.deepEqual(steadyLimits(first, 0, 20, 0.1), [-2, 22]);
  assert.deepEqual(steadyLimits(first, 4, 6, 0.1), [3.8, 6.2]);
});

test("limits of one value, or of none, span something", () => {
  const [low, high] = steadyLimits(null, 5, 5, 0.1, 1);
  assert.ok(low < 5 && high > 5 && high - low >= 1);
  assert.deepEqual(steadyLimits([2, 3], Infinity, -Infinity), [2, 3]);
  assert.deepEqual(steadyLimits(null, Infinity, -Infinity), [0, 1]);
});

test("logarithmic limits are those of the logarithms", () => {
  const [low, high] = steadyLogLimits(null, 1, 100, 0.5);
  assert.ok(Math.abs(low - 0.1) < 1e-12 && Math.abs(high - 1000) < 1e-9);
  assert.deepEqual(steadyLogLimits(null, Infinity, -Infinity), [0.1, 10]);
});

test("the axis of steps ends at a round number, at most 40 % beyond the last step, and never before it", () => {
  for (let step = 10; step < 3e6; step = Math.ceil(step * 1.07)) {
    const limit = stepLimit(step);
    assert.ok(limit >= step && limit <= 1.4 * step, `${step} → ${limit}`);
  }
  assert.equal(stepLimit(0), 10);
  assert.equal(stepLimit(1000), 1200);
});
