// A run goes back to any of its steps exactly, whatever was changed on the way, in bounded memory.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stateOf } from "../source/engine/descent.js";
import { Training } from "../source/engine/training.js";
import { CLASSES, TENT, points } from "./engine_setups.js";

const forever = /** @type {const} */ ([Infinity, () => 0]);

/** Train with changes, and remember the state at every step. @param {Training} training @param {number} steps */
function changing(training, steps) {
  const states = [stateOf(training.descent)];
  for (let step = 1; step <= steps; step++) {
    training.train(1, ...forever);
    states.push(stateOf(training.descent));
    if (step === 150) training.changeMethod({ stepSize: 0.05, momentum: 0.9 });
    if (step === 151) training.changeMethod({ weightDecay: 0.01 });
    if (step === 300) training.changeData(points([-1, 0.5, 0.5, 2], [1, -1, 2, 0]));
    if (step === 400) training.changeMethod({ momentum: 0 });
  }
  return states;
}

test("every step of a run can be gone back to, bit by bit, and forward again", () => {
  const training = new Training(TENT);
  const states = changing(training, 600);
  assert.ok(training.kept.states.length < 140);
  for (const step of [599, 600, 0, 1, 149, 150, 151, 152, 299, 300, 301, 401, 77, 600]) {
    training.goTo(step);
    assert.deepEqual(stateOf(training.descent), states[step], `step ${step}`);
  }
});

test("a run that trains from a step of its past has the method and the data of now, and forgets what came after", () => {
  const training = new Training(TENT);
  const states = changing(training, 320);
  training.goTo(100);
  assert.deepEqual(training.descent.problem.x, Float64Array.of(-1, 0.5, 0.5, 2));
  training.train(50, ...forever);
  assert.equal(training.kept.end, 150);
  const there = stateOf(training.descent);
  assert.notDeepEqual(there, states[150]);
  training.goTo(100);
  assert.deepEqual(stateOf(training.descent), states[100]);
  training.goTo(10000);
  assert.deepEqual(stateOf(training.descent), there);
});

test("kept states are thinned, and many changes do not pile up", () => {
  const training = new Training({ ...TENT, start: { ...TENT.start, width: 5 } });
  training.train(50000, ...forever);
  assert.ok(training.kept.states.length <= 128 && training.kept.states.length > 60);
  training.goTo(12345);
  assert.equal(training.descent.step, 12345);
  training.goTo(50000);
  for (let i = 0; i < 5000; i++) {
    training.train(1, ...forever);
    training.changeMethod({ stepSize: 0.1 + 1e-6 * i });
  }
  assert.ok(training.kept.changes.length <= 2000);
  training.goTo(5000); // between the start and the first step that is still known
  assert.equal(training.descent.step, 0);
  training.goTo(54900);
  assert.equal(training.descent.step, 54900);
  training.goTo(0);
  training.train(100, ...forever); // from the start on everything is known again
  training.goTo(57);
  assert.equal(training.descent.step, 57);
});

test("a run that diverges stands at its last finite step, and a smaller step size goes on from there", () => {
  for (const setup of [TENT, CLASSES]) {
    const training = new Training({ ...setup, method: { ...setup.method, stepSize: 400, momentum: 0.9 } });
    training.train(5000, ...forever);
    assert.ok(training.diverged);
    const { loss, sharpness, now, midpoint, step } = training.frame();
    assert.ok(Number.isFinite(loss) && !Number.isNaN(sharpness) && step < 5000);
    assert.ok([...now, ...midpoint].every(Number.isFinite));
    training.changeMethod({ stepSize: 1e-12, momentum: 0 });
    assert.equal(training.train(10, ...forever), 10);
  }
});

test("the warm-up is geometric from the inverse of the initial sharpness", () => {
  const setup = { ...TENT, start: { arm: /** @type {const} */ ("large"), width: 60, seed: 1 }, method: { ...TENT.method, warmupSteps: 100 } };
  const training = new Training(setup);
  const first = 1 / training.initialSharpness;
  assert.ok(first < 0.1 && training.frame().stepSize === first);
  training.train(50, ...forever);
  const { stepSize, threshold, time } = training.frame();
  assert.ok(Math.abs(stepSize - Math.sqrt(first * 0.1)) < 1e-15);
  assert.ok(Math.abs(threshold - 2 / stepSize) < 1e-12 * threshold);
  const sizes = Array.from({ length: 50 }, (_, step) => first * (0.1 / first) ** (step / 100));
  assert.ok(Math.abs(time - sizes.reduce((a, b) => a + b)) < 1e-14);
  training.train(60, ...forever);
  assert.equal(training.frame().stepSize, 0.1);
});

test("the small start lies below the threshold of its step size, and is the largest that does", () => {
  const of = (/** @type {number} */ stepSize) =>
    new Training({ ...TENT, start: { ...TENT.start, arm: "small" }, method: { ...TENT.method, stepSize } });
  const { initialSharpness, start } = of(0.9);
  assert.ok(initialSharpness <= 1.6 / 0.9 && initialSharpness > 0.9 * (1.6 / 0.9) && start.scale < 1);
  assert.ok(of(0.01).start.scale > 0.99);
  assert.equal(of(1e6).start.scale, 1e-4); // λ_max is at least 1 because of the output bias
});
