/** Weighted total variation over the steps against its bound; the ground says where there is none. */

import { plot } from "../drawing/plot.js";
import { make, set, show } from "../drawing/svg.js";
import { count, number } from "../words.js";
import { axisChoice } from "./axis_choice.js";
import { boxOf, lastFinite, MARGINS, stepScale } from "./curves.js";
import { stepPanel } from "./over_steps.js";
import { stepNumbers } from "./step_numbers.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../drawing/panel.js").Box} Box
 */

const LEAST = 1e-4; // of the bound: what is smaller is as good as none
const ROOM = 104; // pixels that "theorem silent" takes

/** @param {Element} element */
export function variationView(element) {
  const axis = { isLog: false };
  const made = plot(element, {
    name: "variation",
    heading: "Weighted variation",
    height: (width) => Math.round(Math.min(300, Math.max(220, 0.4 * width))),
    prepare: (svg) => prepare(svg, axis),
    numbers: (state) =>
      stepNumbers(state, "Weighted variation of the midpoint and its bound; – where no theorem speaks", [
        ["∫|f″|g", ({ weightedTv }, i) => weightedTv[i]],
        ["bound", ({ bound }, i) => bound[i]],
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
  const drawn = stepPanel(
    svg,
    [
      {
        column: "bound",
        kind: "theory",
        name: ({ history }) => (lastFinite(history.columns.bound) > 0 ? "bound" : ""),
      },
      { column: "weightedTv", kind: "measured", name: () => "∫|f″|g" },
    ],
    "weighted variation",
    LEAST,
  );
  const silence = silentGround(drawn.back);
  return (state, size) => {
    const { columns } = state.history;
    const box = boxOf(size, MARGINS.top, size.height - MARGINS.bottom);
    const x = stepScale(columns.step.at(-1) ?? 0, box, axis.isLog);
    drawn.update(state, box, x, { ...size, xName: "steps" });
    silence(
      silentSpans(columns.step, columns.bound).map(([a, b]) => [x.at(a), x.at(b)]),
      box,
    );
    return words(state);
  };
}

/** @param {SVGGElement} back */
function silentGround(back) {
  const shade = make(back, "path", { class: "silent" });
  const word = make(back, "text", { class: "silent-word", "text-anchor": "middle" });
  word.textContent = "theorem silent";
  return (/** @type {number[][]} */ spans, /** @type {Box} */ { top, bottom }) => {
    set(shade, {
      d: spans.map(([a, b]) => `M${a.toFixed(1)} ${top}H${b.toFixed(1)}V${bottom}H${a.toFixed(1)}Z`).join(""),
    });
    const widest = spans.reduce(
      (best, span) => (span[1] - span[0] > best[1] - best[0] ? span : best),
      [0, 0],
    );
    show(word, widest[1] - widest[0] > ROOM);
    set(word, { x: Math.round((widest[0] + widest[1]) / 2), y: bottom - 8 });
  };
}

/**
 * Stretches of steps at which there is no bound.
 * @param {Float64Array} steps
 * @param {Float64Array} bounds
 * @returns {[number, number][]}
 */
export function silentSpans(steps, bounds) {
  /** @type {[number, number][]} */
  const spans = [];
  steps.forEach((step, i) => {
    if (Number.isFinite(bounds[i])) return;
    const start = i > 0 && !Number.isFinite(bounds[i - 1]) ? spans.pop()?.[0] : step;
    spans.push([start ?? step, steps[i + 1] ?? step]);
  });
  return spans;
}

/** @param {State} state */
function words({ frame }) {
  if (!frame)
    return { finding: "The weighted variation appears as training begins", description: "No steps yet." };
  const { weightedTv, bound, step, outcome } = frame;
  const description =
    "How much the slope of the midpoint changes, ∫|f″|g, over the steps (solid), and what the theorem " +
    "allows for (dashed); the ground is shaded where no theorem speaks.";
  if (outcome === "diverged") return { finding: `Training diverged at step ${count(step)}`, description };
  return { finding: finding(weightedTv, bound), description };
}

/**
 * @param {number} weightedTv
 * @param {number} bound
 */
export function finding(weightedTv, bound) {
  if (Number.isNaN(weightedTv)) return "The weight vanishes: there is no weighted variation to speak of";
  const value = `The weighted variation is ${number(weightedTv)}`;
  if (Number.isNaN(bound)) return `${value}; no theorem bounds it here`;
  if (weightedTv > bound) return `${value}, more than its bound of ${number(bound)}`;
  const times = weightedTv > LEAST * bound ? `, ${number(bound / weightedTv, 2)} times as much` : "";
  return `${value}; the theorem allows ${number(bound)}${times}`;
}
