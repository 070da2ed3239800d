"""What a larger step size, or weight decay, changes in deep networks, and how that grows with depth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame.cells import Asked, ask, cells
from stepscape.experiments.frame.limits import MOST
from stepscape.tables.records import Table

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Effect = Callable[[Table], Array]
CELLS = {"activation": "{}", "depth": "depth {:g}"}
HELD_OUT = "_held_out"  # ends the columns of the best held-out moment
STILL = 0.1


def alive(table: Table) -> Mask:
    """Mask of the runs that finished with a function that is not constant."""
    if "alive" not in table:
        return np.zeros(len(table), bool)
    return np.asarray((table["outcome"] == "finished") & (table["alive"] == 1))


def arrived(table: Table) -> Mask:
    """Mask of the runs that are alive and have arrived.

    Without decay they reached the edge, or fit the labels at least as well as the truth does; with decay, f
    moved by at most `STILL` of its root mean square in the last quarter of the steps.
    """
    found = alive(table)
    if not found.any():
        return found
    fits = table["training_error"].astype(float) <= table["training_error_truth"].astype(float)
    still = table["function_moved"].astype(float) <= STILL
    return np.asarray(found & np.where(table["decay"] == 0.0, fits | at_edge(table), still))


def at_edge(table: Table) -> Mask:
    """Mask of the runs that reached the edge."""
    return np.asarray(table["edge_reached"] == 1)


def of_step_size(rows: Table, column: str) -> Array:
    """Logarithm of a column at the smallest share of the edge over that at the largest (seeds,), or nan.

    At the end, both runs must have arrived, and that with the larger step size must have reached the edge.
    """
    plain = rows.rows(rows["decay"] == 0.0)
    shares = np.unique(plain["edge_share"])
    counts = alive if column.endswith(HELD_OUT) else arrived
    small, large = plain.where(edge_share=float(shares[0])), plain.where(edge_share=float(shares[-1]))
    acts = counts(large) if column.endswith(HELD_OUT) else counts(large) & at_edge(large)
    seeds = np.unique(rows["seed"])
    return _log(small, column, counts(small), seeds) - _log(large, column, acts, seeds)


def of_decay(rows: Table, column: str) -> Array:
    """Logarithm of a column without decay over that with it (seeds,), at one step size, over all decays."""
    decays, seeds = [x for x in np.unique(rows["decay"]) if x > 0.0], np.unique(rows["seed"])
    with_decay = [rows.where(decay=float(decay)) for decay in decays]
    plain = rows.rows(rows["decay"] == 0.0).where(edge_share=float(with_decay[0]["edge_share"][0]))
    before = _log(plain, column, arrived(plain), seeds)
    return np.asarray(
        before - np.mean([_log(each, column, arrived(each), seeds) for each in with_decay], axis=0)
    )


def in_cells(table: Table, effect: Effect) -> Asked:
    """Ask for the effect in every activation and depth of which most seeds have it."""
    return ask(cells(table, CELLS), effect, partial(_few, effect=effect))


def by_layer(table: Table, effect: Effect) -> Asked:
    """Ask for the slope of the effect over the depths, per layer, in every activation that has all depths."""
    return ask(
        cells(table, {"activation": "{}"}), partial(_slope, effect=effect), partial(_lacks, effect=effect)
    )


def _slope(rows: Table, effect: Effect) -> Array:
    by_depth = cells(rows, {"depth": "{:g}"})
    depths = np.array([float(name) for name in by_depth])
    values = np.array([_aligned(each, effect, rows) for each in by_depth.values()])
    off = depths - depths.mean()
    return np.asarray(off @ values / (off @ off))


def _aligned(rows: Table, effect: Effect, every: Table) -> Array:
    seeds, values = np.unique(every["seed"]), np.full(np.unique(every["seed"]).size, np.nan)
    values[np.searchsorted(seeds, np.unique(rows["seed"]))] = effect(rows)
    return values


def _few(rows: Table, effect: Effect) -> str:
    known = np.isfinite(effect(rows))
    return "" if known.mean() >= MOST else f"only {int(known.sum())} of {known.size} seeds have both runs"


def _lacks(rows: Table, effect: Effect) -> str:
    if np.unique(rows["depth"]).size < 2:
        return "only one depth was run"
    known = np.isfinite(_slope(rows, effect))
    return "" if known.mean() >= MOST else f"only {int(known.sum())} of {known.size} seeds have every depth"


def _log(rows: Table, column: str, counts: Mask, seeds: Array) -> Array:
    """Return log of a column over all seeds, nan where a run does not count, and where it is 0."""
    out, values = np.full(seeds.size, np.nan), rows[column].astype(float) if column in rows else None
    if values is not None:
        known = counts & (values > 0.0)
        out[np.searchsorted(seeds, rows["seed"][known])] = np.log(values[known])
    return out


def left_out(reasons: Mapping[str, str]) -> str:
    """Say which cells are left out, and why; "" if none is."""
    return "; ".join(f"left out {name}: {reason}" for name, reason in reasons.items())
