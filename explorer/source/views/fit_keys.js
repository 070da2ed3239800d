/** Points moved by the keyboard: arrows, Shift for large steps, Page Up and Down, Home, End, +, Delete. */

/**
 * @typedef {import("./fit_hand.js").Hand} Hand
 * @typedef {import("../drawing/scale.js").Scale} Scale
 */

const [SMALL, LARGE] = [0.01, 0.1]; // of the axis

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Record<string, (active: number) => number>} */
const STOPS = { PageUp: (i) => i - 1, PageDown: (i) => i + 1, Home: () => 0, End: () => Infinity };

/**
 * @param {SVGGElement} layer
 * @param {Hand} hand
 * @param {(sentence: string) => void} announce
 */
export function keys(layer, hand, announce) {
  layer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = actionOf(event, hand, announce);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {Hand} hand
 * @param {(sentence: string) => void} announce
 * @returns {(() => void) | null}
 */
function actionOf({ key, shiftKey }, hand, announce) {
  const [ready, place] = [hand.ready(), hand.place()];
  if (!ready || !place) return null;
  const index = hand.active();
  const here = { x: ready.x[index], y: place.label(ready.y[index]) };
  const by = (/** @type {Scale} */ scale) => (shiftKey ? LARGE : SMALL) * (scale.high - scale.low);
  if (key in STOPS) return () => hand.focus(STOPS[key](index));
  if (key in ARROWS) {
    const [right, up] = ARROWS[key];
    const x = within(place.x, here.x + right * by(place.x));
    const y = place.logistic ? (up ? Number(up > 0) : here.y) : here.y + up * by(place.y);
    return () => hand.move(index, x, place.unlabel(y));
  }
  if (key === "Delete" || key === "Backspace") return () => remove(hand, index, ready.x.length, announce);
  if (key === "+" || key === "Insert") {
    return () => hand.add(within(place.x, here.x + by(place.x)), place.unlabel(here.y));
  }
  return null;
}

/**
 * @param {Hand} hand
 * @param {number} index
 * @param {number} n
 * @param {(sentence: string) => void} announce
 */
function remove(hand, index, n, announce) {
  if (n <= 2) return announce("two points are the fewest");
  hand.remove(index);
  announce(`removed point ${index + 1} of ${n}`);
}

/**
 * @param {Scale} scale
 * @param {number} value
 */
function within({ low, high }, value) {
  return Math.min(high, Math.max(low, value));
}
