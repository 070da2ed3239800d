// Commands and answers: order, slices, back pressure, and one sentence for everything that is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Service } from "../source/engine/service.js";
import { CLASSES, TENT, points } from "./engine_setups.js";

/** @typedef {import("../source/types.js").Answer} Answer */
/** @typedef {import("../source/types.js").Frame} Frame */

/** A service with a clock that moves a millisecond with every look. */
function serve() {
  /** @type {Answer[]} */
  const answers = [];
  /** @type {(() => void)[]} */
  const tasks = [];
  let time = 0;
  const service = new Service((answer) => answers.push(answer), (task) => tasks.push(task), () => time++);
  return {
    answers,
    tasks,
    say: (/** @type {any} */ command) => service.answer(command),
    work: () => tasks.splice(0).forEach((task) => task()),
    kinds: () => answers.splice(0).map(({ kind }) => kind),
    frame: () => /** @type {Frame} */ (answers.at(-1)),
  };
}

/** @param {any} [setup] */
function begun(setup = TENT) {
  const service = serve();
  service.say({ kind: "begin", setup });
  return service;
}

test("a run begins with its data and the frame of step 0", () => {
  const { answers, frame } = begun();
  const ready = /** @type {import("../source/types.js").Ready} */ (answers[0]);
  assert.deepEqual(answers.map(({ kind }) => kind), ["ready", "frame"]);
  assert.deepEqual([ready.step, ready.x.length, ready.truth?.length, ready.init, ready.scale], [0, 30, 401, "torch", 1]);
  assert.deepEqual([frame().step, frame().outcome, frame().time], [0, "paused", 0]);
  assert.deepEqual(frame().now, frame().before);
});

test("frames wait until the last one is drawn, and training with them", () => {
  const { say, work, tasks, kinds, frame, answers } = begun();
  say({ kind: "run", stepsPerFrame: 0 });
  work();
  assert.deepEqual(kinds(), ["ready", "frame"]);
  say({ kind: "drawn" });
  work();
  assert.equal(frame().outcome, "training");
  const { step } = frame();
  assert.ok(step > 5 && step < 20, `${step}`); // a look at the clock after each of the first steps
  assert.deepEqual([tasks.length, kinds().length], [0, 1]);
  say({ kind: "pause" });
  assert.deepEqual([frame().step, frame().outcome], [step, "paused"]);
  say({ kind: "drawn" });
  assert.equal(tasks.length, 0);
  assert.equal(answers.length, 1);
});

test("steps per frame are kept, in as many slices as they take", () => {
  const { say, work, frame, kinds } = begun();
  say({ kind: "drawn" });
  say({ kind: "run", stepsPerFrame: 1000 });
  kinds();
  let slices = 0;
  for (; !frame(); slices++) work();
  assert.ok(slices > 3);
  assert.deepEqual([frame().step, kinds().length], [1000, 1]);
});

test("a paused run makes the steps that it is told, drawn or not", () => {
  const { say, work, frame } = begun();
  for (const count of [1, 1, 500]) {
    say({ kind: "step", count });
    for (let i = 0; i < 99; i++) work();
  }
  assert.deepEqual([frame().step, frame().outcome], [502, "paused"]);
});

test("method and data change while it trains, are answered at once and count from the next step", () => {
  const { say, work, answers, frame } = begun();
  say({ kind: "step", count: 10 });
  work();
  say({ kind: "method", method: { stepSize: 0.2 } });
  assert.deepEqual(answers.at(-2), { kind: "changed", step: 10, method: { ...TENT.method, stepSize: 0.2 } });
  assert.deepEqual([frame().threshold, frame().step], [10, 10]);
  say({ kind: "data", data: points([3, -1, 1], [1, 2, 3]) });
  const ready = /** @type {import("../source/types.js").Ready} */ (answers.at(-2));
  assert.deepEqual([ready.kind, ready.step, [...ready.x], [...ready.y], ready.truth], ["ready", 10, [-1, 1, 3], [2, 3, 1], null]);
  assert.deepEqual([frame().step, frame().risk], [10, null]);
});

test("rewind pauses at the step", () => {
  const { say, work, frame } = begun();
  say({ kind: "drawn" });
  say({ kind: "run", stepsPerFrame: 300 });
  for (let i = 0; i < 99; i++) work();
  assert.equal(frame().step, 300);
  say({ kind: "rewind", step: 123 });
  assert.deepEqual([frame().step, frame().outcome], [123, "paused"]);
  say({ kind: "rewind", step: 9999 });
  assert.equal(frame().step, 300);
});

test("divergence is a result, and a smaller step size may follow", () => {
  const { say, work, frame } = begun({ ...TENT, method: { ...TENT.method, stepSize: 300, momentum: 0.9 } });
  say({ kind: "step", count: 3000 });
  for (let i = 0; i < 300; i++) work();
  assert.equal(frame().outcome, "diverged");
  const { step } = frame();
  say({ kind: "method", method: { stepSize: 1e-9, momentum: 0 } });
  say({ kind: "step", count: 5 });
  work();
  assert.deepEqual([frame().outcome, frame().step], ["paused", step + 5]);
});

const own = points([0, 1], [1, -1]);
/** @type {[string, any, RegExp][]} */
const WRONG = [
  ["loss", { ...TENT, loss: "hinge" }, /^the loss must be one of square, logistic, got "hinge"$/],
  ["kind", { ...TENT, data: { kind: "spiral" } }, /kind of data must be one of curve, own/],
  ["no data", { ...TENT, data: undefined }, /kind of data must be one of curve, own, got nothing/],
  ["truth", { ...TENT, data: { ...TENT.data, truth: "cat" } }, /truth must be one of tent/],
  ["examples", { ...TENT, data: { ...TENT.data, n: 0 } }, /number of examples must be a whole number between 1 and 5000, got 0/],
  ["data seed", { ...TENT, data: { ...TENT.data, seed: -1 } }, /seed of the data must be a whole number/],
  ["noise", { ...TENT, data: { ...TENT.data, noise: -1 } }, /noise must be finite and not negative, got -1/],
  ["half width", { ...TENT, data: { ...TENT.data, halfWidth: 0 } }, /half width must be finite and at least/],
  ["amplitude", { ...CLASSES, data: { ...CLASSES.data, amplitude: NaN } }, /amplitude must be finite and not negative, got NaN/],
  ["flips", { ...CLASSES, data: { ...CLASSES.data, flipRate: 0.5 } }, /flip rate must lie in \[0, 0.5\), got 0.5/],
  ["no points", { ...TENT, data: points([], []) }, /number of examples must be a whole number/],
  ["lengths", { ...TENT, data: { ...own, y: [1] } }, /number of labels must be that of the inputs, 2, got 1/],
  ["input", { ...TENT, data: points([0, Infinity], [1, 1]) }, /every input must be a finite number, got Infinity/],
  ["label", { ...TENT, data: points([0, 1], [1, NaN]) }, /every label must be a finite number, got NaN/],
  ["classes", { ...CLASSES, data: points([0, 1], [1, 2]) }, /every label of the logistic loss must be -1 or 1, got 2/],
  ["huge", { ...TENT, data: points([0, 1e200], [1, 2]) }, /inputs and labels must be small enough/],
  ["arm", { ...TENT, start: { ...TENT.start, arm: "odd" } }, /start must be one of printed, small, large/],
  ["width", { ...TENT, start: { ...TENT.start, width: 1e9 } }, /width must be a whole number between 1 and 10000/],
  ["seed", { ...TENT, start: { ...TENT.start, seed: 0.5 } }, /seed of the network must be a whole number/],
  ["step size", { ...TENT, method: { ...TENT.method, stepSize: 0 } }, /step size must be finite and positive, got 0/],
  ["no method", { ...TENT, method: undefined }, /step size must be finite and positive, got nothing/],
  ["momentum", { ...TENT, method: { ...TENT.method, momentum: 1 } }, /momentum must lie in \[0, 1\), got 1/],
  ["decay", { ...TENT, method: { ...TENT.method, weightDecay: -1 } }, /weight decay must be finite and not negative/],
  ["warm-up", { ...TENT, method: { ...TENT.method, warmupSteps: 1.5 } }, /warm-up steps must be a whole number/],
];
for (const [name, setup, sentence] of WRONG) {
  test(`a wrong setup is refused in one sentence: ${name}`, () => {
    const { answers } = begun(setup);
    const refused = /** @type {import("../source/types.js").Refused} */ (answers[0]);
    assert.deepEqual([answers.length, refused.kind], [1, "refused"]);
    assert.match(refused.sentence, sentence);
  });
}

test("what is refused changes nothing", () => {
  const { say, work, frame, answers } = begun();
  say({ kind: "method", method: { stepSize: -1 } });
  say({ kind: "data", data: points([0], [NaN]) });
  say({ kind: "data", data: points([0, 1e300], [1, 1]) });
  say({ kind: "begin", setup: { ...TENT, loss: "none" } });
  say({ kind: "step", count: 0.5 });
  say({ kind: "rewind", step: -1 });
  say({ kind: "dance" });
  assert.deepEqual(answers.slice(2).map(({ kind }) => kind), Array(7).fill("refused"));
  say({ kind: "step", count: 3 });
  work();
  assert.deepEqual([frame().step, frame().stepSize], [3, 0.1]);
});

test("before a run has begun everything else is refused", () => {
  const { say, answers } = serve();
  say({ kind: "run", stepsPerFrame: 0 });
  assert.match(/** @type {import("../source/types.js").Refused} */ (answers[0]).sentence, /a run must begin first/);
});
