"""A fit → its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.errors import bad, shown
from stepscape.figures import fit as curve
from stepscape.figures import outcome
from stepscape.figures.fit import FitPicture
from stepscape.figures.outcome import OutcomePicture
from stepscape.measures.measures import bends
from stepscape.problems.user.outcomes import shown as class_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID = 801


def of_fit(fit: Any) -> dict[str, Figure]:
    """Draw the figures of a fit of a table, as the command ``fit`` does.

    Parameters
    ----------
    fit : what `stepscape.estimators.fit_table` or `fit_outcome` returns.

    Returns
    -------
    dict
        Of a curve "fit" and, if cross-validation chose the step size, "path". Of an outcome "fit" and, with
        cross-validation, "calibration", "path" and "times".

    Raises
    ------
    InputError
        Anything else.
    """
    if type(fit).__name__ not in ("TableFit", "OutcomeFit"):
        raise bad("fit", "be what fit_table or fit_outcome returned", shown(fit))
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
