"""Neural shattering in one's own data: which neurons hold a single input, and what they add there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.measures.activation import Activity, activity
from stepscape.network import TwoLayerReLU
from stepscape.problems.problem import Problem

Array = NDArray[np.float64]
FEW = 0.1  # share of the examples up to which a neuron is active on few


class Held(NamedTuple):
    """An example that neurons hold alone: its place, how many they are, what they add to f there together."""

    place: int
    neurons: int
    adds: float


@dataclass(frozen=True, eq=False)
class Shattering:
    """Neurons of one network by the number of examples on which they are active.

    A neuron that is active on one example alone holds it: it changes f there and at no other example. A
    network of such neurons fits any labels, however flat its loss is.

    Attributes
    ----------
    activity : Activity
        Counts (k,) and rates (k,).
    strengths : (k,)
        |w2| ‖w1‖, the weight of a neuron in the path norm.
    holds : (k,)
        Place of the example that a neuron holds alone; -1 for all others.
    adds : (k,)
        What a neuron adds to f at the example that it holds, w2 (w1·x + b1); 0 for all others.
    examples : int
        Number n of examples of positive weight.
    """

    activity: Activity
    strengths: Array
    holds: NDArray[np.int64]
    adds: Array
    examples: int

    @property
    def groups(self) -> dict[str, int]:
        """Count neurons by where they are active: nowhere, on one example, on few, on many, on all."""
        n, counts = self.examples, self.activity.counts
        several = counts > 1
        few = several & (counts <= FEW * n)
        every = several & (counts == n) & ~few
        return {
            "none": int((counts == 0).sum()),
            "one": int((counts == 1).sum()),
            "few": int(few.sum()),
            "many": int((several & ~few & ~every).sum()),
            "all": int(every.sum()),
        }

    @property
    def single_strength(self) -> float:
        """Share of all strengths that neurons have which hold one example; nan if nothing has any."""
        total = float(self.strengths.sum())
        return float(self.strengths[self.holds >= 0].sum()) / total if total > 0.0 else float("nan")

    @property
    def held(self) -> tuple[Held, ...]:
        """Examples that neurons hold alone; those that these move most come first."""
        return tuple(sorted(self._held(), key=lambda one: (-abs(one.adds), one.place)))

    def _held(self) -> Iterator[Held]:
        for place in np.unique(self.holds[self.holds >= 0]).tolist():
            mine = self.holds == place
            yield Held(place, int(mine.sum()), float(self.adds[mine].sum()))

    def summary(self) -> dict[str, Any]:
        """Return all but the neurons and examples one by one, as plain values."""
        return {
            "neurons": int(self.holds.size),
            "examples": self.examples,
            "neurons_active_on": self.groups,
            "mean_rate_of_live": self.activity.live_mean,
            "path_weighted_rate": self.activity.path_weighted,
            "strength_of_single": self.single_strength,
        }


def shattering(problem: Problem, network: TwoLayerReLU) -> Shattering:
    """Find the neurons that hold one example, for inputs of any dimension; O(n d k).

    Parameters
    ----------
    problem, network
        With inputs of the same number of variables; labels and loss do not matter, examples of weight 0 do
        not count.

    Examples
    --------
    >>> import stepscape as ss
    >>> problem = ss.Problem([-1.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0])
    >>> found = shattering(problem, ss.TwoLayerReLU([1.0, 1.0], [-1.5, 9.0], [3.0, 1.0]))
    >>> found.groups, found.held
    ({'none': 0, 'one': 1, 'few': 0, 'many': 0, 'all': 1}, (Held(place=3, neurons=1, adds=1.5),))
    """
    active = activity(problem, network)
    rows = network.w1.reshape(network.width, -1)
    seen = np.flatnonzero(problem.averaging > 0.0)
    one = np.flatnonzero(active.counts == 1)
    holds, adds = np.full(network.width, -1), np.zeros(network.width)
    for j in one.tolist():
        z = problem.points[seen] @ rows[j] + network.b1[j]
        at = int(z.argmax())
        holds[j], adds[j] = seen[at], network.w2[j] * z[at]
    strengths = np.abs(network.w2) * np.linalg.norm(rows, axis=1)
    return Shattering(active, strengths, holds, adds, int(seen.size))
