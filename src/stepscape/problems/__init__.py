"""What is to be learned: problems, curves, matrices of low rank, tables."""

from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.curves import bernoulli, curve, doppler, line, steps, tent, wave
from stepscape.problems.linear_maps import Dense, Entries, RankOne, Sparse
from stepscape.problems.low_rank import (
    bilinear_sensing,
    covariance_sensing,
    matrix_completion,
    matrix_factorization,
    matrix_sensing,
    phase_retrieval,
    quadratic_network,
    robust_pca,
)
from stepscape.problems.measurement_files import read_measurements, write_measurements
from stepscape.problems.measurements import Measurements
from stepscape.problems.mixed_examples import mixup
from stepscape.problems.point_clouds import ball, radial, sphere, subspaces
from stepscape.problems.problem import Problem
from stepscape.problems.product_measurements import ProductMeasurements
from stepscape.problems.products import block_network, hadamard
from stepscape.problems.two_classes import bernoulli_labels

__all__ = [
    "CorruptedMatrix",
    "Dense",
    "Entries",
    "Measurements",
    "Problem",
    "ProductMeasurements",
    "RankOne",
    "Sparse",
    "ball",
    "bernoulli",
    "bernoulli_labels",
    "bilinear_sensing",
    "block_network",
    "covariance_sensing",
    "curve",
    "doppler",
    "hadamard",
    "line",
    "matrix_completion",
    "matrix_factorization",
    "matrix_sensing",
    "mixup",
    "phase_retrieval",
    "quadratic_network",
    "radial",
    "read_measurements",
    "robust_pca",
    "sphere",
    "steps",
    "subspaces",
    "tent",
    "wave",
    "write_measurements",
]


def __dir__() -> list[str]:
    return sorted(__all__)
