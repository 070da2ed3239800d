// Steps against sums over all pairs, and what must not change a bit.

import assert from "node:assert/strict";
import { test } from "node:test";
import { advance, createDescent, startAt, stateOf } from "../source/engine/descent.js";
import { torchNetwork } from "../source/engine/network.js";
import { problemOf } from "../source/engine/problem.js";
import { drawnCase, setDenseGradient } from "./dense.js";

const LOSSES = /** @type {const} */ (["square", "logistic"]);

/** @param {import("../source/engine/problem.js").Problem} problem @param {Float64Array} start @param {number} steps @param {number} eta @param {number} momentum @param {number} decay */
function denseRun(problem, start, steps, eta, momentum, decay) {
  const [theta, velocity, g] = [start.slice(), start.map(() => 0), start.slice()];
  for (let step = 0; step < steps; step++) {
    setDenseGradient(problem, theta, g);
    for (let j = 0; j < theta.length; j++) {
      velocity[j] = momentum * velocity[j] + g[j] + (j < theta.length - 1 ? decay * theta[j] : 0);
      theta[j] -= eta * velocity[j];
    }
  }
  return theta;
}

/** @param {import("../source/engine/descent.js").Descent} descent @param {number} steps @param {number} eta @param {number} momentum @param {number} decay */
function run(descent, steps, eta, momentum, decay, before = (/** @type {typeof descent} */ _) => {}) {
  for (let step = 0; step < steps; step++) {
    before(descent);
    assert.ok(advance(descent, eta, momentum, decay));
  }
  return stateOf(descent);
}

for (const loss of LOSSES) {
  for (const [momentum, decay] of [[0, 0], [0.9, 0], [0, 0.1], [0.5, 0.02]]) {
    test(`${loss} loss, momentum ${momentum}, decay ${decay}: 200 steps are those of sums over all pairs`, () => {
      for (let seed = 0; seed < 8; seed++) {
        const { problem, theta } = drawnCase(loss, seed);
        const start = theta.map((value) => 0.5 * value);
        const { theta: last, step, time } = run(createDescent(problem, startAt(start)), 200, 0.02, momentum, decay);
        const expected = denseRun(problem, start, 200, 0.02, momentum, decay);
        expected.forEach((value, j) => assert.ok(Math.abs(last[j] - value) < 1e-11 * (1 + Math.abs(value)), `seed ${seed}, ${j}`));
        assert.equal(step, 200);
        assert.ok(Math.abs(time - 4) < 1e-12);
      }
    });
  }
}

const wild = () => {
  const problem = problemOf(
    { kind: "curve", truth: "tent", n: 40, noise: 0.5, flipRate: 0, amplitude: 2, halfWidth: 2, seed: 0 },
    "square",
  );
  return createDescent(problem, startAt(torchNetwork(150, 1, 4)));
};

test("cells are what tests of every input find, and the memory of two steps ago changes no bit", () => {
  const scrambled = run(wild(), 400, 0.1, 0, 0, ({ before, problem }) => {
    before.cells.forEach((_, j) => (before.cells[j] = (7 * j) % (2 * problem.x.length + 2)));
  });
  assert.deepEqual(run(wild(), 400, 0.1, 0, 0), scrambled);
});

test("neurons that are dead for good may be left out, and it changes no bit", () => {
  const all = wild();
  const full = run(all, 400, 0.1, 0, 0, (descent) => {
    if (descent.step > 0) [descent.count, descent.plain] = [150, true];
    descent.moving.forEach((_, j) => (descent.moving[j] = j));
  });
  const some = wild();
  assert.deepEqual(run(some, 400, 0.1, 0, 0), full);
  assert.ok(some.count < 140, `${some.count} of 150 neurons move`);
});

test("a dead neuron that momentum has moved stays where it came to", () => {
  const { problem } = drawnCase("square", 1);
  for (const block of [0, 1, 2]) {
    const theta = Float64Array.of(1, -9, 1, 0.5);
    const state = { ...startAt(theta), before: theta.with(block, 0.9 * theta[block]), velocity: theta.slice() };
    const end = run(createDescent(problem, state), 5, 0.1, 0, 0);
    assert.deepEqual([end.theta.subarray(0, 3), end.before.subarray(0, 3)], [theta.subarray(0, 3), theta.subarray(0, 3)]);
  }
});

test("a step allocates no arrays, so that iterates take turns in two of them", () => {
  const descent = wild();
  const seen = new Set([descent.last.theta, descent.before.theta]);
  run(descent, 10, 0.1, 0, 0);
  assert.ok(seen.has(descent.last.theta) && seen.has(descent.before.theta) && descent.last !== descent.before);
});

test("a velocity is forgotten while there is no momentum", () => {
  const descent = wild();
  run(descent, 20, 0.01, 0.9, 0);
  run(descent, 1, 0.01, 0, 0.1);
  assert.ok(descent.velocity.every((value) => value === 0));
});

test("numbers of dying neurons become 0 and never subnormal", () => {
  const { problem } = drawnCase("square", 1);
  const descent = createDescent(problem, startAt(Float64Array.of(1, -9, 1, 0.5)));
  run(descent, 20000, 0.5, 0, 0.1, ({ last, step }) => {
    if (step % 100 === 0) last.theta.forEach((value) => assert.ok(value === 0 || Math.abs(value) > 2 ** -1022));
  });
  assert.deepEqual([...descent.last.theta.subarray(0, 3)].map(Math.abs), [0, 0, 0]);
});

test("a step that blows up says so", () => {
  const descent = wild();
  let finite = true;
  for (let step = 0; step < 2000 && finite; step++) finite = advance(descent, 1e6, 0, 0);
  assert.equal(finite, false);
});
