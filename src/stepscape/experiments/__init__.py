"""The experiments by name; a module is imported when its experiment is asked for."""

from __future__ import annotations

import importlib

from stepscape.errors import unknown
from stepscape.experiments.frame import Claim, Result, run

__all__ = ["Claim", "Result", "family", "get", "names", "run"]

_MODULES = {
    "curve-fitting": "stepscape.experiments.square.curve_fitting",
    "sharpness-vs-step-size": "stepscape.experiments.edge.sharpness_vs_step_size",
    "risk-vs-step-size": "stepscape.experiments.square.risk_vs_step_size",
    "sparsity-vs-step-size": "stepscape.experiments.square.sparsity_vs_step_size",
    "weighted-tv": "stepscape.experiments.square.weighted_tv",
    "random-labels": "stepscape.experiments.square.random_labels",
    "interpolation-is-sharp": "stepscape.experiments.interpolation.interpolation_is_sharp",
    "logistic-step-sizes": "stepscape.experiments.logistic.logistic_step_sizes",
    "logistic-arms": "stepscape.experiments.logistic.logistic_arms",
    "uncertain-regions": "stepscape.experiments.logistic.uncertain_regions",
    "noise-robustness": "stepscape.experiments.logistic.noise_robustness",
    "weak-to-strong": "stepscape.experiments.logistic.weak_to_strong",
    "flat-but-wrong": "stepscape.experiments.confidence.flat_but_wrong",
    "confident-curvature": "stepscape.experiments.confidence.confident_curvature",
    "smoothness-or-confidence": "stepscape.experiments.confidence.smoothness_or_confidence",
    "does-descent-get-there": "stepscape.experiments.confidence.does_descent_get_there",
}


def names() -> list[str]:
    """Names of all experiments, in the order in which they are best read."""
    return list(_MODULES)


def family(name: str) -> str:
    """Return the family of a claim, which is the folder of its module and of its page."""
    if name not in _MODULES:
        raise unknown("experiment", name, _MODULES)
    return _MODULES[name].rpartition(".")[0].rpartition(".")[2]


def get(name: str) -> Claim:
    """Return the claim of that name; an unknown name is refused with the nearest known one."""
    if name not in _MODULES:
        raise unknown("experiment", name, _MODULES)
    claim: Claim = importlib.import_module(_MODULES[name]).CLAIM
    return claim
