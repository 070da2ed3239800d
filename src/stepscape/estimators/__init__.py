"""Fits of a user's own data: the scikit-learn estimators and the fit of a table."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "FeaturesFit": "stepscape.estimators.features_fit",
    "OutcomeFit": "stepscape.estimators.outcome_fit",
    "StepSizeClassifier": "stepscape.estimators.classifier",
    "StepSizeRegressor": "stepscape.estimators.regressor",
    "TableFit": "stepscape.estimators.table_fit",
    "WeightedTVRegressor": "stepscape.estimators.weighted_tv",
    "fit_features": "stepscape.estimators.features_fit",
    "fit_outcome": "stepscape.estimators.outcome_fit",
    "fit_table": "stepscape.estimators.table_fit",
}

__all__ = [
    "FeaturesFit",
    "OutcomeFit",
    "StepSizeClassifier",
    "StepSizeRegressor",
    "TableFit",
    "WeightedTVRegressor",
    "fit_features",
    "fit_outcome",
    "fit_table",
]

if TYPE_CHECKING:
    from stepscape.estimators.classifier import StepSizeClassifier
    from stepscape.estimators.features_fit import FeaturesFit, fit_features
    from stepscape.estimators.outcome_fit import OutcomeFit, fit_outcome
    from stepscape.estimators.regressor import StepSizeRegressor
    from stepscape.estimators.table_fit import TableFit, fit_table
    from stepscape.estimators.weighted_tv import WeightedTVRegressor


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stepscape.estimators' has no attribute {name!r}")
    # Set here, because importing a module puts the module itself under the name it shares with a function.
    globals()[name] = value = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
