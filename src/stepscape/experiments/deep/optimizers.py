"""The methods that the claims about deep networks compare, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stepscape.errors import unknown
from stepscape.methods import Adam, AdamW, GradientDescent, Method, RMSProp

LONG_MEMORY = "heavy-ball-0.9"


class Optimizer(NamedTuple):
    """A method: in words, its threshold in words, and how it is made of a step size and steps."""

    words: str
    threshold: str
    make: Callable[[float, int], Method]


OPTIMIZERS = {
    "descent": Optimizer("gradient descent", "2/η", GradientDescent),
    "heavy-ball": Optimizer(
        "heavy ball, β = 0.5", "3/η", lambda eta, steps: GradientDescent(eta, steps, momentum=0.5)
    ),
    "nesterov": Optimizer(
        "Nesterov, β = 0.5",
        "1.5/η",
        lambda eta, steps: GradientDescent(eta, steps, momentum=0.5, nesterov=True),
    ),
    "rmsprop": Optimizer("RMSProp", "2/η", lambda eta, steps: RMSProp(eta, steps, beta2=0.99)),
    "scalar-rmsprop": Optimizer(
        "RMSProp with one scale", "2/η", lambda eta, steps: RMSProp(eta, steps, beta2=0.99, scalar=True)
    ),
    "adam": Optimizer("Adam", "38/η", lambda eta, steps: Adam(eta, steps, beta2=0.99)),
    "adamw": Optimizer(
        "AdamW", "19 (2 − λη)/η", lambda eta, steps: AdamW(eta, steps, beta2=0.99, weight_decay=0.1)
    ),
    LONG_MEMORY: Optimizer(
        "heavy ball, β = 0.9", "3.8/η", lambda eta, steps: GradientDescent(eta, steps, momentum=0.9)
    ),
}


def optimizer(name: str) -> Optimizer:
    """Return the method of a name; an unknown one is refused with the nearest."""
    if name not in OPTIMIZERS:
        raise unknown("method", name, OPTIMIZERS)
    return OPTIMIZERS[name]


def words(name: str, step_size: float) -> str:
    """Name a method with its step size."""
    return f"{OPTIMIZERS[name].words}, η = {step_size:g}"
