"""Theorems as functions: arrays and measured numbers in, a `Certificate` out."""

from __future__ import annotations

from stepscape.theory.certificate import Certificate
from stepscape.theory.flattest import Flattest, flattest_interpolator
from stepscape.theory.function_space import (
    WeightLimits,
    interior,
    merged_knots,
    population_weight,
    total_variation,
    weight,
    weight_limits,
    weighted_tv,
)
from stepscape.theory.interpolation import InterpolationBound, interpolation, interpolation_bound
from stepscape.theory.law import BLOCKS
from stepscape.theory.spline import Neurons, spline_interpolator
from stepscape.theory.square import (
    counterexample,
    gauss_newton,
    noisy,
    published,
    published_as_printed,
    sharpness,
    sharpness_loss,
)
from stepscape.theory.stability import largest_stable_step_size, threshold

__all__ = [
    "BLOCKS",
    "Certificate",
    "Flattest",
    "InterpolationBound",
    "Neurons",
    "WeightLimits",
    "counterexample",
    "flattest_interpolator",
    "gauss_newton",
    "interior",
    "interpolation",
    "interpolation_bound",
    "largest_stable_step_size",
    "merged_knots",
    "noisy",
    "population_weight",
    "published",
    "published_as_printed",
    "sharpness",
    "sharpness_loss",
    "spline_interpolator",
    "threshold",
    "total_variation",
    "weight",
    "weight_limits",
    "weighted_tv",
]
