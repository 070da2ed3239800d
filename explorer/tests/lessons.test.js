import assert from "node:assert/strict";
import { test } from "node:test";
import { Training } from "../source/engine/training.js";
import { PRESETS } from "../source/presets.js";
import { contextOf, story, words } from "../source/story.js";
import { append, EMPTY, numbersOf } from "../source/history.js";
import { DEAD } from "../source/types.js";
import { frame } from "./frames.js";

/** @typedef {import("../source/types.js").Setup} Setup */

/** A lesson by its claim. @param {string} claim */
function lesson(claim) {
  const found = PRESETS.find((each) => each.claim === claim);
  assert.ok(found);
  return found;
}

/**
 * A run of a lesson, with its step size changed now and then.
 * @param {Setup} setup
 * @param {number} steps  at every step size
 * @param {...number} stepSizes
 */
function run(setup, steps, ...stepSizes) {
  const training = new Training(setup);
  let history = EMPTY;
  const seen = [setup.method.stepSize, ...stepSizes].map((stepSize) => {
    training.changeMethod({ stepSize });
    const from = training.descent.step;
    for (let made = 0; made < steps && !training.diverged; made = training.descent.step - from) {
      history = append(history, { ...frame(), ...training.frame() });
      training.train(Math.min(500, Math.ceil((1 + made) / 25)), Infinity, () => 0);
    }
    const now = training.frame();
    history = append(history, { ...frame(), ...now, outcome: training.diverged ? "diverged" : "training" });
    const { teller, happenings } = story(history, contextOf(setup, training.ready));
    return { ...now, ...numbersOf({ ...frame(), ...now }), words: words(teller), kinds: happenings.map(({ kind }) => kind) };
  });
  return seen;
}

/** @param {Setup} setup @param {number} stepSize */
const at = (setup, stepSize) => ({ ...setup, method: { ...setup.method, stepSize } });

test("curve fitting: larger steps, fewer pieces, and the risk falls and rises again", () => {
  const { setup, moves } = lesson("curve-fitting");
  const { stepSizes = [], steps = 0 } = moves[0].sweep ?? {};
  assert.ok(stepSizes[0] === 0.01 && stepSizes.includes(0.4) && stepSizes.at(-1) === 0.8);
  const [small, middle, large] = [0.01, 0.4, 0.8].map((stepSize) => run(at(setup, stepSize), steps)[0]);
  assert.ok(small.pieces > middle.pieces && middle.pieces > large.pieces);
  assert.ok(small.risk > 1.5 * middle.risk && large.risk > 1.5 * middle.risk);
});

test("the edge: λ_max rises to 2/η and comes back to it after every drag, and the neurons live", () => {
  const { setup, moves } = lesson("sharpness-vs-step-size");
  const seen = run(setup, 5000, ...moves.map(({ method }) => method?.stepSize ?? NaN));
  for (const { sharpness, threshold, words, alive } of seen) {
    assert.ok(Math.abs(sharpness / threshold - 1) < 0.05, `${sharpness / threshold}`);
    assert.ok(words.includes("at the edge") && alive > 100);
  }
});

test("the graveyard: a level line, survivors at a small step size, divergence, and life from the small start", () => {
  const { setup, moves } = lesson("catapult-graveyard");
  const begins = moves.filter((move) => move.setup && !move.paused);
  const ends = [setup, ...begins.map((move) => ({ ...setup, ...move.setup }))].map((each) => run(each, 2000)[0]);
  assert.ok(ends[0].words.includes("dead") && ends[0].pieces === 1);
  assert.ok(!ends[1].words.includes("dead") && ends[1].kinds.includes("catapult"));
  assert.ok(ends[2].kinds.includes("diverged"));
  assert.ok(!ends[3].words.includes("dead") && ends[3].alive > 100);
});

test("the graveyard: two steps overshoot, the third throws nearly all kinks out of the data", () => {
  const training = new Training(lesson("catapult-graveyard").setup);
  const seen = [0, 1, 2, 3].map((step) => {
    training.train(step - training.descent.step, Infinity, () => 0);
    const now = { ...frame(), ...training.frame() };
    return { loss: now.loss, alive: numbersOf(now).alive };
  });
  assert.ok(seen[0].loss < 1 && seen[1].loss > 100 && seen[2].loss > seen[1].loss && seen[3].loss < seen[2].loss);
  assert.ok(seen[2].alive > 300 && seen[3].alive < 10);
});

test("interpolation is sharp: after each drag flatter, and away from the labels in the end", () => {
  const { setup, moves } = lesson("interpolation-is-sharp");
  const seen = run(setup, 8000, ...moves.map(({ method }) => method?.stepSize ?? NaN));
  assert.deepEqual(seen.map(({ words }) => words.includes("interpolating")), [...Array(6).fill(true), false]);
  assert.ok(seen.slice(1).every(({ sharpness }, index) => sharpness < 1.02 * seen[index].sharpness));
  assert.ok(seen[5].sharpness < 0.1 * seen[0].sharpness);
});

test("flat, but wrong: every label on its side, flat, with a risk above that of a step size that misses labels", () => {
  const { setup, moves } = lesson("flat-but-wrong");
  const [early, late] = run(setup, 15_000, setup.method.stepSize);
  const { y, truth, grid, x } = new Training(setup).ready;
  const logit = (/** @type {number} */ at) => truth?.[grid.findIndex((each) => each >= at)] ?? NaN;
  assert.equal(y.filter((label, index) => label * logit(x[index]) < 0).length, 4);
  assert.ok(late.words.includes("interpolating") && late.sharpness < 0.2 * late.threshold && late.sharpness < early.sharpness);
  assert.ok(late.risk > early.risk);
  const [other] = run({ ...setup, ...moves[0].setup }, 30_000);
  assert.ok(!other.words.includes("interpolating") && other.risk < 0.5 * late.risk);
});

test("dead neurons: nearly all die, all kinks of the dead lie outside the data, and new points wake many", () => {
  const { setup, moves } = lesson("feature-learning");
  const training = new Training(setup);
  training.train(6000, Infinity, () => 0);
  const { knots, states } = training.frame().neurons;
  const { data } = setup;
  assert.ok(data.kind === "own");
  const dead = knots.filter((_, index) => states[index] === DEAD);
  assert.ok(dead.length > 150 && dead.every((knot) => Math.abs(knot) >= 1));
  const alive = () => numbersOf({ ...frame(), ...training.frame() }).alive;
  const before = alive();
  assert.ok(before < 10);
  const points = moves.flatMap(({ point }) => (point ? [point] : []));
  training.changeData({ ...data, x: [...data.x, ...points.map(([x]) => x)], y: [...data.y, ...points.map(([, y]) => y)] });
  training.train(3000, Infinity, () => 0);
  assert.ok(alive() > 3 * before);
});

test("clean labels: small steps pass nearly through them, the largest cuts off the peaks", () => {
  const { setup, moves } = lesson("clean-labels");
  const { stepSizes = [] } = moves[0].sweep ?? {};
  const errors = [stepSizes[0], 0.1, 0.4].map((stepSize) => Math.sqrt(run(at(setup, stepSize), 30_000)[0].risk));
  assert.ok(errors[0] < 0.02 && errors[1] < 0.02 && errors[2] > 0.2, `${errors}`);
});
