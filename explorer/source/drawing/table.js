/**
 * The numbers behind a plot: a table that is made when it is opened, and kept up to date while it is.
 *
 * @typedef {object} Numbers
 * @property {string} caption
 * @property {string[]} head
 * @property {string[][]} rows  the first cell of a row names it
 */
import { write } from "./svg.js";

const PAUSE = 500; // milliseconds between two updates

/**
 * @param {Element} parent
 * @param {() => Numbers | null} numbers
 * @returns {(now?: boolean) => void} brings the table up to date if it is open and not just was
 */
export function table(parent, numbers) {
  const details = document.createElement("details");
  details.className = "numbers-behind";
  const summary = document.createElement("summary");
  summary.textContent = "Numbers behind the plot";
  const scroll = document.createElement("div");
  Object.assign(scroll, { className: "numbers-scroll", tabIndex: 0 });
  scroll.setAttribute("role", "region");
  details.append(summary, scroll);
  parent.append(details);
  let last = -Infinity;
  const update = (now = false) => {
    if (!details.open || (!now && performance.now() - last < PAUSE)) return;
    last = performance.now();
    const found = numbers();
    if (found) fill(scroll, found);
  };
  details.addEventListener("toggle", () => (details.open ? update(true) : scroll.replaceChildren()));
  return update;
}

/**
 * @param {HTMLElement} scroll
 * @param {Numbers} numbers
 */
function fill(scroll, { caption, head, rows }) {
  const node = scroll.querySelector("table") ?? scroll.appendChild(document.createElement("table"));
  const body = node.tBodies[0] ?? node.createTBody();
  scroll.setAttribute("aria-label", caption);
  write(node.caption ?? node.createCaption(), caption);
  cells(node.tHead?.rows[0] ?? node.createTHead().insertRow(), head, "col");
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((row, i) => cells(body.rows[i] ?? body.insertRow(), row, "row"));
}

/**
 * @param {HTMLTableRowElement} row
 * @param {string[]} texts
 * @param {"col" | "row"} scope
 */
function cells(row, texts, scope) {
  while (row.cells.length > texts.length) row.deleteCell(-1);
  texts.forEach((text, i) => {
    const cell =
      row.cells[i] ?? row.appendChild(document.createElement(scope === "col" || i === 0 ? "th" : "td"));
    if (cell.tagName === "TH") cell.setAttribute("scope", scope);
    write(cell, text);
  });
}

/**
 * Places of at most so many of a number of entries, the first and the last among them.
 * @param {number} length
 */
export function thinned(length, most = 60) {
  const count = Math.min(length, most);
  return Array.from({ length: count }, (_, i) =>
    count < 2 ? 0 : Math.round((i * (length - 1)) / (count - 1)),
  );
}
