"""What flatness certifies about the risk of one network, over all inputs or over the interior."""

from __future__ import annotations

from typing import Any

from stepscape import theory
from stepscape.measures.certified import tightest_worst_case
from stepscape.network import TwoLayerReLU
from stepscape.problems import Problem


def risk_bound(problem: Problem, network: TwoLayerReLU) -> dict[str, Any]:
    """Bound the excess risk of a network on inputs I by `stepscape.measures.certified.tightest_worst_case`.

    I are all inputs, or those of the interior (g ≥ sup g/10): the one for which the bound is the smaller
    share of the excess risk that the best constant has on I. ``worst_case`` bounds ``worst_case_left``,
    ``worst_case_constant`` is that of the constant, and ``worst_case_ratio`` bound over constant: from 1 on
    the bound is vacuous. ``worst_case_share`` is the share of the inputs in I. {} where no bound applies.
    """
    x = problem.inputs
    inside = x[theory.interior(x, x)]
    places = [None, (float(inside.min()), float(inside.max()))] if inside.size else [None]
    certificates = [tightest_worst_case(problem, network, place) for place in places]
    found = [
        {
            "worst_case": each.right,
            "worst_case_left": each.left,
            "worst_case_constant": each.details["constant"],
            "worst_case_ratio": each.right / each.details["constant"],
            "worst_case_share": each.details["share"],
        }
        for each in certificates
        if not each.failed_premises and each.details["constant"] > 0.0
    ]
    return min(found, key=lambda each: each["worst_case_ratio"], default={})
