"""Standardized data: inputs and labels with weighted mean 0 and standard deviation 1, repeats merged.

Inputs are of one feature, (n,), or of several, (n, d); everything else is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stepscape.losses import loss_of, probability
from stepscape.problems.problem import Problem
from stepscape.problems.user.features import Features, standardized_features
from stepscape.problems.user.merging import bin_inputs
from stepscape.problems.user.scale import (
    Affine,
    inputs_to_grid,
    shares,
    standardized_inputs,
    standardized_labels,
    to_grid,
)
from stepscape.problems.user.separation import Plane, separating
from stepscape.problems.user.weighted_rows import Rows, Whole

Array = NDArray[np.float64]

MOST_INPUTS = 10_000  # distinct inputs beyond which training data are binned


@dataclass(frozen=True, eq=False)
class Standardized:
    """Rows of numbers in standardized units, merged at repeated inputs, and the way back.

    Attributes
    ----------
    x : (m,), or (m, q) of several features
        Distinct inputs in increasing order, standardized.
    rows : Rows
        With standardized labels.
    inputs : Affine, or Features of several features
    labels : Affine
        From standardized to the user's units.
    """

    x: Array
    rows: Rows
    inputs: Affine | Features
    labels: Affine

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array) -> Standardized:
        """Merge equal rows and repeated inputs exactly, drop weight 0, standardize."""
        distinct, rows = Rows.of(x, y, weights)
        labels, targets = standardized_labels(rows.labels, rows.weights)
        inputs, standard = _standardized(distinct, rows.per_input(rows.weights, len(distinct)), len(x))
        return cls(standard, replace(rows, labels=targets), inputs, labels)

    @property
    def size(self) -> int:
        """Number of distinct inputs."""
        return len(self.x)

    @property
    def features(self) -> int:
        """Number of coordinates of an input."""
        return 1 if self.x.ndim == 1 else int(self.x.shape[1])

    @cached_property
    def weights(self) -> Array:
        """Weight (m,) of the rows at each distinct input."""
        return self.rows.per_input(self.rows.weights, self.size)

    @cached_property
    def y(self) -> Array:
        """Weighted mean (m,) of the labels at each distinct input."""
        return self.rows.per_input(self.rows.weights * self.rows.labels, self.size) / self.weights

    @property
    def binned(self) -> bool:
        """Whether training on all of them bins: more than `MOST_INPUTS` distinct inputs of one feature."""
        return _binned(self.x)

    def part(self, held: Whole) -> Standardized:
        """Return the part that has `held` (r,) of the equal rows each, in the same units."""
        left, rows = self.rows.share(held)
        return replace(self, x=self.x[left], rows=rows)

    def problem(self) -> Problem:
        """Return the training problem, binned beyond `MOST_INPUTS` inputs, on the grid of `to_grid`."""
        x, y, weights = self.x, self.y, self.weights
        if _binned(x):
            x, y, weights = bin_inputs(x, y, MOST_INPUTS, weights)
        return Problem(_on_grid(x), to_grid(y), weights=shares(weights), name="standardized data")

    def error(self, predictions: Array) -> float:
        """Mean squared error, over all rows, of predictions (m,) at the inputs; standardized units."""
        rows = self.rows
        squares = float(rows.weights @ (predictions[rows.at] - rows.labels) ** 2)
        return squares / float(rows.weights.sum())

    def errors(self, part: Standardized, predictions: Array) -> dict[str, float]:
        """Return what cross-validation measures on a part held out, here its `error` alone."""
        return {"cv_error": part.error(predictions)}

    @property
    def strata(self) -> Array | None:
        """What folds should hold alike shares of: nothing."""
        return None

    @property
    def resolution(self) -> float:
        """Errors below which cross-validation tells no difference: none."""
        return 0.0


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """Labels ±1 at standardized inputs: at each distinct input the weight of either label, merged exactly.

    Attributes
    ----------
    x : (m,), or (m, q) of several features
        Distinct inputs in increasing order, standardized.
    rows : Rows
        With labels ±1.
    inputs : Affine, or Features of several features
        From standardized inputs to the user's units.
    """

    x: Array
    rows: Rows
    inputs: Affine | Features

    @classmethod
    def of(cls, x: Array, labels: Array, weights: Array) -> TwoClasses:
        """Merge equal rows and repeated inputs, drop weight 0, standardize the inputs."""
        distinct, rows = Rows.of(x, np.where(labels > 0, 1.0, -1.0), weights)
        inputs, standard = _standardized(distinct, rows.per_input(rows.weights, len(distinct)), len(x))
        return cls(standard, rows, inputs)

    @property
    def size(self) -> int:
        """Number of distinct inputs."""
        return len(self.x)

    @property
    def features(self) -> int:
        """Number of coordinates of an input."""
        return 1 if self.x.ndim == 1 else int(self.x.shape[1])

    @cached_property
    def plus(self) -> Array:
        """Weight (m,) of the rows labeled +1 at each distinct input."""
        return self.rows.per_input(self.rows.weights * (self.rows.labels > 0.0), self.size)

    @cached_property
    def minus(self) -> Array:
        """Weight (m,) of the rows labeled -1 at each distinct input."""
        return self.rows.per_input(self.rows.weights * (self.rows.labels < 0.0), self.size)

    @property
    def weights(self) -> Array:
        """Weight (m,) of the rows at each distinct input."""
        return self.plus + self.minus

    @property
    def strata(self) -> Array:
        """Share (m,) of the label +1 at each distinct input: folds should hold alike shares of it."""
        return self.plus / self.weights

    @property
    def binned(self) -> bool:
        """Whether training on all of them bins: more than `MOST_INPUTS` distinct inputs of one feature."""
        return _binned(self.x)

    @property
    def needs_mirror(self) -> bool:
        """Whether +1 prevails at the least input where the weights of the labels differ.

        Which label is called +1 is a matter of names, and a random start favors one of them: where these data
        and those with the labels exchanged are told apart, exactly one of the two is turned.
        """
        differ = np.abs(self.plus - self.minus) > 1e-9 * self.weights  # beyond the rounding of sums
        return bool(differ.any()) and bool((self.plus > self.minus)[np.argmax(differ)])

    def swap_labels(self) -> TwoClasses:
        """Return the same data with the other label called +1."""
        return replace(self, rows=self.rows.mirror())

    def part(self, held: Whole) -> TwoClasses:
        """Return the part that has `held` (r,) of the equal rows each, in the same units."""
        left, rows = self.rows.share(held)
        return replace(self, x=self.x[left], rows=rows)

    def problem(self) -> Problem:
        """Return the training problem: at most two examples at each distinct input.

        Beyond `MOST_INPUTS` distinct inputs they are averaged in bins of equal weight. Inputs are on the grid
        of `inputs_to_grid`.
        """
        x, plus, minus = self.x, self.plus, self.minus
        if _binned(x):
            x, label, weights = bin_inputs(x, (plus - minus) / (plus + minus), MOST_INPUTS, plus + minus)
            plus, minus = 0.5 * weights * (1.0 + label), 0.5 * weights * (1.0 - label)
        x = _on_grid(x)
        up, down = plus > 0, minus > 0
        return Problem(
            np.concatenate([x[down], x[up]]),
            np.repeat([-1.0, 1.0], [down.sum(), up.sum()]),
            loss="logistic",
            weights=shares(np.concatenate([minus[down], plus[up]])),
            name="standardized data",
        )

    def errors(self, part: TwoClasses, logits: Array) -> dict[str, float]:
        """Return log-loss ("cv_error") and Brier score of logits at the inputs of a part, over its rows.

        "base_error" is the log-loss there of the constant that is best for all data. All are of the logits
        themselves: a probability rounded to 1 has lost how sure it was.
        """
        plus, minus = part.plus, part.minus
        total = float(np.sum(plus + minus))
        up, down = probability(logits), probability(-logits)
        return {
            "cv_error": _log_loss(logits, plus, minus),
            "brier": float(np.sum(plus * down**2 + minus * up**2)) / total,
            "base_error": _log_loss(np.full(plus.size, self._base_logit), plus, minus),
        }

    @property
    def gap(self) -> tuple[float, float] | None:
        """Ends of the gap between the classes where a threshold separates them, in the user's units.

        None otherwise, and of several features; see `plane`.
        """
        if not isinstance(self.inputs, Affine):
            return None
        up, down = self.x[self.plus > 0], self.x[self.minus > 0]
        for left, right in ((down, up), (up, down)):
            if left.max() < right.min():
                low, high = self.inputs.restore(np.array([left.max(), right.min()])).tolist()
                return low, high
        return None

    @property
    def plane(self) -> Plane | None:
        """A plane between the classes in the units of several features; None of one feature."""
        if isinstance(self.inputs, Affine):
            return None
        found = separating(self.x, self.plus > 0, self.minus > 0)
        return None if found is None else Plane(*self.inputs.plane(*found))

    @property
    def resolution(self) -> float:
        """Log-loss below which cross-validation tells no difference.

        Classes that a threshold separates are predicted the better the surer one is, so that the least error
        is that of the longest training. One nat over all held-out inputs is not evidence for longer training.
        """
        return 0.0 if self.gap is None else 1.0 / self.size

    @property
    def base_log_loss(self) -> float:
        """Log-loss of the best constant: the entropy of the share of the label +1, in nats."""
        return _log_loss(np.full(self.size, self._base_logit), self.plus, self.minus)

    @property
    def _base_logit(self) -> float:
        return float(np.log(self.plus.sum()) - np.log(self.minus.sum()))


def _standardized(distinct: Array, weights: Array, rows: int) -> tuple[Affine | Features, Array]:
    """Units of distinct inputs (m,) or (m, d) of so many rows, and the inputs in them."""
    standardize = standardized_inputs if distinct.ndim == 1 else standardized_features
    return standardize(distinct, weights, rows)


def _binned(x: Array) -> bool:
    return x.ndim == 1 and len(x) > MOST_INPUTS


def _on_grid(x: Array) -> Array:
    """Round inputs; only knots on the line need that distinct ones stay apart."""
    return inputs_to_grid(x) if x.ndim == 1 else to_grid(x)


def hull(data: Standardized | TwoClasses, problem: Problem) -> tuple[float, float]:
    """Return the least and the greatest input of standardized data, before training rounds them.

    Where training takes bins in place of inputs, they are the outermost bins.
    """
    return problem.line.hull if data.binned else (float(data.x[0]), float(data.x[-1]))


def _log_loss(logits: Array, plus: Array, minus: Array) -> float:
    loss = loss_of("logistic").value
    total = plus * loss(logits, np.ones(1)) + minus * loss(logits, -np.ones(1))
    return float(np.sum(total) / np.sum(plus + minus))
