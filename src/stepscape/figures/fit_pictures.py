"""A fit → its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, shown
from stepscape.figures import features_fit, outcome
from stepscape.figures import fit as curve
from stepscape.figures.features_fit import FeaturesPicture, PartialView
from stepscape.figures.fit import FitPicture
from stepscape.figures.outcome import OutcomePicture
from stepscape.figures.path import ONE_FOR_ALL
from stepscape.figures.text import shown as text_shown
from stepscape.measures.measures import bends
from stepscape.problems.user.outcomes import shown as class_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID = 801
VALUES, ROWS, VIEWS = 25, 300, 12  # of a partial view; how many rows it averages; features looked at


def of_fit(fit: Any) -> dict[str, Figure]:
    """Draw the figures of a fit of a table, as the command ``fit`` does.

    Parameters
    ----------
    fit : what `stepscape.estimators.fit_table`, `fit_outcome` or `fit_features` returns.

    Returns
    -------
    dict
        Of a curve "fit" and, if cross-validation chose the step size, "path". Of an outcome "fit" and, with
        cross-validation, "calibration", "path" and "times". Of several features "shattering" and "features"
        and, with cross-validation, "observed" or "calibration", "path" and "times".

    Raises
    ------
    InputError
        Anything else.
    """
    if type(fit).__name__ not in ("TableFit", "OutcomeFit", "FeaturesFit"):
        raise bad("fit", "be what fit_table, fit_outcome or fit_features returned", shown(fit))
    if type(fit).__name__ == "FeaturesFit":
        return features_fit.figures(features_picture(fit))
    if fit.model.problem_.loss == "square":
        return curve.figures(fit_picture(fit))
    return outcome.figures(outcome_picture(fit))


def fit_picture(fit: Any) -> FitPicture:
    """Gather what the figures of the fit of a curve draw."""
    model, run = fit.regressor, fit.regressor.trajectory_
    a, _ = model.units_
    at = a.restore(bends(model.problem_, run.midpoint))
    grid = np.linspace(fit.x.min(), fit.x.max(), GRID)
    return FitPicture(
        x=fit.x,
        y=fit.y,
        fitted=fit.fitted,
        x_name=fit.x_name,
        y_name=fit.y_name,
        grid=grid,
        curve=fit.predict(grid),
        knots=at,
        knot_values=fit.predict(at) if at.size else at,
        step_size=fit.step_size,
        rule=model.rule,
        path=fit.path,
        folds=fit.folds,
    )


def outcome_picture(fit: Any) -> OutcomePicture:
    """Gather what the figures of the fit of an outcome draw."""
    model, run = fit.classifier, fit.classifier.trajectory_
    points, logit = fit.line
    knots = bends(model.problem_, run.midpoint)
    at = model.units_[0].restore(knots)
    held_out = model.out_of_fold_
    return OutcomePicture(
        x=fit.x,
        y=fit.y,
        x_name=fit.x_name,
        of=fit.of,
        classes=(class_name(fit.classes[0]), class_name(fit.classes[1])),
        grid=points,
        logit=logit,
        knots=at,
        knot_logits=model.decision_function(at) if at.size else at,
        uncertain=fit.uncertain["intervals"],
        hull=fit.uncertain["hull"],
        step_size=fit.step_size,
        steps=model.steps_,
        base=model.base_log_loss_,
        predicted=np.empty(0) if held_out is None else held_out,
        known=np.empty(0) if held_out is None else fit.y,
        calibration=model.calibration_,
        rule=model.rule,
        path=fit.path,
        folds=fit.folds,
        times=model.times_,
    )


def features_picture(fit: Any) -> FeaturesPicture:
    """Gather what the figures of a fit of several features draw."""
    model, outcome_ = fit.model, bool(fit.classes)
    held_out, shattering = fit.held_out, model.shattering_
    return FeaturesPicture(
        of=fit.of,
        classes=tuple(class_name(name) for name in fit.classes),
        predicted=np.empty(0) if held_out is None else held_out,
        known=np.empty(0) if held_out is None else fit.y,
        counts=shattering.activity.counts,
        groups=shattering.groups,
        inputs=shattering.examples,
        views=partial_views(fit),
        step_size=fit.step_size,
        steps=model.steps_,
        rule=model.rule,
        base=model.base_log_loss_ if outcome_ else float(fit.y.var()),
        unit="log-loss (nats)" if outcome_ else f"squared error ({text_shown(fit.y_name, 14)}²)",
        error="log-loss" if outcome_ else "squared error",
        without=ONE_FOR_ALL if outcome_ else "the mean for all rows",
        calibration=model.calibration_ if outcome_ else None,
        path=fit.path,
        folds=fit.folds,
        times=model.times_,
    )


def partial_views(fit: Any) -> list[PartialView]:
    """Mean prediction over rows of the data if one feature had another value, for each feature.

    The features that move it most come first. At most 300 rows are averaged, evenly spaced; of more than
    twelve features those are looked at whose weights ‖w1‖ |w2| are largest.
    """
    rows = fit.x[np.unique(np.linspace(0, len(fit.x) - 1, ROWS).round().astype(int))]
    views = [_partial_view(fit, rows, int(column)) for column in _strongest(fit)]
    return sorted(views, key=lambda view: -float(np.ptp(view.means)))


def _strongest(fit: Any) -> NDArray[np.intp]:
    """At most twelve features, by the weights that neurons give them; constant ones have none."""
    units, network = fit.model.units_[0], fit.model.prediction_.midpoint
    weights = network.w1.T if units.turn is None else units.turn @ network.w1.T
    strength = np.abs(weights) @ np.abs(network.w2) * ~units.constant
    return np.argsort(-strength, kind="stable")[: min(VIEWS, int((~units.constant).sum()))]


def _partial_view(fit: Any, rows: NDArray[np.float64], column: int) -> PartialView:
    values = np.linspace(fit.x[:, column].min(), fit.x[:, column].max(), VALUES)
    tried = np.repeat(rows[None], VALUES, axis=0)
    tried[:, :, column] = values[:, None]
    means = fit.predict(tried.reshape(-1, rows.shape[1])).reshape(VALUES, len(rows)).mean(axis=1)
    return PartialView(fit.x_names[column], values, means)
