"""Flat minima of low-rank problems: the Hessian trace, its flattest factors, and what flatness implies."""

from __future__ import annotations

from stepscape.theory.low_rank.balance import (
    excess_by_imbalance,
    imbalance,
    imbalance_by_excess,
    norm_excess,
)
from stepscape.theory.low_rank.constancy import ConstantTrace, constant_trace
from stepscape.theory.low_rank.diagonal_layers import (
    diagonal_trace,
    diagonal_weight_decay,
    flat_diagonal_layers,
    flattest_diagonal_trace,
)
from stepscape.theory.low_rank.flatness import flat_factors, flattest_trace, hessian_trace, scaled_trace
from stepscape.theory.low_rank.matrix_layers import (
    block_penalty,
    flat_layers,
    flattest_blocks_trace,
    flattest_layers_trace,
    layers_trace,
)
from stepscape.theory.low_rank.perturbation import PerturbedLoss, perturbed_loss
from stepscape.theory.low_rank.regularity import balanced, norm_minimal, norm_minimal_as_printed
from stepscape.theory.low_rank.warm_up import (
    flattest_identity_sharpness,
    identity_curvature,
    identity_curvature_as_printed,
    identity_measurements,
    identity_sharpness,
)
from stepscape.theory.low_rank.weights import MatrixWeights, Weight, matrix_weights

__all__ = [
    "ConstantTrace",
    "MatrixWeights",
    "PerturbedLoss",
    "Weight",
    "balanced",
    "block_penalty",
    "constant_trace",
    "diagonal_trace",
    "diagonal_weight_decay",
    "excess_by_imbalance",
    "flat_diagonal_layers",
    "flat_factors",
    "flat_layers",
    "flattest_blocks_trace",
    "flattest_diagonal_trace",
    "flattest_identity_sharpness",
    "flattest_layers_trace",
    "flattest_trace",
    "hessian_trace",
    "identity_curvature",
    "identity_curvature_as_printed",
    "identity_measurements",
    "identity_sharpness",
    "imbalance",
    "imbalance_by_excess",
    "layers_trace",
    "matrix_weights",
    "norm_excess",
    "norm_minimal",
    "norm_minimal_as_printed",
    "perturbed_loss",
    "scaled_trace",
]


def __dir__() -> list[str]:
    return sorted(__all__)
