/** Color of a step size: viridis on log η from 0.003 to 4, the same in all plots; large steps are light. */

/** Viridis (van der Walt and Smith, 2015) at 17 equal steps. */
const VIRIDIS = [
  0x440154, 0x48186a, 0x472d7b, 0x424086, 0x3b528b, 0x33638d, 0x2c728e, 0x26828e, 0x21918c, 0x1fa088,
  0x28ae80, 0x3fbc73, 0x5ec962, 0x84d44b, 0xaddc30, 0xd8e219, 0xfde725,
];
const STEP_SIZES = [0.003, 4];
const INK = 0.4;
/** Which part is legible: its light end is too light on paper, its dark end too dark on a dark ground. */
const PARTS = { light: [0, 0.75], dark: [0.4, 1] };

/** @param {number} stepSize @param {"light" | "dark"} scheme */
export function etaColor(stepSize, scheme = "light") {
  const [low, high] = STEP_SIZES.map(Math.log);
  const place = Math.min(1, Math.max(0, (Math.log(stepSize) - low) / (high - low)));
  const [from, to] = PARTS[scheme];
  return viridis(from + (to - from) * place);
}

/** Colors of a step size as variables that the style sheet chooses from.
 * @param {number} stepSize */
export function etaStyle(stepSize) {
  const [light, dark] = [etaColor(stepSize), etaColor(stepSize, "dark")];
  const inks = `--eta-ink-light:${toward(light, 0)};--eta-ink-dark:${toward(dark, 255)}`;
  return `--eta-light:${light};--eta-dark:${dark};${inks}`;
}

/**
 * The color for letters, which are thinner than curves: on the way to black or white.
 * @param {string} color
 * @param {0 | 255} end
 */
function toward(color, end) {
  const parts = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return hex(parts.map((part) => Math.round(part + INK * (end - part))));
}

/** @param {number[]} parts */
function hex(parts) {
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** @param {number} place in [0, 1] */
function viridis(place) {
  const at = place * (VIRIDIS.length - 1);
  const left = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const mix = (/** @type {number} */ shift) => {
    const [a, b] = [VIRIDIS[left], VIRIDIS[left + 1]].map((color) => (color >> shift) & 255);
    return Math.round(a + (b - a) * (at - left));
  };
  return hex([mix(16), mix(8), mix(0)]);
}
