import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf, DILUTION, stepsPerFrame } from "../source/commands.js";
import { lastStep } from "../source/history.js";
import { OPENING } from "../source/setup.js";
import { isOver, opening, reduce, SLOW_START } from "../source/state.js";
import { frame, ready } from "./frames.js";

/** @typedef {import("../source/state.js").Action} Action @typedef {import("../source/state.js").State} State */

/** @param {State} state @param {Action[]} actions */
const after = (state, ...actions) => actions.reduce(reduce, state);
/** @param {import("../source/types.js").Answer} answer @returns {Action} */
const answer = (answer) => ({ kind: "answer", answer });
/** @param {Parameters<typeof frame>[0]} changes */
const drawn = (changes) => answer(frame(changes));
/** @param {number} step @param {number} stepSize */
const changed = (step, stepSize) =>
  answer({ kind: "changed", step, method: { ...OPENING.method, stepSize } });
const [LEAST_FRAMES, MOST] = [30, 24]; // half a second; runs kept
const begun = after(opening(OPENING), { kind: "begin", setup: OPENING }, answer(ready({ method: OPENING.method })), drawn({ step: 0 }));
/** @param {number} count @param {number} from */
const frames = (count, from = 1) => Array.from({ length: count }, (_, index) => drawn({ step: from + index }));

test("frames of the run before are no frames of the new one", () => {
  const asked = after(begun, { kind: "begin", setup: OPENING }, drawn({ step: 700 }));
  assert.equal(asked.frame, null);
  assert.equal(asked.history.length, 0);
});

test("of two runs that begin at once only the second one is shown", () => {
  const other = { ...OPENING, start: { ...OPENING.start, seed: 9 } };
  const asked = after(begun, { kind: "begin", setup: OPENING }, { kind: "begin", setup: other });
  const first = after(asked, answer(ready({ initialSharpness: 1 })), drawn({ step: 0, sharpness: 90 }), drawn({ step: 50 }));
  assert.deepEqual([first.ready, first.frame, first.events.length], [null, null, 0]);
  const second = after(first, answer(ready({ initialSharpness: 2 })), drawn({ step: 0 }));
  assert.deepEqual([second.ready?.initialSharpness, second.setup.start.seed, second.pending.length], [2, 9, 0]);
  assert.deepEqual([...second.history.columns.step], [0]);
  const refused = after(asked, answer({ kind: "refused", sentence: "no" }));
  assert.equal(refused.refused, null);
});

test("a change counts from the step that the worker names, and with its method", () => {
  const state = after(begun, drawn({ step: 9 }), { kind: "method", method: { stepSize: 0.4 } }, drawn({ step: 12 }), changed(13, 0.4));
  assert.deepEqual(state.segments.map(({ from, setup }) => [from, setup.method.stepSize]), [[0, 0.1], [13, 0.4]]);
  assert.equal(state.setup.method.stepSize, 0.4);
});

test("a change that is changed before a step was made leaves no segment", () => {
  const asked = after(begun, { kind: "method", method: { stepSize: 0.4 } }, { kind: "method", method: { stepSize: 0.5 } });
  const state = after(asked, changed(13, 0.4), changed(13, 0.5));
  assert.deepEqual(state.segments.map(({ setup }) => setup.method.stepSize), [0.1, 0.5]);
  assert.equal(after(state, { kind: "method", method: { stepSize: 0.1 } }, changed(13, 0.1)).segments.length, 1);
});

test("the slider shows what was asked last, whatever is answered first", () => {
  const asked = after(begun, { kind: "method", method: { stepSize: 0.4 } }, { kind: "method", method: { stepSize: 0.5 } });
  assert.equal(after(asked, changed(1, 0.4)).setup.method.stepSize, 0.5);
});

test("a refusal stands beside the control that asked, as a sentence, until something else is asked", () => {
  const asked = after(begun, { kind: "method", method: { momentum: 2 }, control: "momentum" });
  const refused = after(asked, answer({ kind: "refused", sentence: "the momentum must lie in [0, 1), got 2" }));
  assert.deepEqual(refused.refused, { sentence: "The momentum must lie in [0, 1), got 2.", control: "momentum" });
  assert.equal(refused.pending.length, 0);
  const again = after(refused, { kind: "method", method: { momentum: 0.5 }, control: "momentum" }, changed(1, 0.1));
  assert.equal(again.refused, null);
});

test("a refusal that no control asked for is shown all the same", () => {
  const state = after(begun, { kind: "step", count: -1 }, answer({ kind: "refused", sentence: "a number must be whole" }));
  assert.deepEqual(state.refused, { sentence: "A number must be whole.", control: "" });
});

test("what is wrong with the address stays to be read when the run begins", () => {
  const state = after(opening(OPENING), { kind: "begin", setup: OPENING }, { kind: "refuse", sentence: "No.", control: "" },
    answer(ready()));
  assert.equal(state.refused?.sentence, "No.");
});

test("winding shows the past and forgets nothing until training continues", () => {
  const wound = after(begun, ...frames(20), { kind: "rewind", step: 5 }, drawn({ step: 5, outcome: "paused" }));
  assert.deepEqual([wound.frame?.step, lastStep(wound.history), wound.winding, wound.playing], [5, 20, true, false]);
  const forward = after(wound, { kind: "rewind", step: 12 }, drawn({ step: 12, outcome: "paused" }));
  assert.deepEqual([forward.frame?.step, lastStep(forward.history)], [12, 20]);
  const on = after(forward, { kind: "play" });
  assert.deepEqual([lastStep(on.history), on.winding], [12, false]);
  assert.deepEqual([...after(on, drawn({ step: 40 })).history.columns.step].slice(-3), [11, 12, 40]);
});

test("a frame that was on its way when the run was wound back belongs to its history", () => {
  const state = after(begun, ...frames(20), { kind: "rewind", step: 5 }, drawn({ step: 21 }), drawn({ step: 5 }));
  assert.deepEqual([state.frame?.step, lastStep(state.history)], [5, 21]);
});

test("from the past training continues with the method of now", () => {
  const past = after(begun, ...frames(20), { kind: "method", method: { stepSize: 0.4 } }, changed(20, 0.4), ...frames(9, 21),
    { kind: "rewind", step: 5 }, drawn({ step: 5 }), { kind: "play" }, drawn({ step: 6 }));
  assert.deepEqual(past.segments.map(({ from, setup }) => [from, setup.method.stepSize]), [[0, 0.1], [5, 0.4]]);
});

test("what happened after the step shown is forgotten when training continues", () => {
  const state = after(begun, ...frames(4), drawn({ step: 5, sharpness: 60 }));
  assert.ok(state.events.some(({ kind }) => kind === "beyond"));
  const back = after(state, { kind: "rewind", step: 3 }, drawn({ step: 3 }), { kind: "play" });
  assert.ok(!back.events.some(({ kind }) => kind === "beyond"));
  assert.ok(after(back, drawn({ step: 5, sharpness: 60 })).events.some(({ kind }) => kind === "beyond"));
});

test("a run is kept when its step size changes, if it was seen for a while and has not diverged", () => {
  const change = /** @type {const} */ ({ kind: "method", method: { stepSize: 0.4 } });
  assert.equal(after(begun, ...frames(LEAST_FRAMES - 2), change).runs.length, 0);
  const kept = after(begun, ...frames(LEAST_FRAMES - 1), change).runs;
  assert.deepEqual(kept.map(({ setup, frame }) => [setup.method.stepSize, frame.step]), [[0.1, LEAST_FRAMES - 1]]);
  assert.equal(after(begun, ...frames(40), drawn({ step: 50, outcome: "diverged" }), change).runs.length, 0);
});

test("a drag keeps one run, and a later moment of a run takes the place of an earlier one", () => {
  const drag = Array.from({ length: 9 }, (_, index) => /** @type {Action} */ ({ kind: "method", method: { stepSize: 0.2 + index / 100 } }));
  const state = after(begun, ...frames(40), ...drag);
  assert.equal(state.runs.length, 1);
  const twice = after(begun, ...frames(5), { kind: "keep" }, ...frames(5, 6), { kind: "keep" });
  assert.deepEqual(twice.runs.map(({ frame }) => frame.step), [10]);
});

test("runs are numbered for ever, removed by number, and at most so many", () => {
  let state = begun;
  for (let index = 0; index < MOST + 3; index++) {
    const setup = { ...OPENING, start: { ...OPENING.start, seed: index } };
    state = after(state, { kind: "begin", setup }, answer(ready({ method: setup.method })), drawn({ step: 0 }), { kind: "keep" });
  }
  assert.deepEqual([state.runs.length, state.runs[0].id], [MOST, 3]);
  assert.equal(after(state, { kind: "remove", id: 5 }).runs.length, MOST - 1);
  assert.equal(after(state, { kind: "clear" }).runs.length, 0);
});

test("a run that diverges stops and is over, whatever its step size becomes, until it is wound back or begins anew", () => {
  const over = after(begun, ...frames(5), drawn({ step: 6, outcome: "diverged" }));
  const smaller = after(over, { kind: "method", method: { stepSize: 0.01 } }, changed(6, 0.01), drawn({ step: 6, outcome: "paused" }));
  assert.deepEqual([begun, over, smaller].map(isOver), [false, true, true]);
  assert.equal(isOver(after(smaller, { kind: "rewind", step: 2 }, drawn({ step: 2, outcome: "paused" }))), false);
  assert.equal(isOver(after(smaller, { kind: "begin", setup: OPENING }, answer(ready()), drawn({ step: 0 }))), false);
  assert.equal(after(begun, { kind: "play" }, drawn({ step: 3, outcome: "diverged" })).playing, false);
});

test("a state is frozen, and an action leaves it as it was", () => {
  const before = JSON.stringify(begun);
  after(begun, ...frames(5), { kind: "keep" }, { kind: "rewind", step: 2 }, drawn({ step: 2 }), { kind: "play" });
  assert.ok(Object.isFrozen(begun));
  assert.equal(JSON.stringify(begun), before);
});

test("few steps are shown at first and after every change, then as many as fit", () => {
  const slow = { ...begun, pace: SLOW_START };
  assert.equal(stepsPerFrame(slow), 1);
  assert.equal(stepsPerFrame(after(slow, drawn({ step: 4 * DILUTION, stepsPerSecond: 1e6 }))), 4);
  assert.equal(stepsPerFrame(after(slow, drawn({ step: 1e6, stepsPerSecond: 1000 }))), 0);
  const later = after(slow, drawn({ step: 1e6 }), { kind: "method", method: { stepSize: 0.4 } }, changed(1e6, 0.4));
  assert.equal(stepsPerFrame(later), 1);
  assert.equal(stepsPerFrame({ ...begun, pace: 7 }), 7);
});

test("what is asked of the worker is what was done, and to run once", () => {
  /** @param {State} state @param {Action} action */
  const asked = (state, action) => commandsOf(state, action, reduce(state, action)).map(({ kind }) => kind);
  const playing = after(begun, { kind: "play" });
  assert.deepEqual(asked(begun, { kind: "play" }), ["run"]);
  assert.deepEqual(asked(playing, { kind: "play" }), []);
  assert.deepEqual(asked(playing, { kind: "pause" }), ["pause"]);
  assert.deepEqual(asked(playing, { kind: "step", count: 5 }), ["pause", "step"]);
  assert.deepEqual(asked(playing, { kind: "begin", setup: OPENING }), ["begin", "run"]);
  assert.deepEqual(asked(begun, { kind: "begin", setup: OPENING }), ["begin"]);
  assert.deepEqual(asked(playing, { kind: "rewind", step: 0 }), ["rewind"]);
});
