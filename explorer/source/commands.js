/**
 * What an action asks of the worker.
 *
 * @typedef {import("./types.js").Command} Command
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").Action} Action
 */
import { SLOW_START } from "./state.js";

/** Steps since the last change ÷ this = steps of the next frame, at a slow start. */
export const DILUTION = 25;

/**
 * Commands of an action, in their order.
 * @param {State} before
 * @param {Action} action
 * @param {State} after
 * @returns {Command[]}
 */
export function commandsOf(before, action, after) {
  switch (action.kind) {
    case "begin":
      return [{ kind: "begin", setup: action.setup }, ...running({ ...before, playing: false }, after)]; // it begins paused
    case "method":
      return [{ kind: "method", method: action.method }, ...running(before, after)];
    case "data":
      return [{ kind: "data", data: action.data }];
    case "step":
      return [{ kind: "pause" }, { kind: "step", count: action.count }];
    case "rewind":
      return [{ kind: "rewind", step: action.step }];
    default:
      return running(before, after);
  }
}

/**
 * Steps per frame of a state that plays.
 * @param {State} state
 */
export function stepsPerFrame({ pace, frame, segments }) {
  if (pace !== SLOW_START) return pace;
  const since = (frame?.step ?? 0) - (segments.at(-1)?.from ?? 0);
  const steps = Math.max(1, Math.ceil(since / DILUTION));
  return steps > (frame?.stepsPerSecond ?? 0) / 60 && steps > DILUTION ? 0 : steps;
}

/**
 * Begin or end to run, or change the pace, where a state differs from the one before.
 * @param {State} before
 * @param {State} after
 * @returns {Command[]}
 */
function running(before, after) {
  if (!after.playing) return before.playing ? [{ kind: "pause" }] : [];
  const steps = stepsPerFrame(after);
  return before.playing && steps === stepsPerFrame(before) ? [] : [{ kind: "run", stepsPerFrame: steps }];
}
