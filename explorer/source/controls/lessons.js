/**
 * The lessons: one for each claim that can be lived through in a minute, with the verdict of the ledger beside it.
 *
 * @typedef {import("../types.js").Given} Given
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 * @typedef {import("../presets.js").Preset} Preset
 * @typedef {import("../presets.js").Move} Move
 */
import { button, find, make, mark, write } from "../dom.js";
import { withPoints } from "../points.js";
import { PRESETS } from "../presets.js";

/**
 * @param {Given} given
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 * @param {(stepSizes: number[], steps: number) => void} sweep
 */
export function createLessons(given, now, dispatch, sweep) {
  const buttons = PRESETS.map((preset) => button(preset.title, () => begin(preset), { id: `lesson-${preset.claim}` }));
  find("lesson-list", HTMLElement).append(...buttons.map((each) => make("li", {}, each)));
  const lesson = find("lesson", HTMLElement);
  const moves = find("lesson-moves", HTMLElement);
  let shown = "";
  return { update };

  /** @param {Preset} preset */
  function begin(preset) {
    dispatch({ kind: "begin", setup: preset.setup, preset: preset.claim });
    dispatch({ kind: "play" });
  }

  /** @param {Move} move */
  function carryOut({ sweep: asked, point, method, setup: changes, paused, steps }) {
    const { setup, preset } = now();
    if (asked) return sweep(asked.stepSizes, asked.steps);
    if (steps) return dispatch({ kind: "step", count: steps });
    if (paused) dispatch({ kind: "pause" });
    const data = point && withPoints(now(), (points) => [...points, point]);
    if (data) dispatch({ kind: "data", data });
    if (method) dispatch({ kind: "method", method });
    if (changes) dispatch({ kind: "begin", setup: { ...setup, ...changes }, preset });
    if (!paused) dispatch({ kind: "play" });
  }

  /** @param {State} state */
  function update({ preset: claim }) {
    if (claim === shown) return;
    shown = claim ?? "";
    const preset = PRESETS.find((each) => each.claim === claim);
    PRESETS.forEach((each, index) => mark(buttons[index], "aria-pressed", each === preset ? "true" : "false"));
    mark(lesson, "hidden", !preset);
    if (!preset) return;
    write(find("lesson-try", HTMLElement), preset.try);
    write(find("lesson-look", HTMLElement), preset.look);
    moves.replaceChildren(...preset.moves.map((move) => make("li", {}, button(move.label, () => carryOut(move)))));
    showVerdict(claim ?? "");
  }

  /** @param {string} claim */
  function showVerdict(claim) {
    const verdict = given.verdicts[claim];
    mark(find("lesson-verdict", HTMLElement), "hidden", !verdict);
    if (!verdict) return;
    write(find("lesson-claim", HTMLElement), verdict.title);
    const word = find("lesson-word", HTMLElement);
    write(word, `${verdict.mark} ${verdict.word}`);
    mark(word, "class", `verdict verdict-${verdict.kind}`);
    write(find("lesson-finding", HTMLElement), verdict.sentence);
  }
}
