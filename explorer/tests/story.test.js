import assert from "node:assert/strict";
import { test } from "node:test";
import { Training } from "../source/engine/training.js";
import { append, EMPTY } from "../source/history.js";
import { OPENING } from "../source/setup.js";
import { contextOf, story, words } from "../source/story.js";
import { frame, ready } from "./frames.js";

/** @typedef {Parameters<typeof frame>[0]} Changes */

const context = contextOf({ ...OPENING, start: { ...OPENING.start, width: 100 } }, ready());

/**
 * The story of frames, 100 steps apart where they do not say their step.
 * @param {Changes[]} frames
 */
function of(frames, given = context) {
  const history = frames.reduce((made, each, index) => append(made, frame({ step: 100 * index, ...each })), EMPTY);
  return story(history, given);
}

const PLACES = ["beyond", "catapult", "edge", "below"];

/**
 * Kinds of what happened, of those that a test is about.
 * @param {Changes[]} frames
 * @param {string[]} about
 */
const kinds = (frames, about, given = context) =>
  of(frames, given).happenings.map(({ kind }) => kind).filter((kind) => about.includes(kind));

/** @param {number[]} ratios */
const ratios = (ratios) => ratios.map((ratio) => ({ sharpness: 20 * ratio }));

/** @param {number[]} values */
const places = (values) => kinds(ratios(values), PLACES);

test("a run is at the edge from a ratio of 0.9 until one below 0.8", () => {
  assert.deepEqual(places([0.5, 0.89, 0.89]), []);
  assert.deepEqual(places([0.5, 0.9, 0.9]), ["edge"]);
  assert.deepEqual(places([0.5, 0.9, 0.9, 0.81, 0.81]), ["edge"]);
  assert.deepEqual(places([0.5, 0.9, 0.9, 0.79, 0.79]), ["edge", "below"]);
});

test("a change of place is said when it has lasted for a quarter of the steps, with the step at which it began", () => {
  const short = [...Array(20).fill(1), ...Array(3).fill(0.5), ...Array(9).fill(1)];
  assert.deepEqual(places(short), ["edge"]);
  const { happenings } = of(ratios([...Array(20).fill(1), ...Array(7).fill(0.5)]));
  const steps = happenings.filter(({ kind }) => PLACES.includes(kind)).map(({ kind, step }) => [kind, step]);
  assert.deepEqual(steps, [["edge", 0], ["below", 2000]]);
});

test("the first frame is beyond the edge from 1.2, a later one from 2", () => {
  assert.deepEqual(places([1.19]), ["edge"]);
  assert.deepEqual(places([1.2]), ["beyond"]);
  assert.deepEqual(places([1, 1.9, 1.9]), ["edge"]);
  assert.deepEqual(places([1, 2]), ["edge", "beyond"]);
});

test("a larger step size is beyond the edge from 1.2, and a warm-up is no larger step size", () => {
  const larger = { sharpness: 20, threshold: 16, stepSize: 0.125 };
  assert.deepEqual(kinds([{ sharpness: 20 }, larger], PLACES), ["edge", "beyond"]);
  assert.deepEqual(kinds([{ sharpness: 20 }, { ...larger, stepSize: 0.109 }], PLACES), ["edge"]);
});

test("a catapult is a fall by half or more from beyond the edge to 1.1 or less", () => {
  assert.deepEqual(places([2.2, 3, 1.11]), ["beyond"]);
  assert.deepEqual(places([2.2, 3, 1.1]), ["beyond", "catapult"]);
  assert.deepEqual(places([2, 1]), ["beyond", "catapult"]);
  assert.deepEqual(places([1.9, 1, 1]), ["beyond", "edge"]);
  assert.match(of(ratios([2, 4, 0.5])).happenings[1].sentence, /from 80\.0 to 10\.0, 0\.50 times its threshold; 90 neurons bend/);
});

test("a network is dead below 3 neurons or 1 % of the width, and alive again at three times as many", () => {
  const wide = { ...context, width: 1000 };
  /** @param {number[]} alive */
  const dead = (...alive) =>
    kinds(alive.flatMap((each) => Array(60).fill({ alive: each, width: 1000 })), ["dead"], wide).length;
  assert.equal(dead(500, 10), 0);
  assert.equal(dead(500, 9), 1);
  assert.equal(dead(9, 29, 9), 1);
  assert.equal(dead(9, 30, 9), 2);
  assert.deepEqual(kinds([{ alive: 3 }], ["dead"]), []);
  assert.deepEqual(kinds([{ alive: 2 }], ["dead"]), ["dead"]);
});

test("knots that swing out of the data for a few frames kill no network", () => {
  assert.deepEqual(kinds(Array.from({ length: 90 }, (_, index) => ({ alive: index % 8 ? 0 : 90 })), ["dead"]), []);
  const gone = of([{ alive: 90 }, ...Array(30).fill({ alive: 0 })]).happenings.find(({ kind }) => kind === "dead");
  assert.equal(gone?.step, 100 * Math.ceil(Math.log(90 / 3) / Math.log(1 / 0.8)));
});

test("a curve interpolates from an error of 1 % of the labels' deviation until one of 10 %", () => {
  const level = (/** @type {number} */ share) => ({ loss: 0.5 * (share * context.deviation) ** 2 });
  const fits = (/** @type {number[]} */ ...shares) =>
    kinds(shares.map(level), ["interpolating", "missing"]);
  assert.deepEqual(fits(1, 0.0101, 0.0101), []);
  assert.deepEqual(fits(1, 0.0099, 0.0099), ["interpolating"]);
  assert.deepEqual(fits(1, 0.0099, 0.0099, 0.099, 0.099), ["interpolating"]);
  assert.deepEqual(fits(1, 0.0099, 0.0099, 0.101, 0.101), ["interpolating", "missing"]);
});

test("a classifier interpolates from a loss of (log 2)/n, below which no label is on the wrong side", () => {
  const two = { ...context, loss: /** @type {const} */ ("logistic") };
  const limit = Math.log(2) / two.n;
  const fits = (/** @type {number} */ loss) => kinds([{ loss }, { loss }], ["interpolating"], two).length;
  assert.deepEqual([fits(1.01 * limit), fits(0.99 * limit)], [0, 1]);
});

test("a run has arrived when loss, ratio and variation of the last half of its steps are those of the quarter before", () => {
  const run = (/** @type {(step: number) => Changes} */ at) =>
    kinds(Array.from({ length: 81 }, (_, index) => at(50 * index)).map((each, index) => ({ step: 50 * index, ...each })),
      ["arrived", "moving"]);
  assert.deepEqual(run(() => ({})), ["arrived"]);
  assert.deepEqual(run((step) => ({ loss: 1 / (1 + step) })), ["moving"]);
  assert.deepEqual(run((step) => ({ loss: step <= 500 ? 1 : 0.951 })), ["arrived"]);
  assert.deepEqual(run((step) => ({ loss: step <= 500 ? 1 : 0.949 })), ["moving", "arrived"]);
  assert.deepEqual(run((step) => ({ sharpness: step <= 500 ? 9 : 10.1 })), ["moving", "arrived"]);
  assert.deepEqual(run((step) => ({ weightedTv: step <= 500 ? 2 : 2.2 })), ["moving", "arrived"]);
  assert.deepEqual(run((step) => ({ loss: step <= 500 ? 1e-9 : 1e-12 })), ["arrived"]);
  assert.deepEqual(run((step) => ({ loss: step <= 1000 ? 1 : step <= 2000 ? 0.86 : 0.74 })), ["arrived"]);
  assert.deepEqual(run((step) => ({ loss: step <= 1000 ? 1 : step <= 2000 ? 0.84 : 0.84 })), ["arrived", "moving", "arrived"]);
  assert.deepEqual(run((step) => ({ stepSize: step < 2000 ? 0.001 * step : 0.1 })), ["arrived"]);
});

test("whether a run has arrived is judged anew after a change of its method or data", () => {
  const frames = Array.from({ length: 50 }, (_, index) => ({ step: 100 * index }));
  const changed = contextOf(OPENING, ready(), 3000);
  const told = (/** @type {number} */ length) => words(of(frames.slice(0, length), changed).teller).includes("arrived");
  assert.deepEqual([30, 31, 40, 41].map(told), [true, false, false, true]);
});

test("a run that diverged says so and nothing else", () => {
  assert.deepEqual(of([{}, { outcome: "diverged", sharpness: 1e9 }]).happenings.map(({ kind }) => kind), ["diverged"]);
});

/**
 * The kinds of happenings of a real run, and its words in the end.
 * @param {Partial<import("../source/types.js").CurveData>} data
 * @param {Partial<import("../source/types.js").Start>} start
 * @param {number} stepSize
 * @param {number} steps
 */
function trained(data, start, stepSize, steps) {
  const setup = {
    ...OPENING,
    data: /** @type {import("../source/types.js").CurveData} */ ({ ...OPENING.data, ...data }),
    start: { ...OPENING.start, ...start },
    method: { ...OPENING.method, stepSize, warmupSteps: start.arm === "large" ? 1000 : 0 },
  };
  const training = new Training(setup);
  let history = EMPTY;
  for (let made = 0; made < steps && !training.diverged; made = training.descent.step) {
    history = append(history, { ...frame(), ...training.frame() });
    training.train(Math.ceil((1 + made) / 25), Infinity, () => 0);
  }
  history = append(history, { ...frame(), ...training.frame(), outcome: training.diverged ? "diverged" : "training" });
  const { teller, happenings } = story(history, contextOf(setup, training.ready));
  return { kinds: happenings.map(({ kind }) => kind), words: words(teller) };
}

test("PyTorch's start at η = 0.3 is thrown out of the data on [−1, 1] and diverges on [−3, 3]", () => {
  const narrow = trained({ halfWidth: 1 }, { arm: "printed" }, 0.3, 1500);
  assert.deepEqual(narrow.kinds.slice(0, 3), ["beyond", "catapult", "dead"]);
  assert.ok(narrow.words.includes("dead"));
  assert.deepEqual(trained({ halfWidth: 3 }, { arm: "printed" }, 0.3, 100).kinds, ["beyond", "diverged"]);
});

test("the small start comes to the edge from below, and nobody dies", () => {
  const { kinds, words } = trained({}, { arm: "small", width: 300 }, 0.2, 5000);
  assert.ok(kinds.includes("edge") && !kinds.includes("catapult") && !kinds.includes("dead"), `${kinds}`);
  assert.ok(words.includes("at the edge"));
});

test("six labels of noise are interpolated at a small step size and not at a large one", () => {
  const noise = { n: 6, noise: 1, halfWidth: 1, truth: /** @type {const} */ ("zero") };
  assert.ok(trained(noise, { arm: "large" }, 0.01, 4000).words.includes("interpolating"));
  assert.ok(!trained(noise, { arm: "large" }, 1.2, 4000).words.includes("interpolating"));
});
