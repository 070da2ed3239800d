/** Points dragged by mouse, pen or finger; a click on empty ground adds one, dragging one out removes it. */

/**
 * @typedef {import("./fit_hand.js").Hand} Hand
 * @typedef {import("./fit_coordinates.js").Coordinates} Coordinates
 * @typedef {{ x: number, y: number }} Pixel
 */

const REACH = 10; // pixels between a pointer and the point it takes
const FINGER = 22;
const STILL = 4; // pixels that a click may move
const OUT = 28; // pixels beyond the panel where a point is let go of

/**
 * @param {SVGSVGElement} svg
 * @param {Hand} hand
 * @returns {() => boolean} whether a point is held
 */
export function pointer(svg, hand) {
  /** @type {{ id: number, start: Pixel, held: boolean, moved: boolean, at: Pixel } | null} */
  let press = null;
  let waiting = false;

  svg.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    const start = pixelOf(svg, event);
    const index = nearest(hand, start, event.pointerType === "touch" ? FINGER : REACH);
    if (index < 0 && !isInside(hand, start, 0)) return;
    press = { id: event.pointerId, start, held: index >= 0, moved: false, at: start };
    if (index < 0) return;
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    hand.focus(index);
  });
  // A finger that takes a point must not scroll the page; elsewhere it may.
  svg.addEventListener(
    "touchstart",
    (event) => {
      if (nearest(hand, pixelOf(svg, event.touches[0]), FINGER) >= 0) event.preventDefault();
    },
    { passive: false },
  );
  svg.addEventListener("pointermove", (event) => {
    if (press?.id !== event.pointerId) return;
    press.at = pixelOf(svg, event);
    press.moved ||= Math.hypot(press.at.x - press.start.x, press.at.y - press.start.y) > STILL;
    if (!press.held || !press.moved) return;
    svg.classList.toggle("letting-go", !isInside(hand, press.at, OUT));
    if (!waiting) requestAnimationFrame(drag);
    waiting = true;
  });
  svg.addEventListener("pointerup", (event) => {
    if (press?.id !== event.pointerId) return;
    const { held, moved, at } = press;
    if (held && moved && !isInside(hand, at, OUT)) removeHeld(hand);
    else if (held && moved) moveTo(hand, at);
    else if (!held && !moved) addAt(hand, at);
    release();
  });
  svg.addEventListener("pointercancel", release);
  return () => press?.held === true;

  function drag() {
    waiting = false;
    if (press?.held && isInside(hand, press.at, OUT)) moveTo(hand, press.at);
  }
  function release() {
    press = null;
    svg.classList.remove("letting-go");
  }
}

/** @param {Hand} hand */
function removeHeld(hand) {
  const ready = hand.ready();
  if (ready && ready.x.length > 2) hand.remove(hand.active());
}

/**
 * @param {Hand} hand
 * @param {Pixel} at
 */
function moveTo(hand, at) {
  const place = hand.place();
  if (place) hand.move(hand.active(), ...valuesAt(place, at));
}

/**
 * @param {Hand} hand
 * @param {Pixel} at
 */
function addAt(hand, at) {
  const place = hand.place();
  if (place) hand.add(...valuesAt(place, at));
}

/**
 * Input and label at a pixel, moved into the panel.
 * @param {Coordinates} place
 * @param {Pixel} at
 * @returns {[number, number]}
 */
function valuesAt({ x, y, box, unlabel }, at) {
  const within = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(high, Math.max(low, value));
  return [x.back(within(at.x, box.left, box.right)), unlabel(y.back(within(at.y, box.top, box.bottom)))];
}

/**
 * Index of the point next to a pixel; -1 if none is within reach.
 * @param {Hand} hand
 * @param {Pixel} at
 * @param {number} reach
 */
function nearest(hand, at, reach) {
  const [ready, place] = [hand.ready(), hand.place()];
  if (!ready || !place) return -1;
  let [best, least] = [-1, reach];
  ready.x.forEach((value, i) => {
    const distance = Math.hypot(place.x.at(value) - at.x, place.y.at(place.label(ready.y[i])) - at.y);
    if (distance <= least) [best, least] = [i, distance];
  });
  return best;
}

/**
 * @param {Hand} hand
 * @param {Pixel} at
 * @param {number} margin
 */
function isInside(hand, at, margin) {
  const box = hand.place()?.box;
  return (
    box !== undefined &&
    at.x >= box.left - margin &&
    at.x <= box.right + margin &&
    at.y >= box.top - margin &&
    at.y <= box.bottom + margin
  );
}

/**
 * @param {SVGSVGElement} svg
 * @param {{ clientX: number, clientY: number }} at
 * @returns {Pixel}
 */
function pixelOf(svg, { clientX, clientY }) {
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM()?.inverse());
  return { x, y };
}
