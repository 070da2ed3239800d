"""The parts of a user's own run: a problem, a network, a method, and what to measure.

The names of the fields are the keys of a sweep's file and the columns of its table. Two fields have another
name as a column, because what they choose or ask for is measured under theirs: ``loss`` is ``loss_name``
there, and ``sharpness`` is ``measure_sharpness``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Literal, cast

import msgspec
import numpy as np

from stepscape.arguments import positive, word
from stepscape.errors import bad
from stepscape.lab import data as tables
from stepscape.methods import GradientDescent
from stepscape.network import BIASES, TwoLayerReLU
from stepscape.problems.curves import bernoulli, curve
from stepscape.problems.problem import Problem
from stepscape.problems.truth import is_own, sealed
from stepscape.problems.user.units import Standardized, TwoClasses
from stepscape.sweeps.clouds import Ball, Cloud, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.part import Part, between
from stepscape.training.matched_start import matched

Units = Standardized | TwoClasses | None


def _seal(part: Curve | Bernoulli) -> None:
    """Keep a user's own truth with its values, so that another function makes other runs."""
    if is_own(part.truth):
        width = positive("half_width", part.half_width)
        msgspec.structs.force_setattr(part, "truth", sealed(part.truth, -width, width))


class Curve(Part, frozen=True, tag_field="kind", tag="curve"):
    """Noisy labels around a known function; see `stepscape.problems.curve`.

    A truth of one's own, ``module:function``, gets a seal when the part is made; see `problems.truth`.
    """

    truth: str
    n: int = 30
    noise: float = 0.5
    half_width: float = 1.0
    design: str = "jittered"
    loss: str = msgspec.field(default="square", name="loss_name")

    def __post_init__(self) -> None:
        _seal(self)

    def draw(self, seed: int) -> Problem:
        """Draw inputs and labels."""
        between("n", self.n, 1)
        if self.loss != "square":
            then = 'labels of two classes around a curve are kind = "bernoulli"'
            raise bad("loss", "be 'square'", repr(self.loss), then)
        design = cast(Literal["jittered"], self.design)  # `curve` refuses another one
        return curve(self.truth, self.n, self.noise, seed, self.half_width, design)


class Bernoulli(Part, frozen=True, tag_field="kind", tag="bernoulli"):
    """Labels of two classes whose logit is a known function; see `stepscape.problems.bernoulli`."""

    truth: str
    n: int = 100
    amplitude: float = 2.0
    flip_rate: float = 0.0
    half_width: float = 1.0
    design: str = "jittered"
    loss: str = msgspec.field(default="logistic", name="loss_name")

    def __post_init__(self) -> None:
        _seal(self)

    def draw(self, seed: int) -> Problem:
        """Draw inputs and labels."""
        between("n", self.n, 1)
        if self.loss != "logistic":
            then = 'numbers around a curve are kind = "curve"'
            raise bad("loss", "be 'logistic' for labels of two classes", repr(self.loss), then)
        design = cast(Literal["jittered"], self.design)  # `bernoulli` refuses another one
        return bernoulli(self.truth, self.n, self.amplitude, self.flip_rate, seed, self.half_width, design)


class Table(Part, frozen=True, tag_field="kind", tag="table"):
    """Columns of a user's table, known by the digest of their numbers (`stepscape.lab.data`).

    `x` names one column of inputs, or several between commas as ``stepscape fit`` does; `dimension`, the
    number of these, is set only if there are several.

    With `standardize`, every column gets mean 0 and standard deviation 1, as in ``stepscape fit``; step sizes
    and everything measured are then in these units. Rows of equal inputs count as one with their weight, more
    than 10,000 distinct inputs of one column are binned. Without it the numbers are taken as they stand.

    For the logistic loss labels are 0 and 1, whatever two values the table has for them, and only inputs are
    standardized.
    """

    data: str
    x: str
    y: str
    n: int
    standardize: bool = True
    loss: str = msgspec.field(default="square", name="loss_name")
    dimension: int | msgspec.UnsetType = msgspec.UNSET

    def load(self, folder: str | os.PathLike[str]) -> tuple[Problem, Units]:
        """Read the columns from a folder; the problem, and the way back to the user's units."""
        return self.problem(*tables.load(folder, self.data))

    def problem(self, x: tables.Array, y: tables.Array) -> tuple[Problem, Units]:
        """Make the problem from the columns."""
        given = Problem(x, y, loss=self.loss, name=self.y)
        if not self.standardize:
            return given, None
        kind = TwoClasses if self.loss == "logistic" else Standardized
        standard = kind.of(x, y, np.ones(len(x)))
        return replace(standard.problem(), name=self.y), standard


AnyProblem = Curve | Bernoulli | Table | Ball | Sphere | Radial | Subspaces | Mixup


def dimension_of(part: AnyProblem) -> int:
    """Return the number of input variables of a problem."""
    found = part.dimension if isinstance(part, Cloud | Table) else 1
    return 1 if found is msgspec.UNSET else found


class Network(Part, frozen=True):
    """A random start with as many input variables as the problem; see `TwoLayerReLU.random`.

    Attributes
    ----------
    width, scale, init : of `TwoLayerReLU.random`.
    biases : "both", "output" (no input biases) or "none"; unset it is "both".
    start_sharpness : the scale is chosen so that λ_max of the start has this value; unset `scale` is taken.
    """

    width: int
    scale: float = 1.0
    init: str = "torch"
    biases: str | msgspec.UnsetType = msgspec.UNSET
    start_sharpness: float | msgspec.UnsetType = msgspec.UNSET

    def check(self) -> None:
        """Refuse what no network has."""
        between("width", self.width, 1)
        if self.biases is not msgspec.UNSET:
            word("biases", self.biases, tuple(BIASES))
        if self.start_sharpness is msgspec.UNSET:
            return
        positive("start_sharpness", self.start_sharpness)
        if self.scale != 1.0:
            raise bad("scale", "be left out with start_sharpness, which chooses it", self.scale)

    def check_for(self, problem: AnyProblem) -> None:
        """Refuse a start sharpness that not even a vanishing network has: its output bias has one."""
        wanted, least = self.start_sharpness, 1.0 if problem.loss == "square" else 0.25
        if wanted is not msgspec.UNSET and "b2" in self.trained and wanted <= least:
            must = f"be above {least:g}, that of the output bias alone with the {problem.loss} loss"
            raise bad("start_sharpness", must, wanted)

    @property
    def trained(self) -> tuple[str, ...]:
        """Blocks that are trained: all that the network has."""
        return BIASES["both" if self.biases is msgspec.UNSET else self.biases]

    def draw(self, seed: int, problem: Problem) -> TwoLayerReLU:
        """Draw the parameters for a problem."""
        self.check()
        if self.start_sharpness is not msgspec.UNSET:
            return matched(problem, lambda scale: self._drawn(scale, seed, problem), self.start_sharpness)
        return self._drawn(self.scale, seed, problem)

    def _drawn(self, scale: float, seed: int, problem: Problem) -> TwoLayerReLU:
        init = cast(Literal["torch"], self.init)  # `random` refuses another one
        return TwoLayerReLU.random(self.width, scale, init, seed, self.trained, problem.dimension)


class Method(Part, frozen=True):
    """The fields of `GradientDescent`.

    What came later is left out of the identity of a run that does not set it, so that older runs are found.
    """

    step_size: float
    steps: int
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    warmup_steps: int = 0
    clip: float | msgspec.UnsetType = msgspec.UNSET
    decay_biases: bool | msgspec.UnsetType = msgspec.UNSET

    def descent(self) -> GradientDescent:
        """Describe the method."""
        given = msgspec.structs.asdict(self)
        return GradientDescent(**{name: value for name, value in given.items() if value is not msgspec.UNSET})


class Measure(Part, frozen=True):
    """What is measured besides the end of a run.

    Attributes
    ----------
    records : about how many records a run makes, evenly spaced.
    sharpness : whether to measure it at each record, with the edge ratio, and certificates at the end.
    held_out : whether to look for the moment of least error on another sample of the curve.
    curve_points : number of points of the learned function to keep; 0 for none.
    trajectory : whether to keep loss, sharpness, edge ratio and time at each record.
    rates : whether to keep the share of the examples on which each neuron is active, and its path weight.
    """

    records: int = 100
    sharpness: bool = msgspec.field(default=True, name="measure_sharpness")
    held_out: bool = False
    curve_points: int = 0
    trajectory: bool = False
    rates: bool | msgspec.UnsetType = msgspec.UNSET

    def check(self, problem: AnyProblem) -> None:
        """Refuse what cannot be measured."""
        between("records", self.records, 1)
        between("curve_points", self.curve_points, 0)
        if self.held_out and isinstance(problem, Table):
            raise bad(
                "held_out", "be false for a table", "true", "only a law of examples has further samples"
            )
        if self.curve_points and dimension_of(problem) > 1:
            then = "rates = true keeps where its neurons are active"
            raise bad("curve_points", "be 0 with several input variables", self.curve_points, then)
