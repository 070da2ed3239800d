import assert from "node:assert/strict";
import { test } from "node:test";
import { Generator } from "../source/engine/random.js";
import { checkSetup } from "../source/engine/checks.js";
import { append, COLUMNS, EMPTY } from "../source/history.js";
import { createEdits, withPoints } from "../source/points.js";
import { PRESETS } from "../source/presets.js";
import { ARMS, LOSSES, objection, OPENING, RANGES, TRUTHS, WHOLE } from "../source/setup.js";
import { stepSizesOf, stepsObjection } from "../source/controls/sweep.js";
import { dataCsv, historyCsv } from "../source/share/csv.js";
import { fragmentOf, parse } from "../source/share/fragment.js";
import { opening } from "../source/state.js";
import { count, number } from "../source/words.js";
import { frame, ready } from "./frames.js";

/** @typedef {import("../source/types.js").Setup} Setup @typedef {import("../source/types.js").OwnData} OwnData */

/** A setup that the controls can make. @param {number} seed @returns {Setup} */
function anySetup(seed) {
  const generator = new Generator(seed);
  /** @template T @param {readonly T[]} all */
  const one = (all) => all[Math.floor(all.length * generator.random())];
  const value = (/** @type {keyof typeof RANGES} */ name) => {
    const [low, high] = RANGES[name];
    const at = low + (high - low) * generator.random();
    return WHOLE.has(name) ? Math.round(at) : at;
  };
  const loss = one(LOSSES);
  const law = { amplitude: value("amplitude"), flipRate: value("flipRate"), halfWidth: value("halfWidth") };
  const drawn = { truth: one(TRUTHS), n: value("n"), noise: value("noise"), seed: value("seed") };
  const x = Array.from({ length: value("n") }, () => generator.random() - 0.5).sort((a, b) => a - b);
  const y = x.map(() => (loss === "logistic" ? one([-1, 1]) : generator.random()));
  const arm = one(ARMS);
  return {
    loss,
    data: generator.random() < 0.5 ? { kind: "curve", ...drawn, ...law }
      : { kind: "own", x, y, truth: one([...TRUTHS, null]), ...law },
    start: { arm, width: value("width"), seed: value("seed") },
    method: { stepSize: value("stepSize"), momentum: value("momentum"), weightDecay: value("weightDecay"),
      warmupSteps: arm === "large" ? value("warmupSteps") : 0 },
  };
}

test("an address holds every setup to its last bit, and the runs kept", () => {
  for (let seed = 0; seed < 300; seed++) {
    const setup = anySetup(seed);
    const kept = [{ stepSize: setup.method.stepSize, steps: 50_321 }, { stepSize: 0.8, steps: 7 }];
    const read = parse(fragmentOf(setup, kept, null), OPENING, null);
    assert.deepEqual(read, { setup, kept, sentence: "" });
  }
});

test("an address without a fragment is the opening, or what the page was made with", () => {
  assert.deepEqual(parse("", OPENING, null), { setup: OPENING, kept: [], sentence: "" });
  const given = anySetup(1);
  assert.deepEqual(parse("", given, given.data).setup, given);
});

test("a number is refused beyond the ends of its range, and between whole numbers", () => {
  for (const name of /** @type {(keyof typeof RANGES)[]} */ (Object.keys(RANGES))) {
    const [low, high] = RANGES[name];
    for (const value of [low, high]) assert.equal(objection("It", name, value), "");
    for (const value of [low - 1e-9, high + 1e-9, NaN]) assert.match(objection("It", name, value), /^It must be a .*number from/);
    assert.equal(objection("It", name, 0.5 * (low + high) + 1e-7) === "", !WHOLE.has(name));
  }
});

test("a list of step sizes is read as people write it, and refused in one sentence", () => {
  assert.deepEqual(stepSizesOf(" 0.01, 0.1;1\n2 "), { stepSizes: [0.01, 0.1, 1, 2], sentence: "" });
  assert.match(stepSizesOf("0.1, fast").sentence, /^Each step size must be a number from .*, got no number; nothing was changed\.$/);
  assert.match(stepSizesOf("0.1, -1").sentence, /got -1;/);
  assert.match(stepSizesOf(" , ").sentence, /^At least one step size must be given/);
  assert.deepEqual([10, 20_000, 10_000_000].map(stepsObjection), ["", "", ""]);
  for (const steps of [9, 10_000_001, 10.5, NaN]) assert.match(stepsObjection(steps), /whole number from 10 to 10000000/);
});

test("points that the page was made with are named and not written out", () => {
  const setup = { ...OPENING, data: /** @type {OwnData} */ ({ kind: "own", x: [0, 1], y: [2, 3], truth: null, amplitude: 1, flipRate: 0, halfWidth: 1 }) };
  const fragment = fragmentOf(setup, [], setup.data);
  assert.ok(fragment.includes("data=table") && !fragment.includes("x="), fragment);
  assert.deepEqual(parse(fragment, setup, setup.data).setup, setup);
});

test("what an address cannot mean is named, and the rest counts", () => {
  const read = parse("truth=wave&n=abc&eta=0.3&width=-1&start=huge", OPENING, null);
  assert.match(read.sentence, /^The address of this page holds what it cannot mean \(.*n=abc.*\); the rest counts\.$/);
  assert.deepEqual([read.setup.data.truth, read.setup.method.stepSize], ["wave", 0.3]);
  const { data, start } = read.setup;
  assert.ok(data.kind === "curve" && data.n === 30 && start.width === 1000 && start.arm === "large");
});

test("garbage in an address gives a setup that the engine takes, and a short sentence", () => {
  const generator = new Generator(7);
  const keys = ["loss", "truth", "n", "noise", "flips", "amplitude", "range", "seed", "start", "width", "start-seed", "eta",
    "momentum", "decay", "warmup", "kept", "x", "y", "data", "", "__proto__"];
  const values = ["", " ", "NaN", "1e999", "-1", "0", "0x10", "1,2", "1,,2", ",", "Infinity", "tent", "square", "logistic", "table",
    "none", "<b>", "%", "%ff", "1x1", "x", "0.1x-5", "null", "1,2,3", "-1,1", "9".repeat(400), "a".repeat(500)];
  const one = (/** @type {string[]} */ all) => all[Math.floor(all.length * generator.random())];
  for (let trial = 0; trial < 3000; trial++) {
    const pairs = Array.from({ length: Math.floor(6 * generator.random()) }, () => `${one(keys)}=${one(values)}`);
    const { setup, sentence } = parse(pairs.join("&"), OPENING, null);
    checkSetup(setup);
    assert.ok(sentence.length < 250, sentence);
  }
});

test("points as CSV are read back to their last bit, and a name is never a formula", () => {
  const table = { xName: '=cmd("a")', yName: 'a "b", c' };
  const text = dataCsv(ready({ x: Float64Array.of(1 / 3, 2), y: Float64Array.of(-1e-300, 0.1) }),
    /** @type {import("../source/types.js").Table} */ (table));
  const [head, first] = text.split("\n");
  assert.equal(head, '"\'=cmd(""a"")","a ""b"", c"');
  assert.deepEqual(first.split(",").map(Number), [1 / 3, -1e-300]);
});

test("the history as CSV has a line for each entry, and nothing where nothing was measured", () => {
  const history = append(append(EMPTY, frame({ step: 0, risk: null })), frame({ step: 5, loss: 0.125 }));
  const run = /** @type {import("../source/run.js").Run} */ ({ id: 2, history });
  const lines = historyCsv([run], history).trimEnd().split("\n").map((line) => line.split(","));
  assert.deepEqual(lines.map(([name]) => name), ["run", "kept 3", "kept 3", "now", "now"]);
  assert.ok(lines.every((line) => line.length === COLUMNS.length + 1));
  assert.equal(lines[1][lines[0].indexOf("risk")], "");
  assert.equal(lines[4][lines[0].indexOf("loss")], "0.125");
});

test("moved points are sorted, and those that stay keep their bits", () => {
  const state = { setup: OPENING, ready: ready({ x: Float64Array.of(1 / 3, 0.5, 0.9), y: Float64Array.of(1 / 7, 2, 3) }) };
  const moved = withPoints(state, (points) => points.map((point, index) => (index === 1 ? [-0.123456, 9] : point)));
  assert.deepEqual([moved?.x, moved?.y], [[-0.1235, 1 / 3, 0.9], [9, 1 / 7, 3]]);
  assert.equal(moved?.truth, "tent");
});

test("labels of two classes stay labels, and two points stay", () => {
  const two = { setup: { ...OPENING, loss: /** @type {const} */ ("logistic") }, ready: ready({ x: Float64Array.of(0, 1), y: Float64Array.of(-1, 1) }) };
  assert.deepEqual(withPoints(two, (points) => points.map(([x]) => [x, 0.2]))?.y, [1, 1]);
  assert.equal(withPoints(two, (points) => points.slice(1)), null);
});

test("a point too few is refused in one sentence", () => {
  /** @type {import("../source/state.js").Action[]} */
  const done = [];
  const state = { ...opening(OPENING), ready: ready({ x: Float64Array.of(0, 1), y: Float64Array.of(0, 1) }) };
  const edits = createEdits(() => state, (action) => done.push(action));
  edits.remove(0);
  edits.add(0.5, 2);
  assert.deepEqual(done.map(({ kind }) => kind), ["refuse", "data"]);
  assert.ok(done[0].kind === "refuse" && done[0].sentence === "The number of points must be from 2 to 200; nothing was changed.");
});

test("every lesson begins with a setup that the page can hold, and says something to do and to see", () => {
  assert.equal(new Set(PRESETS.map(({ claim }) => claim)).size, 7);
  for (const { setup, moves, try: what, look } of PRESETS) {
    for (const each of [setup, ...moves.flatMap((move) => (move.setup ? [move.setup] : []))]) {
      const whole = { ...setup, ...each };
      checkSetup(whole);
      assert.deepEqual(parse(fragmentOf(whole, [], null), OPENING, null).setup, whole);
    }
    for (const text of [what, look]) assert.match(text, /^[A-Zλ].*\.$/);
    assert.ok(moves.length > 0);
  }
});

test("numbers are written as the project writes them", () => {
  assert.deepEqual([0.09, -0.5, 1234.5, 0, 2.5e-7, NaN, Infinity].map((value) => number(value)),
    ["0.0900", "−0.500", "1235", "0", "2.50 × 10⁻⁷", "–", "∞"]);
  assert.deepEqual([999, 1200, 12_000, 1_234_567].map(count), ["999", "1200", "12\u202f000", "1\u202f234\u202f567"]);
});
