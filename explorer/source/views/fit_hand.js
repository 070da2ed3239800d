/**
 * What a pointer and the keyboard do to the points: one of them is a stop of the Tab key and follows its commands,
 * also when it passes its neighbors and the worker sorts the points anew.
 *
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("./fit_coordinates.js").Coordinates} Coordinates
 * @typedef {import("./fit.js").Edits} Edits
 *
 * @typedef {object} Hand
 * @property {() => Coordinates | null} place
 * @property {() => Ready | null} ready
 * @property {() => number} active  index of the point in focus
 * @property {(index: number) => void} focus
 * @property {(index: number, x: number, y: number) => void} move
 * @property {(index: number) => void} remove
 * @property {(x: number, y: number) => void} add
 */
import { set } from "../drawing/svg.js";
import { keys } from "./fit_keys.js";
import { pointer } from "./fit_pointer.js";
import { nameOf } from "./fit_points.js";

/**
 * @param {SVGSVGElement} svg
 * @param {SVGGElement} layer  of the points
 * @param {Edits} edits
 */
export function fitHand(svg, layer, edits) {
  /** @type {{ ready: Ready, place: Coordinates, nodes: SVGGElement[] } | null} */
  let shown = null;
  let active = 0;
  /** @type {{ x: number, y: number }[]} where the active point was sent since it was taken */
  let sent = [];

  /** @param {number} index */
  function activate(index) {
    if (!shown) return;
    active = Math.min(shown.nodes.length - 1, Math.max(0, index));
    shown.nodes.forEach((node, i) => set(node, { tabindex: i === active ? 0 : -1 }));
  }
  function focusActive() {
    const node = shown?.nodes[active];
    if (document.activeElement !== node) node?.focus({ preventScroll: true });
  }
  /** @type {Hand} */
  const hand = {
    place: () => shown && shown.place,
    ready: () => shown && shown.ready,
    active: () => active,
    focus(index) {
      sent = [];
      activate(index);
      focusActive();
    },
    move(index, ...values) {
      const [x, y] = values.map(visible);
      sent.push({ x, y });
      edits.move(index, x, y);
    },
    add(...values) {
      const [x, y] = values.map(visible);
      sent = [{ x, y }];
      edits.add(x, y);
    },
    remove(index) {
      sent = [];
      edits.remove(index);
    },
  };
  const isHeld = pointer(svg, hand);
  keys(layer, hand, edits.announce);

  /**
   * After the worker has sorted the points anew, the one in focus is where it was sent last.
   * @param {boolean} isFocused
   */
  function follow(isFocused) {
    if (!shown) return;
    const { ready, place } = shown;
    const found = [...sent].reverse().find(({ x, y }) => indexOf(ready, x, y) >= 0);
    if (found) sent = sent.slice(sent.indexOf(found));
    activate(found ? indexOf(ready, found.x, found.y) : active);
    if (isFocused) focusActive();
    if (isFocused && found && !isHeld()) edits.announce(nameOf(ready, active, place));
  }
  return {
    isHeld,
    /** Whether a point has the focus; to be asked before points are drawn. */
    hasFocus: () => layer.contains(document.activeElement),
    /**
     * @param {Ready} ready
     * @param {Coordinates} place
     * @param {SVGGElement[]} nodes
     * @param {boolean} isFocused
     */
    update(ready, place, nodes, isFocused) {
      const isNew = ready !== shown?.ready;
      shown = { ready, place, nodes };
      if (isNew) follow(isFocused);
    },
  };
}

/**
 * What a screen can show of a number; the worker must give it back as it was sent.
 * @param {number} value
 */
function visible(value) {
  return Number(value.toPrecision(4));
}

/**
 * @param {Ready} ready
 * @param {number} x
 * @param {number} y
 */
function indexOf(ready, x, y) {
  return ready.x.findIndex((value, i) => value === x && ready.y[i] === y);
}
