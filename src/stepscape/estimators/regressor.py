"""A scikit-learn regressor whose smoothness is the step size of gradient descent, and when it stops."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from stepscape.arguments import word
from stepscape.estimators.choice import Path, Validation
from stepscape.estimators.feature_signs import regression_signs
from stepscape.estimators.settings import Progress, Settings, checked
from stepscape.estimators.step_size_estimator import StepSizeEstimator
from stepscape.problems.user.scale import positive
from stepscape.problems.user.units import Standardized

Array = NDArray[np.float64]
STOPPING = ("auto", "cv", "budget")
ERRORS = ("cv_error", "standard_error", "training_error", "budget_error")


class StepSizeRegressor(RegressorMixin, StepSizeEstimator):  # type: ignore[misc]
    """Fit y = f(x) by an overparameterized two-layer ReLU network; the step size is the smoothness.

    X holds one feature, (n,) or (n, 1), or several, (n, d).

    One feature. Gradient descent with step size η cannot stay where λ_max > 2/η, and λ_max bounds the
    weighted total variation ∫|f''|g: the larger η, the fewer the bends. Inputs and labels are standardized
    (weighted mean 0, standard deviation 1), so η has no unit, and training sees them to 2⁻²⁰, so that neither
    another unit nor the order of the rows changes a fit. Repeated inputs are merged exactly; beyond 10 000
    distinct inputs training uses 10 000 bins of equal weight.

    Several features. A large step size still limits the sharpness, but not what a network memorizes: with
    enough features, or a sharp enough corner of the data, a neuron can hold a single row and hardly add to
    λ_max (`shattering_`). Stopping does limit it. So cross-validation chooses the step size together with
    the number of steps. Every feature is standardized; the start is small enough to lie below the edge of
    stability, so that no catapult kills neurons. Categories are numbers first: see scikit-learn's
    OneHotEncoder.

    Parameters
    ----------
    step_size : "cv" or float in (0, 2)
        "cv" chooses along `step_sizes` by cross-validation. At 2 and beyond descent diverges: the output bias
        alone has curvature 1.
    stopping : "auto", "cv" or "budget"
        "cv": cross-validation chooses the number of steps too, among `steps` and its halvings. "budget":
        train until the loss is level or the steps are spent. "auto" is "budget" with one feature, "cv" with
        several.
    rule : "min" or "1se"
        Smallest cross-validation error, or the largest step size within one standard error of it. Errors
        within a tenth of a standard error of the smallest are a tie, and the largest step size wins it.
    width : int
        Neurons.
    steps : int, optional
        Largest number of steps of each run, by default 40 000 with one feature and 2000 with several; a run
        ends earlier once its loss is level (see `Schedule`).
        Small step sizes usually need them all: stopping early then smoothed the fit as well (`path_` says
        where).
    step_sizes : array_like, optional
        The path; by default fourteen from 1.5 to 0.003, logarithmic, and four from 0.9 to 0.03 with several
        features.
    n_splits : int
        Folds. Rows of one input stay together, so that errors are those at new inputs. With at most seven
        distinct inputs of which most rows share theirs, every fold holds out a share of the rows at each
        input, and errors are those of new rows there; a row alone at its input is always trained on.
    random_state : int, RandomState or None
        Seeds folds and initialization.
    n_jobs : int or None
        Number of threads; None means 1, -1 one per core. The result is the same, bit for bit.
    progress : callable, optional
        Called from the calling thread with a fraction and a message.

    Attributes
    ----------
    step_size_ : float
    steps_, budget_ : int
        Steps of the final run, and the most that it could have made.
    trajectory_ : Trajectory
        The final run on all data, in standardized units; predictions are those of its midpoint network.
    prediction_ : Prediction or PlanePrediction
        The function fitted, in standardized units: the midpoint network, with one feature straight outside
        the data, with several without the neurons that are active at no row.
    stop_ : str
        Why it ended: "validated", "edge", "stationary" or "budget".
    certificates_ : dict of str to Certificate
        About the midpoint network, in standardized units.
    path_ : Table or None
        One row per step size: step_size, cv_error and standard_error (in squared units of y), steps, time,
        edge_ratio, bent_neurons (medians over folds), stop, diverged, chosen. None if there is no path.
    folds_ : Table or None
        One row per step size and fold: its error on the rows held out (cv_error) and trained on
        (training_error), stop, steps, time Σ η and edge_ratio.
    held_out_ : str or None
        What the folds held out: "inputs", or "rows" at the inputs that repeat (see `n_splits`); None without.
    passed_over_ : tuple of float
        Step sizes that would have been chosen, but whose run on all data ended far worse than those of the
        folds: its training error exceeds the largest of theirs by more than two standard errors.
    times_ : Table or None
        With a chosen stopping time one row per step size and stopping time, with the columns of `path_`.
    out_of_fold_ : (n,) or None
        Prediction at each row by the fold that held it out; nan where the weight is 0.
    pieces_ : int or None
        Lines that draw the fit within 5 % of the standard deviation of y; 1 for constant y. None with several
        features.
    shattering_ : Shattering or None
        Which neurons are active nowhere, at one distinct input, at few or many; None with one feature.
    first_rows_ : (m,) or None
        The first row of X with each distinct input that `shattering_` counts; None with one feature.
    warnings_ : tuple of str
        With several features, signs of failure, one sentence for each; empty with one.
    edge_ratio_ : float
        Sharpness over 2/η, mean over the last third of the final run's records.
    units_ : tuple of two Affine, the first a `Features` with several features
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

    _instead = "a smaller step_size, or more steps: they lengthen the warm-up"

    def __init__(
        self,
        step_size: float | str = "cv",
        *,
        stopping: str = "auto",
        rule: str = "min",
        width: int = 200,
        steps: int | None = None,
        step_sizes: ArrayLike | None = None,
        n_splits: int = 5,
        random_state: int | np.random.RandomState | None = 0,
        n_jobs: int | None = -1,
        progress: Progress | None = None,
    ) -> None:
        self.step_size = step_size
        self.stopping = stopping
        self.rule = rule
        self.width = width
        self.steps = steps
        self.step_sizes = step_sizes
        self.n_splits = n_splits
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose the step size, of several features also when to stop, and train on all data.

        Parameters
        ----------
        X : (n,), (n, 1) or (n, d)
        y : (n,)
        sample_weight : (n,), optional
            Not negative; a whole weight is a repeated row, 0 leaves a row out.
        """
        word("stopping", self.stopping, STOPPING)
        x, labels, weights = self._training_data(X, y, sample_weight)
        settings = checked(self, "square", self.n_features_in_, len(x))
        data = Standardized.of(x, labels.astype(np.float64), weights)
        settings = self._ready(data, settings)
        path = self._train(data, settings, self._validated(data, settings))
        self.units_ = (data.inputs, data.labels)
        self.steps_ = int(self.trajectory_.at_steps[-1])
        self._keep_path(data, path, x, weights)
        self._keep_shattering(data, x, weights)
        self.warnings_ = regression_signs(self)
        self._report(1.0, "done")
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Values at X, (n,), (n, 1) or (n, d), in the units of y.

        Of one feature those of the midpoint network, and outside the inputs trained on its last piece as a
        straight line; of several those of the neurons of it that are active at some row. Nothing supports
        them outside the data.
        """
        x = self._inputs(X)
        return np.asarray(self.units_[1].restore(self.prediction_(self.units_[0].standardize(x))))

    def _validated(self, data: Standardized, settings: Settings) -> Validation | None:
        """Cross-validate step size and stopping time, as far as they are not given."""
        schedule, _, path = settings
        timed = self.stopping == "cv" or (self.stopping == "auto" and data.features > 1)
        if path is None and not timed:
            return None
        step_sizes = [float(self.step_size)] if path is None else path.tolist()
        times = schedule.stopping_times() if timed else []
        return self._cross_validated(data, settings, step_sizes, times)

    def _keep_path(self, data: Standardized, path: Path | None, x: Array, weights: Array) -> None:
        self.path_ = self.folds_ = self.times_ = self.out_of_fold_ = None
        if path is None:
            return
        self.path_, self.folds_ = _in_units(path.table, data), _in_units(path.members, data)
        if len(path.times) > len(path.table):
            self.times_ = _in_units(path.times, data)
        counted = positive(weights)
        self.out_of_fold_ = np.full(len(x), np.nan)
        _, at = np.unique(x[counted], axis=0, return_inverse=True)
        held_out = path.held_out(data.x, data.rows)[at.ravel()]
        self.out_of_fold_[counted] = data.labels.mean + data.labels.deviation * held_out


def _in_units(table: Any, data: Standardized) -> Any:
    """Errors of a table of the path in squared units of y."""
    unit = data.labels.deviation
    columns = {
        name: values * unit * unit if name in ERRORS else values for name, values in table.columns.items()
    }
    return type(table)(columns)
