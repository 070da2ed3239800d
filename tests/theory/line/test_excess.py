from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facts import case_of, facts_of
from oracles import ALL, BOUNDED, EPS, Case, brute_weight, random_case
from stepscape import theory
from stepscape.errors import InputError

seeds = st.integers(0, 2**32 - 1)


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z)) if z >= 0 else math.exp(z) / (1.0 + math.exp(z))


def entropy_terms(truth, logit):
    """KL(Ber(s(truth)) ‖ Ber(s(logit))) by its definition, from log-probabilities."""

    def log_sigmoid(z):
        return -math.log1p(math.exp(-z)) if z >= 0 else z - math.log1p(math.exp(z))

    return sigmoid(truth) * (log_sigmoid(truth) - log_sigmoid(logit)) + sigmoid(-truth) * (
        log_sigmoid(-truth) - log_sigmoid(-logit)
    )


def expected_loss(truth, logit):
    return sigmoid(truth) * math.log1p(math.exp(-logit)) + sigmoid(-truth) * math.log1p(math.exp(logit))


def drawn(seed, largest=1e4):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    f0, f = (10.0 ** rng.uniform(-3, math.log10(largest)) * rng.standard_normal(n) for _ in range(2))
    if rng.random() < 0.3:
        f = f0 + 10.0 ** rng.uniform(-8, 0) * rng.standard_normal(n)
    return rng, f0, f, rng.choice([-1.0, 1.0], n), rng.random(n) + 0.01


@settings(deadline=None, max_examples=400)
@given(seeds)
def test_the_two_sides_agree_to_rounding(seed):
    rng, f0, f, y, v = drawn(seed)
    mask = rng.random(f.size) < 0.7
    for chosen in (None, mask):
        e = theory.excess_identity(truth=f0, predictions=f, labels=y, weights=v, mask=chosen)
        if chosen is not None and not chosen.any():
            assert math.isnan(e.excess)
            assert math.isnan(e.right)
            continue
        assert e.error <= 1e-12, e
        assert e.excess >= 0.0


@settings(deadline=None)
@given(seeds)
def test_each_side_is_its_definition(seed):
    rng, f0, f, y, v = drawn(seed, largest=20.0)
    mask = rng.random(f.size) < 0.7
    mask[0] = True
    total, excess, change, noise = sum(v[mask]), 0.0, 0.0, 0.0
    for f0_i, f_i, y_i, v_i in zip(f0[mask], f[mask], y[mask], v[mask] / total, strict=True):
        excess += v_i * (expected_loss(f0_i, f_i) - expected_loss(f0_i, f0_i))
        change += v_i * (math.log1p(math.exp(-y_i * f_i)) - math.log1p(math.exp(-y_i * f0_i)))
        noise += v_i * ((1 + y_i) / 2 - sigmoid(f0_i)) * (f_i - f0_i)
    for labels in (y, (1 + y) / 2):
        e = theory.excess_identity(truth=f0, predictions=f, labels=labels, weights=7 * v, mask=mask)
        assert e.excess == pytest.approx(excess, abs=1e-13 * e.scale)
        assert e.loss_change == pytest.approx(change, abs=1e-13 * e.scale)
        assert e.noise == pytest.approx(noise, abs=1e-13 * e.scale)
        assert e.right == e.loss_change + e.noise


def test_the_identity_at_the_truth_is_zero_and_huge_logits_do_no_harm():
    e = theory.excess_identity(truth=[1.0, -3.0], predictions=[1.0, -3.0], labels=[1, 0])
    assert (e.excess, e.loss_change, e.noise, e.error) == (0.0, 0.0, 0.0, 0.0)
    e = theory.excess_identity(truth=[800.0, -900.0], predictions=[-1e300, 1e4], labels=[1, -1])
    assert e.excess == pytest.approx(0.5e300)
    assert e.error <= 1e-12
    assert theory.excess_identity(truth=[-1e3], predictions=[-1e3], labels=[-1]).error == 0.0


def test_the_constant_of_step_a_is_the_smallest_divergence():
    # A grid over both signs of both logits, with the corners on it.
    for low, high in ((0.0, 0.3), (0.7, 2.0), (1.0, 1.01), (3.0, 9.0)):
        certificate = theory.overlap_bound(truth=[0.0], predictions=[0.0], gamma_truth=low, gamma=high)
        inner = np.linspace(-low, low, 41)
        outer = np.concatenate([np.linspace(high, high + 12, 200), -np.linspace(high, high + 12, 200)])
        least = min(entropy_terms(a, b) for a in inner for b in outer)
        assert certificate.details["kappa"] == pytest.approx(least, rel=1e-9)


@settings(deadline=None, max_examples=300)
@given(seeds)
def test_step_a_holds_for_every_function(seed):
    rng, f0, f, _, v = drawn(seed, largest=50.0)
    low = float(rng.choice(np.abs(f0))) if rng.random() < 0.5 else float(10.0 ** rng.uniform(-3, 1))
    high = low + float(10.0 ** rng.uniform(-4, 1))
    c = theory.overlap_bound(truth=f0, predictions=f, gamma_truth=low, gamma=high, weights=v)
    assert c.verdict == "holds", c
    missed = sum(v_i for v_i, a, b in zip(v, f0, f, strict=True) if abs(a) <= low and abs(b) > high)
    assert c.left == pytest.approx(missed / v.sum(), abs=1e-15)
    excess = sum(v_i * entropy_terms(a, b) for v_i, a, b in zip(v, f0, f, strict=True)) / v.sum()
    # The oracle is a difference of numbers of order 1 + |f|.
    blur = 64 * EPS * (1 + np.abs([f0, f]).max()) / entropy_terms(low, high)
    assert c.right == pytest.approx(excess / entropy_terms(low, high), abs=blur * (1 + c.right))
    assert c.details["share_truth"] == pytest.approx(v[np.abs(f0) <= low].sum() / v.sum())
    assert c.details["excess"] == pytest.approx(excess, abs=1e-12 * (1 + np.abs(f).max()))


def test_step_a_is_attained():
    # All the truth at the edge of its set, the function just outside the other one, both signs.
    for sign in (-1.0, 1.0):
        c = theory.overlap_bound(
            truth=[sign * 1.0], predictions=[sign * np.nextafter(2.0, 3)], gamma_truth=1.0, gamma=2.0
        )
        assert (c.left, c.verdict) == (1.0, "holds")
        assert c.right == pytest.approx(1.0, rel=64 * EPS)
    # At the edge of the other set itself it is still uncertain.
    c = theory.overlap_bound(truth=[1.0, -1.0], predictions=[2.0, -2.0], gamma_truth=1.0, gamma=2.0)
    assert (c.left, c.details["share_truth"]) == (0.0, 1.0)


def test_step_a_survives_rounding_where_it_is_attained():
    rng = np.random.default_rng(0)
    for _ in range(300):
        low = float(10.0 ** rng.uniform(-4, 1))
        high = low * (1 + 10.0 ** rng.uniform(-9, 1))
        sign, v = rng.choice([-1.0, 1.0], 50), rng.random(50) + 0.1
        f = sign * np.nextafter(high, np.inf)
        c = theory.overlap_bound(truth=sign * low, predictions=f, gamma_truth=low, gamma=high, weights=v)
        assert c.left == pytest.approx(1.0)
        assert c.verdict == "holds", c


@pytest.mark.parametrize("low", [1e-170, 800.0])
def test_step_a_says_nothing_where_its_constant_underflows(low):
    c = theory.overlap_bound(truth=[0.1], predictions=[2.0], gamma_truth=low, gamma=2.0 * low)
    assert c.details["kappa"] == 0.0
    assert c.verdict == "inapplicable"
    assert c.failed_premises == ("κ(γ0, γ) does not underflow",)


def test_step_a_without_truth_is_inapplicable():
    c = theory.overlap_bound(truth=None, predictions=[0.0], gamma_truth=1.0, gamma=2.0)
    assert c.verdict == "inapplicable"
    assert c.failed_premises == ("the truth is known",)
    assert c.details["kappa"] == pytest.approx(entropy_terms(1.0, 2.0))


def bounded(case: Case, variation: float, gamma: float = 1.0, trainable=ALL, predictions=None):
    """Facts of a sharpness at which L2 bounds ∫|f''|g_A by this variation."""
    f = np.zeros(case.x.size) if predictions is None else predictions
    share = case.v[np.abs(f) <= gamma].sum() / case.v.sum()
    top = 2 * share * sigmoid(gamma) * sigmoid(-gamma) * (variation + 0.5 * ("b2" in trainable))
    return facts_of(case, "logistic", trainable, predictions=f, sharpness=top, loss=0.0, gamma=gamma)


@settings(deadline=None, max_examples=150)
@given(seeds, st.sampled_from(BOUNDED))
def test_step_b_is_markovs_inequality(seed, trainable):
    rng = np.random.default_rng(seed)
    case = random_case(rng)
    case = replace(case, y=np.ones(case.x.size))
    f = case.predict() / np.abs(case.predict()).max()
    gamma = float(rng.choice(np.abs(f))) or 1e-9
    inside = np.abs(f) <= gamma
    x, v = case.x[inside], case.v[inside]
    whole = theory.weighted_tv(case.w1, case.b1, case.w2, x, v, "function", trainable)
    shared = {"gamma": gamma, "trainable": trainable, "predictions": f}
    c = theory.interior_variation(bounded(case, 3.0 * whole + 1.0, **shared))
    highest = theory.weight_limits(x, v, trainable).highest
    if highest == 0.0:
        assert c.failed_premises == ("the uncertain inputs are not all equal",)
        assert c.verdict == "inapplicable"
        return
    assert c.verdict == "holds", (c, case)
    tau = {-b / w for w, b in zip(case.w1, case.b1, strict=True) if w}
    neurons = [(-b / w, u * abs(w)) for w, b, u in zip(case.w1, case.b1, case.w2, strict=True) if w]
    left = sum(
        abs(sum(jump for knot, jump in neurons if knot == t))
        for t in tau
        if brute_weight(t, x, v, trainable) >= highest / 10
    )
    assert c.details["least_weight"] == pytest.approx(highest / 10, rel=64 * EPS)
    assert c.left == pytest.approx(left, abs=c.tolerance + 1e-12 * left)
    assert c.right == pytest.approx((3.0 * whole + 1.0) / (highest / 10), rel=1e-12)
    above = [brute_weight(t, x, v, trainable) >= highest / 10 for t in case.x]
    assert c.details["share"] == pytest.approx((case.v * above).sum() / case.v.sum())
    if any(above):
        assert (c.details["low"], c.details["high"]) == (case.x[above].min(), case.x[above].max())
    if whole > 1e-9:
        c = theory.interior_variation(bounded(case, 0.5 * whole, **shared))
        assert "∫|f''|g_A ≤ C" in c.failed_premises or c.tolerance * highest > 0.4 * whole


SYMMETRIC = [-2.0, -1.0, 1.0, 2.0]


def test_step_b_is_attained():
    # One kink where g_A is a tenth of its largest value, just inside: bisection in the last gap.
    x = np.array(SYMMETRIC)
    least, inner, outer = float(theory.weight(0.0, x)) / 10, 1.0, 2.0
    for _ in range(60):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if theory.weight(middle, x) >= least else (inner, middle)
    case = case_of([1.0], [-inner], [3.0], x)
    c = theory.interior_variation(bounded(case, 3.0 * least))
    assert (c.left, c.right, c.verdict) == (3.0, pytest.approx(3.0), "holds")
    # A kink beyond it does not count.
    case = case_of([1.0], [-outer - 1e-9], [3.0], x)
    assert theory.interior_variation(bounded(case, 3.0 * least)).left == 0.0


def test_step_b_says_which_inputs_it_speaks_of():
    # An input of weight 0 may lie in the set, but is not one of its ends.
    x, v = np.array([*SYMMETRIC, 1.5]), np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    assert theory.weight(0.0, x, v) / 10 < theory.weight(1.5, x, v)
    c = theory.interior_variation(bounded(case_of([1.0], [0.0], [3.0], x, v=v), 9.0))
    assert (c.details["low"], c.details["high"], c.details["share"]) == (-1.0, 1.0, 0.5)


def test_step_b_refuses_a_bound_that_is_wrong_by_more_than_rounding():
    g = float(theory.weight(0.0, SYMMETRIC))
    # Two neurons on one knot, 3 − 1 = 2 of |f''| there: what rounding does goes with 3 + 1.
    case = case_of([1.0, 1.0], [0.0, 0.0], [3.0, -1.0], SYMMETRIC)
    for missing, failed in ((0.0, ()), (16 * EPS, ()), (1e-9, ("∫|f''|g_A ≤ C",))):
        c = theory.interior_variation(bounded(case, 2.0 * g * (1 - missing)))
        assert c.failed_premises == failed
        assert c.left == 2.0
        assert c.scale == pytest.approx(4.0 + c.right)


def test_step_b_has_no_bound_where_l2_has_none():
    # The curvature at γ = 800 underflows, and the right side of L2 with it.
    case = case_of([1.0], [0.3], [1.0], SYMMETRIC)
    c = theory.interior_variation(bounded(case, 1.0, gamma=800.0))
    assert (c.right, c.failed_premises) == (0.0, ("∫|f''|g_A ≤ C",))


def test_scales_are_the_sums_of_magnitudes():
    f0, f, v, y = np.array([0.5, -3.0]), np.array([2.5, 1.0]), np.array([0.25, 0.75]), [1.0, -1.0]

    def terms(a, b):
        return 2 * sigmoid(-abs(a)) * abs(b - a)

    c = theory.overlap_bound(truth=f0, predictions=f, gamma_truth=1.0, gamma=2.0, weights=v)
    size, least = sum(v * [terms(0.5, 2.5), terms(-3.0, 1.0)]), entropy_terms(1.0, 2.0)
    assert c.left == 0.25
    assert c.scale == pytest.approx(0.25 + (size + c.right * terms(1.0, 2.0)) / least)
    e = theory.excess_identity(truth=f0, predictions=f, labels=y, weights=v)
    losses = [sum(v * np.log1p(np.exp(-np.multiply(y, g)))) for g in (f, f0)]
    noise = v @ ([sigmoid(-0.5), sigmoid(-3.0)] * (np.abs(f) + np.abs(f0)))
    assert e.scale == pytest.approx(sum(losses) + noise)


def test_step_b_says_nothing_where_no_bound_exists():
    case = case_of([1.0], [0.3], [1.0], [0.0, 1.0, 2.0])
    c = theory.interior_variation(bounded(case, 1.0, trainable=("w1", "b1", "b2")))
    assert c.failed_premises == ("w2 is trained",)
    c = theory.interior_variation(bounded(case, 1.0, predictions=np.full(3, 5.0)))
    assert c.failed_premises == ("the uncertain inputs are not all equal",)
    assert c.verdict == "inapplicable"


def test_step_a_of_a_network_compares_gamma_with_twice_gamma():
    case = case_of([1.0], [0.3], [1.0], [-1.0, 0.0, 2.0], v=[1.0, 2.0, 5.0])
    f, truth = np.array([0.5, -3.0, 4.0]), np.array([0.2, 1.5, -0.7])
    lookup = dict(zip(case.x, truth, strict=True))
    facts = facts_of(
        case, "logistic", predictions=f, truth=lambda x: np.array([lookup[t] for t in x]), gamma=1.5
    )
    c = theory.overlap(facts)
    same = theory.overlap_bound(truth=truth, predictions=f, gamma_truth=1.5, gamma=3.0, weights=case.v)
    assert (c.left, c.right, c.details) == (same.left, same.right, same.details)
    assert theory.overlap(facts_of(case, "logistic")).failed_premises == ("the truth is known",)


@pytest.mark.parametrize(
    ("call", "change", "message"),
    [
        (
            theory.overlap_bound,
            {"gamma": 1.0},
            "gamma must be finite and larger than gamma_truth = 1, got 1.0",
        ),
        (theory.overlap_bound, {"gamma_truth": -1.0}, "gamma_truth must be finite and nonnegative, got -1.0"),
        (theory.overlap_bound, {"truth": [0.0]}, r"truth must have one entry per prediction \(2\), got 1"),
        (
            theory.excess_identity,
            {"labels": [1.0]},
            r"labels must have one entry per input \(2\), got 1",
        ),
        (theory.excess_identity, {"labels": [1.0, 3.0]}, "labels must be ±1 or 0/1"),
        (theory.excess_identity, {"predictions": [0.0, math.nan]}, "predictions must be finite, got nan"),
        (theory.excess_identity, {"truth": [0.0, math.nan]}, "truth must be finite, got nan"),
        (theory.overlap_bound, {"predictions": [math.inf, 0.0]}, "predictions must be finite, got inf"),
        (theory.overlap_bound, {"weights": [1.0]}, r"weights must have one entry per input \(2\), got 1"),
        (theory.excess_identity, {"mask": [1, 0]}, r"mask must hold one truth value per prediction \(2\)"),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(call, change, message):
    known = {
        theory.overlap_bound: {
            "truth": [0.0, 1.0],
            "predictions": [0.0, 1.0],
            "gamma_truth": 1.0,
            "gamma": 2.0,
        },
        theory.excess_identity: {"truth": [0.0, 1.0], "predictions": [0.0, 1.0], "labels": [1, -1]},
    }
    with pytest.raises(InputError, match=message):
        call(**{**known[call], **change})
