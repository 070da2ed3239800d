/**
 * The Hessian of the loss at a network, as products in O(n + k).
 *
 * With Φ the tangent features of f at the inputs, H = Φᵀ diag(D) Φ + R, D_i = ∂²L/∂f_i²; R couples w2_j with
 * (w1_j, b1_j) through p = Σ g x and q = Σ g over the inputs that the neuron sees, g_i = ∂L/∂f_i. With weight decay
 * the matrix that thresholds are about is H + decay·diag(mask), mask 0 on b2.
 *
 * @typedef {import("./problem.js").Problem} Problem
 *
 * @typedef {object} Landscape  a network and what is known of the loss around it
 * @property {Problem} problem
 * @property {Float64Array} theta
 * @property {Uint32Array} cells
 * @property {Float64Array} values  f at the inputs
 * @property {number} loss
 * @property {Float64Array} curvature  D
 * @property {Float64Array} moment  p of each cell
 * @property {Float64Array} total  q of each cell
 */

import { cellsOf } from "./cells.js";
import { curvaturesOf, lossOf, setSlopes } from "./losses.js";
import { gather, spread } from "./sums.js";

/**
 * @param {Problem} problem @param {Float64Array} theta
 * @param {Uint32Array} near  cells to seek those of θ from
 * @returns {Landscape}
 */
export function landscapeOf(problem, theta, near) {
  const n = problem.x.length;
  const k = near.length;
  const cells = cellsOf(theta, problem.x, near);
  const [slope, shift, moment, total] = [0, 1, 2, 3].map(() => new Float64Array(2 * n + 2));
  for (let j = 0; j < k; j++) {
    slope[cells[j]] += theta[2 * k + j] * theta[j];
    shift[cells[j]] += theta[2 * k + j] * theta[k + j];
  }
  const values = new Float64Array(n);
  spread(problem.x, slope, shift, theta[3 * k], values);
  const g = new Float64Array(n);
  setSlopes(problem, values, g);
  gather(problem.x, g, moment, total);
  const curvature = curvaturesOf(problem, values);
  return { problem, theta, cells, values, loss: lossOf(problem, values), curvature, moment, total };
}

/** ∇L (3k + 1,). @param {Landscape} landscape */
export function gradientOf({ theta, cells, moment, total }) {
  const k = cells.length;
  const out = new Float64Array(3 * k + 1);
  cells.forEach((cell, j) => {
    out[j] = theta[2 * k + j] * moment[cell];
    out[k + j] = theta[2 * k + j] * total[cell];
    out[2 * k + j] = theta[j] * moment[cell] + theta[k + j] * total[cell];
  });
  out[3 * k] = total[0];
  return out;
}

/** ‖R‖ = max_j √(p_j² + q_j²). @param {Landscape} landscape */
export function residualNorm({ cells, moment, total }) {
  return cells.reduce((largest, cell) => Math.max(largest, Math.hypot(moment[cell], total[cell])), 0);
}

/**
 * Trace of H without decay, in closed form: R has a zero diagonal.
 *
 * @param {Landscape} landscape
 */
export function traceOf({ problem, theta, cells, curvature }) {
  const k = cells.length;
  const [first, mass, second, again] = [0, 1, 2, 3].map(() => new Float64Array(2 * problem.x.length + 2));
  gather(problem.x, curvature, first, mass);
  gather(problem.x, curvature.map((d, i) => d * problem.x[i]), second, again);
  return cells.reduce((sum, cell, j) => {
    const [w, b, a] = [theta[j], theta[k + j], theta[2 * k + j]];
    const active = w * w * second[cell] + 2 * w * b * first[cell] + b * b * mass[cell];
    return sum + a * a * (second[cell] + mass[cell]) + active;
  }, mass[0]);
}

/**
 * u ↦ (H + decay·diag(mask)) u, written into its second argument.
 *
 * @param {Landscape} landscape @param {number} decay
 * @returns {(u: Float64Array, out: Float64Array) => void}
 */
export function productOf({ problem, theta, cells, curvature, moment, total }, decay) {
  const n = problem.x.length;
  const k = cells.length;
  const [slope, shift, moments, totals] = [0, 1, 2, 3].map(() => new Float64Array(2 * n + 2));
  const values = new Float64Array(n);
  return (u, out) => {
    for (let j = 0; j < k; j++) {
      const cell = cells[j];
      const ua = u[2 * k + j];
      slope[cell] += theta[2 * k + j] * u[j] + theta[j] * ua;
      shift[cell] += theta[2 * k + j] * u[k + j] + theta[k + j] * ua;
    }
    spread(problem.x, slope, shift, u[3 * k], values);
    for (let i = 0; i < n; i++) values[i] *= curvature[i];
    gather(problem.x, values, moments, totals);
    for (let j = 0; j < k; j++) {
      const cell = cells[j];
      const [m, t, p, q] = [moments[cell], totals[cell], moment[cell], total[cell]];
      const [uw, ub, ua] = [u[j], u[k + j], u[2 * k + j]];
      out[j] = theta[2 * k + j] * m + p * ua + decay * uw;
      out[k + j] = theta[2 * k + j] * t + q * ua + decay * ub;
      out[2 * k + j] = theta[j] * m + theta[k + j] * t + p * uw + q * ub + decay * ua;
    }
    out[3 * k] = totals[0];
  };
}
