/** Elements of SVG, made once and changed in place. */

const SPACE = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, string | number>} Attributes */

/**
 * Make an element at the end of a parent.
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Element | null} parent
 * @param {Name} name
 * @param {Attributes} [attributes]
 * @returns {SVGElementTagNameMap[Name]}
 */
export function make(parent, name, attributes = {}) {
  const node = document.createElementNS(SPACE, name);
  set(node, attributes);
  parent?.append(node);
  return node;
}

/**
 * Set attributes; those that stay as they are cost nothing.
 * @param {Element} node
 * @param {Attributes} attributes
 */
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

/**
 * Show or hide.
 * @param {SVGElement} node
 * @param {boolean} visible
 */
export function show(node, visible) {
  if (visible && node.hasAttribute("display")) node.removeAttribute("display");
  if (!visible) set(node, { display: "none" });
}

/**
 * As many elements as are needed: more are made, those left over are hidden.
 * @template {SVGElement} T
 * @param {() => T} create
 * @returns {(count: number) => T[]}
 */
export function pool(create) {
  /** @type {T[]} */
  const all = [];
  let shown = 0;
  return (count) => {
    while (all.length < count) all.push(create());
    for (let i = Math.min(shown, count); i < Math.max(shown, count); i++) show(all[i], i < count);
    shown = count;
    return all.slice(0, count);
  };
}

/**
 * Do something only when what it depends on is not the same as last time.
 * @returns {(causes: readonly unknown[], act: () => void) => void}
 */
export function onChange() {
  /** @type {readonly unknown[]} */
  let last = [];
  return (causes, act) => {
    if (causes.length === last.length && causes.every((cause, i) => Object.is(cause, last[i]))) return;
    last = causes;
    act();
  };
}

/**
 * Write a text in which `λ_max` has a subscript; nothing happens if it is written already.
 * @param {Element} node  of SVG or of HTML
 * @param {string} text
 */
export function write(node, text) {
  if (node.getAttribute("data-text") === text) return;
  node.setAttribute("data-text", text);
  const [first, ...rest] = text.split("λ_max");
  const later = rest.flatMap((after) => [...sharpness(node), after]);
  node.replaceChildren(first, ...(node instanceof SVGElement ? raised(later) : later));
}

/** @param {Element} node */
function sharpness(node) {
  const below =
    node instanceof SVGElement
      ? make(null, "tspan", { dy: "0.25em", "font-size": "75%" })
      : document.createElement("sub");
  below.textContent = "max";
  return ["λ", below];
}

/**
 * In SVG what follows a subscript has to be raised to the line again.
 * @param {(string | Element)[]} parts
 */
function raised(parts) {
  return parts.map((part, i) => {
    if (typeof part !== "string" || part === "" || i === 0 || typeof parts[i - 1] === "string") return part;
    const back = make(null, "tspan", { dy: "-0.19em" }); // 0.25 of a letter of 75 % size
    back.textContent = part;
    return back;
  });
}
