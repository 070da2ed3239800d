/**
 * Full-batch descent of f(x) = Σ_j w2_j max(w1_j x + b1_j, 0) + b2, O(n + k) per step and nothing allocated.
 *
 * Two iterates are kept, each with the cells of its neurons; a step reads the last and writes over the one before
 * it. A knot is expected in the cell that it had two steps ago, because descent at the edge of stability has period
 * two. No bit depends on it: a cell is an integer, however found.
 *
 * @typedef {import("./problem.js").Problem} Problem
 *
 * @typedef {object} Descent  changed in place
 * @property {Problem} problem
 * @property {Float64Array} theta  the last iterate (3k + 1,)
 * @property {Float64Array} before  the iterate before it, equal at step 0
 * @property {Float64Array} velocity  of the heavy ball
 * @property {number} step  steps made
 * @property {number} time  Σ of their step sizes
 * @property {Float64Array} values  f of the last iterate at the inputs (n,)
 * @property {number} size  of these values, see `setSlopes`
 * @property {Uint32Array} cells  of the last iterate (k,)
 * @property {Uint32Array} cellsBefore
 * @property {{ left: Float64Array, right: Float64Array }} sides
 * @property {Work} work
 *
 * @typedef {object} Work  slope and shift are empty between steps; moment and total belong to the last iterate
 * @property {Float64Array} g
 * @property {Float64Array} slope
 * @property {Float64Array} shift
 * @property {Float64Array} moment
 * @property {Float64Array} total
 */

import { cellOf, cellsOf, middles, sides } from "./cells.js";
import { setSlopes } from "./losses.js";
import { gather, spread } from "./sums.js";

const TINY = 1e-290; // smaller numbers become 0: those of dying neurons decay into subnormals, which are slow

/**
 * Copies what it is given.
 *
 * @param {Problem} problem
 * @param {{ theta: Float64Array, before?: Float64Array, velocity?: Float64Array, step?: number, time?: number }} from
 * @returns {Descent}
 */
export function createDescent(problem, { theta, before = theta, velocity, step = 0, time = 0 }) {
  const n = problem.x.length;
  const width = (theta.length - 1) / 3;
  const cells = () => new Float64Array(2 * n + 2);
  const last = cellsOf(theta, problem.x, middles(width, problem.x));
  const descent = {
    problem,
    theta: theta.slice(),
    before: before.slice(),
    velocity: velocity ? velocity.slice() : new Float64Array(theta.length),
    step,
    time,
    values: new Float64Array(n),
    size: 0,
    cells: last,
    cellsBefore: cellsOf(before, problem.x, last),
    sides: sides(problem.x),
    work: { g: new Float64Array(n), slope: cells(), shift: cells(), moment: cells(), total: cells() },
  };
  scatter(descent);
  look(descent);
  return descent;
}

/** Add each neuron to its cell. @param {Descent} descent */
function scatter({ theta, cells, work: { slope, shift } }) {
  const k = cells.length;
  for (let j = 0; j < k; j++) {
    slope[cells[j]] += theta[2 * k + j] * theta[j];
    shift[cells[j]] += theta[2 * k + j] * theta[k + j];
  }
}

/** Evaluate f at the inputs and the sums of its slopes of the loss. @param {Descent} descent */
function look(descent) {
  const { problem, theta, values, work } = descent;
  spread(problem.x, work.slope, work.shift, theta[theta.length - 1], values);
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
  move(descent, eta, momentum, decay);
  const { theta, before, velocity, cells, cellsBefore, work } = descent;
  const last = theta.length - 1;
  velocity[last] = momentum * velocity[last] + work.total[0];
  before[last] = theta[last] - eta * velocity[last];
  descent.theta = before;
  descent.before = theta;
  descent.cells = cellsBefore;
  descent.cellsBefore = cells;
  descent.step += 1;
  descent.time += eta;
  look(descent);
  return Math.abs(work.moment[0]) + Math.abs(work.total[0]) + descent.size < Infinity;
}

/**
 * Move the neurons and add each to its new cell.
 *
 * @param {Descent} descent @param {number} eta @param {number} momentum @param {number} decay
 */
function move({ problem, theta, before, velocity, cells, cellsBefore, sides, work }, eta, momentum, decay) {
  const { slope, shift, moment, total } = work;
  const { left, right } = sides;
  const x = problem.x;
  const n = x.length;
  const k = cells.length;
  const heavy = momentum !== 0;
  for (let j = 0; j < k; j++) {
    let w = theta[j];
    let b = theta[k + j];
    let a = theta[2 * k + j];
    const seen = cells[j];
    const q = moment[seen];
    const r = total[seen];
    let gw = a * q + decay * w;
    let gb = a * r + decay * b;
    let ga = w * q + b * r + decay * a;
    if (heavy) {
      gw = velocity[j] = normal(momentum * velocity[j] + gw);
      gb = velocity[k + j] = normal(momentum * velocity[k + j] + gb);
      ga = velocity[2 * k + j] = normal(momentum * velocity[2 * k + j] + ga);
    }
    before[j] = w = normal(w - eta * gw);
    before[k + j] = b = normal(b - eta * gb);
    before[2 * k + j] = a = normal(a - eta * ga);
    let cell = cellsBefore[j];
    const rising = cell <= n;
    if (w * left[cell] + b > 0 === rising || w * right[cell] + b > 0 !== rising) {
      cell = cellsBefore[j] = cellOf(w, b, x, cell);
    }
    slope[cell] += a * w;
    shift[cell] += a * b;
  }
}

/** @param {number} value */
const normal = (value) => (Math.abs(value) < TINY ? 0 : value);
