/** Sharpness against its threshold over the steps, and below a strip of their ratio, centered on 1. */

import { panel } from "../drawing/panel.js";
import { area, line } from "../drawing/path.js";
import { plot } from "../drawing/plot.js";
import { log } from "../drawing/scale.js";
import { make, set } from "../drawing/svg.js";
import { word } from "../story/edge.js";
import { count, counted, number } from "../words.js";
import { axisChoice } from "./axis_choice.js";
import { boxOf, MARGINS, stepScale, thresholdOf } from "./curves.js";
import { stepPanel } from "./over_steps.js";
import { stepNumbers } from "./step_numbers.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../history.js").History} History
 */

const MOST = 2; // the strip shows ratios from ½ to 2
const STRIP = 54; // pixels
const GAP = 34;

/** @param {Element} element */
export function sharpnessView(element) {
  const axis = { isLog: false };
  const made = plot(element, {
    name: "sharpness",
    heading: "Sharpness",
    height: (width) => Math.round(Math.min(400, Math.max(320, 0.52 * width))),
    prepare: (svg) => prepare(svg, axis),
    numbers: (state) =>
      stepNumbers(state, "Sharpness λ_max, its error and its threshold 2/η", [
        ["λ_max", ({ sharpness }, i) => sharpness[i]],
        ["error", ({ residual }, i) => residual[i]],
        ["2/η", ({ threshold }, i) => threshold[i]],
        ["λ_max·η/2", ({ sharpness, threshold }, i) => sharpness[i] / threshold[i]],
      ]),
  });
  axisChoice(made, axis);
  return made;
}

/**
 * @param {SVGSVGElement} svg
 * @param {import("./axis_choice.js").StepAxis} axis
 * @returns {(state: State, size: import("../drawing/plot.js").Size) => import("../drawing/plot.js").Words}
 */
function prepare(svg, axis) {
  const upper = stepPanel(
    svg,
    [
      { column: "threshold", kind: "theory", name: thresholdName, level: thresholdOf },
      { column: "sharpness", kind: "measured", name: () => "λ_max" },
    ],
    "sharpness λ_max",
  );
  const error = make(upper.back, "path", { class: "error" });
  const strip = ratioStrip(svg);

  return (state, size) => {
    const { columns } = state.history;
    const bottom = size.height - MARGINS.bottom;
    const box = boxOf(size, MARGINS.top, bottom - STRIP - GAP);
    const x = stepScale(columns.step.at(-1) ?? 0, box, axis.isLog);
    const y = upper.update(state, box, x, size);
    set(error, { d: errorArea(columns, x, y) });
    strip(state, { ...box, top: bottom - STRIP, bottom }, x);
    return words(state);
  };
}

/** @param {State} state */
function thresholdName(state) {
  const { momentum } = state.setup.method;
  return `${momentum ? "2(1 + β)/η" : "2/η"} = ${number(thresholdOf(state))}`;
}

/**
 * The residual on both sides of the sharpness, where it is more than a pixel.
 * @param {History["columns"]} columns
 * @param {Scale} x
 * @param {Scale} y
 */
function errorArea({ step, sharpness, residual }, x, y) {
  const pixel = y.back(y.from - 1) / y.low; // as a factor
  if (!sharpness.some((value, i) => value + residual[i] > pixel * value)) return "";
  const low = sharpness.map((value, i) => Math.max(value - residual[i], y.low / 2));
  const high = sharpness.map((value, i) => value + residual[i]);
  return area(step, low, high, x, y);
}

/** @param {SVGSVGElement} svg */
function ratioStrip(svg) {
  const drawn = panel(svg);
  const one = make(drawn.ground, "path", { class: "curve theory" });
  const path = make(drawn.ground, "path", { class: "curve measured" });
  return (
    /** @type {State} */ { history: { columns } },
    /** @type {import("../drawing/panel.js").Box} */ box,
    /** @type {Scale} */ x,
  ) => {
    const y = log([1 / MOST, MOST], [box.bottom, box.top]);
    const yTicks = [0.5, 1, 2].map((value) => ({ value, name: String(value), at: y.at(value) }));
    drawn.place(x, y, { x: "steps", y: "edge ratio λ_max·η/2", yTicks });
    set(one, { d: `M${x.from} ${y.at(1)}H${x.to}` });
    set(path, { d: line(columns.step, ratios(columns), x, y) });
  };
}

/**
 * Ratios, moved to the edges of the strip where they lie beyond.
 * @param {History["columns"]} columns
 */
function ratios({ sharpness, threshold }) {
  return sharpness.map((value, i) => Math.min(MOST, Math.max(1 / MOST, value / threshold[i])));
}

/** @param {State} state */
function words(state) {
  const { frame, history, teller, winding } = state;
  if (!frame) return { finding: "Sharpness appears as training begins", description: "No steps yet." };
  const description =
    `λ_max over ${counted(history.columns.step.at(-1) ?? 0, "step")} against the dashed threshold; below, their ` +
    "ratio, with 1 in the middle. The error of λ_max is the residual of its eigenpair.";
  return { finding: finding(frame, winding ? "" : word(teller.edge)), description };
}

/**
 * @param {Pick<import("../types.js").Frame, "outcome" | "step" | "sharpness" | "threshold">} frame
 * @param {string} place  where the story says that the run is; "" if it does not
 */
export function finding({ outcome, step, sharpness, threshold }, place) {
  if (outcome === "diverged") return `Training diverged at step ${count(step)}`;
  const ratio = number(sharpness / threshold, 2);
  const where = place && `: ${place === "at the edge" ? "at the edge of stability" : place}`;
  return `λ_max = ${number(sharpness)} is ${ratio} times the threshold ${number(threshold)}${where}`;
}
