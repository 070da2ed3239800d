/**
 * How far predictions at the inputs are from the truth: the mean of (f - f0)², or for the logistic loss of the
 * Kullback-Leibler divergence of the probabilities.
 *
 * @typedef {import("./problem.js").Problem} Problem
 */

import { probability } from "./curves.js";

const NEAR = 500; // e^500 is still a number

/** @param {Problem} problem @param {Float64Array} values @returns {number | null}  null without a truth */
export function riskOf({ loss, x, truth }, values) {
  if (!truth) return null;
  const excess = loss === "square" ? squared : divergence;
  return values.reduce((sum, f, i) => sum + excess(truth(x[i]), f), 0) / values.length;
}

/** @param {number} f0 @param {number} f */
const squared = (f0, f) => (f - f0) ** 2;

/** log(1 + e^z). @param {number} z */
const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/**
 * KL(Ber(s(f0)) ‖ Ber(s(f))), with signs taken so that s(f0) ≤ ½, where log(1 + s(f0)(e^d - 1)) - s(f0) d is exact.
 *
 * @param {number} truth @param {number} logit
 */
function divergence(truth, logit) {
  const d = truth > 0 ? truth - logit : logit - truth;
  const f0 = -Math.abs(truth);
  const share = probability(f0);
  const risen = d < NEAR ? Math.log1p(share * Math.expm1(d)) : softplus(f0 + d) - softplus(f0);
  return Math.max(risen - share * d, 0);
}
