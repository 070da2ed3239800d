import assert from "node:assert/strict";
import { test } from "node:test";
import { linear } from "../source/drawing/scale.js";
import { OPENING } from "../source/setup.js";
import { ALIVE, DEAD, LINEAR, STUCK } from "../source/types.js";
import { isComparable } from "../source/views/comparable.js";
import { extent, stepScale } from "../source/views/curves.js";
import { uncertainSpans } from "../source/views/fit_curves.js";
import { columnsOf } from "../source/views/fit_neurons.js";
import { fitNumbers, interpolate } from "../source/views/fit_words.js";
import { withRoom } from "../source/views/happenings.js";
import { finding as risk } from "../source/views/risk.js";
import { finding as sharpness } from "../source/views/sharpness.js";
import { medians, outcomes } from "../source/views/outcomes.js";
import { finding as variation, silentSpans } from "../source/views/variation.js";

const finding = { risk, sharpness, variation };

test("step 0 stands at the left end of either axis", () => {
  const box = { left: 50, right: 450, top: 0, bottom: 100 };
  for (const isLog of [false, true]) assert.equal(stepScale(5000, box, isLog).at(0), 50);
});

test("extent passes over what is not finite, and, where it must be, not positive", () => {
  assert.deepEqual(
    extent([
      [3, NaN, -1],
      [Infinity, 2],
    ]),
    [-1, 3],
  );
  assert.deepEqual(extent([[3, 0, -1], [2]], true), [2, 3]);
});

test("the theorem is silent from where its bound is missing to where it is back", () => {
  const steps = Float64Array.of(0, 10, 20, 30, 40);
  assert.deepEqual(silentSpans(steps, Float64Array.of(NaN, NaN, 3, 3, NaN)), [
    [0, 20],
    [40, 40],
  ]);
  assert.deepEqual(silentSpans(steps, Float64Array.of(1, 2, 3, 4, 5)), []);
  assert.deepEqual(silentSpans(steps, new Float64Array(5).fill(NaN)), [[0, 40]]);
});

test("the variation is said against its bound, in every case that there is", () => {
  assert.equal(
    finding.variation(1.44, 3.19),
    "The weighted variation is 1.44; the theorem allows 3.19, 2.2 times as much",
  );
  assert.equal(finding.variation(0, 0.926), "The weighted variation is 0; the theorem allows 0.926");
  assert.equal(finding.variation(2.5, 2), "The weighted variation is 2.50, more than its bound of 2.00");
  assert.equal(finding.variation(2.5, NaN), "The weighted variation is 2.50; no theorem bounds it here");
  assert.match(finding.variation(NaN, NaN), /^The weight vanishes/);
});

test("the sharpness is said against its threshold, and where the story says that the run is", () => {
  const frame = { outcome: /** @type {const} */ ("training"), step: 12_345, sharpness: 4.98, threshold: 5 };
  const sentence = "λ_max = 4.98 is 1.00 times the threshold 5.00";
  assert.equal(finding.sharpness(frame, "at the edge"), `${sentence}: at the edge of stability`);
  assert.equal(finding.sharpness(frame, "below the edge"), `${sentence}: below the edge`);
  assert.equal(finding.sharpness(frame, ""), sentence);
  assert.equal(
    finding.sharpness({ ...frame, outcome: "diverged" }, ""),
    "Training diverged at step 12\u202f345",
  );
});

test("the curve is uncertain where |f| is at most 1", () => {
  assert.deepEqual(uncertainSpans([0, 1, 2, 3, 4, 5], [2, 1, 0, -1.1, -3, 0.5]), [
    [1, 2],
    [5, 5],
  ]);
  assert.deepEqual(uncertainSpans([0, 1], [2, NaN]), []);
});

test("every neuron is counted; marks of a kind share a column, and stay in the picture", () => {
  const knots = Float64Array.of(0, 0.001, 50, NaN, 1);
  const states = Uint8Array.of(ALIVE, ALIVE, DEAD, LINEAR, STUCK);
  const x = linear([-2, 2], [100, 500]);
  const { counts, places } = columnsOf({ knots, states, jumps: new Float64Array(5) }, x);
  assert.deepEqual(counts, [2, 1, 1, 1]);
  assert.deepEqual(places[ALIVE], [300]);
  assert.deepEqual(places[DEAD], [500]);
  assert.deepEqual(places[LINEAR], []);
  assert.deepEqual(places[STUCK], [400]);
});

test("a thousand neurons of a kind are at most as many marks as there are columns", () => {
  const knots = Float64Array.from({ length: 5000 }, (_, i) => Math.sin(i));
  const { places } = columnsOf(
    { knots, states: new Uint8Array(5000), jumps: knots },
    linear([-1, 1], [0, 300]),
  );
  assert.ok(places[ALIVE].length <= 101 && places[ALIVE].length > 60);
});

test("between grid points a function is linear, beyond them it is level", () => {
  const [grid, f] = [Float64Array.of(0, 1, 3), Float64Array.of(0, 2, 4)];
  assert.deepEqual(
    [-1, 0, 0.5, 1, 2, 3, 9].map((x) => interpolate(grid, f, x)),
    [0, 0, 1, 2, 3, 4, 4],
  );
});

test("the table of the fit has the curves that there are, in the units of the user's table", () => {
  const grid = Float64Array.of(-1, 1);
  const ready = { x: Float64Array.of(-1, 0, 1), y: Float64Array.of(1, 2, 3), grid, truth: null };
  const data = { kind: "own", x: [], y: [], truth: null };
  const state = /** @type {any} */ ({ ready, frame: null, setup: { ...OPENING, data } });
  const units = { x: { center: 50, scale: 10 }, y: { center: 7, scale: 2 } };
  const table = /** @type {any} */ ({ xName: "age", yName: "height", units, labels: null });
  assert.deepEqual(fitNumbers(state, table).head, ["age", "height"]);
  assert.deepEqual(fitNumbers(state, table).rows[0], ["40.0", "9.00"]);
  const frame = { midpoint: Float64Array.of(0, 1), now: grid, before: grid };
  const found = fitNumbers({ ...state, frame }, table);
  assert.deepEqual(found.head, ["age", "height", "midpoint", "last iterate", "one before"]);
  assert.deepEqual(found.rows[1], ["50.0", "11.0", "8.00", "7.00", "7.00"]);
  const outcome = {
    ...state,
    frame,
    ready: { ...ready, y: Float64Array.of(-1, 1, 1) },
    setup: { ...OPENING, loss: "logistic", data },
  };
  const rows = fitNumbers(outcome, { ...table, labels: ["well", "sick"] }).rows;
  assert.deepEqual([rows[0][1], rows[1][1], rows[0][2]], ["well", "sick", "0.500"]);
});

test("words of what happened do not touch, the latest is said, and none leaves the panel", () => {
  const found = withRoom(
    [
      { text: "catapult", at: 100 },
      { text: "at the edge", at: 110 },
      { text: "all dead", at: 480 },
    ],
    500,
  );
  assert.deepEqual(
    found.map(({ text }) => text),
    ["all dead", "at the edge"],
  );
  assert.ok(found[0].isLeft && !found[1].isLeft);
});

test("the line through the runs has one point a step size, the median of its runs", () => {
  const run = (/** @type {number} */ eta, /** @type {number} */ risk) => ({
    eta,
    risk,
    pieces: 1,
    step: 1,
    live: false,
  });
  const found = [run(0.4, 3), run(0.1, 1), run(0.4, 1), run(0.1, NaN), run(0.4, 8)];
  assert.deepEqual(
    medians(found, ({ risk }) => risk),
    [
      [0.1, 1],
      [0.4, 3],
    ],
  );
});

test("a step size is said to have the least risk where risks differ by more than 1 %", () => {
  const runs = (/** @type {number[]} */ ...risks) =>
    risks.map((risk, i) => ({ eta: 0.1 * 2 ** i, risk, pieces: 1, step: 1, live: false }));
  assert.equal(finding.risk(runs(0.847, 0.8471, 0.847), true), "The risk is 0.847 at all 3 step sizes kept");
  assert.match(finding.risk(runs(1, 0.991), true), /^The risk is 0\.991 at all 2/);
  assert.equal(finding.risk(runs(1, 0.989), true), "Of 2 step sizes kept, η = 0.2 has the least risk, 0.989");
  assert.match(finding.risk(runs(1, 0.5, 2), true), /η = 0\.2 has the least risk, 0\.500: smaller and larger/);
  assert.equal(finding.risk(runs(0, 0), true), "The risk is 0 at all 2 step sizes kept");
  assert.match(finding.risk(runs(1, 2), false), /no known truth/);
});

test("runs on other points, of another loss or that diverged do not join the comparison", () => {
  const frame = /** @type {import("../source/types.js").Frame} */ ({
    risk: 0.5,
    pieces: 3,
    step: 100,
    outcome: "paused",
  });
  const run = (/** @type {object} */ change, /** @type {object} */ more = {}) =>
    /** @type {import("../source/run.js").Run} */ ({
      setup: { ...OPENING, ...change },
      frame: { ...frame, ...more },
    });
  const eta = (/** @type {number} */ stepSize) => ({ method: { ...OPENING.method, stepSize } });
  const runs = [
    run(eta(0.4)),
    run(eta(0.2)),
    run({ loss: "logistic" }),
    run({ data: { ...OPENING.data, n: 7 } }),
    run(eta(3), { outcome: "diverged" }),
    run({ ...eta(0.8), data: { ...OPENING.data, seed: 5 } }),
  ];
  assert.deepEqual(
    outcomes({ setup: OPENING, runs, frame }).map((each) => [each.eta, each.live]),
    [
      [0.1, true],
      [0.2, false],
      [0.4, false],
      [0.8, false],
    ],
  );
  assert.ok(isComparable(OPENING, structuredClone(OPENING)));
  assert.deepEqual(outcomes({ setup: OPENING, runs: [], frame: { ...frame, outcome: "diverged" } }), []);
});
