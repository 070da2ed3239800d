"""What a reader must know before relying on a fit of several features; one sentence for each sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.estimators.failure_signs import dead_neurons
from stepscape.tables.records import Table

HELD = 0.1  # share of the strength in neurons that hold one input, from which on it is said


def feature_signs(model: Any, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Say what is special about a fitted estimator of several features, whatever its loss."""
    if model.n_features_in_ == 1:
        return ()
    said = [_constant(model, names), _few_rows(model), _shattered(model)]
    return tuple(sentence for sentence in said if sentence)


def regression_signs(model: Any) -> tuple[str, ...]:
    """Say what a reader of a `StepSizeRegressor` of several features must know; nothing of one."""
    if model.n_features_in_ == 1:
        return ()
    if not model.problem_.labels.any():
        return ("all labels are equal: there is nothing to learn, and the fit is that constant",)
    said = [dead_neurons(model), _no_gain(model), _diverged(model), _longest(model)]
    return (*(sentence for sentence in said if sentence), *feature_signs(model))


def _constant(model: Any, names: tuple[str, ...]) -> str:
    at = np.flatnonzero(model.units_[0].constant).tolist()
    if not at:
        return ""
    known = names or tuple(getattr(model, "feature_names_in_", ())) or tuple(map(str, range(max(at) + 1)))
    listed = ", ".join(str(known[i]) for i in at[:5]) + (", …" if len(at) > 5 else "")
    many, are = ("columns", "are") if len(at) > 1 else ("column", "is")
    return f"the {many} {listed} {are} constant and play{'' if len(at) > 1 else 's'} no part"


def _few_rows(model: Any) -> str:
    inputs, features = model.problem_.size, model.n_features_in_
    if inputs >= features:
        return ""
    return (
        f"there are more features ({features}) than distinct inputs ({inputs}): many linear functions fit "
        "every label, and only held-out errors tell whether this fit has learned anything"
    )


def _shattered(model: Any) -> str:
    found = model.shattering_
    share = found.single_strength
    if not share > HELD:
        return ""
    return (
        f"{found.groups['one']} of {found.holds.size} neurons are active at one input alone and have "
        f"{share:.0%} of the path norm: at {len(found.held)} inputs the fit follows the row, not the rows "
        "around it"
    )


def _chosen(path: Table) -> int:
    return int(np.flatnonzero(path["chosen"])[0])


def _no_gain(model: Any) -> str:
    path = model.path_
    if path is None:
        return ""
    row = _chosen(path)
    if path["cv_error"][row] + path["standard_error"][row] <= model.units_[1].deviation ** 2:
        return ""
    return "cross-validation finds no clear gain over predicting the mean"


def _diverged(model: Any) -> str:
    path = model.path_
    lost = 0 if path is None else int((path["diverged"] > 0).sum())
    return f"{lost} of {len(path)} step sizes diverged in some fold and were left out" if lost else ""


def _longest(model: Any) -> str:
    """Whether the choice is the most training tried, and the loss still fell."""
    times = model.times_
    if times is None or len(times) < 2:
        return ""
    row = _chosen(times)
    if times["time"][row] < np.nanmax(times["time"]):
        return ""
    return "the longest training tried was chosen: the error may be smaller with more steps"
