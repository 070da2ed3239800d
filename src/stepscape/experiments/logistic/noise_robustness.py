"""At which label noise large step sizes stop helping."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.noise_robustness_rule import benefits, judge
from stepscape.experiments.logistic.runs import FULL, QUICK, grid, work

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(result: Result) -> dict[str, Figure]:
    """Excess risk and overlap against the flip rate, and the intervals that the rule reads."""
    from stepscape.experiments.logistic import noise_robustness_figures as draw

    table = result.table
    saved = {suffix: benefits(table, f"excess_risk_interior{suffix}") for suffix in COMPARED}
    words = {suffix: moment.words for suffix, moment in COMPARED.items()}
    return {"excess": draw.excess(table, saved, words), "overlap": draw.overlap(table)}


EXPERIMENT = Experiment(
    name="noise-robustness",
    title="Label noise at which large step sizes stop helping",
    claim=(
        "Large step sizes amplify the weak generalization of a bounded norm to small excess risk; increase "
        "the label noise until this amplification breaks."
    ),
    kind="open question",
    source="Qiao and Wang (2025), next check 3 of the tutorial's summary; no level is stated there",
    setup=(
        "The paper does not say what breaking means; here it is the first flip rate at which the interval of "
        "the excess risk that the largest step size saves covers 0. The setup of logistic-step-sizes "
        "at amplitude 2 with more flip rates, seeds and steps (100 000). The smallest step size is far "
        "from the edge in the end and is itself an early-stopped run; a middle one that reaches the edge is "
        "compared, too. At amplitude 2 and a flip rate of 0.2 or more the truth is uncertain at every input. "
        "The rule was tried on seeds 1000 to 1002 and not changed; factors, medians and where the runs end "
        "were written beside its intervals after the full runs."
    ),
    quick={**QUICK, "flip_rates": (0.0, 0.2, 0.4), "step_sizes": (0.01, 0.1, 1.2), "steps": 2000},
    full={
        **FULL,
        "flip_rates": (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45),
        "step_sizes": (0.01, 0.1, 1.2),
        "steps": 100_000,
        "seeds": 20,
    },
    specs=grid,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data",
        **PREMISES,
        "optimized_interior": "the labels of the interior are fitted at least as well as the truth fits them",
    },
)
