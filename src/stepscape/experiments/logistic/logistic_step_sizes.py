"""Logistic descent against the step size: the functions, their sharpness, their excess risk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.common.moments import MOMENTS
from stepscape.experiments.common.step_size_grid import unmet
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.grid import cells, intervals_in
from stepscape.experiments.logistic.logistic_step_sizes_rule import helps, judge
from stepscape.experiments.logistic.runs import FULL, QUICK, grid, work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.tables.interval import Interval


def figures(result: Result) -> dict[str, Figure]:
    """Functions, sharpness, loss, simplicity, excess risk, and whether large steps help."""
    from stepscape.experiments.logistic import logistic_step_sizes_figures as draw

    table, settings = result.table, result.settings
    by_moment = partial(draw.by_moment, table, words={suffix: each.words for suffix, each in MOMENTS.items()})
    return {
        "functions": draw.functions(table, result.arrays, settings["shown"]),
        "sharpness": draw.sharpness(table),
        "loss": by_moment(
            "loss_mean", name="training loss", level="loss_truth", level_name="loss of the truth"
        ),
        "weighted-tv": by_moment("weighted_tv", name="weighted variation ∫|f''|g"),
        "pieces": by_moment("pieces", name="linear pieces"),
        "excess-interior": by_moment("excess_risk_interior", name="excess risk, interior"),
        "excess-everywhere": by_moment("excess_risk", name="excess risk, all inputs"),
        "excess-by-region": draw.regions(table),
        "iterates": draw.iterates(table),
        "help": draw.intervals(intervals_of(result)),
    }


def intervals_of(result: Result) -> dict[str, dict[str, Interval]]:
    """Moment → cell → excess risk in the interior that the largest step size saves."""
    judged = {cell: rows for cell, rows in cells(result.table).items() if unmet(rows) is None}
    moments = [suffix for suffix in MOMENTS if judged and f"excess_risk{suffix}" in result.table]
    found = {suffix: intervals_in(judged, partial(helps, suffix=suffix)) for suffix in moments}
    return {MOMENTS[suffix].part: dict(next(iter(each.values()))) for suffix, each in found.items()}


EXPERIMENT = Experiment(
    name="logistic-step-sizes",
    title="Logistic loss: what a large step size does to the function and its excess risk",
    claim=(
        "Does gradient descent with a large step size prefer simple functions with the logistic loss too? "
        "'Empirically, kinda yes': λ_max settles at 2/η, the functions become simpler, and they have less "
        "excess risk inside the region where the truth is uncertain."
    ),
    kind="figure",
    source=(
        "Qiao and Wang (2025), Figure 2 and experiments; Fazel and Wang, NeurIPS tutorial 'Training "
        "Instability', part 2"
    ),
    setup=(
        "400 neurons, PyTorch's default initialization, constant step sizes 0.01, 0.02, …, 1.2 as the paper "
        "prints them; n = 100 jittered inputs on [−1, 1] and 30 000 steps are ours. The truth is a sine of "
        "amplitude 1, 2 or 4 in the logit; labels drawn from it are flipped with probability 0, 0.1 or 0.2, "
        "and excess risk is against the logit of the law with flips. One seed has the same inputs, the same "
        "uniform numbers behind the labels and the same start in all cells, so that cells are not "
        "independent of each other. A prototype with three seeds of another truth had found no benefit of "
        "large steps after long training before the rule was written. The rule was then tried on seeds 1000 "
        "to 1002, with ten step sizes and four cells, and changed: excess risks are compared by factors, "
        "because in some seeds the network is confidently wrong near the boundary and a difference shows "
        "nothing else, and the mean over the cells is an interval of its own. After the full runs were seen "
        "it was changed again. A run is at the edge where it ends at 0.95 to 1.1 times 2/η: before, one that "
        "had ever been at 0.95 was, which is nearly every run, because they start beyond. The interval over "
        "all cells together decides: before, one yes among many cells outweighed any number of noes, and "
        "chance alone brings that in 9 to 36 of 100 cases. A U needs both its sides in one cell: before, a "
        "rise alone was part of one. `averaging` asks by region where the runs have measured it; the full "
        "runs had not, and logistic-arms answers that. `boundary_share` is new. "
        "The hull of the inputs where this truth is uncertain is the whole interval, so that 'everywhere' is "
        "the region that the claim speaks about, and the interior that where the weight is not small."
    ),
    quick=QUICK,
    full={
        **FULL,
        "amplitudes": (1.0, 2.0, 4.0),
        "flip_rates": (0.0, 0.1, 0.2),
        "step_sizes": tuple(float(eta) for eta in (np.arange(1, 121) / 100).round(2)),
    },
    specs=grid,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        **PREMISES,
        "optimized_interior": "the labels of the interior are fitted at least as well as the truth fits them",
        "largest_logit": "the logits stay bounded, as the theorem on the excess risk supposes",
    },
)
