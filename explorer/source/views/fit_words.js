/** What the fit says in words, and the numbers behind it. */

import { rounded } from "../drawing/number.js";
import { count, counted, number } from "../words.js";
import { ALIVE } from "../types.js";
import { unitsOf } from "./fit_coordinates.js";
import { uncertainSpans } from "./fit_curves.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("../types.js").Frame} Frame
 */

const SWING = 0.02; // of the range of the labels: what is said of a swing

/**
 * @param {State} state
 * @param {import("./fit_coordinates.js").Units} units
 * @returns {import("../drawing/plot.js").Words}
 */
export function fitWords({ setup, ready, frame }, units) {
  if (!ready || !frame)
    return { finding: "The curve appears as training begins", description: "No curve yet." };
  const { x } = ready;
  const what =
    setup.loss === "square"
      ? "the curve of the network"
      : `the probability that the network gives to ${units.labels[1]}`;
  return {
    finding:
      frame.outcome === "diverged"
        ? `Training diverged at step ${count(frame.step)}`
        : finding(setup.loss, ready, frame, units),
    description:
      `${counted(x.length, "point")} and ${what} after ${counted(frame.step, "step")} at step size ${rounded(setup.method.stepSize)}: ` +
      "the last iterate, the one before it and, thick, their midpoint" +
      `${ready.truth ? "; black: the truth" : ""}. Below, where the neurons have their knots.`,
  };
}

/**
 * @param {import("../types.js").Loss} loss
 * @param {Ready} ready
 * @param {Frame} frame
 * @param {import("./fit_coordinates.js").Units} units
 */
function finding(loss, ready, frame, units) {
  const bends = frame.neurons.states.some((state) => state === ALIVE);
  const pieces =
    frame.pieces === 1
      ? "The curve is one straight line"
      : `The curve has ${counted(frame.pieces, "straight piece")}`;
  if (!bends && frame.pieces === 1) return `${pieces}: no neuron bends among the data`;
  if (loss === "logistic") return uncertainty(uncertainShare(ready, frame));
  const { width, at } = swing(ready, frame);
  const range = Math.max(...ready.y) - Math.min(...ready.y);
  if (width > SWING * range) {
    const [by, where] = [units.y.scale * width, units.x.center + units.x.scale * at].map((value) =>
      number(value, 2),
    );
    return `${pieces} and swings by ${by} from step to step, most at x = ${where}`;
  }
  if (frame.risk !== null) return `${pieces}; its risk is ${number(frame.risk)}`;
  const miss = units.y.scale * Math.sqrt(2 * frame.loss);
  return `${pieces} and misses the labels by ${number(miss, 2)}, as a root mean square`;
}

/**
 * By how much the last two iterates differ among the data, and where.
 * @param {Ready} ready
 * @param {Frame} frame
 */
function swing({ grid, x }, { now, before }) {
  const among = (/** @type {number} */ at) => at >= x[0] && at <= x[x.length - 1];
  const widths = now.map((value, i) => (among(grid[i]) ? Math.abs(value - before[i]) : 0));
  const width = Math.max(...widths);
  return { width, at: grid[widths.indexOf(width)] };
}

/**
 * @param {Ready} ready
 * @param {Frame} frame
 */
function uncertainShare({ grid }, { midpoint }) {
  const length = uncertainSpans(grid, midpoint).reduce((sum, [a, b]) => sum + b - a, 0);
  return length / (grid[grid.length - 1] - grid[0]);
}

/**
 * On how much of the line the network is uncertain.
 * @param {number} share
 */
export function uncertainty(share) {
  if (share === 0) return "The network is certain on the whole line";
  const percent = share < 0.01 ? "less than 1 %" : `${Math.round(100 * share)} %`;
  return `The network is uncertain on ${percent} of the line, where it is shaded`;
}

/**
 * The points, with the curves at each.
 * @param {State} state
 * @param {import("../types.js").Table | null} table
 * @returns {import("../drawing/table.js").Numbers}
 */
export function fitNumbers(state, table) {
  const { ready, frame, setup } = state;
  if (!ready) return { caption: "No points yet", head: ["x", "y"], rows: [] };
  const { x, y, xName, yName, labels } = unitsOf(state, table);
  const isSquare = setup.loss === "square";
  const shown = (/** @type {number} */ f) =>
    number(isSquare ? y.center + y.scale * f : 1 / (1 + Math.exp(-f)));
  /** @type {[string, Float64Array | null | undefined][]} */
  const curves = [
    ["midpoint", frame?.midpoint],
    ["last iterate", frame?.now],
    ["one before", frame?.before],
    ["truth", ready.truth],
  ];
  const drawn = curves.flatMap(([name, f]) => (f ? [{ name, f }] : []));
  return {
    caption: `${counted(ready.x.length, "point")}, with the ${isSquare ? "curve" : `probability of ${labels[1]}`} there`,
    head: [xName, yName, ...drawn.map(({ name }) => name)],
    rows: Array.from(ready.x, (at, i) => [
      number(x.center + x.scale * at),
      isSquare ? number(y.center + y.scale * ready.y[i]) : labels[ready.y[i] > 0 ? 1 : 0],
      ...drawn.map(({ f }) => shown(interpolate(ready.grid, f, at))),
    ]),
  };
}

/**
 * A function given on a grid, between its points.
 * @param {Float64Array} grid  increasing
 * @param {Float64Array} f
 * @param {number} x
 */
export function interpolate(grid, f, x) {
  let [low, high] = [0, grid.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (grid[middle] <= x) low = middle;
    else high = middle;
  }
  const share = Math.min(1, Math.max(0, (x - grid[low]) / (grid[high] - grid[low])));
  return f[low] + share * (f[high] - f[low]);
}
