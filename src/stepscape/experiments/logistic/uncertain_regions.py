"""Where the truth and the network are uncertain, during training and at several step sizes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from stepscape.experiments.common.experiment import Experiment, Result
from stepscape.experiments.common.moments import STEP_COUNTS
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.runs import FULL, QUICK, SHOWN, grid, work
from stepscape.experiments.logistic.uncertain_regions_rule import judge

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figures(result: Result) -> dict[str, Figure]:
    """Regions over the steps, their share and overlap at the moments, both sides of the inequalities."""
    from stepscape.experiments.logistic import uncertain_regions_figures as draw

    table, shown = result.table, result.settings["shown"]
    over_steps = partial(draw.over_steps, table, STEP_COUNTS)
    return {
        "regions": draw.regions(result.arrays, shown),
        "overlap": over_steps("uncertain_overlap", "overlap of |f| ≤ 1 and |f0| ≤ 1"),
        "share": over_steps("uncertain_share", "share with |f| ≤ 1", "uncertain_share_truth"),
        "step-a": draw.step_a(table),
        "flat-bounds": draw.bounds(table),
    }


EXPERIMENT = Experiment(
    name="uncertain-regions",
    title="Where |f| is small: uncertain regions during training",
    claim=(
        "The bound on ∫|f''| holds where the network is uncertain, and the theorem on the excess risk where "
        "truth and network are uncertain together: the uncertain region of the network must come to overlap "
        "with that of the truth, as a small excess risk forces it to, and large step sizes should keep it."
    ),
    kind="inequality",
    source=(
        "Qiao and Wang (2025), Theorems 3.5 and 3.7 (explicit forms derived here); Fazel and Wang, NeurIPS "
        "tutorial 'Training Instability', part 2"
    ),
    setup=(
        "Runs of logistic-step-sizes at four step sizes: the records are shared. A region is the set of the "
        "inputs with |f| ≤ 1 (probability between 0.27 and 0.73), f being the mean of two iterates; "
        "step A uses |f0| ≤ 1 and |f| > 2. With amplitude 1, or with many flips, the truth is uncertain "
        "everywhere, and overlap is then the share of the network's own region; since a look at seeds 1000 "
        "to 1002 the part `moves` leaves such cells out. After the full runs were seen two things changed: "
        "`large_steps_keep` leaves them out for the overlap, too, where it had asked one question twice; and "
        "the interval over all cells together decides, because one yes among many cells comes by chance. The "
        "inequalities are proved; the runs test the program and show how tight they are."
    ),
    quick=QUICK,
    full={**FULL, "amplitudes": (1.0, 2.0, 4.0), "flip_rates": (0.0, 0.1, 0.2), "step_sizes": SHOWN},
    specs=grid,
    work=work,
    judge=judge,
    figures=figures,
    premises={
        "bent_neurons": "some neurons bend among the data",
        **PREMISES,
        "uncertain_share": "the network is uncertain somewhere, where the bounds on ∫|f''| speak",
        "excess_risk": "the excess risk is small, as step A needs to force an overlap",
    },
)
