/**
 * What theory says that the weighted variation of a network is at most.
 *
 * Square loss (`published`, Qiao et al., 2024, Theorem 3.1): with g of the inputs,
 *     ∫|f''| g ≤ λ_max(H)/2 - ½ + x_max √(2L),   x_max = max(1/√3, max|x_i|).
 * Logistic loss (`weighted`, after Qiao and Wang, 2025, Theorem 3.5): with g_D of the inputs weighted by D_i, and the
 * mean D̄ of the curvatures s(f_i) s(-f_i),
 *     ∫|f''| g_D ≤ (λ_max(H) + ‖R‖)/(2 D̄) - ½.
 * Both suppose that no knot lies on an input. λ_max is that of the loss, without decay.
 *
 * @typedef {import("./hessian.js").Landscape} Landscape
 * @typedef {import("./polyline.js").Polyline} Polyline
 */

import { sides } from "./cells.js";
import { residualNorm } from "./hessian.js";
import { weightedVariation } from "./weight.js";

const SMALLEST_NORMAL = 2 ** -1022;

/**
 * @param {Landscape} landscape @param {Polyline} polyline @param {number} sharpness
 * @returns {{ weightedTv: number, bound: number }}  NaN where the theorem says nothing
 */
export function variationAndBound(landscape, polyline, sharpness) {
  const { problem, curvature, loss } = landscape;
  const total = curvature.reduce((sum, d) => sum + d, 0);
  if (!(total >= SMALLEST_NORMAL)) return { weightedTv: NaN, bound: NaN };
  const weightedTv = weightedVariation(polyline, problem.x, curvature);
  if (knotOnInput(landscape)) return { weightedTv, bound: NaN };
  if (problem.loss === "logistic") {
    return { weightedTv, bound: (sharpness + residualNorm(landscape)) / (2 * total) - 0.5 };
  }
  const reach = Math.max(1 / Math.sqrt(3), ...problem.x.map(Math.abs));
  return { weightedTv, bound: sharpness / 2 - 0.5 + reach * Math.sqrt(2 * loss) };
}

/** Whether some knot is an input up to rounding: there the loss is not twice differentiable. @param {Landscape} landscape */
function knotOnInput({ problem, theta, cells }) {
  const k = cells.length;
  const { left, right } = sides(problem.x);
  return cells.some((cell, j) => {
    const [w, b] = [theta[j], theta[k + j]];
    const on = (/** @type {number} */ x) =>
      Number.isFinite(x) && Math.abs(w * x + b) <= 4 * Number.EPSILON * (Math.abs(w * x) + Math.abs(b));
    return w !== 0 && (on(left[cell]) || on(right[cell]));
  });
}
