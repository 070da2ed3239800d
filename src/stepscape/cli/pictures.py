"""A fit → what its figures draw."""

from __future__ import annotations

import numpy as np

from stepscape.estimators import OutcomeFit, TableFit
from stepscape.figures.fit import FitPicture
from stepscape.figures.outcome import OutcomePicture
from stepscape.measures.knots import visible_knots
from stepscape.problems.user.outcomes import shown

GRID = 801


def fit_picture(fit: TableFit) -> FitPicture:
    """Gather what the figures of the fit of a curve draw."""
    model, run = fit.regressor, fit.regressor.trajectory_
    a, b = model.units_
    knots, jumps = visible_knots(run.network, run.network_before, *model.problem_.line.hull)
    at = a.restore(knots)
    grid = np.linspace(fit.x.min(), fit.x.max(), GRID)
    return FitPicture(
        x=fit.x,
        y=fit.y,
        fitted=fit.fitted,
        x_name=fit.x_name,
        y_name=fit.y_name,
        grid=grid,
        curve=fit.predict(grid),
        iterates=tuple(map(b.restore, model.prediction_.iterates(a.standardize(grid)))),
        knots=at,
        knot_values=fit.predict(at) if at.size else at,
        jumps=jumps * b.deviation / a.deviation,
        step_size=fit.step_size,
        pieces=fit.measures["pieces"],
        rule=model.rule,
        path=fit.path,
        folds=fit.folds,
    )


def outcome_picture(fit: OutcomeFit) -> OutcomePicture:
    """Gather what the figures of the fit of an outcome draw."""
    model, run = fit.classifier, fit.classifier.trajectory_
    points, logit = fit.line
    knots, _ = visible_knots(run.network, run.network_before, *model.problem_.line.hull)
    at = model.units_[0].restore(knots)
    held_out = model.out_of_fold_
    return OutcomePicture(
        x=fit.x,
        y=fit.y,
        x_name=fit.x_name,
        of=fit.of,
        classes=(shown(fit.classes[0]), shown(fit.classes[1])),
        grid=points,
        logit=logit,
        iterates=model.prediction_.iterates(model.units_[0].standardize(points)),
        knots=at,
        knot_logits=model.decision_function(at) if at.size else at,
        uncertain=fit.uncertain["intervals"],
        hull=fit.uncertain["hull"],
        step_size=fit.step_size,
        pieces=fit.measures["pieces"],
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
