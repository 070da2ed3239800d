/**
 * Lessons: a setup each, two sentences, and what to do next.
 *
 * @typedef {import("./types.js").Setup} Setup
 * @typedef {import("./types.js").Method} Method
 *
 * @typedef {object} Move  one thing to do; one of the five
 * @property {string} label
 * @property {Partial<Method>} [method]  changed while it trains
 * @property {Partial<Setup>} [setup]  begins a new run
 * @property {boolean} [paused]  which does not train yet
 * @property {number} [steps]  made, while it pauses
 * @property {{ stepSizes: number[], steps: number }} [sweep]
 * @property {[number, number]} [point]  added
 *
 * @typedef {object} Preset
 * @property {string} claim  its name in the ledger
 * @property {string} title
 * @property {string} try
 * @property {string} look
 * @property {Setup} setup
 * @property {Move[]} moves
 */
import { OPENING, WARMUP } from "./setup.js";

/**
 * The setup of the opening with changes.
 * @param {Setup["loss"]} loss
 * @param {Partial<import("./types.js").CurveData>} data
 * @param {Partial<import("./types.js").Start>} start
 * @param {number} stepSize
 * @returns {Setup}
 */
function setupOf(loss, data, start, stepSize) {
  const warmupSteps = start.arm === "large" ? WARMUP : 0;
  return {
    loss,
    data: /** @type {import("./types.js").CurveData} */ ({ ...OPENING.data, ...data }),
    start: { ...OPENING.start, ...start },
    method: { stepSize, momentum: 0, weightDecay: 0, warmupSteps },
  };
}

/** Points of a tent on the middle third of its interval: beyond them no label holds the network. */
const MIDDLE = {
  x: [-1, -0.85, -0.72, -0.6, -0.48, -0.33, -0.2, -0.08, 0.05, 0.19, 0.3, 0.44, 0.57, 0.7, 0.86, 1],
  y: [0.47, 0.17, 0.64, 1.1, 0.56, 0.96, 1.43, 1.69, 1.03, 1.35, 0.9, 1.21, 0.84, 0.27, 0.55, 0.07],
};

/**
 * Moves that drag the step size.
 * @param {number[]} stepSizes
 * @returns {Move[]}
 */
function drags(...stepSizes) {
  return stepSizes.map((stepSize) => ({ label: `Drag to η = ${stepSize}`, method: { stepSize } }));
}

/** @type {Preset[]} */
export const PRESETS = [
  {
    claim: "curve-fitting",
    title: "Curve fitting",
    try: "Let the network train at η = 0.01 for a few seconds, then press the button: six step sizes train one after another " +
      "from the same start, for 20\u202f000 steps each.",
    look: "The larger the step size, the fewer straight pieces the curve has, and the risk falls and rises again: small steps " +
      "follow the noise, large ones cut off the peak.",
    setup: setupOf("square", {}, { arm: "large" }, 0.01),
    moves: [{
      label: "Train six step sizes",
      sweep: { stepSizes: [0.01, 0.05, 0.1, 0.2, 0.4, 0.8], steps: 20_000 },
    }],
  },
  {
    claim: "sharpness-vs-step-size",
    title: "The edge of stability",
    try: "Wait until λ_max has risen to 2/η, then drag the step size up in small moves.",
    look: "Each time λ_max first lies above its new threshold, is thrown below it, and rises until it hovers there again; it " +
      "is the step size that decides how sharp the network gets.",
    setup: setupOf("square", {}, { arm: "small" }, 0.05),
    moves: drags(0.06, 0.075, 0.1, 0.15),
  },
  {
    claim: "catapult-graveyard",
    title: "The catapult graveyard",
    try: "PyTorch's default start is far too sharp for η = 0.3: see what is left of it, make its first steps one by one, then begin " +
      "at a smaller step size, on wider inputs, and at the small start.",
    look: "Two steps overshoot, the third throws nearly all kinks out of the data, and what is left is a level line; on wider inputs " +
      "the run diverges, and from the small start, which lies below 2/η, the neurons survive.",
    setup: setupOf("square", { halfWidth: 1 }, { arm: "printed" }, 0.3),
    moves: [
      { label: "Once more, paused", setup: setupOf("square", { halfWidth: 1 }, { arm: "printed" }, 0.3), paused: true },
      { label: "One step (press it four times)", steps: 1 },
      { label: "Default start at η = 0.03", setup: setupOf("square", { halfWidth: 1 }, { arm: "printed" }, 0.03) },
      { label: "Inputs from −3 to 3", setup: setupOf("square", {}, { arm: "printed" }, 0.3) },
      { label: "Small start at η = 0.3", setup: setupOf("square", {}, { arm: "small" }, 0.3) },
    ],
  },
  {
    claim: "interpolation-is-sharp",
    title: "Interpolation is sharp",
    try: "The network passes through six labels of pure noise; when it does, double the step size, and again, and again.",
    look: "Beyond 2/λ_max the run leaves the labels and comes back to them with a flatter curve, until no curve through the " +
      "labels is flat enough: at η = 0.64 it stays away.",
    setup: setupOf("square", { n: 6, noise: 1, truth: "zero", halfWidth: 1 }, { arm: "large" }, 0.01),
    moves: drags(0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
  },
  {
    claim: "flat-but-wrong",
    title: "Flat, but wrong",
    try: "Four of these twenty labels are not the likely ones; let the network train until every label is on its side of the curve, " +
      "and longer, then begin at a larger step size.",
    look: "λ_max falls far below 2/η while the network grows certain of those four, too: it gets flatter and flatter, and its risk " +
      "rises. At η = 4 it misses labels and is less wrong.",
    setup: setupOf("logistic", { truth: "wave", n: 20, flipRate: 0.2, amplitude: 4, halfWidth: 1, seed: 8 },
      { arm: "printed", width: 400 }, 1),
    moves: [{
      label: "Begin at η = 4",
      setup: setupOf("logistic", { truth: "wave", n: 20, flipRate: 0.2, amplitude: 4, halfWidth: 1, seed: 8 },
        { arm: "printed", width: 400 }, 4),
    }],
  },
  {
    claim: "feature-learning",
    title: "Dead neurons outside the data",
    try: "All points lie in the middle; when most neurons have died, add a point where there is none.",
    look: "The kinks of the dead neurons lie outside the data, where the curve bends although no label asked for it; the " +
      "new point wakes those that are active there.",
    setup: {
      ...setupOf("square", {}, { arm: "printed", width: 200 }, 0.2),
      data: { kind: "own", ...MIDDLE, truth: "tent", amplitude: 2, flipRate: 0.1, halfWidth: 3 },
    },
    moves: [
      { label: "Add a point at x = 2.5", point: [2.5, 1] },
      { label: "Add a point at x = −2.5", point: [-2.5, 1] },
    ],
  },
  {
    claim: "clean-labels",
    title: "Clean labels",
    try: "Without noise the curve should pass through every label; press the button to train five step sizes from the same start.",
    look: "Up to η = 0.1 the curves pass through the labels, nearly, and differ between them; at η = 0.4 a curve through the " +
      "labels would be too sharp, and the run cuts off the peaks.",
    setup: setupOf("square", { truth: "wave", n: 20, noise: 0 }, { arm: "large", width: 400 }, 0.1),
    moves: [{ label: "Train five step sizes", sweep: { stepSizes: [0.01, 0.05, 0.1, 0.2, 0.4], steps: 50_000 } }],
  },
];
