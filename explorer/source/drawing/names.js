/**
 * Names at the ends of curves, in their colors, moved apart vertically where they would touch.
 *
 * @typedef {object} Name
 * @property {string} text
 * @property {number} y  pixel of the end of the curve; NaN: no name
 * @property {string} [kind]  class of the curve, which gives the color
 * @property {string} [style]
 */
import { apart } from "./apart.js";
import { LINE } from "./panel.js";
import { make, pool, set, write } from "./svg.js";

/**
 * @param {Element} parent
 * @returns {(found: Name[], x: number, anchor: "start" | "end", room: readonly [number, number]) => void}
 */
export function names(parent) {
  const texts = pool(() => make(parent, "text", { dy: "0.35em" }));
  return (found, x, anchor, room) => {
    const order = found.filter(({ y }) => Number.isFinite(y)).sort((a, b) => a.y - b.y);
    const middles = order.map(({ y }) => Math.min(room[1], Math.max(room[0], y)));
    const places = apart(middles, LINE, room);
    texts(order.length).forEach((text, i) => {
      set(text, {
        x,
        y: Math.round(places[i]),
        "text-anchor": anchor,
        class: `end ${order[i].kind ?? ""}`,
        style: order[i].style ?? "",
      });
      write(text, order[i].text);
    });
  };
}
