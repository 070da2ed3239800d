/** The loss over the steps, on a logarithmic axis. */

import { plot } from "../drawing/plot.js";
import { count, counted, number } from "../words.js";
import { axisChoice } from "./axis_choice.js";
import { boxOf, MARGINS, stepScale } from "./curves.js";
import { stepPanel } from "./over_steps.js";
import { stepNumbers } from "./step_numbers.js";

/** @typedef {import("../state.js").State} State */

/** @param {Element} element */
export function lossView(element) {
  const axis = { isLog: false };
  const made = plot(element, {
    name: "loss",
    heading: "Loss",
    height: (width) => Math.round(Math.min(300, Math.max(220, 0.4 * width))),
    prepare: (svg) => prepare(svg, axis),
    numbers: (state) => stepNumbers(state, "Training loss", [["loss", ({ loss }, i) => loss[i]]]),
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
  const drawn = stepPanel(svg, [{ column: "loss", kind: "measured", name: () => "loss" }], "training loss");
  return (state, size) => {
    const box = boxOf(size, MARGINS.top, size.height - MARGINS.bottom);
    drawn.update(state, box, stepScale(state.history.columns.step.at(-1) ?? 0, box, axis.isLog), {
      ...size,
      xName: "steps",
    });
    return words(state);
  };
}

/** @param {State} state */
function words({ frame, history, setup }) {
  if (!frame) return { finding: "The loss appears as training begins", description: "No steps yet." };
  const first = history.columns.loss[0];
  const norm = setup.loss === "square" ? "1/(2n) Σ (f − y)²" : "1/n Σ log(1 + exp(−y f))";
  return {
    finding:
      frame.outcome === "diverged"
        ? `The loss grew without bound: training diverged at step ${count(frame.step)}`
        : `The loss is ${number(frame.loss)} after ${counted(frame.step, "step")}; it began at ${number(first)}`,
    description: `The training loss ${norm} over the steps, on a logarithmic axis.`,
  };
}
