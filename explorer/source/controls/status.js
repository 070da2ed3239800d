/**
 * Where the run stands, in words and numbers, and the live region that says what happens.
 *
 * @typedef {import("../state.js").State} State
 */
import { find, make, mark, write } from "../dom.js";
import { settings } from "../drawing/paper.js";
import { isOver } from "../state.js";
import { words } from "../story.js";
import { count, number } from "../words.js";

const SILENCE = 2000; // milliseconds between two announcements

/** @param {() => void} restart  what the button beside the sentence on a lost worker does */
export function createStatus(restart) {
  const said = find("words", HTMLElement);
  const numbers = find("numbers", HTMLElement);
  const lost = find("lost", HTMLElement);
  const sentence = find("lost-sentence", HTMLElement);
  const general = find("refusal", HTMLElement);
  const line = find("settings", HTMLElement);
  const live = createLive(find("live", HTMLElement));
  find("restart", HTMLButtonElement).addEventListener("click", restart);
  return { update };

  /** @param {State} state */
  function update(state) {
    const all = wordsOf(state);
    if (said.dataset["words"] !== all.join()) {
      said.dataset["words"] = all.join();
      said.replaceChildren(...all.map((word) => make("li", { class: "word" }, word)));
    }
    write(numbers, numbersLine(state));
    if (!state.playing) write(line, settings(state));
    mark(lost, "hidden", state.lost === "");
    write(sentence, state.lost);
    const nowhere = state.refused?.control === "" ? state.refused.sentence : "";
    write(general, nowhere);
    mark(general, "hidden", nowhere === "");
    live(state.announced);
  }
}

/** @param {State} state */
function wordsOf(state) {
  const { teller, playing, winding, ready, lost, pending } = state;
  if (lost) return ["stopped"];
  if (!ready) return [pending.length ? "starting" : "refused"];
  if (isOver(state)) return ["diverged"];
  return [winding ? "in the past" : playing ? "training" : "paused", ...words(teller)];
}

/** @param {State} state */
function numbersLine({ frame, playing }) {
  if (!frame) return "";
  const parts = [
    `step ${count(frame.step)}`,
    `loss ${number(frame.loss)}`,
    `λ_max ${number(frame.sharpness)}`,
    `threshold ${number(frame.threshold)}`,
    `${count(frame.pieces)} ${frame.pieces === 1 ? "piece" : "pieces"}`,
  ];
  if (frame.risk !== null) parts.push(`risk ${number(frame.risk)}`);
  if (playing && frame.stepsPerSecond > 0) parts.push(`${number(frame.stepsPerSecond, 2)} steps a second`);
  return parts.join(" · ");
}

/**
 * Write into a live region, the newest sentence only and not more often than every two seconds.
 * @param {HTMLElement} region
 */
function createLive(region) {
  let waiting = "";
  let last = "";
  let timer = 0;
  const speak = () => {
    timer = 0;
    if (waiting === last) return;
    last = waiting;
    write(region, waiting);
    timer = window.setTimeout(speak, SILENCE);
  };
  return (/** @type {string} */ sentence) => {
    waiting = sentence;
    if (!timer && waiting !== last) speak();
  };
}
