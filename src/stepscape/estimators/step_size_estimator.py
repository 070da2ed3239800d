"""What the scikit-learn estimators share: reading data, choosing, training on all data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import InputError
from stepscape.estimators.choice import Path, Validation
from stepscape.estimators.descent import Run, descend
from stepscape.estimators.folds import can_hold_out
from stepscape.estimators.prediction import AnyPrediction, predicted
from stepscape.estimators.reading import ReadingEstimator
from stepscape.estimators.selection import AnyData, cross_validate
from stepscape.estimators.settings import Progress, Settings, pair_bytes, run_bytes
from stepscape.estimators.start import matched_scale
from stepscape.measures import certify
from stepscape.measures.held_examples import shattering
from stepscape.measures.measures import pieces
from stepscape.memory import require_memory
from stepscape.problems.problem import Problem
from stepscape.problems.user.scale import positive, to_grid

Array = NDArray[np.float64]
_ROW = 3000  # bytes of one row of a table
_CHOOSING = 0.95  # share of the progress that cross-validation makes, where there is one


class StepSizeEstimator(ReadingEstimator):
    """An estimator that is trained by gradient descent at a given or a chosen step size.

    One feature, (n,) or (n, 1), means the exact engine on the line; several, (n, d), that of R^d.
    """

    _instead: ClassVar[str]  # of a step size at which the run diverged

    step_size: float | str
    rule: str
    n_splits: int
    steps: int | None
    progress: Progress | None
    units_: tuple[Any, ...]

    def _ready(self, data: AnyData, settings: Settings) -> Settings:
        """Return the settings with a start that all runs of several features share."""
        if data.features == 1:
            return settings
        schedule, _, path = settings
        largest = float(self.step_size) if path is None else float(path.max())
        scale = matched_scale(data.problem(), schedule.width, schedule.seed, largest)
        return settings._replace(schedule=replace(schedule, scale=scale))

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
        splits = min(self.n_splits, int(data.rows.count.sum()))
        count = max(1, len(stopping_times)) * len(step_sizes) * splits
        width, d = schedule.width, data.features
        at_once = (workers or os.cpu_count() or 1) * run_bytes(width, d, data.size)
        require_memory("width", width, width * pair_bytes(d) * count + at_once)
        what = f"{count} runs along step_sizes, over folds and stopping times"
        require_memory("step_sizes", what, _ROW * count, "give fewer, or a smaller n_splits")
        return cross_validate(
            data, step_sizes, schedule, self.n_splits, workers,
            lambda done: self._report(_CHOOSING * done, "cross-validation"), stopping_times,
        )  # fmt: skip

    def _train(self, data: AnyData, settings: Settings, validated: Validation | None) -> Path | None:
        """Train on all data with the chosen or the given settings, keep the results, and return the choice.

        A sharp minimum that fits every mean exactly may hold descent for long before it leaves, with a leap
        that kills neurons: the run on all data can end far worse than all of its folds. If its training error
        exceeds the largest of theirs by more than two standard errors of their held-out errors, the choice is
        made again among the other step sizes; if that happens to all of them, the first stands.
        """
        self.budget_ = settings.schedule.steps
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
            if run.stop != "diverged" and _as_good(data, predicted(data, problem, run.trajectory), path):
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
            what = f"the fit diverged at step_size {eta:g} with steps={self.budget_}"
            raise InputError(f"{what}; give {self._instead}")
        self.problem_, self.step_size_ = problem, eta
        self.trajectory_, self.stop_, self.edge_ratio_ = run.trajectory, run.stop, run.edge_ratio
        last = run.trajectory
        self.prediction_ = predicted(data, problem, last)
        self.certificates_ = certify(problem, last.midpoint)
        self.pieces_ = pieces(problem, last.midpoint) if problem.dimension == 1 else None

    def _keep_shattering(self, data: AnyData, x: Array, weights: Array) -> None:
        """Keep which neurons hold one input of several features, and the first row of each distinct input."""
        self.shattering_, self.first_rows_ = None, None
        if x.ndim == 1:
            return
        counted = np.flatnonzero(positive(weights))
        _, first = np.unique(x[counted], axis=0, return_index=True)
        self.first_rows_ = counted[first]
        inputs = Problem(to_grid(data.x), np.zeros(data.size), weights=data.weights)
        self.shattering_ = shattering(inputs, self.trajectory_.midpoint)

    def _report(self, fraction: float, message: str) -> None:
        if self.progress is not None:
            self.progress(fraction, message)


def _as_good(data: AnyData, predict: AnyPrediction, path: Path) -> bool:
    """Whether the training error is, up to two standard errors, no larger than the largest of the folds'."""
    error = data.errors(data, predict(data.x))["cv_error"]
    of_folds = path.members.where(step_size=path.step_size)["training_error"].max()
    return bool(error <= of_folds + 2.0 * path.table["standard_error"][path.chosen] + data.resolution)
