/**
 * A run: it trains, its method and data change on the way, and it goes back to any step.
 *
 * @typedef {import("../types.js").Data} Data
 * @typedef {import("../types.js").Method} Method
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../types.js").Frame} Frame
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("./problem.js").Problem} Problem
 */

import { Refusal, checkData, checkMethod, checkSetup } from "./checks.js";
import { advance, createDescent, startAt, stateOf } from "./descent.js";
import { gridAround } from "./evaluation.js";
import { measure } from "./frame.js";
import { Kept } from "./kept.js";
import { networkOf } from "./network.js";
import { problemOf } from "./problem.js";
import { stepSizeAt } from "./schedule.js";
import { roughSharpness } from "./sharpness.js";

const BLOW_UP = 1e10; // a loss so many times the scale of labels and network never comes back
const LOOK = 16; // steps between two looks at the clock

export class Training {
  /** @param {Setup} setup  refused if it is wrong */
  constructor(setup) {
    checkSetup(setup);
    const { loss, data, start, method } = setup;
    this.loss = loss;
    this.method = method;
    this.problem = problemOf(data, loss);
    this.start = networkOf(start, this.problem, method.stepSize);
    this.initialSharpness = Math.max(roughSharpness(this.problem, this.start.theta, method.weightDecay), 1e-300);
    if (!Number.isFinite(this.initialSharpness)) throw tooLarge();
    this.descent = createDescent(this.problem, startAt(this.start.theta));
    this.kept = new Kept(this.descent, method);
    this.grid = gridOf(this.problem, data);
    this.limit = this.#largestSize();
    this.diverged = false;
    /** Whether steps were made that lie ahead of the network. */
    this.rewound = false;
    /** @type {Float64Array | null} */
    this.eigenvector = null;
  }

  /** @returns {Ready} */
  get ready() {
    const { x, y, truth } = this.problem;
    const { init, scale } = this.start;
    return {
      kind: "ready",
      step: this.descent.step,
      x: x.slice(),
      y: y.slice(),
      grid: this.grid.slice(),
      truth: truth && this.grid.map(truth),
      initialSharpness: this.initialSharpness,
      method: this.method,
      init,
      scale,
    };
  }

  /** @param {Partial<Method>} part */
  changeMethod(part) {
    const method = { ...this.method, ...part };
    checkMethod(method);
    this.method = method;
    this.diverged = false;
    if (!this.rewound) this.kept.change(this.descent.step, method, this.problem);
  }

  /** @param {Data} data */
  changeData(data) {
    checkData(data, this.loss);
    const problem = problemOf(data, this.loss);
    const descent = createDescent(problem, stateOf(this.descent));
    if (!Number.isFinite(descent.size)) throw tooLarge();
    [this.problem, this.descent, this.diverged] = [problem, descent, false];
    this.grid = gridOf(problem, data);
    this.limit = this.#largestSize();
    if (!this.rewound) this.kept.change(descent.step, this.method, problem);
  }

  /**
   * Train up to so many steps, until a time; returns the steps made. A run that diverges stops at the step before.
   *
   * @param {number} steps @param {number} deadline @param {() => number} now
   */
  train(steps, deadline, now) {
    if (this.rewound) this.#takeFromHere();
    let made = 0;
    while (made < steps && !this.diverged) {
      const chunk = Math.min(LOOK, steps - made, this.kept.untilNext(this.descent.step));
      made += this.#advance(chunk);
      if (now() >= deadline) break;
    }
    return made;
  }

  /** @param {number} steps */
  #advance(steps) {
    const { descent, method, initialSharpness } = this;
    for (let made = 0; made < steps; made++) {
      const eta = stepSizeAt(method, initialSharpness, descent.step);
      const finite = advance(descent, eta, method.momentum, method.weightDecay);
      if (finite && descent.size <= this.limit) continue;
      this.kept.end = descent.step - 1;
      this.goTo(descent.step - 1);
      [this.diverged, this.rewound] = [true, false];
      return made;
    }
    this.kept.keep(descent);
    return steps;
  }

  /** Let the states ahead be forgotten: from here on the method and the data of now hold. */
  #takeFromHere() {
    this.kept.forgetAfter(this.descent.step);
    this.kept.change(this.descent.step, this.method, this.problem);
    this.rewound = false;
  }

  /** Go to a step that was made, or to the last kept one before it. @param {number} step */
  goTo(step) {
    const { state, target } = this.kept.nearest(step);
    let { method, problem } = this.kept.holding(state.step);
    let descent = createDescent(problem, state);
    while (descent.step < target) {
      const held = this.kept.holding(descent.step);
      if (held.problem !== descent.problem) descent = createDescent(held.problem, stateOf(descent));
      method = held.method;
      const eta = stepSizeAt(method, this.initialSharpness, descent.step);
      advance(descent, eta, method.momentum, method.weightDecay);
    }
    this.descent = descent.problem === this.problem ? descent : createDescent(this.problem, stateOf(descent));
    this.diverged = false;
    this.rewound = true;
  }

  /** @returns {Omit<Frame, "kind" | "outcome" | "stepsPerSecond">} */
  frame() {
    const { measured, vector } = measure(this.descent, this.method.weightDecay, this.grid, this.eigenvector);
    this.eigenvector = Number.isFinite(measured.residual) ? vector : null;
    const stepSize = stepSizeAt(this.method, this.initialSharpness, this.descent.step);
    return { ...measured, stepSize, threshold: (2 * (1 + this.method.momentum)) / stepSize };
  }

  /** The size of f, as `setSlopes` returns it, from which a run that began here never comes back. */
  #largestSize() {
    const { x, y } = this.problem;
    const { theta } = this.start;
    const k = (theta.length - 1) / 3;
    const far = x.reduce((most, at) => Math.max(most, Math.abs(at)), 0);
    let reach = Math.abs(theta[3 * k]) + y.reduce((most, label) => Math.max(most, Math.abs(label)), 0);
    for (let j = 0; j < k; j++) {
      reach += Math.abs(theta[2 * k + j]) * (Math.abs(theta[j]) * far + Math.abs(theta[k + j]));
    }
    return Math.min(BLOW_UP * (this.loss === "logistic" ? reach : 0.5 * reach ** 2), Number.MAX_VALUE);
  }
}

/** @param {Problem} problem @param {Data} data */
const gridOf = (problem, data) => gridAround(problem.x, problem.truth ? data.halfWidth : 0);

const tooLarge = () => new Refusal("inputs and labels must be small enough for the loss to be a finite number");
