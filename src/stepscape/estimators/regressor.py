"""A scikit-learn regressor of one feature whose smoothness is the step size of gradient descent."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import _check_n_features, _check_sample_weight, check_is_fitted, validate_data

from stepscape.errors import InputError
from stepscape.estimators.descent import Run, descend
from stepscape.estimators.selection import Path, cross_validate
from stepscape.estimators.settings import Progress, checked, one_column, quiet
from stepscape.measures import certify
from stepscape.measures.measures import pieces
from stepscape.problems.units import Standardized

Array = NDArray[np.float64]


class StepSizeRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Fit y = f(x) by an overparameterized two-layer ReLU network; the step size is the smoothness.

    Gradient descent with step size η cannot stay where λ_max > 2/η, and λ_max bounds the weighted total
    variation ∫|f''|g: the larger η, the fewer the bends. Inputs and labels are standardized (weighted mean 0,
    standard deviation 1), so η has no unit; repeated inputs are merged exactly; beyond 10 000 distinct inputs
    training uses 10 000 bins of equal weight.

    Parameters
    ----------
    step_size : "cv" or float in (0, 2)
        "cv" chooses along `step_sizes` by cross-validation. At 2 and beyond descent diverges: the output bias
        alone has curvature 1.
    rule : "min" or "1se"
        Smallest cross-validation error, or the largest step size within one standard error of it.
    width : int
        Neurons.
    steps : int
        Budget of each run; a run ends earlier once its loss is level (see `Schedule`).
        Small step sizes usually spend it: such a fit was smoothed by time as well (`path_` says which).
    step_sizes : array_like, optional
        The path; by default fourteen from 1.5 to 0.003, logarithmic.
    n_splits : int
        Folds; rows of one input stay together.
    random_state : int, RandomState or None
        Seeds folds and initialization.
    n_jobs : int or None
        Threads; None is 1, -1 one a core. The result is the same, bit for bit.
    progress : callable, optional
        Called from the calling thread with a fraction and a message.

    Attributes
    ----------
    step_size_ : float
    trajectory_ : Trajectory
        The final run on all data, in standardized units; predictions are the mean of its last two iterates.
    stop_ : str
        Why it ended: "edge", "stationary" or "budget".
    certificates_ : dict of str to Certificate
        About the last iterate, in standardized units.
    path_ : Table or None
        A row per step size: step_size, cv_error and standard_error (in squared units of y), steps, time,
        edge_ratio, bent_neurons (medians over folds), stop, diverged, chosen. None without a path.
    folds_ : Table or None
        A row per step size and fold, with its own stop, steps, time Σ η and edge_ratio.
    pieces_ : int
        Lines that draw the fit within 5 % of the standard deviation of y; 1 for constant y.
    edge_ratio_ : float
        Sharpness over 2/η, mean over the last third of the final run's records.
    units_ : tuple of two Affine
        Of inputs and labels: ``mean`` and ``deviation``, from standardized units and back.
    problem_ : Problem
        What the final run trained on, standardized.

    Source: Qiao et al. (2024), Theorem 3.1; tutorial "Training Instability", part 2.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 30)
    >>> model = StepSizeRegressor(step_size=0.3, steps=4000).fit(x, np.abs(x - 0.5))
    >>> bool(abs(model.predict([0.0]) - 0.5) < 0.05)
    True
    """

    def __init__(
        self,
        step_size: float | str = "cv",
        *,
        rule: str = "min",
        width: int = 200,
        steps: int = 40_000,
        step_sizes: ArrayLike | None = None,
        n_splits: int = 5,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = -1,
        progress: Progress | None = None,
    ) -> None:
        self.step_size = step_size
        self.rule = rule
        self.width = width
        self.steps = steps
        self.step_sizes = step_sizes
        self.n_splits = n_splits
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose the step size and train on all data.

        Parameters
        ----------
        X : (n,) or (n, 1)
        y : (n,)
        sample_weight : (n,), optional
            Not negative; a whole weight is a repeated row, 0 leaves a row out.
        """
        schedule, workers, path = checked(self, "square")
        x, labels = self._one_feature(X, y, fitting=True)
        weights = _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        data = Standardized.of(x, labels, weights)
        report = self.progress or quiet
        chosen = None
        if path is not None:
            chosen = cross_validate(
                data, path.tolist(), schedule, self.n_splits, self.rule, workers,
                lambda fraction: report(0.95 * fraction, "cross-validation"),
            )  # fmt: skip
        eta = float(self.step_size) if chosen is None else chosen.step_size
        start = 0.0 if chosen is None else 0.95
        run = descend(data.problem(), eta, schedule, lambda f: report(start + (1.0 - start) * f, "final fit"))
        if run.stop == "diverged":
            what = f"the fit diverged at step_size {eta:g} with steps={schedule.steps}"
            raise InputError(f"{what}; give a smaller step_size, or more steps: they lengthen the warm-up")
        self._keep(data, run, eta, chosen)
        report(1.0, "done")
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Mean of the last two iterates at X, (n,) or (n, 1), in the units of y.

        Outside the data the fit continues as a straight line; nothing supports it there.
        """
        check_is_fitted(self)
        x = self.units_[0].standardize(self._one_feature(X, None, fitting=False)[0])
        return self.units_[1].restore(self.trajectory_.predict(x))

    def _one_feature(self, X: Any, y: Any, fitting: bool) -> tuple[Array, Array]:
        """Validate by scikit-learn's rules; X comes back (n,), and y, when fitting, as floats."""
        if fitting:
            X, y = validate_data(self, X, y, ensure_2d=False, dtype=np.float64, y_numeric=True)
            self.n_features_in_ = 1
        else:
            X, y = validate_data(self, X, ensure_2d=False, dtype=np.float64, reset=False), ()
            if X.ndim == 2:
                _check_n_features(self, X, reset=False)
        return one_column(X), np.asarray(y, np.float64)

    def _keep(self, data: Standardized, run: Run, eta: float, path: Path | None) -> None:
        self.units_ = (data.inputs, data.labels)
        self.problem_ = data.problem()
        self.trajectory_, self.stop_, self.step_size_ = run.trajectory, run.stop, eta
        self.edge_ratio_ = run.edge_ratio
        self.path_ = None if path is None else _in_units(path.table, data)
        self.folds_ = None if path is None else _in_units(path.members, data)
        last = run.trajectory
        self.certificates_ = certify(self.problem_, last.network)
        self.pieces_ = pieces(self.problem_, last.network, last.network_before)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False  # a single column, as for scikit-learn's IsotonicRegression
        return tags


def _in_units(table: Any, data: Standardized) -> Any:
    """Errors of a table of the path in squared units of y."""
    unit = data.labels.deviation
    columns = {
        name: values * unit * unit if name in ("cv_error", "standard_error") else values
        for name, values in table.columns.items()
    }
    return type(table)(columns)
