"""Figure of the claim `sparsity-vs-step-size`; it reads its table."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.common.arms import ARM_TITLES
from stepscape.experiments.frame import Drawn, Result
from stepscape.figures.bands import band, mark_failures
from stepscape.figures.style import (
    COLORS,
    canvas,
    label,
    legend,
    number_ticks,
    series,
    step_size_ticks,
)

ROWS = (
    (
        "bends of the function",
        (
            ("pieces", "linear pieces"),
            ("pieces_equal_time", "pieces at equal time"),
            ("features", "features"),
            ("participation", "participation: effective\nnumber of bends"),
        ),
    ),
    (
        "number of neurons or knots",
        (
            ("knots", "knots"),
            ("bent_neurons", "bent neurons"),
            ("dead_neurons", "dead neurons"),
            ("carriers", "carriers of 90 %"),
        ),
    ),
    (
        "variation of f' (units of y per unit of x)",
        (("tv", "total, ∫|f''|"), ("weighted_tv", "weighted, ∫|f''|g")),
    ),
)


SPARSITY = (
    "Above: bends of the learned function, counted by size: linear pieces within 5 % of the standard "
    "deviation of the labels, features (hundredths of the range with more than 1 % of the slope change), "
    "and their effective number (participation, which is 1 for one bend and grows as the change is spread "
    "more evenly). Middle: knots and neurons; carriers hold 90 % of Σ |w1 w2|. Below: total and weighted "
    "variation of the slope, with the bound 1/η − ½ for stationary points."
)


def sparsity(result: Result) -> Drawn:
    """Pieces and features, neurons, and variation with the line 1/η − ½ in three rows; one column per arm."""
    table, arms = result.table, result.settings["arms"]
    figure, axes = canvas(len(ROWS), len(arms), (3.7 * len(arms) + 0.4, 9.6), sharex=True, sharey="row")
    etas = np.unique(table["step_size"])
    for column, arm in enumerate(arms):
        rows = table.where(arm=arm)
        for ax, (_, curves) in zip(axes[:, column], ROWS, strict=True):
            for i, (name, word) in enumerate(curves):
                if name in rows:
                    look, dodge = series(i), 0.05 * (i - 1)
                    band(
                        ax, rows, "step_size", name, word, look, dodge=dodge, keep_dead=name == "dead_neurons"
                    )
        truth = rows["pieces_truth"][np.isfinite(rows["pieces_truth"])] if "pieces_truth" in rows else []
        if len(truth):
            axes[0, column].axhline(
                np.median(truth), color=COLORS["black"], lw=1, dashes=(5, 2), label="pieces of the truth"
            )
        bound = 1.0 / etas - 0.5
        axes[2, column].plot(
            etas[bound > 0], bound[bound > 0], color=COLORS["black"], lw=1.2, dashes=(5, 2),
            label="1/η − ½: bounds the weighted\nwhere the gradient is 0",
        )  # fmt: skip
        mark_failures(axes[0, column], rows)
        label(axes[0, column], title=ARM_TITLES.get(arm, arm))
        label(axes[2, column], x="step size η")
        step_size_ticks(axes[2, column], [float(eta) for eta in etas])
    for row, (name, _) in zip(axes, ROWS, strict=True):
        row[0].set_ylabel(name, fontsize=10)
        busiest = max(row, key=lambda ax: len(ax.containers))
        if busiest.containers:
            legend(busiest)
    axes[0, 0].set_ylim(bottom=0)
    for row in axes[1:]:
        if any(ax.containers for ax in row):
            number_ticks(row[0])
    return Drawn(figure, SPARSITY)
