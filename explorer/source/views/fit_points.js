/**
 * The points of the fit: each can be seen and, on the page, be named and take the focus.
 *
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("./fit_coordinates.js").Coordinates} Coordinates
 */
import { tenth } from "../drawing/path.js";
import { keyOf } from "../drawing/scale.js";
import { make, onChange, pool, set } from "../drawing/svg.js";
import { number } from "../words.js";

const MANY = 150; // points that are drawn smaller
const ABOUT =
  "data points: arrows move the one in focus, Page Up and Page Down go to its neighbors, plus adds, Delete removes";

/**
 * @param {SVGGElement} parent
 * @param {boolean} editable
 */
export function fitPoints(parent, editable) {
  const layer = make(parent, "g", editable ? { role: "group", "aria-label": ABOUT } : {});
  const points = pool(() => pointIn(layer, editable));
  const changed = onChange();
  /** @type {SVGGElement[]} */
  let nodes = [];
  return {
    layer,
    /**
     * Draw the points and return their elements, in their order.
     * @param {Ready} ready
     * @param {Coordinates} place
     */
    draw(ready, place) {
      const { x, y, units, logistic } = place;
      changed([...keyOf(x), ...keyOf(y), ready, units.xName, logistic], () => {
        nodes = points(ready.x.length);
        set(layer, { class: nodes.length > MANY ? "many" : "few" });
        nodes.forEach((node, i) => placePoint(node, i, ready, place, editable));
      });
      return nodes;
    },
  };
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
export function nameOf({ x, y }, index, { units, logistic }) {
  const value = logistic
    ? units.labels[y[index] > 0 ? 1 : 0]
    : number(units.y.center + units.y.scale * y[index]);
  return `point ${index + 1} of ${x.length}: x ${number(units.x.center + units.x.scale * x[index])}, y ${value}`;
}
