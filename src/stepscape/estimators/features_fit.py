"""The fit of a column of a user's table against several others: all that a report or a figure needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import function, reals, text, texts, whole, word
from stepscape.errors import InputError, bad
from stepscape.errors import shown as came
from stepscape.estimators import description as told
from stepscape.estimators.classifier import StepSizeClassifier
from stepscape.estimators.descent import EDGE
from stepscape.estimators.feature_signs import feature_signs
from stepscape.estimators.regressor import StepSizeRegressor
from stepscape.problems.problem import column
from stepscape.problems.user.columns import some
from stepscape.problems.user.outcomes import shown
from stepscape.tables.records import Table, plain

Array = NDArray[np.float64]
_MODELS: dict[str, Callable[..., Any]] = {"square": StepSizeRegressor, "logistic": StepSizeClassifier}
COUNTS = ("bent_neurons", "dead_neurons", "knots_at_data")
MOST_HELD = 20  # held rows that a summary lists


@dataclass(frozen=True, eq=False, repr=False)
class FeaturesFit:
    """The fit of one column against several others.

    Attributes
    ----------
    x : (n, d)
        The rows fitted, in the user's units and order.
    y : (n,)
        Labels; of an outcome of two values 0 or 1.
    x_names : tuple of d str
    y_name : str
    classes : tuple of two str, or empty
        What 0 and 1 stand for, of an outcome. Probabilities are of the second.
    model : StepSizeRegressor or StepSizeClassifier
        Fitted; it predicts in the user's units.
    done : tuple of str
        What was done to the data and how the fit was trained, in sentences.
    warnings : tuple of str
        What a reader must know before relying on the fit, in sentences.
    """

    x: Array
    y: Array
    x_names: tuple[str, ...]
    y_name: str
    classes: tuple[str, ...]
    model: Any
    done: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def of(self) -> str:
        """What is fitted: the name of the labels, or what the probability is of."""
        return f"{self.y_name} = {shown(self.classes[1])}" if self.classes else self.y_name

    @property
    def step_size(self) -> float:
        """Step size used."""
        return float(self.model.step_size_)

    @property
    def path(self) -> Table | None:
        """One row per step size of the path (None if none was chosen); see the estimator."""
        table: Table | None = self.model.path_
        return table

    @property
    def folds(self) -> Table | None:
        """One row per step size and fold."""
        table: Table | None = self.model.folds_
        return table

    def predict(self, x: ArrayLike) -> Array:
        """Values, or probabilities of the second class, at x (m, d)."""
        rows = _matrix(x, len(self.x_names))
        if not self.classes:
            return np.asarray(self.model.predict(rows))
        return np.asarray(self.model.predict_proba(rows)[:, 1])

    def predictions(self, x: ArrayLike) -> dict[str, list[Any]]:
        """Columns of a file of predictions at x (m, d)."""
        values = self.predict(x)
        columns: dict[str, list[Any]] = {"prediction": values.tolist()}
        if self.classes:
            columns["predicted_class"] = [self.classes[int(one)] for one in values > 0.5]
        return columns

    @cached_property
    def fitted(self) -> Array:
        """Predictions at the rows fitted (n,)."""
        return self.predict(self.x)

    @property
    def held_out(self) -> Array | None:
        """Predictions (n,) by the fold that held a row out; None without cross-validation."""
        values: Array | None = self.model.out_of_fold_
        return values

    def outside(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Mask (m,) of the inputs with some feature outside its range in the data."""
        rows = _matrix(x, len(self.x_names))
        return np.asarray(((rows < self.x.min(axis=0)) | (rows > self.x.max(axis=0))).any(axis=1))

    def outside_warning(self, x: ArrayLike) -> str:
        """One sentence when some inputs lie outside the data, else an empty string."""
        outside = self.outside(x)
        if not outside.any():
            return ""
        return (
            f"{int(outside.sum())} of {outside.size} predictions are for inputs with a feature outside its "
            "range in the data: nothing supports the fit there"
        )

    @property
    def held(self) -> list[dict[str, Any]]:
        """Rows that some neurons hold alone: those whose prediction these move most come first.

        Each has its place among the rows fitted (`row`, the first of equal ones), the number of neurons, what
        they add there (to the prediction in units of y, or to the logit), label and prediction.
        """
        unit = 1.0 if self.classes else self.model.units_[1].deviation
        found = []
        for one in self.model.shattering_.held:
            row = int(self.model.first_rows_[one.place])
            found.append(
                {
                    "row": row,
                    "neurons": one.neurons,
                    "adds": one.adds * unit,
                    "label": float(self.y[row]),
                    "prediction": float(self.fitted[row]),
                }
            )
        return found

    @property
    def shattering(self) -> dict[str, Any]:
        """Where neurons are active, and the rows that some of them hold alone, as plain values."""
        held = self.held
        found: Mapping[str, Any] = self.model.shattering_.summary()
        return {**found, "held_rows": len(held), "held": held[:MOST_HELD]}

    @property
    def certificate_units(self) -> str:
        """Units in which sharpness, step size and certificates are stated."""
        labels = f"the logit of {self.of}" if self.classes else f"{self.y_name} so, too"
        turned = ", along as many directions as there are distinct rows" if self._turned else ""
        return f"standardized units: every feature with mean 0 and standard deviation 1{turned}, and {labels}"

    @property
    def _turned(self) -> bool:
        return self.model.units_[0].turn is not None

    def summary(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        model = self.model
        found = {
            "loss": "logistic" if self.classes else "square",
            "x": list(self.x_names),
            "y": self.y_name,
            **told.training(model, self.x),
            "stopping": "cv" if model.times_ is not None else "budget",
            "at_edge": model.edge_ratio_ >= EDGE[0],
            **(self._outcome() if self.classes else self._errors()),
            "shattering": self.shattering,
            "measures": {name: int(getattr(model.trajectory_, name)[-1]) for name in COUNTS},
            "units": self.certificate_units,
            "times": None if model.times_ is None else model.times_.records(),
            "done": self.done,
            "warnings": self.warnings,
        }
        record: dict[str, Any] = plain(found)
        return record

    def _errors(self) -> dict[str, Any]:
        out = self.held_out
        known = None if out is None else float(np.sqrt(np.nanmean((out - self.y) ** 2)))
        return {
            "rmse": math.sqrt(float(np.mean((self.fitted - self.y) ** 2))),
            "held_out_rmse": known,
            "deviation": float(self.y.std()),
        }

    def _outcome(self) -> dict[str, Any]:
        model = self.model
        return {
            "classes": self.classes,
            "positive": self.classes[1],
            "prediction": f"probability of {self.of}",
            "class_rows": [int((self.y == each).sum()) for each in (0.0, 1.0)],
            "log_loss": model.log_loss_,
            "log_loss_standard_error": model.standard_error_,
            "base_log_loss": model.base_log_loss_,
            "brier": model.brier_,
            "base_brier": float(self.y.mean() * (1.0 - self.y.mean())),
            "separable": model.separable_ is not None,
            "calibration": None if model.calibration_ is None else model.calibration_.records(),
            "uncertain_rows": int((np.abs(model.decision_function(self.x)) <= 1.0).sum()),
        }

    def __repr__(self) -> str:
        against = f"{self.of} against {some(self.x_names)}: {len(self.x)} rows"
        found = f"step size {self.step_size:.4g}, {self.model.steps_} steps, {len(self.warnings)} warnings"
        return f"FeaturesFit({against}, {found})"


def fit_features(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_names: Sequence[str] | None = None,
    y_name: str = "y",
    loss: str = "square",
    classes: tuple[str, str] = ("0", "1"),
    step_size: float | None = None,
    rule: str = "min",
    seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    **settings: Any,
) -> FeaturesFit:
    """Fit y against several columns and gather what is worth knowing.

    Parameters
    ----------
    x : (n, d)
        Finite numbers, d ≥ 2, at least two distinct rows.
    y : (n,)
        Numbers; for the logistic loss 0 and 1, both of them.
    x_names : sequence of d str, optional
        "x1", "x2", … by default.
    loss : "square" or "logistic"
    classes : tuple of two str
        What 0 and 1 stand for, with the logistic loss.
    step_size : float, optional
        In standardized units: in (0, 2), or (0, 8) with the logistic loss; chosen by cross-validation when
        absent, as the number of steps is.
    rule : "min" or "1se"
        How cross-validation chooses.
    seed : int
        Of folds and initialization.
    progress : callable, optional
        Called with a fraction and a message.
    **settings
        Further parameters of the estimator, e.g. ``steps``, ``width``, ``stopping``, ``n_jobs``.
    """
    rows, labels = _matrix(x, None), column("y", y)
    if len(rows) != labels.size:
        raise InputError(f"x and y must have the same length, got {len(rows)} and {labels.size}")
    names = _names(x_names, rows.shape[1])
    text("y_name", y_name)
    whole("seed", seed)
    word("loss", loss, _MODELS)
    if progress is not None:
        function("progress", progress)
    named = _classes(classes, labels, loss)
    chosen: float | str = "cv" if step_size is None else step_size
    model = _MODELS[loss](
        chosen, rule=rule, random_state=seed, progress=told.forward(progress), **settings
    ).fit(rows, labels)
    model.progress = None  # the fit outlives whatever shows progress
    return FeaturesFit(
        x=rows,
        y=labels,
        x_names=names,
        y_name=y_name,
        classes=named,
        model=model,
        done=_steps_taken(model, rows, names),
        warnings=_warnings(model, names),
    )


def _classes(given: Any, labels: Array, loss: str) -> tuple[str, ...]:
    """Read the names of 0 and 1; () with the square loss."""
    if loss == "logistic" and not np.array_equal(np.unique(labels), [0.0, 1.0]):
        raise bad("y", "hold 0 and 1, both of them and nothing else", _few(labels))
    if not isinstance(given, tuple | list) or len(texts("classes", given)) != 2:
        raise bad("classes", "be the names of two classes", came(given))
    return tuple(given) if loss == "logistic" else ()


def _matrix(x: ArrayLike, features: int | None) -> Array:
    """Read rows of several features, at least one row."""
    rows = reals("x", x)
    least = 2 if features is None else features
    if (
        rows.ndim != 2
        or not len(rows)
        or (rows.shape[1] < 2 if features is None else rows.shape[1] != features)
    ):
        some_features = f"(n, d) with d of at least {least}" if features is None else f"(m, {features})"
        raise bad("x", f"have shape {some_features}", rows.shape)
    if not np.isfinite(rows).all():
        raise bad("x", "be finite", f"{rows[~np.isfinite(rows)][0]} in it", "drop or mend such rows")
    return rows


def _names(given: Sequence[str] | None, features: int) -> tuple[str, ...]:
    names = tuple(f"x{i + 1}" for i in range(features)) if given is None else tuple(texts("x_names", given))
    if len(names) != features:
        raise bad("x_names", f"name {features} features", f"{len(names)} names")
    return names


def _few(labels: Array) -> str:
    return ", ".join(f"{value:g}" for value in np.unique(labels)[:5])


def _steps_taken(model: Any, rows: Array, names: tuple[str, ...]) -> tuple[str, ...]:
    distinct = int(model.first_rows_.size)
    out = []
    if distinct < len(rows):
        out.append(f"{len(rows)} rows were merged into {distinct} distinct inputs, exactly, through weights")
    out.append(f"all {len(names)} features were standardized to mean 0 and standard deviation 1")
    out.append(told.descent(model))
    if model.path_ is not None and model.folds_ is not None:
        folds = len(np.unique(model.folds_["fold"]))
        pairs, etas = (0 if t is None else len(t) for t in (model.times_, model.path_))
        what, among = (
            ("step size and number of steps", f"{pairs} pairs") if pairs else ("step size", f"{etas}")
        )
        held = "rows of equal inputs stayed in one fold"
        if model.held_out_ == "rows":
            held = f"there are only {distinct} distinct inputs, so every fold held out rows at each of them"
        out.append(
            f"{what} chosen by {folds}-fold cross-validation among {among} (rule {model.rule}); {held}"
        )
    return tuple(out)


def _warnings(model: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    """Warnings of the estimator, with the names of columns in place of their numbers."""
    unnamed = set(feature_signs(model))
    own = tuple(sentence for sentence in model.warnings_ if sentence not in unnamed)
    return (*own, *feature_signs(model, names), *told.passed_over(model))
