/** The fit: points, truth, the last two iterates and their midpoint, kept runs, the neurons below. */

import { plot } from "../drawing/plot.js";
import { panel } from "../drawing/panel.js";
import { fitCurves } from "./fit_curves.js";
import { fitNeurons, STRIP } from "./fit_neurons.js";
import { fitHand } from "./fit_hand.js";
import { fitPoints } from "./fit_points.js";
import { coordinates } from "./fit_coordinates.js";
import { fitNumbers, fitWords } from "./fit_words.js";

/**
 * @typedef {import("../state.js").State} State
 *
 * @typedef {object} Edits  what one may do to the points; indices are those of `ready.x`
 * @property {(index: number, x: number, y: number) => void} move
 * @property {(x: number, y: number) => void} add
 * @property {(index: number) => void} remove
 * @property {(sentence: string) => void} announce  to those who do not see the point
 *
 * @typedef {object} Options
 * @property {Edits} edits
 * @property {import("../types.js").Table | null} table  whose units and names the axes have
 */

/**
 * @param {Element} element
 * @param {Options} options
 */
export function fitView(element, { edits, table }) {
  const made = plot(element, {
    name: "fit",
    heading: "Fit",
    height: (width) => Math.round(Math.min(520, Math.max(370, 0.62 * width))),
    prepare: (svg, onPaper) => prepare(svg, onPaper ? null : edits, table),
    numbers: (state) => fitNumbers(state, table),
    interactive: true,
  });
  addHint(made.figure);
  return made;
}

const BY_POINTER = "Drag a point; drag it out of the plot to remove it; click on empty ground to add one.";
const BY_KEYS =
  "On the keyboard: arrows move the point in focus, Shift makes larger steps, Page Up and Page Down go to its " +
  "neighbors, + adds a point beside it, Delete removes it.";

/** @param {HTMLElement} figure */
function addHint(figure) {
  const hint = document.createElement("p");
  const keys = document.createElement("span");
  hint.className = "plot-hint";
  keys.className = "by-keys";
  keys.textContent = BY_KEYS;
  hint.append(`${BY_POINTER} `, keys);
  figure.querySelector("svg")?.after(hint);
}

/**
 * @param {SVGSVGElement} svg
 * @param {Edits | null} edits
 * @param {import("../types.js").Table | null} table
 * @returns {(state: State, size: import("../drawing/plot.js").Size) => import("../drawing/plot.js").Words}
 */
function prepare(svg, edits, table) {
  const upper = panel(svg);
  const curves = fitCurves(upper);
  const points = fitPoints(upper.front, edits !== null);
  const hand = edits && fitHand(svg, points.layer, edits);
  const neurons = fitNeurons(svg);
  const place = coordinates(table);

  return (state, size) => {
    const found = place(state, size, hand !== null && hand.isHeld());
    const { box, x, y, ticks } = found;
    upper.place(x, y, { y: ticks.yName, yTicks: ticks.y, xTicks: [] });
    curves(state, found);
    if (state.ready) {
      const isFocused = hand !== null && hand.hasFocus();
      const nodes = points.draw(state.ready, found);
      hand?.update(state.ready, found, nodes, isFocused);
    }
    neurons(state, { ...box, top: box.bottom + 12, bottom: box.bottom + 12 + STRIP }, x, ticks);
    return fitWords(state, found.units);
  };
}
