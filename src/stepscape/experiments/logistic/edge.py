"""Which runs of a table end on the line λ_max = 2/η, and from where they came to it.

Many start beyond it: λ_max of the untrained network times η/2 is above 1, and to have "reached" the edge says
nothing of them. A run is at the edge where its ``edge_ratio``, the mean of λ_max·η/2 over the records of the
last half of its steps, lies in [0.95, 1.1].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import Numbers, listed, median, usable, working_step_sizes
from stepscape.experiments.edge.sharpness_rule import EDGE
from stepscape.experiments.logistic.grid import cells, spoken
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share

Mask = NDArray[np.bool_]
LEAST_AT_EDGE = 3
NO_EDGE = "at fewer than three step sizes do most runs end on the line 2/η"
NEVER_THERE = "at fewer than three step sizes do most runs start beyond the edge or come up to it"
PREMISES = {
    "initial_sharpness": "λ_max of the untrained network: where it is above 2/η a run starts beyond the edge",
    "edge_ratio": "λ_max·η/2 in the last half of the steps: 0.95 to 1.1 where the step size shapes f",
}


def on_line(table: Table) -> Mask:
    """Mask of the runs that end on the line."""
    works = usable(table)
    if not works.any():
        return works
    ratio = table["edge_ratio"]
    return np.asarray(works & (ratio >= EDGE[0]) & (ratio <= EDGE[1]))


def started_beyond(table: Table) -> Mask:
    """Mask of the runs that finished and started with λ_max·η/2 above 1."""
    works = usable(table)
    if not works.any():
        return works
    return np.asarray(works & (table["initial_sharpness"] * table["step_size"] / 2.0 > 1.0))


def arrived(table: Table) -> Mask:
    """Mask of the runs that started below and came up to 0.95 in the first half of their steps."""
    works = usable(table)
    if not works.any():
        return works
    in_time = table["edge_reached_at_step"] <= 0.5 * table["steps"]  # nan, never, compares false
    return np.asarray(works & in_time & ~started_beyond(table))


def at_edge(table: Table) -> list[float]:
    """Working step sizes at which most runs that finished end on the line."""
    return _where_most(table, on_line(table))


def _where_most(table: Table, runs: Mask) -> list[float]:
    works, etas = usable(table), working_step_sizes(table)
    shares = [np.mean(runs[works & (table["step_size"] == eta)]) for eta in etas]
    return [float(eta) for eta, share in zip(etas, shares, strict=True) if share > 0.5]


def edges(table: Table) -> Numbers:
    """For each step size the shares of the runs that start beyond the line and that end on it."""
    works = usable(table)
    numbers: Numbers = {}
    for eta in working_step_sizes(table):
        here = works & (table["step_size"] == eta)
        numbers[f"η = {eta:g}: share that starts beyond 2/η"] = float(np.mean(started_beyond(table)[here]))
        numbers[f"η = {eta:g}: share that ends on it"] = float(np.mean(on_line(table)[here]))
    return numbers


def judge_edge(table: Table) -> Verdict:
    """Apply the rule for λ_max on 2/η."""
    numbers: Numbers = {"runs": float(len(table)), "diverged": float(np.sum(table["outcome"] == "diverged"))}
    could = [_where_most(rows, started_beyond(rows) | arrived(rows)) for rows in cells(table).values()]
    if max(map(len, could), default=0) < LEAST_AT_EDGE:
        return Verdict("premise_not_met", NEVER_THERE, numbers)
    beyond, below, on, ratio = started_beyond(table), arrived(table), on_line(table), table["edge_ratio"]
    there = beyond | below
    numbers |= {
        "share on the line": float(np.mean(on[there])),
        "at 0.95 of it or more at step 0": float(np.sum(table["edge_reached_at_step"] == 0)),
        "started beyond 2/η": float(beyond.sum()),
        "of these end on it, share": _share(on[beyond]),
        "of these end above it, share": _share(ratio[beyond] > EDGE[1]),
        "came up to it from below in the first half of their steps": float(below.sum()),
        "of these end on it": float(on[below].sum()),
        "edge ratio, quartiles": listed(np.quantile(ratio[there], [0.25, 0.5, 0.75]).round(3)),
        "share of edge ratios above 1": float(np.mean(ratio[there] > 1.0)),
        "directional smoothness·η/2, median": median(table["smoothness_ratio"][there]),
        "initial sharpness, least and largest": _ends(table["initial_sharpness"]),
        **_by_octave(table),
        **{
            f"{spoken(cell)}: step sizes at the edge": _range(at_edge(rows))
            for cell, rows in cells(table).items()
        },
    }
    sentence = (
        f"of {beyond.sum()} runs that start beyond 2/η {_share(on[beyond]):.0%} end on it, of {below.sum()} "
        f"that come up to it in the first half of their steps {_share(on[below]):.0%} (mean of λ_max·η/2 "
        f"over the last half in [{EDGE[0]}, {EDGE[1]}])"
    )
    return Verdict(by_share(float(np.mean(on[there]))), sentence, numbers)


def _by_octave(table: Table) -> Numbers:
    """Share of the finished runs on the line and below it, for each factor of 2 of the step size."""
    works, on = usable(table), on_line(table)
    numbers: Numbers = {}
    top = float(table["step_size"].max())
    octave = np.floor(np.log2(top / table["step_size"]) + 1e-9)
    for k in np.unique(octave[works]):
        here = works & (octave == k)
        name = f"η above {top / 2 ** (k + 1):.3g} up to {top / 2**k:.3g}"
        numbers[f"{name}: share on the line"] = _share(on[here])
        numbers[f"{name}: share above it"] = _share(table["edge_ratio"][here] > EDGE[1])
        numbers[f"{name}: share that starts beyond 2/η"] = _share(started_beyond(table)[here])
    return numbers


def _share(mask: Mask) -> float:
    return float(np.mean(mask)) if mask.size else 0.0


def _ends(values: NDArray[np.float64]) -> str:
    return listed([float(np.nanmin(values).round(1)), float(np.nanmax(values).round(1))])


def _range(etas: list[float]) -> str:
    if not etas:
        return "none"
    return f"{len(etas)}, from {etas[0]:g} to {etas[-1]:g}" if len(etas) > 4 else listed(etas)
