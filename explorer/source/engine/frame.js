/**
 * What is measured at a step, in the middle of the oscillation of descent: the network (θ_t + θ_(t-1))/2.
 *
 * @typedef {import("../types.js").Frame} Frame
 * @typedef {import("../types.js").Method} Method
 * @typedef {import("./descent.js").Descent} Descent
 */

import { variationAndBound } from "./bound.js";
import { valuesOn } from "./evaluation.js";
import { landscapeOf, traceOf } from "./hessian.js";
import { lossOf } from "./losses.js";
import { neuronsOf } from "./neurons.js";
import { linearPieces, pieceTolerance } from "./pieces.js";
import { polylineOf } from "./polyline.js";
import { riskOf } from "./risk.js";
import { sharpnessAt } from "./sharpness.js";

/**
 * @typedef {Omit<Frame, "kind" | "stepSize" | "threshold" | "outcome" | "stepsPerSecond">} Measured
 *
 * @param {Descent} descent @param {number} decay @param {Float64Array} grid
 * @param {Float64Array | null} near  an eigenvector of a step close by
 * @returns {{ measured: Measured, vector: Float64Array }}  and the eigenvector of λ_max
 */
export function measure({ problem, last, before, step, time, values }, decay, grid, near) {
  const { theta, cells } = last;
  const middle = theta.map((value, j) => (value === before.theta[j] ? value : 0.5 * value + 0.5 * before.theta[j]));
  const landscape = landscapeOf(problem, middle, cells);
  const { value, residual, vector } = sharpnessAt(landscape, decay, near);
  const bare = decay > 0 ? sharpnessAt(landscape, 0, vector).value : value;
  const polyline = polylineOf(middle, problem.x[0], problem.x[problem.x.length - 1], landscape.values[0]);
  const measured = {
    step,
    time,
    loss: lossOf(problem, values),
    sharpness: value,
    residual,
    trace: traceOf(landscape),
    ...variationAndBound(landscape, polyline, bare),
    pieces: linearPieces(polyline, pieceTolerance(problem, middle)),
    risk: riskOf(problem, landscape.values),
    now: valuesOn(theta, grid),
    before: valuesOn(before.theta, grid),
    midpoint: valuesOn(middle, grid),
    neurons: neuronsOf(theta, cells, problem.x),
  };
  return { measured, vector };
}
