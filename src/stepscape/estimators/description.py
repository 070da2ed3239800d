"""What every fit of a table reports, whatever its loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import InputError, bad
from stepscape.estimators.folds import FEW_INPUTS
from stepscape.estimators.settings import Progress
from stepscape.measures.measures import measure
from stepscape.problems.problem import column
from stepscape.tables.records import Table
from stepscape.theory.certificate import Certificate
from stepscape.training.stops import STOP_WORDS

Array = NDArray[np.float64]


def two_columns(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Read the columns of a table that are to be fitted."""
    inputs, labels = column("x", x), column("y", y)
    if inputs.size != labels.size:
        raise InputError(f"x and y must have the same length, got {inputs.size} and {labels.size}")
    return inputs, labels


def points(x: ArrayLike) -> Array:
    """Read inputs to predict at, at least one."""
    found = column("x", x)
    if not found.size:
        raise bad("x", "hold at least one input", "none")
    return found


@dataclass(frozen=True, eq=False, repr=False)
class ColumnFit(ABC):
    """The fit of one column against another; the subclasses describe the attributes."""

    x: Array
    y: Array
    x_name: str
    y_name: str
    done: tuple[str, ...]
    warnings: tuple[str, ...]
    measures: Mapping[str, Any]

    @property
    @abstractmethod
    def model(self) -> Any:
        """The fitted estimator."""

    @property
    @abstractmethod
    def of(self) -> str:
        """What is fitted, as a sentence names it."""

    def outside(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Mask (m,) of the inputs outside the data, where the fit continues as a straight line."""
        points = column("x", x)
        return np.asarray((points < self.x.min()) | (points > self.x.max()))

    def outside_warning(self, x: ArrayLike) -> str:
        """One sentence when some inputs lie outside the data, else an empty string."""
        count = int(self.outside(x).sum())
        if not count:
            return ""
        return (
            f"{count} of {np.size(x)} predictions lie outside the data ({self.x_name} from {self.x.min():g} "
            f"to {self.x.max():g}): there the fit continues as a straight line that nothing supports"
        )

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

    @property
    def certificates(self) -> Mapping[str, Certificate]:
        """Theorems about the midpoint network, in standardized units."""
        named: Mapping[str, Certificate] = self.model.certificates_
        return named

    def __repr__(self) -> str:
        pieces, end = self.measures["pieces"], STOP_WORDS[self.model.stop_]
        found = f"step size {self.step_size:.4g}, {pieces} pieces, {end}"
        against = f"{self.of} against {self.x_name}: {self.x.size} rows"
        return f"{type(self).__name__}({against}, {found}, {len(self.warnings)} warnings)"


def forward(progress: Progress | None) -> Progress | None:
    """Wrap whatever shows progress, so that an estimator can be copied without it."""
    return None if progress is None else lambda fraction, message: progress(fraction, message)


def training(model: Any, x: Array) -> dict[str, Any]:
    """Describe how a fitted estimator was trained on inputs x (n,) or (n, d), and how it ended."""
    run, path, folds = model.trajectory_, model.path_, model.folds_
    return {
        "rows": len(x),
        "distinct_inputs": len(np.unique(x, axis=0)),
        "trained_inputs": len(np.unique(model.problem_.inputs, axis=0)),
        "step_size": float(model.step_size_),
        "rule": model.rule if path is not None else None,
        "held_out": model.held_out_,
        "passed_over": model.passed_over_,
        "stop": model.stop_,
        "stop_sentence": STOP_WORDS[model.stop_],
        "steps": int(run.at_steps[-1]),
        "budget": int(model.budget_),
        "time": run.time[-1],
        "sharpness": run.sharpness[-1],
        "sharpness_residual": run.sharpness_residual[-1],
        "edge_ratio": model.edge_ratio_,
        "certificates": {name: c.record() for name, c in model.certificates_.items()},
        "path": None if path is None else path.records(),
        "folds": None if folds is None else folds.records(),
    }


def measured(model: Any) -> dict[str, Any]:
    """Measure the function of a fitted estimator as `measure` does."""
    run = model.trajectory_
    return measure(model.problem_, run.network, run.network_before)


def binned(model: Any, x: Array) -> bool:
    """Whether training took bins in place of inputs x (n,)."""
    return bool(np.unique(x).size > np.unique(model.problem_.inputs).size)


def merging(model: Any, x: Array, x_name: str) -> list[str]:
    """Say what became of repeated inputs, and of too many of them."""
    distinct, trained = int(np.unique(x).size), int(np.unique(model.problem_.inputs).size)
    out = []
    if distinct < x.size:
        out.append(f"{x.size} rows were merged into {distinct} distinct {x_name}, exactly, through weights")
    if trained < distinct:
        out.append(
            f"{distinct} distinct {x_name} were averaged into {trained} bins of equal weight for training"
        )
    return out


def held_out(model: Any, x: Array, x_name: str) -> str:
    """Say what the folds held out."""
    if model.held_out_ == "inputs":
        return f"rows of equal {x_name} stayed in one fold"
    counts = np.unique(x, return_counts=True)[1]
    lone = int((counts == 1).sum())
    row = "1 row alone at its value was" if lone == 1 else f"{lone} rows alone at their values were"
    return (
        f"{x_name} has only {counts.size} distinct values, so every fold held out rows at each of them: "
        "errors are those of new rows at the same values" + (f"; {row} never held out" if lone else "")
    )


def doubts_of_choice(model: Any, x: Array, x_name: str) -> list[str]:
    """Say where cross-validation could not do what a reader expects of it."""
    out = []
    if model.path_ is None and model.step_size == "cv":
        out.append("of two rows none can be held out: the largest step size was taken")
    distinct = int(np.unique(x).size)
    if model.held_out_ == "inputs" and distinct <= FEW_INPUTS:
        out.append(
            f"{x_name} has only {distinct} distinct values, and cross-validation left out whole ones: its "
            "errors say little"
        )
    return [*out, *passed_over(model)]


def passed_over(model: Any) -> list[str]:
    """Say where the first choice of cross-validation was not kept."""
    if not model.passed_over_:
        return []
    many = "s" * (len(model.passed_over_) > 1)
    return [
        f"step size {model.step_size_:.3g} was taken because at the step size{many} "
        f"{', '.join(f'{eta:.3g}' for eta in model.passed_over_)} chosen before the run on all data "
        "ended far worse than those of the folds"
    ]


def descent(model: Any) -> str:
    """Say what was trained, how long, and why it ended."""
    run = model.trajectory_
    return (
        f"{run.network.width} neurons, gradient descent with step size {model.step_size_:.4g} for "
        f"{run.at_steps[-1]} steps (time {run.time[-1]:.4g}); {STOP_WORDS[model.stop_]}"
    )
