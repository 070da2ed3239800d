"""The Hessian trace against automatic differentiation; its infimum against factors of all kinds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budget import examples
from flat_cases import EPS, KINDS, SYMMETRIC, factors, linear_map, problem, torch_hessian
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.problems import Measurements
from stepscape.problems.linear_maps import Dense, Entries, RankOne
from stepscape.theory.low_rank import flat_factors, flattest_trace, hessian_trace, scaled_trace

seeds = st.integers(0, 2**32 - 1)
CASES = [(kind, shape, "any") for kind in KINDS for shape in ((4, 3), (5, 5))] + [
    (kind, (5, 5), structure) for kind in SYMMETRIC for structure in ("symmetric", "psd")
]


@pytest.mark.parametrize(("kind", "shape", "structure"), CASES)
def test_the_traces_are_those_of_the_hessian_at_every_point(kind, shape, structure):
    p, at = problem(kind, shape, 9, 3, structure), factors(shape, 3, 11, structure)
    diagonal = np.diag(torch_hessian(p, at))
    room = 256 * EPS * np.abs(diagonal).sum()
    assert p.loss(at.matrix) > 0.1
    assert hessian_trace(p, at) == pytest.approx(diagonal.sum(), abs=room, rel=0)
    left, right = diagonal[: at.left.size], diagonal[at.left.size :]
    assert scaled_trace(p, at) == pytest.approx(
        left.sum() / shape[0] + right.sum() / shape[1], abs=room, rel=0
    )


@pytest.mark.parametrize(("kind", "shape", "structure"), CASES)
@pytest.mark.parametrize("scaled", [False, True])
def test_flat_factors_have_the_flattest_trace_and_the_matrix(kind, shape, structure, scaled):
    p = problem(kind, shape, 9, 5, structure)
    flat = flat_factors(p, p.truth, scaled)
    least = flattest_trace(p, p.truth, scaled)
    condition = 1e4  # κ² of the weights of these problems is far below
    assert np.abs(flat.matrix - p.truth).max() <= condition * EPS * np.abs(p.truth).max()
    assert (scaled_trace if scaled else hessian_trace)(p, flat) == pytest.approx(least, rel=condition * EPS)


@given(seeds, st.sampled_from(CASES), st.booleans())
@examples(1 / 2)
def test_no_other_factors_of_the_matrix_are_flatter(seed, case, scaled):
    kind, shape, structure = case
    p, at = problem(kind, shape, 9, seed % 7, structure), factors(shape, 3, seed, structure)
    fitted = Measurements(p.linear_map, p.apply(at.matrix), structure)
    trace = (scaled_trace if scaled else hessian_trace)(fitted, at)
    least = flattest_trace(fitted, at.matrix, scaled)
    assert trace >= least * (1 - 64 * EPS)
    if structure == "psd":
        assert trace == pytest.approx(least, rel=256 * EPS)


@given(seeds)
@examples(1 / 2)
def test_an_invertible_change_of_flat_factors_is_never_flatter(seed):
    rng = np.random.default_rng(seed)
    p = problem("dense", (4, 3), 9, 5)
    flat, G = flat_factors(p, p.truth), np.eye(3) + 0.3 * rng.standard_normal((3, 3))
    other = Factorization(flat.left @ G, flat.right @ np.linalg.inv(G).T)
    assert hessian_trace(p, other) >= hessian_trace(p, flat) * (1 - 1e-12)


def test_the_trace_over_the_block_of_l_depends_on_r():
    p, at = problem("dense", (4, 3), 9, 3), factors((4, 3), 2, 1)
    block = np.diag(torch_hessian(p, at))[: at.left.size].sum()
    grown = Factorization(2 * at.left, at.right)
    assert np.diag(torch_hessian(p, grown))[: at.left.size].sum() == pytest.approx(block, rel=1e-13)


def test_the_traces_of_oblong_problems_differ_in_the_scale_of_the_factors_only():
    A = linear_map("dense", (10, 30), 900, 0)
    p = Measurements(A, A.apply(factors((10, 30), 2, 1).matrix))
    X = factors((10, 30), 2, 1).matrix
    ratio = {}
    for scaled in (False, True):
        flat = flat_factors(p, X, scaled, width=2)
        ratio[scaled] = np.sum(flat.left**2) / np.sum(flat.right**2)
    assert ratio[False] == pytest.approx(10 / 30, rel=0.05)
    assert ratio[True] == pytest.approx(1.0, rel=0.05)
    assert flattest_trace(p, X) / flattest_trace(p, X, scaled=True) == pytest.approx(300**0.5, rel=1e-13)


def test_flat_signed_factors_are_not_the_eigenvectors_of_the_matrix():
    # The flattest U1, U2 split D X D, not X: the split of X itself is sharper.
    p = problem("rank one", (5, 5), 12, 1, "symmetric", rank=3)
    values, V = np.linalg.eigh(p.truth)
    split = Factorization(
        V * np.sqrt(np.maximum(values, 0)), V * np.sqrt(np.maximum(-values, 0)), "symmetric"
    )
    assert hessian_trace(p, split) > 1.1 * hessian_trace(p, flat_factors(p, p.truth))


class TestWidth:
    def test_zeros_pad_the_factors_and_change_neither_matrix_nor_trace(self):
        p = problem("entries", (4, 3), 6, 2)
        wide, narrow = flat_factors(p, p.truth, width=7), flat_factors(p, p.truth, width=2)
        assert wide.left.shape == (4, 7)
        assert not wide.left[:, 3:].any()
        assert np.abs(wide.matrix - narrow.matrix).max() <= 64 * EPS * np.abs(p.truth).max()
        assert hessian_trace(p, narrow) == pytest.approx(hessian_trace(p, wide), rel=64 * EPS)

    @pytest.mark.parametrize("structure", ["symmetric", "psd"])
    def test_signs_of_the_eigenvalues_say_how_many_columns_are_needed(self, structure):
        p = problem("dense", (5, 5), 9, 3, structure, rank=2)
        width = (2, 1) if structure == "symmetric" else 2
        assert flat_factors(p, p.truth, width=width).left.shape == (5, 2)
        with pytest.raises(InputError, match="width must be at least the rank of the matrix, 2, got 1"):
            flat_factors(p, p.truth, width=(1, 1) if structure == "symmetric" else 1)

    def test_a_width_below_the_rank_is_refused(self):
        p = problem("dense", (4, 3), 9, 3)
        with pytest.raises(InputError, match="width must be at least the rank of the matrix, 2, got 1"):
            flat_factors(p, p.truth, width=1)


class TestUnseen:
    @staticmethod
    def problem() -> Measurements:
        rows, columns = np.divmod(np.arange(9), 3)  # the fourth row is never seen
        return Measurements(Entries(rows, columns, (4, 3)), np.arange(9.0))

    def test_a_part_of_the_matrix_that_nothing_sees_has_no_flattest_factors(self):
        p, X = self.problem(), np.arange(12.0).reshape(4, 3)
        with pytest.raises(InputError, match="a part in 1 dimensions of its rows that no measurement sees"):
            flat_factors(p, X)
        X[3] = 0.0
        flat = flat_factors(p, X)
        assert np.abs(flat.matrix - X).max() <= 64 * EPS * 11
        assert hessian_trace(p, flat) == pytest.approx(flattest_trace(p, X), rel=64 * EPS)

    def test_all_factors_of_a_semidefinite_matrix_are_equal_even_if_nothing_sees_a_part(self):
        x = np.array([[1.0, 2.0, 0.0]])
        p = Measurements(RankOne(x, x), [1.0], "psd")
        X = np.diag([1.0, 0.0, 2.0])
        flat = flat_factors(p, X, width=2)
        assert np.abs(flat.matrix - X).max() <= 16 * EPS
        assert p.loss(X) == 0.0
        assert hessian_trace(p, flat) == pytest.approx(flattest_trace(p, X), rel=16 * EPS)

    def test_its_trace_is_an_infimum(self):
        p, X = self.problem(), np.arange(12.0).reshape(4, 3)
        seen = X.copy()
        seen[3] = 0.0
        flat = flat_factors(p, seen)
        small = 1e-6
        extra_left, extra_right = np.eye(4)[:, 3:] / small, small * X[3][:, None]
        near = Factorization(np.hstack([flat.left, extra_left]), np.hstack([flat.right, extra_right]))
        assert np.abs(near.matrix - X).max() <= 1e-12
        assert hessian_trace(p, near) == pytest.approx(flattest_trace(p, X), rel=1e-9)


class TestRefusals:
    def test_factors_of_another_problem(self):
        p = problem("dense", (4, 3), 9, 3)
        with pytest.raises(InputError, match=r"factors must be those of a matrix \(4, 3\), got \(3, 4\)"):
            hessian_trace(p, factors((3, 4), 2, 0))
        with pytest.raises(InputError, match="factors must have the structure 'any', got 'psd'"):
            hessian_trace(p, factors((4, 4), 2, 0, "psd"))
        with pytest.raises(InputError, match=r"matrix must have shape \(4, 3\)"):
            flattest_trace(p, np.ones((3, 4)))
        with pytest.raises(InputError, match=r"matrix must have shape \(d1, d2\), got \(3,\)"):
            flattest_trace(p, np.ones(3))
        with pytest.raises(InputError, match="matrix must be finite, got nan"):
            flattest_trace(p, np.full((4, 3), np.nan))

    def test_matrices_without_the_symmetry_of_the_problem(self):
        p = problem("dense", (5, 5), 9, 3, "symmetric")
        with pytest.raises(InputError, match="matrix must be symmetric for the structure 'symmetric'"):
            flattest_trace(p, np.arange(25.0).reshape(5, 5))
        p = problem("dense", (5, 5), 9, 3, "psd")
        with pytest.raises(InputError, match=r"matrix must be positive semidefinite, got .* eigenvalue -1"):
            flattest_trace(p, -np.eye(5))

    @pytest.mark.parametrize("structure", ["any", "psd"])
    def test_numbers_beyond_the_range(self, structure):
        p, at = problem("dense", (5, 5), 9, 3, structure), factors((5, 5), 2, 0, structure)
        huge = at.with_parameters(1e160 * at.parameters)
        with pytest.raises(InputError, match="the trace must be finite, got a number beyond"):
            hessian_trace(p, huge)
        sharp = Measurements(Dense(1e100 * np.ones((1, 2, 2))), [0.0], "psd" if structure == "psd" else "any")
        calls = (flattest_trace,) if structure == "psd" else (flattest_trace, flat_factors)
        for call in calls:
            with pytest.raises(InputError, match="D1 X D2 must be finite, got a number beyond"):
                call(sharp, 1e200 * np.ones((2, 2)))
