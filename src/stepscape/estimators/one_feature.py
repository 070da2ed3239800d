"""What the scikit-learn estimators of one feature share: reading data, choosing, training on all data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils import Tags
from sklearn.utils.validation import _check_n_features, _check_sample_weight, check_is_fitted, validate_data

from stepscape.errors import InputError, bad
from stepscape.estimators.choice import Path, Validation
from stepscape.estimators.descent import Run, descend
from stepscape.estimators.folds import can_hold_out
from stepscape.estimators.prediction import Prediction
from stepscape.estimators.selection import AnyData, cross_validate
from stepscape.estimators.settings import Progress, Settings
from stepscape.measures import certify
from stepscape.measures.measures import pieces
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
_CHOOSING = 0.95  # share of the progress that cross-validation makes, where there is one


class OneFeature(BaseEstimator):  # type: ignore[misc]
    """An estimator of a single feature, trained by gradient descent at a given or a chosen step size."""

    _instead: ClassVar[str]  # of a step size at which the run diverged

    step_size: float | str
    rule: str
    n_splits: int
    steps: int
    progress: Progress | None

    def _training_data(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Array, NDArray[Any], Array]:
        """Validate by scikit-learn's rules; X comes back (n,)."""
        X, y = validate_data(self, X, y, ensure_2d=False, dtype=np.float64, y_numeric=is_regressor(self))
        self.n_features_in_ = 1
        x = _one_column(X)
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        return x, np.asarray(y), weights

    def _inputs(self, X: Any) -> Array:
        """Validate inputs to predict at, (n,) or (n, 1); they come back (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, ensure_2d=False, dtype=np.float64, reset=False)
        if X.ndim == 2:
            _check_n_features(self, X, reset=False)
        return _one_column(X)

    def _cross_validated(
        self,
        data: AnyData,
        settings: Settings,
        step_sizes: Sequence[float],
        stopping_times: Sequence[int] = (),
    ) -> Validation | None:
        """Cross-validate; None where nothing can be held out."""
        if not can_hold_out(data.rows, data.size):
            return None
        schedule, workers, _ = settings
        return cross_validate(
            data, step_sizes, schedule, self.n_splits, workers,
            lambda done: self._report(_CHOOSING * done, "cross-validation"), stopping_times,
        )  # fmt: skip

    def _train(self, data: AnyData, settings: Settings, validated: Validation | None) -> Path | None:
        """Train on all data with the chosen or the given settings, keep the results, and return the choice.

        A sharp minimum that fits every mean exactly may hold descent for long before it leaves, with a leap
        that kills neurons: the run on all data can end far worse than all of its folds. If its error on its
        own rows exceeds that of the folds on theirs by two standard errors, the choice is made again among
        the other step sizes; if that happens to all of them, the first stands.
        """
        self.held_out_: str | None = None
        self.passed_over_: tuple[float, ...] = ()
        problem = data.problem()
        if validated is None:
            self._keep(data, problem, *self._first(problem, settings))
            return None
        passed, first = [], None
        for path in validated.paths(self.rule):
            run = self._descend(problem, path.step_size, settings, _CHOOSING, path.until)
            first = first or (path, run)
            if run.stop != "diverged" and _as_good(data, Prediction.of(data, problem, run.trajectory), path):
                break
            passed.append(path.step_size)
        else:
            assert first is not None
            path, run = first
        self.passed_over_ = tuple(eta for eta in passed if eta != path.step_size)
        self.held_out_ = "rows" if path.folds.within else "inputs"
        self._keep(data, problem, path.step_size, run)
        return path

    def _first(self, problem: Problem, settings: Settings) -> tuple[float, Run]:
        """Train without cross-validation: at the step size given, or the largest that does not diverge."""
        for eta in [float(self.step_size)] if settings.path is None else sorted(settings.path)[::-1]:
            run = self._descend(problem, float(eta), settings, 0.0, None)
            if run.stop != "diverged":
                break
        return float(eta), run

    def _descend(
        self, problem: Problem, eta: float, settings: Settings, start: float, until: int | None
    ) -> Run:
        def tick(done: float) -> None:
            self._report(start + (1.0 - start) * done, "final fit")

        return descend(problem, eta, settings.schedule, tick, until=until)

    def _keep(self, data: AnyData, problem: Problem, eta: float, run: Run) -> None:
        if run.stop == "diverged":
            what = f"the fit diverged at step_size {eta:g} with steps={self.steps}"
            raise InputError(f"{what}; give {self._instead}")
        self.problem_, self.step_size_ = problem, eta
        self.trajectory_, self.stop_, self.edge_ratio_ = run.trajectory, run.stop, run.edge_ratio
        last = run.trajectory
        self.prediction_ = Prediction.of(data, problem, last)
        self.certificates_ = certify(problem, last.network)
        self.pieces_ = pieces(problem, last.network, last.network_before)

    def _report(self, fraction: float, message: str) -> None:
        if self.progress is not None:
            self.progress(fraction, message)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False  # a single column, as for scikit-learn's IsotonicRegression
        return tags


def _as_good(data: AnyData, predict: Prediction, path: Path) -> bool:
    """Whether a fit has, up to two standard errors, no larger error on its rows than folds had on theirs."""
    error = data.errors(data, predict(data.x))["cv_error"]
    of_folds, spread = (path.table[name][path.chosen] for name in ("cv_error", "standard_error"))
    return bool(error <= of_folds + 2.0 * spread + data.resolution)


def _one_column(X: NDArray[Any]) -> Array:
    """X (n,) or (n, 1) as (n,)."""
    if X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if X.ndim != 1:
        shape = f"shape {X.shape}"
        raise bad("X", "hold one feature, shape (n,) or (n, 1)", shape, "fit one column at a time")
    return X
