/**
 * Points that a user moves, adds and removes: the data as they are, with one thing changed.
 *
 * @typedef {import("./types.js").OwnData} OwnData
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Action} Action
 */
import { drawnData, RANGES } from "./setup.js";

const [FEWEST, MOST] = RANGES.n;
const DIGITS = 4; // of a point that was dragged: what a screen can show

/**
 * What the view of the fit may ask for; indices are those of `ready.x`.
 * @param {() => State} now
 * @param {(action: Action) => void} dispatch
 */
export function createEdits(now, dispatch) {
  /** @param {(points: [number, number][]) => [number, number][]} edit */
  const edited = (edit) => {
    if (!now().ready) return;
    const data = withPoints(now(), edit);
    const few = `The number of points must be from ${FEWEST} to ${MOST}; nothing was changed.`;
    dispatch(data ? { kind: "data", data } : { kind: "refuse", sentence: few, control: "" });
  };
  return {
    move: (/** @type {number} */ index, /** @type {number} */ x, /** @type {number} */ y) =>
      edited((points) => points.map((point, at) => (at === index ? [x, y] : point))),
    add: (/** @type {number} */ x, /** @type {number} */ y) => edited((points) => [...points, [x, y]]),
    remove: (/** @type {number} */ index) => edited((points) => points.filter((_, at) => at !== index)),
    announce: (/** @type {string} */ sentence) => dispatch({ kind: "announce", sentence }),
  };
}

/**
 * The data of a state with other points, sorted; null if that would be too few or too many.
 * @param {Pick<State, "setup" | "ready">} state
 * @param {(points: [number, number][]) => [number, number][]} edit
 * @returns {OwnData | null}
 */
export function withPoints({ setup, ready }, edit) {
  if (!ready) return null;
  const old = Array.from(ready.x, (x, index) => /** @type {[number, number]} */ ([x, ready.y[index]]));
  const points = edit(old).map((point) => (old.includes(point) ? point : legal(point, setup)));
  if (points.length < FEWEST || (points.length > MOST && points.length > old.length)) return null;
  points.sort(([one], [other]) => one - other);
  const { truth, amplitude, flipRate, halfWidth } =
    setup.data.kind === "own" ? setup.data : drawnData(setup.data);
  const [x, y] = [points.map(([each]) => each), points.map(([, each]) => each)];
  return { kind: "own", x, y, truth, amplitude, flipRate, halfWidth };
}

/**
 * A point as the loss wants it.
 * @param {[number, number]} point
 * @param {import("./types.js").Setup} setup
 * @returns {[number, number]}
 */
function legal([x, y], { loss }) {
  return [rounded(x), loss === "logistic" ? (y > 0 ? 1 : -1) : rounded(y)];
}

/** @param {number} value */
function rounded(value) {
  return Number(value.toPrecision(DIGITS));
}
