/**
 * The worker: started from the text that the page carries, so that the page is one file and asks for nothing.
 *
 * @typedef {import("./types.js").Command} Command
 * @typedef {import("./types.js").Answer} Answer
 *
 * @typedef {object} Link
 * @property {(command: Command) => void} post
 * @property {() => void} close
 */

/**
 * Start a worker.
 * @param {string} text  its script
 * @param {(answer: Answer) => void} hear
 * @param {(sentence: string) => void} lose  when it has died
 * @returns {Link}
 */
export function connect(text, hear, lose) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return linkTo(new Worker(address), address, hear, lose);
  } catch (error) {
    setTimeout(() => lose(`The browser does not let this page train: ${error instanceof Error ? error.message : error}.`));
    return { post: () => {}, close: () => URL.revokeObjectURL(address) };
  }
}

/**
 * @param {Worker} worker
 * @param {string} address
 * @param {(answer: Answer) => void} hear
 * @param {(sentence: string) => void} lose
 * @returns {Link}
 */
function linkTo(worker, address, hear, lose) {
  const close = () => {
    worker.terminate();
    URL.revokeObjectURL(address);
  };
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", (event) => {
    event.preventDefault(); // the page says it; the console need not
    close();
    lose(`Training stopped with an error: ${event.message || "the browser ended it"}.`);
  });
  return { post: (command) => worker.postMessage(command), close };
}
