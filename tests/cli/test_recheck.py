"""The arithmetic of the script that rechecks certificates: its intervals and its count."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
from budget import examples
from cases import dense, network, noisy
from plane_cases import dense_hessian, noisy_plane, plane_network
from stepscape.cli.recheck.inertia import exceeds_all
from stepscape.cli.recheck.intervals import Interval, exactly, exponential, logarithm, root
from stepscape.cli.recheck.network import BLOCKS, Network, rayleigh
from stepscape.objectives import Hessian
from stepscape.objectives.relu_line_sharpness import top
from stiff_networks import fraction

NARROW = Fraction(1, 2**230)
numbers = st.fractions(-700, 700, max_denominator=10**6)


def contains(interval: Interval, number) -> bool:
    with mpmath.workdps(110):
        exact = fraction(number())
    size = abs(exact)
    return interval.low - size / 10**100 <= exact <= interval.high + size / 10**100 and (
        interval.high - interval.low <= NARROW * (size + (size == 0))
    )


def real(number: Fraction):
    return mpmath.mpf(number.numerator) / number.denominator


@examples(1)
@given(numbers)
def test_functions_lie_in_narrow_intervals(number):
    assert contains(exponential(number), lambda: mpmath.exp(real(number)))
    assert contains(root(exactly(abs(number))), lambda: mpmath.sqrt(real(abs(number))))
    small = abs(number) / 700
    assert contains(logarithm(exactly(small)), lambda: mpmath.log1p(real(small)))
    quotient = exactly(number).over(exactly(abs(number) + 1))
    assert contains(quotient, lambda: real(number / (abs(number) + 1)))


def recheck_network(problem, net) -> Network:
    x, w = (
        [[Fraction(float(t)) for t in row] for row in part]
        for part in (problem.points, net.w1.reshape(net.width, -1))
    )
    y, v, b, a = (
        [Fraction(float(t)) for t in part] for part in (problem.labels, problem.averaging, net.b1, net.w2)
    )
    trained = {name: name in net.trainable for name in BLOCKS}
    return Network(problem.loss == "logistic", x, y, v, w, b, a, Fraction(net.b2), trained)


@examples(1 / 4)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 8),
    k=st.integers(1, 8),
    loss=st.sampled_from(["square", "logistic"]),
    blocks=st.sampled_from([*ref.SUBSETS, *[ref.BLOCKS] * 8]),
    with_residual=st.booleans(),
)
def test_the_count_turns_at_the_largest_eigenvalue(seed, n, k, loss, blocks, with_residual):
    problem, net = noisy(n, seed, weighted=n > 3, loss=loss), network(k, seed, trainable=blocks)
    at, keep = recheck_network(problem, net), net.trained
    matrix = (ref.hessian if with_residual else ref.gauss_newton)(net.parameters, dense(problem))
    values, columns = np.linalg.eigh(matrix[np.ix_(keep, keep)])
    if not values[-1] > 1e-3 * np.abs(values).max():
        return
    assert exceeds_all(at, Fraction(values[-1] * (1 + 1e-9)), with_residual)
    assert not exceeds_all(at, Fraction(values[-1] * (1 - 1e-9)), with_residual)
    vector = np.zeros(keep.size)
    vector[keep] = columns[:, -1]
    least = rayleigh(at, [Fraction(t) for t in vector], with_residual)
    assert float(least) == pytest.approx(values[-1], rel=1e-11)
    pair = top(Hessian(problem, net, gauss_newton=not with_residual))
    assert exceeds_all(at, Fraction(pair.upper), with_residual)
    assert Fraction(pair.lower) <= rayleigh(at, [Fraction(t) for t in pair.vector], with_residual)


@examples(1 / 4)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 7),
    d=st.integers(2, 4),
    k=st.integers(1, 6),
    loss=st.sampled_from(["square", "logistic"]),
    blocks=st.sampled_from([*ref.SUBSETS, *[ref.BLOCKS] * 8]),
    with_residual=st.booleans(),
)
def test_with_several_variables_too(seed, n, d, k, loss, blocks, with_residual):
    """Against the dense Hessian of autograd, or J^T diag(D) J with tangents of the neurons written out."""
    problem = noisy_plane(n, d, seed, weighted=n > 3, loss=loss)
    net = plane_network(k, d, seed, trainable=blocks)
    at, keep = recheck_network(problem, net), net.trained
    if with_residual:
        matrix = dense_hessian(problem, net)
    else:
        z = problem.points @ net.w1.T + net.b1
        s = (z > 0.0) * net.w2
        rows = np.einsum("ik,id->ikd", s, problem.points).reshape(n, -1)
        tangents = np.column_stack([rows, s, np.maximum(z, 0.0), np.ones(n)])
        f = net.predict(problem.inputs)
        c = problem.averaging * (1.0 if loss == "square" else 0.25 / np.cosh(0.5 * f) ** 2)
        matrix = (tangents.T * c) @ tangents
    values, columns = np.linalg.eigh(matrix[np.ix_(keep, keep)])
    if not values[-1] > 1e-3 * np.abs(values).max():
        return
    assert exceeds_all(at, Fraction(values[-1] * (1 + 1e-9)), with_residual)
    assert not exceeds_all(at, Fraction(values[-1] * (1 - 1e-9)), with_residual)
    vector = np.zeros(keep.size)
    vector[keep] = columns[:, -1]
    least = rayleigh(at, [Fraction(t) for t in vector], with_residual)
    assert float(least) == pytest.approx(values[-1], rel=1e-11)
