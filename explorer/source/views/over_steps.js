/**
 * A panel of numbers over the steps of a run: what the views of sharpness, loss and variation share.
 *
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../drawing/panel.js").Box} Box
 * @typedef {import("../state.js").State} State
 *
 * @typedef {object} Curve  one number over steps
 * @property {import("../history.js").Column} column
 * @property {string} kind  its class
 * @property {(state: State) => string} name  at its end; "" for none
 * @property {(state: State) => number} [level]  goes on from the last step to the right end
 */
import { names } from "../drawing/names.js";
import { panel } from "../drawing/panel.js";
import { line, tenth } from "../drawing/path.js";
import { log, steadyLogLimits } from "../drawing/scale.js";
import { make, set, show } from "../drawing/svg.js";
import { extent, lastFinite, shownIndex } from "./curves.js";
import { happenings } from "./happenings.js";

const INSIDE = 0.2; // of the span: room for names inside of the panel, above and below

/**
 * A logarithmic panel with curves over steps, disks at the frame that is shown, and what happened.
 * @param {SVGSVGElement} svg
 * @param {Curve[]} curves
 * @param {string} yName
 * @param {number} [least]  part of the largest value that must still be seen
 */
export function stepPanel(svg, curves, yName, least = 1e-16) {
  const drawn = panel(svg);
  const events = happenings(drawn.front);
  const parts = curves.map((curve) => ({ curve, draw: curveOf(drawn, curve) }));
  const shown = make(drawn.front, "path", { class: "guide" });
  const ends = names(drawn.front);
  /** @type {[number, number] | null} */
  let limits = null;

  /**
   * @param {State} state
   * @param {Box} box
   * @param {Scale} x
   * @param {{ narrow: boolean, xName?: string }} more
   * @returns {Scale} of y
   */
  function update(state, box, x, { narrow, xName }) {
    const { columns } = state.history;
    const levels = curves.map(({ level }) => level?.(state) ?? NaN);
    const [low, high] = extent([...curves.map(({ column }) => columns[column]), levels], true);
    limits = steadyLogLimits(limits, Math.max(low, high * least), high, narrow ? INSIDE : undefined);
    const y = log(limits, [box.bottom, box.top]);
    drawn.place(x, y, { x: xName, y: yName });
    parts.forEach(({ draw }, i) => draw(state, x, y, levels[i]));
    const past = state.winding && state.frame;
    set(shown, { d: past ? `M${tenth(x.at(past.step))} ${box.top}V${box.bottom}` : "" });
    const room = /** @type {const} */ ([box.top, box.bottom]);
    const found = curves.map((curve, i) => endOf(state, curve, y, levels[i]));
    if (narrow)
      ends(
        found.map((each) => ({ ...each, y: each.y + (each.kind === "theory" ? -11 : 13) })),
        box.right - 3,
        "end",
        room,
      );
    else ends(found, box.right + 8, "start", room);
    events(state.events, x, box);
    return y;
  }
  return { ...drawn, update };
}

/**
 * @param {import("../drawing/panel.js").Panel} drawn
 * @param {Curve} curve
 */
function curveOf({ ground, front }, { column, kind }) {
  const path = make(ground, "path", { class: `curve ${kind}` });
  const beyond = make(ground, "path", { class: `curve ${kind}` });
  const disk = make(front, "circle", { class: `disk ${kind}`, r: 4 });
  return (
    /** @type {State} */ state,
    /** @type {Scale} */ x,
    /** @type {Scale} */ y,
    /** @type {number} */ level,
  ) => {
    const { step, [column]: values } = state.history.columns;
    set(path, { d: line(step, values, x, y) });
    const from = x.at(step.at(-1) ?? 0);
    set(beyond, { d: Number.isFinite(level) ? `M${tenth(from)} ${tenth(y.at(level))}H${x.to}` : "" });
    const index = shownIndex(state);
    const [cx, cy] = [x.at(step[index]), y.at(values[index])];
    const visible = kind !== "theory" && Number.isFinite(cx) && cy >= y.to - 1 && cy <= y.from + 1;
    show(disk, visible);
    if (visible) set(disk, { cx: tenth(cx), cy: tenth(cy) });
  };
}

/**
 * @param {State} state
 * @param {Curve} curve
 * @param {Scale} y
 * @param {number} level
 * @returns {import("../drawing/names.js").Name}
 */
function endOf(state, { name, column, kind }, y, level) {
  const text = name(state);
  const value = Number.isFinite(level) ? level : lastFinite(state.history.columns[column]);
  return { text, kind, y: text ? y.at(value) : NaN };
}
