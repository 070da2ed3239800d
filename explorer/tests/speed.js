/**
 * The speed of a step beside a loop over all pairs of a neuron and an input, both in the state that training has
 * reached and taking turns; for `benchmarks/explorer.py`.
 *
 * @typedef {import("../source/types.js").Setup} Setup
 */

import { advance } from "../source/engine/descent.js";
import { Training } from "../source/engine/training.js";
import { denseStep } from "./dense.js";

const TURN = 5000; // microseconds: long beside the clock's resolution, short enough to fall between other programs

/** @param {Setup} setup @param {number} steps  until the state that is measured @param {number} turns */
function compare(setup, steps, turns) {
  const training = new Training(setup);
  training.train(steps, Infinity, () => 0);
  const { sharpness, threshold, neurons } = training.frame();
  const { descent, problem } = training;
  const theta = descent.last.theta.slice();
  const gradient = theta.slice();
  const eta = setup.method.stepSize;
  const clocks = [
    clock(() => advance(descent, eta, 0, 0)),
    clock(() => denseStep(problem, theta, eta, gradient)),
    clock(() => training.frame()),
  ];
  const best = [Infinity, Infinity, Infinity];
  for (let turn = 0; turn < turns; turn++) clocks.forEach((time, i) => (best[i] = Math.min(best[i], time())));
  const dead = neurons.states.reduce((count, state) => count + Number(state === 2), 0);
  return { fast: best[0], dense: best[1], frame: best[2], edge: sharpness / threshold, dead };
}

/** A turn: microseconds of a call, over as many calls as a turn holds. @param {() => void} call */
function clock(call) {
  micros(300, call); // compiled by then
  const count = Math.ceil(TURN / Math.max(micros(200, call), 1));
  return () => micros(count, call);
}

/** @param {number} count @param {() => void} call */
function micros(count, call) {
  const start = performance.now();
  for (let i = 0; i < count; i++) call();
  return ((performance.now() - start) * 1000) / count;
}

Object.assign(globalThis, { compare });
