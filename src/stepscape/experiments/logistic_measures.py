"""What is measured on one logistic run: at its moments, at its records, and what is drawn of it.

Columns. Plain names are the end of the run; `COMPARED` exist also with the suffix of each moment: ``_100``,
``_1000``, ``_10000``, ``_30000`` (step counts below the number of steps), ``_equal_time``, ``_held_out``.

at every moment
    ``steps``, ``time`` (Σ η), ``loss`` (last iterate), ``sharpness``, ``edge_ratio`` (λ_max·η/2, mean of the
    two iterates of the record; at the end: of the records of the last half), all ``excess_risk…`` and
    ``error_rate``, ``pieces``, ``tv``, ``weighted_tv``, ``norm``, ``smallest_margin``, ``median_margin``,
    ``uncertain_share``, ``uncertain_overlap``, ``max_logit`` (largest |f| at the inputs), ``uncertain_low``,
    ``uncertain_high`` (hull of the inputs with |f| ≤ 1, nan when there are none), ``optimized``,
    ``optimized_interior`` (L(f) ≤ L(f0) at the inputs, of the mean of the two iterates)
once
    ``initial_sharpness``, ``steps_made``, ``sharpness_residual``, ``smoothness``, ``swing`` (half the
    difference of λ_max·η/2 of the two iterates), ``edge_reached``, ``edge_reached_at_step``,
    ``bent_neurons``, ``dead_neurons``, ``knots_at_data``, ``bayes_error_rate``, ``loss_truth``,
    ``loss_truth_interior``, ``pieces_truth``, ``uncertain_share_truth``, ``uncertain_low_truth``,
    ``uncertain_high_truth``
certificates
    ``NAME_left``, ``NAME_right`` at the end; ``NAME_checks``, ``NAME_violations``, ``NAME_least_slack`` over
    the records; NAME: "gauss_newton", "weighted", "uncertain", "uncertain_best", "weighted_stationary",
    "uncertain_stationary", "norm", and "overlap" (step A with γ0 = 1, γ = 2)

A run that diverged has ``initial_sharpness`` and ``steps_made`` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.step_size_measures import Followed
from stepscape.lab.pool import Tick
from stepscape.measures.checks import Checks

Array = NDArray[np.float64]


def measured(
    run: Followed, moments: Mapping[str, int], tick: Tick
) -> tuple[dict[str, Any], dict[str, Checks]]:
    """All numbers of a run, and the sides of its certificates at every record."""
    raise NotImplementedError


def curves(run: Followed, checks: Mapping[str, Checks], key: str) -> dict[str, Array]:
    """Arrays for the figures, named ``name|amplitude|flip_rate|step_size``."""
    raise NotImplementedError
