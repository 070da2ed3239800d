/**
 * The two losses of predictions at the inputs, each averaged over them.
 *
 * square    1/(2n) Σ (f - y)²             logistic  1/n Σ log(1 + e^(-y f)), y = ±1
 *
 * @typedef {import("./problem.js").Problem} Problem
 */

import { probability } from "./curves.js";

/**
 * Set g_i = ∂L/∂f_i; returns a size that is finite exactly when all predictions are: L itself for the square loss,
 * the mean of |f| for the logistic one.
 *
 * @param {Problem} problem @param {Float64Array} values @param {Float64Array} g
 */
export function setSlopes({ loss, y }, values, g) {
  const n = y.length;
  const weight = 1 / n;
  let size = 0;
  if (loss === "square") {
    for (let i = 0; i < n; i++) {
      const residual = values[i] - y[i];
      g[i] = weight * residual;
      size += g[i] * residual;
    }
    return 0.5 * size;
  }
  for (let i = 0; i < n; i++) {
    g[i] = (-weight * y[i]) / (1 + Math.exp(y[i] * values[i])); // 0 where the exponential overflows, as it should be
    size += weight * Math.abs(values[i]);
  }
  return size;
}

/** @param {Problem} problem @param {Float64Array} values */
export function lossOf({ loss, y }, values) {
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    const margin = y[i] * values[i];
    if (loss === "square") sum += 0.5 * (values[i] - y[i]) ** 2;
    else sum += Math.max(-margin, 0) + Math.log1p(Math.exp(-Math.abs(margin)));
  }
  return sum / y.length;
}

/** D_i = ∂²L/∂f_i². @param {Problem} problem @param {Float64Array} values */
export function curvaturesOf({ loss }, values) {
  const n = values.length;
  if (loss === "square") return new Float64Array(n).fill(1 / n);
  return values.map((f) => probability(f) * probability(-f) / n);
}
