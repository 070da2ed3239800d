"""The fit of a user's outcome of two values: everything that a report, a figure or predictions need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import function, text, texts, whole
from stepscape.errors import bad
from stepscape.errors import shown as came
from stepscape.estimators import description as told
from stepscape.estimators.classifier import StepSizeClassifier
from stepscape.estimators.descent import EDGE
from stepscape.measures.uncertainty import UNCERTAIN, uncertain_intervals
from stepscape.problems.user.outcomes import shown
from stepscape.tables.records import plain

Array = NDArray[np.float64]
GRID = 801


@dataclass(frozen=True, eq=False, repr=False)
class OutcomeFit(told.ColumnFit):
    """The probability of one of two values of a column against another column.

    Attributes
    ----------
    x, y : (n,)
        The rows fitted, in the user's units and order; y is 0 or 1.
    x_name, y_name : str
    classes : tuple of two str
        What 0 and 1 stand for. Probabilities are of the second.
    classifier : StepSizeClassifier
        Fitted to 0 and 1; it predicts at inputs in the user's units.
    done : tuple of str
        What was done to the data and how the fit was trained, in sentences.
    warnings : tuple of str
        What a reader must know before relying on the fit, in sentences.
    measures : mapping
        pieces, knots, tv, weighted_tv, bent_neurons, norm, … of the network, in standardized units.
    """

    classes: tuple[str, str]
    classifier: StepSizeClassifier

    @property
    def model(self) -> StepSizeClassifier:
        """The fitted estimator."""
        return self.classifier

    @property
    def of(self) -> str:
        """What the probability is of, as in "state = 'sick'"."""
        return f"{self.y_name} = {shown(self.classes[1])}"

    def predict(self, x: ArrayLike) -> Array:
        """Probability of the second value at x (m,): that of the logit of the midpoint network."""
        probabilities: Array = self.classifier.predict_proba(told.points(x))[:, 1]
        return probabilities

    def predictions(self, x: ArrayLike) -> dict[str, list[Any]]:
        """Columns of a file of predictions at x (m,): the probability, and the more probable value."""
        more = self.classifier.predict(told.points(x)) > 0.5
        return {
            "prediction": self.predict(x).tolist(),
            "predicted_class": [self.classes[int(one)] for one in more],
        }

    @property
    def certificate_units(self) -> str:
        """Units in which sharpness, step size, knots and certificates are stated."""
        unit = self.classifier.units_[0].formula(self.x_name)
        return f"standardized units: {unit} and the logit of {self.of}"

    @cached_property
    def line(self) -> tuple[Array, Array]:
        """Points over the data, all knots of the logit among them, and the logit there."""
        model, run = self.classifier, self.classifier.trajectory_
        knots = model.units_[0].restore(run.midpoint.knots)
        low, high = float(self.x.min()), float(self.x.max())
        points = np.unique(
            np.concatenate([np.linspace(low, high, GRID), knots[(knots > low) & (knots < high)]])
        )
        return points, model.decision_function(points)

    @cached_property
    def uncertain(self) -> dict[str, Any]:
        """Where the logit is within ±1: intervals of the inputs, the rows there, the hull of those rows."""
        rows = np.abs(self.classifier.decision_function(self.x)) <= UNCERTAIN
        hull = self.classifier.uncertain_
        return {"intervals": uncertain_intervals(*self.line), "rows": int(rows.sum()), "hull": hull}

    def summary(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        model = self.classifier
        found = {
            "loss": "logistic",
            "x": self.x_name,
            "y": self.y_name,
            "classes": self.classes,
            "positive": self.classes[1],
            "prediction": f"probability of {self.of}",
            "class_rows": [int((self.y == each).sum()) for each in (0.0, 1.0)],
            **told.training(model, self.x),
            "stopping": model.stopping,
            "at_edge": model.edge_ratio_ >= EDGE[0],
            "log_loss": model.log_loss_,
            "log_loss_standard_error": model.standard_error_,
            "base_log_loss": model.base_log_loss_,
            "brier": model.brier_,
            "base_brier": float(self.y.mean() * (1.0 - self.y.mean())),
            "calibration": None if model.calibration_ is None else model.calibration_.records(),
            "uncertain": self.uncertain,
            "separable": model.separable_,
            "measures": self.measures,
            "units": self.certificate_units,
            "times": None if model.times_ is None else model.times_.records(),
            "done": self.done,
            "warnings": self.warnings,
        }
        record: dict[str, Any] = plain(found)
        return record


def fit_outcome(
    x: ArrayLike,
    y: ArrayLike,
    *,
    classes: tuple[str, str] = ("0", "1"),
    x_name: str = "x",
    y_name: str = "y",
    step_size: float | None = None,
    rule: str = "min",
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    **settings: Any,
) -> OutcomeFit:
    """Fit the probability of y = 1 against x and gather what is worth knowing.

    Parameters
    ----------
    x : (n,)
        Finite numbers, at least two distinct inputs.
    y : (n,)
        0 and 1, both of them.
    classes : tuple of two str
        What 0 and 1 stand for.
    step_size : float, optional
        In (0, 8), in standardized units; chosen by cross-validation when absent, as the number of steps is.
    rule : "min" or "1se"
        How cross-validation chooses.
    seed : int
        Of folds and initialization.
    progress : callable, optional
        Called with a fraction and a message.
    **settings
        Further parameters of `StepSizeClassifier`, e.g. ``steps``, ``width``, ``stopping``, ``n_jobs``.
    """
    inputs, labels = told.two_columns(x, y)
    text("x_name", x_name)
    text("y_name", y_name)
    whole("seed", seed)
    if progress is not None:
        function("progress", progress)
    if not isinstance(classes, tuple | list) or len(texts("classes", classes)) != 2:
        raise bad("classes", "be the names of two classes", came(classes))
    if not np.array_equal(np.unique(labels), [0.0, 1.0]):
        some = ", ".join(f"{value:g}" for value in np.unique(labels)[:5])
        raise bad("y", "hold 0 and 1, both of them and nothing else", some)
    chosen: float | str = "cv" if step_size is None else step_size
    model = StepSizeClassifier(
        chosen, rule=rule, random_state=seed, progress=told.forward(progress), **settings
    ).fit(inputs, labels)
    model.progress = None  # the fit outlives whatever shows progress
    return OutcomeFit(
        x=inputs,
        y=labels,
        x_name=x_name,
        y_name=y_name,
        classes=classes,
        classifier=model,
        done=_steps_taken(model, inputs, x_name),
        warnings=_warnings(model, inputs, x_name),
        measures=told.measured(model),
    )


def _steps_taken(model: StepSizeClassifier, x: Array, x_name: str) -> tuple[str, ...]:
    out = told.merging(model, x, x_name)
    out.append(f"{x_name} was standardized to mean 0 and standard deviation 1")
    out.append(told.descent(model))
    if model.path_ is not None and model.folds_ is not None and model.times_ is not None:
        folds = len(np.unique(model.folds_["fold"]))
        count = len(model.times_)
        if len(model.path_) == 1:
            what, among = "the number of steps", f"{count}"
        else:
            what, among = "step size and number of steps", f"{count} pairs"
        out.append(
            f"{what} chosen by {folds}-fold cross-validation of the log-loss among {among} "
            f"(rule {model.rule}); {told.held_out(model, x, x_name)}"
        )
    return tuple(out)


def _warnings(model: StepSizeClassifier, x: Array, x_name: str) -> tuple[str, ...]:
    out = [*model.warnings_, *told.doubts_of_choice(model, x, x_name)]
    if told.binned(model, x):
        out.append("the data were binned, so knots are located no more finely than a bin")
    if model.trajectory_.bent_neurons[-1] < 3:
        bent = model.trajectory_.bent_neurons[-1]
        out.append(f"only {bent} neurons bend inside the data: the logit is almost a line")
    return tuple(out)
