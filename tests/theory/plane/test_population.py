from __future__ import annotations

import math

import numpy as np
import pytest
from mpmath import mp, mpf
from scipy import integrate

import stepscape as ss
from plane_oracles import EPS
from stepscape.errors import InputError
from stepscape.problems import geometry
from stepscape.theory import plane

LAWS = [("ball", 1), ("ball", 2), ("ball", 5), ("ball", 40), ("sphere", 2), ("sphere", 3), ("sphere", 10)]


def by_fifty_digits(t, dimension, law):
    """P and g from the incomplete beta function and the closed first moment of (1 − s²)^{p−1}."""
    with mp.workdps(50):
        p = mpf(dimension + 1) / 2 if law == "ball" else mpf(dimension - 1) / 2
        t = mpf(t)
        mass = mp.betainc(p, mpf(1) / 2, 0, 1 - t * t, regularized=True) / 2
        mean = (1 - t * t) ** p / (2 * p) / mp.beta(mpf(1) / 2, p) / mass
        return float(mass), float(mass**2 * (mean - t) * mp.sqrt(1 + mean**2))


@pytest.mark.parametrize(("law", "dimension"), LAWS)
def test_against_fifty_digits_up_to_the_edge(law, dimension):
    for t in (0.0, 0.1, 0.7, 0.99, 1.0 - 2.0**-30):
        mass, g = by_fifty_digits(t, dimension, law)
        assert plane.half_space_mass(t, dimension, law) == pytest.approx(mass, rel=1e-12)
        assert plane.half_space_weight(t, dimension, law) == pytest.approx(g, rel=1e-12)


@pytest.mark.parametrize(("law", "dimension"), [("ball", 1), ("ball", 4), ("sphere", 3), ("sphere", 6)])
def test_against_quadrature_of_the_density(law, dimension):
    def density(s):
        return float(plane.projection_density(s, dimension, law))

    assert integrate.quad(density, -1, 1)[0] == pytest.approx(1.0, rel=1e-9)
    for t in (0.0, 0.4, 0.8):
        mass, first = (integrate.quad(lambda s, k=k: s**k * density(s), t, 1)[0] for k in (0, 1))
        mean = first / mass
        expected = mass**2 * (mean - t) * math.hypot(1.0, mean)
        assert plane.half_space_weight(t, dimension, law) == pytest.approx(expected, rel=1e-8)
        assert plane.half_space_weight(-t, dimension, law) == plane.half_space_weight(t, dimension, law)
        assert plane.half_space_mass(-t, dimension, law) == pytest.approx(1 - mass, rel=1e-8)


@pytest.mark.parametrize(("law", "dimension"), [("ball", 2), ("ball", 5), ("sphere", 3), ("sphere", 5)])
def test_the_empirical_weight_tends_to_it(law, dimension):
    n = 200_000
    x = (geometry.ball if law == "ball" else geometry.sphere)(n, dimension, seed=0)
    rng = np.random.default_rng(1)
    for t in (0.0, 0.3, 0.6):
        u = rng.standard_normal(dimension)
        u /= np.linalg.norm(u)
        g = float(plane.half_space_weight(t, dimension, law))
        mass = float(plane.half_space_mass(t, dimension, law))
        # g has relative fluctuations of a few times those of P.
        found = plane.weight(u[None], [-t], x)[0]
        assert found == pytest.approx(g, rel=20 / math.sqrt(n * mass))


@pytest.mark.parametrize(("law", "dimension"), LAWS)
def test_the_edge_law_with_its_constant(law, dimension):
    constant, exponent = plane.edge_law(dimension, law)
    assert exponent == (dimension + 2 if law == "ball" else dimension)
    for gap in (2.0**-12, 2.0**-16):
        g = float(plane.half_space_weight(1.0 - gap, dimension, law))
        assert g / (constant * gap**exponent) == pytest.approx(1.0, abs=2.0 * dimension * gap)


def test_on_the_line_it_is_the_weight_of_the_line():
    t = np.array([-2.0, -0.5, 0.0, 0.3, 0.9, 1.0])
    np.testing.assert_allclose(plane.half_space_weight(t, 1), ss.theory.population_weight(t), rtol=64 * EPS)
    assert plane.half_space_weight(t, 3).shape == t.shape
    assert (plane.half_space_weight([1.0, -1.0, 7.0], 3) == 0.0).all()
    assert (plane.half_space_mass([1.0, 2.0, -1.0, -3.0], 4) == [0.0, 0.0, 1.0, 1.0]).all()
    assert (plane.projection_density([-1.0, 1.0, 3.0], 4) == 0.0).all()


def test_printed_values():
    found = [float(plane.half_space_weight(0.0, d)) for d in (1, 2, 3, 5, 10)]
    assert found == pytest.approx([0.1398, 0.1153, 0.1001, 0.0819, 0.0604], rel=1e-3)


def test_refusals():
    for call, sentence in (
        (lambda: plane.half_space_weight(0.0, 0), "dimension must be a whole number of at least 1, got 0"),
        (lambda: plane.half_space_weight(0.0, 1, "sphere"), "dimension must be a whole number of at least 2"),
        (lambda: plane.half_space_mass(0.0, 1001), "dimension must be at most 1000, got 1001"),
        (lambda: plane.edge_law(3, "cube"), "unknown law 'cube'"),
        (lambda: plane.projection_density(np.nan, 3), "t must hold distances, got nan in it"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
