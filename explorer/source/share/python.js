/**
 * The lines of Python that make a run again with stepscape, to rounding.
 *
 * `ss.train` makes a stretch of steps under one method. Where a change came in the middle of a warm-up, or momentum
 * carries a velocity over a change, a loop over the gradient does, as `ss.train` begins each of its runs anew.
 *
 * @typedef {import("../types.js").Data} Data
 * @typedef {import("../types.js").Method} Method
 * @typedef {import("../types.js").Ready} Ready
 * @typedef {import("../types.js").Setup} Setup
 * @typedef {import("../run.js").Segment} Segment
 * @typedef {{ setup: Setup, from: number, steps: number, isNewData: boolean }} Stretch
 */
import { same } from "../setup.js";

/**
 * @param {readonly Segment[]} segments
 * @param {number} step  the last one of the run
 * @param {Ready} ready
 */
export function pythonOf(segments, step, ready) {
  const stretches = stretchesOf(segments, step);
  const isPlain = stretches.every(({ setup: { method }, from }, index) =>
    index === 0 || (from >= method.warmupSteps && method.momentum === 0));
  const lines = [
    "import stepscape as ss",
    "",
    ...problemLines(segments[0].setup),
    networkLine(segments[0].setup, ready),
    ...(isPlain ? trainLines(stretches) : loopLines(stretches, ready.initialSharpness)),
    "print(problem.training_loss(network.predict(problem.inputs)))",
  ];
  const head = lines.some((line) => line.includes("np.")) ? ["import numpy as np"] : [];
  return `${[...head, ...lines].join("\n")}\n`;
}

/**
 * @param {readonly Segment[]} segments
 * @param {number} step
 * @returns {Stretch[]}
 */
function stretchesOf(segments, step) {
  return segments
    .map(({ from, setup }, index) => ({
      setup,
      from,
      steps: Math.min(segments[index + 1]?.from ?? step, step) - from,
      isNewData: index > 0 && !same(setup.data, segments[index - 1].setup.data),
    }))
    .filter(({ steps, isNewData }) => steps > 0 || isNewData);
}

/** @param {Setup} setup */
function problemLines({ loss, data }) {
  if (data.kind === "own") {
    const as = loss === "logistic" ? ', loss="logistic"' : "";
    return [`inputs = np.array([${data.x.join(", ")}])`, `labels = np.array([${data.y.join(", ")}])`,
      `problem = ss.Problem(inputs, labels${as})`];
  }
  const { truth, n, noise, amplitude, flipRate, seed, halfWidth } = data;
  const place = `seed=${seed}, half_width=${halfWidth}`;
  return loss === "square"
    ? [`problem = ss.problems.curve("${truth}", n=${n}, noise=${noise}, ${place})`]
    : [`problem = ss.problems.bernoulli("${truth}", n=${n}, amplitude=${amplitude}, flip_rate=${flipRate}, ${place})`];
}

/**
 * @param {Setup} setup
 * @param {Ready} ready
 */
function networkLine({ start: { width, seed } }, { init, scale }) {
  return `network = ss.TwoLayerReLU.random(${width}, scale=${scale}, init="${init}", seed=${seed})`;
}

/** @param {Stretch[]} stretches */
function trainLines(stretches) {
  return stretches.flatMap(({ setup, steps, isNewData }, index) => [
    ...(isNewData ? problemLines(setup) : []),
    ...(steps === 0 ? [] : [
      `method = ${methodWord(index === 0 ? setup.method : { ...setup.method, warmupSteps: 0 }, steps)}`,
      "network = ss.train(problem, network, method).network",
    ]),
  ]);
}

/**
 * @param {Stretch[]} stretches
 * @param {number} sharpness  of the start
 */
function loopLines(stretches, sharpness) {
  return [
    "",
    "",
    "def descend(theta, velocity, method, first):",
    "    objective = ss.objectives.line(problem, network)",
    "    decayed = np.r_[np.ones(theta.size - 1), 0.0]",
    `    for step_size in method.step_size_at(first + np.arange(method.steps), min(method.step_size, 1 / ${sharpness})):`,
    "        gradient = objective.gradient(theta) + method.weight_decay * decayed * theta",
    "        velocity = method.momentum * velocity + gradient",
    "        theta = theta - step_size * velocity",
    "    return theta, velocity",
    "",
    "",
    "theta, velocity = network.parameters, np.zeros(network.parameters.size)",
    ...stretches.flatMap(({ setup, from, steps, isNewData }) => [
      ...(isNewData ? problemLines(setup) : []),
      ...(steps === 0 ? [] : [`theta, velocity = descend(theta, velocity, ${methodWord(setup.method, steps)}, ${from})`]),
    ]),
    "network = network.with_parameters(theta)",
  ];
}

/**
 * @param {Method} method
 * @param {number} steps
 */
function methodWord({ stepSize, momentum, weightDecay, warmupSteps }, steps) {
  const more = [
    momentum ? `, momentum=${momentum}` : "",
    weightDecay ? `, weight_decay=${weightDecay}` : "",
    warmupSteps ? `, warmup_steps=${warmupSteps}` : "",
  ];
  return `ss.GradientDescent(step_size=${stepSize}, steps=${steps}${more.join("")})`;
}
