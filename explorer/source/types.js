/**
 * What the page and its worker say to each other. Everything is plain data; typed arrays are float64.
 *
 * @typedef {"square" | "logistic"} Loss
 *
 * @typedef {object} CurveData  points drawn around a curve of `stepscape.problems`, the same bits as in Python
 * @property {"curve"} kind
 * @property {"tent" | "wave" | "steps" | "doppler" | "line" | "zero"} truth
 * @property {number} n
 * @property {number} noise  square loss: standard deviation of the labels around the truth
 * @property {number} flipRate  logistic loss: probability that a label is flipped, in [0, ½)
 * @property {number} amplitude  logistic loss: the logit is amplitude · curve
 * @property {number} halfWidth  inputs lie on [-halfWidth, halfWidth]
 * @property {number} seed
 *
 * @typedef {object} OwnData  a user's table, or points that were dragged
 * @property {"own"} kind
 * @property {number[]} x
 * @property {number[]} y  logistic loss: ±1
 * @property {CurveData["truth"] | null} truth  kept when points of a curve were dragged
 * @property {number} amplitude
 * @property {number} flipRate
 * @property {number} halfWidth
 *
 * @typedef {CurveData | OwnData} Data
 *
 * @typedef {object} Start  the start of training (the arms of `experiments.common.arms`)
 * @property {"printed" | "small" | "large"} arm  as printed, scaled below the threshold, large with warm-up
 * @property {number} width  number of neurons k
 * @property {number} seed  of `TwoLayerReLU.random`, as it is; that of the data would draw the same numbers again
 *
 * @typedef {object} Method
 * @property {number} stepSize
 * @property {number} momentum
 * @property {number} weightDecay
 * @property {number} warmupSteps  the page says it: 0 but for the large start, where its default is 5000
 *
 * @typedef {object} Setup
 * @property {Loss} loss
 * @property {Data} data
 * @property {Start} start
 * @property {Method} method
 *
 * Page → worker.
 * @typedef {{ kind: "begin", setup: Setup }
 *   | { kind: "method", method: Partial<Method> }
 *   | { kind: "data", data: Data }
 *   | { kind: "run", stepsPerFrame: number }
 *   | { kind: "pause" }
 *   | { kind: "step", count: number }
 *   | { kind: "rewind", step: number }
 *   | { kind: "drawn" }
 * } Command
 *
 * "method" takes effect at the next step; after "data" training continues from the same network; "run" with 0 steps per
 * frame makes as many as fit; "step" is for a paused run; "drawn" says that the page has drawn the last frame and wants
 * the next. "rewind" pauses at the last kept state at or before its step, with the method and the data of now; later
 * states stay until something is trained, so that one can wind forward, too.
 *
 * Worker → page. "begin", "data" and "method" are answered once each, in their order: by "ready", "changed" or "refused".
 * @typedef {object} Ready  the answer to "begin" and "data"; a frame follows, after "begin" that of step 0
 * @property {"ready"} kind
 * @property {number} step  the data count from the step after this one
 * @property {Float64Array} x  sorted inputs (n,)
 * @property {Float64Array} y  labels (n,), as sorted
 * @property {Float64Array} grid  (m,) where functions are drawn
 * @property {Float64Array | null} truth  (m,) the truth on the grid (logistic: its logit)
 * @property {number} initialSharpness
 * @property {Method} method  as used
 * @property {"torch" | "mean_field"} init  of `TwoLayerReLU.random`, from which the run began
 * @property {number} scale  alike
 *
 * @typedef {object} Changed  the answer to "method"
 * @property {"changed"} kind
 * @property {number} step  the method counts from the step after this one
 * @property {Method} method
 *
 * @typedef {object} Refused  one sentence for the user
 * @property {"refused"} kind
 * @property {string} sentence
 *
 * @typedef {object} Neurons  one entry per neuron
 * @property {Float64Array} knots  -b1/w1; NaN where w1 = 0
 * @property {Uint8Array} states  ALIVE bends among the data, LINEAR is active at all of them, DEAD at none, STUCK has its knot on an input
 * @property {Float64Array} jumps  w2·|w1|, by how much the slope changes at the knot
 *
 * @typedef {object} Frame
 * @property {"frame"} kind
 * @property {number} step
 * @property {number} time  Σ of the step sizes
 * @property {number} stepSize  of the next step, warm-up included
 * @property {number} threshold  2(1 + momentum)/stepSize
 * @property {number} loss
 * @property {number} sharpness  λ_max of the loss (decay included) at the midpoint of the last two iterates
 * @property {number} residual  of the eigenpair: some eigenvalue lies within it
 * @property {number} trace  of the Hessian of the loss, without decay
 * @property {number} weightedTv  ∫|f''| g of the midpoint; logistic loss: with g of the inputs weighted by ∂²L/∂f², NaN where all of it underflows
 * @property {number} bound  what theory says it is at most, see `engine/bound.js`; NaN where no theorem speaks
 * @property {number} pieces  of the midpoint, among the data
 * @property {number | null} risk  square loss: mean (f - truth)² at the inputs; logistic: excess risk; null without truth
 * @property {Float64Array} now  (m,) f on the grid, the last iterate
 * @property {Float64Array} before  (m,) the iterate before it
 * @property {Float64Array} midpoint  (m,)
 * @property {Neurons} neurons  of the last iterate
 * @property {"training" | "paused" | "diverged"} outcome
 * @property {number} stepsPerSecond
 *
 * @typedef {Ready | Changed | Refused | Frame} Answer
 */

/**
 * What Python gives to the page, as JSON in the element `given`.
 *
 * @typedef {object} Verdict  what the committed ledger, at full size where there is one, says of a claim
 * @property {string} title  of the claim
 * @property {string} word  as reports write it: "partly reproduced"
 * @property {string} mark  that reads without color: "●"
 * @property {string} kind  class of its color: "partly"
 * @property {string} sentence  what was found by the part that decides
 *
 * @typedef {object} Unit  value = center + scale · standardized
 * @property {number} center
 * @property {number} scale
 *
 * @typedef {object} Table  a user's table, in the units in which the page trains
 * @property {string} source  name of its file, or of the problem
 * @property {number[]} x
 * @property {number[]} y  logistic loss: ±1
 * @property {string} xName
 * @property {string} yName
 * @property {Loss} loss
 * @property {string[] | null} labels  logistic loss: what -1 and +1 stand for
 * @property {{ x: Unit, y: Unit | null } | null} units  null where nothing was standardized
 * @property {string[]} notes  whole sentences for the reader: what was dropped, guessed, standardized, left out
 *
 * @typedef {object} Given
 * @property {string} version
 * @property {Table | null} table
 * @property {Setup | null} setup  what the page begins with where its address has no fragment; with every table
 * @property {Record<string, Verdict>} verdicts  by name of the claim
 */

export const ALIVE = 0;
export const LINEAR = 1;
export const DEAD = 2;
export const STUCK = 3;
