/**
 * Full-batch descent of f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2, O(n + k) per step and nothing allocated.
 *
 * Two iterates are kept, each with the cells of its neurons; a step reads the last and writes over the one before
 * it. A knot is expected in the cell that it had two steps ago, because descent at the edge of stability has period
 * two. No bit depends on it: a cell is an integer, however found.
 *
 * @typedef {import("./problem.js").Problem} Problem
 *
 * @typedef {object} State  what a descent continues from, exactly
 * @property {number} step  steps made
 * @property {number} time  Σ of their step sizes
 * @property {Float64Array} theta  the last iterate (3k + 1,)
 * @property {Float64Array} before  the iterate before it, equal at step 0
 * @property {Float64Array} velocity  of the heavy ball
 *
 * @typedef {object} Iterate
 * @property {Float64Array} theta (3k + 1,)
 * @property {Float64Array} w1  its parts, not copies (k,)
 * @property {Float64Array} b1
 * @property {Float64Array} w2
 * @property {Uint32Array} cells (k,)
 *
 * @typedef {object} Descent  changed in place
 * @property {Problem} problem
 * @property {Iterate} last
 * @property {Iterate} before  equal at step 0
 * @property {Float64Array} velocity  of the heavy ball
 * @property {boolean} heavy  whether the velocity may be other than 0
 * @property {number} step  steps made
 * @property {number} time  Σ of their step sizes
 * @property {Float64Array} values  f of the last iterate at the inputs (n,)
 * @property {number} size  of these values, see `setSlopes`
 * @property {Uint32Array} moving  the neurons that a step moves, the first `count` entries; the others are dead for good
 * @property {number} count
 * @property {boolean} plain  whether that list is one of plain descent
 * @property {Work} work
 *
 * @typedef {object} Work  slope and shift are empty between steps; moment and total belong to the last iterate
 * @property {Float64Array} g
 * @property {Float64Array} slope
 * @property {Float64Array} shift
 * @property {Float64Array} moment
 * @property {Float64Array} total
 * @property {Float64Array} left
 * @property {Float64Array} right
 */

import { cellOf, cellsOf, middles, sides } from "./cells.js";
import { setSlopes } from "./losses.js";
import { gather, spread } from "./sums.js";

const TINY = 1e-270; // smaller numbers become 0: those of dying neurons decay into subnormals, which are slow
const SWEEP_EVERY = 64; // steps

/** The state of a descent that has not begun. @param {Float64Array} theta @returns {State} */
export const startAt = (theta) => ({ step: 0, time: 0, theta, before: theta, velocity: new Float64Array(theta.length) });

/** @param {Descent} descent @returns {State} */
export function stateOf({ step, time, last, before, velocity }) {
  return { step, time, theta: last.theta.slice(), before: before.theta.slice(), velocity: velocity.slice() };
}

/** @param {Problem} problem @param {State} state  which is copied @returns {Descent} */
export function createDescent(problem, { step, time, theta, before, velocity }) {
  const n = problem.x.length;
  const cells = () => new Float64Array(2 * n + 2);
  const last = iterate(theta, problem.x, middles((theta.length - 1) / 3, problem.x));
  const descent = {
    problem,
    last,
    before: iterate(before, problem.x, last.cells),
    velocity: velocity.slice(),
    heavy: true,
    step,
    time,
    values: new Float64Array(n),
    size: 0,
    moving: Uint32Array.from(last.cells, (_, j) => j),
    count: last.cells.length,
    plain: false,
    work: {
      g: new Float64Array(n),
      ...{ slope: cells(), shift: cells(), moment: cells(), total: cells() },
      ...sides(problem.x),
    },
  };
  scatter(last, descent.work);
  look(descent);
  return descent;
}

/** @param {Float64Array} given @param {Float64Array} x @param {Uint32Array} near @returns {Iterate} */
function iterate(given, x, near) {
  const theta = given.slice();
  const [w1, b1, w2] = [0, 1, 2].map((block) => theta.subarray(block * near.length, (block + 1) * near.length));
  return { theta, w1, b1, w2, cells: cellsOf(theta, x, near) };
}

/** Add each neuron to its cell. @param {Iterate} iterate @param {{ slope: Float64Array, shift: Float64Array }} work */
function scatter({ w1, b1, w2, cells }, { slope, shift }) {
  cells.forEach((cell, j) => {
    slope[cell] += w2[j] * w1[j];
    shift[cell] += w2[j] * b1[j];
  });
}

/** Evaluate f at the inputs and the sums of the slopes of the loss there. @param {Descent} descent */
function look(descent) {
  const { problem, last, values, work } = descent;
  spread(problem.x, work.slope, work.shift, last.theta[last.theta.length - 1], values);
  descent.size = setSlopes(problem, values, work.g);
  gather(problem.x, work.g, work.moment, work.total);
}

/**
 * One step in the conventions of torch.optim.SGD: v ← momentum·v + ∇L + decay·θ, θ ← θ - η v; b2 does not decay.
 *
 * @param {Descent} descent @param {number} eta @param {number} momentum @param {number} decay
 * @returns {boolean} whether the numbers are finite
 */
export function advance(descent, eta, momentum, decay) {
  const { last, before, velocity, work } = descent;
  const end = velocity.length - 1;
  if (descent.step % SWEEP_EVERY === 0) sweep(descent);
  const plain = momentum === 0 && decay === 0;
  if (descent.step % SWEEP_EVERY === 0 || plain !== descent.plain) list(descent, plain);
  if (momentum === 0 && descent.heavy) velocity.fill(0);
  descent.heavy = momentum !== 0;
  const pull = momentum * velocity[end] + work.total[0];
  if (momentum !== 0) velocity[end] = pull;
  before.theta[end] = last.theta[end] - eta * pull;
  move(descent, eta, momentum, decay);
  descent.last = before;
  descent.before = last;
  descent.step += 1;
  descent.time += eta;
  look(descent);
  return Math.abs(work.moment[0]) + Math.abs(work.total[0]) + descent.size < Infinity;
}

/** Let tiny numbers be 0. @param {Descent} descent */
function sweep({ last, before, velocity }) {
  for (const numbers of [last.theta, before.theta, velocity]) {
    for (let j = 0; j < numbers.length; j++) if (Math.abs(numbers[j]) < TINY) numbers[j] = 0;
  }
}

/**
 * List the neurons that move. Plain descent leaves out those that no gradient reaches, which is exact.
 *
 * @param {Descent} descent @param {boolean} plain
 */
function list(descent, plain) {
  const { last, before, moving, problem } = descent;
  const n = problem.x.length;
  const dead = (/** @type {number} */ cell) => cell === n || cell === n + 1;
  const still = (/** @type {number} */ j) =>
    dead(last.cells[j]) &&
    dead(before.cells[j]) &&
    last.w1[j] === before.w1[j] &&
    last.b1[j] === before.b1[j] &&
    last.w2[j] === before.w2[j];
  descent.plain = plain;
  descent.count = 0;
  for (let j = 0; j < moving.length; j++) if (!(plain && still(j))) moving[descent.count++] = j;
}

/**
 * Move the neurons and add each to its new cell. The inner loop has neither calls nor branches that are hard to
 * foresee: a knot that left its cell is moved by one, and only one that went farther ends the loop to be searched for.
 *
 * @param {Descent} descent @param {number} eta @param {number} momentum @param {number} decay
 */
function move({ problem, last, before, velocity, moving, count, work }, eta, momentum, decay) {
  const { w1, b1, w2, cells } = last;
  const { w1: newW1, b1: newB1, w2: newW2, cells: expected } = before;
  const { slope, shift, moment, total, left, right } = work;
  const n = problem.x.length;
  const k = cells.length;
  let i = 0;
  while (i < count) {
    for (; i < count; i++) {
      const j = moving[i];
      const seen = cells[j];
      let w = w1[j];
      let b = b1[j];
      let a = w2[j];
      let gw = a * moment[seen] + decay * w;
      let gb = a * total[seen] + decay * b;
      let ga = w * moment[seen] + b * total[seen] + decay * a;
      if (momentum !== 0) {
        velocity[j] = gw += momentum * velocity[j];
        velocity[k + j] = gb += momentum * velocity[k + j];
        velocity[2 * k + j] = ga += momentum * velocity[2 * k + j];
      }
      newW1[j] = w -= eta * gw;
      newB1[j] = b -= eta * gb;
      newW2[j] = a -= eta * ga;
      const old = expected[j];
      const falling = Number(old > n);
      const steps = 1 - (Number(w * left[old] + b > 0) ^ falling) - (Number(w * right[old] + b > 0) ^ falling);
      const cell = Math.min(Math.max(old + steps, 0), 2 * n + 1);
      expected[j] = cell;
      if ((Number(w * left[cell] + b > 0) ^ falling) | (Number(w * right[cell] + b > 0) ^ falling ^ 1)) break;
      slope[cell] += a * w;
      shift[cell] += a * b;
    }
    if (i < count) settle(before, moving[i++], problem.x, work);
  }
}

/**
 * Search for the knot of one neuron, and add it to its cell.
 *
 * @param {Iterate} iterate @param {number} j @param {Float64Array} x @param {Work} work
 */
function settle({ w1, b1, w2, cells }, j, x, { slope, shift }) {
  const cell = (cells[j] = cellOf(w1[j], b1[j], x, cells[j]));
  slope[cell] += w2[j] * w1[j];
  shift[cell] += w2[j] * b1[j];
}
