/**
 * The step size: a slider on a logarithmic scale, and the number itself. It counts while one drags.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../state.js").Action} Action
 */
import { find, mark } from "../dom.js";
import { objection, RANGES } from "../setup.js";
import { showRefusal } from "./field.js";

const [LEAST, MOST] = RANGES.stepSize;
const POSITIONS = 400; // of the slider: one is a factor of 1.023

/**
 * Step size at a position of the slider, to three digits.
 * @param {number} position
 */
export function stepSizeAt(position) {
  return Number((LEAST * (MOST / LEAST) ** (position / POSITIONS)).toPrecision(3));
}

/**
 * Position of a step size, rounded.
 * @param {number} stepSize
 */
function positionOf(stepSize) {
  return Math.round((POSITIONS * Math.log(stepSize / LEAST)) / Math.log(MOST / LEAST));
}

/** @param {(action: Action) => void} dispatch */
export function createStepSize(dispatch) {
  const slider = find("step-size", HTMLInputElement);
  const field = find("step-size-number", HTMLInputElement);
  const error = find("step-size-refusal", HTMLElement);
  const change = (/** @type {number} */ stepSize) =>
    dispatch({ kind: "method", method: { stepSize }, control: "step-size-number" });
  slider.max = String(POSITIONS);
  slider.addEventListener("input", () => change(stepSizeAt(slider.valueAsNumber)));
  field.addEventListener("change", () => {
    const sentence = objection("The step size η", "stepSize", field.valueAsNumber);
    if (sentence) dispatch({ kind: "refuse", sentence, control: field.id });
    else change(field.valueAsNumber);
  });
  return { update };

  /** @param {State} state */
  function update({ setup, refused }) {
    const { stepSize } = setup.method;
    const position = String(positionOf(stepSize));
    if (slider.value !== position) slider.value = position;
    mark(slider, "aria-valuetext", `η = ${stepSize}`);
    const sentence = refused?.control === field.id ? refused.sentence : "";
    showRefusal(field, error, sentence);
    if (!sentence && document.activeElement !== field) field.value = String(stepSize);
  }
}
