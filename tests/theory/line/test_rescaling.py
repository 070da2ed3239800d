"""Rescalings of neurons: what moves, what does not, and the least curvature of one function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

import oracles
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 10**6)


class Small:
    """A network of 4 neurons on 7 inputs, one of them dead, with any residuals and unequal weights."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.x, v = rng.uniform(-2.0, 2.0, 7), rng.uniform(0.5, 2.0, 7)
        w1, knots = rng.standard_normal(4), rng.uniform(-1.5, 1.5, 4)
        b1, self.w2 = -w1 * knots, rng.standard_normal(4)
        w1[3], b1[3] = 0.1, -5.0
        self.w1, self.b1, self.b2, self.v = w1, b1, float(rng.standard_normal()), v
        self.labels = rng.standard_normal(7) * 3.0

    def at(self, s: np.ndarray) -> tuple[np.ndarray, oracles.Data]:
        c = np.exp(0.5 * s)
        theta = np.concatenate([c * self.w1, c * self.b1, self.w2 / c, [self.b2]])
        return theta, oracles.data(self.x, self.labels, self.v)

    def sharpness(self, s: np.ndarray) -> float:
        return float(np.linalg.eigvalsh(oracles.hessian(*self.at(s)))[-1])

    def gauss_newton(self, s: np.ndarray) -> float:
        return float(np.linalg.eigvalsh(oracles.gauss_newton(*self.at(s)))[-1])

    def trace(self, s: np.ndarray) -> float:
        return float(np.trace(oracles.hessian(*self.at(s))))

    @property
    def arguments(self) -> tuple[np.ndarray, ...]:
        return self.w1, self.b1, self.w2, self.x, self.v


def log_scales(scales: np.ndarray) -> np.ndarray:
    return np.asarray(2.0 * np.log(scales))


@given(seeds)
def test_the_function_and_its_variation_stay_where_they_are(seed: int) -> None:
    net = Small(seed)
    scales = np.exp(np.random.default_rng(seed).uniform(-3.0, 3.0, 4))
    w1, b1, w2 = theory.rescaled(net.w1, net.b1, net.w2, scales)
    x = np.linspace(-3.0, 3.0, 50)
    before, after = (
        oracles.forward(np.concatenate([*three, [0.0]]), x)
        for three in ((net.w1, net.b1, net.w2), (w1, b1, w2))
    )
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12 * (1.0 + np.abs(before).max()))
    for form in ("function", "path", "side"):
        one, other = (
            theory.weighted_tv(*three, net.x, net.v, form=form)
            for three in ((net.w1, net.b1, net.w2), (w1, b1, w2))
        )
        assert other == pytest.approx(one, rel=1e-12)


@given(seeds)
def test_the_hessian_is_rescaled_and_its_residual_block_is_not(seed: int) -> None:
    """H(Tθ) = T⁻¹ H(θ) T⁻¹ with T = diag(c, c, 1/c, 1), and R(Tθ) = R(θ)."""
    net, s = Small(seed), np.random.default_rng(seed).uniform(-2.0, 2.0, 4)
    c = np.exp(0.5 * s)
    back = np.concatenate([1.0 / c, 1.0 / c, c, [1.0]])
    here, there = (oracles.hessian(*net.at(at)) for at in (np.zeros(4), s))
    np.testing.assert_allclose(there, back[:, None] * here * back, rtol=0, atol=1e-11 * np.abs(there).max())
    np.testing.assert_allclose(
        oracles.residual_part(*net.at(s)), oracles.residual_part(*net.at(0.0 * s)), rtol=0, atol=1e-12
    )


@given(seeds, st.floats(0.0, 1.0))
def test_sharpness_is_convex_in_the_logarithms_of_the_scales(seed: int, share: float) -> None:
    """Of H with any residuals, and of G: on a segment it lies below the chord."""
    net, rng = Small(seed), np.random.default_rng(seed)
    one, other = rng.uniform(-4.0, 4.0, (2, 4))
    between = share * one + (1.0 - share) * other
    for value in (net.sharpness, net.gauss_newton, net.trace):
        chord = share * value(one) + (1.0 - share) * value(other)
        assert value(between) <= chord * (1.0 + 1e-12)


class TestLeastTrace:
    @given(seeds)
    def test_its_value_is_the_trace_there_and_no_move_lowers_it(self, seed: int) -> None:
        net = Small(seed)
        found = theory.least_trace_rescaling(*net.arguments)
        s = log_scales(found.scales)
        assert found.trace == pytest.approx(net.trace(s), rel=1e-10)
        for move in np.random.default_rng(seed).standard_normal((5, 4)):
            assert net.trace(s + 0.3 * move) >= found.trace * (1.0 - 1e-12)

    def test_it_is_unbounded_above_in_both_directions(self) -> None:
        net = Small(3)
        for sign in (-1.0, 1.0):
            assert net.trace(np.full(4, 20.0 * sign)) > 1e4 * net.trace(np.zeros(4))
            assert net.sharpness(np.full(4, 20.0 * sign)) > 1e4 * net.sharpness(np.zeros(4))


class TestFlattest:
    @pytest.mark.parametrize("seed", range(8))
    def test_it_is_what_scipy_finds_and_the_bound_lies_below(self, seed: int) -> None:
        net = Small(seed)
        found = theory.flattest_rescaling(*net.arguments, tolerance=1e-4)
        assert found.gauss_newton == pytest.approx(net.gauss_newton(log_scales(found.scales)), rel=1e-10)
        starts = np.random.default_rng(seed).uniform(-1.0, 1.0, (2, 4))
        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
        oracle = min(
            minimize(net.gauss_newton, start, method="Nelder-Mead", options=options).fun for start in starts
        )
        assert found.gauss_newton <= oracle * (1.0 + 1e-4)
        assert found.least <= oracle * (1.0 + 1e-12)
        assert 0.0 <= found.gap <= 1e-4

    @given(seeds)
    def test_the_bound_lies_below_every_rescaling_and_above_that_of_the_theorem(self, seed: int) -> None:
        net = Small(seed)
        found = theory.flattest_rescaling(*net.arguments)
        for s in np.random.default_rng(seed).uniform(-3.0, 3.0, (5, 4)):
            assert net.gauss_newton(s) >= found.least * (1.0 - 1e-12)
        side = theory.weighted_tv(net.w1, net.b1, net.w2, net.x, net.v, form="side")
        assert found.gauss_newton >= (1.0 + 2.0 * side) * (1.0 - 1e-12)  # T0 is one of the densities
        assert found.gap <= 1e-3

    @given(seeds)
    def test_the_least_sharpness_of_h_lies_within_the_residual_norm(self, seed: int) -> None:
        net = Small(seed)
        found = theory.flattest_rescaling(*net.arguments)
        rest = float(np.abs(np.linalg.eigvalsh(oracles.residual_part(*net.at(np.zeros(4))))).max())
        s = log_scales(found.scales)
        assert net.sharpness(s) <= found.gauss_newton + rest + 1e-9
        for move in np.random.default_rng(seed).standard_normal((5, 4)):
            assert net.sharpness(s + move) >= found.least - rest - 1e-9

    def test_a_top_that_is_not_simple(self) -> None:
        """Two mirror neurons at symmetric inputs: at the minimum both blocks share λ_max."""
        x = np.array([-1.0, 1.0])
        found = theory.flattest_rescaling([1.0, -1.0], [-0.2, -0.2], [9.0, 9.0], x, tolerance=1e-5)
        assert 0.0 <= found.gap <= 1e-5
        assert found.scales[0] == pytest.approx(found.scales[1], rel=1e-6)

    @pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-200, 1e-140])
    def test_neurons_whose_squares_vanish_keep_their_scale_and_break_nothing(self, tiny: float) -> None:
        x = np.linspace(-1.0, 1.0, 5)
        alone = theory.flattest_rescaling([1.0], [0.3], [2.0], x)
        for w1, b1, w2 in (([1.0, 1.0], [0.3, 0.2], [2.0, tiny]), ([1.0, tiny], [0.3, tiny], [2.0, 1.0])):
            found = theory.flattest_rescaling(w1, b1, w2, x)
            assert found.gauss_newton == pytest.approx(alone.gauss_newton, rel=1e-6)
            assert np.isfinite(found.scales).all()
            assert 0.0 <= found.gap <= 1e-3

    def test_a_network_that_is_dead_on_the_inputs_has_the_curvature_of_its_bias(self) -> None:
        found = theory.flattest_rescaling([1.0], [-9.0], [2.0], [0.0, 1.0])
        assert (found.gauss_newton, found.scales.tolist()) == (pytest.approx(1.0), [1.0])
        assert theory.least_trace_rescaling([1.0], [-9.0], [2.0], [0.0, 1.0]).trace == 1.0


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="w1, b1 and w2 must have the same length, got 2, 1 and 1"):
        theory.rescaled([1.0, 2.0], [0.0], [1.0], 2.0)
    for scales in (0.0, -1.0, [1.0, -2.0], [1.0, 2.0, 3.0]):
        with pytest.raises(InputError, match="scales must be one finite positive number or 2 of them"):
            theory.rescaled([1.0, 2.0], [0.0, 0.0], [1.0, 1.0], scales)
    with pytest.raises(InputError, match="tolerance"):
        theory.flattest_rescaling([1.0], [0.0], [1.0], [0.0, 1.0], tolerance=0.0)
