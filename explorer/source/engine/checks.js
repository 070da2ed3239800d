/**
 * What the engine refuses, each in one sentence: what must hold, and what came.
 *
 * @typedef {import("../types.js").Data} Data
 * @typedef {import("../types.js").Method} Method
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../types.js").Loss} Loss
 */

import { SHAPES } from "./curves.js";

const MOST_EXAMPLES = 5000;
const MOST_NEURONS = 10000;
const MOST_STEPS = 1e9;
const NARROWEST = 1e-290; // half width at which the last bits of inputs still are normal numbers

/** A wrong command; its message is a sentence for the user. */
export class Refusal extends Error {}

/** @param {unknown} value */
const shown = (value) => (typeof value === "string" ? JSON.stringify(value) : `${value ?? "nothing"}`);

/** @param {boolean} holds @param {string} name @param {string} must @param {unknown} came */
function require(holds, name, must, came) {
  if (!holds) throw new Refusal(`${name} must ${must}, got ${shown(came)}`);
}

/** @param {string} name @param {unknown} value @param {readonly string[]} known */
function oneOf(name, value, known) {
  require(known.includes(String(value)), name, `be one of ${known.join(", ")}`, value);
}

/** @param {string} name @param {unknown} value @param {number} least @param {number} most */
function whole(name, value, least, most) {
  const holds = Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  require(holds, name, `be a whole number between ${least} and ${most}`, value);
}

/** @param {string} name @param {unknown} value */
function positive(name, value) {
  require(Number.isFinite(value) && Number(value) > 0, name, "be finite and positive", value);
}

/** @param {string} name @param {unknown} value */
function nonnegative(name, value) {
  require(Number.isFinite(value) && Number(value) >= 0, name, "be finite and not negative", value);
}

/** @param {string} name @param {unknown} value @param {number} most */
function below(name, value, most) {
  require(Number.isFinite(value) && Number(value) >= 0 && Number(value) < most, name, `lie in [0, ${most})`, value);
}

/** @param {Setup} setup */
export function checkSetup({ loss, data, start, method }) {
  oneOf("the loss", loss, ["square", "logistic"]);
  checkData(data, loss);
  oneOf("the start", start?.arm, ["printed", "small", "large"]);
  whole("the width", start.width, 1, MOST_NEURONS);
  whole("the seed of the network", start.seed, 0, Number.MAX_SAFE_INTEGER);
  checkMethod(method);
}

/** @param {Method} method */
export function checkMethod(method) {
  positive("the step size", method?.stepSize);
  below("the momentum", method.momentum, 1);
  nonnegative("the weight decay", method.weightDecay);
  whole("the number of warm-up steps", method.warmupSteps, 0, MOST_STEPS);
}

/** @param {Data} data @param {Loss} loss */
export function checkData(data, loss) {
  oneOf("the kind of data", data?.kind, ["curve", "own"]);
  if (data.kind === "own") checkExamples(data, loss);
  else {
    whole("the number of examples", data.n, 1, MOST_EXAMPLES);
    whole("the seed of the data", data.seed, 0, Number.MAX_SAFE_INTEGER);
    if (loss === "square") nonnegative("the noise", data.noise);
  }
  if (data.kind === "curve" || data.truth !== null) checkTruth(data, loss);
}

/** @param {Data} data @param {Loss} loss */
function checkTruth(data, loss) {
  oneOf("the truth", data.truth, Object.keys(SHAPES));
  const wide = Number.isFinite(data.halfWidth) && data.halfWidth >= NARROWEST;
  require(wide, "the half width", `be finite and at least ${NARROWEST}`, data.halfWidth);
  if (loss === "square") return;
  nonnegative("the amplitude", data.amplitude);
  below("the flip rate", data.flipRate, 0.5);
}

/** @param {import("../types.js").OwnData} data @param {Loss} loss */
function checkExamples({ x, y }, loss) {
  whole("the number of examples", x?.length, 1, MOST_EXAMPLES);
  require(y?.length === x.length, "the number of labels", `be that of the inputs, ${x.length}`, y?.length);
  checkFinite("every input", x);
  checkFinite("every label", y);
  const odd = loss === "logistic" ? y.find((label) => Math.abs(label) !== 1) : undefined;
  require(odd === undefined, "every label of the logistic loss", "be -1 or 1", odd);
}

/** @param {string} name @param {number[]} numbers */
function checkFinite(name, numbers) {
  const at = numbers.findIndex((value) => !Number.isFinite(value));
  require(at < 0, name, "be a finite number", numbers[at]);
}
