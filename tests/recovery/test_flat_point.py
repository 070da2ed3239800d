"""The flat point of a matrix: its columns, its curvature, its certificates."""

from __future__ import annotations

import math

import numpy as np
import pytest

import stepscape as ss
from recovery_cases import EPS, problem
from stepscape.errors import NotConverged
from stepscape.recovery import flat_point as home
from stepscape.recovery.flat_point import flat_point, leading_columns
from stepscape.theory.low_rank import flattest_trace


def point(p, matrix=None, rank=1):
    matrix = p.truth if matrix is None else matrix
    return flat_point(p, matrix, rank, matrix)


@pytest.mark.parametrize("structure", ["any", "symmetric", "psd"])
def test_the_factors_have_the_rank_and_the_least_trace(structure):
    p = problem("rank one", (5, 5), 20, 3, structure, rank=2)
    at = point(p, rank=2)
    assert sum(at.factors.widths) == {"any": 4, "symmetric": 2, "psd": 2}[structure]
    size = np.linalg.norm(p.truth)
    np.testing.assert_allclose(at.factors.matrix, p.truth, atol=1e4 * EPS * size)
    assert at.trace == pytest.approx(flattest_trace(p, p.truth), rel=1e-9)
    assert {each.verdict for each in at.certificates.values()} == {"holds"}


@pytest.mark.parametrize("structure", ["any", "symmetric", "psd"])
def test_the_sharpness_is_that_of_the_dense_hessian_whatever_the_columns(structure):
    """At zero loss a column of 0 adds no curvature."""
    p = problem("dense", (4, 4), 14, 5, structure, rank=1)
    at = point(p)
    wide = ss.objectives.factors(p)
    theta = ss.theory.low_rank.flat_factors(p, p.truth).parameters
    hessian = np.array([wide.hessian(theta).product(unit) for unit in np.eye(wide.size)])
    top = np.linalg.eigvalsh(hessian)[-1]
    assert at.sharpness.value == pytest.approx(top, rel=1e-6)
    assert abs(at.sharpness.value - top) <= at.sharpness.residual + 1e4 * EPS * top
    assert at.step_size == pytest.approx(2.0 / top, rel=1e-6)


def test_the_matrix_0_has_one_column_and_no_curvature():
    p = problem("dense", (4, 3), 6, 1)
    zero = ss.problems.Measurements(p.linear_map, np.zeros(6))
    at = point(zero, np.zeros((4, 3)), 0)
    assert at.factors.widths == (1, 1)
    assert at.sharpness is None
    assert at.step_size == math.inf
    assert math.isnan(at.norm_excess)
    assert at.certificates == {}


@pytest.mark.parametrize("structure", ["any", "symmetric"])
def test_columns_are_left_out_only_if_they_add_next_to_nothing(structure):
    left = np.diag([3.0, 2.0, 1.0, 1e-3])
    factors = ss.Factorization(left, left if structure == "any" else np.zeros((4, 0)), structure)
    assert leading_columns(factors, 3).widths[0] == 3
    # The third is no trace, so that a rank of 2 is not believed.
    assert leading_columns(factors, 2).widths[0] == 4
    negative = ss.Factorization(np.zeros((2, 1)), np.eye(2), "symmetric")
    assert leading_columns(negative, 2).widths == (1, 2)


def test_where_lanczos_does_not_converge_there_is_no_sharpness(monkeypatch):
    def spent(*_args):
        raise NotConverged("the products were spent")

    monkeypatch.setattr(home, "largest_eigenpair", spent)
    at = point(problem("dense", (4, 3), 12, 1))
    assert at.sharpness is None
    assert at.step_size == math.inf
