/** Curves of the fit: truth, kept runs, the two iterates with the swing between them, the midpoint on top. */

import { etaStyle } from "../drawing/color.js";
import { names } from "../drawing/names.js";
import { rounded } from "../drawing/number.js";
import { area, line, tenth } from "../drawing/path.js";
import { keyOf } from "../drawing/scale.js";
import { make, onChange, pool, set } from "../drawing/svg.js";
import { isComparable } from "./comparable.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("./fit_coordinates.js").Coordinates} Coordinates
 * @typedef {import("../drawing/names.js").Name} Name
 */

const VISIBLE = 1.5; // pixels: a swing that is smaller has no names
const NAMED = 4; // kept runs with a name at their end
const UNCERTAIN = 1; // |f| up to here: a probability between 27 % and 73 %

/** @param {import("../drawing/panel.js").Panel} drawn */
export function fitCurves({ ground, front }) {
  const path = (/** @type {string} */ kind) => make(ground, "path", { class: kind });
  const [uncertain, swing, truth] = ["uncertain", "swing", "curve truth"].map(path);
  const layer = make(ground, "g");
  const kept = pool(() => make(layer, "path", { class: "curve by-eta" }));
  const [before, now, midpoint] = ["curve before", "curve last", "curve main by-eta"].map(path);
  const ends = names(front);
  const changed = onChange();

  return (/** @type {State} */ state, /** @type {Coordinates} */ place) => {
    const { ready, frame, setup } = state;
    const { x, y, box } = place;
    const grid = ready?.grid ?? [];
    const draw = (/** @type {ArrayLike<number> | null | undefined} */ f, from = grid) =>
      f ? line(from, f, x, place.f) : "";
    const runs = state.runs.filter((run) => isComparable(run.setup, setup));
    changed([...keyOf(x), ...keyOf(y), ready, setup.loss, ...runs], () => {
      set(truth, { d: draw(ready?.truth) });
      kept(runs.length).forEach((node, i) => {
        set(node, {
          d: draw(runs[i].frame.midpoint, runs[i].grid),
          style: etaStyle(runs[i].setup.method.stepSize),
        });
      });
    });
    set(now, { d: draw(frame?.now) });
    set(before, { d: draw(frame?.before) });
    set(midpoint, { d: draw(frame?.midpoint), style: etaStyle(setup.method.stepSize) });
    const isShaded = frame && frame.outcome !== "diverged";
    set(swing, { d: isShaded ? area(grid, frame.before, frame.now, x, place.f) : "" });
    set(uncertain, { d: frame && place.logistic ? uncertainGround(grid, frame.midpoint, place) : "" });
    ends(endsOf(state, place, runs), box.right + 8, "start", [box.top, box.bottom]);
  };
}

/**
 * @param {State} state
 * @param {Coordinates} place
 * @param {Run[]} runs
 * @returns {Name[]}
 */
function endsOf({ ready, frame, setup }, { f: scale }, runs) {
  const end = (/** @type {ArrayLike<number>} */ f) => scale.at(f[f.length - 1]);
  const named = runs
    .slice(-NAMED)
    .map(({ frame: { midpoint }, setup: { method } }) => nameOf(method.stepSize, end(midpoint)));
  if (ready?.truth) named.push({ text: "truth", kind: "truth", y: end(ready.truth) });
  if (!frame) return named;
  const swings = widest(frame.now, frame.before, scale.at) > VISIBLE;
  if (!swings) return [...named, { ...nameOf(setup.method.stepSize, end(frame.midpoint)), text: "now" }];
  return [
    ...named,
    { ...nameOf(setup.method.stepSize, end(frame.midpoint)), text: "midpoint" },
    { text: "last", kind: "last", y: end(frame.now) },
    { text: "before", kind: "before", y: end(frame.before) },
  ];
}

/**
 * @param {number} stepSize
 * @param {number} y
 * @returns {Name}
 */
function nameOf(stepSize, y) {
  return { text: `η ${rounded(stepSize)}`, kind: "by-eta", style: etaStyle(stepSize), y };
}

/**
 * Largest distance of two curves, in pixels.
 * @param {Float64Array} one
 * @param {Float64Array} other
 * @param {(f: number) => number} at
 */
function widest(one, other, at) {
  return one.reduce((most, value, i) => Math.max(most, Math.abs(at(value) - at(other[i]))), 0);
}

/**
 * The ground where the curve is uncertain, |f| ≤ 1.
 * @param {ArrayLike<number>} grid
 * @param {Float64Array} f
 * @param {Coordinates} place
 */
function uncertainGround(grid, f, { x, box }) {
  return uncertainSpans(grid, f)
    .map(([a, b]) => `M${tenth(x.at(a))} ${box.top}H${tenth(x.at(b))}V${box.bottom}H${tenth(x.at(a))}Z`)
    .join("");
}

/**
 * Intervals of the inputs in which |f| ≤ 1, from grid point to grid point.
 * @param {ArrayLike<number>} grid
 * @param {ArrayLike<number>} f
 */
export function uncertainSpans(grid, f) {
  /** @type {[number, number][]} */
  const spans = [];
  for (let i = 0; i < f.length; i++) {
    if (!(Math.abs(f[i]) <= UNCERTAIN)) continue;
    const last = i > 0 && Math.abs(f[i - 1]) <= UNCERTAIN ? spans.pop() : undefined;
    spans.push([last ? last[0] : grid[i], grid[i]]);
  }
  return spans;
}
