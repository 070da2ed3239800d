/**
 * Several step sizes, one after another, each from the same start for as many steps: risk against step size grows.
 *
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 * @typedef {{ left: number[], steps: number, all: number, largest: number }} Sweep
 */
import { find, mark, write } from "../dom.js";
import { objection, same } from "../setup.js";
import { counted } from "../words.js";
import { showRefusal } from "./field.js";

const [FEWEST, MOST] = [10, 10_000_000]; // steps

/**
 * Step sizes in a text, or the sentence that refuses it.
 * @param {string} text
 */
export function stepSizesOf(text) {
  const stepSizes = text.split(/[\s,;]+/).filter(Boolean).map(Number);
  const wrong = stepSizes.map((each) => objection("Each step size", "stepSize", each)).find(Boolean);
  const none = "At least one step size must be given, such as 0.01, 0.1, 0.8.";
  return { stepSizes, sentence: stepSizes.length ? wrong ?? "" : none };
}

/**
 * Why a number of steps may not be made at each step size; "" if it may.
 * @param {number} steps
 */
export function stepsObjection(steps) {
  const fits = Number.isInteger(steps) && steps >= FEWEST && steps <= MOST;
  return fits ? "" : `The steps of each must be a whole number from ${FEWEST} to ${MOST}.`;
}

/**
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 */
export function createSweep(now, dispatch) {
  const sizes = find("sweep-sizes", HTMLInputElement);
  const budget = find("sweep-steps", HTMLInputElement);
  const error = find("sweep-refusal", HTMLElement);
  const begin = find("sweep", HTMLButtonElement);
  const said = find("sweep-status", HTMLElement);
  /** @type {Sweep | null} */
  let sweep = null;
  /** @type {Setup | null} */
  let expected = null;
  let offered = "";
  begin.addEventListener("click", () => (sweep ? stop() : ask()));
  return { update, start, offer };

  /**
   * Propose the runs that an address names.
   * @param {import("../share/fragment.js").Kept[]} kept
   */
  function offer(kept) {
    if (kept.length === 0) return;
    sizes.value = kept.map(({ stepSize }) => stepSize).join(", ");
    budget.value = String(Math.max(...kept.map(({ steps }) => steps)));
    offered = `The address names ${counted(kept.length, "run")} that ${kept.length === 1 ? "was" : "were"} kept; the button trains them again.`;
  }

  function ask() {
    const asked = stepSizesOf(sizes.value);
    const few = stepsObjection(budget.valueAsNumber);
    showRefusal(sizes, error, asked.sentence);
    if (asked.sentence) return;
    showRefusal(budget, error, few);
    if (!few) start(asked.stepSizes, budget.valueAsNumber);
  }

  /**
   * @param {number[]} stepSizes
   * @param {number} steps
   */
  function start(stepSizes, steps) {
    sizes.value = stepSizes.join(", ");
    budget.value = String(steps);
    sweep = { left: stepSizes, steps, all: stepSizes.length, largest: Math.max(...stepSizes) };
    offered = "";
    next();
  }

  /** Begin the next run. The small start is the one of the largest step size, so that all begin at the same network. */
  function next() {
    if (!sweep) return;
    const [stepSize, ...left] = sweep.left;
    if (stepSize === undefined) return stop();
    const { setup, preset } = now();
    const first = setup.start.arm === "small" ? sweep.largest : stepSize;
    sweep = { ...sweep, left };
    expected = { ...setup, method: { ...setup.method, stepSize } };
    dispatch({ kind: "begin", setup: { ...setup, method: { ...setup.method, stepSize: first } }, preset });
    if (first !== stepSize) dispatch({ kind: "method", method: { stepSize } });
    dispatch({ kind: "play" });
  }

  function stop() {
    sweep = null;
    expected = null;
    if (now().playing) dispatch({ kind: "pause" });
  }

  /** @param {State} state */
  function update(state) {
    if (sweep && !(same(state.setup, expected) && (state.playing || isOver(state)))) sweep = null;
    write(begin, sweep ? "Stop" : "Run them all");
    write(said, sweep ? `Run ${sweep.all - sweep.left.length} of ${sweep.all}.` : offered);
    mark(said, "hidden", !sweep && !offered);
    if (!sweep || !state.frame || !isOver(state)) return;
    if (state.frame.outcome !== "diverged") dispatch({ kind: "keep" });
    next();
  }

  /** @param {State} state */
  function isOver({ frame }) {
    return sweep !== null && frame !== null && (frame.step >= sweep.steps || frame.outcome === "diverged");
  }
}
