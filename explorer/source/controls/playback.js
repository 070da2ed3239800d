/**
 * Play, pause, steps one by one, winding through the steps made, a new beginning, and how fast.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { find, mark, write } from "../dom.js";
import { lastStep } from "../history.js";
import { isOver } from "../state.js";
import { count } from "../words.js";

const STEPS = [1, 10, 100, 1000];

/**
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 */
export function createPlayback(now, dispatch) {
  const play = find("play", HTMLButtonElement);
  const wind = find("wind", HTMLInputElement);
  const pace = find("pace", HTMLSelectElement);
  const begin = () => dispatch({ kind: "begin", setup: now().setup, preset: now().preset });
  play.addEventListener("click", () => {
    if (isOver(now())) begin();
    dispatch({ kind: now().playing ? "pause" : "play" });
  });
  for (const steps of STEPS)
    find(`step-${steps}`, HTMLButtonElement).addEventListener("click", () => dispatch({ kind: "step", count: steps }));
  find("reset", HTMLButtonElement).addEventListener("click", begin);
  wind.addEventListener("input", () => dispatch({ kind: "rewind", step: wind.valueAsNumber }));
  pace.addEventListener("change", () => dispatch({ kind: "pace", pace: Number(pace.value) }));
  return { update };

  /** @param {State} state */
  function update(state) {
    const { playing, frame, history, pace: chosen } = state;
    write(play, playing ? "Pause" : isOver(state) ? "Train anew" : "Train");
    const last = Math.max(0, lastStep(history));
    mark(wind, "max", last);
    const step = String(frame?.step ?? 0);
    if (wind.value !== step) wind.value = step;
    mark(wind, "aria-valuetext", `step ${count(frame?.step ?? 0)} of ${count(last)}`);
    if (pace.value !== String(chosen)) pace.value = String(chosen);
  }
}
