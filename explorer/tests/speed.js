/**
 * The speed of a step beside a loop over all pairs of a neuron and an input, both in the state that training has
 * reached and taking turns; for `benchmarks/explorer.py`.
 *
 * @typedef {import("../source/types.js").Setup} Setup
 */

import { advance } from "../source/engine/descent.js";
import { Training } from "../source/engine/training.js";
import { denseStep } from "./dense.js";

const SHARE = 10; // steps of the engine to one of the loop, which take about as long

/**
 * @param {Setup} setup @param {number} steps  until the state that is measured @param {number} turns @param {number} size  steps to a turn
 */
function compare(setup, steps, turns, size) {
  const training = new Training(setup);
  training.train(steps, Infinity, () => 0);
  const { sharpness, threshold, neurons } = training.frame();
  const { descent, problem } = training;
  const theta = descent.last.theta.slice();
  const gradient = theta.slice();
  const eta = setup.method.stepSize;
  let [fast, dense, frame] = [Infinity, Infinity, Infinity];
  for (let turn = 0; turn < turns; turn++) {
    fast = Math.min(fast, micros(size, () => advance(descent, eta, 0, 0)));
    dense = Math.min(dense, micros(size / SHARE, () => denseStep(problem, theta, eta, gradient)));
    frame = Math.min(frame, micros(1, () => training.frame()));
  }
  const dead = neurons.states.reduce((count, state) => count + Number(state === 2), 0);
  return { fast, dense, frame, edge: sharpness / threshold, dead };
}

/** Microseconds of one call. @param {number} count @param {() => void} call */
function micros(count, call) {
  const start = performance.now();
  for (let i = 0; i < count; i++) call();
  return ((performance.now() - start) * 1000) / count;
}

Object.assign(globalThis, { compare });
