"""Standardized data: inputs and labels with weighted mean 0 and standard deviation 1, repeats merged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.losses import loss_of, probability
from stepscape.problems.problem import Problem
from stepscape.problems.user.merging import bin_inputs, merge_repeated

Array = NDArray[np.float64]

MOST_INPUTS = 10_000  # distinct inputs beyond which training data are binned
LARGEST = 1e150  # magnitude of numbers whose squares a float still holds


@dataclass(frozen=True)
class Affine:
    """value = center + scale · standardized, computed in multiples of `size` so that no unit overflows."""

    center: float
    scale: float
    size: float

    @classmethod
    def of(cls, values: Array, weights: Array, scatter: float = 0.0) -> Affine:
        """Weighted mean and standard deviation; `scatter` is variance to add, in units of max |values|².

        The scale of a constant is 0: a spread below rounding is the error of the sum and no signal.
        """
        size = float(np.abs(values).max()) or 1.0
        shares = weights / weights.sum()
        ratio = values / size
        center = float(shares @ ratio)
        spread = float(np.sqrt(shares @ (ratio - center) ** 2 + scatter))
        return cls(center, spread if spread > 4.0 * np.finfo(float).eps else 0.0, size)

    def standardize(self, values: Array) -> Array:
        """(value - center)/scale."""
        return np.asarray((values / self.size - self.center) / self.scale)

    def restore(self, standardized: Array) -> Array:
        """Return center + scale · standardized."""
        return np.asarray((self.center + self.scale * standardized) * self.size)

    @property
    def mean(self) -> float:
        """Weighted mean in the user's units."""
        return self.center * self.size

    @property
    def deviation(self) -> float:
        """Weighted standard deviation in the user's units; for constant labels their magnitude, or 1."""
        return self.scale * self.size


@dataclass(frozen=True, eq=False)
class Standardized:
    """Merged data in standardized units, and the way back.

    Attributes
    ----------
    x, y, weights : (m,)
        Distinct inputs in increasing order, the weighted mean label of each, its weight; standardized.
    scatter : (m,)
        Σ w (y - ȳ)² over the rows merged into each input, standardized: what no function can explain.
    inputs, labels : Affine
        From standardized to the user's units.
    """

    x: Array
    y: Array
    weights: Array
    scatter: Array
    inputs: Affine
    labels: Affine

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array) -> Standardized:
        """Merge repeated inputs exactly, drop weight 0, standardize.

        Everything is computed from the merged data, so that integer weights and repeated rows give the same
        bits whenever labels agree within an input.
        """
        kept = positive(weights)
        x, y, weights = x[kept], y[kept], _relative(weights[kept])
        _check_magnitude(y)
        merged = merge_repeated(x, y, weights)
        inputs, standard = _standardized(merged.x, merged.weights, x.size)
        size = float(np.abs(merged.y).max()) or 1.0
        where = np.searchsorted(merged.x, x)
        within = np.bincount(where, weights=weights * ((y - merged.y[where]) / size) ** 2)
        total = float(merged.weights.sum())
        labels = Affine.of(merged.y, merged.weights, float(within.sum()) / total)
        constant = labels.scale == 0.0
        if constant:  # their magnitude is the only unit there is
            labels = Affine(labels.center, 1.0, labels.size)
        scatter = within / labels.scale / labels.scale
        targets = labels.standardize(merged.y)
        if constant:  # what is left is rounding
            targets, scatter = np.zeros_like(targets), np.zeros_like(scatter)
        return cls(standard, targets, merged.weights, scatter, inputs, labels)

    @property
    def size(self) -> int:
        """Number of distinct inputs."""
        return int(self.x.size)

    @property
    def binned(self) -> bool:
        """Whether training on all of them bins: more than `MOST_INPUTS` distinct inputs."""
        return self.size > MOST_INPUTS

    def problem(self, rows: NDArray[np.bool_] | None = None) -> Problem:
        """Return the training problem on some of the distinct inputs, binned beyond `MOST_INPUTS` of them."""
        keep = np.ones(self.size, bool) if rows is None else rows
        x, y, weights = self.x[keep], self.y[keep], self.weights[keep]
        if x.size > MOST_INPUTS:
            x, y, weights = bin_inputs(x, y, MOST_INPUTS, weights)
        return Problem(x, y, weights=weights, name="standardized data")

    def error(self, predictions: Array, rows: NDArray[np.bool_]) -> float:
        """Mean squared error on some of the distinct inputs, over all their rows; standardized units."""
        weights = self.weights[rows]
        squares = float(weights @ (predictions - self.y[rows]) ** 2) + float(self.scatter[rows].sum())
        return squares / float(weights.sum())

    def errors(self, predictions: Array, rows: NDArray[np.bool_]) -> dict[str, float]:
        """Return what cross-validation measures on held-out inputs, here `error` alone."""
        return {"cv_error": self.error(predictions, rows)}

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
    x : (m,)
        Distinct inputs in increasing order, standardized.
    plus, minus : (m,)
        Weight of the rows labeled +1 and -1 at each.
    inputs : Affine
        From standardized inputs to the user's units.
    """

    x: Array
    plus: Array
    minus: Array
    inputs: Affine

    @classmethod
    def of(cls, x: Array, labels: Array, weights: Array) -> TwoClasses:
        """Merge repeated inputs, drop weight 0, standardize; whole weights and repeats give the same bits."""
        kept = positive(weights)
        x, up, weights = x[kept], labels[kept] > 0, _relative(weights[kept])
        distinct, where = np.unique(x, return_inverse=True)
        plus, minus = (np.bincount(where, weights=weights * of).astype(np.float64) for of in (up, ~up))
        inputs, standard = _standardized(distinct, plus + minus, x.size)
        return cls(standard, plus, minus, inputs)

    @property
    def size(self) -> int:
        """Number of distinct inputs."""
        return int(self.x.size)

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
        """Whether training on all of them bins: more than `MOST_INPUTS` distinct inputs."""
        return self.size > MOST_INPUTS

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
        return replace(self, plus=self.minus, minus=self.plus)

    def problem(self, rows: NDArray[np.bool_] | None = None) -> Problem:
        """Return the training problem on some of the distinct inputs: at most two examples at each.

        Beyond `MOST_INPUTS` distinct inputs they are averaged in bins of equal weight.
        """
        keep = np.ones(self.size, bool) if rows is None else rows
        x, plus, minus = self.x[keep], self.plus[keep], self.minus[keep]
        if x.size > MOST_INPUTS:
            x, label, weights = bin_inputs(x, (plus - minus) / (plus + minus), MOST_INPUTS, plus + minus)
            plus, minus = 0.5 * weights * (1.0 + label), 0.5 * weights * (1.0 - label)
        up, down = plus > 0, minus > 0
        return Problem(
            np.concatenate([x[down], x[up]]),
            np.repeat([-1.0, 1.0], [down.sum(), up.sum()]),
            loss="logistic",
            weights=np.concatenate([minus[down], plus[up]]),
            name="standardized data",
        )

    def errors(self, logits: Array, rows: NDArray[np.bool_]) -> dict[str, float]:
        """Return log-loss ("cv_error") and Brier score on some of the distinct inputs, over their rows.

        "base_error" is the log-loss there of the best constant. All are of the logits themselves: a
        probability rounded to 1 has lost how sure it was.
        """
        plus, minus = self.plus[rows], self.minus[rows]
        total = float(np.sum(plus + minus))
        up, down = probability(logits), probability(-logits)
        return {
            "cv_error": _log_loss(logits, plus, minus),
            "brier": float(np.sum(plus * down**2 + minus * up**2)) / total,
            "base_error": _log_loss(np.full(plus.size, self._base_logit), plus, minus),
        }

    @property
    def gap(self) -> tuple[float, float] | None:
        """Ends of the gap between the classes where a threshold separates them, in the user's units."""
        up, down = self.x[self.plus > 0], self.x[self.minus > 0]
        for left, right in ((down, up), (up, down)):
            if left.max() < right.min():
                low, high = self.inputs.restore(np.array([left.max(), right.min()])).tolist()
                return low, high
        return None

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


def _log_loss(logits: Array, plus: Array, minus: Array) -> float:
    loss = loss_of("logistic").value
    total = plus * loss(logits, np.ones(1)) + minus * loss(logits, -np.ones(1))
    return float(np.sum(total) / np.sum(plus + minus))


def positive(weights: Array) -> NDArray[np.bool_]:
    """Mask (n,) of the rows that count; at least one must.

    Beside the largest, a weight whose square vanishes counts as 0.
    """
    kept: NDArray[np.bool_] = _relative(weights) > 1.0 / LARGEST
    if not kept.any():
        raise bad("sample_weight", "not be 0 everywhere", "no positive weight")
    return kept


def _relative(weights: Array) -> Array:
    """Weights over a power of two: they keep every bit, and sums cannot overflow."""
    return np.asarray(np.ldexp(weights, -int(np.frexp(weights.max())[1])))


def _standardized(distinct: Array, weights: Array, rows: int) -> tuple[Affine, Array]:
    """Units of distinct inputs (m,) in increasing order, and the inputs in them."""
    if distinct.size < 2:
        came = "n_samples=1" if rows == 1 else f"{float(distinct[0])!r} in all {rows} rows"
        raise bad("X", "hold at least two distinct inputs of positive weight", came)
    inputs = Affine.of(distinct, weights)
    standard = inputs.standardize(distinct) if inputs.scale else np.zeros(2)
    if not np.all(np.diff(standard) > 0):
        raise bad("X", "hold inputs that differ by more than rounding", "inputs too close together")
    return inputs, standard


def _check_magnitude(labels: Array) -> None:
    """Refuse labels whose squared errors would overflow, or vanish."""
    size = float(np.abs(labels).max()) or 1.0
    if not 1.0 / LARGEST < size < LARGEST:
        must = f"be 0 or have a magnitude between {1.0 / LARGEST:g} and {LARGEST:g}: errors are squared"
        raise bad("labels", must, f"{size:g}", "rescale them")
