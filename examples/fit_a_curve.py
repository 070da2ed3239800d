"""Fit the motorcycle data: the step size is the smoothness, chosen by cross-validation.

Writes fit_a_curve.png.
"""

from importlib.resources import files

import numpy as np
from matplotlib.figure import Figure

import stepscape as ss
from stepscape.figures import colors, legends, style

with (files("stepscape") / "data" / "mcycle.csv").open(encoding="utf-8") as file:
    table = np.genfromtxt(file, delimiter=",", names=True)
times, accel = table["times"], table["accel"]

model = ss.StepSizeRegressor(step_sizes=(0.02, 0.05, 0.1, 0.2, 0.5), steps=8_000).fit(times, accel)
print("step size   CV error  std. error  edge ratio")
for row in model.path_.records():
    mark = "  ← chosen" if row["chosen"] else ""
    print(
        f"{row['step_size']:9g}  {row['cv_error']:9.1f}  {row['standard_error']:10.1f}"
        f"  {row['edge_ratio']:10.2f}{mark}"
    )
print(f"{model.pieces_} pieces, {model.trajectory_.bent_neurons[-1]} bent neurons, ended: {model.stop_}")
print(f"certificate 'published': {model.certificates_['published'].verdict} (standardized units)")

x = np.linspace(times.min(), times.max(), 500)
figure = Figure(figsize=(6.4, 4.2), layout="constrained")
ax = figure.subplots()
ax.plot(times, accel, "o", color=colors.COLORS["gray"], markersize=4, label="data")
ax.plot(x, model.predict(x), color=colors.COLORS["blue"], label=f"fit, step size {model.step_size_:g}")
style.label(ax, "time after impact (ms)", "head acceleration (g)", "Motorcycle data")
legends.legend(ax)
figure.savefig("fit_a_curve.png", dpi=150)
print("wrote fit_a_curve.png")
