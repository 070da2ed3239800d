"""The problems of a user's run with inputs in R^d, those of `stepscape.problems.point_clouds`.

Labels are numbers around a truth with the square loss, two classes with the logistic one. A key that belongs
to the other loss, or to another law, is left unset and makes no column.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from stepscape.arguments import positive, word
from stepscape.errors import bad
from stepscape.lab.spec import stream
from stepscape.losses import LOSSES
from stepscape.network import generator
from stepscape.problems import geometry, point_clouds
from stepscape.problems.mixed_examples import mixup
from stepscape.problems.point_clouds import FIELDS
from stepscape.problems.problem import Problem
from stepscape.problems.truth import is_own, own_truth, sealed
from stepscape.problems.two_classes import bernoulli_labels
from stepscape.sweeps.part import Part, between

# Loss, or law → the keys that only it has, and what they are where the file leaves them out.
OF_LOSS: dict[str, dict[str, Any]] = {
    "square": {"noise": 1.0},
    "logistic": {"amplitude": 2.0, "flip_rate": 0.0},
}
OF_LAW: dict[str, dict[str, Any]] = {
    "ball": {},
    "sphere": {},
    "radial": {"law_alpha": 1.0},
    "subspaces": {"count": 20, "inner": 1},
}


class Cloud(Part, frozen=True):
    """Base of the problems with inputs in R^d: n points by a law, a truth on them, labels around it.

    Attributes
    ----------
    truth : "linear", "norm", "zero", or a function of inputs (m, d) of one's own, ``module:function``.
    dimension : number d of input variables.
    scale : factor on the truth; its column is ``truth_scale``.
    radius : of the ball that holds the inputs.
    noise : standard deviation of the labels around the truth; square loss.
    amplitude, flip_rate : of labels of two classes, see `stepscape.problems.bernoulli_labels`; logistic loss.
    """

    truth: str = "linear"
    n: int = 128
    dimension: int = 10
    scale: float = msgspec.field(default=1.0, name="truth_scale")
    radius: float = 1.0
    loss: str = msgspec.field(default="square", name="loss_name")
    noise: float | UnsetType = UNSET
    amplitude: float | UnsetType = UNSET
    flip_rate: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        word("loss", self.loss, tuple(LOSSES))
        _complete(self, OF_LOSS[self.loss])
        if isinstance(self, Mixup):
            _complete(self, OF_LAW[word("law", self.law, tuple(OF_LAW))])
        if is_own(self.truth):
            width = positive("radius", self.radius)
            between("dimension", self.dimension, 1)
            name = sealed(self.truth, -width, width, self.dimension)
            msgspec.structs.force_setattr(self, "truth", name)

    def check(self) -> None:
        """Refuse keys whose values do not go together."""
        _refuse_others(self, "loss", self.loss, OF_LOSS)
        if isinstance(self, Mixup):
            _refuse_others(self, "law", self.law, OF_LAW)
        inner = getattr(self, "inner", UNSET)
        if inner is not UNSET and inner > self.dimension:
            raise bad("inner", f"be at most dimension = {self.dimension}", inner)

    def draw(self, seed: int) -> Problem:
        """Draw inputs and labels, those that ``stepscape.problems`` draws with this seed."""
        return self._labeled(self._around(seed, seed), seed)

    def again(self, seed: int, n: int, purpose: str) -> Problem:
        """Draw n other examples by the law of the run with this seed."""
        other = stream(seed, purpose)
        return self._labeled(msgspec.structs.replace(self, n=n)._around(other, seed), other)

    @abstractmethod
    def _around(self, seed: int, place: int) -> Problem:
        """Numbers around the truth; what the law itself draws at random is drawn with the seed `place`."""

    def _labeled(self, problem: Problem, seed: int) -> Problem:
        if self.loss == "square":
            return problem
        amplitude, flips = self.amplitude, self.flip_rate
        assert isinstance(amplitude, float)
        assert isinstance(flips, float)
        return bernoulli_labels(problem, amplitude, flips, seed)

    def _arguments(self, seed: int) -> dict[str, Any]:
        """Return what the functions of `point_clouds` take."""
        self.check()
        between("n", self.n, 1)
        between("dimension", self.dimension, 1)
        truth: Any = self.truth
        if is_own(truth):
            truth = own_truth(truth, -self.radius, self.radius, self.dimension)
        else:
            word("truth", truth, tuple(FIELDS))
        noise = 0.0 if self.noise is UNSET else self.noise
        return {
            "n": self.n,
            "dimension": self.dimension,
            "noise": noise,
            "seed": seed,
            "truth": truth,
            "scale": self.scale,
            "radius": self.radius,
        }


class Ball(Cloud, frozen=True, tag_field="kind", tag="ball"):
    """Inputs uniform in a ball; see `stepscape.problems.ball`."""

    def _around(self, seed: int, _place: int) -> Problem:
        return point_clouds.ball(**self._arguments(seed))


class Sphere(Cloud, frozen=True, tag_field="kind", tag="sphere"):
    """Inputs uniform on a sphere; see `stepscape.problems.sphere`."""

    def _around(self, seed: int, _place: int) -> Problem:
        return point_clouds.sphere(**self._arguments(seed))


class Radial(Cloud, frozen=True, tag_field="kind", tag="radial"):
    """Inputs at most ε·radius from the sphere with probability ε^alpha; see `stepscape.problems.radial`."""

    alpha: float = 1.0

    def _around(self, seed: int, _place: int) -> Problem:
        return point_clouds.radial(**self._arguments(seed), alpha=self.alpha)


class Subspaces(Cloud, frozen=True, tag_field="kind", tag="subspaces"):
    """Inputs in the balls of `count` random subspaces of dimension `inner`; see `problems.subspaces`.

    Further examples of a run lie on the subspaces of the run.
    """

    truth: str = "norm"
    count: int = 20
    inner: int = 1

    def _around(self, seed: int, place: int) -> Problem:
        between("count", self.count, 1)
        between("inner", self.inner, 1)
        drawn = point_clouds.subspaces(**self._arguments(seed), count=self.count, inner=self.inner)
        return drawn if place == seed else self._moved(drawn, seed, place)

    def _moved(self, problem: Problem, seed: int, place: int) -> Problem:
        """Put the examples on the subspaces of another seed, each with its own noise."""
        bases = geometry.subspaces(1, self.dimension, self.count, self.inner, place).bases
        which = generator(stream(seed, "subspaces")).integers(0, self.count, self.n)
        inner = geometry.ball(self.n, self.inner, seed, self.radius)
        rows = np.einsum("im,imd->id", inner, bases[which])
        x, f0 = rows[:, 0] if self.dimension == 1 else rows, problem.truth
        assert f0 is not None
        return replace(problem, inputs=x, labels=f0(x) + (problem.labels - f0(problem.inputs)))


class Mixup(Cloud, frozen=True, tag_field="kind", tag="mixup"):
    """Training on examples that are mixed in pairs; see `stepscape.problems.mixup`.

    Attributes
    ----------
    law : of the inputs before they are mixed; `law_alpha` is the alpha of the radial law, `count` and `inner`
        are those of subspaces.
    alpha, copies : of `stepscape.problems.mixup`.
    fresh : whether every step has pairs of its own, one for each example; loss and sharpness are then those
        of the fixed mixed set all the same.
    """

    law: str = "ball"
    law_alpha: float | UnsetType = UNSET
    count: int | UnsetType = UNSET
    inner: int | UnsetType = UNSET
    alpha: float = 1.0
    copies: int = 4
    fresh: bool = False

    def mixed(self, problem: Problem, seed: int) -> Problem:
        """Return the fixed mixed set of the problem of a run."""
        between("copies", self.copies, 1)
        return mixup(problem, self.alpha, self.copies, seed)

    def pairs(self, problem: Problem, seed: int) -> Callable[[int], Problem] | None:
        """Return the examples of each step, or None where they are those of the fixed set."""
        if not self.fresh:
            return None
        return lambda step: mixup(problem, self.alpha, 1, stream(seed, f"pairs of step {step}"))

    def _around(self, seed: int, place: int) -> Problem:
        shared = {name: getattr(self, name) for name in Cloud.__struct_fields__}
        own = {name.removeprefix("law_"): getattr(self, name) for name in OF_LAW[self.law]}
        self.check()
        return _KINDS[self.law](**shared, **own)._around(seed, place)


_KINDS: dict[str, type[Cloud]] = {"ball": Ball, "sphere": Sphere, "radial": Radial, "subspaces": Subspaces}


def _complete(part: Cloud, usual: dict[str, Any]) -> None:
    """Set what is unset."""
    for key, value in usual.items():
        if getattr(part, key) is UNSET:
            msgspec.structs.force_setattr(part, key, value)


def _refuse_others(part: Cloud, key: str, value: str, of: dict[str, dict[str, Any]]) -> None:
    """Refuse keys of another loss or law than that of the part."""
    for other in (name for kind, names in of.items() if kind != value for name in names):
        given = getattr(part, other)
        if given is not UNSET:
            raise bad(other, f'be left out with {key} = "{value}"', given)
