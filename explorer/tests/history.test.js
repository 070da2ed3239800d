import assert from "node:assert/strict";
import { test } from "node:test";
import { append, CAPACITY, COLUMNS, EMPTY, entry, lastStep, until } from "../source/history.js";
import { frame } from "./frames.js";

/** @param {number[]} steps */
const of = (steps) => steps.reduce((made, step) => append(made, frame({ step, loss: step })), EMPTY);

test("a long history keeps its first and its last frame, and has no more entries than it may", () => {
  const steps = [...Array(300).keys(), ...Array.from({ length: 6000 }, (_, index) => 300 + 700 * index)];
  const history = of(steps);
  assert.ok(history.length <= CAPACITY && history.length > CAPACITY / 4, `${history.length}`);
  assert.equal(history.columns.step[0], 0);
  assert.equal(lastStep(history), steps[steps.length - 1]);
  for (const name of COLUMNS) assert.equal(history.columns[name].length, history.length);
  assert.deepEqual(history.columns.loss, history.columns.step);
});

test("neither axis of steps has a gap that can be seen in a thinned history", () => {
  const steps = [...Array(1000).keys()];
  for (let step = 1000; step < 2_000_000; step *= 1.0005) steps.push(Math.round(step));
  const { step } = of(steps).columns;
  const last = step[step.length - 1];
  for (let index = 1; index < step.length; index++) {
    const linear = (step[index] - step[index - 1]) / last;
    const logarithmic = (Math.log1p(step[index]) - Math.log1p(step[index - 1])) / Math.log1p(last);
    const gap = `from ${step[index - 1]} to ${step[index]}`;
    assert.ok(linear < 1 / 150, gap);
    assert.ok(logarithmic < 1 / 150 || step[index - 1] < 10, gap);
  }
});

test("appending leaves a history as it was", () => {
  const one = of([0, 1, 2]);
  append(append(one, frame({ step: 3 })), frame({ step: 4 }));
  assert.deepEqual([...one.columns.step], [0, 1, 2]);
});

test("a frame of the same step takes the place of the last one", () => {
  const history = append(of([0, 5]), frame({ step: 5, loss: 7 }));
  assert.deepEqual([...history.columns.step], [0, 5]);
  assert.equal(entry(history, 1).loss, 7);
});

test("until keeps the entries up to a step, that step included", () => {
  assert.deepEqual([...until(of([0, 5, 9]), 5).columns.step], [0, 5]);
  assert.deepEqual([...until(of([0, 5, 9]), 4).columns.step], [0]);
});

test("numbers that a frame lacks are nan, and neurons are counted", () => {
  const history = append(EMPTY, frame({ risk: null, alive: 30, width: 100, outcome: "diverged" }));
  const { risk, alive, dead, diverged } = entry(history, 0);
  assert.deepEqual([risk, alive, dead, diverged], [NaN, 30, 70, 1]);
});
