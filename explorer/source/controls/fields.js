/**
 * The fields of a setup: what they are called, what they may hold, when they are shown, and what they change.
 *
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {"problem" | "start" | "method"} Group
 *
 * @typedef {object} Field
 * @property {string} id
 * @property {Group} group
 * @property {string} label
 * @property {[string, string][]} [options]  value, label: a list to choose from
 * @property {keyof typeof RANGES} [name]  of a number
 * @property {readonly [number, number]} [range]  of it, ends included
 * @property {number} [step]  of its arrows
 * @property {(setup: Setup) => boolean} shown
 * @property {(setup: Setup) => string | number} get
 * @property {(setup: Setup, value: any) => Setup} set
 */
import { RANGES, drawnData, WARMUP } from "../setup.js";

const isCurve = (/** @type {Setup} */ setup) => setup.data.kind === "curve";
const hasCurve = (/** @type {Setup} */ setup) => setup.data.truth !== null;
const square = (/** @type {Setup} */ setup) => setup.loss === "square";
const always = () => true;

/** @type {Field[]} */
export const FIELDS = [
  {
    id: "loss",
    group: "problem",
    label: "Loss",
    options: [["square", "square: numbers"], ["logistic", "logistic: two classes"]],
    shown: isCurve,
    get: (setup) => setup.loss,
    set: (setup, loss) => ({ ...setup, loss, data: drawnData(setup.data) }),
  },
  {
    id: "truth",
    group: "problem",
    label: "Truth",
    options: [
      ["tent", "tent"], ["wave", "wave"], ["steps", "two ramps"], ["doppler", "doppler"], ["line", "line"],
      ["zero", "zero: pure noise"],
    ],
    shown: isCurve,
    get: (setup) => setup.data.truth ?? "",
    set: data("truth"),
  },
  { ...number("n", "Points n", 1), shown: isCurve, ...drawn("n") },
  { ...number("noise", "Noise σ", 0.01), shown: (setup) => isCurve(setup) && square(setup), ...drawn("noise") },
  {
    ...number("amplitude", "Amplitude of the logit", 0.1),
    shown: (setup) => isCurve(setup) && !square(setup),
    ...drawn("amplitude"),
  },
  {
    ...number("flipRate", "Flip rate", 0.01),
    id: "flip-rate",
    shown: (setup) => isCurve(setup) && !square(setup),
    ...drawn("flipRate"),
  },
  {
    ...number("halfWidth", "Inputs from −w to w: w", 0.5),
    id: "half-width",
    shown: (setup) => isCurve(setup) && hasCurve(setup),
    ...drawn("halfWidth"),
  },
  { ...number("seed", "Seed of the points", 1), id: "data-seed", shown: isCurve, ...drawn("seed") },
  {
    id: "arm",
    group: "start",
    label: "Start",
    options: [
      ["printed", "as printed: PyTorch's default"], ["small", "small: below the threshold"],
      ["large", "large, with warm-up"],
    ],
    shown: always,
    get: (setup) => setup.start.arm,
    set: (setup, arm) => ({
      ...setup,
      start: { ...setup.start, arm },
      method: { ...setup.method, warmupSteps: arm === "large" ? WARMUP : 0 },
    }),
  },
  { ...number("width", "Width: neurons k", 1), group: "start", shown: always, ...started("width") },
  { ...number("seed", "Seed of the start", 1), id: "start-seed", group: "start", shown: always, ...started("seed") },
  {
    ...number("warmupSteps", "Warm-up steps", 1),
    id: "warmup",
    group: "start",
    shown: (setup) => setup.start.arm === "large",
    ...method("warmupSteps"),
  },
  { ...number("momentum", "Momentum β", 0.01), group: "method", shown: always, ...method("momentum") },
  {
    ...number("weightDecay", "Weight decay", 0.0001),
    id: "weight-decay",
    group: "method",
    shown: always,
    ...method("weightDecay"),
  },
];

/**
 * @param {keyof typeof RANGES} name
 * @param {string} label
 * @param {number} step
 * @returns {Pick<Field, "id" | "group" | "label" | "name" | "range" | "step">}
 */
function number(name, label, step) {
  return { id: name, group: "problem", label, name, range: RANGES[name], step };
}

/**
 * Get and set a number of drawn data.
 * @param {"n" | "noise" | "amplitude" | "flipRate" | "halfWidth" | "seed"} name
 * @returns {Pick<Field, "get" | "set">}
 */
function drawn(name) {
  return { get: (setup) => drawnData(setup.data)[name], set: data(name) };
}

/** @param {string} name */
function data(name) {
  return (/** @type {Setup} */ setup, /** @type {any} */ value) =>
    ({ ...setup, data: { ...drawnData(setup.data), [name]: value } });
}

/**
 * @param {"width" | "seed"} name
 * @returns {Pick<Field, "get" | "set">}
 */
function started(name) {
  return {
    get: (setup) => setup.start[name],
    set: (setup, value) => ({ ...setup, start: { ...setup.start, [name]: value } }),
  };
}

/**
 * @param {"warmupSteps" | "momentum" | "weightDecay"} name
 * @returns {Pick<Field, "get" | "set">}
 */
function method(name) {
  return {
    get: (setup) => setup.method[name],
    set: (setup, value) => ({ ...setup, method: { ...setup.method, [name]: value } }),
  };
}
