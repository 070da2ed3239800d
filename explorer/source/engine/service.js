/**
 * Commands in, answers out: training in slices, so that a command waits for about 12 ms at most, and a frame only when the
 * page has drawn the last one.
 *
 * @typedef {import("../types.js").Command} Command
 * @typedef {import("../types.js").Answer} Answer
 * @typedef {import("../types.js").Frame} Frame
 */

import { Refusal } from "./checks.js";
import { Training } from "./training.js";

const SLICE = 10; // milliseconds; measuring the frame that follows takes 2 more

export class Service {
  /**
   * @param {(answer: Answer) => void} post
   * @param {(task: () => void) => void} defer  runs a task after the commands that wait
   * @param {() => number} now  milliseconds
   */
  constructor(post, defer, now) {
    this.post = post;
    this.defer = defer;
    this.now = now;
    /** @type {Training | null} */
    this.training = null;
    this.running = false;
    this.drawn = true;
    this.scheduled = false;
    /** Steps to each frame; 0: as many as fit. */
    this.perFrame = 0;
    this.left = 0;
    /** Whether the run pauses when they are made. */
    this.once = false;
    this.since = { step: 0, at: 0 };
  }

  /** @param {Command} command */
  answer(command) {
    try {
      this.#carryOut(command);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.post({ kind: "refused", sentence: error.message });
    }
  }

  /** @param {Command} command */
  #carryOut(command) {
    if (command.kind === "begin") return this.#begin(new Training(command.setup));
    const training = this.training;
    if (!training) throw new Refusal("a run must begin first, with data and a network");
    switch (command.kind) {
      case "method":
        return this.#changeMethod(training, command.method);
      case "data":
        training.changeData(command.data);
        this.post(training.ready);
        return this.#show(training);
      case "run":
        return this.#start(training, command.stepsPerFrame, false);
      case "step":
        return this.#start(training, command.count, true);
      case "pause":
        return this.running ? this.#pause(training) : undefined;
      case "rewind":
        training.goTo(steps(command.step));
        return this.#pause(training);
      case "drawn":
        this.drawn = true;
        return this.#schedule();
      default:
        throw new Refusal(`a command must be one of the explorer's, got ${JSON.stringify(command)}`);
    }
  }

  /** @param {Training} training */
  #begin(training) {
    this.training = training;
    this.post(training.ready);
    this.#pause(training);
  }

  /** @param {Training} training @param {Partial<import("../types.js").Method>} part */
  #changeMethod(training, part) {
    training.changeMethod(part);
    this.post({ kind: "changed", step: training.descent.step, method: training.method });
    if (!this.running) this.#show(training);
  }

  /** @param {Training} training @param {number} count @param {boolean} once */
  #start(training, count, once) {
    this.perFrame = this.left = steps(count);
    this.once = once;
    this.running = true;
    training.diverged = false;
    this.since = { step: training.descent.step, at: this.now() };
    this.#schedule();
  }

  /** @param {Training} training */
  #pause(training) {
    this.running = false;
    this.#show(training);
  }

  #schedule() {
    if (!this.running || this.scheduled) return;
    this.scheduled = true;
    this.defer(() => this.#slice());
  }

  /** Train for a slice, and show where that leads when the steps of a frame are made. */
  #slice() {
    this.scheduled = false;
    const training = this.training;
    if (!training || !this.running || !(this.drawn || this.once)) return;
    const made = training.train(this.left || Infinity, this.now() + SLICE, this.now);
    if (this.perFrame > 0 && made < this.left && !training.diverged) {
      this.left -= made;
      return this.#schedule();
    }
    this.left = this.perFrame;
    if (training.diverged || this.once) return this.#pause(training);
    this.#show(training);
  }

  /** @param {Training} training */
  #show(training) {
    const { step } = training.descent;
    const at = this.now();
    const seconds = (at - this.since.at) / 1000;
    const rate = this.running && seconds > 0 ? Math.max(step - this.since.step, 0) / seconds : 0;
    this.since = { step, at };
    this.drawn = false;
    const outcome = training.diverged ? "diverged" : this.running ? "training" : "paused";
    this.post({ kind: "frame", ...training.frame(), outcome, stepsPerSecond: rate });
  }
}

/** @param {unknown} count */
function steps(count) {
  if (Number.isSafeInteger(count) && Number(count) >= 0) return Number(count);
  throw new Refusal(`a number of steps must be whole and not negative, got ${count}`);
}
