/**
 * What all plots share: a figure with the finding above, the drawing, and its numbers behind.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {{ finding: string, description: string }} Words  what is to be seen now, in sentences
 * @typedef {{ width: number, height: number, narrow: boolean }} Size
 *
 * @typedef {object} Kind  of a plot
 * @property {string} name  its class, and the file it is saved under
 * @property {string} heading  the name of the figure
 * @property {(width: number) => number} height
 * @property {(svg: SVGSVGElement, onPaper: boolean) => (state: State, size: Size) => Words} prepare
 *   make the elements once; the function that it returns changes them
 * @property {(state: State) => import("./table.js").Numbers} numbers
 * @property {boolean} [interactive]  something in it takes the focus
 *
 * @typedef {object} Plot
 * @property {(state: State) => void} update
 * @property {() => string} svg  the plot as a file of its own
 * @property {() => void} redraw
 * @property {HTMLElement} figure
 */
import { exported, PAPER } from "./paper.js";
import { make, set, write } from "./svg.js";
import { table } from "./table.js";

const NARROW = 560; // pixels: no room for names beside the panel
const LEAST = 240;
const READING = 300; // milliseconds: a sentence stays at least so long while one trains
const CALM = 500; // milliseconds between two pictures for those who prefer reduced motion

/**
 * @param {Element} element
 * @param {Kind} kind
 * @param {number} [fixedWidth]  in place of the width of the element
 * @returns {Plot}
 */
export function plot(element, kind, fixedWidth) {
  const { figure, svg, say } = skeleton(element, kind);
  /** @type {State | null} */
  let state = null;
  let width = 0;
  let [drawn, written] = [-Infinity, -Infinity];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const draw = kind.prepare(svg, fixedWidth !== undefined);
  const renew = table(figure, () => state && kind.numbers(state));

  function redraw() {
    if (!state || width === 0) return;
    drawn = performance.now();
    const size = { width, height: kind.height(width), narrow: width < NARROW };
    set(svg, { viewBox: `0 0 ${size.width} ${size.height}`, width: size.width, height: size.height });
    const words = draw(state, size);
    if (state.playing && drawn - written < READING) return;
    written = drawn;
    say(words);
  }
  function resize(/** @type {number} */ room) {
    const next = Math.max(LEAST, Math.floor(room));
    if (next === width) return;
    width = next;
    redraw();
  }
  if (fixedWidth) width = fixedWidth;
  else {
    resize(figure.clientWidth);
    new ResizeObserver(() => resize(figure.clientWidth)).observe(figure);
  }
  return {
    figure,
    redraw,
    update(next) {
      const isOnlyTime = next.playing && next.setup === state?.setup && next.ready === state.ready;
      state = next;
      if (calm.matches && isOnlyTime && performance.now() - drawn < CALM) return;
      redraw();
      renew(!next.playing);
    },
    svg: () => (state ? exported(kind, state, (paper) => plot(paper, kind, PAPER)) : ""),
  };
}

/**
 * @param {Element} element
 * @param {Kind} kind
 */
function skeleton(element, { name, heading, interactive }) {
  const figure = document.createElement("figure");
  figure.className = `plot plot-${name}`;
  const finding = document.createElement("figcaption");
  finding.className = "finding";
  const svg = make(null, "svg", { role: interactive ? "group" : "img" });
  const title = make(svg, "title");
  const desc = make(svg, "desc");
  figure.append(finding, svg);
  element.append(figure);
  return {
    figure,
    svg,
    say(/** @type {Words} */ words) {
      write(finding, words.finding.replaceAll(" = ", "\u00a0=\u00a0"));
      write(title, `${heading}: ${words.finding}`.replaceAll("λ_max", "λmax"));
      write(desc, words.description.replaceAll("λ_max", "λmax"));
    },
  };
}
