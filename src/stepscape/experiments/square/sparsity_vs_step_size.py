"""Linear pieces, knots, variation and active neurons against the step size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.square.runs import FULL, QUICK, specs, work
from stepscape.experiments.square.sparsity_rule import judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(result: Result) -> dict[str, Figure]:
    """Bends of the function, neurons behind them, and variation, against the step size."""
    from stepscape.experiments.square import sparsity_vs_step_size_figures as draw

    return {"sparsity": draw.sparsity(result.table, result.settings["arms"])}


EXPERIMENT = Experiment(
    name="sparsity-vs-step-size",
    title="Sparsity against step size: pieces, knots and active neurons",
    claim=(
        "The step size effectively tunes the number of linear pieces: the larger, the simpler the function. "
        "Only a few neurons are active in the end; others are pushed out of the support of the data, and "
        "dead ones never recover."
    ),
    kind="figure",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2",
    setup=(
        "The runs of risk-vs-step-size. The slides do not say how they count. Knots are almost as many as "
        "neurons whatever the step size, most of them tiny or side by side with others that cancel them; "
        "so three counts by size stand beside them. Linear pieces: the fewest lines within 5 % of the "
        "standard deviation of the labels. Features: of 100 cells of the range, those whose net slope change "
        "exceeds 1 % of the total. Carriers: the fewest neurons that hold 90 % of Σ |w1 w2| among the data. "
        "The threshold of few, carriers below 10 % of the width, was chosen without looking. What "
        "curve-fitting had shown of pieces on the same seeds was known."
    ),
    quick=QUICK,
    full=FULL,
    specs=specs,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network has one piece for another reason",
        "edge_reached": "the sharpness came to 2/η, so that the step size shaped the curve",
        "dead_checked": "dead neurons were seen at some record, for the claim that they stay dead",
    },
)
