/**
 * The fields of problem, start and method, in their three groups.
 *
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { find } from "../dom.js";
import { createField } from "./field.js";
import { FIELDS } from "./fields.js";

/**
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 */
export function createForm(now, dispatch) {
  const fields = FIELDS.map((field) => createField(field, change, refuse));
  FIELDS.forEach(({ group }, index) => find(`${group}-fields`, HTMLElement).append(fields[index].element));
  return { update: (/** @type {State} */ state) => fields.forEach((field) => field.update(state)) };

  /**
   * Momentum and decay count from the next step on; anything else begins a new run.
   * @param {import("./fields.js").Field} field
   * @param {string | number} value
   */
  function change(field, value) {
    const setup = field.set(now().setup, value);
    if (field.group === "method") dispatch({ kind: "method", method: setup.method, control: field.id });
    else dispatch({ kind: "begin", setup, preset: now().preset, control: field.id });
  }

  /** @param {string} sentence @param {string} control */
  function refuse(sentence, control) {
    dispatch({ kind: "refuse", sentence, control });
  }
}
