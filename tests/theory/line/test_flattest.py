"""The spline and the flattest interpolator against convex programming, duality and invariances."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError, NotConverged
from stepscape.network import TwoLayerReLU
from stepscape.objectives import hessian_trace
from stepscape.problems import Problem
from stepscape.theory.line.cells import activation_cells
from stepscape.theory.line.flattest import largest_ratio, lower_bound

EPS = float(np.finfo(np.float64).eps)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(3, 9)


def data(seed: int, n: int, even: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Unsorted inputs with gaps of at least a hundredth of their mean, and noise."""
    rng = np.random.default_rng(seed)
    gaps = np.ones(n) if even else 0.01 + rng.exponential(1.0, n)
    x = np.cumsum(gaps) / gaps.sum() * 2.0 - rng.uniform(0.5, 1.5)
    order = rng.permutation(n)
    return x[order], rng.standard_normal(n)


def gram(x: np.ndarray, network: TwoLayerReLU) -> np.ndarray:
    """ΦΦᵀ input by input, from the gradient of f as a formula."""
    rows = [
        np.concatenate([
            np.where(network.w1 * t + network.b1 > 0, network.w2 * t, 0.0),
            np.where(network.w1 * t + network.b1 > 0, network.w2, 0.0),
            np.maximum(network.w1 * t + network.b1, 0.0),
            [1.0],
        ])
        for t in x
    ]  # fmt: skip
    return np.array(rows) @ np.array(rows).T


def top(x: np.ndarray, network: TwoLayerReLU) -> float:
    return float(np.linalg.eigvalsh(gram(x, network))[-1]) / x.size


def magnitude(x: np.ndarray, network: TwoLayerReLU) -> float:
    size = np.abs(network.w2) @ (np.abs(network.w1) * np.abs(x).max() + np.abs(network.b1))
    return float(size + abs(network.b2))


class TestSpline:
    @given(seeds, sizes, st.sampled_from([0.0, 0.05, 0.3]))
    def test_interpolates_up_to_rounding(self, seed: int, n: int, shift: float) -> None:
        x, y = data(seed, n)
        network = TwoLayerReLU(*theory.spline_interpolator(x, y, shift))
        # Each of n neurons was placed with the rounding of those before it.
        assert np.abs(network.predict(x) - y).max() <= 16 * n * EPS * magnitude(x, network)
        assert network.width == n

    @given(seeds, sizes)
    def test_without_shift_it_connects_the_dots_with_knots_on_the_inputs(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        network = TwoLayerReLU(*theory.spline_interpolator(x, y, 0.0))
        order = np.argsort(x)
        between = np.linspace(x.min(), x.max(), 77)
        expected = np.interp(between, x[order], y[order])
        assert np.abs(network.predict(between) - expected).max() <= 64 * n * EPS * magnitude(x, network)
        on_input = np.any(np.multiply.outer(x, network.w1) + network.b1 == 0.0, axis=0)
        assert on_input.sum() == n - 2

    @given(seeds, sizes)
    def test_knots_lie_the_shift_beyond_an_input_and_neurons_face_outward(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        w1, b1, _, _ = theory.spline_interpolator(x, y, 0.2)
        x = np.sort(x)
        knots, middle = -b1 / w1, (n - 1) // 2
        for w, t in zip(w1, knots, strict=True):
            gap = int(np.searchsorted(x, t)) - 1
            share = (t - x[gap]) / (x[gap + 1] - x[gap])
            if gap == middle:
                assert share == pytest.approx(0.5, abs=1e-9)
            else:
                assert share == pytest.approx(0.2 if gap > middle else 0.8, abs=1e-9)
                assert np.sign(w) == np.sign(gap - middle)

    @given(seeds, st.integers(4, 9))
    def test_no_rescaling_of_a_neuron_lowers_the_trace(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        problem = Problem(x, y)
        network = TwoLayerReLU(*theory.spline_interpolator(x, y))
        rng = np.random.default_rng(seed)
        best = hessian_trace(problem, network)
        for factor in (0.99, 1.01, 2.0):
            c = np.where(rng.random(n) < 0.5, factor, 1.0)
            c[0] = factor
            other = TwoLayerReLU(c * network.w1, c * network.b1, network.w2 / c, network.b2)
            assert hessian_trace(problem, other) >= best * (1.0 - 1e-12)

    @pytest.mark.parametrize("shift", [0.0, 0.05])
    def test_few_inputs(self, shift: float) -> None:
        one = TwoLayerReLU(*theory.spline_interpolator([2.0], [-3.0], shift))
        assert one.predict([-9.0, 2.0, 9.0]).tolist() == [-3.0] * 3
        two = TwoLayerReLU(*theory.spline_interpolator([2.0, 1.0], [-3.0, 4.0], shift))
        assert two.predict([1.0, 1.25, 2.0]) == pytest.approx([4.0, 2.25, -3.0])

    def test_constant_labels_need_no_neuron(self) -> None:
        neurons = theory.spline_interpolator([0.0, 1.0, 2.0], [3.0, 3.0, 3.0])
        assert np.abs(neurons.w2).max() == 0.0
        assert neurons.b2 == 3.0

    @pytest.mark.parametrize(
        ("x", "y", "shift", "sentence"),
        [
            ([], [], 0.05, r"inputs must be a non-empty vector, got shape \(0,\)"),
            ([0.0, 1.0, 1.0], [0.0, 1.0, 1.0], 0.05, "inputs must be distinct, got 1.0 twice"),
            ([0.0, 1.0, 2.0], [0.0, 1.0], 0.05, r"labels must have one entry per input \(3\), got 2"),
            ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], 0.5, r"shift must lie in \[0, 0.5\), got 0.5"),
        ],
    )
    def test_refuse(self, x: Any, y: Any, shift: float, sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            theory.spline_interpolator(x, y, shift)


def oracle(x: np.ndarray, y: np.ndarray, margin: float) -> float:
    """The same minimum by Clarabel, from cones written down directly: least λ_max(K)/n."""
    cvxpy = pytest.importorskip("cvxpy")
    order = np.argsort(x)
    x, y = x[order], y[order]
    n = x.size
    half_lines = [(np.arange(n) >= k, (x[k - 1], x[k]), 1.0) for k in range(1, n)]
    half_lines += [(np.arange(n) < k, (x[k - 1], x[k]), -1.0) for k in range(1, n)]
    value, total, constraints = np.zeros(n), np.ones((n, n)), []
    blocks, diagonal = [], []
    for active, (low, high), facing in half_lines:
        inset = margin * (high - low)
        rays = np.array([[facing, -facing * (low + inset)], [facing, -facing * (high - inset)]])
        add(cvxpy, x, active, rays, blocks, diagonal, constraints)
    everywhere = np.array([[1.0, -x[0]], [-1.0, x[-1]]])
    add(cvxpy, x, np.ones(n, bool), everywhere, blocks, diagonal, constraints)
    bias, size = cvxpy.Variable(), cvxpy.Variable()
    features = [np.column_stack([x * active, active]) for active, _, _ in half_lines for _ in range(2)]
    features += [np.column_stack([x, np.ones(n)])] * 2
    value = sum((vector for vector in blocks), start=bias * np.ones(n))
    outer = sum((a * f @ f.T for a, f in zip(diagonal, features, strict=True)), start=total)
    columns = cvxpy.vstack(blocks).T
    big = cvxpy.bmat([[size * np.eye(n) - outer, columns], [columns.T, cvxpy.diag(cvxpy.hstack(diagonal))]])
    constraints += [value == y, (big + big.T) / 2 >> 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cvxpy.Problem(cvxpy.Minimize(size), constraints).solve(solver="CLARABEL")
    return float(size.value) / n


def add(cvxpy: Any, x: Any, active: Any, rays: Any, blocks: list, diagonal: list, constraints: list) -> None:
    """One neuron of each sign on a half-line."""
    for sign in (1.0, -1.0):
        shares, a = cvxpy.Variable(2, nonneg=True), cvxpy.Variable(nonneg=True)
        blocks.append(sign * (np.column_stack([x * active, active]) @ rays.T) @ shares)
        diagonal.append(a)
        constraints.append(a >= 0)


class TestFlattest:
    @pytest.mark.parametrize(("seed", "n"), [(0, 3), (1, 4), (2, 5), (3, 6)])
    def test_agrees_with_a_conic_solver(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        found = theory.flattest_interpolator(x, y, margin=0.02, tolerance=1e-5)
        assert found.sharpness == pytest.approx(oracle(x, y, 0.02), rel=5e-5)
        # Knots anywhere in their gaps: what the certificate bounds, with a margin of 2 % between the two.
        least = oracle(x, y, 0.0)
        assert found.least <= least * (1.0 + 1e-5)
        assert found.least >= 0.95 * least

    @settings(max_examples=25)
    @given(seeds, sizes)
    def test_is_an_interpolator_as_sharp_as_it_says(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        found = theory.flattest_interpolator(x, y)
        network = TwoLayerReLU(*found.neurons)
        assert np.abs(network.predict(x) - y).max() <= 16 * n * EPS * magnitude(x, network)
        assert found.sharpness == pytest.approx(top(x, network), rel=1e-9)
        assert found.least <= found.sharpness
        assert found.gap <= 0.05
        assert ss.sharpness(Problem(x, y), network, tolerance=1e-5).value == pytest.approx(
            found.sharpness, rel=1e-6
        )

    @settings(max_examples=25)
    @given(seeds, sizes)
    def test_lies_between_the_bound_and_the_spline(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        found = theory.flattest_interpolator(x, y)
        bound = theory.interpolation_bound(x, y)
        assert bound.sharpness <= found.sharpness
        # λ_max falls with the margin: the spline's own shift is a fair one to beat.
        spline = theory.flattest_interpolator(x, y, margin=0.05).sharpness
        assert spline <= top(x, TwoLayerReLU(*theory.spline_interpolator(x, y, 0.05))) * 1.001

    @settings(max_examples=25)
    @given(seeds, st.integers(3, 7))
    def test_no_wide_network_through_the_same_values_is_flatter(self, seed: int, n: int) -> None:
        x, _ = data(seed, n)
        network = TwoLayerReLU.random(60, 1.5, seed=seed)
        found = theory.flattest_interpolator(x, network.predict(x))
        assert found.least <= top(x, network) * (1.0 + 1e-9)

    @settings(max_examples=10)
    @given(seeds, st.integers(3, 7))
    def test_order_reflection_and_a_shift_of_the_labels_change_nothing(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        found = theory.flattest_interpolator(x, y)
        for other in (
            theory.flattest_interpolator(x[::-1], y[::-1]),
            theory.flattest_interpolator(-x, y),
            theory.flattest_interpolator(x, y + 3.0),
        ):
            assert other.sharpness == pytest.approx(found.sharpness, rel=3e-3)
            assert other.least == pytest.approx(found.least, rel=3e-2)

    @settings(max_examples=10)
    @given(seeds, st.integers(3, 7))
    def test_knots_keep_their_margin(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        w1, b1, _, _ = theory.flattest_interpolator(x, y, margin=0.1).neurons
        x = np.sort(x)
        knots = -b1 / w1
        inside = knots[(knots > x[0]) & (knots < x[-1])]
        gap = np.searchsorted(x, inside) - 1
        share = (inside - x[gap]) / (x[gap + 1] - x[gap])
        assert share.min() > 0.1 - 1e-9
        assert share.max() < 0.9 + 1e-9

    def test_narrow_gaps(self) -> None:
        problem = ss.problems.curve("line", n=24, noise=1.0, seed=0, design="uniform")
        assert np.diff(problem.line.arrays[0]).min() < 1e-3
        found = theory.flattest_interpolator(problem.inputs, problem.labels)
        assert found.gap <= 0.03
        network = TwoLayerReLU(*found.neurons)
        error = np.abs(network.predict(problem.inputs) - problem.labels).max()
        assert error <= 16 * 24 * EPS * magnitude(problem.inputs, network)

    def test_constant_labels_cost_the_bias_alone(self) -> None:
        found = theory.flattest_interpolator([0.0, 1.0, 2.0, 2.5], [2.0] * 4)
        assert found.sharpness == pytest.approx(1.0, abs=1e-2)
        assert found.least <= found.sharpness

    @pytest.mark.parametrize(
        ("given_", "sentence"),
        [
            ({"margin": 0.0}, "margin must lie strictly between 0 and 0.5, got 0.0"),
            ({"margin": 0.5}, "margin must lie strictly between 0 and 0.5, got 0.5"),
            ({"tolerance": 0.0}, "tolerance must lie strictly between 0 and 1, got 0.0"),
        ],
    )
    def test_refuse(self, given_: dict[str, float], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            theory.flattest_interpolator([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], **given_)

    def test_a_spent_budget_is_said(self) -> None:
        with pytest.raises(
            NotConverged, match=r"not found within 2 steps .* raise tolerance, margin or max_it"
        ):
            theory.flattest_interpolator([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], max_iterations=2)


def two_inputs(x: np.ndarray, d: float) -> float:
    """Twice the least λ_max for labels that differ by d, x_1 x_2 ≥ −1, minimum over one share by a grid."""
    c = np.hypot(1.0, x)
    p = np.linspace(0.0, d, 200_001)
    a, b = 1.0 + 2.0 * p * c[0], 1.0 + 2.0 * (d - p) * c[1]
    return float((0.5 * (a + b) + np.hypot(0.5 * (a - b), 1.0)).min())


class TestFewInputs:
    def test_one_label_costs_the_bias_alone(self) -> None:
        found = theory.flattest_interpolator([2.0], [-3.0])
        network = TwoLayerReLU(*found.neurons)
        assert (found.sharpness, found.least, found.gap) == (1.0, 1.0, 0.0)
        assert network.predict([2.0]) == [-3.0]
        assert ss.sharpness(Problem([2.0], [-3.0]), network).value == pytest.approx(1.0, rel=1e-12)

    @given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(0.01, 30))
    def test_two_inputs_on_one_side_have_a_closed_form(self, low: float, gap: float, d: float) -> None:
        x = np.array([low, low + gap])
        if x.prod() < -1.0:
            return
        found = theory.flattest_interpolator(x, [1.0, 1.0 - d], tolerance=1e-6)
        least = two_inputs(x, d) / 2.0
        assert found.sharpness == pytest.approx(least, rel=3e-6)
        assert found.least <= least * (1.0 + 1e-9)
        c = np.hypot(1.0, x)
        printed = 0.5 + (c.prod() * d + np.sqrt(c.prod())) / c.sum()
        assert least >= printed * (1.0 - 1e-9)
        if d > 1.5:  # neither share is 0
            assert least == pytest.approx(printed, rel=1e-6)

    @pytest.mark.parametrize(("x", "d"), [((-0.4, 0.9), 1.3), ((0.5, 2.0), 0.2), ((-3.0, 4.0), 0.5)])
    def test_two_inputs_by_brute_optimization(self, x: tuple[float, float], d: float) -> None:
        from scipy.optimize import minimize

        inputs = np.array(x)

        def sharpness(flat: np.ndarray) -> float:
            w1, b1, w2 = flat.reshape(3, 3)
            f = np.maximum(np.outer(inputs, w1) + b1, 0.0) @ w2
            if abs(f[1] - f[0]) < 1e-6:
                return 1e6
            return top(inputs, TwoLayerReLU(w1, b1, w2 * d / (f[1] - f[0])))

        found = theory.flattest_interpolator(inputs, [0.0, d], tolerance=1e-5)
        best = np.inf
        for seed in range(12):
            start = np.random.default_rng(seed).standard_normal(9)
            options = {"maxiter": 4000, "maxfev": 4000, "xatol": 1e-9, "fatol": 1e-9, "adaptive": True}
            best = min(best, minimize(sharpness, start, method="Nelder-Mead", options=options).fun)
        assert found.least <= best
        assert found.sharpness <= best * 1.001
        assert best <= found.sharpness * 1.02
        if inputs.prod() < -1.0:  # a neuron that is active on both inputs pays
            assert found.sharpness < 0.98 * two_inputs(inputs, d) / 2.0


class TestCells:
    @given(seeds, sizes)
    def test_rays_are_the_neurons_with_knots_on_the_ends_of_the_gap(self, seed: int, n: int) -> None:
        x = np.sort(data(seed, n)[0])
        cells = activation_cells(x)
        assert cells.count == 2 * n - 1
        seen = set()
        for middle, rays, values in zip(cells.middles, cells.rays, cells.values, strict=True):
            b1 = rays[:, 1] - rays[:, 0] * middle
            knots = -b1 / rays[:, 0]
            active = values.max(axis=1) > 1e-9
            if active.all():
                assert sorted(knots) == pytest.approx([x[0], x[-1]], abs=1e-12)
                assert (rays[:, 0] * (x.mean() - knots) > 0.0).all()
            else:
                between = TwoLayerReLU([rays[0, 0]], [b1.mean()], [1.0])
                assert np.array_equal(between.predict(x) > 0.0, active)
                edge = int(np.argmax(active != active[0]))
                assert sorted(knots) == pytest.approx([x[edge - 1], x[edge]], abs=1e-12)
            assert values.min() >= -1e-12
            seen.add(tuple(active))
        assert len(seen) == cells.count


class TestCertificate:
    @given(seeds, st.integers(3, 7))
    def test_any_density_and_any_prices_bound_any_network(self, seed: int, n: int) -> None:
        """Weak duality: labels are the network's own, density and prices random."""
        rng = np.random.default_rng(seed)
        x = np.sort(data(seed, n)[0])
        network = TwoLayerReLU.random(8, 2.0, seed=seed)
        root = rng.standard_normal((n, int(rng.integers(1, n + 1))))
        prices = 10.0 ** rng.uniform(-2, 2) * rng.standard_normal(n)
        for bias in (0.0, 1e6, -1e6):  # a shift of all labels costs nothing, so it must earn nothing
            least = lower_bound(activation_cells(x), network.predict(x) + bias, root @ root.T, prices)
            assert least <= n * top(x, network) * (1.0 + 1e-9) + 1e-6

    @given(seeds)
    def test_largest_ratio_over_all_nonnegative_combinations(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        root, worth = rng.standard_normal((20, 2, 2)), rng.standard_normal((20, 2))
        gram_ = root @ root.transpose(0, 2, 1)
        angle = np.linspace(0.0, np.pi / 2.0, 4001)
        c = np.stack([np.cos(angle), np.sin(angle)])
        ratio = np.abs(worth @ c) / np.sqrt(np.einsum("ra,prs,sa->pa", c, gram_, c))
        found = largest_ratio(gram_, worth)
        assert (found >= ratio.max(axis=1) * (1.0 - 1e-12)).all()
        # The grid is fine enough unless a matrix is almost singular.
        regular = np.linalg.cond(gram_) < 1e3
        assert np.allclose(found[regular], ratio.max(axis=1)[regular], rtol=1e-3)

    @given(seeds, sizes)
    def test_at_the_constant_density_it_is_the_data_only_bound(self, seed: int, n: int) -> None:
        x, y = data(seed, n)
        order = np.argsort(x)
        x, y = x[order], y[order]
        bound = theory.interpolation_bound(x, y)
        g = theory.weight_limits(x).lowest
        change = np.zeros((n, n))  # Δ = change @ y
        for i in range(1, n - 1):
            left, right = 1.0 / (x[i] - x[i - 1]), 1.0 / (x[i + 1] - x[i])
            change[i, i - 1 : i + 2] = left, -left - right, right
        prices = 2.0 * n * (np.sign(bound.slope_changes) * g) @ change
        least = lower_bound(activation_cells(x), y, np.ones((n, n)), prices)
        assert least / n == pytest.approx(bound.sharpness, rel=1e-7)

    @given(seeds, st.integers(3, 7))
    def test_two_neurons_of_one_cone_merge_without_sharpening(self, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        x = np.sort(data(seed, n)[0])
        gap = int(rng.integers(0, n - 1))
        knots = x[gap] + (x[gap + 1] - x[gap]) * rng.uniform(0.1, 0.9, 2)
        w1, w2 = np.exp(rng.standard_normal((2, 2)))
        pair = TwoLayerReLU(w1, -w1 * knots, w2)
        a, u = np.sum(w2**2), np.array([np.sum(w2 * w1), -np.sum(w2 * w1 * knots)])
        one = TwoLayerReLU([u[0] / np.sqrt(a)], [u[1] / np.sqrt(a)], [np.sqrt(a)])
        assert np.allclose(one.predict(x), pair.predict(x), rtol=1e-12, atol=1e-12)
        worse = gram(x, pair) - gram(x, one)
        assert np.linalg.eigvalsh(worse)[0] >= -1e-12 * np.abs(worse).max() - 1e-13
