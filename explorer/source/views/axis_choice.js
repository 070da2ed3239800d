/**
 * A small control of a plot over steps: whether their axis is logarithmic.
 *
 * @typedef {{ isLog: boolean }} StepAxis
 */

/**
 * @param {import("../drawing/plot.js").Plot} plot
 * @param {StepAxis} axis
 */
export function axisChoice({ figure, redraw }, axis) {
  const label = document.createElement("label");
  label.className = "axis-choice";
  const box = Object.assign(document.createElement("input"), { type: "checkbox" });
  label.append(box, " Logarithmic steps");
  figure.querySelector("svg")?.after(label);
  box.addEventListener("change", () => {
    axis.isLog = box.checked;
    redraw();
  });
}
