/**
 * Tables of the page as CSV, one header line, numbers to their last bit.
 *
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("../types.js").Table} Table
 * @typedef {import("../run.js").Run} Run
 * @typedef {import("../history.js").History} History
 */
import { COLUMNS } from "../history.js";

/**
 * The points that are trained on, sorted by x, in the units in which the page trains.
 * @param {Ready} ready
 * @param {Table | null} table
 */
export function dataCsv({ x, y }, table) {
  const names = [table?.xName ?? "x", table?.yName ?? "y"];
  return csv(names, Array.from(x, (each, index) => [each, y[index]]));
}

/**
 * Histories of runs below one another; the first column says which run a line is of, the last one is "now".
 * @param {readonly Run[]} kept
 * @param {History} now
 */
export function historyCsv(kept, now) {
  const all = [...kept.map(({ id, history }) => ({ name: `kept ${id + 1}`, history })), { name: "now", history: now }];
  const rows = all.flatMap(({ name, history }) =>
    Array.from({ length: history.length }, (_, index) => [name, ...COLUMNS.map((each) => history.columns[each][index])]));
  return csv(["run", ...COLUMNS.map(snake)], rows);
}

/** @param {string} name */
function snake(name) {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * @param {string[]} head
 * @param {(string | number)[][]} rows
 */
function csv(head, rows) {
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

/**
 * One cell; nan is empty, and a text that a spreadsheet would take for a formula is text.
 * @param {string | number} value
 */
function cell(value) {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
