"""Figures of fits, outcomes and sweeps of made-up data, with any names: nothing is trained."""

from __future__ import annotations

import numpy as np

from stepscape.figures import fit, outcome
from stepscape.figures.completed_table import completion_figures
from stepscape.figures.sweep import against_step_size
from stepscape.tables.records import Table

ETAS = (1.5, 1.0, 0.7, 0.5, 0.35, 0.24, 0.137, 0.1, 0.06, 0.03, 0.02, 0.01, 0.006, 0.003)
STOPS = ("edge", "stationary", "budget")


def path(etas=ETAS):
    rows = [
        {
            "step_size": eta,
            "cv_error": np.nan if eta == 1.5 else 0.4 + 0.1 * np.log(eta / 0.1) ** 2,
            "standard_error": 0.05,
            "stop": STOPS[i % 3],
            "chosen": eta == 0.137,
        }
        for i, eta in enumerate(etas)
    ]
    folds = [
        {
            "step_size": eta,
            "fold": fold,
            "edge_ratio": min(1.0, 3.0 * eta + 0.01 * fold),
            "stop": STOPS[(i + fold) % 3],
        }
        for i, eta in enumerate(etas)
        for fold in range(3)
    ]
    return Table.from_records(rows), Table.from_records(folds)


def fit_figures(x_name="times", y_name="accel", rows=133):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(2.4, 57.6, rows))
    curve = lambda at: 60.0 * np.sin(at / 6.0) * np.exp(-(((at - 25.0) / 12.0) ** 2))  # noqa: E731
    grid = np.linspace(x[0], x[-1], 401)
    knots = np.linspace(8.0, 50.0, 21)
    table, folds = path()
    return fit.figures(
        fit.FitPicture(
            x, curve(x) + 10.0 * rng.standard_normal(rows), curve(x), x_name, y_name, grid, curve(grid),
            knots, curve(knots), 0.137, "min", table, folds,
        )
    )  # fmt: skip


def outcome_figures(x_name="dose", of="state = 'sick'", classes=("'well'", "'sick'"), rows=240):
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, rows))
    grid = np.linspace(0.0, 10.0, 301)
    logit = np.clip(1.2 * (grid - 5.0), -6.0, 6.0)
    y = (rng.uniform(size=rows) < 1.0 / (1.0 + np.exp(-1.2 * (x - 5.0)))).astype(float)
    table, folds = path()
    at = (np.arange(8) + 0.5) / 8
    calibration = Table.from_records(
        [
            {"predicted": p, "observed": p**1.1, "low": 0.8 * p, "high": min(1.0, 1.2 * p), "rows": 30}
            for p in at
        ]
    )
    times = Table.from_records(
        [
            {
                "step_size": eta,
                "time": time,
                "cv_error": 0.4 + 0.01 * time * eta,
                "chosen": eta == 0.137 and time == 10.0,
            }
            for eta in ETAS
            for time in (1.0, 10.0, 100.0, 1000.0)
        ]
    )
    return outcome.figures(
        outcome.OutcomePicture(
            x, y, x_name, of, classes, grid, logit, np.array([0.5, 9.5]),
            np.array([-5.4, 5.4]), [(4.2, 5.8)], (4.3, 5.7), 0.137, 4000, 0.69,
            np.linspace(0.02, 0.98, rows), y, calibration, "min", table, folds, times,
        )
    )  # fmt: skip


def sweep_figure(groups=("gradient descent", "heavy ball")):
    def row(eta, seed):
        return {
            "step_size": eta, "outcome": "finished", "sharpness": 2.0 / eta, "threshold": 2.0 / eta,
            "median_edge_ratio": 1.0 + 0.01 * seed, "loss": 0.1 * eta, "risk": 0.2 + 0.01 * seed,
            "pieces": 9 - seed, "bent_neurons": 80 + seed,
        }  # fmt: skip

    return against_step_size(
        {name: [row(eta, seed) for eta in ETAS[1:8] for seed in range(3)] for name in groups}
    )


def completion_records(
    names=("accel", "times", "a column with quite a long name"), norms=("flat", "nuclear")
):
    """Records of a completed table: the path of each norm, and its columns."""
    penalties = np.geomspace(30.0, 0.03, 25)
    path = [
        {
            "norm": norm, "penalty": penalty, "error": 0.5 + 0.03 * place + 0.05 * np.log(penalty / 2.0) ** 2,
            "standard_error": 0.02, "chosen": i == 9 + place,
        }
        for place, norm in enumerate(norms)
        for i, penalty in enumerate(penalties)
    ]  # fmt: skip
    columns = [{"column": name, "relative_error": 0.3 + 0.2 * j} for j, name in enumerate(names)]
    return path, columns


def completion_pictures(**options):
    """The figures of a completed table."""
    return completion_figures(*completion_records(**options))


def every_figure():
    """All kinds of figures, by name."""
    return {
        **fit_figures(),
        **{f"outcome-{name}": figure for name, figure in outcome_figures().items()},
        "sweep": sweep_figure(),
        **{f"complete-{name}": figure for name, figure in completion_pictures().items()},
    }
