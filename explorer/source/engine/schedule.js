/**
 * The step size at a step, as `ss.GradientDescent` has it: geometric from min(η, 1/initial sharpness) to η while the
 * warm-up lasts.
 *
 * @param {import("../types.js").Method} method @param {number} initialSharpness @param {number} step  steps made
 */
export function stepSizeAt({ stepSize, warmupSteps }, initialSharpness, step) {
  if (step >= warmupSteps) return stepSize;
  const first = Math.min(stepSize, 1 / initialSharpness);
  return first * (stepSize / first) ** (step / warmupSteps);
}
