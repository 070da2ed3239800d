/**
 * Runs of the engine with changes on the way, and the lines of Python that the page gives for them: as JSON, for
 * tests/explorer/test_python_lines.py. Every run goes through the state of the page, as a user's does.
 *
 * @typedef {import("../source/state.js").Action} Action
 * @typedef {import("../source/types.js").Setup} Setup
 */
import { Service } from "../source/engine/service.js";
import { commandsOf } from "../source/commands.js";
import { withPoints } from "../source/points.js";
import { OPENING } from "../source/setup.js";
import { pythonOf } from "../source/share/python.js";
import { opening, reduce } from "../source/state.js";

/** @type {(changes: Partial<Setup>, method?: Partial<Setup["method"]>) => Setup} */
const setup = (changes, method) =>
  ({ ...OPENING, start: { arm: "large", width: 60, seed: 1 }, ...changes, method: { ...OPENING.method, stepSize: 0.006, warmupSteps: 40, ...method } });
const two = /** @type {const} */ ({ ...OPENING.data, truth: "wave", n: 25, halfWidth: 1 });
const point = /** @type {(x: number) => Action} */ ((x) => ({ kind: "data", data: /** @type {any} */ (x) }));
const step = /** @type {(count: number) => Action} */ ((count) => ({ kind: "step", count }));
const method = /** @type {(method: Partial<Setup["method"]>) => Action} */ ((method) => ({ kind: "method", method }));

/** @type {Record<string, [Setup, Action[]]>} */
const RUNS = {
  "after the warm-up": [setup({}), [step(70), method({ stepSize: 0.007 }), step(30), method({ stepSize: 0.002 }), step(20)]],
  "in the warm-up": [setup({}), [step(25), method({ stepSize: 0.007 }), step(60)]],
  "below the threshold": [setup({ start: { arm: "small", width: 40, seed: 3 } }, { warmupSteps: 0, stepSize: 0.2 }), [step(90)]],
  "two classes": [setup({ loss: "logistic", data: two, start: { arm: "printed", width: 30, seed: 2 } }, { warmupSteps: 0, stepSize: 0.3 }),
    [step(50), method({ stepSize: 0.4, weightDecay: 0.01 }), step(50)]],
  "momentum over a change": [setup({}, { momentum: 0.8, stepSize: 0.002 }), [step(60), method({ stepSize: 0.003, weightDecay: 0.002 }), step(40)]],
  "points that move": [setup({}), [step(60), point(0.5), step(20), point(-2), method({ stepSize: 0.005 }), step(20)]],
  "from the past": [setup({}), [step(80), method({ stepSize: 0.007 }), step(40), { kind: "rewind", step: 50 }, step(30)]],
  "nothing trained": [setup({}), []],
};

/**
 * @param {Setup} begin
 * @param {Action[]} actions
 */
function run(begin, actions) {
  /** @type {(() => void)[]} */
  const tasks = [];
  let state = opening(begin);
  const service = new Service((answer) => (state = reduce(state, { kind: "answer", answer })), (task) => tasks.push(task), () => 0);
  for (const action of [/** @type {Action} */ ({ kind: "begin", setup: begin }), ...actions]) {
    const done = action.kind === "data" ? moved(/** @type {any} */ (action.data)) : action;
    const before = state;
    state = reduce(before, done);
    for (const command of commandsOf(before, done, state)) service.answer(command);
    for (let task = tasks.shift(); task; task = tasks.shift()) task();
  }
  const { segments, frame, ready } = state;
  if (!ready || !frame || !service.training) throw new Error("a run must have begun");
  return { lines: pythonOf(segments, frame.step, ready), theta: [...service.training.descent.last.theta], step: frame.step, outcome: frame.outcome };

  /** The first point at another x. @param {number} x @returns {Action} */
  function moved(x) {
    const data = withPoints(state, (points) => points.map((each, index) => (index === 0 ? [x, 0.7] : each)));
    if (!data) throw new Error("the points must be legal");
    return { kind: "data", data };
  }
}

console.log(JSON.stringify(Object.fromEntries(Object.entries(RUNS).map(([name, [begin, actions]]) => [name, run(begin, actions)]))));
