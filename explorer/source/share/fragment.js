/**
 * A setup, and the step sizes of the runs kept, as the fragment of an address, and back.
 *
 * Whatever cannot be read is left out and named in one sentence; the rest counts.
 *
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../types.js").Data} Data
 * @typedef {{ stepSize: number, steps: number }} Kept
 * @typedef {{ setup: Setup, kept: Kept[], sentence: string }} Read
 */
import { ARMS, drawnData, LOSSES, objection, RANGES, same, TRUTHS } from "../setup.js";

const MOST_POINTS = 2000;
const FARTHEST = 1e6; // of a coordinate
const MOST_STEPS = 1e9;

/** Numbers of a setup: key in the address → name in `RANGES`. */
const NUMBERS = /** @satisfies {Record<string, keyof typeof RANGES>} */ ({
  n: "n",
  noise: "noise",
  flips: "flipRate",
  amplitude: "amplitude",
  range: "halfWidth",
  seed: "seed",
  width: "width",
  "start-seed": "seed",
  eta: "stepSize",
  momentum: "momentum",
  decay: "weightDecay",
  warmup: "warmupSteps",
});

/**
 * @param {Setup} setup
 * @param {readonly Kept[]} kept
 * @param {Data | null} table  points that the page was made with: they need not be in its address
 */
export function fragmentOf(setup, kept, table) {
  const { loss, data, start, method } = setup;
  const pairs = [["loss", loss], ...dataPairs(data, table)];
  pairs.push(["start", start.arm], ["width", `${start.width}`], ["start-seed", `${start.seed}`]);
  pairs.push(["eta", `${method.stepSize}`]);
  if (method.momentum) pairs.push(["momentum", `${method.momentum}`]);
  if (method.weightDecay) pairs.push(["decay", `${method.weightDecay}`]);
  if (method.warmupSteps) pairs.push(["warmup", `${method.warmupSteps}`]);
  if (kept.length) pairs.push(["kept", kept.map(({ stepSize, steps }) => `${stepSize}x${steps}`).join()]);
  return pairs.map(([key, value]) => `${key}=${value}`).join("&");
}

/**
 * @param {Data} data
 * @param {Data | null} table
 * @returns {string[][]}
 */
function dataPairs(data, table) {
  if (table && same(data, table)) return [["data", "table"]];
  const law = [["flips", `${data.flipRate}`], ["amplitude", `${data.amplitude}`], ["range", `${data.halfWidth}`]];
  if (data.kind === "own")
    return [["truth", data.truth ?? "none"], ...law, ["x", data.x.join()], ["y", data.y.join()]];
  return [["truth", data.truth], ["n", `${data.n}`], ["noise", `${data.noise}`], ...law, ["seed", `${data.seed}`]];
}

/**
 * @param {string} fragment  without #
 * @param {Setup} fallback  what counts where the address says nothing
 * @param {Data | null} table
 * @returns {Read}
 */
export function parse(fragment, fallback, table) {
  const given = new URLSearchParams(fragment);
  /** @type {string[]} */
  const wrong = [];
  const take = reader(given, wrong);
  const loss = take("loss", oneOf(LOSSES)) ?? fallback.loss;
  const data = dataOf(take, loss, fallback, table, given, wrong);
  const arm = take("start", oneOf(ARMS)) ?? fallback.start.arm;
  const start = { arm, width: take("width", numeric("width")) ?? fallback.start.width,
    seed: take("start-seed", numeric("start-seed")) ?? fallback.start.seed };
  const old = given.has("start") ? { ...fallback.method, momentum: 0, weightDecay: 0, warmupSteps: 0 } : fallback.method;
  const method = {
    stepSize: take("eta", numeric("eta")) ?? old.stepSize,
    momentum: take("momentum", numeric("momentum")) ?? old.momentum,
    weightDecay: take("decay", numeric("decay")) ?? old.weightDecay,
    warmupSteps: arm === "large" ? take("warmup", numeric("warmup")) ?? old.warmupSteps : 0,
  };
  const kept = take("kept", keptOf) ?? [];
  const sentence = wrong.length
    ? `The address of this page holds what it cannot mean (${wrong.slice(0, 3).join(", ")}); the rest counts.`
    : "";
  return { setup: { loss, data, start, method }, kept, sentence };
}

/**
 * @template T
 * @callback Take
 * @param {string} key
 * @param {(text: string) => T | undefined} read  undefined for what it cannot mean
 * @returns {T | undefined}
 */

/**
 * @param {URLSearchParams} given
 * @param {string[]} wrong
 */
function reader(given, wrong) {
  /** @template T @param {string} key @param {(text: string) => T | undefined} read */
  return (key, read) => {
    const text = given.get(key);
    if (text === null) return undefined;
    const value = read(text);
    if (value === undefined) wrong.push(shortened(`${key}=${text}`));
    return value;
  };
}

/**
 * @param {ReturnType<typeof reader>} take
 * @param {Setup["loss"]} loss
 * @param {Setup} fallback
 * @param {Data | null} table
 * @param {URLSearchParams} given
 * @param {string[]} wrong
 * @returns {Data}
 */
function dataOf(take, loss, fallback, table, given, wrong) {
  if (given.get("data") === "table" && table) return table;
  if (![...given.keys()].some((key) => key !== "data")) return fallback.data;
  const base = drawnData(fallback.data);
  const truth = take("truth", oneOf([...TRUTHS, "none"])) ?? base.truth;
  const law = {
    amplitude: take("amplitude", numeric("amplitude")) ?? base.amplitude,
    flipRate: take("flips", numeric("flips")) ?? base.flipRate,
    halfWidth: take("range", numeric("range")) ?? base.halfWidth,
  };
  if (given.has("x") || given.has("y")) {
    const [x, y] = [take("x", coordinates), take("y", coordinates)];
    const fits = x && y && x.length === y.length && (loss === "square" || y.every((each) => Math.abs(each) === 1));
    if (fits) return { kind: "own", x, y, truth: truth === "none" ? null : truth, ...law };
    if (x && y) wrong.push("x and y, which must be as many");
  }
  const drawn = { n: take("n", numeric("n")) ?? base.n, noise: take("noise", numeric("noise")) ?? base.noise,
    seed: take("seed", numeric("seed")) ?? base.seed };
  return { kind: "curve", truth: truth === "none" ? base.truth : truth, ...drawn, ...law };
}

/**
 * @template {string} T
 * @param {readonly T[]} known
 */
function oneOf(known) {
  return (/** @type {string} */ text) => known.find((each) => each === text);
}

/** @param {keyof typeof NUMBERS} key */
function numeric(key) {
  return (/** @type {string} */ text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    return objection("", NUMBERS[key], value) ? undefined : value;
  };
}

/** @param {string} text */
function coordinates(text) {
  const values = text.split(",").map((each) => (each.trim() === "" ? NaN : Number(each)));
  const legal = values.every((value) => Math.abs(value) <= FARTHEST);
  return legal && values.length >= RANGES.n[0] && values.length <= MOST_POINTS ? values : undefined;
}

/** @param {string} text */
function keptOf(text) {
  const kept = text.split(",").map((each) => {
    const [stepSize, steps] = each.split("x").map(Number);
    return { stepSize, steps };
  });
  const legal = kept.every(({ stepSize, steps }) =>
    !objection("", "stepSize", stepSize) && Number.isInteger(steps) && steps > 0 && steps <= MOST_STEPS);
  return legal && kept.length <= 24 ? kept : undefined;
}

/** @param {string} text */
function shortened(text) {
  return text.length <= 30 ? text : `${text.slice(0, 29)}…`;
}
