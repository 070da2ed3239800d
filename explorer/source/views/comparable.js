/** @typedef {import("../types.js").Setup} Setup */

/**
 * Whether two runs have the same loss and points of the same kind; the draw of the points may differ.
 * @param {Setup} one
 * @param {Setup} other
 */
export function isComparable(one, other) {
  return one.loss === other.loss && kindOf(one) === kindOf(other);
}

/** @param {Setup} setup */
function kindOf({ data }) {
  return JSON.stringify({ ...data, seed: 0 });
}
