"""The method of a user's run: descent, or another class of `stepscape.methods` with its own keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from stepscape import methods
from stepscape.arguments import nonnegative, word
from stepscape.errors import InputError, bad
from stepscape.lab.spec import stream
from stepscape.sweeps.clouds import Mixup
from stepscape.sweeps.part import Part, either
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
    "rmsprop": {"beta2": 0.99, "epsilon": 1e-8, "scalar": False, "weight_decay": 0.0},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01},
}
# What others call the keys of a method → what they are here.
ELSEWHERE = {
    **dict.fromkeys(("lr", "learning_rate", "eta"), "step_size"),
    **dict.fromkeys(("epochs", "n_epochs"), "steps, of one batch each"),
    **dict.fromkeys(("iterations", "n_iter", "max_iter", "max_steps"), "steps"),
    **dict.fromkeys(("optimizer", "name", "method"), "kind"),
    "alpha": 'beta2, with kind = "rmsprop"',
    "batch": "batch_size",
    "beta": 'momentum, or beta1 and beta2 with kind = "adam"',
    "betas": "beta1 and beta2",
    "eps": "epsilon",
    "l2": "weight_decay",
    "mu": "momentum",
    "rho": "sam_radius",
}
SQUARE_ONLY, LINE_ONLY = ("label_noise", "trace_penalty"), ("trace_penalty",)


class Method(Part, frozen=True, kw_only=True):
    """How a network is trained.

    What came later is left out of the identity of a run that does not set it, so that older runs are found:
    descent has no kind.

    Attributes
    ----------
    kind : "descent", "sgd", "label_noise", "sam", "trace_penalty", "rmsprop", "adam" or "adamw".
        Its column is ``method``.
    step_size, steps : of every method.
    momentum : of descent and of stochastic descent.
    weight_decay : of descent, `RMSProp`, `Adam` and `AdamW`.
    nesterov, warmup_steps, clip, decay_biases : of `GradientDescent`; descent alone.
    batch_size, replacement : of `StochasticGradientDescent`, whose batches are drawn with the run's seed.
    label_noise : the noise of `LabelNoise`, drawn with the run's seed.
    sam_radius : the radius of `SharpnessAware`.
    trace_penalty : the weight of `TracePenalty`.
    beta1 : of `Adam` and `AdamW`.
    beta2, epsilon : of `RMSProp`, `Adam` and `AdamW`.
    scalar : of `RMSProp`.
    """

    kind: str | UnsetType = UNSET
    step_size: float
    steps: int
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float | UnsetType = UNSET
    warmup_steps: int = 0
    clip: float | UnsetType = UNSET
    decay_biases: bool | UnsetType = UNSET
    batch_size: int | UnsetType = UNSET
    replacement: bool | UnsetType = UNSET
    label_noise: float | UnsetType = UNSET
    sam_radius: float | UnsetType = UNSET
    trace_penalty: float | UnsetType = UNSET
    beta1: float | UnsetType = UNSET
    beta2: float | UnsetType = UNSET
    epsilon: float | UnsetType = UNSET
    scalar: bool | UnsetType = UNSET

    def __post_init__(self) -> None:
        kind = word("kind", self.name, tuple(OF_KIND))
        if kind == DESCENT:
            msgspec.structs.force_setattr(self, "kind", UNSET)
        for key, value in {"weight_decay": 0.0, **OF_KIND[kind]}.items():
            if getattr(self, key) is UNSET:
                msgspec.structs.force_setattr(self, key, value)

    @property
    def name(self) -> str:
        """Return its kind, which of descent is not kept."""
        return DESCENT if self.kind is UNSET else self.kind

    @property
    def decay(self) -> float:
        """Return its weight decay, 0 of a method that has none."""
        assert not isinstance(self.weight_decay, UnsetType)
        return self.weight_decay

    def make(self, seed: int) -> methods.Method:
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
        if dimension_of(problem) > 1 and self.name in LINE_ONLY:
            raise self._not_with("several input variables", LINE_ONLY)
        if problem.loss != "square" and self.name in SQUARE_ONLY:
            raise self._not_with(f"the {problem.loss} loss", SQUARE_ONLY)
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

    def _not_with(self, what: str, impossible: Sequence[str]) -> InputError:
        possible = ", ".join(f'"{kind}"' for kind in OF_KIND if kind not in impossible)
        return bad("kind", f"be one of {possible} with {what}", f'"{self.name}"')

    def _foreign(self, key: str, given: object) -> InputError:
        takes = ", ".join(["step_size", "steps", *OF_KIND[self.name]])
        kinds = either([f'"{kind}"' for kind, keys in OF_KIND.items() if key in keys])
        then = f'it needs kind = {kinds}; kind = "{self.name}" takes {takes}'
        return bad(key, f'be left out with kind = "{self.name}"', given, then)


def _given(method: Method) -> dict[str, Any]:
    """Return the settings of a method whose keys have the names that they have in its class."""
    given = {key: getattr(method, key) for key in ("step_size", "steps", *OF_KIND[method.name])}
    return {key: value for key, value in given.items() if value is not UNSET}


_MAKE: dict[str, Callable[[Method, int], methods.Method]] = {
    DESCENT: lambda method, _: methods.GradientDescent(**_given(method)),
    "sgd": lambda method, seed: methods.StochasticGradientDescent(**_given(method), seed=seed),
    "label_noise": lambda method, seed: methods.LabelNoise(
        *_clock(method), _strength(method, "label_noise"), seed
    ),
    "sam": lambda method, _: methods.SharpnessAware(*_clock(method), _strength(method, "sam_radius")),
    "trace_penalty": lambda method, _: methods.TracePenalty(
        *_clock(method), _strength(method, "trace_penalty")
    ),
    "rmsprop": lambda method, _: methods.RMSProp(**_given(method)),
    "adam": lambda method, _: methods.Adam(**_given(method)),
    "adamw": lambda method, _: methods.AdamW(**_given(method)),
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
