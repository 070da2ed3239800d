"""Theorems as functions: `Facts` of one network in, a `Certificate` out; what they are made of, on arrays.

Those about matrices of low rank (`stepscape.theory.low_rank`) take a problem and factors of its matrix; those
about inputs in R^d (`stepscape.theory.plane`) have the names of those on the line, and take `PlaneFacts`.
"""

from __future__ import annotations

from stepscape.theory.certificate import Certificate
from stepscape.theory.largest_margin import MaxMargin, max_margin
from stepscape.theory.line.bend_prices import bend_prices
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
from stepscape.theory.line.gain import Gain, certified_gain
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
from stepscape.theory.line.rescaling import (
    FlattestRescaling,
    TraceRescaling,
    flattest_rescaling,
    least_trace_rescaling,
    rescaled,
)
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
from stepscape.theory.line.weighted_spline import WeightedSpline, weighted_spline
from stepscape.theory.line.worst_case import (
    ExpectedWorstCase,
    WorstCase,
    expected_excess,
    expected_gap,
    worst_case_excess,
    worst_case_gap,
)
from stepscape.theory.low_rank import (
    ConstantTrace,
    MatrixWeights,
    PerturbedLoss,
    balanced,
    block_penalty,
    constant_trace,
    diagonal_trace,
    diagonal_weight_decay,
    excess_by_imbalance,
    flat_diagonal_layers,
    flat_factors,
    flat_layers,
    flattest_blocks_trace,
    flattest_diagonal_trace,
    flattest_identity_sharpness,
    flattest_layers_trace,
    identity_curvature,
    identity_curvature_as_printed,
    identity_measurements,
    identity_sharpness,
    imbalance,
    imbalance_by_excess,
    layers_trace,
    matrix_weights,
    norm_excess,
    norm_minimal,
    norm_minimal_as_printed,
    perturbed_loss,
)
from stepscape.theory.plane import (
    PLANE_THEOREMS,
    DepthBound,
    EmptyCaps,
    PlaneFacts,
    PlaneTheorem,
    ProjectedInterpolator,
    SphereClassifier,
    SphereInterpolator,
    depth_bound,
    edge_law,
    empty_caps,
    exposure,
    half_space_mass,
    half_space_weight,
    plane_theorems,
    projected_interpolator,
    projection_density,
    sphere_classifier,
    sphere_interpolator,
)
from stepscape.theory.stability import largest_stable_step_size, threshold

__all__ = [
    "BLOCKS",
    "PLANE_THEOREMS",
    "THEOREMS",
    "Certificate",
    "ConstantTrace",
    "Counterexample",
    "DepthBound",
    "EmptyCaps",
    "ExcessIdentity",
    "ExpectedWorstCase",
    "Facts",
    "FlatClass",
    "FlatInterpolatorBound",
    "Flattest",
    "FlattestRescaling",
    "Gain",
    "InterpolationBound",
    "Landscape",
    "MarginCost",
    "MatrixWeights",
    "MaxMargin",
    "Neurons",
    "PerturbedLoss",
    "PlaneFacts",
    "PlaneTheorem",
    "ProjectedInterpolator",
    "SphereClassifier",
    "SphereInterpolator",
    "Theorem",
    "TraceRescaling",
    "WeightLimits",
    "WeightedSpline",
    "WorstCase",
    "balanced",
    "bend_prices",
    "block_penalty",
    "certified_gain",
    "confidence_curvature",
    "constant_trace",
    "counterexample",
    "depth_bound",
    "diagonal_trace",
    "diagonal_weight_decay",
    "edge_law",
    "empty_caps",
    "excess_by_imbalance",
    "excess_identity",
    "expected_excess",
    "expected_gap",
    "exposure",
    "flat_diagonal_layers",
    "flat_factors",
    "flat_interpolator",
    "flat_interpolator_bound",
    "flat_layers",
    "flattest_blocks_trace",
    "flattest_diagonal_trace",
    "flattest_identity_sharpness",
    "flattest_interpolator",
    "flattest_layers_trace",
    "flattest_rescaling",
    "gauss_newton",
    "half_space_mass",
    "half_space_weight",
    "identity_curvature",
    "identity_curvature_as_printed",
    "identity_measurements",
    "identity_sharpness",
    "imbalance",
    "imbalance_by_excess",
    "interior",
    "interior_variation",
    "interpolation",
    "interpolation_bound",
    "interpolation_margin",
    "interpolation_rate",
    "largest_stable_step_size",
    "layers_trace",
    "least_trace_rescaling",
    "logistic_gauss_newton",
    "margin_cost",
    "matrix_weights",
    "max_margin",
    "merged_knots",
    "noisy",
    "norm_excess",
    "norm_generalization",
    "norm_minimal",
    "norm_minimal_as_printed",
    "one_neuron",
    "overlap",
    "overlap_bound",
    "perturbed_loss",
    "plane_theorems",
    "population_weight",
    "printed_counterexample",
    "projected_interpolator",
    "projection_density",
    "published",
    "published_as_printed",
    "rescaled",
    "sharpness",
    "sharpness_loss",
    "sphere_classifier",
    "sphere_interpolator",
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
    "weighted_spline",
    "weighted_stationary",
    "weighted_tv",
    "worst_case_excess",
    "worst_case_gap",
]


def __dir__() -> list[str]:
    return sorted(__all__)
