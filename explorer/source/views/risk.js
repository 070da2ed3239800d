/** Risk, and below it the number of pieces, against the step size: over the runs kept and the one that runs. */

import { etaStyle } from "../drawing/color.js";
import { panel } from "../drawing/panel.js";
import { line, tenth } from "../drawing/path.js";
import { plot } from "../drawing/plot.js";
import { linear, log, steadyLimits, steadyLogLimits } from "../drawing/scale.js";
import { make, pool, set, show, write } from "../drawing/svg.js";
import { rounded } from "../drawing/number.js";
import { counted, number } from "../words.js";
import { isComparable } from "./comparable.js";
import { boxOf, extent, MARGINS } from "./curves.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/panel.js").Box} Box
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../types.js").Frame} Frame
 *
 * @typedef {object} Outcome  of one run
 * @property {number} eta
 * @property {number} risk  NaN where there is no truth
 * @property {number} pieces
 * @property {number} step
 * @property {boolean} live
 */

const GAP = 40;

/** @param {Element} element */
export function riskView(element) {
  return plot(element, {
    name: "risk",
    heading: "Risk against step size",
    height: (width) => Math.round(Math.min(420, Math.max(330, 0.6 * width))),
    prepare,
    numbers: (state) => ({
      caption: "Risk and pieces at the end of the runs kept, and of the one that runs",
      head: ["η", "risk", "pieces", "steps", "run"],
      rows: outcomes(state).map(({ eta, risk, pieces, step, live }) =>
        [rounded(eta), number(risk), number(pieces), number(step), live ? "runs now" : "kept"]),
    }),
  });
}

/**
 * @param {SVGSVGElement} svg
 * @returns {(state: State, size: import("../drawing/plot.js").Size) => import("../drawing/plot.js").Words}
 */
function prepare(svg) {
  const upper = outcomePanel(svg);
  const lower = outcomePanel(svg);
  const hint = make(svg, "text", { class: "hint", "text-anchor": "middle" });
  /** @type {[number, number] | null} */
  let etas = null;
  /** @type {[number, number] | null} */
  let risks = null;
  /** @type {[number, number] | null} */
  let pieces = null;

  return (state, size) => {
    const found = outcomes(state);
    const bottom = size.height - MARGINS.bottom;
    const middle = Math.round(MARGINS.top + 0.6 * (bottom - MARGINS.top - GAP));
    const above = { ...boxOf(size, MARGINS.top, middle), right: size.width - 20 };
    const below = { ...above, top: middle + GAP, bottom };
    etas = steadyLogLimits(etas, ...extent([found.map(({ eta }) => eta)]), 0.12, 20);
    risks = steadyLogLimits(risks, ...extent([found.map(({ risk }) => risk)], true), 0.15, 3);
    pieces = steadyLimits(pieces, 0, Math.max(4, ...found.map((each) => each.pieces)), 0.1);
    const x = log(etas, [above.left, above.right]);
    upper(found, (each) => each.risk, x, log(risks, [above.bottom, above.top]), { y: riskName(state.setup) });
    lower(found, (each) => each.pieces, x, linear([0, pieces[1]], [below.bottom, below.top]), { x: "step size η", y: "pieces" });
    show(hint, found.length < 3 || state.frame?.outcome === "diverged");
    set(hint, { x: (above.left + above.right) / 2, y: above.top + 14 });
    write(hint, hintFor(state, size.narrow));
    return words(state, found);
  };
}

/** @param {SVGSVGElement} svg */
function outcomePanel(svg) {
  const drawn = panel(svg);
  const path = make(drawn.ground, "path", { class: "curve through" });
  const disks = pool(() => make(drawn.front, "circle", { class: "disk eta", r: 5 }));
  const now = make(drawn.front, "circle", { class: "ring eta", r: 7 });
  const word = make(drawn.front, "text", { class: "end" });
  return (/** @type {Outcome[]} */ found, /** @type {(each: Outcome) => number} */ value, /** @type {Scale} */ x, /** @type {Scale} */ y, /** @type {import("../drawing/panel.js").Names} */ names) => {
    drawn.place(x, y, names);
    const middles = medians(found.filter(({ live }) => !live), value);
    set(path, { d: line(middles.map(([eta]) => eta), middles.map(([, middle]) => middle), x, y) });
    const seen = found.filter((each) => !each.live && Number.isFinite(y.at(value(each))));
    disks(seen.length).forEach((disk, i) => {
      set(disk, { cx: tenth(x.at(seen[i].eta)), cy: tenth(y.at(value(seen[i]))), style: etaStyle(seen[i].eta) });
    });
    const live = found.find((each) => each.live && Number.isFinite(y.at(value(each))));
    show(now, live !== undefined);
    show(word, live !== undefined);
    if (!live) return;
    const [cx, cy] = [tenth(x.at(live.eta)), tenth(y.at(value(live)))];
    set(now, { cx, cy, style: etaStyle(live.eta) });
    const isLeft = cx > x.to - 60;
    set(word, { x: cx + (isLeft ? -12 : 12), y: cy, dy: "0.35em", "text-anchor": isLeft ? "end" : "start" });
    write(word, "now");
  };
}

/**
 * Median of a value at every step size, in order of the step sizes.
 * @param {Outcome[]} found
 * @param {(each: Outcome) => number} value
 * @returns {[number, number][]}
 */
export function medians(found, value) {
  /** @type {Map<number, number[]>} */
  const groups = new Map();
  for (const each of found) if (Number.isFinite(value(each))) groups.set(each.eta, [...(groups.get(each.eta) ?? []), value(each)]);
  return [...groups].sort(([a], [b]) => a - b).map(([eta, values]) => {
    const sorted = values.sort((a, b) => a - b);
    const half = (sorted.length - 1) / 2;
    return [eta, 0.5 * (sorted[Math.floor(half)] + sorted[Math.ceil(half)])];
  });
}

/**
 * What runs on the data now shown came to: risks on other data are not comparable.
 * @param {Pick<State, "setup" | "runs" | "frame">} state
 * @returns {Outcome[]} by step size
 */
export function outcomes({ setup, runs, frame }) {
  const ended = runs.filter((run) => run.frame.outcome !== "diverged" && isComparable(run.setup, setup));
  const kept = ended.map((run) => outcome(run.setup, run.frame, false));
  const live = frame && frame.outcome !== "diverged" ? [outcome(setup, frame, true)] : [];
  return [...kept, ...live].sort((a, b) => a.eta - b.eta);
}

/**
 * @param {Setup} setup
 * @param {Frame} frame
 * @param {boolean} live
 * @returns {Outcome}
 */
function outcome({ method }, { risk, pieces, step }, live) {
  return { eta: method.stepSize, risk: risk ?? NaN, pieces, step, live };
}

/** @param {Setup} setup */
function riskName({ loss }) {
  return loss === "square" ? "risk, mean (f − truth)²" : "excess risk";
}

/**
 * @param {State} state
 * @param {boolean} narrow
 */
function hintFor({ ready, frame, setup }, narrow) {
  if (frame?.outcome === "diverged") return `the run at η = ${rounded(setup.method.stepSize)} diverged`;
  if (ready && !ready.truth) return narrow ? "no known truth, so no risk" : "these points have no known truth, so there is no risk";
  return narrow ? "keep runs at several step sizes" : "keep runs at several step sizes to see how the risk depends on η";
}

/**
 * @param {State} state
 * @param {Outcome[]} found
 */
function words({ runs, ready }, found) {
  const kept = found.filter(({ live }) => !live).length;
  const left = leftOut(runs, kept);
  const description = `${counted(kept, "run")} kept and the one that runs: the risk above, the number of linear pieces below, against the ` +
    `step size on a logarithmic axis. The line goes through the median at every step size${left}.`;
  return { finding: finding(found, !ready || ready.truth !== null) + left, description };
}

/**
 * @param {State["runs"]} runs
 * @param {number} kept  and drawn
 */
function leftOut(runs, kept) {
  const diverged = runs.filter(({ frame }) => frame.outcome === "diverged").length;
  const others = runs.length - kept - diverged;
  const parts = [diverged ? `${counted(diverged, "kept run")} diverged` : "", others ? `${counted(others, "kept run")} had other points` : ""];
  return parts.filter(Boolean).map((part) => `. ${part}`).join("");
}

/**
 * @param {Outcome[]} found
 * @param {boolean} known  whether there is a truth
 */
function finding(found, known) {
  const risks = medians(found.filter(({ live }) => !live), ({ risk }) => risk);
  const now = found.find(({ live }) => live);
  if (!known) return "Without a truth there is no risk; the pieces are below";
  if (risks.length === 0) return now ? `The risk is ${number(now.risk)} at η = ${rounded(now.eta)}; no run is kept yet` : "No run is kept yet";
  if (risks.length === 1) return `At η = ${rounded(risks[0][0])} the risk is ${number(risks[0][1])}`;
  const best = risks.reduce((least, each) => (each[1] < least[1] ? each : least));
  const inside = best !== risks[0] && best !== risks[risks.length - 1];
  return `Of ${risks.length} step sizes kept, η = ${rounded(best[0])} has the least risk, ${number(best[1])}` +
    (inside ? ": smaller and larger ones do worse" : "");
}
