from __future__ import annotations

import math
import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from facts import case_of, facts_of
from oracles import ALL, BOUNDED, EPS, UNBOUNDED, Case, brute_weight, measure, random_case
from stepscape import theory
from stepscape.errors import InputError
from stepscape.theory.line.decimals import decimal_bound

seeds = st.integers(0, 2**32 - 1)
NEAR = 1e-7


def least_variation(x, y, v, trainable, per_gap=12):
    """Linear program: the cheapest Σ|a_t| g(t) of an interpolant with kinks on a grid around the inputs."""
    order = np.argsort(x)
    x, y, v = x[order], y[order], v[order]
    shares = np.concatenate([[NEAR], np.linspace(0, 1, per_gap + 2)[1:-1], [1 - NEAR]])
    kinks = np.concatenate([a + (b - a) * shares for a, b in pairwise(x)])
    g = np.array([brute_weight(t, x, v, trainable) for t in kinks])
    hinges = np.maximum(x[:, None] - kinks, 0.0)
    A = np.column_stack([np.ones_like(x), x, hinges, -hinges])
    bounds = [(None, None)] * 2 + [(0, None)] * (2 * kinks.size)
    size = g.max()
    solution = linprog(np.concatenate([[0, 0], g, g]) / size, A_eq=A, b_eq=y, bounds=bounds, method="highs")
    assert solution.status == 0
    return solution.fun * size


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("n", [3, 4, 8, 15])
def test_closed_form_is_the_linear_program(n, trainable):
    rng = np.random.default_rng([n, len(trainable)])
    for spread in (0.0, 0.9):
        x = np.linspace(-1, 1, n) + spread / n * rng.uniform(-1, 1, n)
        y, v = rng.standard_normal(n), rng.random(n) + 0.1
        bound = theory.interpolation_bound(x, y, v, trainable).variation
        # Kinks at distance NEAR·gap from the inputs, and HiGHS's own 1e-7.
        assert least_variation(x, y, v, trainable) == pytest.approx(bound, rel=2e-6)


def test_closed_form_where_an_input_is_dearer_than_its_neighborhood():
    # Input and tail mean on opposite sides of 0, product below −1: counting the input lowers P √(1 + E²), so
    # g falls when t passes it to the left, and the cheapest kink lies beside the input, not on it.
    x = np.array([-4.0, -3.5, -3.2, -2.4, -2.0, -1.1, 3.0, 5.0])
    y, v = np.array([0.3, -1.0, 0.7, 0.1, 2.0, -1.2, 0.4, 0.0]), np.array([2, 1, 3, 2, 3, 1, 1, 1.0])
    limits, bound = theory.weight_limits(x, v), theory.interpolation_bound(x, y, v)
    assert bound.variation < 0.99 * np.abs(bound.slope_changes) @ limits.value
    assert least_variation(x, y, v, ALL) == pytest.approx(bound.variation, rel=2e-6)


def rational_root(q: Fraction) -> Fraction:
    """√q up to a relative 2^−200."""
    scale = 1 << (2 * (200 + q.denominator.bit_length()))
    return Fraction(math.isqrt(q.numerator * q.denominator * scale), q.denominator * math.isqrt(scale))


def rational_weight(t, points, masses, trainable, side) -> Fraction:
    """g around t, from its definition: with t in both tails, in neither, or in the left or right one."""
    sums = []
    for sign, with_t in ((1, side == "before"), (-1, side == "after")):
        tail = [i for i, x in enumerate(points) if sign * (x - t) > 0 or (with_t and x == t)]
        mass = sum(masses[i] for i in tail)
        mean = sum(masses[i] * points[i] for i in tail) / mass if mass else Fraction(0)
        squares = ("b1" in trainable) + ("w1" in trainable) * mean * mean
        sums.append(mass * mass * sign * (mean - t) * rational_root(squares) if mass else Fraction(0))
    return min(sums)


def rational_bound(x, y, v, trainable):
    """Σ|Δ_i| g̲(x_i) and K for distinct inputs, in rational arithmetic up to the root."""
    order = np.argsort(x)
    x, y, v = ([Fraction(value) for value in np.asarray(each)[order].tolist()] for each in (x, y, v))
    masses = [each / sum(v) for each in v]
    lowest = [
        min(rational_weight(t, x, masses, trainable, side) for side in ("before", "at", "after")) for t in x
    ]
    slopes = [(b - a) / (t - s) for (s, t), (a, b) in zip(pairwise(x), pairwise(y), strict=True)]
    changes = [Fraction(0), *(b - a for a, b in pairwise(slopes)), Fraction(0)][: len(x)]
    kappa = [Fraction(0)] * len(x)
    for i, (s, t) in enumerate(pairwise(x)):
        for j in (i, i + 1):
            kappa[j] += (lowest[i] + lowest[i + 1]) / (t - s)
    variation = sum(abs(change) * g for change, g in zip(changes, lowest, strict=True))
    return variation, 2 * rational_root(sum(k * k / mass for k, mass in zip(kappa, masses, strict=True)))


def rounded(q: Fraction) -> float:
    return math.inf if q > Fraction(np.finfo(float).max) else float(q)


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, -1.0, 2.0, 1e-310])


@settings(deadline=None)
@given(st.data(), st.integers(1, 6), st.sampled_from(BOUNDED))
def test_any_numbers_against_rational_arithmetic(data, n, trainable):
    x = data.draw(st.lists(numbers, min_size=n, max_size=n, unique_by=lambda t: t + 0.0))
    y = data.draw(st.lists(numbers, min_size=n, max_size=n))
    v = data.draw(st.lists(st.floats(1e-9, 1e9), min_size=n, max_size=n))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bound = theory.interpolation_bound(x, y, v, trainable)
    variation, sensitivity = rational_bound(x, y, v, trainable)
    sharpness = ("b2" in trainable) + 2 * variation
    assert bound.sharpness == pytest.approx(rounded(sharpness), rel=1e-8, abs=1e-300)
    assert bound.step_size == pytest.approx(rounded(2 / sharpness) if sharpness else math.inf, rel=1e-8)
    assert bound.sensitivity == pytest.approx(rounded(sensitivity), rel=1e-8, abs=1e-300)
    assert bound.variation == pytest.approx(rounded(variation), rel=1e-8, abs=1e-8 * (1 + bound.sharpness))


def test_a_gap_below_the_range_of_slopes_costs_what_it_should():
    # Δ = 1e310, where slopes overflow, times g̲ = 1e−310/9: the product is 1/9, and the step size finite.
    for gap in (1e-310, 1e-300, 1e-20):
        bound = theory.interpolation_bound([0, gap, 2], [0, 1, 0])
        assert bound.variation == pytest.approx(1 / 9, rel=1e-9)
        assert bound.step_size == pytest.approx(2 / (1 + 2 / 9), rel=1e-9)
        assert bound.possible


@pytest.mark.parametrize(
    ("x", "y", "step_size"),
    [
        ([-1.0, 0.0, 5e-324, 1.0], [0.0, 1.0, 0.0, 1.0], 3e-323),
        ([0.0, 1.0, 2.0], [0.0, 1e308, 0.0], 2.7e-308),
        ([-1e308, 0.0, 1e308], [0.0, 1.0, 0.0], 1.8e-307),
    ],
)
def test_a_sharpness_near_or_beyond_the_largest_number(x, y, step_size):
    bound = theory.interpolation_bound(x, y)
    variation, _ = rational_bound(x, y, np.ones(len(x)), ALL)
    assert bound.step_size == pytest.approx(float(2 / (1 + 2 * variation)), rel=1e-8)
    assert bound.step_size == pytest.approx(step_size, rel=0.5)


@settings(deadline=None)
@given(seeds, st.sampled_from(BOUNDED))
def test_decimals_and_floats_agree_where_both_can(seed, trainable):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    x, y, v = rng.choice(np.linspace(-1, 1, 9), n), rng.standard_normal(n), rng.random(n) + 0.1
    one, other = theory.interpolation_bound(x, y, v, trainable), decimal_bound(x, y, v, trainable)
    for name in ("slope_changes", "variation", "hat_bound", "sharpness", "step_size", "sensitivity"):
        expected = np.asarray(other[name])
        assert getattr(one, name) == pytest.approx(expected, rel=1e-12, abs=64 * EPS * one.scale), name


def test_labels_of_any_size_have_a_deviation():
    case = data_only([0.0, 2.0, 3.0], [-1e300, 1e300, 1e300])
    c = theory.interpolation(facts_of(case, loss=1e10, sharpness=9.0))
    assert c.failed_premises == ()
    assert c.verdict == "violated"


def test_golden_numbers_of_noise():
    # Standard normal labels of generator 0 on eight equispaced inputs: hat bound .320, exact .786.
    bound = theory.interpolation_bound(np.linspace(-1, 1, 8), np.random.default_rng(0).standard_normal(8))
    assert bound.hat_bound == pytest.approx(0.320, abs=5e-4)
    assert bound.variation == pytest.approx(0.786, abs=5e-4)


@settings(deadline=None)
@given(seeds, st.sampled_from(BOUNDED))
def test_bound_from_its_definition(seed, trainable):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    x, y, v = rng.standard_normal(n), rng.standard_normal(n), rng.random(n) + 0.1
    order = np.argsort(x)
    xs, ys = x[order], y[order]
    gap = np.diff(xs).min(initial=1.0)
    exact, hats = 0.0, [0.0, 0.0]
    for i in range(1, n - 1):
        change = abs((ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) - (ys[i] - ys[i - 1]) / (xs[i] - xs[i - 1]))
        sides = [brute_weight(xs[i] + s * 1e-9 * gap, x, v, trainable) for s in (-1, 0, 1)]
        grid = [t for a in (i - 1, i) for t in xs[a] + (xs[a + 1] - xs[a]) * np.array([1e-9, 1 - 1e-9])]
        exact += change * min(sides)
        hats[i % 2] += change * min([*sides, *(brute_weight(t, x, v, trainable) for t in grid)])
    bound = theory.interpolation_bound(x, y, v, trainable)
    size = 1e-7 * (1 + np.abs(bound.slope_changes).sum() * np.hypot(1, np.abs(x).max()))
    assert bound.possible
    assert bound.variation == pytest.approx(exact, abs=size)
    assert bound.hat_bound == pytest.approx(max(hats), abs=size)
    assert bound.hat_bound <= bound.variation + bound.scale * 64 * EPS
    assert bound.sharpness == ("b2" in trainable) + 2 * bound.variation
    assert bound.step_size == (2 / bound.sharpness if bound.sharpness else math.inf)


@settings(deadline=None, max_examples=200)
@given(seeds, st.sampled_from(BOUNDED))
def test_every_network_interpolates_its_own_values(seed, trainable):
    # Any network is an interpolator of (x, f(x)): both λ_max(H) and ∫|f''|g must respect the bound.
    case = random_case(np.random.default_rng(seed))
    labels = dict(zip(case.x, case.predict(), strict=True))
    y = np.array([labels[x] for x in case.x])
    own = Case(case.w1, case.b1, case.w2, case.b2, case.x, y, case.v)
    m, bound = measure(own, trainable), theory.interpolation_bound(case.x, y, case.v, trainable)
    # Labels are rounded values of f: Σ|w2|(|w1 x| + |b1|) may be far above f, divided by the smallest gap.
    terms = (np.abs(case.w2) @ (np.abs(np.outer(case.w1, case.x)) + np.abs(case.b1)[:, None])).max() + 1
    gaps = np.diff(np.unique(case.x))
    rounding = (
        64 * EPS * (bound.scale + terms * np.hypot(1, np.abs(case.x).max()) ** 2 / gaps.min(initial=np.inf))
    )
    tv = theory.weighted_tv(case.w1, case.b1, case.w2, case.x, case.v, "function", trainable)
    assert bound.variation <= tv + case.x.size * rounding
    assert bound.sharpness <= m.gauss_newton * (1 + 1e3 * EPS) + case.x.size * rounding


@pytest.mark.parametrize("trainable", BOUNDED)
def test_with_its_loss_term_the_inequality_holds_at_every_point(trainable):
    rng = np.random.default_rng(17)
    for _ in range(300):
        case = random_case(rng)
        m = measure(case, trainable)
        if np.unique(case.x).size < case.x.size:
            continue
        accuracy = 64 * EPS * (m.gauss_newton + m.residual_norm)
        c = theory.interpolation(facts_of(case, trainable=trainable, residual=accuracy, **vars(m)))
        assert c.left <= c.right + c.tolerance, (c, case)


def data_only(x, y):
    """Data at a network that is dead on them."""
    return case_of([1.0], [-99.0], [0.0], x, y)


def test_loss_term_is_the_formula():
    # Two points: no interior input, K = 0; what is left is the bound on ‖R‖.
    case, measured = data_only([0.0, 3.0], [0.0, 1.0]), {"loss": 0.02, "sharpness": 7.0, "residual": 0.5}
    for trainable, reach in ((ALL, math.sqrt(10)), (("b1", "w2"), 1.0), (("w1", "w2"), 3.0)):
        c = theory.interpolation(facts_of(case, trainable=trainable, **measured))
        assert c.right == pytest.approx(7.5 + 0.2 * reach, rel=8 * EPS)


def test_loss_term_of_three_points():
    # g̲ = √2/9 at the input in the middle (`test_golden_three_points`): κ = (1, 2, 1)·√2/9; the masses are ⅓.
    sensitivity = 2 * math.sqrt((1 + 4 + 1) * 2 / 81 * 3)
    assert sensitivity == pytest.approx(4 / 3)
    c = theory.interpolation(facts_of(data_only([-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]), loss=0.02, sharpness=7.0))
    assert c.right == pytest.approx(7.0 + 0.2 * (math.sqrt(2) + sensitivity), rel=8 * EPS)


def connect_the_dots(x, y, shift):
    """An interpolator with its kinks just off the inputs."""
    knots = x[1:-1] + shift * np.diff(x)[1:]
    hinges = np.column_stack([np.ones_like(x), x - x[0] + 1.0, np.maximum(x[:, None] - knots, 0.0)])
    a = np.linalg.solve(hinges, y)
    return np.ones(x.size - 1), np.concatenate([[1.0 - x[0]], -knots]), a[1:], float(a[0])


def test_interpolators_are_at_least_this_sharp():
    rng = np.random.default_rng(2)
    x, y = np.linspace(-1, 1, 12), rng.standard_normal(12)
    w1, b1, w2, b2 = connect_the_dots(x, y, 1e-6)
    case = Case(w1, b1, w2, b2, x, y, np.ones(12))
    m, bound = measure(case), theory.interpolation_bound(x, y)
    c = theory.interpolation(facts_of(case, **vars(m)))
    assert (c.verdict, c.failed_premises) == ("holds", ())
    assert c.left == pytest.approx(bound.sharpness, rel=64 * EPS)
    assert c.right == pytest.approx(m.sharpness, rel=1e-6)
    assert bound.sharpness < m.sharpness
    # The infimum is approached, not beaten; the cheaper side is the right one for half of the inputs.
    assert bound.variation <= theory.weighted_tv(w1, b1, w2, x) <= 1.5 * bound.variation


def test_a_network_that_does_not_interpolate_is_inapplicable():
    c = theory.interpolation(facts_of(data_only([0.0, 1.0, 2.0], [0.0, 1.0, 0.0]), loss=0.1, sharpness=0.1))
    assert (c.verdict, c.failed_premises) == ("inapplicable", ("the network interpolates",))
    assert math.isfinite(c.left)


def test_a_sharpness_below_the_bound_is_a_violation():
    c = theory.interpolation(facts_of(data_only([0.0, 1.0, 2.0], [0.0, 9.0, 0.0]), loss=0.0, sharpness=1.0))
    assert c.verdict == "violated"


@pytest.mark.parametrize(("share", "fits"), [(0.999, True), (1.001, False)])
def test_an_interpolator_misses_its_labels_by_a_thousandth_of_their_deviation(share, fits):
    # Labels −1 and 1 of weights 1 and 3: mean ½, standard deviation √¾.
    case = replace(data_only([0.0, 2.0], [-1.0, 1.0]), v=np.array([1.0, 3.0]))
    loss = 0.5 * (share * 1e-3 * math.sqrt(0.75)) ** 2
    c = theory.interpolation(facts_of(case, loss=loss, sharpness=9.0))
    assert c.failed_premises == (() if fits else ("the network interpolates",))


def test_premises_of_the_interpolation_certificate():
    measured = {"loss": 0.0, "sharpness": 9.0}
    case = case_of([2.0], [-2.0], [0.0], [0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    on_input = theory.interpolation(facts_of(case, **measured))
    assert on_input.failed_premises == ("no knot lies on an input",)
    for trainable in UNBOUNDED:
        facts = facts_of(data_only(case.x, case.y), trainable=trainable or ("b2",), **measured)
        c = theory.interpolation(facts)
        assert c.verdict == "inapplicable"
        assert math.isnan(c.left)


def test_repeated_inputs_with_equal_labels_merge():
    x, y = [0.0, 1.0, 1.0, 2.0, 3.0], [0.0, 0.1, 0.1, 0.7, 0.2]
    merged = theory.interpolation_bound([0.0, 1.0, 2.0, 3.0], [0.0, 0.1, 0.7, 0.2], [1.0, 2.0, 1.0, 1.0])
    bound = theory.interpolation_bound(x, y)
    assert bound.possible
    np.testing.assert_array_equal(bound.slope_changes, merged.slope_changes)
    assert bound.variation == merged.variation


def test_repeated_inputs_with_different_labels_cannot_be_interpolated():
    x, y = [0.0, 1.0, 1.0, 2.0], [0.0, 0.0, 3.0, 0.0]
    bound = theory.interpolation_bound(x, y, [1.0, 2.0, 1.0, 1.0])
    assert not bound.possible
    np.testing.assert_allclose(bound.slope_changes, [0.0, -2.0, 0.0])  # through the mean label, 1
    c = theory.interpolation(facts_of(data_only(x, y), loss=0.0, sharpness=9.0))
    assert c.failed_premises == ("equal inputs carry equal labels",)


def test_an_input_of_weight_zero_need_not_be_met():
    with_it = theory.interpolation_bound([0.0, 1.0, 1.5, 2.0], [0.0, 1.0, 99.0, 0.0], [1, 1, 0, 1])
    assert with_it.variation == theory.interpolation_bound([0.0, 1.0, 2.0], [0.0, 1.0, 0.0]).variation


@pytest.mark.parametrize("n", [1, 2])
def test_few_points_cost_nothing(n):
    bound = theory.interpolation_bound(np.arange(n), np.arange(n))
    assert (bound.variation, bound.hat_bound, bound.sharpness, bound.step_size) == (0.0, 0.0, 1.0, 2.0)
    frozen = theory.interpolation_bound(np.arange(n), np.arange(n), trainable=("w1", "b1", "w2"))
    assert (frozen.sharpness, frozen.step_size) == (0.0, math.inf)


def test_golden_three_points():
    # g+(0^-) counts the input at 0: P = 2/3, E = 1/2; g+(0) = (1/9)·1·√2 is the smallest of the four limits.
    bound = theory.interpolation_bound([-1.0, 0.0, 1.0], [0.0, 1.0, 0.0])
    assert bound.variation == pytest.approx(2 * math.sqrt(2) / 9, rel=8 * EPS)
    assert bound.hat_bound == 0.0  # the hat reaches both ends of the hull, where g vanishes


def test_growth_with_the_number_of_points_and_the_noise():
    # Equispaced noise: the median grows like n² (2 to 2.4 at these n), and exactly in proportion to σ.
    rng = np.random.default_rng(1)
    sizes = np.array([20, 40, 80, 160])
    draws = {n: rng.standard_normal((200, n)) for n in sizes}
    medians = [
        np.median([theory.interpolation_bound(np.linspace(-1, 1, n), y).variation for y in draws[n]])
        for n in sizes
    ]
    assert 1.9 < np.polyfit(np.log(sizes), np.log(medians), 1)[0] < 2.5
    y = draws[40][0]
    single, double = (theory.interpolation_bound(np.linspace(-1, 1, 40), s * y).variation for s in (1, 2))
    assert double == pytest.approx(2 * single, rel=8 * EPS)


@pytest.mark.parametrize("half_width", [1.0, 3.0])
def test_the_bound_over_n_squared_tends_to_its_rate(half_width):
    rng, means = np.random.default_rng(5), []
    for n in (40, 4000):
        x = half_width * np.linspace(-1, 1, n)
        draws = [np.sin(x) + 0.7 * rng.standard_normal(n) for _ in range(8)]
        means.append(np.mean([theory.interpolation_bound(x, y).sharpness - 1 for y in draws]) / n**2)
    rate = theory.interpolation_rate(0.7, half_width)
    assert means[1] == pytest.approx(rate, rel=0.03)
    assert means[0] < 0.95 * rate
    t = np.linspace(-1, 1, 20_001)
    area = np.trapezoid(theory.population_weight(t), t)
    assert theory.interpolation_rate() == pytest.approx(math.sqrt(12 / math.pi) / 2 * area, rel=1e-6)


def test_exact_form_is_about_twice_the_hat_bound():
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(100):
        bound = theory.interpolation_bound(np.linspace(-1, 1, 30), rng.standard_normal(30))
        ratios.append(bound.variation / bound.hat_bound)
    assert 2.0 < np.median(ratios) < 3.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: theory.interpolation_bound([0.0, 1.0], [0.0]),
            r"labels must have one entry per input \(2\), got 1",
        ),
        (lambda: theory.interpolation_bound([0.0], [math.nan]), "labels must be finite, got nan"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("unit", [2.0**1000, 1e308 / 1.7, 1e-300])
def test_weights_of_the_square_loss_may_have_any_sum(unit):
    # Two labels at 1, so that their weighted mean counts; they interpolate no more than the loss says.
    data = {"inputs": [0.0, 1.0, 1.0, 2.0, 3.0, 4.0], "labels": np.array([1.0, 1.0, 1.5, 2.0, -1.0, 3.0])}
    v = np.linspace(0.5, 1.7, 6)
    one, two = (theory.interpolation_bound(**data, weights=s * v) for s in (1.0, unit))
    assert two.slope_changes == pytest.approx(one.slope_changes, rel=64 * EPS)
    assert two.sharpness == pytest.approx(one.sharpness, rel=64 * EPS)
    cases = [case_of([1.0], [-0.5], [2.0], data["inputs"], data["labels"], s * v) for s in (1.0, unit)]
    one, two = (theory.interpolation(facts_of(case, loss=1e-12, sharpness=3.0)) for case in cases)
    assert one.failed_premises == two.failed_premises == ("equal inputs carry equal labels",)
    one, two = (theory.noisy(facts_of(case, sharpness=3.0, truth=np.sin, noise=0.2)) for case in cases)
    assert two.right == pytest.approx(one.right, rel=64 * EPS)
