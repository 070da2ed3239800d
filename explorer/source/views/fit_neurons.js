/** The neurons as marks under the curve: a row, a shape and a word for each kind, however many there are. */

import { etaStyle } from "../drawing/color.js";
import { LINE, panel } from "../drawing/panel.js";
import { tenth } from "../drawing/path.js";
import { linear } from "../drawing/scale.js";
import { make, set, write } from "../drawing/svg.js";
import { ALIVE, DEAD, LINEAR, STUCK } from "../types.js";
import { count } from "../words.js";

/**
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../types.js").Neurons} Neurons
 * @typedef {import("../drawing/panel.js").Box} Box
 */

const COLUMN = 3; // pixels: one mark of a kind in each

/** Shapes around the point 0, 0: a stroke, a triangle that points at its input, a dash, a cross. */
const KINDS = [
  { state: ALIVE, word: "alive", kind: "alive", shape: "v5m0 -5v-5" },
  { state: STUCK, word: "stuck", kind: "stuck", shape: "m0 -5l4 9h-8z" },
  { state: LINEAR, word: "linear", kind: "linear", shape: "m-3 0h6" },
  { state: DEAD, word: "dead", kind: "dead", shape: "m-3 -3l6 6m0 -6l-6 6" },
];
export const STRIP = KINDS.length * LINE;

/** @param {SVGSVGElement} svg */
export function fitNeurons(svg) {
  const drawn = panel(svg);
  const rows = KINDS.map(({ kind, word }) => {
    const path = make(drawn.front, "path", { class: `neurons ${kind}` });
    const name = make(drawn.front, "text", { class: "kind-name", dy: "0.35em", "text-anchor": "end" });
    const size = make(drawn.front, "text", { class: "kind-name", dy: "0.35em" });
    write(name, word);
    return { path, name, size };
  });
  return (
    /** @type {import("../state.js").State} */ { frame, setup },
    /** @type {Box} */ box,
    /** @type {Scale} */ x,
    /** @type {{ x: import("../drawing/ticks.js").Tick[], xName: string }} */ ticks,
  ) => {
    drawn.place(x, linear([0, 1], [box.bottom, box.top]), { x: ticks.xName, xTicks: ticks.x, yTicks: [] });
    const columns = frame ? columnsOf(frame.neurons, x) : null;
    KINDS.forEach(({ state, shape }, i) => {
      const { path, name, size } = rows[i];
      const y = box.top + (i + 0.5) * LINE;
      set(path, {
        d: columns ? columns.places[state].map((at) => `M${tenth(at)} ${y}${shape}`).join("") : "",
      });
      set(name, { x: box.left - 9, y });
      set(size, { x: box.right + 8, y });
      write(size, columns ? count(columns.counts[state]) : "");
    });
    set(rows[0].path, { style: etaStyle(setup.method.stepSize) });
  };
}

/**
 * How many neurons there are of each kind, and where their knots stand: at most one a column, those
 * beyond the picture at its ends.
 * @param {Neurons} neurons
 * @param {Scale} x
 */
export function columnsOf({ knots, states }, x) {
  const width = Math.ceil((x.to - x.from) / COLUMN) + 1;
  const taken = KINDS.map(() => new Uint8Array(width));
  const counts = KINDS.map(() => 0);
  /** @type {number[][]} */
  const places = KINDS.map(() => []);
  for (let j = 0; j < knots.length; j++) {
    const state = states[j];
    counts[state] += 1;
    if (Number.isNaN(knots[j])) continue;
    const at = Math.min(x.to, Math.max(x.from, x.at(knots[j])));
    const column = Math.floor((at - x.from) / COLUMN);
    if (taken[state][column]) continue;
    taken[state][column] = 1;
    places[state].push(at);
  }
  return { counts, places };
}
