/**
 * Where something happened: a dotted line up the panel with its word, as far as words have room.
 *
 * @typedef {import("../drawing/scale.js").Scale} Scale
 * @typedef {import("../story.js").Happening} Happening
 */
import { LETTER, LINE } from "../drawing/panel.js";
import { tenth } from "../drawing/path.js";
import { make, pool, set, write } from "../drawing/svg.js";

/** @type {Partial<Record<Happening["kind"], string>>} */
const WORDS = {
  beyond: "beyond the edge",
  catapult: "catapult",
  edge: "at the edge",
  dead: "all dead",
  interpolating: "interpolating",
  diverged: "✕ diverged",
};

/** @param {Element} parent */
export function happenings(parent) {
  const lines = pool(() => make(parent, "path", { class: "guide" }));
  const texts = pool(() => make(parent, "text", { class: "event" }));
  return (
    /** @type {readonly Happening[]} */ events,
    /** @type {Scale} */ x,
    /** @type {{ top: number, bottom: number, right: number }} */ box,
  ) => {
    const found = events.filter(({ kind }) => WORDS[kind]);
    const marks = found.map(({ kind, step }) => ({ text: WORDS[kind] ?? "", at: tenth(x.at(step)) }));
    const spoken = withRoom(marks, box.right);
    lines(marks.length).forEach((node, i) => {
      const hasWord = spoken.some(({ at }) => at === marks[i].at);
      set(node, { d: `M${marks[i].at} ${hasWord ? box.top : box.top + LINE}V${box.bottom}` });
    });
    texts(spoken.length).forEach((node, i) => {
      const { text, at, isLeft } = spoken[i];
      set(node, { x: at + (isLeft ? -4 : 4), y: box.top + 10, "text-anchor": isLeft ? "end" : "start" });
      write(node, text);
    });
  };
}

/**
 * Words that do not touch; the latest come first, and one that would leave the panel stands left of its line.
 * @param {{ text: string, at: number }[]} found
 * @param {number} right
 */
export function withRoom(found, right) {
  let free = right;
  return [...found].reverse().flatMap(({ text, at }) => {
    const length = LETTER * text.length + 6;
    const isLeft = at + length > right;
    const [from, to] = isLeft ? [at - length, at] : [at, at + length];
    if (to > free || from < 50) return [];
    free = from;
    return [{ text, at, isLeft }];
  });
}
