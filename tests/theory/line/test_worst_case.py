from __future__ import annotations

import dataclasses
import itertools
import math
from unittest import mock

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import ALL, BOUNDED, EPS, brute_weight
from stepscape import theory
from stepscape.errors import InputError
from stepscape.theory.line import flat_class
from stepscape.theory.line.bend_program import Point

seeds = st.integers(0, 2**32 - 1)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def kl(truth, logit):
    p, q = sigmoid(truth), sigmoid(logit)
    return p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))


def draw(rng, n, repeats=False):
    x = rng.uniform(-1, 1, n)
    if repeats:
        x = rng.choice(x, n)
    f0 = 2 * np.sin(4 * x + rng.uniform(0, 6))
    return x, f0, np.where(rng.random(n) < sigmoid(f0), 1.0, -1.0), rng.random(n) + 0.2


def by_cvxpy(x, c, seen_x, seen_v, variation, height, trainable=ALL, per_gap=0, near=1e-7):
    """Maximize Σ c_i h(x_i), h a line and kinks beside the inputs and on a grid, at the price brute g."""
    points = np.unique(x)
    shares = np.concatenate([[near], np.linspace(0, 1, per_gap + 2)[1:-1], [1 - near]])
    kinks = np.concatenate([a + (b - a) * shares for a, b in itertools.pairwise(points)])
    kinks = np.concatenate([kinks, points[1:-1]])
    g = np.array([brute_weight(t, seen_x, seen_v, trainable) for t in kinks])
    line, jumps = cp.Variable(2), cp.Variable(kinks.size)
    h = np.column_stack([np.ones_like(points), points]) @ line
    h = h + np.maximum(points[:, None] - kinks, 0.0) @ jumps
    sums = np.array([c[x == point].sum() for point in points])
    problem = cp.Problem(cp.Maximize(sums @ h), [cp.abs(h) <= height, g @ cp.abs(jumps) <= variation])
    return problem.solve(solver="CLARABEL")


@pytest.mark.parametrize("trainable", BOUNDED)
def test_the_supremum_is_the_convex_program_with_kinks_anywhere(trainable):
    rng = np.random.default_rng(len(trainable))
    for n, variation in ((3, 0.05), (6, 0.3), (10, 0.02), (14, 0.3)):
        x, f0, y, v = draw(rng, n, repeats=n == 14)
        noise = v / v.sum() * ((1 + y) / 2 - sigmoid(f0))
        flat = theory.FlatClass(x, variation, 3.0, weights=v, trainable=trainable)
        found = theory.worst_case_excess(flat, y, f0)
        oracle = by_cvxpy(x, noise, x, v, variation, 3.0, trainable, per_gap=8) - noise @ f0
        assert found.value == pytest.approx(oracle, rel=2e-5, abs=2e-5)
        assert found.gap <= 1e-8
        assert found.attained <= oracle + 2e-6


@pytest.mark.parametrize("n", [1, 2, 9])
def test_heights_from_a_center_are_those_of_shifted_functions(n):
    """The convex program with |h − 1.2| ≤ 0.7: constants bend nowhere."""
    rng = np.random.default_rng(n)
    x, f0, y, v = draw(rng, n)
    noise = v / v.sum() * ((1 + y) / 2 - sigmoid(f0))
    found = theory.worst_case_excess(theory.FlatClass(x, 0.05, 0.7, weights=v, center=1.2), y, f0)
    moved = by_cvxpy(x, noise, x, v, 0.05, 0.7, per_gap=8) if n > 2 else 0.7 * np.abs(noise).sum()
    assert found.value == pytest.approx(moved + 1.2 * noise.sum() - noise @ f0, rel=2e-5, abs=2e-5)
    h = np.interp(x, found.points, found.function)
    assert np.abs(h - 1.2).max() <= 0.7 * (1 + 8 * EPS)
    assert found.attained == pytest.approx(noise @ (h - f0), abs=1e-12)
    assert "|h − 1.2| ≤ 0.7" in found.assumptions[1]


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(BOUNDED))
def test_the_function_lies_in_the_class_and_attains_the_lower_bound(seed, trainable):
    rng = np.random.default_rng(seed)
    x, f0, y, v = draw(rng, int(rng.integers(1, 40)), repeats=rng.random() < 0.3)
    variation, height = 10.0 ** rng.uniform(-3, 1), 10.0 ** rng.uniform(-1, 1)
    flat = theory.FlatClass(x, variation, height, weights=v, trainable=trainable)
    found = theory.worst_case_excess(flat, y, f0)
    h = np.interp(x, found.points, found.function)
    noise = v / v.sum() * ((1 + y) / 2 - sigmoid(f0))
    assert found.attained == pytest.approx(noise @ (h - f0), abs=1e-12 * (height + 2))
    assert -1e-12 * height <= found.gap <= 1e-6 * height
    assert np.abs(found.function).max() <= height * (1 + 8 * EPS)
    if found.points.size > 2:
        changes = np.diff(np.diff(found.function) / np.diff(found.points))
        spent = np.abs(changes) @ theory.weight_limits(x, v, trainable).lowest[1:-1]
        assert spent <= variation * (1 + 1e-9) + 1e-9 * height


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_every_member_that_fits_has_no_larger_error(seed):
    # Mixtures of the truth with members drawn at random; the identity makes the bound one for all of them.
    rng = np.random.default_rng(seed)
    x, f0, y, v = draw(rng, int(rng.integers(3, 30)))
    order, p = np.argsort(x), v / v.sum()
    limits = theory.weight_limits(x, v)
    h = rng.uniform(0, 1) * np.interp(x, np.sort(x)[::2], rng.uniform(-3, 3, x.size)[::2])
    h = f0 + rng.uniform(0, 1) * (h - f0)
    spent = np.abs(np.diff(np.diff(h[order]) / np.diff(x[order]))) @ limits.lowest[1:-1]
    flat = theory.FlatClass(x, spent * (1 + 1e-9) + 1e-12, np.abs(h).max() * (1 + 1e-9), weights=v)
    found = theory.worst_case_excess(flat, y, f0)
    ahead = p @ np.log1p(np.exp(-y * h)) - p @ np.log1p(np.exp(-y * f0))
    assert p @ kl(f0, h) <= found.value + ahead + 1e-9
    noisy = f0 + rng.standard_normal(x.size)
    gap = theory.worst_case_gap(flat, noisy, f0)
    assert p @ (h - f0) ** 2 <= gap.value + p @ (noisy - h) ** 2 - p @ (noisy - f0) ** 2 + 1e-9


def test_the_square_loss_has_the_same_supremum_of_its_own_noise():
    rng = np.random.default_rng(4)
    x, f0, _, v = draw(rng, 9)
    y = f0 + rng.standard_normal(9)
    found = theory.worst_case_gap(theory.FlatClass(x, 0.2, 2.5, weights=v), y, f0)
    noise = 2 * v / v.sum() * (y - f0)
    assert found.value == pytest.approx(by_cvxpy(x, noise, x, v, 0.2, 2.5, per_gap=4) - noise @ f0, abs=3e-6)
    assert found.constant == pytest.approx(np.cov(f0, aweights=v, ddof=0))


def test_only_inputs_that_count_make_g_and_only_their_hull_is_judged():
    rng = np.random.default_rng(8)
    x, f0, y, v = draw(rng, 14)
    uncertain = np.abs(x - 0.1) < 0.6
    uncertain[np.argmin(np.abs(x))] = False
    flat = theory.FlatClass(x, 0.01, 4.0, weights=v, counted=uncertain)
    inside = (x >= x[uncertain].min()) & (x <= x[uncertain].max())
    assert (flat.inside == inside).all()
    assert inside.sum() == uncertain.sum() + 1
    p = v[inside] / v[inside].sum()
    noise = p * ((1 + y[inside]) / 2 - sigmoid(f0[inside]))
    found = theory.worst_case_excess(flat, y, f0)
    oracle = by_cvxpy(x[inside], noise, x[uncertain], v[uncertain], 0.01, 4.0, per_gap=4)
    assert found.value == pytest.approx(oracle - noise @ f0[inside], rel=2e-5)
    assert found.share == pytest.approx(v[inside].sum() / v.sum())
    assert (found.points == np.sort(x[inside])).all()
    # Curvatures count in part; an interval narrows the judged inputs, not g.
    curvature = sigmoid(f0) * sigmoid(-f0)
    narrow = (x >= -0.4) & (x <= 0.5)
    flat = theory.FlatClass(x, 0.01, 4.0, weights=v, counted=curvature, interval=(-0.4, 0.5))
    p = v[narrow] / v[narrow].sum()
    noise = p * ((1 + y[narrow]) / 2 - sigmoid(f0[narrow]))
    oracle = by_cvxpy(x[narrow], noise, x, v * curvature, 0.01, 4.0, per_gap=4) - noise @ f0[narrow]
    assert theory.worst_case_excess(flat, y, f0).value == pytest.approx(oracle, rel=2e-5)


def test_vacuous_is_no_better_than_the_best_constant():
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 1000)
    f0 = 2 * np.sin(4 * x)
    y = np.where(rng.random(x.size) < sigmoid(f0), 1, 0)
    least = min(float(np.mean(kl(f0, c))) for c in np.linspace(-1, 1, 2001))
    tight = theory.worst_case_excess(theory.FlatClass(x, 0.05, 4.0), y, f0)
    loose = theory.worst_case_excess(theory.FlatClass(x, 3.0, 4.0), y, f0)
    assert tight.constant == loose.constant == pytest.approx(least, rel=1e-5)
    assert tight.value < least < loose.value < 2 * least
    assert (tight.vacuous, loose.vacuous) == (False, True)
    assert dataclasses.replace(tight, value=tight.constant).vacuous  # no better is enough


def test_limits_of_the_class():
    x = np.array([-1.0, -0.2, 0.3, 1.0, 0.3])
    y, f0, one = np.array([1, -1, 1, -1, -1]), np.array([0.5, -1.0, 2.0, 0.3, 2.0]), np.full(5, 0.2)
    noise = one * ((1 + y) / 2 - sigmoid(f0))
    merged = np.array([noise[0], noise[1], noise[2] + noise[4], noise[3]])
    # Enough variation: only the height binds.
    free = theory.worst_case_excess(theory.FlatClass(x, 1e6, 2.0), y, f0)
    assert free.value == pytest.approx(2.0 * np.abs(merged).sum() - noise @ f0, rel=1e-12)
    # None: affine functions only; the extreme points of |α ± β| ≤ M are ±M and ±M·x.
    still = theory.worst_case_excess(theory.FlatClass(x, 0.0, 2.0), y, f0)
    affine = 2.0 * max(abs(merged.sum()), abs(merged @ [-1.0, -0.2, 0.3, 1.0]))
    assert still.value == pytest.approx(affine - noise @ f0, rel=1e-9)
    assert still.attained == pytest.approx(still.value, rel=1e-9)
    # One and two inputs.
    for n in (1, 2):
        found = theory.worst_case_excess(theory.FlatClass(x[:n], 0.0, 2.0), y[:n], f0[:n])
        noise = ((1 + y[:n]) / 2 - sigmoid(f0[:n])) / n
        assert found.value == found.attained == pytest.approx(2.0 * np.abs(noise).sum() - noise @ f0[:n])
        assert found.status == "closed form"


def test_huge_logits_are_safe():
    found = theory.worst_case_excess(
        theory.FlatClass([0.0, 1.0, 2.0], 1.0, 5.0), [1, 1, 1], np.full(3, -900.0)
    )
    assert found.constant == pytest.approx(0.0, abs=1e-300)
    assert found.value == pytest.approx(905.0)


def test_a_large_sample_keeps_its_gap_small():
    rng = np.random.default_rng(1)
    x, f0, y, _ = draw(rng, 2000)
    found = theory.worst_case_excess(theory.FlatClass(x, 1.0, 5.0), y, f0)
    assert found.gap <= 1e-5 * found.value


@pytest.mark.parametrize("variation", [0.0, 1e-6, 1.0, 1e6])
@pytest.mark.parametrize("n", [3, 4, 40, 400])
def test_the_interior_point_method_agrees_with_a_simplex_method(n, variation):
    from scipy.optimize import linprog

    rng = np.random.default_rng(n)
    flat = theory.FlatClass(rng.uniform(-1, 1, n), variation, 2.0)
    c, x, kinks = rng.standard_normal(n) / n, flat.points, n - 2
    row, gaps = np.arange(kinks), np.diff(x)
    slopes = np.zeros((kinks, n))
    slopes[row, row], slopes[row, row + 2] = 1 / gaps[:-1], 1 / gaps[1:]
    slopes[row, row + 1] = -slopes.sum(axis=1)
    # |slopes·h| ≤ kink, Σ cost·kink ≤ C, in units in which the rows of the second constraint are at most 1.
    unit = (1 / np.abs(slopes).max(axis=1))[:, None]
    share = np.diag(variation / flat.cost[1:-1]) * unit
    upper = np.block([[slopes * unit, -share], [-slopes * unit, -share], [np.zeros(n), np.ones(kinks)]])
    limits = np.append(np.zeros(2 * kinks), 1.0)
    bounds = [(-2.0, 2.0)] * n + [(0.0, None)] * kinks
    oracle = linprog(np.append(-c, np.zeros(kinks)), A_ub=upper, b_ub=limits, bounds=bounds, method="highs")
    found = flat_class.supremum(flat, c)
    assert found.status.startswith("optimal after")
    assert found.upper == pytest.approx(-oracle.fun, rel=1e-4, abs=1e-6)
    assert -1e-13 <= found.upper - found.lower <= 1e-5 * found.upper


def test_nearly_equal_inputs_widen_the_gap_but_break_nothing():
    rng = np.random.default_rng(1)
    x = np.round(rng.uniform(-1, 1, 60), 1)
    x = x + 1e-13 * rng.standard_normal(60)
    _, _, y, _ = draw(rng, 60)
    found = theory.worst_case_excess(theory.FlatClass(x, 0.3, 5.0), y, np.sin(4 * x))
    exact = theory.worst_case_excess(theory.FlatClass(np.round(x, 1), 0.3, 5.0), y, np.sin(4 * x))
    assert found.attained <= exact.value * (1 + 1e-6)
    assert found.value >= exact.attained * (1 - 1e-6)


def test_a_solver_that_gives_up_leaves_the_trivial_bounds(monkeypatch):
    x, f0, y, _ = draw(np.random.default_rng(2), 20)
    monkeypatch.setattr(flat_class, "_MOST_STEPS", 0)
    found = theory.worst_case_excess(theory.FlatClass(x, 0.3, 2.0), y, f0)
    noise = ((1 + y) / 2 - sigmoid(f0)) / 20
    assert found.value == pytest.approx(2.0 * np.abs(noise).sum() - noise @ f0)
    assert found.attained == pytest.approx(-noise @ f0)
    assert found.status == "stopped after 0 steps"


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_whatever_the_solver_says_the_bounds_hold(seed):
    rng = np.random.default_rng(seed)
    x, _, _, v = draw(rng, int(rng.integers(3, 15)))
    flat = theory.FlatClass(x, float(rng.choice([0.0, 0.03, 1.0])), 2.0, weights=v)
    c = flat.merge(rng.standard_normal(x.size))
    true = flat_class.supremum(flat, c)
    honest, m = flat_class.solve, flat.points.size

    def cheap(*arguments):
        # All is right but the size of the multipliers.
        found = honest(*arguments)
        return dataclasses.replace(found, p=found.p * rng.uniform(0.0, 2.0))

    nonsense = Point(rng.uniform(-2, 2, m), 3.0 * rng.standard_normal(m - 2), 0.0, 1)
    for solver in (mock.Mock(side_effect=cheap), mock.Mock(return_value=nonsense)):
        with mock.patch.object(flat_class, "solve", solver):
            said = flat_class.supremum(flat, c)
        assert said.upper >= true.lower - 1e-12
        assert said.lower == pytest.approx(c @ said.function)
        assert said.lower <= true.upper + 1e-9
        spent = np.abs(np.diff(np.diff(said.function) / np.diff(flat.points))) @ flat.cost[1:-1]
        assert spent <= flat.variation + 1e-9
        assert np.abs(said.function).max() <= 2.0 * (1 + 8 * EPS)


def test_examples_without_weight_do_not_exist():
    x, f0, y, v = draw(np.random.default_rng(6), 12)
    v[[3, 8]] = 0.0
    v[[np.argmin(x), np.argmax(x)]] = 0.0
    kept = v > 0
    one = theory.worst_case_excess(theory.FlatClass(x, 0.1, 2.0, weights=v), y, f0)
    other = theory.worst_case_excess(theory.FlatClass(x[kept], 0.1, 2.0, weights=v[kept]), y[kept], f0[kept])
    assert (one.points == other.points).all()
    assert one.value == pytest.approx(other.value)


def mean_supremum(flat, multipliers, chances):
    """Exact mean over all values of independent multipliers."""
    n, total = flat.inside.size, 0.0
    for index in itertools.product(range(len(multipliers)), repeat=n):
        c = np.array([multipliers[i] for i in index])
        chance = math.prod(chances[i][k] for k, i in enumerate(index))
        total += chance * flat_class.supremum(flat, flat.merge(flat.averaging * c)).upper
    return total


def test_the_mean_over_the_labels_is_at_most_the_mean_over_coins():
    x, f0 = np.array([-1.0, -0.3, 0.4, 0.9]), np.array([0.0, 1.5, -0.2, 0.6])
    flat = theory.FlatClass(x, 0.05, 2.0)
    over_labels = 0.0
    for labels in itertools.product((-1, 1), repeat=4):
        y = np.array(labels)
        over_labels += np.prod(sigmoid(y * f0)) * theory.worst_case_excess(flat, y, f0).value
    half = np.full(4, 0.5)
    over_coins = mean_supremum(flat, (-1.0, 0.0, 1.0), (half / 2, half, half / 2))
    found = theory.expected_excess(flat, draws=120, seed=3)
    assert over_labels < over_coins < 1.6 * over_labels
    assert abs(found.value - over_coins) < 4 * found.standard_error
    assert found.standard_error < 0.1 * found.value
    assert found.draws == 120
    assert 0 <= found.gap < 1e-9


def test_the_mean_for_gaussian_noise():
    # Three inputs and a class without a budget: sup = M Σ|c_i| and E|ε| = σ√(2/π).
    flat = theory.FlatClass([0.0, 1.0, 3.0], 1e6, 2.0)
    found = theory.expected_gap(flat, 0.7, draws=150, seed=1)
    exact = 2.0 * 2.0 * 0.7 * math.sqrt(2 / math.pi)
    assert abs(found.value - exact) < 4 * found.standard_error
    assert found.standard_error == pytest.approx(
        2.0 * 2.0 * 0.7 * math.sqrt((1 - 2 / math.pi) / 3 / 150), rel=0.2
    )
    # The first two draws of three: their mean and error give them back, and with the third the next error.
    two, three = (theory.expected_gap(flat, 0.7, draws=draws, seed=1) for draws in (2, 3))
    values = two.value + two.standard_error * np.array([-1, 1])
    values = np.append(values, 3 * three.value - 2 * two.value)
    assert three.standard_error == pytest.approx(math.sqrt(((values - three.value) ** 2).sum() / 6))
    assert theory.expected_gap(flat, 0.7, draws=5, seed=1) == theory.expected_gap(flat, 0.7, draws=5, seed=1)
    assert theory.expected_gap(flat, 0.7, draws=5, seed=2).value != found.value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variation": -1.0}, "variation must be finite and nonnegative, got -1.0"),
        ({"height": 0.0}, "height must be finite and positive, got 0.0"),
        ({"interval": (0.2, 0.4)}, r"interval must hold an input of the hull, got \(0.2, 0.4\)"),
        ({"counted": [1.0]}, r"counted must have one entry per input \(3\), got 1"),
        ({"counted": [0.0, 0.0, 0.0]}, "weights must have a positive sum"),
        ({"counted": [1.0, -1.0, 0.0]}, "weights must be nonnegative"),
        ({"trainable": ("w1", "b1")}, "trainable must hold w2 and at least one of w1 and b1"),
        ({"weights": [1.0]}, r"weights must have one entry per input \(3\), got 1"),
    ],
)
def test_a_wrong_class_is_refused_in_a_sentence(change, message):
    known = {"inputs": [0.0, 1.0, 2.0], "variation": 1.0, "height": 1.0}
    with pytest.raises(InputError, match=message):
        theory.FlatClass(**{**known, **change})


def test_wrong_arguments_are_refused_in_a_sentence():
    flat = theory.FlatClass([0.0, 1.0, 2.0], 1.0, 1.0)
    with pytest.raises(InputError, match=r"labels must have one entry per input \(3\), got 2"):
        theory.worst_case_excess(flat, [1, -1], [0.0, 0.0, 0.0])
    with pytest.raises(InputError, match=r"truth must have one entry per input \(3\), got 1"):
        theory.worst_case_gap(flat, [1, -1, 1], [0.0])
    with pytest.raises(InputError, match="labels must be ±1 or 0/1"):
        theory.worst_case_excess(flat, [1, -1, 2], [0.0, 0.0, 0.0])
    for draws in (1, 2.5, True, 16.0):
        with pytest.raises(InputError, match=f"draws must be a whole number of at least 2, got {draws}"):
            theory.expected_excess(flat, draws=draws)
    with pytest.raises(InputError, match="noise must be finite and nonnegative, got nan"):
        theory.expected_gap(flat, math.nan)


def test_labels_outside_the_set_are_labels_too():
    flat = theory.FlatClass([0.0, 1.0, 2.0, 3.0], 1.0, 1.0, interval=(0.0, 2.0))
    with pytest.raises(InputError, match="labels must be ±1 or 0/1 for the logistic loss, got -1, 1, 7"):
        theory.worst_case_excess(flat, [1, -1, 1, 7], np.zeros(4))
    # 0 and 1 within it say nothing when the whole sample has −1, 0 and 1.
    with pytest.raises(InputError, match="labels must be ±1 or 0/1 for the logistic loss, got -1, 0, 1"):
        theory.worst_case_excess(flat, [1, 0, 1, -1], np.zeros(4))
