/** How plots write round numbers and settings: as `short` and `rounded` of `stepscape.tables.number`. */

import { number } from "../words.js";

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const THIN = "\u202f";

/**
 * Write a number with so many decimals, thin spaces between thousands from 10 000 on, a true minus.
 * @param {number} value
 * @param {number} decimals
 */
export function fixed(value, decimals) {
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN) : whole;
  const text = rest === undefined ? grouped : `${grouped}.${rest}`;
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/**
 * Write a round number, such as the name of a tick or a setting, without zeros at its end.
 * @param {number} value
 */
export function short(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return number(value);
  const [mantissa, exponent] = value.toExponential(5).split("e");
  const size = Number(exponent);
  if (size > -4 && size < 6) {
    const text = fixed(value, Math.max(0, 9 - size));
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }
  const factor = String(Number(mantissa));
  if (Math.abs(Number(factor)) === 1) return factor.replace("-", "−").replace("1", "") + power(size);
  return `${factor} × ${power(size)}`.replace("-", "−");
}

/**
 * Write a setting such as a step size: so many significant digits at most.
 * @param {number} value
 */
export function rounded(value, digits = 3) {
  return short(Number(value.toPrecision(digits)));
}

/** @param {number} exponent */
function power(exponent) {
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => SUPERSCRIPTS[Number(digit)]);
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}
