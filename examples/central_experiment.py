"""The same thirty points and the same start, trained with small and large steps: count the pieces.

Writes central_experiment.png.
"""

import numpy as np
from matplotlib.figure import Figure

import stepscape as ss
from stepscape.figures import colors, legends, style
from stepscape.measures.measures import pieces

STEP_SIZES = (0.01, 0.1, 0.4)
TIME = 4_000.0  # the same Σ η for all: with equal steps, small step sizes would only be under-trained

problem = ss.problems.tent(n=30, noise=0.5, seed=0, half_width=3.0)
start = ss.TwoLayerReLU.random(100, scale=0.3, seed=0)
x = np.linspace(problem.inputs.min(), problem.inputs.max(), 601)

figure = Figure(figsize=(11, 3.4), layout="constrained")
axes = figure.subplots(1, len(STEP_SIZES), sharey=True)
print("step size  2/step size  sharpness  smoothness  pieces  error to the truth")
for ax, step_size in zip(axes, STEP_SIZES, strict=True):
    steps = round(TIME / step_size)
    run = ss.train(problem, start, ss.GradientDescent(step_size, steps), record_every=steps // 20)
    solution = run.midpoint
    count = pieces(problem, solution)
    risk = np.mean((solution.predict(x) - problem.truth(x)) ** 2)
    print(
        f"{step_size:9g}  {2 / step_size:11.1f}  {run.sharpness[-1]:9.2f}  {run.smoothness[-1]:10.2f}"
        f"  {count:6d}  {risk:.3f}"
    )
    knots = solution.knots[(solution.knots > x[0]) & (solution.knots < x[-1])]
    ax.plot(problem.inputs, problem.labels, "o", color=colors.COLORS["gray"], markersize=4, label="data")
    ax.plot(x, problem.truth(x), "--", color=colors.COLORS["black"], linewidth=1, label="truth")
    ax.plot(x, solution.predict(x), color=colors.COLORS["blue"], label="fit")
    ax.plot(knots, np.full(knots.size, -2.1), "|", color=colors.COLORS["vermilion"], label="knots")
    style.label(ax, "input", "label", f"step size {step_size:g}: {count} pieces")
legends.legend(axes[0])
figure.savefig("central_experiment.png", dpi=150)
print("wrote central_experiment.png")
