"""The expected loss at noisy factors against exact quadrature, and against an average over samples."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from flat_cases import EPS, factors, problem
from stepscape.errors import InputError
from stepscape.factorization import Factorization
from stepscape.problems import Measurements
from stepscape.theory.low_rank import flat_factors, hessian_trace, perturbed_loss

# E of a polynomial of degree 4 in each N(0, 1) by three points.
POINTS, MASSES = np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0]), np.array([1.0, 4.0, 1.0]) / 6.0
TINY = [
    ("any", (2, 1), 2),
    ("any", (2, 2), 1),
    ("symmetric", (2, 2), 2),
    ("psd", (2, 2), 1),
    ("psd", (2, 2), 3),
]


def quadrature(p: Measurements, at: Factorization, size: float) -> float:
    theta, total = at.parameters, 0.0
    for index in product(range(3), repeat=theta.size):
        chosen = list(index)
        moved = at.with_parameters(theta + size * POINTS[chosen])
        total += float(np.prod(MASSES[chosen])) * p.loss(moved.matrix)
    return total


@pytest.mark.parametrize(("structure", "shape", "width"), TINY)
def test_it_is_exact_on_and_off_the_zero_loss_set(structure, shape, width):
    p = problem("dense", shape, 3, 4, structure, rank=width)
    for at in (factors(shape, width, 9, structure), factors(shape, width, 5, structure)):
        expected = perturbed_loss(p, at)
        assert (expected.loss < 1e-25) == (p.loss(at.matrix) < 1e-25)
        for size in (0.1, 1.0, 3.0):
            assert float(expected.at(size)) == pytest.approx(quadrature(p, at, size), rel=1e-12)
    assert p.loss(factors(shape, width, 5, structure).matrix) == 0.0  # those of the truth


@pytest.mark.parametrize(("kind", "structure"), [("entries", "any"), ("rank one", "any"), ("dense", "psd")])
def test_an_average_over_samples_agrees(kind, structure):
    p, at = problem(kind, (5, 5), 9, 4, structure), factors((5, 5), 2, 8, structure)
    noise = 0.5 * np.random.default_rng(3).standard_normal((2000, at.parameters.size))
    sample = [p.loss(at.with_parameters(at.parameters + each).matrix) for each in noise]
    error = np.std(sample) / len(sample) ** 0.5
    expected = float(perturbed_loss(p, at).at(0.5))
    assert np.mean(sample) == pytest.approx(expected, abs=4 * error, rel=0)
    assert 4 * error < 0.15 * expected


@pytest.mark.parametrize("structure", ["any", "symmetric", "psd"])
def test_coefficients_are_loss_trace_and_a_number_of_the_width(structure):
    p = problem("dense", (5, 5), 9, 4, structure)
    first, second = (factors((5, 5), 2, seed, structure) for seed in (1, 2))
    a, b = perturbed_loss(p, first), perturbed_loss(p, second)
    assert a.quartic == b.quartic
    assert a.trace == hessian_trace(p, first)
    assert a.loss == p.loss(first.matrix)
    assert a.at([0.0, 1.0]).tolist() == [a.loss, a.loss + (0.5 * a.trace + a.quartic)]
    assert perturbed_loss(p, factors((5, 5), 3, 1, structure)).quartic > a.quartic


def test_the_flattest_factors_have_the_smallest_expected_loss_for_every_noise():
    p = problem("dense", (4, 3), 9, 4)
    flat, sizes = flat_factors(p, p.truth, width=2), np.geomspace(1e-3, 1e3, 7)
    rng = np.random.default_rng(0)
    least = perturbed_loss(p, flat).at(sizes)
    for _ in range(20):
        G = rng.standard_normal((2, 2))
        other = Factorization(flat.left @ G, flat.right @ np.linalg.inv(G).T)
        assert (perturbed_loss(p, other).at(sizes) >= least * (1 - 1e-10)).all()


def test_what_is_not_finite_is_refused():
    p, at = problem("dense", (2, 2), 3, 4), factors((2, 2), 1, 9)
    with pytest.raises(InputError, match="size must be finite, got nan in it"):
        perturbed_loss(p, at).at([1.0, np.nan])
    with pytest.raises(InputError, match="the loss must be finite, got a number beyond"):
        perturbed_loss(p, at.with_parameters(1e90 * at.parameters))
    assert perturbed_loss(p, at).at(0.0) == pytest.approx(p.loss(at.matrix), rel=4 * EPS)
