"""What the scikit-learn estimators of one feature share: reading data, choosing, training on all data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils import Tags
from sklearn.utils.validation import _check_n_features, _check_sample_weight, check_is_fitted, validate_data

from stepscape.arguments import reals
from stepscape.errors import InputError, bad, shown
from stepscape.estimators.descent import descend
from stepscape.estimators.selection import Path, cross_validate
from stepscape.estimators.settings import Progress, Settings
from stepscape.measures import certify
from stepscape.measures.measures import pieces
from stepscape.problems.user.units import Standardized, TwoClasses

Array = NDArray[np.float64]
_CHOOSING = 0.95  # share of the progress that cross-validation makes, where there is one


class OneFeature(BaseEstimator):  # type: ignore[misc]
    """An estimator of a single feature, trained by gradient descent at a given or a chosen step size."""

    _instead: ClassVar[str]  # of a step size at which the run diverged

    step_size: float | str
    rule: str
    n_splits: int
    progress: Progress | None

    def _training_data(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
    ) -> tuple[Array, NDArray[Any], Array]:
        """Validate by scikit-learn's rules; X comes back (n,)."""
        _refuse_unreadable(X=X, y=y)
        if sample_weight is not None:
            sample_weight = reals("sample_weight", sample_weight)
            if not np.isfinite(sample_weight).all():
                raise bad("sample_weight", "be finite", "nan or an infinite number in it")
        X, y = validate_data(self, X, y, ensure_2d=False, dtype=np.float64, y_numeric=is_regressor(self))
        self.n_features_in_ = 1
        x = _one_column(X)
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        return x, np.asarray(y), weights

    def _inputs(self, X: Any) -> Array:
        """Validate inputs to predict at, (n,) or (n, 1); they come back (n,)."""
        check_is_fitted(self)
        _refuse_unreadable(X=X)
        X = validate_data(self, X, ensure_2d=False, dtype=np.float64, reset=False)
        if X.ndim == 2:
            _check_n_features(self, X, reset=False)
        return _one_column(X)

    def _cross_validated(
        self,
        data: Standardized | TwoClasses,
        settings: Settings,
        step_sizes: Sequence[float],
        stopping_times: Sequence[int] = (),
    ) -> Path:
        schedule, workers, _ = settings
        return cross_validate(
            data, step_sizes, schedule, self.n_splits, self.rule, workers,
            lambda done: self._report(_CHOOSING * done, "cross-validation"), stopping_times,
        )  # fmt: skip

    def _train(self, data: Standardized | TwoClasses, settings: Settings, chosen: Path | None) -> None:
        """Train on all data with the chosen or given settings, and keep the results."""
        eta = float(self.step_size) if chosen is None else chosen.step_size
        start = 0.0 if chosen is None else _CHOOSING
        problem = data.problem()
        run = descend(
            problem, eta, settings.schedule,
            lambda done: self._report(start + (1.0 - start) * done, "final fit"),
            until=None if chosen is None else chosen.until,
        )  # fmt: skip
        if run.stop == "diverged":
            what = f"the fit diverged at step_size {eta:g} with steps={settings.schedule.steps}"
            raise InputError(f"{what}; give {self._instead}")
        self.problem_, self.step_size_ = problem, eta
        self.trajectory_, self.stop_, self.edge_ratio_ = run.trajectory, run.stop, run.edge_ratio
        last = run.trajectory
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


def _refuse_unreadable(**given: Any) -> None:
    """Refuse what scikit-learn would read wrongly or not in words: masks, and numbers out of range."""
    for name, values in given.items():
        if isinstance(values, np.ma.MaskedArray):
            reals(name, values)
        try:
            array = np.asarray(values)
            if array.dtype.kind == "O" and name == "X":
                array.astype(np.float64)
        except (OverflowError, RuntimeError):
            raise bad(name, "hold real numbers", shown(values)) from None
        except (TypeError, ValueError):
            continue  # scikit-learn has a sentence for it


def _one_column(X: NDArray[Any]) -> Array:
    """X (n,) or (n, 1) as (n,)."""
    if X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if X.ndim != 1:
        shape = f"shape {X.shape}"
        raise bad("X", "hold one feature, shape (n,) or (n, 1)", shape, "fit one column at a time")
    return X
