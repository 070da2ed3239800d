/** The page: state, worker and everything that shows the state or changes it. */

import { commandsOf } from "./commands.js";
import { createEvents } from "./controls/events.js";
import { createForm } from "./controls/form.js";
import { createLessons } from "./controls/lessons.js";
import { createPlayback } from "./controls/playback.js";
import { createRuns } from "./controls/runs.js";
import { createShare } from "./controls/share.js";
import { createStatus } from "./controls/status.js";
import { createStepSize } from "./controls/step_size.js";
import { createSweep } from "./controls/sweep.js";
import { createTable } from "./controls/table.js";
import { find } from "./dom.js";
import { connect } from "./link.js";
import { createEdits } from "./points.js";
import { createAddress } from "./share/address.js";
import { opening, reduce } from "./state.js";
import { fitView } from "./views/fit.js";
import { lossView } from "./views/loss.js";
import { riskView } from "./views/risk.js";
import { sharpnessView } from "./views/sharpness.js";
import { variationView } from "./views/variation.js";

/** @typedef {import("./state.js").Action} Action */

/** @type {import("./types.js").Given} */
const given = JSON.parse(find("given", HTMLScriptElement).text);
const workerText = find("worker", HTMLScriptElement).text;
const address = createAddress(given, dispatch);

let state = opening(address.read().setup);
let link = connected();
let isDue = false; // a drawing
let isWaiting = false; // the worker, for the word that its frame is drawn
const now = () => state;

const views = {
  fit: fitView(find("view-fit", HTMLElement), { edits: createEdits(now, dispatch), table: given.table }),
  sharpness: sharpnessView(find("view-sharpness", HTMLElement)),
  loss: lossView(find("view-loss", HTMLElement)),
  variation: variationView(find("view-variation", HTMLElement)),
  risk: riskView(find("view-risk", HTMLElement)),
};
const sweep = createSweep(now, dispatch);
const parts = [
  createStepSize(dispatch),
  createPlayback(now, dispatch),
  createStatus(restart),
  createForm(now, dispatch),
  createTable(given, now, dispatch),
  createLessons(given, now, dispatch, sweep.start),
  createEvents(dispatch),
  createRuns(dispatch),
  sweep,
  createShare(given, views, now),
  address,
  ...Object.values(views),
];

const { setup, kept, sentence } = address.read();
dispatch({ kind: "begin", setup });
sweep.offer(kept);
if (sentence) dispatch({ kind: "refuse", sentence, control: "" });

/**
 * Change the state, ask the worker for what that needs, and draw soon.
 * @param {Action} action
 */
function dispatch(action) {
  const before = state;
  state = reduce(before, action);
  if (!state.lost) for (const command of commandsOf(before, action, state)) link.post(command);
  if (action.kind === "answer" && action.answer.kind === "frame") isWaiting = true;
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(draw);
}

function draw() {
  isDue = false;
  if (isWaiting && !state.lost) link.post({ kind: "drawn" }); // so that the worker trains while this draws
  isWaiting = false;
  for (const part of parts) part.update(state);
}

function connected() {
  return connect(
    workerText,
    (answer) => dispatch({ kind: "answer", answer }),
    (sentence) => dispatch({ kind: "lost", sentence }),
  );
}

/** Start another worker in place of one that has died. */
function restart() {
  link.close();
  link = connected();
  dispatch({ kind: "begin", setup: state.setup, preset: state.preset });
}
