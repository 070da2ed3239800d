"""Theorems about inputs in R^d: the same names as on the line; functions of arrays, and of `PlaneFacts`."""

from __future__ import annotations

from stepscape.theory.plane.caps import EmptyCaps, empty_caps
from stepscape.theory.plane.depth import DepthBound, depth_bound
from stepscape.theory.plane.exposed import ExposedNeurons, exposed_neurons, exposure
from stepscape.theory.plane.facts import PlaneFacts
from stepscape.theory.plane.half_space import HalfSpaces, half_spaces, residual_norm
from stepscape.theory.plane.logistic import (
    logistic_gauss_newton,
    uncertain,
    uncertain_best,
    uncertain_stationary,
    weighted,
    weighted_by,
    weighted_stationary,
)
from stepscape.theory.plane.population import (
    edge_law,
    half_space_mass,
    half_space_weight,
    projection_density,
)
from stepscape.theory.plane.projection import ProjectedInterpolator, projected_interpolator
from stepscape.theory.plane.sphere import SphereInterpolator, sphere_interpolator
from stepscape.theory.plane.sphere_logistic import SphereClassifier, sphere_classifier
from stepscape.theory.plane.square import gauss_newton, published, sharpness, sharpness_loss, stationary
from stepscape.theory.plane.theorems import PLANE_THEOREMS, PlaneTheorem, plane_theorems
from stepscape.theory.plane.weights import weight, weighted_variation

__all__ = [
    "PLANE_THEOREMS",
    "DepthBound",
    "EmptyCaps",
    "ExposedNeurons",
    "HalfSpaces",
    "PlaneFacts",
    "PlaneTheorem",
    "ProjectedInterpolator",
    "SphereClassifier",
    "SphereInterpolator",
    "depth_bound",
    "edge_law",
    "empty_caps",
    "exposed_neurons",
    "exposure",
    "gauss_newton",
    "half_space_mass",
    "half_space_weight",
    "half_spaces",
    "logistic_gauss_newton",
    "plane_theorems",
    "projected_interpolator",
    "projection_density",
    "published",
    "residual_norm",
    "sharpness",
    "sharpness_loss",
    "sphere_classifier",
    "sphere_interpolator",
    "stationary",
    "uncertain",
    "uncertain_best",
    "uncertain_stationary",
    "weight",
    "weighted",
    "weighted_by",
    "weighted_stationary",
    "weighted_variation",
]


def __dir__() -> list[str]:
    return sorted(__all__)
