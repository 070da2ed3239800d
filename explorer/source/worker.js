/** The engine on a thread of its own. */

import { Service } from "./engine/service.js";

// A message to itself lets commands in between, and does not wait as a timer does.
const channel = new MessageChannel();
/** @type {(() => void)[]} */
const tasks = [];
channel.port1.onmessage = () => tasks.shift()?.();

const service = new Service(
  (answer) => postMessage(answer),
  (task) => {
    tasks.push(task);
    channel.port2.postMessage(null);
  },
  () => performance.now(),
);
onmessage = ({ data }) => service.answer(data);
