/**
 * What happens in a run, in words: a fold of its numbers over five detectors, each with thresholds of its own.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Ready} Ready
 * @typedef {import("./history.js").History} History
 * @typedef {ReturnType<typeof import("./history.js").numbersOf>} Numbers
 *
 * @typedef {"beyond" | "catapult" | "edge" | "below" | "dead" | "interpolating" | "missing" | "diverged" | "arrived"
 *   | "moving"} Kind
 *
 * @typedef {object} Happening
 * @property {number} step
 * @property {Kind} kind
 * @property {string} sentence  with its subject, verb and number
 *
 * @typedef {object} Context  what the detectors know besides the numbers
 * @property {Setup["loss"]} loss
 * @property {number} width
 * @property {number} n
 * @property {number} deviation  standard deviation of the labels
 * @property {number} from  step of the last change of method or data
 *
 * @typedef {object} Teller  where the story stands
 * @property {import("./story/choice.js").Choice} choice
 * @property {import("./story/edge.js").Memory} edge
 * @property {import("./story/neurons.js").Memory} neurons
 * @property {import("./story/interpolation.js").Memory} interpolation
 * @property {import("./story/arrival.js").Memory} arrival
 */
import * as arrival from "./story/arrival.js";
import * as choice from "./story/choice.js";
import * as edge from "./story/edge.js";
import * as interpolation from "./story/interpolation.js";
import * as neurons from "./story/neurons.js";
import { entry } from "./history.js";
import { count } from "./words.js";

/** @type {Teller} */
export const BEGINNING = {
  choice: choice.BEGINNING,
  edge: edge.BEGINNING,
  neurons: neurons.BEGINNING,
  interpolation: interpolation.BEGINNING,
  arrival: arrival.BEGINNING,
};

/**
 * @param {Setup} setup
 * @param {Ready} ready
 * @param {number} [from]
 * @returns {Context}
 */
export function contextOf(setup, ready, from = 0) {
  const { y } = ready;
  const mean = y.reduce((sum, each) => sum + each, 0) / y.length;
  const variance = y.reduce((sum, each) => sum + (each - mean) ** 2, 0) / y.length;
  return { loss: setup.loss, width: setup.start.width, n: y.length, deviation: Math.sqrt(variance), from };
}

/**
 * Add the numbers of one frame to a story.
 * @param {Teller} teller
 * @param {Numbers} numbers
 * @param {Context} context
 * @returns {{ teller: Teller, happenings: Happening[] }}
 */
export function tell(teller, numbers, context) {
  if (numbers.diverged) return { teller, happenings: [divergence(numbers)] };
  const chosen = choice.next(teller.choice, numbers);
  const told = {
    edge: edge.next(teller.edge, numbers, chosen),
    neurons: neurons.next(teller.neurons, numbers, context),
    interpolation: interpolation.next(teller.interpolation, numbers, context, chosen),
    arrival: arrival.next(teller.arrival, numbers, context),
  };
  return {
    teller: {
      choice: chosen,
      edge: told.edge.memory,
      neurons: told.neurons.memory,
      interpolation: told.interpolation.memory,
      arrival: told.arrival.memory,
    },
    happenings: Object.values(told).flatMap(({ says }) => (says ? [{ step: numbers.step, ...says }] : [])),
  };
}

/**
 * The story of a whole history.
 * @param {History} history
 * @param {Context} context
 */
export function story(history, context) {
  /** @type {{ teller: Teller, happenings: Happening[] }} */
  let told = { teller: BEGINNING, happenings: [] };
  for (let index = 0; index < history.length; index++) {
    const { teller, happenings } = tell(told.teller, entry(history, index), context);
    told = { teller, happenings: [...told.happenings, ...happenings] };
  }
  return told;
}

/**
 * What is true now, in a few words each.
 * @param {Teller} teller
 * @returns {string[]}
 */
export function words(teller) {
  return [
    edge.word(teller.edge),
    neurons.word(teller.neurons),
    interpolation.word(teller.interpolation),
    arrival.word(teller.arrival),
  ].filter((word) => word !== "");
}

/**
 * @param {Numbers} numbers
 * @returns {Happening}
 */
function divergence({ step }) {
  return {
    step,
    kind: "diverged",
    sentence: `Diverged by step ${count(step)}: the loss left every bound. Take a smaller step size or a smaller start.`,
  };
}
