"""The rule that judges `smoothness-or-confidence`, fixed before its full runs.

The question is open; each part turns guesses about it into questions, answered in every cell (amplitude of
the true logit, flip rate) and over all together by a 95 % interval over the seeds, paired where two step
sizes are compared. Which cells can be judged, and the words: as in `logistic-step-sizes`; yes in all cells
``reproduced``, in some ``partly``, in none ``not_reproduced`` or ``undecided``. A run *comes to* a level
where it last rises through it, once its loss stays below that of the start.

``smoother``: at equal confidence a larger step is smoother. Runs are compared where their median |f| over the
inputs comes to half, once and twice that of the truth; of the step sizes at which most runs come there, the
largest has less ∫|f''|g than the smallest. A level that fewer than two step sizes reach is not asked about.
``smoother_interior``, ``smoother_unweighted``: the same with median |f| and ∫|f''| of the interior
(g ≥ sup g/10), and with ∫|f''| over all inputs.
``more_confident``: at equal smoothness a larger step is more confident: where ∫|f''|g comes to half, once and
twice that of the truth, the largest of the step sizes has a larger median |f| than the smallest.
``smoother_at_equal_time``: after the Σ η that the smallest step size, close to gradient flow, has in the end,
the largest working step size has less ∫|f''|g than it.
``confidence_outlives_smoothness``: at the largest working step size, over the last decade of steps, the
median and the largest |f| grow (slopes in log10 of the steps above 0) while ∫|f''|g has stopped (it changes
by less than a factor of 10^0.1 a decade: the interval of 0.1 − |slope of log10 ∫|f''|g| lies above 0).
``smoothness_returns``: at the largest working step size ∫|f''|g, as a running median of five records, ends at
least a tenth below its largest value: the interval of the share lost, minus 0.1, lies above 0.
``confident_at_the_ends``: the largest |f| at the inputs of the outer tenths of the range exceeds that of the
rest, at the largest and at the smallest working step size: the log-ratio lies above 0.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.logistic_grid import Answers, asked
from stepscape.experiments.smoothness_measures import LEVELS, PLANES
from stepscape.experiments.step_size_grid import by_seed, working_step_sizes
from stepscape.measures.records import Table
from stepscape.measures.verdict import Verdict

if TYPE_CHECKING:
    from stepscape.experiments.experiment import Result

Array = NDArray[np.float64]
STOPPED = 0.1
RETURNED = 0.1
SPOKEN = {"half": "half the truth's", "truth": "the truth's", "twice": "twice the truth's"}
NOWHERE = "no level is reached at two step sizes"


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict a part."""
    table = result.table
    return {
        "smoother": asked(table, partial(smoother, plane="weighted"), NOWHERE),
        "smoother_interior": asked(table, partial(smoother, plane="interior"), NOWHERE),
        "smoother_unweighted": asked(table, partial(smoother, plane="whole"), NOWHERE),
        "more_confident": asked(table, more_confident, NOWHERE),
        "smoother_at_equal_time": asked(table, smoother_at_equal_time),
        "confidence_outlives_smoothness": asked(table, outlives),
        "smoothness_returns": asked(table, returns),
        "confident_at_the_ends": asked(table, at_the_ends),
    }


def smoother(table: Table, plane: str) -> Answers | None:
    """Roughness of the smallest step size minus that of the largest, at each level of confidence."""
    confidence, roughness = PLANES[plane]
    return {
        f"less rough where median |f| is {SPOKEN[level]}": _first_minus_last(table, column, etas)
        for level, column, etas in _levels(table, roughness, confidence)
    } or None


def more_confident(table: Table) -> Answers | None:
    """Confidence of the largest step size minus that of the smallest, at each level of ∫|f''|g."""
    confidence, roughness = PLANES["weighted"]
    return {
        f"more confident where ∫|f''|g is {SPOKEN[level]}": -_first_minus_last(table, column, etas)
        for level, column, etas in _levels(table, confidence, roughness)
    } or None


def _levels(table: Table, column: str, at: str) -> list[tuple[str, str, Array]]:
    """Levels that most runs reach at two step sizes or more, with the column and these step sizes."""
    names = [(level, f"{column}_when_{at}_{level}") for level in LEVELS]
    found = [(level, name, reaching(table, name)) for level, name in names]
    return [(level, name, etas) for level, name, etas in found if etas.size > 1]


def reaching(table: Table, column: str) -> Array:
    """Working step sizes at which most runs came to a level."""
    etas = working_step_sizes(table)
    return np.asarray(etas[np.isfinite(by_seed(table, column, etas)).mean(axis=0) > 0.5])


def smoother_at_equal_time(table: Table) -> Answers:
    """∫|f''|g of the smallest step size minus that of the largest after equal Σ η."""
    etas = working_step_sizes(table)
    return {"less rough at equal time": _first_minus_last(table, "weighted_tv_equal_time", etas)}


def outlives(table: Table) -> Answers:
    """Growth of confidence, and how far the growth of ∫|f''|g is from a factor of 10^0.1 a decade."""
    moving = np.abs(_largest(table, "weighted_tv_growth"))
    return {
        "median |f| still grows": _largest(table, "confidence_growth"),
        "largest |f| still grows": _largest(table, "largest_growth"),
        "∫|f''|g has stopped": STOPPED - moving,
    }


def returns(table: Table) -> Answers:
    """Share of ∫|f''|g lost since its largest value, beyond a tenth."""
    lost = _largest(table, "weighted_tv_lost")
    return {"∫|f''|g loses a tenth of its largest value": lost - RETURNED}


def at_the_ends(table: Table) -> Answers:
    """Log-ratio of the largest |f| in the outer tenths to that of the rest."""
    etas = working_step_sizes(table)[[-1, 0]]
    ratio = np.log(by_seed(table, "largest_ends", etas) / by_seed(table, "largest_inside", etas))
    return {
        "most confident at the ends, at the largest step size": ratio[:, 0],
        "most confident at the ends, at the smallest step size": ratio[:, 1],
    }


def _first_minus_last(table: Table, column: str, step_sizes: Array) -> Array:
    """Differences (seeds,) between the smallest and the largest of the step sizes."""
    values = by_seed(table, column, step_sizes[[0, -1]])
    return np.asarray(values[:, 0] - values[:, 1])


def _largest(table: Table, column: str) -> Array:
    """Values (seeds,) at the largest working step size."""
    return by_seed(table, column, working_step_sizes(table)[-1:])[:, 0]
