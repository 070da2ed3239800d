"""Descriptions of training methods; no loops."""

from stepscape.methods.adam import Adam, AdamW
from stepscape.methods.gradient_descent import GradientDescent
from stepscape.methods.label_noise import LabelNoise
from stepscape.methods.rmsprop import RMSProp
from stepscape.methods.sharpness_aware import SharpnessAware
from stepscape.methods.stochastic import StochasticGradientDescent
from stepscape.methods.trace_penalty import TracePenalty

__all__ = [
    "Adam",
    "AdamW",
    "GradientDescent",
    "LabelNoise",
    "RMSProp",
    "SharpnessAware",
    "StochasticGradientDescent",
    "TracePenalty",
]

# Methods that a network on the line has compiled steps for, beside gradient descent.
LineMethod = StochasticGradientDescent | LabelNoise | SharpnessAware | TracePenalty
# Methods that divide the gradient coordinate by coordinate: their edge is that of a preconditioned Hessian.
Adaptive = RMSProp | Adam | AdamW
Method = GradientDescent | Adaptive | LineMethod


def clock_of(method: Method) -> GradientDescent:
    """Return the descent with the step size, steps and momentum of a method; gradient descent is its own."""
    if isinstance(method, GradientDescent):
        return method
    momentum = method.momentum if isinstance(method, StochasticGradientDescent) else 0.0
    return GradientDescent(method.step_size, method.steps, momentum)


def __dir__() -> list[str]:
    return sorted(__all__)
