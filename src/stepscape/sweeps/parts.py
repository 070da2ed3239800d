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
from stepscape.network import BIASES, TwoLayerReLU
from stepscape.problems.curves import bernoulli, curve
from stepscape.problems.problem import Problem
from stepscape.problems.truth import is_own, sealed
from stepscape.problems.user.units import Standardized, TwoClasses
from stepscape.sweeps.clouds import Ball, Cloud, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.held_rows import held_count, held_rows
from stepscape.sweeps.part import Part, between
from stepscape.training.matched_start import matched

Units = Standardized | TwoClasses | None
Dealt = tuple[Problem, Units, Problem | None]  # what is trained on, its units, and what is held out


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

    With `held_out_rows`, a share below 1 or a whole number, the seed of a run chooses rows that it does not
    train on, for two classes the same share of each. Units are then those of the rows that are left.
    """

    data: str
    x: str
    y: str
    n: int
    standardize: bool = True
    loss: str = msgspec.field(default="square", name="loss_name")
    dimension: int | msgspec.UnsetType = msgspec.UNSET
    held_out_rows: float | msgspec.UnsetType = msgspec.UNSET

    def load(self, folder: str | os.PathLike[str], seed: int) -> Dealt:
        """Read the columns from a folder, and make of them what `problem` makes."""
        return self.problem(*tables.load(folder, self.data), seed)

    def problem(
        self, x: tables.Array, y: tables.Array, seed: int = 0
    ) -> tuple[Problem, Units, Problem | None]:
        """Make the problem from the columns, the way back to the user's units, and the rows held out."""
        given = Problem(x, y, loss=self.loss, name=self.y)
        if self.held_out_rows is msgspec.UNSET:
            return *self._trained(x, y), None
        classes = given.labels if self.loss == "logistic" else np.zeros(len(y))
        held = held_rows(classes, held_count(self.held_out_rows, len(y)), seed)
        if np.unique(classes[~held]).size < np.unique(classes).size:
            must = "leave rows of both classes to train on"
            raise bad("held_out_rows", must, f"{self.held_out_rows:g}, which leaves {np.sum(~held)} rows")
        training, units = self._trained(x[~held], y[~held])
        inputs, labels = x[held], given.labels[held]
        if units is not None:
            inputs = units.inputs.standardize(inputs)
            labels = units.labels.standardize(labels) if isinstance(units, Standardized) else labels
        return training, units, Problem(inputs, labels, loss=self.loss, name=f"{self.y}, held out")

    def _trained(self, x: tables.Array, y: tables.Array) -> tuple[Problem, Units]:
        """Return the problem of these rows, and the way back to the user's units."""
        if not self.standardize:
            return Problem(x, y, loss=self.loss, name=self.y), None
        kind = TwoClasses if self.loss == "logistic" else Standardized
        standard = kind.of(x, y, np.ones(len(x)))
        return replace(standard.problem(), name=self.y), standard


AnyProblem = Curve | Bernoulli | Table | Ball | Sphere | Radial | Subspaces | Mixup


def examples_of(part: AnyProblem) -> int:
    """Return the number of examples that a problem trains on, rows of a table counted one by one."""
    if isinstance(part, Table) and part.held_out_rows is not msgspec.UNSET:
        return part.n - held_count(part.held_out_rows, part.n)
    return part.n * (part.copies if isinstance(part, Mixup) else 1)


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


class Measure(Part, frozen=True):
    """What is measured besides the end of a run.

    Attributes
    ----------
    records : about how many records a run makes, evenly spaced.
    sharpness : whether to measure it at each record, with the edge ratio, and certificates at the end.
    held_out : whether to look for the moment of least error on another sample of the curve, or on the rows of
        a table that are held out.
    curve_points : number of points of the learned function to keep; 0 for none.
    trajectory : whether to keep loss, sharpness, edge ratio and time at each record.
    trace : whether to measure the trace of the Hessian at the end; with several input variables it always is.
    rates : whether to keep the share of the examples on which each neuron is active, and its path weight.
    """

    records: int = 100
    sharpness: bool = msgspec.field(default=True, name="measure_sharpness")
    held_out: bool = False
    curve_points: int = 0
    trajectory: bool = False
    rates: bool | msgspec.UnsetType = msgspec.UNSET
    trace: bool | msgspec.UnsetType = msgspec.field(default=msgspec.UNSET, name="measure_trace")

    def check(self, problem: AnyProblem) -> None:
        """Refuse what cannot be measured."""
        between("records", self.records, 1)
        between("curve_points", self.curve_points, 0)
        if self.held_out and isinstance(problem, Table) and problem.held_out_rows is msgspec.UNSET:
            then = "set held_out_rows in [problem], such as 0.2, to hold a fifth of them out"
            raise bad("held_out", "be false for a table that trains on all its rows", "true", then)
        if self.curve_points and dimension_of(problem) > 1:
            then = "rates = true keeps where its neurons are active"
            raise bad("curve_points", "be 0 with several input variables", self.curve_points, then)
