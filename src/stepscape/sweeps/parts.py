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

from stepscape.arguments import positive
from stepscape.errors import bad
from stepscape.lab import data as tables
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.problems.curves import bernoulli, curve
from stepscape.problems.problem import Problem
from stepscape.problems.truth import is_own, sealed
from stepscape.problems.user.units import Standardized, TwoClasses

Units = Standardized | TwoClasses | None
MOST = 10_000_000  # inputs, neurons, records or points: beyond it a number is a slip of the keyboard


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a run that come in one kind."""


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
    """Two columns of a user's table, known by the digest of their numbers (`stepscape.lab.data`).

    With `standardize`, inputs and labels get mean 0 and standard deviation 1, as in ``stepscape fit``; step
    sizes and everything measured are then in these units. Rows of equal inputs count as one with their
    weight, more than 10,000 distinct inputs are binned. Without it the numbers are taken as they stand.

    For the logistic loss labels are 0 and 1, whatever two values the table has for them, and only inputs are
    standardized.
    """

    data: str
    x: str
    y: str
    n: int
    standardize: bool = True
    loss: str = msgspec.field(default="square", name="loss_name")

    def load(self, folder: str | os.PathLike[str]) -> tuple[Problem, Units]:
        """Read the columns from a folder; the problem, and the way back to the user's units."""
        return self.problem(*tables.load(folder, self.data))

    def problem(self, x: tables.Array, y: tables.Array) -> tuple[Problem, Units]:
        """Make the problem from the columns."""
        given = Problem(x, y, loss=self.loss, name=self.y)
        if not self.standardize:
            return given, None
        kind = TwoClasses if self.loss == "logistic" else Standardized
        standard = kind.of(x, y, np.ones(x.size))
        return replace(standard.problem(), name=self.y), standard


AnyProblem = Curve | Bernoulli | Table


class Network(Part, frozen=True):
    """A random start; see `TwoLayerReLU.random`."""

    width: int
    scale: float = 1.0
    init: str = "torch"

    def draw(self, seed: int) -> TwoLayerReLU:
        """Draw the parameters."""
        between("width", self.width, 1)
        init = cast(Literal["torch"], self.init)  # `random` refuses another one
        return TwoLayerReLU.random(self.width, self.scale, init, seed)


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
    """

    records: int = 100
    sharpness: bool = msgspec.field(default=True, name="measure_sharpness")
    held_out: bool = False
    curve_points: int = 0
    trajectory: bool = False

    def check(self, problem: AnyProblem) -> None:
        """Refuse what cannot be measured."""
        between("records", self.records, 1)
        between("curve_points", self.curve_points, 0)
        if self.held_out and isinstance(problem, Table):
            raise bad("held_out", "be false for a table", "true", "only a curve has further samples")


def between(name: str, value: int, least: int) -> None:
    """Refuse a count that is out of range."""
    if not least <= value <= MOST:
        raise bad(name, f"lie between {least} and {MOST}", value)
