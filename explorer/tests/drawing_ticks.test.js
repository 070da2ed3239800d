import assert from "node:assert/strict";
import { test } from "node:test";
import { ACROSS, UPRIGHT } from "../source/drawing/panel.js";
import { linear, log } from "../source/drawing/scale.js";
import { ticks } from "../source/drawing/ticks.js";

const named = (/** @type {import("../source/drawing/scale.js").Scale} */ scale, extent = ACROSS) =>
  ticks(scale, extent).map(({ name }) => name);
const mantissa = (/** @type {number} */ value) => Number(Math.abs(value).toExponential(6).split("e")[0]);

test("linear ticks are multiples of 1, 2 or 5, three to seven of them, for any limits", () => {
  for (let exponent = -6; exponent <= 6; exponent++) {
    for (const [low, high] of [
      [0, 1],
      [-1.3, 2.2],
      [0.37, 0.42],
      [-9.9, -3.1],
      [1.01, 8.7],
    ]) {
      const scale = linear([low * 10 ** exponent, high * 10 ** exponent], [0, 600]);
      const found = ticks(scale, ACROSS);
      assert.ok(
        found.length >= 3 && found.length <= 7,
        `${scale.low} ${scale.high}: ${found.map(({ name }) => name)}`,
      );
      const step = mantissa(found[1].value - found[0].value);
      assert.ok(
        [1, 2, 5].some((factor) => Math.abs(step - factor) < 1e-3),
        `${step}`,
      );
    }
  }
});

test("logarithmic ticks are 1 and 3 times powers of ten over decades, and finer below", () => {
  assert.deepEqual(named(log([0.02, 2], [0, 600])), ["0.03", "0.1", "0.3", "1"]);
  assert.deepEqual(named(log([0.9, 1.1e6], [300, 0]), UPRIGHT), [
    "1",
    "10",
    "100",
    "1000",
    "10\u202f000",
    "100\u202f000",
    "10⁶",
  ]);
  for (let low = 1e-7; low < 1e7; low *= 1.7) {
    for (const factor of [1.6, 2.5, 6, 12, 150, 1e5, 1e9]) {
      const found = ticks(log([low, low * factor], [400, 0]), UPRIGHT);
      assert.ok(found.length >= 3, `${low} ${factor}: ${found.map(({ name }) => name)}`);
    }
  }
});

test("names of ticks do not touch, however small the axis", () => {
  for (const pixels of [60, 120, 240, 500]) {
    for (const scale of [linear([0, 12345], [0, pixels]), log([1, 1e6], [0, pixels])]) {
      const found = ticks(scale, ACROSS);
      found
        .slice(1)
        .forEach((tick, i) =>
          assert.ok(tick.at - found[i].at >= (ACROSS(tick.name) + ACROSS(found[i].name)) / 2),
        );
    }
  }
});

test("names keep their zeros, write a true minus and 10 000", () => {
  assert.deepEqual(named(linear([-1, 1], [0, 400])), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
  assert.ok(named(linear([0, 25000], [0, 600])).includes("10\u202f000"));
});

test("ticks stand where their values stand", () => {
  const scale = linear([0, 10], [40, 440]);
  for (const { value, at } of ticks(scale, ACROSS)) assert.equal(at, 40 + 40 * value);
});
