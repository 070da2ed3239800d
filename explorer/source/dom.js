/** Elements, made and changed so that every string is text and nothing is written that stands there already. */

/**
 * Make an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean>} [attributes]  true: without a value; false: left out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) mark(made, name, value);
  made.append(...children);
  return made;
}

/**
 * Set an attribute; true: without a value; false: remove it.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean} value
 */
export function mark(element, name, value) {
  const wanted = value === false ? null : value === true ? "" : String(value);
  if (element.getAttribute(name) === wanted) return;
  if (wanted === null) element.removeAttribute(name);
  else element.setAttribute(name, wanted);
}

/**
 * Set the text of an element.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The element with an id; the page is wrong without it.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function find(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page must have a ${type.name} with the id ${id}`);
  return found;
}

/**
 * A button.
 * @param {string} label
 * @param {() => void} press
 * @param {Record<string, string | number | boolean>} [attributes]
 */
export function button(label, press, attributes = {}) {
  const made = make("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", press);
  return made;
}
