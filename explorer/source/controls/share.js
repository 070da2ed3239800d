/**
 * Share and keep: the address, pictures, tables, and the lines of Python.
 *
 * @typedef {import("../types.js").Given} Given
 * @typedef {import("../state.js").State} State
 * @typedef {{ svg: () => string }} View
 */
import { find, make, write } from "../dom.js";
import { png } from "../drawing/paper.js";
import { addressOf } from "../share/address.js";
import { dataCsv, historyCsv } from "../share/csv.js";
import { copy, download } from "../share/download.js";
import { pythonOf } from "../share/python.js";

/** @type {Record<string, string>} */
const TITLES = { fit: "fit", sharpness: "sharpness", loss: "loss", variation: "weighted variation", risk: "risk" };

/**
 * @param {Given} given
 * @param {Record<string, View>} views
 * @param {() => State} now
 */
export function createShare(given, views, now) {
  const table = given.setup?.data ?? null;
  const said = find("shared", HTMLElement);
  const picture = find("picture", HTMLSelectElement);
  const code = find("python", HTMLElement);
  const fold = find("python-fold", HTMLDetailsElement);
  picture.append(...Object.keys(views).map((name) => make("option", { value: name }, TITLES[name] ?? name)));
  const press = (/** @type {string} */ id, /** @type {() => void} */ act) =>
    find(id, HTMLButtonElement).addEventListener("click", act);
  press("copy-link", () => copied(`${location.href.split("#")[0]}#${addressOf(now(), table)}`,
    "The address can be pasted now.", "The browser does not let this page copy; the address is in the address bar."));
  press("copy-python", () => copied(python(), "The lines can be pasted now.",
    "The browser does not let this page copy; the lines can be selected."));
  press("download-svg", () => save(`${picture.value}.svg`, views[picture.value].svg(), "image/svg+xml"));
  press("download-png", async () => save(`${picture.value}.png`, await png(views[picture.value].svg())));
  press("download-data", () => {
    const { ready } = now();
    if (ready) save("points.csv", dataCsv(ready, given.table), "text/csv");
  });
  press("download-history", () => save("history.csv", historyCsv(now().runs, now().history), "text/csv"));
  fold.addEventListener("toggle", () => write(code, fold.open ? python() : ""));
  return { update };

  /** @param {State} state */
  function update({ playing }) {
    if (fold.open && !playing) write(code, python());
  }

  function python() {
    const { segments, frame, ready } = now();
    return ready && frame ? pythonOf(segments, frame.step, ready) : "";
  }

  /** @param {string} name @param {Blob | string} content @param {string} [type] */
  function save(name, content, type) {
    download(`stepscape-${name}`, content, type);
    write(said, `stepscape-${name} was saved.`);
  }

  /** @param {string} text @param {string} done @param {string} failed */
  async function copied(text, done, failed) {
    write(said, (await copy(text)) ? done : failed);
  }
}
