/** Plots as files of their own: SVG with every style written into it, in light colors; PNG from that. */

import { fixed, rounded } from "./number.js";
import { make, set, write } from "./svg.js";

/** @typedef {import("../state.js").State} State */

export const PAPER = 720; // pixels: width
const MARGIN = 16;
const TITLE = { size: 16, leading: 21, letters: 76 };
const CAPTION = { size: 12, leading: 16, letters: 104 };
const FONT = "'DejaVu Sans', Verdana, 'Segoe UI', Roboto, Arial, sans-serif";
const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "stroke-linejoin",
  "stroke-linecap",
  "opacity",
  "font-size",
  "font-weight",
  "font-style",
  "text-anchor",
  "paint-order",
];

/**
 * Draw the plot once more, on paper, and write it as one file.
 * @param {{ name: string }} kind
 * @param {State} state
 * @param {(paper: Element) => import("./plot.js").Plot} draw
 * @returns {string}
 */
export function exported(kind, state, draw) {
  const paper = document.createElement("div");
  paper.className = "paper";
  paper.setAttribute("aria-hidden", "true");
  document.body.append(paper);
  try {
    const { update, figure } = draw(paper);
    update({ ...state, playing: false });
    const svg = /** @type {SVGSVGElement} */ (figure.querySelector("svg"));
    inlineStyles(svg);
    strip(svg);
    frame(svg, figure.querySelector("figcaption")?.getAttribute("data-text") ?? kind.name, settings(state));
    return new XMLSerializer().serializeToString(svg);
  } finally {
    paper.remove();
  }
}

/** @param {SVGSVGElement} svg */
function inlineStyles(svg) {
  for (const node of svg.querySelectorAll("*")) {
    if (!(node instanceof SVGGraphicsElement) && !(node instanceof SVGTSpanElement)) continue;
    const styles = getComputedStyle(node);
    const parent = /** @type {Element} */ (node.parentElement);
    const above = getComputedStyle(parent);
    for (const name of STYLES) {
      const value = styles.getPropertyValue(name);
      const inherited = name !== "opacity" && parent !== svg && above.getPropertyValue(name) === value;
      if (!inherited && !(name === "opacity" && value === "1")) set(node, { [name]: value });
    }
  }
}

/**
 * Take away what only a live page needs, and what is not shown.
 * @param {SVGSVGElement} svg
 */
function strip(svg) {
  svg.querySelectorAll("[display=none], .hit").forEach((node) => node.remove());
  for (const node of [svg, ...svg.querySelectorAll("*")]) {
    for (const { name } of [...node.attributes]) {
      if (/^(class|style|tabindex|role|data-|aria-)/.test(name)) node.removeAttribute(name);
    }
  }
}

/**
 * Put the finding above and the settings below.
 * @param {SVGSVGElement} svg
 * @param {string} finding
 * @param {string} caption
 */
function frame(svg, finding, caption) {
  const { width, height } = svg.viewBox.baseVal;
  const titles = wrapped(finding, TITLE.letters);
  const captions = wrapped(caption, CAPTION.letters);
  const above = MARGIN + titles.length * TITLE.leading + 8;
  const total = above + height + captions.length * CAPTION.leading + MARGIN;
  const box = `${-MARGIN} ${-above} ${width + 2 * MARGIN} ${total}`;
  set(svg, { viewBox: box, width: width + 2 * MARGIN, height: total, "font-family": FONT, role: "img" });
  const ground = make(null, "rect", {
    x: -MARGIN,
    y: -above,
    width: width + 2 * MARGIN,
    height: total,
    fill: "#ffffff",
  });
  svg.querySelector("desc")?.after(ground);
  lines(svg, titles, MARGIN + TITLE.size - above - 4, TITLE, { "font-weight": 700, fill: "#1a1a1a" });
  lines(svg, captions, height + CAPTION.size, CAPTION, { fill: "#55585c" });
}

/**
 * @param {SVGSVGElement} svg
 * @param {string[]} texts
 * @param {number} top
 * @param {{ size: number, leading: number }} type
 * @param {import("./svg.js").Attributes} look
 */
function lines(svg, texts, top, { size, leading }, look) {
  texts.forEach((text, i) => {
    const node = make(svg, "text", { x: 2, y: top + i * leading, "font-size": size, ...look });
    write(node, text);
    node.removeAttribute("data-text");
  });
}

/**
 * Lines of at most so many letters.
 * @param {string} text
 * @param {number} most
 */
export function wrapped(text, most) {
  return text.split(" ").reduce((/** @type {string[]} */ found, word) => {
    const last = found.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      return [...found.slice(0, -1), `${last} ${word}`];
    return [...found, word];
  }, []);
}

/**
 * One line that says how what is drawn came about.
 * @param {State} state
 */
export function settings({ setup: { loss, data, start, method }, frame }) {
  const points =
    data.kind === "own"
      ? `${data.x.length} points of one's own`
      : `${data.truth}, ${data.n} points, ${loss === "square" ? `noise ${rounded(data.noise)}` : `flip rate ${rounded(data.flipRate)}`}, seed ${data.seed}`;
  const arm = { printed: "start as printed", small: "small start", large: "large start with warm-up" }[
    start.arm
  ];
  const more = [
    method.momentum ? `, momentum ${rounded(method.momentum)}` : "",
    method.weightDecay ? `, weight decay ${rounded(method.weightDecay)}` : "",
    frame ? `, step ${fixed(frame.step, 0)}` : "",
  ];
  return (
    `${loss === "square" ? "Square" : "Logistic"} loss; ${points}; ${fixed(start.width, 0)} neurons, ${arm}, seed ${start.seed}; ` +
    `step size η = ${rounded(method.stepSize)}${more.join("")}. Made with the explorer of stepscape.`
  );
}

/**
 * A picture of an SVG file, at twice its size.
 * @param {string} svg
 * @returns {Promise<Blob>}
 */
export async function png(svg, scale = 2) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.naturalWidth * scale, height: image.naturalHeight * scale });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws no picture: save the SVG");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large: save the SVG"))),
      "image/png",
    );
  });
}
