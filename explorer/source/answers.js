/**
 * How the state of the page changes with what the worker answers.
 *
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Method} Method
 * @typedef {import("./types.js").Ready} Ready
 * @typedef {import("./state.js").Pending} Pending
 * @typedef {import("./state.js").State} State
 */
import { append, lastStep, numbersOf, until } from "./history.js";
import { continued, truncated } from "./segments.js";
import { contextOf, story, tell } from "./story.js";

const MOST_EVENTS = 200;

/**
 * An answer changes the state unless a run was asked for since: then it is about the run before.
 * @param {State} state
 * @param {Answer} answer
 * @returns {Partial<State>}
 */
export function answered(state, answer) {
  if (answer.kind === "frame")
    return state.ready && !isPast(state.pending) ? shown(state, answer, state.ready) : {};
  const [asked, ...pending] = state.pending;
  if (isPast(pending)) return { pending };
  if (answer.kind === "refused") {
    return { pending, refused: { sentence: whole(answer.sentence), control: asked?.control ?? "" }, playing: false };
  }
  if (!asked) return {};
  return { pending, ...(answer.kind === "ready" && { ready: answer }), ...accepted({ ...state, pending }, asked, answer) };
}

/** @param {readonly Pending[]} pending */
function isPast(pending) {
  return pending.some(({ begins }) => begins);
}

/**
 * The worker trains what was asked for from a step on, with the method as it says.
 * @param {State} state
 * @param {Pending} asked
 * @param {{ step: number, method: Method }} answer
 * @returns {Partial<State>}
 */
function accepted({ pending, segments, setup }, asked, { step, method }) {
  const trained = { ...asked.setup, method };
  return {
    segments: continued(segments, { from: step, setup: trained }),
    setup: pending.length ? setup : trained,
  };
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
    const { setup, from } = state.segments[state.segments.length - 1];
    return { frame, teller: story(until(state.history, frame.step), contextOf(setup, ready, from)).teller };
  }
  const before = back ? { ...state, ...truncated(state, frame.step) } : state;
  const history = append(before.history, frame);
  const { setup, from } = before.segments[before.segments.length - 1];
  const { teller, happenings } = tell(before.teller, numbersOf(frame), contextOf(setup, ready, from));
  return {
    frame,
    history,
    segments: before.segments,
    teller,
    events: [...before.events, ...happenings].slice(-MOST_EVENTS),
    announced: happenings.length ? happenings.map(({ sentence }) => sentence).join(" ") : state.announced,
    frames: state.frames + 1,
    playing: state.playing && frame.outcome !== "diverged",
  };
}
