/**
 * States of a run to come back to, and what was changed on the way, so that every step in between is made again
 * exactly. Memory is bounded: states are thinned to multiples of a stride that doubles, and of very many changes the
 * oldest are forgotten with the states that need them, but for the start.
 *
 * @typedef {import("../types.js").Method} Method
 * @typedef {import("./problem.js").Problem} Problem
 * @typedef {import("./descent.js").Descent} Descent
 * @typedef {import("./descent.js").State} State
 *
 * @typedef {object} Change  holds from a step on
 * @property {number} step
 * @property {Method} method
 * @property {Problem} problem
 */

import { stateOf } from "./descent.js";

const MOST_STATES = 128;
const MOST_NUMBERS = 4e6; // in all states
const MOST_CHANGES = 2000;

export class Kept {
  /** @param {Descent} descent @param {Method} method */
  constructor(descent, method) {
    this.most = Math.min(MOST_STATES, Math.max(8, Math.floor(MOST_NUMBERS / (3 * descent.velocity.length))));
    this.stride = 1;
    /** The last step that was made. */
    this.end = descent.step;
    /** Steps before this one, but for the start, cannot be made again. */
    this.first = 0;
    /** @type {State[]} */
    this.states = [];
    /** @type {Change[]} */
    this.changes = [];
    this.change(descent.step, method, descent.problem);
    this.keep(descent);
  }

  /** Keep the state if its step is one to keep. @param {Descent} descent */
  keep(descent) {
    this.end = descent.step;
    if (descent.step % this.stride !== 0) return;
    this.states.push(stateOf(descent));
    while (this.states.length > this.most) {
      this.stride *= 2;
      this.states = this.states.filter((state) => state.step % this.stride === 0);
    }
  }

  /** Steps from one until the next that may be kept. @param {number} step */
  untilNext(step) {
    return this.stride - (step % this.stride);
  }

  /** @param {number} step @param {Method} method @param {Problem} problem */
  change(step, method, problem) {
    if (this.changes.at(-1)?.step === step) this.changes.pop();
    this.changes.push({ step, method, problem });
    if (this.changes.length <= MOST_CHANGES) return;
    this.changes.splice(0, MOST_CHANGES / 2);
    this.first = this.changes[0].step;
    this.states = this.states.filter((state) => state.step === 0 || state.step >= this.first);
  }

  /** Forget what came after a step. @param {number} step */
  forgetAfter(step) {
    this.end = step;
    if (step < this.first) this.first = 0; // the run begins again
    this.states = this.states.filter((state) => state.step <= step);
    this.changes = this.changes.filter((change) => change.step <= step);
  }

  /** The state from which a step is reached, and the step that can be reached. @param {number} step */
  nearest(step) {
    const target = Math.min(Math.max(step, 0), this.end);
    const state = /** @type {State} */ (this.states.findLast((kept) => kept.step <= target));
    return { state, target: state.step < this.first ? state.step : target };
  }

  /** What holds at a step. @param {number} step @returns {Change} */
  holding(step) {
    return this.changes.findLast((change) => change.step <= step) ?? this.changes[0];
  }
}
