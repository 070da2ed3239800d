/**
 * One field with its label and the sentence that refuses what it held.
 *
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../state.js").State} State
 * @typedef {import("./fields.js").Field} Field
 */
import { make, mark, write } from "../dom.js";
import { objection } from "../setup.js";

/**
 * @param {Field} field
 * @param {(field: Field, value: string | number) => void} change
 * @param {(sentence: string, control: string) => void} refuse
 */
export function createField(field, change, refuse) {
  const input = field.options ? choice(field) : entry(field);
  const error = make("p", { class: "refusal", id: `${field.id}-refusal`, hidden: true });
  const element = make("div", { class: "field" }, make("label", { for: field.id }, field.label), input, error);
  input.addEventListener("change", () => {
    if (!field.name) return change(field, input.value);
    const value = input.value.trim() === "" ? NaN : Number(input.value);
    const sentence = objection(field.label, field.name, value);
    if (sentence) refuse(sentence, field.id);
    else change(field, value);
  });
  return { element, update: (/** @type {State} */ state) => update(field, element, input, error, state) };
}

/**
 * Show the value of a setup, or the sentence that refuses what stands in the field.
 * @param {Field} field
 * @param {HTMLElement} element
 * @param {HTMLInputElement | HTMLSelectElement} input
 * @param {HTMLElement} error
 * @param {State} state
 */
function update(field, element, input, error, { setup, refused }) {
  mark(element, "hidden", !field.shown(setup));
  const sentence = refused?.control === field.id ? refused.sentence : "";
  showRefusal(input, error, sentence);
  const value = String(field.get(setup));
  if (!sentence && input.value !== value && document.activeElement !== input) input.value = value;
}

/**
 * Say beside a control why what it holds is refused; "" for nothing.
 * @param {HTMLElement} control
 * @param {HTMLElement} error
 * @param {string} sentence
 */
export function showRefusal(control, error, sentence) {
  write(error, sentence);
  mark(error, "hidden", sentence === "");
  mark(control, "aria-invalid", sentence === "" ? false : "true");
  mark(control, "aria-describedby", sentence === "" ? false : error.id);
}

/** @param {Field} field */
function choice({ id, options = [] }) {
  return make("select", { id }, ...options.map(([value, label]) => make("option", { value }, label)));
}

/** @param {Field} field */
function entry({ id, step = 1, range: [min, max] = [0, 1] }) {
  return make("input", { id, type: "number", inputmode: "decimal", min, max, step, autocomplete: "off" });
}
