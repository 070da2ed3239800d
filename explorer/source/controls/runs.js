/**
 * The runs that are kept: a list in which each can be removed.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 * @typedef {import("../run.js").Run} Run
 */
import { button, find, make, mark } from "../dom.js";
import { count, counted, number } from "../words.js";

/** @param {(action: Action) => void} dispatch */
export function createRuns(dispatch) {
  const list = find("runs", HTMLElement);
  const keep = find("keep", HTMLButtonElement);
  const clear = find("clear", HTMLButtonElement);
  const empty = find("no-runs", HTMLElement);
  keep.addEventListener("click", () => dispatch({ kind: "keep" }));
  clear.addEventListener("click", () => dispatch({ kind: "clear" }));
  /** @type {readonly Run[]} */
  let shown = [];
  return { update };

  /** @param {State} state */
  function update({ runs }) {
    if (runs === shown) return;
    shown = runs;
    list.replaceChildren(...[...runs].reverse().map(item));
    mark(empty, "hidden", runs.length > 0);
    mark(clear, "hidden", runs.length === 0);
  }

  /** @param {Run} run */
  function item(run) {
    const words = description(run);
    const remove = button("Remove", () => dispatch({ kind: "remove", id: run.id }), {
      "aria-label": `Remove the run with ${words}`,
      class: "quiet",
    });
    return make("li", {}, make("span", {}, words), " ", remove);
  }
}

/** @param {number} number */
function times(number) {
  return ["", "once", "twice"][number] ?? `${count(number)} times`;
}

/**
 * A run in a few words.
 * @param {Run} run
 */
export function description({ setup, segments, frame }) {
  const { stepSize, momentum, weightDecay } = setup.method;
  const parts = [`η = ${stepSize}`];
  if (momentum) parts.push(`momentum ${momentum}`);
  if (weightDecay) parts.push(`weight decay ${weightDecay}`);
  const made = segments.length > 1 ? `, changed ${times(segments.length - 1)}` : "";
  parts.push(`${counted(frame.step, "step")}${made}`, counted(frame.pieces, "piece"));
  if (frame.risk !== null) parts.push(`risk ${number(frame.risk)}`);
  return parts.join(", ");
}
