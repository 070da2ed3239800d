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
import { append, EMPTY, lastStep, numbersOf, until } from "./history.js";
import { isWorthKeeping, withRun } from "./run.js";
import { same } from "./setup.js";
import { BEGINNING, contextOf, story, tell } from "./story.js";

export const SLOW_START = -1;
const MOST_EVENTS = 200;

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
 * @param {State} state
 * @param {Action} action
 * @returns {Partial<State>}
 */
function change(state, action) {
  switch (action.kind) {
    case "begin":
      return { ...keptIfWorthy(state), ...unbegun(action.setup, action.control), preset: action.preset ?? null, lost: "" };
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
 * A run that was asked for and has not begun.
 * @param {Setup} setup
 * @param {string} [control]
 */
function unbegun(setup, control = "") {
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
    pending: [{ setup, control }],
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
  const asked = { setup, pending: [...state.pending, { setup, control }], frames: 0 };
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
 * A run up to a step, from which it continues with the setup of now.
 * @param {State} state
 * @param {number} step
 */
function truncated({ history, events, segments, ready }, step) {
  const last = segments[segments.length - 1];
  const made = until(history, step);
  return {
    history: made,
    events: events.filter((event) => event.step <= step),
    segments: continued(segments, { from: step, setup: last.setup }),
    teller: ready ? story(made, contextOf(last.setup, ready)).teller : BEGINNING,
  };
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

/**
 * @param {State} state
 * @param {Answer} answer
 * @returns {Partial<State>}
 */
function answered(state, answer) {
  switch (answer.kind) {
    case "ready":
      return { ready: answer, ...accepted(state, answer) };
    case "changed":
      return accepted(state, answer);
    case "refused":
      return refusedBy(state, answer.sentence);
    case "frame":
      return state.ready ? shown(state, answer, state.ready) : {}; // a last frame of the run before
  }
}

/**
 * The worker trains what was asked for first, from a step on, with the method as it says.
 * @param {State} state
 * @param {{ step: number, method: Method }} answer
 * @returns {Partial<State>}
 */
function accepted({ pending, segments, setup, refused }, { step, method }) {
  const [asked, ...rest] = pending;
  const trained = { ...(asked?.setup ?? setup), method };
  return {
    pending: rest,
    segments: continued(segments, { from: step, setup: trained }),
    setup: rest.length ? setup : trained,
    refused: refused?.control && refused.control === asked?.control ? null : refused,
  };
}

/**
 * Segments with one more; none is kept that has no step, and two alike are one.
 * @param {readonly Segment[]} segments
 * @param {Segment} next
 */
function continued(segments, next) {
  const before = segments.filter(({ from }) => from < next.from);
  return same(before.at(-1)?.setup, next.setup) ? before : [...before, next];
}

/**
 * @param {State} state
 * @param {string} sentence
 * @returns {Partial<State>}
 */
function refusedBy({ pending }, sentence) {
  const [asked, ...rest] = pending;
  return { pending: rest, refused: { sentence: whole(sentence), control: asked?.control ?? "" }, playing: false };
}

/**
 * What the worker says, as a sentence.
 * @param {string} words
 */
function whole(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${words.endsWith(".") ? "" : "."}`;
}

/**
 * @param {State} state
 * @param {Frame} frame
 * @param {Ready} ready
 * @returns {Partial<State>}
 */
function shown(state, frame, ready) {
  const back = frame.step < lastStep(state.history);
  if (back && state.winding) {
    const { setup } = state.segments[state.segments.length - 1];
    return { frame, teller: story(until(state.history, frame.step), contextOf(setup, ready)).teller };
  }
  const from = back ? { ...state, ...truncated(state, frame.step) } : state;
  const history = append(from.history, frame);
  const { setup } = from.segments[from.segments.length - 1];
  const { teller, happenings } = tell(from.teller, numbersOf(frame), contextOf(setup, ready));
  return {
    frame,
    history,
    segments: from.segments,
    teller,
    events: [...from.events, ...happenings].slice(-MOST_EVENTS),
    announced: happenings.length ? happenings.map(({ sentence }) => sentence).join(" ") : state.announced,
    frames: state.frames + 1,
    playing: state.playing && frame.outcome !== "diverged",
  };
}
