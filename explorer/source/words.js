/** Numbers as the project writes them: three digits, a true minus, thin spaces between thousands. */

const THIN = "\u202f";
const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/**
 * A number to so many significant digits.
 * @param {number} value
 * @param {number} [digits]
 */
export function number(value, digits = 3) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return power(value, digits);
  const places = size === 0 ? 0 : Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return grouped(value.toFixed(Math.min(places, 12)));
}

/**
 * A whole number.
 * @param {number} value
 */
export function count(value) {
  return grouped(value.toFixed(0));
}

/**
 * A count with its noun.
 * @param {number} value
 * @param {string} noun
 * @param {string} [plural]
 */
export function counted(value, noun, plural = `${noun}s`) {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** @param {string} digits */
function grouped(digits) {
  const [whole, rest] = digits.replace("-", "−").split(".");
  const spaced = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  return rest === undefined ? spaced : `${spaced}.${rest}`;
}

/**
 * @param {number} value
 * @param {number} digits
 */
function power(value, digits) {
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const raised = [...exponent.replace("+", "")].map((sign) => (sign === "-" ? "⁻" : SUPERSCRIPT[Number(sign)])).join("");
  return `${mantissa.replace("-", "−")} × 10${raised}`;
}
