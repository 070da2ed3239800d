/**
 * What happened, as a list; each entry rewinds the run to its step.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { button, find, make, mark } from "../dom.js";
import { count } from "../words.js";

/** @param {(action: Action) => void} dispatch */
export function createEvents(dispatch) {
  const list = find("events", HTMLElement);
  const empty = find("no-events", HTMLElement);
  /** @type {State["events"]} */
  let shown = [];
  return { update };

  /** @param {State} state */
  function update({ events }) {
    if (events === shown) return;
    const grown = shown.length > 0 && events[shown.length - 1] === shown[shown.length - 1];
    if (!grown) list.replaceChildren();
    for (const event of grown ? events.slice(shown.length) : events) list.prepend(item(event));
    shown = events;
    mark(empty, "hidden", events.length > 0);
  }

  /** @param {State["events"][number]} event */
  function item({ step, kind, sentence }) {
    const back = button("Rewind", () => dispatch({ kind: "rewind", step }), {
      "aria-label": `Rewind to step ${count(step)}`,
      class: "quiet",
    });
    return make("li", { "data-kind": kind }, make("span", {}, sentence), " ", back);
  }
}
