from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from facts import case_of, facts_of
from oracles import (
    ALL,
    BOUNDED,
    EPS,
    UNBOUNDED,
    Case,
    dense,
    measure,
    mirror_case,
    point_case,
    random_case,
)
from stepscape import theory
from stepscape.errors import InputError

ROOT = 1 / math.sqrt(3)


def certificates(case: Case, trainable=ALL) -> dict[str, theory.Certificate]:
    m = measure(case, trainable)
    # eigvalsh is accurate to a few eps·P times the norm, which covers both parts of H.
    accuracy = 4 * EPS * (3 * case.w1.size + 1) * (m.gauss_newton + m.residual_norm)
    facts = facts_of(case, trainable=trainable, residual=accuracy, **vars(m))
    return {
        "gauss_newton": theory.gauss_newton(facts),
        "sharpness": theory.sharpness(facts),
        "sharpness_loss": theory.sharpness_loss(facts),
        "published": theory.published(facts),
    }


@pytest.mark.parametrize("trainable", BOUNDED)
def test_the_chain_holds_at_random_networks(trainable):
    rng = np.random.default_rng(20240607)
    for _ in range(400):
        case = random_case(rng)
        for name, certificate in certificates(case, trainable).items():
            assert certificate.name == name
            assert certificate.verdict == "holds", (certificate, case)


@pytest.mark.parametrize("trainable", BOUNDED)
def test_the_right_sides_grow_along_the_chain(trainable):
    rng = np.random.default_rng(5)
    for _ in range(200):
        c = certificates(random_case(rng), trainable)
        room = c["sharpness_loss"].tolerance
        assert c["sharpness"].right <= c["sharpness_loss"].right + room
        assert c["sharpness_loss"].right <= c["published"].right + room
        assert c["published"].left <= c["sharpness_loss"].left + room
        assert c["sharpness"].left == c["sharpness_loss"].left


def test_adversarial_labels_do_not_break_t1_to_t3():
    # Residuals aligned with the worst neuron of each sign: R is as negative as the loss allows.
    rng = np.random.default_rng(11)
    for _ in range(300):
        case = random_case(rng)
        for sign in (-1.0, 1.0):
            active = np.array([(case.w1[0] * x + case.b1[0]) > 0 for x in case.x])
            y = case.predict() + sign * 10 ** rng.uniform(-2, 3) * active * np.hypot(1.0, case.x)
            hostile = Case(case.w1, case.b1, case.w2, case.b2, case.x, y, case.v)
            for certificate in certificates(hostile).values():
                assert certificate.verdict == "holds", (certificate, hostile)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("make", [point_case, mirror_case])
@pytest.mark.parametrize("size", [0.3, 7.0])
def test_t0_is_attained(make, trainable, size):
    # Both means balanced, √v the top eigenvector: any larger constant on the left would be violated.
    certificate = certificates(make(size, 0.7, 0.4, trainable), trainable)["gauss_newton"]
    assert certificate.slack == pytest.approx(0.0, abs=128 * EPS * certificate.scale)
    assert certificate.left > 0.04


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("make", [point_case, mirror_case])
def test_t1_is_attained_at_residual_zero(make, trainable):
    certificate = certificates(make(2.0, 0.7, 0.0, trainable), trainable)["sharpness"]
    assert certificate.slack == pytest.approx(0.0, abs=128 * EPS * certificate.scale)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("name", ["sharpness", "sharpness_loss"])
def test_t1_and_t2_need_all_of_their_residual_term(trainable, name):
    # One input, y above f: as the neuron grows, λ_max(H) → λ_max(G) − ‖R‖ and ‖R‖ is the whole of T2's term.
    case = point_case(1e3, 0.7, -2.0, trainable)
    certificate, residual_term = (
        certificates(case, trainable)[name],
        measure(case, trainable).residual_norm / 2,
    )
    assert residual_term > 0.5
    assert -certificate.tolerance <= certificate.slack <= 1e-4 * residual_term


def test_published_right_side_is_the_formula():
    for x, x_max in (([-0.1, 0.2], ROOT), ([-3.0, 1.0], 3.0)):
        case = case_of([1.0], [0.05], [1.0], x)
        c = theory.published(facts_of(case, sharpness=5.0, residual=0.25, loss=0.5))
        assert c.right == pytest.approx(5.25 / 2 - 0.5 + x_max, rel=4 * EPS)
        assert c.left == theory.weighted_tv([1.0], [0.05], [1.0], x)
        assert c.details["x_max"] == pytest.approx(x_max)


@pytest.mark.parametrize("trainable", BOUNDED)
def test_the_repaired_radius_is_the_smallest_that_is_proved(trainable):
    # At 1/√3 the constants of T2 and T3 agree when all blocks are trained; a smaller radius breaks T2 ⇒ T3.
    case = case_of([1.0], [0.3], [1.0], [-0.1, ROOT])
    facts = facts_of(case, trainable=trainable, sharpness=2.0, loss=0.5)
    t2, t3 = theory.sharpness_loss(facts), theory.published(facts)
    assert t2.right <= t3.right + t3.tolerance
    if {"w1", "b1"} <= set(trainable):
        assert t2.right == pytest.approx(t3.right, rel=8 * EPS)


def test_counterexample_to_the_printed_bound():
    x, y, w1, b1, w2, b2 = theory.counterexample()
    case = Case(w1, b1, w2, b2, x, y, np.ones(2))
    m, c = measure(case), certificates(case)
    printed = theory.published_as_printed(facts_of(case, **vars(m)))
    assert printed.verdict == "violated"
    assert "violated: 5 > 4.936" in repr(printed)
    assert printed.left == pytest.approx(5.0, rel=64 * EPS)
    assert printed.right == pytest.approx(4.936, abs=5e-4)
    assert c["sharpness_loss"].right == pytest.approx(5.137, abs=5e-4)
    # The proved radius and the radius 1 of the tutorial's own plots repair it.
    assert c["published"].verdict == "holds"
    assert printed.right + (1 - 0.1) * math.sqrt(2 * m.loss) == pytest.approx(5.386, abs=5e-4)


@pytest.mark.parametrize(
    ("a", "verdict"), [(0.2, "violated"), (0.25, "violated"), (0.27, "holds"), (0.6, "holds")]
)
def test_counterexample_turns_at_one_over_root_15(a, verdict):
    x, y, w1, b1, w2, b2 = theory.counterexample(a=a, c=1e5)
    case = Case(w1, b1, w2, b2, x, y, np.ones(2))
    c = theory.published_as_printed(facts_of(case, **vars(measure(case))))
    assert c.verdict == verdict
    assert c.slack == pytest.approx(0.25 * (2 * a - 0.5 * math.hypot(1, a)), abs=1e-3)


def test_random_search_misses_the_counterexample():
    # Why the construction is needed: thousands of random networks on tiny inputs satisfy the printed bound.
    rng = np.random.default_rng(3)
    for _ in range(500):
        case = random_case(rng)
        x = 0.1 * case.x / max(np.abs(case.x).max(), 1e-9)
        case = Case(case.w1, case.b1, case.w2, case.b2, x, case.y, case.v)
        c = theory.published_as_printed(facts_of(case, **vars(measure(case))))
        assert c.verdict != "violated"


def test_dense_oracle_is_the_hessian():
    # Central second differences of the loss: T1 to T3 rest on the real Hessian.
    rng = np.random.default_rng(8)
    case = Case(*rng.standard_normal((3, 4)), 0.3, rng.standard_normal(6), rng.standard_normal(6), np.ones(6))
    G, R = dense(case)
    theta = np.concatenate([case.w1, case.b1, case.w2, [case.b2]])

    def loss(p):
        f = np.maximum(np.outer(case.x, p[:4]) + p[4:8], 0.0) @ p[8:12] + p[12]
        return 0.5 * np.mean((f - case.y) ** 2)

    h, eye = 1e-4, np.eye(13)
    second = [
        [
            (
                loss(theta + h * (a + b))
                - loss(theta + h * (a - b))
                - loss(theta - h * (a - b))
                + loss(theta - h * (a + b))
            )
            / (4 * h * h)
            for a in eye
        ]
        for b in eye
    ]
    np.testing.assert_allclose(second, G + R, atol=1e-6)


@pytest.mark.parametrize("trainable", UNBOUNDED)
def test_without_w2_or_without_both_first_blocks_nothing_is_claimed(trainable):
    case = point_case(2.0, 0.7, 0.1)
    for certificate in certificates(case, trainable or ("b2",)).values():
        assert certificate.verdict == "inapplicable"
        assert math.isnan(certificate.left)
    assert "is trained" in repr(certificate)


def test_frozen_w2_has_no_bound():
    # w2 → 0 and w1 → ∞: the same function, ever less curvature.
    x, y, w1, b1, w2, b2 = theory.counterexample()
    stretched = Case(1e6 * w1, b1, w2 / 1e6, b2, x, y, np.ones(2))
    assert measure(stretched, ("w1", "b1", "b2")).gauss_newton < 1 + 1e-6
    assert theory.weighted_tv(stretched.w1, b1, stretched.w2, x) == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("w1", "b1", "hit"),
    [
        (2.0, -1.0, True),
        (0.1, -0.3, True),  # fl(0.1·3) − 0.3 = 5.6e-17: on the input up to rounding
        (3.0, 0.0, True),
        (2.0, -1.0 + 1e-12, False),
        (0.0, 0.0, False),
        (0.0, 1.0, False),
        (1e-320, 1.0, False),
    ],
)
def test_a_knot_on_an_input_is_a_premise_not_met(w1, b1, hit):
    c = theory.gauss_newton(facts_of(case_of([w1], [b1], [1.0], [0.0, 0.5, 3.0, 2.0]), gauss_newton=1e3))
    assert c.verdict == ("inapplicable" if hit else "holds")
    assert ("no knot lies on an input" in c.failed_premises) == hit


def test_an_input_of_weight_zero_does_not_count():
    case = case_of([2.0], [-1.0], [1.0], [0.0, 0.5, 9.0], v=[1.0, 0.0, 1.0])
    assert theory.gauss_newton(facts_of(case, gauss_newton=1e6)).verdict == "holds"


def test_dead_networks_are_tight_and_hold():
    case = case_of([1.0], [-9.0], [1.0], [0.0, 1.0])
    c = theory.sharpness(facts_of(case, sharpness=1.0, residual_norm=0.0))
    assert (c.left, c.right, c.verdict) == (0.0, 0.0, "holds")


def shifted(case: Case, height: float):
    """A truth that lies above the network by this much."""
    return lambda x: replace(case, x=x).predict() + height


def noise_sums(x, v, noise):
    """sup over half-lines of √(p² + q²), by the definition."""
    p = v / v.sum()
    active = [sign * (x - t) >= 0 for t in x for sign in (-1, 1)]
    return max(math.hypot(p @ (noise * s * x), p @ (noise * s)) for s in active)


@pytest.mark.parametrize("weighted", [False, True])
def test_noise_term_bounds_the_noise_part_of_every_network(weighted):
    rng = np.random.default_rng(4)
    x, sigma, delta = rng.uniform(-1, 1, 30), 0.7, 0.5
    v = rng.random(30) + 0.05 if weighted else np.ones(30)
    case = case_of([1.0], [0.9], [0.0], x, v=v)
    term = theory.noisy(facts_of(case, sharpness=1.0, truth=np.zeros_like, noise=sigma, delta=delta)).right
    draws = np.array([noise_sums(x, v, sigma * rng.standard_normal(30)) / 2 for _ in range(400)])
    assert (draws <= term).mean() >= 1 - delta
    # Its shape: √(1 + max x²)/2 · σ √(2 Σ v² log(8·31/δ)), not slacker than 4 times the typical supremum.
    p = v / v.sum()
    expected = (
        0.5 * math.hypot(1, np.abs(x).max()) * sigma * math.sqrt(2 * (p @ p) * math.log(8 * 31 / delta))
    )
    assert term == pytest.approx(expected, rel=64 * EPS)
    assert np.median(draws) >= term / 4


def test_noisy_holds_for_networks_chosen_after_the_noise():
    rng = np.random.default_rng(6)
    for _ in range(300):
        case = random_case(rng)
        truth, sigma = shifted(case, rng.standard_normal()), 10 ** rng.uniform(-1, 1.5)
        y = truth(case.x) + sigma * rng.standard_normal(case.x.size)
        case = Case(case.w1, case.b1, case.w2, case.b2, case.x, y, case.v)
        m = measure(case)
        accuracy = 64 * EPS * m.gauss_newton
        c = theory.noisy(facts_of(case, residual=accuracy, truth=truth, noise=sigma, **vars(m)))
        assert c.verdict == "holds"


def test_noisy_formulas():
    case = case_of([1.0, 1.0], [0.3, 0.4], [1.0, 2.0], [-2.0, 0.0, 1.0, 1.0])
    measured = {"sharpness": 5.0, "residual": 0.5, "delta": 0.1}
    c = theory.noisy(facts_of(case, truth=shifted(case, -0.5), noise=0.3, **measured))
    root5 = math.sqrt(5)
    noise = 0.3 * math.sqrt(2 / 4 * math.log(8 * 4 / 0.1))  # three distinct inputs of four
    assert c.right == pytest.approx(2.75 - 0.5 + 0.5 * root5 * (0.5 + noise), rel=8 * EPS)
    printed = 2.75 - 0.5 + 0.3 * 2.0 * math.sqrt(2 / 4) + 2.0 * 0.5
    assert c.details["published_right"] == pytest.approx(printed, rel=8 * EPS)
    assert any("0.9" in a for a in c.assumptions)
    unknown = theory.noisy(facts_of(case, sharpness=5.0))
    assert (unknown.verdict, unknown.failed_premises) == (
        "inapplicable",
        ("the truth and the noise level are known",),
    )


def test_weighted_certificates_equal_repeated_inputs():
    rng = np.random.default_rng(9)
    counts = np.array([1, 3, 2, 5])
    x, y = rng.standard_normal(4), rng.standard_normal(4)
    w1, b1, w2 = rng.standard_normal((3, 5))
    merged = certificates(Case(w1, b1, w2, 0.1, x, y, counts))
    apart = certificates(Case(w1, b1, w2, 0.1, np.repeat(x, counts), np.repeat(y, counts), np.ones(11)))
    for name, c in merged.items():
        assert c.left == pytest.approx(apart[name].left, rel=64 * EPS)
        assert c.right == pytest.approx(apart[name].right, rel=1e3 * EPS)


def test_statements_and_premises_name_the_trained_blocks():
    case = point_case(1.0, 0.7, 0.1)
    full, partial = certificates(case), certificates(case, ("b1", "w2"))
    assert full["gauss_newton"].statement.startswith("1 + 2 Σ")
    assert partial["gauss_newton"].statement.startswith("2 Σ")
    assert "− ½" in full["sharpness"].statement
    assert "− ½" not in partial["sharpness"].statement
    assert "trained blocks b1, w2" in " ".join(partial["sharpness"].assumptions)


def test_counterexample_needs_positive_numbers():
    with pytest.raises(InputError, match=r"rho must be finite and positive, got 0\.0"):
        theory.counterexample(rho=0.0)
