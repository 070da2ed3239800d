"""The fit of two columns of a user's table: everything that a report, a figure or predictions need."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import function, text, whole
from stepscape.estimators import description as told
from stepscape.estimators.descent import EDGE
from stepscape.estimators.regressor import StepSizeRegressor
from stepscape.measures.table_gain import PredictionGain, prediction_gain
from stepscape.problems.user.scale import Affine
from stepscape.tables.records import plain
from stepscape.theory.line.interpolation import InterpolationBound, interpolation_bound

Array = NDArray[np.float64]
LEAST_INPUTS = 3  # distinct, to estimate noise from neighbors
MANY_INPUTS, DRAWS, FEW_DRAWS = 2000, 16, 4  # draws of the noise, up to so many inputs and beyond


@dataclass(frozen=True, eq=False, repr=False)
class TableFit(told.ColumnFit):
    """The fit of one column against another.

    Attributes
    ----------
    x, y : (n,)
        The rows fitted, in the user's units and order.
    x_name, y_name : str
    regressor : StepSizeRegressor
        Fitted; it predicts in the user's units.
    done : tuple of str
        What was done to the data and how the fit was trained, in sentences.
    warnings : tuple of str
        What a reader must know before relying on the fit, in sentences.
    measures : mapping
        pieces, knots, tv, weighted_tv, bent_neurons, … of the network, in standardized units.
    interpolation : InterpolationBound
        From the standardized rows alone: descent with a step size above its `step_size` is unstable at every
        network that passes through the labels (through their means, where inputs repeat).
    """

    regressor: StepSizeRegressor
    interpolation: InterpolationBound

    @property
    def model(self) -> StepSizeRegressor:
        """The fitted estimator."""
        return self.regressor

    @property
    def of(self) -> str:
        """What is fitted: the name of the labels."""
        return self.y_name

    def predict(self, x: ArrayLike) -> Array:
        """Values of the midpoint network at x (m,), in the units of y."""
        return self.regressor.predict(told.points(x))

    def predictions(self, x: ArrayLike) -> dict[str, list[Any]]:
        """Columns of a file of predictions at x (m,)."""
        return {"prediction": self.predict(x).tolist()}

    @property
    def certificate_units(self) -> str:
        """Units in which sharpness, step size, knots and certificates are stated."""
        a, b = self.regressor.units_
        return f"standardized units: {a.formula(self.x_name)} and {b.formula(self.y_name)}"

    @cached_property
    def fitted(self) -> Array:
        """Predictions at the rows fitted (n,)."""
        return self.predict(self.x)

    @property
    def residuals(self) -> Array:
        """Labels minus predictions (n,), in the units of y."""
        return self.y - self.fitted

    @cached_property
    def gain(self) -> PredictionGain | None:
        """What the table proves about the error to the truth, in standardized units.

        None with fewer than three distinct inputs, from which no noise can be estimated.
        """
        model = self.regressor
        problem, network = model.problem_, model.trajectory_.midpoint
        distinct = np.unique(problem.inputs[problem.averaging > 0.0]).size
        if distinct < LEAST_INPUTS:
            return None
        draws = DRAWS if distinct <= MANY_INPUTS else FEW_DRAWS
        return prediction_gain(problem, network, rows=len(self.x), draws=draws)

    def summary(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        bound = self.interpolation
        found = {
            "loss": "square",
            "x": self.x_name,
            "y": self.y_name,
            **told.training(self.regressor, self.x),
            "rmse": math.sqrt(float(np.mean(self.residuals**2))),
            "measures": self.measures,
            "units": self.certificate_units,
            "interpolation": {
                "possible": bound.possible,
                "sharpness": bound.sharpness,
                "step_size": bound.step_size,
            },
            "gain": None if self.gain is None else self.gain.record(),
            "done": self.done,
            "warnings": self.warnings,
        }
        record: dict[str, Any] = plain(found)
        return record


def fit_table(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_name: str = "x",
    y_name: str = "y",
    step_size: float | None = None,
    rule: str = "min",
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    **settings: Any,
) -> TableFit:
    """Fit y against x and gather what is worth knowing.

    Parameters
    ----------
    x, y : (n,)
        Finite numbers, at least two distinct inputs.
    step_size : float, optional
        In (0, 2), in standardized units; chosen by cross-validation when absent.
    rule : "min" or "1se"
        How cross-validation chooses.
    seed : int
        Of folds and initialization.
    progress : callable, optional
        Called with a fraction and a message.
    **settings
        Further parameters of `StepSizeRegressor`, e.g. ``steps``, ``width``, ``n_jobs``.
    """
    inputs, labels = told.two_columns(x, y)
    text("x_name", x_name)
    text("y_name", y_name)
    whole("seed", seed)
    if progress is not None:
        function("progress", progress)
    chosen: float | str = "cv" if step_size is None else step_size
    model = StepSizeRegressor(
        chosen, rule=rule, random_state=seed, progress=told.forward(progress), **settings
    ).fit(inputs, labels)
    model.progress = None  # the fit outlives whatever shows progress
    a, b = model.units_
    return TableFit(
        x=inputs,
        y=labels,
        x_name=x_name,
        y_name=y_name,
        regressor=model,
        done=_steps_taken(model, inputs, x_name, y_name),
        warnings=_warnings(model, inputs, labels, x_name),
        measures=told.measured(model),
        interpolation=interpolation_bound(a.standardize(inputs), b.standardize(labels)),
    )


def _steps_taken(model: StepSizeRegressor, x: Array, x_name: str, y_name: str) -> tuple[str, ...]:
    out = told.merging(model, x, x_name)
    out.append(f"{x_name} and {y_name} were standardized to mean 0 and standard deviation 1")
    out.append(told.descent(model))
    if model.path_ is not None and model.folds_ is not None:
        folds = len(np.unique(model.folds_["fold"]))
        out.append(
            f"step size chosen by {folds}-fold cross-validation among {len(model.path_)} "
            f"(rule {model.rule}); {told.held_out(model, x, x_name)}"
        )
    return tuple(out)


def _spent(steps: int, ratio: float) -> str:
    """Say that training ended because its steps were spent, and what that means for the fit."""
    if ratio > EDGE[1]:
        return (
            f"training used all of its {steps} steps and ended above the edge (edge ratio {ratio:.2f}), "
            "where descent is not stable: another seed or a smaller step_size may end elsewhere"
        )
    where = "at the edge" if ratio >= EDGE[0] else "below the edge"
    return (
        f"training used all of its {steps} steps {where} (edge ratio {ratio:.2f}) before its loss was level: "
        "stopping early smoothed this fit, not only its step size"
    )


def _warnings(model: StepSizeRegressor, x: Array, y: Array, x_name: str) -> tuple[str, ...]:
    run, path = model.trajectory_, model.path_
    out = []
    if Affine.of(y, np.ones(y.size)).scale == 0.0:
        return (f"all labels are equal ({y[0]:.6g}): there is no shape to fit, and the fit is that constant",)
    if told.binned(model, x):
        out.append("the data were binned, so knots are located no more finely than a bin")
    if model.stop_ == "budget":
        out.append(_spent(int(run.at_steps[-1]), model.edge_ratio_))
    before, dead = (int(count) for count in run.dead_neurons[[0, -1]])
    if dead == run.network.width > before:
        out.append(
            f"all {dead} neurons are active on no input ({before} at the start): large steps "
            "moved them there, and the fit is a constant; a smaller step_size spares them"
        )
    elif run.bent_neurons[-1] < 3:
        out.append(f"only {run.bent_neurons[-1]} neurons bend inside the data: the fit is almost a line")
    out += told.doubts_of_choice(model, x, x_name)
    if path is None:
        return tuple(out)
    row = int(np.flatnonzero(path["chosen"])[0])
    if len(path) > 1 and row in (0, len(path) - 1):
        which = "largest" if row == 0 else "smallest"
        out.append(f"the chosen step size is the {which} of the path: the error may be smaller beyond it")
    if math.sqrt(path["cv_error"][row] + path["standard_error"][row]) > model.units_[1].deviation:
        out.append("cross-validation finds no clear gain over predicting the mean")
    if lost := int((path["diverged"] > 0).sum()):
        out.append(f"{lost} of {len(path)} step sizes diverged in some fold and were left out")
    return tuple(out)
