/**
 * λ_max of the loss at a network.
 *
 * @typedef {import("./problem.js").Problem} Problem
 * @typedef {import("./hessian.js").Landscape} Landscape
 */

import { middles } from "./cells.js";
import { landscapeOf, productOf } from "./hessian.js";
import { largestEigenpair, unit } from "./lanczos.js";
import { Generator } from "./random.js";

const TOLERANCE = 1e-8;
const ROUGH = 1e-4;
const GENERIC_SEED = 20251201; // of the vector that stepscape starts from

/** @type {Float64Array} */
let generic = new Float64Array(0);

/** A fixed generic vector of length 1. @param {number} size */
function genericVector(size) {
  if (generic.length !== size) generic = unit(new Generator(GENERIC_SEED).normals(size));
  return generic;
}

/**
 * @param {Landscape} landscape @param {number} decay
 * @param {Float64Array | null} near  an eigenvector of a network close by
 */
export function sharpnessAt(landscape, decay, near) {
  const noise = genericVector(landscape.theta.length);
  return largestEigenpair(productOf(landscape, decay), noise, near?.length === noise.length ? near : null, TOLERANCE);
}

/**
 * λ_max to 1e-4, found as `stepscape.objectives.rough_sharpness` does: the warm-up of a run begins at its inverse.
 *
 * @param {Problem} problem @param {Float64Array} theta @param {number} [decay]
 */
export function roughSharpness(problem, theta, decay = 0) {
  const landscape = landscapeOf(problem, theta, middles((theta.length - 1) / 3, problem.x));
  return largestEigenpair(productOf(landscape, decay), genericVector(theta.length), null, ROUGH).value;
}
