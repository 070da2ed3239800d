"""stepscape: a laboratory for training with large step sizes.

Names load on first use, so that ``import stepscape`` costs little more than ``import numpy``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Certificate": "stepscape.theory",
    "Eigenpair": "stepscape.curvature",
    "Factorization": "stepscape.factorization",
    "GradientDescent": "stepscape.methods",
    "InputError": "stepscape.errors",
    "Problem": "stepscape.problems",
    "StepSizeClassifier": "stepscape.estimators",
    "StepSizeRegressor": "stepscape.estimators",
    "StepscapeError": "stepscape.errors",
    "Trajectory": "stepscape.training",
    "TwoLayerReLU": "stepscape.network",
    "WeightedTVRegressor": "stepscape.estimators",
    "certified_class": "stepscape.measures",
    "certify": "stepscape.measures",
    "directional_smoothness": "stepscape.objectives",
    "hessian": "stepscape.objectives",
    "hessian_trace": "stepscape.objectives",
    "sharpness": "stepscape.objectives",
    "train": "stepscape.training",
    "worst_case": "stepscape.measures",
}
_MODULES = (
    "curvature",
    "dynamics",
    "errors",
    "estimators",
    "experiments",
    "explorer",
    "figures",
    "lab",
    "measures",
    "methods",
    "monitor",
    "objectives",
    "problems",
    "recovery",
    "sweeps",
    "tables",
    "theory",
    "training",
)

# Written out, because checkers of style and types read no expression.
__all__ = [
    "Certificate",
    "Eigenpair",
    "Factorization",
    "GradientDescent",
    "InputError",
    "Problem",
    "StepSizeClassifier",
    "StepSizeRegressor",
    "StepscapeError",
    "Trajectory",
    "TwoLayerReLU",
    "WeightedTVRegressor",
    "__version__",
    "certified_class",
    "certify",
    "curvature",
    "directional_smoothness",
    "dynamics",
    "errors",
    "estimators",
    "experiments",
    "explorer",
    "figures",
    "hessian",
    "hessian_trace",
    "lab",
    "measures",
    "methods",
    "monitor",
    "objectives",
    "problems",
    "recovery",
    "sharpness",
    "sweeps",
    "tables",
    "theory",
    "train",
    "training",
    "worst_case",
]

if TYPE_CHECKING:
    from stepscape.curvature import Eigenpair
    from stepscape.errors import InputError, StepscapeError
    from stepscape.estimators import StepSizeClassifier, StepSizeRegressor, WeightedTVRegressor
    from stepscape.factorization import Factorization
    from stepscape.measures import certified_class, certify, worst_case
    from stepscape.methods import GradientDescent
    from stepscape.network import TwoLayerReLU
    from stepscape.objectives import directional_smoothness, hessian, hessian_trace, sharpness
    from stepscape.problems import Problem
    from stepscape.theory import Certificate
    from stepscape.training import Trajectory, train


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"stepscape.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'stepscape' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
