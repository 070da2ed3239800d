/**
 * The address of the page: it holds the setup, and a page that is opened with it begins there.
 *
 * @typedef {import("../types.js").Given} Given
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { OPENING } from "../setup.js";
import { fragmentOf, parse } from "./fragment.js";
import { comparable } from "../run.js";

const PATIENCE = 400; // milliseconds after a change, so that a drag writes once

/**
 * @param {Given} given
 * @param {(action: Action) => void} dispatch
 */
export function createAddress(given, dispatch) {
  const fallback = given.setup ?? OPENING;
  const table = given.setup?.data ?? null;
  const read = () => parse(location.hash.slice(1), fallback, table);
  let written = location.hash.slice(1);
  let timer = 0;
  /** @type {Pick<State, "setup" | "runs"> | null} */
  let seen = null;
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === written) return;
    const { setup, sentence } = read();
    dispatch({ kind: "begin", setup });
    if (sentence) dispatch({ kind: "refuse", sentence, control: "" });
  });
  return { read, update };

  /** @param {State} state */
  function update(state) {
    if (seen?.setup === state.setup && seen.runs === state.runs) return;
    seen = state;
    const next = addressOf(state, table);
    if (next === written) return;
    clearTimeout(timer);
    written = next;
    timer = window.setTimeout(() => history.replaceState(null, "", `#${next}`), PATIENCE);
  }
}

/**
 * The fragment of a state: what is trained, and the kept runs that compare with it.
 * @param {State} state
 * @param {import("../types.js").Data | null} table
 */
export function addressOf({ setup, runs }, table) {
  const kept = runs.filter((run) => comparable(run, setup));
  return fragmentOf(setup, kept.map(({ setup: { method }, frame }) => ({ stepSize: method.stepSize, steps: frame.step })), table);
}
