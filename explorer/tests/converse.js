/**
 * Conversations with the engine, for tests in Python: JSON on standard input and output, lists of commands in and
 * lists of answers out. Every command but "drawn" ends in a frame or a refusal, which is waited for.
 */

import { readFileSync } from "node:fs";
import { Generator } from "../source/engine/random.js";
import { Service } from "../source/engine/service.js";

/** @typedef {import("../source/types.js").Answer} Answer */
/** @typedef {import("../source/types.js").Command} Command */

/** @param {Command[]} commands */
function converse(commands) {
  /** @type {Answer[]} */
  const answers = [];
  /** @type {(() => void)[]} */
  const tasks = [];
  const service = new Service((answer) => answers.push(answer), (task) => tasks.push(task), () => performance.now());
  for (const command of commands) {
    service.answer(command);
    for (let task = tasks.shift(); task; task = tasks.shift()) task();
  }
  return answers;
}

/** @param {{ seed: number, uniform: number, normal: number }} asked */
function draws({ seed, uniform, normal }) {
  const generator = new Generator(seed);
  return { uniform: generator.uniform(0, 1, uniform), normal: generator.normals(normal) };
}

const asked = JSON.parse(readFileSync(0, "utf8"));
const plain = (/** @type {string} */ _, /** @type {unknown} */ value) => (ArrayBuffer.isView(value) ? Array.from(/** @type {Float64Array} */ (value)) : value);
const found = Array.isArray(asked) ? asked.map(converse) : draws(asked);
process.stdout.write(JSON.stringify(found, plain));
