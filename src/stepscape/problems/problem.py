"""A learning problem: inputs, labels, weights, loss, and what is known of the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import nonnegative, reals, text
from stepscape.errors import bad
from stepscape.losses import divergence, loss_of, signs
from stepscape.problems.sorted_examples import SortedExamples
from stepscape.problems.truth import Truth

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """Inputs with labels, and the loss that training reduces.

    With v_i = weights_i/Σ weights, 1/n without weights:

    - loss "square": L(f) = ½ Σ_i v_i (f(x_i) - y_i)², that is 1/(2n) Σ r²;
    - loss "logistic": L(f) = Σ_i v_i log(1 + exp(-y_i f(x_i))), f being the logit of P(y = 1 | x).

    Parameters
    ----------
    inputs : array_like (n,) or (n, d)
        Any order, repeats allowed, n ≥ 1; (n, 1) is kept as (n,), so that one variable always means the exact
        engine on the line. Networks of d > 1 variables train, have their curvature measured and are
        certified; `line` and what is made of it need one variable.
    labels : array_like (n,)
        For the logistic loss ±1 or 0/1; kept as ±1.
    loss : "square" | "logistic"
    truth : callable, optional
        f0 on an array of inputs, for risks: the mean of the labels, or the logit of P(y = 1 | x).
    noise : float, optional
        Standard deviation σ of labels around the truth; square loss only.
    weights : array_like (n,), optional
        Not negative, not all zero.
    name : str
        Used in figures and messages.

    Raises
    ------
    InputError
        For lengths that differ, numbers that are not finite, object or complex arrays, an unknown loss,
        labels of the logistic loss that are neither ±1 nor 0/1.
    """

    inputs: Array
    labels: Array
    loss: str = "square"
    truth: Callable[[Array], Array] | None = None
    noise: float | None = None
    weights: Array | None = None
    name: str = "data"

    def __post_init__(self) -> None:
        loss_of(self.loss)
        text("name", self.name)
        object.__setattr__(self, "inputs", _points("inputs", self.inputs))
        object.__setattr__(self, "labels", column("labels", self.labels))
        if self.inputs.size == 0:
            raise bad("inputs", "hold at least one number", "none")
        if self.labels.size != self.size:
            raise bad("inputs and labels", "have the same length", f"{self.size} and {self.labels.size}")
        if self.loss == "logistic":
            object.__setattr__(self, "labels", signs(self.labels))
        if self.weights is not None:
            object.__setattr__(self, "weights", self._checked_weights(self.weights))
        if self.noise is not None:
            if self.loss == "logistic":
                must = "be left out for the logistic loss, whose labels are Bernoulli(s(truth))"
                raise bad("noise", must, repr(self.noise))
            object.__setattr__(self, "noise", nonnegative("noise", self.noise))
        if self.truth is not None:
            object.__setattr__(self, "truth", Truth.of(self.truth))
            self._truth_at_inputs()  # refuses what is no function of the inputs before anything is measured

    def _checked_weights(self, given: ArrayLike) -> Array:
        weights = column("weights", given)
        if weights.size != self.size:
            raise bad("weights and inputs", "have the same length", f"{weights.size} and {self.size}")
        if weights.min() < 0 or weights.max() == 0:
            raise bad("weights", "be at least 0 and not all 0", f"a minimum of {weights.min():g}")
        return weights

    @property
    def size(self) -> int:
        """Number of examples n."""
        return len(self.inputs)

    @property
    def dimension(self) -> int:
        """Number of input variables d."""
        return 1 if self.inputs.ndim == 1 else int(self.inputs.shape[1])

    @property
    def points(self) -> Array:
        """Inputs as rows (n, d), in the order given."""
        return self.inputs.reshape(self.size, self.dimension)

    @cached_property
    def averaging(self) -> Array:
        """Weights (n,) that sum to 1: every average over the examples uses them."""
        weights = np.ones(self.size) if self.weights is None else self.weights / self.weights.max()
        averaging: Array = weights / weights.sum()
        averaging.flags.writeable = False
        return averaging

    @cached_property
    def line(self) -> SortedExamples:
        """Return all that needs one input variable: the sorted examples, their hull; refuses d > 1."""
        return SortedExamples.of(self.inputs, self.labels, self.averaging)

    @property
    def x_max(self) -> float:
        """Largest |x_i|; one input variable."""
        return self.line.x_max

    def training_loss(self, predictions: ArrayLike) -> float:
        """Loss L of predictions (n,) at the inputs."""
        values = loss_of(self.loss).value(self._one_each("predictions", predictions), self.labels)
        return float(np.sum(self.averaging * values))

    def design_error(self, predictions: ArrayLike) -> float:
        """Σ v_i (f_i - f0(x_i))², the mean squared error to the truth on the design; needs `truth`."""
        error = self._one_each("predictions", predictions) - self._truth_at_inputs()
        return float(np.sum(self.averaging * error**2))

    def excess_risk(self, predictions: ArrayLike, mask: NDArray[np.bool_] | None = None) -> float:
        """Return the expected loss of predictions (n,) minus that of the truth, labels drawn anew.

        The inputs stay the same. Square loss: half of `design_error`. Logistic loss: Σ v_i times
        KL(Ber(s(f0_i)) ‖ Ber(s(f_i))). With a `mask` (n,) the average over its inputs, nan when they have no
        weight. Needs `truth`.
        """
        f, f0 = self._one_each("predictions", predictions), self._truth_at_inputs()
        excess = 0.5 * (f - f0) ** 2 if self.loss == "square" else divergence(f0, f)
        weights = self.averaging if mask is None else self.averaging * self._one_each("mask", mask)
        total = float(weights.sum())
        return float(weights @ excess) / total if total > 0.0 else float("nan")

    def _truth_at_inputs(self) -> Array:
        if self.truth is None:
            raise bad("truth", "be given to measure an error to it", None)
        return self.truth(self.inputs)

    def _one_each(self, name: str, values: ArrayLike) -> Array:
        """Read one finite number per example."""
        array = column(name, values)
        if array.size != self.size:
            raise bad(name, f"have one entry per example ({self.size})", array.size)
        return array

    def __repr__(self) -> str:
        extras = [f"noise={self.noise:g}"] if self.noise is not None else []
        extras += ["weighted"] if self.weights is not None else []
        tail = "".join(f", {extra}" for extra in extras)
        return f"Problem({self.name}: n={self.size}, {self._where()}, {self.loss} loss{tail})"

    def _where(self) -> str:
        if self.inputs.ndim > 1:
            return f"{self.dimension} input variables"
        low, high = self.line.hull
        return f"inputs in [{low:.4g}, {high:.4g}]"


def column(name: str, values: ArrayLike) -> Array:
    """Return values as a read-only float64 array (n,), or say what is wrong with them."""
    array = _flat(reals(name, values))
    if array.ndim != 1:
        raise bad(name, "have shape (n,)", array.shape, "this version fits one input variable")
    return _frozen(name, array)


def _points(name: str, values: ArrayLike) -> Array:
    """As `column`; points of d > 1 variables stay (n, d)."""
    array = _flat(reals(name, values))
    if array.ndim not in (1, 2):
        raise bad(name, "have shape (n,) or (n, d)", array.shape)
    return _frozen(name, array)


def _flat(array: Array) -> Array:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _frozen(name: str, array: Array) -> Array:
    for at in np.argwhere(~np.isfinite(array))[:1]:
        raise bad(name, "be finite", f"{array[tuple(at)]} at index {at[0]}", "drop or mend such entries")
    array.flags.writeable = False
    return array
