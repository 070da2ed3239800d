/**
 * A run on its way: where its segments begin, and how it is cut off at a step.
 *
 * @typedef {import("./state.js").State} State
 * @typedef {import("./run.js").Segment} Segment
 */
import { until } from "./history.js";
import { same } from "./setup.js";
import { BEGINNING, contextOf, story } from "./story.js";

/**
 * A run up to a step, from which it continues with the setup of now.
 * @param {State} state
 * @param {number} step
 */
export function truncated({ history, events, segments, ready }, step) {
  const last = segments[segments.length - 1];
  const made = until(history, step);
  return {
    history: made,
    events: events.filter((event) => event.step <= step),
    segments: continued(segments, { from: step, setup: last.setup }),
    teller: ready ? story(made, contextOf(last.setup, ready, last.from)).teller : BEGINNING,
  };
}

/**
 * Segments with one more; none is kept that has no step, and two alike are one.
 * @param {readonly Segment[]} segments
 * @param {Segment} next
 */
export function continued(segments, next) {
  const before = segments.filter(({ from }) => from < next.from);
  return same(before.at(-1)?.setup, next.setup) ? before : [...before, next];
}
