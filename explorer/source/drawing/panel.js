/**
 * A panel: two axes with their ticks and names, and a clipped ground for curves.
 *
 * @typedef {import("./scale.js").Scale} Scale
 * @typedef {import("./ticks.js").Tick} Tick
 * @typedef {{ left: number, right: number, top: number, bottom: number }} Box  in pixels
 *
 * @typedef {object} Panel
 * @property {SVGGElement} root
 * @property {SVGGElement} back  behind everything, unclipped
 * @property {SVGSVGElement} ground  for curves: clipped to the panel
 * @property {SVGGElement} front  for names and marks, unclipped
 * @property {(x: Scale, y: Scale, names: Names) => void} place
 *
 * @typedef {object} Names
 * @property {string} [x]  below the axis, at its right end; without it the ticks of x have no names
 * @property {string} [y]  above the axis
 * @property {Tick[]} [xTicks]  in place of round numbers
 * @property {Tick[]} [yTicks]
 */
import { keyOf } from "./scale.js";
import { make, onChange, pool, set, show, write } from "./svg.js";
import { ticks } from "./ticks.js";

export const LETTER = 6.9; // pixels: width of a digit of 12 px
const OVER = 8; // pixels by which the name of the last tick may stand out of its panel
export const LINE = 15; // pixels: height of a line of text

/** Length of the name of a tick along its axis, with space around it. */
export const ACROSS = (/** @type {string} */ name) => LETTER * (name.length + 1.5);
export const UPRIGHT = () => 1.2 * LINE;

/**
 * @param {Element} parent
 * @returns {Panel}
 */
export function panel(parent) {
  const root = make(parent, "g", { class: "panel" });
  const back = make(root, "g");
  const grid = make(root, "g", { class: "grid", "aria-hidden": "true" });
  const ground = make(root, "svg", { class: "ground", overflow: "hidden" });
  const axes = make(root, "g", { class: "axes", "aria-hidden": "true" });
  const front = make(root, "g");
  const frame = make(axes, "path", { class: "frame" });
  const drawn = { x: axis(axes, grid, "x"), y: axis(axes, grid, "y") };
  const names = { x: make(axes, "text", { class: "name" }), y: make(axes, "text", { class: "name" }) };
  const changed = onChange();

  return {
    root,
    back,
    ground,
    front,
    place(x, y, given) {
      const texts = [
        given.x,
        given.y,
        ...[given.xTicks, given.yTicks].map((each) => each?.map(({ name }) => name).join()),
      ];
      changed([...keyOf(x), ...keyOf(y), ...texts], () => {
        const width = x.to - x.from;
        const height = y.from - y.to;
        set(ground, { x: x.from, y: y.to, width, height, viewBox: `${x.from} ${y.to} ${width} ${height}` });
        set(frame, { d: `M${x.from} ${y.to}V${y.from}H${x.to}` });
        drawn.x(given.xTicks ?? ticks(x, ACROSS), y.from, y.to, given.x !== undefined, x.to);
        drawn.y(given.yTicks ?? ticks(y, UPRIGHT), x.from, x.to, true);
        place(names.x, given.x ?? "", x.to, y.from + 2 * LINE + 4, "end");
        place(names.y, given.y ?? "", Math.max(2, x.from - 44), y.to - 11, "start");
      });
    },
  };
}

/**
 * @param {SVGTextElement} node
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
function place(node, text, x, y, anchor) {
  set(node, { x, y, "text-anchor": anchor });
  write(node, text);
}

/**
 * Whether a name that was moved to the left, and begins there, touches the one before it.
 * @param {Tick | undefined} before
 * @param {number} begin
 */
function isCrowded(before, begin) {
  return before !== undefined && begin < before.at + 0.5 * LETTER * (before.name.length + 1);
}

/**
 * @param {SVGGElement} axes
 * @param {SVGGElement} grid
 * @param {"x" | "y"} direction
 */
function axis(axes, grid, direction) {
  const across = direction === "x";
  const texts = pool(() => make(axes, "text", { class: "tick", dy: across ? "0" : "0.35em" }));
  const marks = make(axes, "path", { class: "frame" });
  const lines = make(grid, "path");
  return (
    /** @type {Tick[]} */ found,
    /** @type {number} */ start,
    /** @type {number} */ end,
    /** @type {boolean} */ named,
    right = Infinity,
  ) => {
    texts(named ? found.length : 0).forEach((text, i) => {
      const { at, name } = found[i];
      const isLast = across && at + 0.5 * LETTER * name.length > right + OVER;
      set(text, across ? { x: isLast ? right + OVER : at, y: start + LINE + 3 } : { x: start - 8, y: at });
      set(text, { "text-anchor": !across || isLast ? "end" : "middle" });
      write(text, isLast && isCrowded(found[i - 1], right + OVER - LETTER * name.length) ? "" : name);
    });
    set(marks, { d: found.map(({ at }) => (across ? `M${at} ${start}v4` : `M${start} ${at}h-4`)).join("") });
    set(lines, {
      d: found.map(({ at }) => (across ? `M${at} ${start}V${end}` : `M${start} ${at}H${end}`)).join(""),
    });
    show(lines, true);
  };
}
