/**
 * Where the fit is drawn, in the units of the user's table where the points are those of a table.
 *
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../drawing/ticks.js").Tick} Tick
 * @typedef {import("../types.js").Table} Table
 * @typedef {import("../types.js").Unit} Unit
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/plot.js").Size} Size
 *
 * @typedef {object} Coordinates
 * @property {import("../drawing/panel.js").Box} box
 * @property {Scale} x
 * @property {Scale} y
 * @property {Scale} f  where a value of the network stands: with the logistic loss at its probability
 * @property {(label: number) => number} label  as drawn
 * @property {(drawn: number) => number} unlabel  the label that belongs to a height
 * @property {{ x: Tick[], y: Tick[], xName: string, yName: string }} ticks
 * @property {Units} units
 * @property {boolean} logistic
 *
 * @typedef {{ x: Unit, y: Unit, xName: string, yName: string, labels: string[] }} Units
 */
import { ACROSS, UPRIGHT } from "../drawing/panel.js";
import { linear, steadyLimits } from "../drawing/scale.js";
import { ticks } from "../drawing/ticks.js";
import { extent, MARGINS } from "./curves.js";
import { STRIP } from "./fit_neurons.js";

const ITSELF = { center: 0, scale: 1 };

/** @param {Table | null} table */
export function coordinates(table) {
  /** @type {[number, number] | null} */
  let limits = null;
  return (/** @type {State} */ state, /** @type {Size} */ size, /** @type {boolean} */ held) => {
    const logistic = state.setup.loss === "logistic";
    if (logistic) limits = [-0.08, 1.08];
    else if (!held || !limits) limits = squareLimits(limits, state);
    return coordinatesOf(state, size, limits, unitsOf(state, table));
  };
}

/**
 * @param {State} state
 * @param {Size} size
 * @param {[number, number]} limits
 * @param {Units} units
 * @returns {Coordinates}
 */
function coordinatesOf({ setup, ready }, { width, height, narrow }, limits, units) {
  const logistic = setup.loss === "logistic";
  const box = {
    left: narrow ? 46 : MARGINS.left,
    right: width - (narrow ? 76 : 112),
    top: MARGINS.top,
    bottom: height - STRIP - 12 - MARGINS.bottom,
  };
  const grid = ready?.grid ?? [-1, 1];
  const x = linear([grid[0], grid[grid.length - 1]], [box.left, box.right]);
  const y = linear(limits, [box.bottom, box.top]);
  return {
    box,
    x,
    y,
    units,
    logistic,
    f: logistic ? { ...y, at: (f) => y.at(1 / (1 + Math.exp(-f))) } : y,
    label: logistic ? (label) => (label > 0 ? 1 : 0) : (label) => label,
    unlabel: logistic ? (drawn) => (drawn > 0.5 ? 1 : -1) : (drawn) => drawn,
    ticks: {
      x: ticks(inUnits(x, units.x), ACROSS),
      y: ticks(inUnits(y, logistic ? ITSELF : units.y), UPRIGHT),
      xName: units.xName,
      yName: logistic ? `probability of ${own(units.labels[1])}` : units.yName,
    },
  };
}

/**
 * A label as a name: numbers alone say little.
 * @param {string} label
 */
function own(label) {
  return Number.isNaN(Number(label)) ? label : `label ${label}`;
}

/**
 * Limits around points and truth; curves may leave them.
 * @param {[number, number] | null} before
 * @param {State} state
 */
function squareLimits(before, { ready }) {
  if (!ready) return steadyLimits(before, -1, 1);
  return steadyLimits(before, ...extent([ready.y, ready.truth ?? []]), 0.1, 1e-6);
}

/**
 * The same pixels for values in other units.
 * @param {Scale} scale
 * @param {Unit} unit
 */
function inUnits({ low, high, from, to }, { center, scale }) {
  return linear([center + scale * low, center + scale * high], [from, to]);
}

/**
 * @param {Pick<State, "setup">} state
 * @param {Table | null} table
 * @returns {Units}
 */
export function unitsOf({ setup: { data, loss } }, table) {
  const own = data.kind === "own" && data.truth === null ? table : null;
  return {
    x: own?.units?.x ?? ITSELF,
    y: (loss === "square" && own?.units?.y) || ITSELF,
    xName: own?.xName ?? "input x",
    yName: own?.yName ?? "label y",
    labels: own?.labels ?? ["0", "1"],
  };
}
