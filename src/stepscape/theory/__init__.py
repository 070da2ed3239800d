"""Theorems as functions: `Facts` of one network in, a `Certificate` out; what they are made of, on arrays."""

from __future__ import annotations

from stepscape.theory.certificate import Certificate
from stepscape.theory.line.counterexample import Counterexample, one_neuron, printed_counterexample
from stepscape.theory.line.distribution import BLOCKS
from stepscape.theory.line.excess import (
    ExcessIdentity,
    excess_identity,
    interior_variation,
    overlap,
    overlap_bound,
)
from stepscape.theory.line.facts import Facts, Landscape
from stepscape.theory.line.flat_class import FlatClass
from stepscape.theory.line.flat_network import (
    FlatInterpolatorBound,
    flat_interpolator,
    flat_interpolator_bound,
)
from stepscape.theory.line.flattest import Flattest, flattest_interpolator
from stepscape.theory.line.interpolation import (
    InterpolationBound,
    interpolation,
    interpolation_bound,
    interpolation_rate,
)
from stepscape.theory.line.logistic import logistic_gauss_newton, weighted, weighted_by, weighted_stationary
from stepscape.theory.line.logistic_curvature import confidence_curvature
from stepscape.theory.line.margins import MarginCost, interpolation_margin, margin_cost
from stepscape.theory.line.norm import norm_generalization
from stepscape.theory.line.spline import Neurons, spline_interpolator
from stepscape.theory.line.square import (
    counterexample,
    gauss_newton,
    noisy,
    published,
    published_as_printed,
    sharpness,
    sharpness_loss,
)
from stepscape.theory.line.theorems import THEOREMS, Theorem, theorems
from stepscape.theory.line.uncertainty import uncertain, uncertain_best, uncertain_set, uncertain_stationary
from stepscape.theory.line.weight import (
    WeightLimits,
    interior,
    merged_knots,
    population_weight,
    total_variation,
    weight,
    weight_limits,
    weighted_tv,
)
from stepscape.theory.line.worst_case import (
    ExpectedWorstCase,
    WorstCase,
    expected_excess,
    expected_gap,
    worst_case_excess,
    worst_case_gap,
)
from stepscape.theory.stability import largest_stable_step_size, threshold

__all__ = [
    "BLOCKS",
    "THEOREMS",
    "Certificate",
    "Counterexample",
    "ExcessIdentity",
    "ExpectedWorstCase",
    "Facts",
    "FlatClass",
    "FlatInterpolatorBound",
    "Flattest",
    "InterpolationBound",
    "Landscape",
    "MarginCost",
    "Neurons",
    "Theorem",
    "WeightLimits",
    "WorstCase",
    "confidence_curvature",
    "counterexample",
    "excess_identity",
    "expected_excess",
    "expected_gap",
    "flat_interpolator",
    "flat_interpolator_bound",
    "flattest_interpolator",
    "gauss_newton",
    "interior",
    "interior_variation",
    "interpolation",
    "interpolation_bound",
    "interpolation_margin",
    "interpolation_rate",
    "largest_stable_step_size",
    "logistic_gauss_newton",
    "margin_cost",
    "merged_knots",
    "noisy",
    "norm_generalization",
    "one_neuron",
    "overlap",
    "overlap_bound",
    "population_weight",
    "printed_counterexample",
    "published",
    "published_as_printed",
    "sharpness",
    "sharpness_loss",
    "spline_interpolator",
    "theorems",
    "threshold",
    "total_variation",
    "uncertain",
    "uncertain_best",
    "uncertain_set",
    "uncertain_stationary",
    "weight",
    "weight_limits",
    "weighted",
    "weighted_by",
    "weighted_stationary",
    "weighted_tv",
    "worst_case_excess",
    "worst_case_gap",
]


def __dir__() -> list[str]:
    return sorted(__all__)
