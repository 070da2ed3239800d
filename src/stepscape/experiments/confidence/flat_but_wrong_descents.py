"""What the rule of `flat-but-wrong` says about descents, from the interpolator and from a random start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import LEAST_SEEDS_AGAINST, Numbers, median
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share, nothing

WORSE = 0.02
MOVED = 0.1
NEARLY_ALL = 0.95
DESCENT = {
    "λ·η/2": "edge_ratio",
    "λ": "sharpness",
    "training error": "training_error",
    "smallest margin": "smallest_margin",
    "median margin": "median_margin",
    "∫|f''|": "tv",
    "test error": "test_error",
    "test loss": "test_loss",
    "Bayes error": "bayes_error",
    "Bayes loss": "bayes_loss",
}


def stays(table: Table) -> NDArray[np.bool_]:
    """Mask of the descents that stay at the interpolator."""
    if "training_error" not in table:
        return np.zeros(len(table), bool)
    fell = table["test_error_start"] - table["test_error"] > WORSE
    return np.asarray(
        (table["outcome"] == "finished")
        & (table["training_error"] == 0.0)
        & (table["edge_ratio_largest"] <= 1.0)
        & ~fell
    )


def leaves(table: Table) -> NDArray[np.bool_]:
    """Mask of the descents that leave it."""
    gone = np.asarray(table["outcome"] == "diverged")
    if "training_error" not in table:
        return gone
    fell = table["test_error_start"] - table["test_error"] > WORSE
    return np.asarray(gone | (table["training_error"] > 0.0) | fell | (table["moved"] > MOVED))


def judge_kept(table: Table) -> Verdict:
    """Whether descent stays where it starts on the flat side."""
    if not len(table):
        return nothing("descent that starts on the flat side")
    kept = stays(table)
    numbers: Numbers = {
        "starts": float(len(table)),
        "that stay": float(kept.sum()),
        **_by_step_size(table, kept),
    }
    return Verdict(
        by_share(float(kept.mean()), NEARLY_ALL),
        f"{kept.sum()} of {len(table)} descents that start with λ·η/2 ≤ 0.9 stay for "
        f"{table['steps'].max()} steps: median test error {median(table['test_error_start']):.2f} before "
        f"and {median(table['test_error']):.2f} after",
        numbers,
    )


def judge_left(table: Table) -> Verdict:
    """Whether descent leaves where it starts on the sharp side."""
    sharp = table.rows(table["edge_ratio_start"] > 1.0) if len(table) else table
    if not len(sharp):
        return nothing("descent that starts on the sharp side")
    gone = leaves(sharp)
    kept = sharp.rows(~gone)
    numbers: Numbers = {
        "starts": float(len(sharp)),
        "starts at peaks that are flat already, not counted": float(len(table) - len(sharp)),
        "that leave": float(gone.sum()),
        "λ·η/2 at the start of those that do not leave, smallest": float(
            min(kept["edge_ratio_start"], default=np.nan)
        ),
        "λ·η/2 at the start of those that do not leave, largest": float(
            max(kept["edge_ratio_start"], default=np.nan)
        ),
        **{f"n = {n:g}: that do not leave": float(np.sum(kept["n"] == n)) for n in np.unique(sharp["n"])},
        **_by_step_size(sharp, gone),
    }
    lost = int(np.sum(sharp["outcome"] == "diverged"))
    still = int(np.sum(sharp["training_error"] == 0.0)) if "training_error" in sharp else 0
    return Verdict(
        by_share(float(gone.mean()), NEARLY_ALL),
        f"{gone.sum()} of {len(sharp)} descents that start at the peak, with λ·η/2 above 1, leave; {lost} "
        f"diverge, and {still} still miss no label in the end",
        numbers,
    )


def _by_step_size(table: Table, found: NDArray[np.bool_]) -> Numbers:
    columns = {
        "margin at the start": "margin_start",
        "λ·η/2 at the start": "edge_ratio_start",
        "largest λ·η/2": "edge_ratio_largest",
        "moved, over ‖θ‖": "moved",
        "training error in the end": "training_error",
        "test error in the end": "test_error",
        "test loss in the end": "test_loss",
    }
    numbers: Numbers = {}
    for eta in np.unique(table["step_size"]):
        here = table["step_size"] == eta
        numbers[f"η = {eta:g}: share"] = float(found[here].mean())
        for name, column in columns.items():
            if column in table:
                numbers[f"η = {eta:g}: {name}, median"] = median(table[column][here])
    return numbers


def judge_elsewhere(table: Table) -> Verdict:
    """Whether descent from a random start passes through every label, for each flip rate."""
    if not len(table) or "training_error" not in table:
        return nothing("descent from a random start that finished")
    there = np.asarray(table["training_error"] == 0.0)
    rates = [float(rate) for rate in np.unique(table["flip_rate"])]
    shares = {rate: float(there[table["flip_rate"] == rate].mean()) for rate in rates}
    numbers: Numbers = {"descents": float(len(table)), "that miss no label": float(there.sum())}
    for rate in rates:
        here = table["flip_rate"] == rate
        numbers[f"flips {rate:g}: descents"] = float(here.sum())
        numbers[f"flips {rate:g}: that miss no label"] = float(np.sum(here & there))
    for eta in np.unique(table["step_size"]):
        here = table["step_size"] == eta
        numbers[f"η = {eta:g}: share that misses no label"] = float(there[here].mean())
        numbers |= _medians(f"η = {eta:g}", table.rows(here))
        numbers |= _medians(f"η = {eta:g}, of those that miss no label", table.rows(here & there))
    sets, arrived = _data_sets(table), _data_sets(table.rows(there))
    numbers["data sets on which some miss no label"] = f"{arrived} of {sets}"
    told = ", ".join(f"{share:.3g} at flip rate {rate:g}" for rate, share in shares.items())
    return Verdict(
        _elsewhere(list(shares.values()), np.unique(table["seed"]).size),
        f"{there.sum()} of {len(table)} descents from a random start miss no label after "
        f"{table['steps'].max()} steps: shares of {told}; on {arrived} of {sets} data sets some do. "
        f"The test error of all is {median(table['test_error']):.2f}, the Bayes error "
        f"{median(table['bayes_error']):.2f} (medians)",
        numbers,
    )


def _data_sets(table: Table) -> int:
    return len(set(zip(table["n"], table["flip_rate"], table["seed"], strict=True)))


def _elsewhere(shares: list[float], seeds: int) -> str:
    """Word for the shares that arrive, by flip rate."""
    if max(shares) == 0.0:
        return "reproduced" if seeds >= LEAST_SEEDS_AGAINST else "undecided"
    return "not_reproduced" if min(shares) >= 0.5 else "partly"


def _medians(name: str, rows: Table) -> Numbers:
    if not len(rows):
        return {}
    return {f"{name}: {what}, median": median(rows[column]) for what, column in DESCENT.items()}
