/**
 * Points that are not drawn around a curve: whose they are, and the way back.
 *
 * @typedef {import("../types.js").Given} Given
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { find, make, mark, write } from "../dom.js";
import { drawnData, same } from "../setup.js";

/**
 * @param {Given} given
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 */
export function createTable(given, now, dispatch) {
  const own = find("own", HTMLElement);
  const sentence = find("own-sentence", HTMLElement);
  const back = find("own-back", HTMLButtonElement);
  const curve = find("own-curve", HTMLButtonElement);
  const given_ = given.setup;
  find("notes", HTMLElement).append(...(given.table?.notes ?? []).map((note) => make("li", {}, note)));
  mark(find("notes-fold", HTMLElement), "hidden", !given.table?.notes.length);
  back.addEventListener("click", () => {
    if (given_) dispatch({ kind: "begin", setup: { ...now().setup, loss: given_.loss, data: given_.data } });
  });
  curve.addEventListener("click", () => {
    const { setup } = now();
    dispatch({ kind: "begin", setup: { ...setup, data: drawnData(setup.data) } });
  });
  /** @type {import("../types.js").Data | null} */
  let shown = null;
  return { update };

  /** @param {State} state */
  function update({ setup: { data } }) {
    if (data === shown) return;
    shown = data;
    const isGiven = given_ !== null && same(data, given_.data);
    mark(own, "hidden", data.kind !== "own" && given_ === null);
    write(sentence, words(data, isGiven));
    mark(back, "hidden", given_ === null || isGiven);
    mark(curve, "hidden", data.kind !== "own");
  }

  /**
   * @param {import("../types.js").Data} data
   * @param {boolean} isGiven
   */
  function words(data, isGiven) {
    if (isGiven) return `The points are those of ${given.table?.source ?? "the problem"}.`;
    return data.kind === "own" ? "The points were changed by hand." : "The points are drawn around a curve.";
  }
}
