"""A scikit-learn classifier of two classes: a logit by gradient descent with large steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets

from stepscape.arguments import word
from stepscape.errors import InputError, bad
from stepscape.estimators.choice import Path, Validation
from stepscape.estimators.failure_signs import failure_signs
from stepscape.estimators.feature_signs import feature_signs
from stepscape.estimators.prediction import AnyPrediction
from stepscape.estimators.settings import Progress, Settings, checked
from stepscape.estimators.step_size_estimator import StepSizeEstimator
from stepscape.losses import loss_of, probability
from stepscape.measures.calibration import calibration_curve
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.problems.user.scale import Affine, positive
from stepscape.problems.user.units import TwoClasses
from stepscape.training.trajectory import Trajectory

Array = NDArray[np.float64]
STOPPING = ("cv", "budget")
Recorded = TypeVar("Recorded", bound=Trajectory | AnyPrediction)


class StepSizeClassifier(ClassifierMixin, StepSizeEstimator):  # type: ignore[misc]
    """Fit the logit of P(second class | x) by an overparameterized two-layer ReLU network.

    Logistic loss, gradient descent with step size η. As with the square loss, descent cannot stay where
    λ_max > 2/η. But confidence lowers λ_max just as fewer bends do, so a large step size does not keep a
    fit from growing ever more certain. Stopping does: every fold is measured at several times of its run,
    and cross-validation chooses step size and time together, by log-loss.

    On four real tables (``benchmarks/classify.py``) held-out log-loss depends on the product of the two, the
    time Σ η: below the edge of stability equal times give the same fit. Short times are best, and at every
    step size from 0.1 on all 10 000 steps are worse than the best stop. The step size decides where the
    truth bends often: of 2000 labels of the logit 3 sin 3x large ones, at the edge, miss the bends (log-loss
    0.5 and more from step size 3 on, 0.39 at 0.4).

    X holds one feature, (n,) or (n, 1), or several, (n, d); categories are numbers first, see scikit-learn's
    OneHotEncoder. Inputs are standardized (weighted mean 0, standard deviation 1); rows of equal input and
    class are merged exactly; beyond 10 000 distinct inputs of one feature training uses 10 000 bins of equal
    weight. With several features the start is small enough to lie below the edge of stability.

    Parameters
    ----------
    step_size : "cv" or float in (0, 8)
        "cv" chooses along `step_sizes` by cross-validation. At 8 and beyond descent cannot stay where labels
        are undecided: the output bias alone has curvature ¼ there.
    stopping : "cv" or "budget"
        "cv": cross-validation chooses when to stop, among the budget and its halvings down to the end of the
        warm-up. "budget": train until the loss is level or the budget is spent (see `Schedule`), which on
        noisy labels is over-confident at every step size.
    rule : "min" or "1se"
        Smallest cross-validated log-loss, or the largest step size within one standard error of it, stopped
        as early as that allows. Log-losses within a tenth of a standard error of the smallest are a tie, and
        the largest step size and then the earliest stop win it.
    width : int
        Neurons.
    steps : int, optional
        Largest number of steps of each run, by default 10 000 with one feature and 2000 with several.
    step_sizes : array_like, optional
        The path; by default twelve from 6 to 0.003, logarithmic, and four from 3.6 to 0.12 with several
        features.
    n_splits : int
        Folds, with alike shares of the classes. Rows of one input stay together, so that errors are those at
        new inputs. With at most seven distinct inputs of which most rows share theirs, every fold holds out a
        share of the rows at each input, and errors are those of new rows there; a row alone at its input is
        always trained on.
    random_state : int, RandomState or None
        Seeds folds and initialization.
    n_jobs : int or None
        Number of threads; None means 1, -1 one per core. The result is the same, bit for bit.
    progress : callable, optional
        Called from the calling thread with a fraction and a message.

    Attributes
    ----------
    classes_ : (2,)
        Sorted. Probabilities, logits and labels +1 are about the second.
    step_size_ : float
    steps_, budget_ : int
        Steps of the final run, and the most that it could have made.
    trajectory_ : Trajectory
        The final run on all data, in standardized units; the logit is that of its midpoint network.
    prediction_ : Prediction or PlanePrediction
        The function fitted, in standardized units: the midpoint network, with one feature straight outside
        the data, with several without the neurons that are active at no row.
    stop_ : str
        Why it ended: "validated", "edge", "stationary", "interpolating" or "budget".
    certificates_ : dict of str to Certificate
        About the midpoint network, in standardized units.
    path_ : Table or None
        One row per step size, at its best stopping time (the chosen one in the chosen row): step_size,
        cv_error (log-loss in nats), standard_error, brier, steps, time, edge_ratio, bent_neurons (medians
        over folds), stop, diverged, overshot, trapped (folds), chosen; budget_error and budget_stop say the
        same of the whole budget. None without cross-validation (a given step size and stopping "budget").
    times_ : Table or None
        One row per step size and stopping time, with the columns of `path_` up to chosen.
    folds_ : Table or None
        One row per step size and fold, at the stopping time of `path_`.
    held_out_ : str or None
        What the folds held out: "inputs", or "rows" at the inputs that repeat (see `n_splits`); None without.
    passed_over_ : tuple of float
        Step sizes that would have been chosen, but whose run on all data ended far worse than those of the
        folds: its training error exceeds the largest of theirs by more than two standard errors.
    log_loss_, brier_, standard_error_ : float
        By cross-validation at the choice, and the standard error of the log-loss; nan without.
    base_log_loss_ : float
        Log-loss of the best constant: the entropy of the classes' shares.
    out_of_fold_ : (n,) or None
        P(second class) at each row by the fold that held it out (the mean, where several held out a row of
        its input and class); nan where the weight is 0, or no fold held it out.
    calibration_ : Table or None
        Calibration curve of `out_of_fold_`; see `stepscape.measures.calibration.calibration_curve`.
    separable_ : tuple of two float, Plane, or None
        The gap between the classes when a threshold separates them, in units of X. Log-losses below one nat
        in all distinct inputs then count as equal: the largest step size is taken, and its first stop.
        With several features a plane between the classes, ``weights`` (d,) and ``offset`` in units of X,
        which a linear program finds; it changes no choice.
    uncertain_ : tuple of two float, or None
        Least and greatest input of the data with |logit| ≤ 1, in units of X: there bounds on bends speak.
    warnings_ : tuple of str
        Signs of failure, one sentence for each.
    pieces_ : int or None
        Lines that draw the logit within 0.2, at most 5 points of probability; None with several features.
    shattering_ : Shattering or None
        Which neurons are active nowhere, at one distinct input, at few or many; None with one feature.
    first_rows_ : (m,) or None
        The first row of X with each distinct input that `shattering_` counts; None with one feature.
    edge_ratio_ : float
        Sharpness over 2/η, mean over the last third of the final run's records.
    units_ : tuple of one Affine, or one `Features` with several features
        Of inputs: ``mean`` and ``deviation``, from standardized units and back.
    problem_ : Problem
        What the final run trained on, standardized.

    Source: Qiao and Wang (2025), Theorems 3.1 and 3.5.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0.0, 1.0, 40)
    >>> y = np.where(x + 0.3 * np.sin(9 * x) > 0.5, "b", "a")
    >>> model = StepSizeClassifier(step_size=0.5, steps=800).fit(x, y)
    >>> model.predict([0.1, 0.9]).tolist()
    ['a', 'b']
    """

    _instead = "a smaller step_size"

    def __init__(
        self,
        step_size: float | str = "cv",
        *,
        stopping: str = "cv",
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
        """Choose step size and stopping time, and train on all data.

        Parameters
        ----------
        X : (n,), (n, 1) or (n, d)
        y : (n,)
            Two different values of any type.
        sample_weight : (n,), optional
            Not negative; a whole weight is a repeated row, 0 leaves a row out.
        """
        word("stopping", self.stopping, STOPPING)
        x, labels, weights = self._training_data(X, y, sample_weight)
        settings = checked(self, "logistic", self.n_features_in_, len(x))
        classes = two_classes(labels[positive(weights)])
        up = labels == classes[1]
        data = TwoClasses.of(x, np.where(up, 1.0, -1.0), weights)
        path = self._learn(data, self._ready(data, settings))
        self.classes_ = classes
        self._keep_units(data)
        self._keep_path(data, path, x, up, weights)
        self._keep_shattering(data, x, weights)
        self.warnings_ = (*failure_signs(self), *feature_signs(self))
        self._report(1.0, "done")
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Logit of P(second class) at X, (n,), (n, 1) or (n, d): the midpoint network.

        Outside the inputs trained on that of one feature continues its last piece as a straight line; nothing
        supports it there.
        """
        x = self._inputs(X)
        return self.prediction_(self.units_[0].standardize(x))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probabilities (n, 2) of the classes."""
        logits = self.decision_function(X)
        return np.column_stack([probability(-logits), probability(logits)])

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithms (n, 2) of the probabilities, exact where those round to 0 or 1."""
        logits = self.decision_function(X)
        loss = loss_of("logistic").value
        return -np.column_stack([loss(logits, -np.ones(1)), loss(logits, np.ones(1))])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the more probable class at X, (n,), (n, 1) or (n, d)."""
        up = self.decision_function(X) > 0.0
        predicted: NDArray[Any] = self.classes_[up.astype(np.intp)]
        return predicted

    def _learn(self, data: TwoClasses, settings: Settings) -> Path | None:
        """Choose and train with the label called +1 that the data name, not the user.

        L(-f, -y) = L(f, y), and descent from (-w2, -b2) is that from (w2, b2) mirrored: names do not count.
        """
        faced = _faced(data)
        path = self._train(faced, settings, self._validated(faced, settings))
        if not data.needs_mirror:
            return path
        self.problem_, self.trajectory_ = data.problem(), _negated(self.trajectory_)
        self.prediction_ = _negated(self.prediction_)
        return path if path is None else path._replace(predictions=tuple(map(_negated, path.predictions)))

    def _validated(self, data: TwoClasses, settings: Settings) -> Validation | None:
        schedule, _, path = settings
        if path is None and self.stopping == "budget":
            return None
        step_sizes = [float(self.step_size)] if path is None else path.tolist()
        times = schedule.stopping_times() if self.stopping == "cv" else [schedule.steps]
        return self._cross_validated(data, settings, step_sizes, times)

    def _keep_units(self, data: TwoClasses) -> None:
        self.units_ = (data.inputs,)
        self.steps_ = int(self.trajectory_.at_steps[-1])
        self.base_log_loss_ = data.base_log_loss
        self.separable_ = data.gap if self.n_features_in_ == 1 else data.plane
        self.uncertain_ = _uncertain(data, self.prediction_(data.x))

    def _keep_path(
        self, data: TwoClasses, path: Path | None, x: Array, up: NDArray[np.bool_], weights: Array
    ) -> None:
        self.path_ = self.times_ = self.folds_ = self.out_of_fold_ = self.calibration_ = None
        self.log_loss_ = self.brier_ = self.standard_error_ = np.nan
        if path is None:
            return
        self.path_, self.times_, self.folds_ = path.table, path.times, path.members
        self.log_loss_, self.brier_, self.standard_error_ = (
            float(path.table[name][path.chosen]) for name in ("cv_error", "brier", "standard_error")
        )
        counted = positive(weights)
        self.out_of_fold_ = np.full(len(x), np.nan)
        self.out_of_fold_[counted] = _out_of_fold(data, path, x[counted], up[counted])
        known = ~np.isnan(self.out_of_fold_)
        self.calibration_ = calibration_curve(self.out_of_fold_[known], up[known], weights[known])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def _uncertain(data: TwoClasses, logits: Array) -> tuple[float, float] | None:
    """Return the ends of the inputs of one feature with |logit| ≤ 1; None of several or without any."""
    unsure = data.x[np.abs(logits) <= UNCERTAIN]
    if not (isinstance(data.inputs, Affine) and unsure.size):
        return None
    found = data.inputs.restore(unsure)
    return float(found.min()), float(found.max())


def _faced(data: TwoClasses) -> TwoClasses:
    """Return the data as they are trained on, whatever the labels are called."""
    return data.swap_labels() if data.needs_mirror else data


def _out_of_fold(data: TwoClasses, path: Path, x: Array, up: NDArray[np.bool_]) -> Array:
    """Probabilities (n,) of +1 at rows that count, by folds that held such a row out; nan where none did."""
    rows = _faced(data).rows
    held = np.array(list(path.folds))
    measured = np.maximum(held.sum(axis=0), 1)
    found = np.where(held.any(axis=0), 0.0, np.nan)
    for out, predict in zip(held, path.predictions, strict=True):
        found += out / measured * probability(predict(data.x))[rows.at]
    # Rows are in the order of these keys.
    keys, up = 2 * rows.at + (rows.labels > 0.0), up != data.needs_mirror
    at = np.unique(x, axis=0, return_inverse=True)[1].ravel()
    return np.asarray(found[np.searchsorted(keys, 2 * at + up)])


def _negated(run: Recorded) -> Recorded:
    """Return a run, or what it predicts, with -f in place of f."""
    last, before = (replace(net, w2=-net.w2, b2=-net.b2) for net in (run.network, run.network_before))
    return replace(run, network=last, network_before=before)


def two_classes(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the two values among labels (n,), sorted; or say why they are not two classes."""
    try:
        classes = np.unique(labels)
    except TypeError:
        raise bad("y", "hold labels that can be sorted", "labels of several types") from None
    if classes.size == 1:
        raise bad("y", "hold two classes", f"one class, {classes.tolist()[0]!r}, in all rows that count")
    if classes.size > 2:
        check_classification_targets(labels)  # numbers that are no classes at all
        some = ", ".join(repr(value) for value in classes.tolist()[:4]) + ", …" * (classes.size > 4)
        raise InputError(
            f"Only binary classification is supported: y must hold two classes, got {classes.size} ({some})"
        )
    return classes
