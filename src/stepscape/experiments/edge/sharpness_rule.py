"""The rule that judges `sharpness-vs-step-size`; what was changed in it after looking is told in its setup.

The edge ratio is λ_max·η/2, averaged over two consecutive iterates: at large step sizes the sharpness
alternates with the period-two oscillation of descent. A run *works* when it finished with bent neurons. It
*reached the edge* when, after the warm-up and within the first half of its steps, its edge ratio was at least
0.95 at some record. It is *on the line* when the median of the edge ratio over the last half of its steps
lies in [0.95, 1.1].

For each arm: most of the runs must have reached the edge at three step sizes or more that span a factor of
10, otherwise ``premise_not_met``. Of the runs that reached the edge, at least 90 % on the line:
``reproduced``; at least half: ``partly``; fewer: ``not_reproduced``. A run that has not reached the edge yet
is no counterexample; it is counted beside the others.

``stays_inside`` judges "the entire trajectory stays inside λ ≤ 2/η" on the runs that started inside without a
warm-up (arm ``small_init``): of all their records, at most 5 % with an edge ratio above 1.1: ``reproduced``;
at most 25 %: ``partly``; more: ``not_reproduced``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_share

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

EDGE = (0.95, 1.1)
LEAST_STEP_SIZES = 3
LEAST_RANGE = 10.0


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict an arm, and one for the whole trajectory."""
    table = result.table
    verdicts = {arm: judge_arm(table.where(arm=arm)) for arm in result.settings["arms"]}
    if "small_init" in verdicts:
        verdicts["stays_inside"] = judge_inside(table.where(arm="small_init"))
    return verdicts


def judge_arm(table: Table) -> Verdict:
    """Apply the rule to one arm."""
    works = working(table)
    diverged = int(np.sum(table["outcome"] == "diverged"))
    dead = len(table) - diverged - int(works.sum())
    numbers: dict[str, float | str] = {
        "runs": float(len(table)),
        "diverged": float(diverged),
        "all neurons dead": float(dead),
    }
    reached = works & _reached(table)
    edges = [eta for eta in np.unique(table["step_size"]) if _most(reached, works, table["step_size"] == eta)]
    numbers |= {"reached the edge": float(reached.sum()), "step sizes at the edge": _list(edges)}
    if len(edges) < LEAST_STEP_SIZES or edges[-1] < LEAST_RANGE * edges[0]:
        return Verdict(
            "premise_not_met", _why(len(table), diverged, dead, int(reached.sum()), edges), numbers
        )
    ratio = table["median_edge_ratio"][reached]
    share = float(np.mean((ratio >= EDGE[0]) & (ratio <= EDGE[1])))
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    slope = np.polyfit(np.log(table["step_size"][reached]), np.log(table["median_sharpness"][reached]), 1)[0]
    numbers |= {
        "share on the line": share,
        "edge ratio, median": float(middle),
        "edge ratio, quartiles": f"{low:.4f}, {high:.4f}",
        "directional smoothness·η/2, mean": float(np.mean(table["mean_smoothness_ratio"][reached])),
        "slope of log sharpness on log step size": float(slope),
        "half the swing between two iterates, largest": float(table["swing"][reached].max()),
        "bent neurons, least": float(table["bent_neurons"][reached].min()),
        "started inside": float(np.sum(table["started_inside"][reached])),
    }
    sentence = (
        f"{reached.sum()} of {len(table)} runs reached the edge, {share:.0%} of them stay on it (median "
        f"λ_max·η/2 in [{EDGE[0]}, {EDGE[1]}]); the median over these runs is {middle:.3f}"
    )
    return Verdict(by_share(share), sentence, numbers)


def judge_inside(table: Table) -> Verdict:
    """Apply the rule for whole trajectories to the arm that starts inside."""
    if "started_inside" not in table:
        return Verdict("premise_not_met", "no run finished")
    inside = working(table) & (table["started_inside"] == 1)
    if not inside.any():
        return Verdict("premise_not_met", "no working run started inside its threshold")
    share = float(np.mean(table["share_outside"][inside]))
    word = "reproduced" if share <= 0.05 else "partly" if share <= 0.25 else "not_reproduced"
    numbers: dict[str, float | str] = {
        "runs": float(inside.sum()),
        "records with edge ratio above 1.1": share,
    }
    return Verdict(word, f"{share:.1%} of the records of {inside.sum()} runs lie above 1.1·2/η", numbers)


def working(table: Table) -> NDArray[np.bool_]:
    """Mask of the runs that finished with bent neurons."""
    finished = table["outcome"] == "finished"
    return np.asarray(finished & (table["bent_neurons"] > 0) if "bent_neurons" in table else finished & False)


def _reached(table: Table) -> NDArray[np.bool_]:
    if "reached_at_step" not in table:
        return np.zeros(len(table), bool)
    # nan, never reached, compares false.
    return np.asarray(table["reached_at_step"] <= 0.5 * table["steps"])


def _most(reached: NDArray[np.bool_], works: NDArray[np.bool_], here: NDArray[np.bool_]) -> bool:
    return bool(works[here].any() and reached[here].sum() > 0.5 * here.sum())


def _why(runs: int, diverged: int, dead: int, reached: int, edges: list[float]) -> str:
    where = f"most seeds did so at step sizes {_list(edges)}" if edges else "at no step size most seeds"
    return (
        f"of {runs} runs {diverged} diverged, in {dead} all neurons died and {reached} reached the edge in "
        f"the first half of their steps; {where}"
    )


def _list(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or "none"
