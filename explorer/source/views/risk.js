/** Risk, and below it the pieces, against the step size: of the runs kept and the one that runs. */

import { etaStyle } from "../drawing/color.js";
import { panel } from "../drawing/panel.js";
import { line, tenth } from "../drawing/path.js";
import { plot } from "../drawing/plot.js";
import { linear, log, steadyLimits, steadyLogLimits } from "../drawing/scale.js";
import { make, pool, set, show, write } from "../drawing/svg.js";
import { rounded } from "../drawing/number.js";
import { count, counted, number } from "../words.js";
import { boxOf, extent, MARGINS } from "./curves.js";
import { medians, outcomes } from "./outcomes.js";

/**
 * @typedef {import("../state.js").State} State
 * @typedef {import("../drawing/panel.js").Box} Box
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("./outcomes.js").Outcome} Outcome
 */

const GAP = 40;
const ALIKE = 0.01; // of the largest risk: what differs less is no better

/** @param {Element} element */
export function riskView(element) {
  return plot(element, {
    name: "risk",
    heading: "Risk against step size",
    height: (width) => Math.round(Math.min(420, Math.max(370, 0.6 * width))),
    prepare,
    numbers: (state) => ({
      caption: "Risk and pieces at the end of the runs kept, and of the one that runs",
      head: ["η", "risk", "pieces", "steps", "run"],
      rows: outcomes(state).map(({ eta, risk, pieces, step, live }) => [
        rounded(eta),
        number(risk),
        count(pieces),
        count(step),
        live ? "runs now" : "kept",
      ]),
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
    const hasTruth = isKnown(state);
    const [above, below] = boxes(size, hasTruth);
    etas = steadyLogLimits(etas, ...extent([found.map(({ eta }) => eta)]), 0.12, 20);
    risks = steadyLogLimits(risks, ...extent([found.map(({ risk }) => risk)], true), 0.15, 3);
    pieces = steadyLimits(pieces, 0, Math.max(4, ...found.map((each) => each.pieces)), 0.1);
    const x = log(etas, [above.left, above.right]);
    show(upper.root, hasTruth);
    upper.update(found, (each) => each.risk, x, log(risks, [above.bottom, above.top]), {
      y: riskName(state.setup),
    });
    lower.update(found, (each) => each.pieces, x, linear([0, pieces[1]], [below.bottom, below.top]), {
      x: "step size η",
      y: "pieces",
    });
    show(hint, hasTruth && (found.length < 3 || state.frame?.outcome === "diverged"));
    set(hint, { x: (above.left + above.right) / 2, y: above.top + 14 });
    write(hint, hintFor(state, size.narrow));
    return words(state, found);
  };
}

/** @param {SVGSVGElement} svg */
function outcomePanel(svg) {
  const drawn = panel(svg);
  const path = make(drawn.ground, "path", { class: "curve through" });
  const disks = pool(() => make(drawn.front, "circle", { class: "disk by-eta", r: 5 }));
  const now = make(drawn.front, "circle", { class: "ring by-eta", r: 7 });
  const word = make(drawn.front, "text", { class: "end" });

  /**
   * @param {Outcome[]} found
   * @param {(each: Outcome) => number} value
   * @param {Scale} x
   * @param {Scale} y
   * @param {import("../drawing/panel.js").Names} names
   */
  function update(found, value, x, y, names) {
    drawn.place(x, y, names);
    const middles = medians(
      found.filter(({ live }) => !live),
      value,
    );
    set(path, {
      d: line(
        middles.map(([eta]) => eta),
        middles.map(([, middle]) => middle),
        x,
        y,
      ),
    });
    const seen = found.filter((each) => !each.live && Number.isFinite(y.at(value(each))));
    disks(seen.length).forEach((disk, i) => {
      set(disk, {
        cx: tenth(x.at(seen[i].eta)),
        cy: tenth(y.at(value(seen[i]))),
        style: etaStyle(seen[i].eta),
      });
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
  }
  return { root: drawn.root, update };
}

/**
 * Boxes of risk and pieces; without a truth the pieces have all the room.
 * @param {import("../drawing/plot.js").Size} size
 * @param {boolean} hasTruth
 * @returns {[Box, Box]}
 */
function boxes(size, hasTruth) {
  const bottom = size.height - MARGINS.bottom;
  const middle = Math.round(MARGINS.top + 0.6 * (bottom - MARGINS.top - GAP));
  const above = { ...boxOf(size, MARGINS.top, middle), right: size.width - 20 };
  return [above, { ...above, top: hasTruth ? middle + GAP : MARGINS.top, bottom }];
}

/** @param {Pick<State, "ready">} state */
function isKnown({ ready }) {
  return !ready || ready.truth !== null;
}

/** @param {Setup} setup */
function riskName({ loss }) {
  return loss === "square" ? "risk, mean (f − truth)²" : "excess risk";
}

/**
 * @param {State} state
 * @param {boolean} narrow
 */
function hintFor({ frame, setup }, narrow) {
  if (frame?.outcome === "diverged") return `the run at η = ${rounded(setup.method.stepSize)} diverged`;
  return narrow
    ? "keep runs at several step sizes"
    : "keep runs at several step sizes to see how the risk depends on η";
}

/**
 * @param {State} state
 * @param {Outcome[]} found
 */
function words(state, found) {
  const kept = found.filter(({ live }) => !live).length;
  const left = leftOut(state.runs, kept);
  const description =
    `${counted(kept, "run")} kept and the one that runs: the risk above, the number of linear pieces below, against the ` +
    `step size on a logarithmic axis. The line goes through the median at every step size${left}.`;
  return { finding: finding(found, isKnown(state)) + left, description };
}

/**
 * @param {State["runs"]} runs
 * @param {number} kept  and drawn
 */
function leftOut(runs, kept) {
  const diverged = runs.filter(({ frame }) => frame.outcome === "diverged").length;
  const others = runs.length - kept - diverged;
  const parts = [
    diverged ? `${counted(diverged, "kept run")} diverged` : "",
    others ? `${counted(others, "kept run")} had other points` : "",
  ];
  return parts
    .filter(Boolean)
    .map((part) => `. ${part}`)
    .join("");
}

/**
 * @param {Outcome[]} found
 * @param {boolean} known  whether there is a truth
 */
export function finding(found, known) {
  const risks = medians(
    found.filter(({ live }) => !live),
    ({ risk }) => risk,
  );
  const now = found.find(({ live }) => live);
  if (!known) return "These points have no known truth, so there is no risk";
  if (risks.length === 0)
    return now
      ? `The risk is ${number(now.risk)} at η = ${rounded(now.eta)}; no run is kept yet`
      : "No run is kept yet";
  if (risks.length === 1) return `At η = ${rounded(risks[0][0])} the risk is ${number(risks[0][1])}`;
  const all = risks.map(([, risk]) => risk);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  if (most - least <= ALIKE * most) return `The risk is ${number(least)} at all ${risks.length} step sizes kept`;
  const best = risks.reduce((better, each) => (each[1] < better[1] ? each : better));
  const inside = best !== risks[0] && best !== risks[risks.length - 1];
  return (
    `Of ${risks.length} step sizes kept, η = ${rounded(best[0])} has the least risk, ${number(best[1])}` +
    (inside ? ": smaller and larger ones do worse" : "")
  );
}
