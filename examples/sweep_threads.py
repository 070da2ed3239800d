"""Sharpness against step size: many runs at once in threads (the compiled engine releases Python's lock).

Writes sweep_threads.png.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from matplotlib.figure import Figure

import stepscape as ss
from stepscape.figures import colors, legends, style, ticks

STEP_SIZES = np.array([0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.3, 0.4, 0.6])
SEEDS = range(3)


def run(task: tuple[float, int]) -> tuple[float, float]:
    """Median sharpness over the last half of one run, and the directional smoothness; nan if it diverged."""
    step_size, seed = task
    problem = ss.problems.tent(n=30, noise=0.5, seed=seed, half_width=3.0)
    start = ss.TwoLayerReLU.random(100, scale=0.2, seed=seed)
    result = ss.train(problem, start, ss.GradientDescent(step_size, steps=12_000), record_every=300)
    if result.outcome == "diverged":
        return np.nan, np.nan
    half = result.at_steps.size // 2
    return float(np.median(result.sharpness[half:])), float(np.median(result.smoothness[half:]))


tasks = [(float(step_size), seed) for step_size in STEP_SIZES for seed in SEEDS]
with ThreadPoolExecutor(os.cpu_count()) as pool:
    results = np.array(list(pool.map(run, tasks))).reshape(STEP_SIZES.size, len(SEEDS), 2)

print("step size  2/step size  sharpness  smoothness   (medians over seeds)")
for step_size, (sharp, smooth) in zip(STEP_SIZES, np.median(results, axis=1), strict=True):
    print(f"{step_size:9.2f}  {2 / step_size:11.2f}  {sharp:9.2f}  {smooth:10.2f}")

figure = Figure(figsize=(6.4, 4.2), layout="constrained")
ax = figure.subplots()
ax.plot(STEP_SIZES, 2 / STEP_SIZES, "--", color=colors.COLORS["black"], label="2/step size")
ax.plot(STEP_SIZES, results[:, :, 0], "o", color=colors.COLORS["blue"], markersize=4)
ax.plot([], [], "o", color=colors.COLORS["blue"], label="sharpness, one mark a seed")
ticks.step_size_ticks(ax, STEP_SIZES.tolist())
ax.set_yscale("log")
style.label(ax, "step size", "largest Hessian eigenvalue", "Sharpness against step size")
legends.legend(ax)
figure.savefig("sweep_threads.png", dpi=150)
print("wrote sweep_threads.png")
