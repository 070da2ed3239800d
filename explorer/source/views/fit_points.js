/**
 * The points of the fit: each can be seen, heard, and, where edits are possible, moved.
 *
 * One of them is a stop of the Tab key; see `fit_keys.js` and `fit_pointer.js` for what moves them.
 *
 * @typedef {import("../state.js").State} State
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("./fit_coordinates.js").Coordinates} Coordinates
 * @typedef {import("./fit.js").Edits} Edits
 *
 * @typedef {object} Hand  what a pointer or the keyboard acts through
 * @property {() => Coordinates | null} place
 * @property {() => Ready | null} ready
 * @property {() => number} active  index of the point in focus
 * @property {(index: number) => void} focus
 * @property {(index: number, x: number, y: number) => void} move
 * @property {(index: number) => void} remove
 * @property {(x: number, y: number) => void} add
 */
import { tenth } from "../drawing/path.js";
import { keyOf } from "../drawing/scale.js";
import { make, onChange, pool, set } from "../drawing/svg.js";
import { number } from "../words.js";
import { keys } from "./fit_keys.js";
import { pointer } from "./fit_pointer.js";

const MANY = 150; // points that are drawn smaller
const ABOUT =
  "data points: arrows move the one in focus, Page Up and Page Down go to its neighbors, plus adds, Delete removes";

/**
 * @param {SVGSVGElement} svg
 * @param {SVGGElement} parent
 * @param {Edits | null} edits  null on paper
 */
export function fitPoints(svg, parent, edits) {
  const layer = make(parent, "g", edits ? { role: "group", "aria-label": ABOUT } : {});
  const points = pool(() => pointIn(layer, edits !== null));
  /** @type {Coordinates | null} */
  let place = null;
  /** @type {Ready | null} */
  let ready = null;
  /** @type {SVGGElement[]} */
  let nodes = [];
  const changed = onChange();
  let active = 0;
  /** @type {{ x: number, y: number }[]} where the active point was sent since it was taken */
  let sent = [];

  const focus = (/** @type {number} */ index) => {
    if (!ready) return;
    sent = [];
    active = Math.min(ready.x.length - 1, Math.max(0, index));
    nodes.forEach((node, i) => set(node, { tabindex: i === active ? 0 : -1 }));
    nodes[active]?.focus({ preventScroll: true });
  };
  /** @type {Hand | null} */
  const hand = !edits
    ? null
    : {
        place: () => place,
        ready: () => ready,
        active: () => active,
        focus,
        move(index, ...values) {
          const [x, y] = values.map(drawn);
          sent.push({ x, y });
          edits.move(index, x, y);
        },
        add(...values) {
          const [x, y] = values.map(drawn);
          sent = [{ x, y }];
          edits.add(x, y);
        },
        remove(index) {
          sent = [];
          edits.remove(index);
        },
      };
  const held = hand ? pointer(svg, hand) : () => false;
  if (edits && hand) keys(layer, hand, edits.announce);

  return {
    isHeld: held,
    /**
     * @param {State} state
     * @param {Coordinates} coordinates
     */
    update(state, coordinates) {
      const isNew = state.ready !== ready;
      const isFocused = isNew && layer.contains(document.activeElement);
      [ready, place] = [state.ready, coordinates];
      if (!ready) return;
      const { x, y, units, logistic } = coordinates;
      changed([...keyOf(x), ...keyOf(y), ready, units.xName, logistic], () => {
        nodes = points(/** @type {Ready} */ (ready).x.length);
        set(layer, { class: nodes.length > MANY ? "many" : "few" });
        nodes.forEach((node, i) =>
          placePoint(node, i, /** @type {Ready} */ (ready), coordinates, hand !== null),
        );
      });
      if (isNew && hand) follow(isFocused);
    },
  };

  /**
   * After the worker has sorted the points anew, the one in focus is where it was sent.
   * @param {boolean} isFocused
   */
  function follow(isFocused) {
    if (!ready || !place) return;
    const { length } = ready.x;
    const found = [...sent].reverse().find(({ x, y }) => ready && indexOf(ready, x, y) >= 0);
    if (found) sent = sent.slice(sent.indexOf(found));
    active = Math.min(found ? indexOf(ready, found.x, found.y) : active, length - 1);
    nodes.forEach((node, i) => set(node, { tabindex: i === active ? 0 : -1 }));
    if (!isFocused) return;
    if (document.activeElement !== nodes[active]) nodes[active].focus({ preventScroll: true });
    if (found && !held()) edits?.announce(nameOf(ready, active, place));
  }
}

/**
 * @param {SVGGElement} layer
 * @param {boolean} editable
 */
function pointIn(layer, editable) {
  const node = make(
    layer,
    "g",
    editable ? { class: "point", role: "button", "aria-roledescription": "data point" } : { class: "point" },
  );
  if (editable) make(node, "circle", { class: "hit", r: 14 });
  make(node, "circle", { class: "dot", r: 4 });
  return node;
}

/**
 * @param {SVGGElement} node
 * @param {number} index
 * @param {Ready} ready
 * @param {Coordinates} place
 * @param {boolean} named
 */
function placePoint(node, index, ready, place, named) {
  const { x, y, label } = place;
  set(node, { transform: `translate(${tenth(x.at(ready.x[index]))} ${tenth(y.at(label(ready.y[index])))})` });
  if (named) set(node, { "aria-label": nameOf(ready, index, place) });
}

/**
 * @param {Ready} ready
 * @param {number} index
 * @param {Coordinates} place
 */
function nameOf({ x, y }, index, { units, logistic }) {
  const value = logistic
    ? units.labels[y[index] > 0 ? 1 : 0]
    : number(units.y.center + units.y.scale * y[index]);
  return `point ${index + 1} of ${x.length}: x ${number(units.x.center + units.x.scale * x[index])}, y ${value}`;
}

/**
 * What a screen can show of a number; the worker must give it back as it was sent.
 * @param {number} value
 */
function drawn(value) {
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
