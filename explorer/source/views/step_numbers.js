/** Tables of numbers over steps. */

import { thinned } from "../drawing/table.js";
import { count, number } from "../words.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../history.js").Column} Column
 * @typedef {(columns: Record<Column, Float64Array>, index: number) => number} Value
 * @typedef {[string, Value]} NumberColumn  heading and value
 */

/**
 * At most 60 entries of the history, evenly spaced among those recorded.
 * @param {State} state
 * @param {string} caption
 * @param {NumberColumn[]} columns
 * @returns {import("../drawing/table.js").Numbers}
 */
export function stepNumbers({ history }, caption, columns) {
  const places = thinned(history.length);
  const part =
    places.length < history.length ? `, ${places.length} of ${count(history.length)} recorded steps` : "";
  return {
    caption: `${caption}${part}`,
    head: ["step", ...columns.map(([heading]) => heading)],
    rows: places.map((index) => [
      count(history.columns.step[index]),
      ...columns.map(([, value]) => number(value(history.columns, index))),
    ]),
  };
}
