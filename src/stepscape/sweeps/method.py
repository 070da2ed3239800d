"""The method of a user's run: descent, or another class of `stepscape.methods` with its own keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from stepscape.arguments import nonnegative, word
from stepscape.errors import InputError, bad
from stepscape.lab.spec import stream
from stepscape.methods import (
    GradientDescent,
    LabelNoise,
    LineMethod,
    SharpnessAware,
    StochasticGradientDescent,
    TracePenalty,
)
from stepscape.sweeps.clouds import Mixup
from stepscape.sweeps.part import Part
from stepscape.sweeps.parts import AnyProblem, dimension_of

DESCENT = "descent"
# Kind → the keys that only it has, and what they are where the file leaves them out.
OF_KIND: dict[str, dict[str, Any]] = {
    DESCENT: {
        "momentum": 0.0,
        "nesterov": False,
        "weight_decay": 0.0,
        "warmup_steps": 0,
        "clip": UNSET,
        "decay_biases": UNSET,
    },
    "sgd": {"batch_size": 1, "replacement": False, "momentum": 0.0},
    "label_noise": {"label_noise": 0.5},
    "sam": {"sam_radius": 0.05},
    "trace_penalty": {"trace_penalty": 0.01},
}
SQUARE_ONLY = ("label_noise", "trace_penalty")


class Method(Part, frozen=True, kw_only=True):
    """How a network is trained.

    What came later is left out of the identity of a run that does not set it, so that older runs are found:
    descent has no kind.

    Attributes
    ----------
    kind : "descent", "sgd", "label_noise", "sam" or "trace_penalty"; its column is ``method``.
    step_size, steps : of every method.
    momentum : of descent and of stochastic descent.
    nesterov, weight_decay, warmup_steps, clip, decay_biases : of `GradientDescent`; descent alone.
    batch_size, replacement : of `StochasticGradientDescent`, whose batches are drawn with the run's seed.
    label_noise : the noise of `LabelNoise`, drawn with the run's seed.
    sam_radius : the radius of `SharpnessAware`.
    trace_penalty : the weight of `TracePenalty`.
    """

    kind: str | UnsetType = UNSET
    step_size: float
    steps: int
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    warmup_steps: int = 0
    clip: float | UnsetType = UNSET
    decay_biases: bool | UnsetType = UNSET
    batch_size: int | UnsetType = UNSET
    replacement: bool | UnsetType = UNSET
    label_noise: float | UnsetType = UNSET
    sam_radius: float | UnsetType = UNSET
    trace_penalty: float | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.kind is UNSET:
            return
        usual = OF_KIND[word("kind", self.kind, tuple(OF_KIND))]
        if self.kind == DESCENT:
            msgspec.structs.force_setattr(self, "kind", UNSET)
            return
        for key, value in usual.items():
            if getattr(self, key) is UNSET:
                msgspec.structs.force_setattr(self, key, value)

    @property
    def name(self) -> str:
        """Return its kind, which of descent is not kept."""
        return DESCENT if self.kind is UNSET else self.kind

    def make(self, seed: int) -> GradientDescent | LineMethod:
        """Describe the method of the run with this seed.

        Raises
        ------
        InputError
            A key belongs to another kind, or a value is out of its range.
        """
        self._refuse_others()
        return _MAKE[self.name](self, stream(seed, "batches"))

    def check_for(self, problem: AnyProblem) -> None:
        """Refuse a method that does not exist for a problem."""
        if self.name == DESCENT:
            return
        if dimension_of(problem) > 1:
            then = "the other methods train networks of one input variable"
            raise bad("kind", f'be "{DESCENT}" with several input variables', f'"{self.name}"', then)
        if problem.loss != "square" and self.name in SQUARE_ONLY:
            possible = ", ".join(f'"{kind}"' for kind in OF_KIND if kind not in SQUARE_ONLY)
            raise bad("kind", f"be one of {possible} with the {problem.loss} loss", f'"{self.name}"')
        if isinstance(problem, Mixup) and problem.fresh:
            then = "fresh pairs are a method of their own"
            raise bad("kind", f'be "{DESCENT}" with fresh = true', f'"{self.name}"', then)

    def check_batch(self, examples: int) -> None:
        """Refuse a batch that is larger than the data."""
        if self.batch_size is not UNSET and self.batch_size > examples:
            must = f"be at most {examples}, the number of examples that are trained on"
            raise bad("batch_size", must, self.batch_size)

    def _refuse_others(self) -> None:
        """Refuse keys of another kind."""
        own = OF_KIND[self.name]
        for key in dict.fromkeys(key for keys in OF_KIND.values() for key in keys):
            given = getattr(self, key)
            if key not in own and given not in (UNSET, OF_KIND[DESCENT].get(key, UNSET)):
                raise self._foreign(key, given)

    def _foreign(self, key: str, given: object) -> InputError:
        takes = ", ".join(["step_size", "steps", *OF_KIND[self.name]])
        kinds = " or ".join(f'"{kind}"' for kind, keys in OF_KIND.items() if key in keys)
        then = f'it needs kind = {kinds}; kind = "{self.name}" takes {takes}'
        return bad(key, f'be left out with kind = "{self.name}"', given, then)


def _descent(method: Method, _seed: int) -> GradientDescent:
    given = {key: getattr(method, key) for key in ("step_size", "steps", *OF_KIND[DESCENT])}
    return GradientDescent(**{key: value for key, value in given.items() if value is not UNSET})


def _stochastic(method: Method, seed: int) -> StochasticGradientDescent:
    size, replacement = method.batch_size, method.replacement
    assert isinstance(size, int)
    assert isinstance(replacement, bool)
    return StochasticGradientDescent(method.step_size, method.steps, size, replacement, seed, method.momentum)


_MAKE: dict[str, Callable[[Method, int], GradientDescent | LineMethod]] = {
    DESCENT: _descent,
    "sgd": _stochastic,
    "label_noise": lambda method, seed: LabelNoise(*_clock(method), _strength(method, "label_noise"), seed),
    "sam": lambda method, _: SharpnessAware(*_clock(method), _strength(method, "sam_radius")),
    "trace_penalty": lambda method, _: TracePenalty(*_clock(method), _strength(method, "trace_penalty")),
}


def _clock(method: Method) -> tuple[float, int]:
    return method.step_size, method.steps


def _strength(method: Method, key: str) -> float:
    """Read a strength under the name that it has in the file."""
    return nonnegative(key, getattr(method, key))


def name_methods(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a store in which descent has its name, too, as soon as one of them has another method.

    The identity of descent does not name it.
    """
    if not any("method" in row for row in rows):
        return [dict(row) for row in rows]
    return [_with_method(row) for row in rows]


def _with_method(row: Mapping[str, Any]) -> dict[str, Any]:
    """Put the column where the others have it, in front of the step size."""
    if "method" in row or "momentum" not in row:
        return dict(row)
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= {"method": DESCENT, name: value} if name == "step_size" else {name: value}
    return found
