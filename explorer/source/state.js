/**
 * What the page knows, and how it changes: a pure reducer of what a user does and of what the worker answers.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Data} Data
 * @typedef {import("./types.js").Method} Method
 * @typedef {import("./types.js").Ready} Ready
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./history.js").History} History
 * @typedef {import("./run.js").Run} Run
 * @typedef {import("./run.js").Segment} Segment
 * @typedef {import("./story.js").Happening} Happening
 * @typedef {import("./story.js").Teller} Teller
 *
 * @typedef {object} State
 * @property {Setup} setup  what the controls say
 * @property {readonly Segment[]} segments  of the run so far; the last one holds the setup that is trained
 * @property {Ready | null} ready  null until the worker has begun
 * @property {Frame | null} frame  the one that is shown
 * @property {History} history  of the run so far; it reaches beyond `frame` while one winds
 * @property {readonly Run[]} runs  kept ones, oldest first
 * @property {readonly Happening[]} events  of the run so far, oldest first
 * @property {boolean} playing
 * @property {boolean} winding  `frame` is of the past, and nothing was trained since
 * @property {number} pace  steps per frame; 0: as many as fit; SLOW_START: at first 1, then more and more
 * @property {string | null} preset
 * @property {string} announced  the newest sentences, for the live region
 * @property {Refusal | null} refused
 * @property {string} lost  why there is no worker; "" while there is one
 * @property {readonly Pending[]} pending  what was asked of the worker and is not answered
 * @property {number} frames  drawn since the last change
 * @property {Teller} teller  where the story stands
 * @property {number} count  of the runs kept so far
 *
 * @typedef {object} Pending
 * @property {Setup} setup
 * @property {string} control  id of the control that asked; "" for none
 * @property {boolean} begins  whether a run begins with it
 *
 * @typedef {object} Refusal
 * @property {string} sentence
 * @property {string} control  as of `Pending`
 *
 * @typedef {{ kind: "begin", setup: Setup, preset?: string | null, control?: string }
 *   | { kind: "method", method: Partial<Method>, control?: string }
 *   | { kind: "data", data: Data, control?: string }
 *   | { kind: "play" } | { kind: "pause" }
 *   | { kind: "pace", pace: number }
 *   | { kind: "step", count: number }
 *   | { kind: "rewind", step: number }
 *   | { kind: "keep" } | { kind: "remove", id: number } | { kind: "clear" }
 *   | { kind: "refuse", sentence: string, control: string }
 *   | { kind: "announce", sentence: string }
 *   | { kind: "lost", sentence: string }
 *   | { kind: "answer", answer: Answer }
 * } Action
 */
import { answered } from "./answers.js";
import { EMPTY, until } from "./history.js";
import { isWorthKeeping, withRun } from "./run.js";
import { truncated } from "./segments.js";
import { BEGINNING } from "./story.js";

export const SLOW_START = -1;

/**
 * The state before anything was asked.
 * @param {Setup} setup
 * @returns {State}
 */
export function opening(setup) {
  return Object.freeze({
    ...unbegun(setup),
    pending: [],
    runs: [],
    playing: false,
    pace: SLOW_START,
    preset: null,
    announced: "",
    lost: "",
    count: 0,
  });
}

/**
 * @param {State} state
 * @param {Action} action
 * @returns {State}
 */
export function reduce(state, action) {
  return Object.freeze({ ...state, ...change(state, action) });
}

/**
 * Whether the run that is shown has diverged: there is nothing to train on from.
 * @param {State} state
 */
export function isOver({ events, winding }) {
  return !winding && events.at(-1)?.kind === "diverged";
}

/**
 * @param {State} state
 * @param {Action} action
 * @returns {Partial<State>}
 */
function change(state, action) {
  switch (action.kind) {
    case "begin":
      return {
        ...keptIfWorthy(state),
        ...unbegun(action.setup),
        pending: [...state.pending, { setup: action.setup, control: action.control ?? "", begins: true }],
        preset: action.preset ?? null,
        lost: "",
      };
    case "method":
      return changed(state, { ...state.setup, method: { ...state.setup.method, ...action.method } }, action.control);
    case "data":
      return changed(state, { ...state.setup, data: action.data }, action.control);
    case "play":
      return { ...resumed(state), playing: true };
    case "pause":
      return { playing: false };
    case "pace":
      return { pace: action.pace };
    case "step":
      return { ...resumed(state), playing: false };
    case "rewind":
      return { playing: false, winding: true };
    case "keep":
      return kept(state);
    case "remove":
      return { runs: state.runs.filter(({ id }) => id !== action.id) };
    case "clear":
      return { runs: [] };
    case "refuse":
      return { refused: { sentence: action.sentence, control: action.control } };
    case "announce":
      return { announced: action.sentence };
    case "lost":
      return { lost: action.sentence, playing: false, pending: [] };
    case "answer":
      return answered(state, action.answer);
  }
}

/**
 * A run that has not begun.
 * @param {Setup} setup
 */
function unbegun(setup) {
  return {
    setup,
    segments: [{ from: 0, setup }],
    ready: null,
    frame: null,
    history: EMPTY,
    events: [],
    winding: false,
    frames: 0,
    teller: BEGINNING,
    refused: null,
  };
}

/**
 * Another method or other data in the middle of a run; the worker says from which step on.
 * @param {State} state
 * @param {Setup} setup
 * @param {string} [control]
 * @returns {Partial<State>}
 */
function changed(state, setup, control = "") {
  const asked = { setup, pending: [...state.pending, { setup, control, begins: false }], frames: 0, refused: null };
  return { ...keptIfWorthy(state), ...resumed(state), ...asked };
}

/**
 * Forget what lies beyond the frame that is shown: training goes on from there.
 * @param {State} state
 * @returns {Partial<State>}
 */
function resumed(state) {
  return state.winding && state.frame ? { winding: false, ...truncated(state, state.frame.step) } : { winding: false };
}

/**
 * @param {State} state
 * @returns {Partial<State>}
 */
function keptIfWorthy(state) {
  return isWorthKeeping(state.frame, state.frames) ? kept(state) : {};
}

/**
 * @param {State} state
 * @returns {Partial<State>}
 */
function kept({ frame, ready, segments, history, events, runs, count }) {
  if (!frame || !ready) return {};
  const { setup } = segments[segments.length - 1];
  const made = until(history, frame.step);
  const run = { id: count, setup, segments, frame, grid: ready.grid, history: made, events };
  return { runs: withRun(runs, run), count: count + 1 };
}
