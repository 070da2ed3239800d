from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from oracles import ALL, BOUNDED
from plane_oracles import EPS, brute_weight, dense, one_sided, random_plane_case
from stepscape.errors import InputError
from stepscape.theory import plane
from stepscape.theory.plane import half_space

seeds = st.integers(0, 2**32 - 1)


def room(case):
    """What g may lose to rounding: eps times (‖E‖ + |t|) √(1 + ‖E‖²), with sums of n terms."""
    top = np.linalg.norm(case.x, axis=1).max()
    far = top + np.abs(case.b1) / np.maximum(np.linalg.norm(case.w1, axis=1), 1e-300)
    return 8 * (len(case.x) + case.x.shape[1]) * EPS * far * np.hypot(1.0, top)


def with_hyperplanes(case):
    bends = case.w1.any(axis=1)
    return case.w1[bends], case.b1[bends], case.w2[bends], room(case)[bends]


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_weight_is_its_definition(seed, trainable):
    case = random_plane_case(np.random.default_rng(seed))
    w, b, _, tolerance = with_hyperplanes(case)
    if not len(w):
        return
    for side, sign in (("inside", 1.0), ("outside", -1.0)):
        expected = [
            one_sided(sign * u, sign * c, case.x, case.v, trainable) for u, c in zip(w, b, strict=True)
        ]
        found = plane.weight(w, b, case.x, case.v, side, trainable)
        assert (np.abs(found - expected) <= tolerance).all()
    both = [brute_weight(u, c, case.x, case.v, trainable) for u, c in zip(w, b, strict=True)]
    assert (np.abs(plane.weight(w, b, case.x, case.v, trainable=trainable) - both) <= tolerance).all()


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_the_three_forms_are_their_definitions_and_grow(seed, trainable):
    case = random_plane_case(np.random.default_rng(seed))
    w, b, v, tolerance = with_hyperplanes(case)
    sizes = np.abs(v) * np.linalg.norm(w, axis=1)
    off = float(sizes @ tolerance)
    expected = {
        form: sum(s * g(u, c, case.x, case.v, trainable) for s, u, c in zip(sizes, w, b, strict=True))
        for form, g in (("path", brute_weight), ("side", one_sided))
    }
    found = {
        form: plane.weighted_variation(case.w1, case.b1, case.w2, case.x, case.v, form, trainable)
        for form in ("function", "path", "side")
    }
    for form, value in expected.items():
        assert found[form] == pytest.approx(value, rel=1e-12, abs=off)
    # Random hyperplanes are distinct.
    assert found["function"] == pytest.approx(found["path"], rel=1e-13)
    assert found["path"] <= found["side"] * (1.0 + 8 * EPS)


def test_weight_golden_three_inputs():
    # Mass ⅓ with mean (2, 0) beyond x_1 = 0, height 2; mass ⅓ with mean (−1, 1) on the other side.
    x = [[-1.0, 1.0], [0.0, 5.0], [2.0, 0.0]]
    w, b = [[2.0, 0.0]], [0.0]
    assert plane.weight(w, b, x, side="inside") == pytest.approx(2 / 9 * 5**0.5, rel=4 * EPS)
    assert plane.weight(w, b, x, side="outside") == pytest.approx(1 / 9 * 3**0.5, rel=4 * EPS)
    assert plane.weight(w, b, x) == pytest.approx(1 / 9 * 3**0.5, rel=4 * EPS)


def test_the_function_form_merges_both_sides_of_a_hyperplane_with_signs():
    x = np.random.default_rng(0).standard_normal((40, 3))
    w, b = np.array([0.5, -1.0, 0.25]), 0.125
    w1, b1 = np.array([w, 2 * w, -4 * w]), np.array([b, 2 * b, -4 * b])
    w2 = np.array([1.0, -2.0, 0.5])  # 1 − 4 + 2 = −1 times ‖w‖
    g = plane.weight(w[None], [b], x)[0] * np.linalg.norm(w)
    assert plane.weighted_variation(w1, b1, w2, x) == pytest.approx(g, rel=16 * EPS)
    assert plane.weighted_variation(w1, b1, w2, x, form="path") == pytest.approx(7 * g, rel=16 * EPS)
    # max(z, 0) − max(−z, 0) is linear: it bends nowhere.
    assert plane.weighted_variation([w, -w], [b, -b], [1.0, -1.0], x) == 0.0
    f = np.maximum(x @ w + b, 0) - np.maximum(-x @ w - b, 0)
    np.testing.assert_allclose(f, x @ w + b, rtol=0, atol=4 * EPS)


@settings(deadline=None, max_examples=60)
@given(seeds, st.floats(1e-3, 1e3))
def test_rescaling_a_neuron_and_turning_the_space_change_nothing(seed, factor):
    rng = np.random.default_rng(seed)
    case = random_plane_case(rng)
    q, _ = np.linalg.qr(rng.standard_normal((case.x.shape[1],) * 2))
    for form in ("function", "path", "side"):
        given_ = plane.weighted_variation(case.w1, case.b1, case.w2, case.x, case.v, form)
        scaled = plane.weighted_variation(
            factor * case.w1, factor * case.b1, case.w2 / factor, case.x, case.v * 3.0, form
        )
        turned = plane.weighted_variation(case.w1 @ q, case.b1, case.w2, case.x @ q, case.v, form)
        _, _, _, tolerance = with_hyperplanes(case)
        off = float(
            np.abs(case.w2 * np.linalg.norm(case.w1, axis=1)).sum()
            * max(room(case).max(), tolerance.max(initial=0))
        )
        assert scaled == pytest.approx(given_, rel=1e-11, abs=off)
        assert turned == pytest.approx(given_, rel=1e-11, abs=16 * off)


def test_a_half_space_without_or_with_all_inputs_has_weight_zero():
    x = np.random.default_rng(1).uniform(-1, 1, (9, 2))
    w, b = [[1.0, 0.0], [1.0, 0.0]], [5.0, -5.0]
    assert (plane.weight(w, b, x) == 0.0).all()
    inside = plane.weight(w, b, x, side="inside")
    mean = x.mean(axis=0)
    assert inside == pytest.approx([(mean[0] + 5.0) * np.sqrt(1 + mean @ mean), 0.0], rel=16 * EPS)


def test_half_spaces_are_summed_in_blocks_without_a_seam(monkeypatch):
    rng = np.random.default_rng(2)
    x, w, b, v = (
        rng.standard_normal((31, 4)),
        rng.standard_normal((23, 4)),
        rng.standard_normal(23),
        rng.random(31),
    )
    whole = plane.half_spaces(x, w, b, v)
    monkeypatch.setattr(half_space, "_NUMBERS", 64)
    parts = plane.half_spaces(x, w, b, v)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=64 * EPS, atol=64 * EPS)


@settings(deadline=None, max_examples=40)
@given(seeds, st.sampled_from(BOUNDED), st.sampled_from(["square", "logistic"]))
def test_residual_norm_is_that_of_the_dense_block(seed, trainable, loss):
    from plane_oracles import slope_and_curvature

    case = random_plane_case(np.random.default_rng(seed), loss=loss)
    R = dense(case, loss, trainable)[1]
    slopes = case.averaging * slope_and_curvature(case, loss)[0]
    found = plane.residual_norm(case.x, slopes, case.w1, case.b1, trainable)
    size = np.abs(slopes) @ np.hypot(1.0, np.linalg.norm(case.x, axis=1))
    expected = np.abs(np.linalg.eigvalsh(R)).max()
    assert found == pytest.approx(expected, rel=1e-12, abs=64 * EPS * size)


def test_residual_norm_is_zero_where_a_block_of_it_is_frozen():
    x = np.ones((2, 2))
    for trainable in (("w1", "b1"), ("w2", "b2"), ()):
        assert plane.residual_norm(x, [1.0, 1.0], [[1.0, 0.0]], [1.0], trainable) == 0.0
    assert plane.residual_norm(x, [1.0, 1.0], [[1.0, 0.0]], [1.0], ALL) == pytest.approx(12**0.5)


def test_weight_is_that_of_the_line_for_one_variable():
    rng = np.random.default_rng(4)
    x, t, v = rng.standard_normal(12), rng.standard_normal(7), rng.random(12)
    for w, side in ((2.0, "+"), (-0.5, "-")):
        found = plane.weight(np.full((7, 1), w), -w * t, x[:, None], v, "inside")
        np.testing.assert_allclose(found, ss.theory.weight(t, x, v, side), rtol=1e-13, atol=64 * EPS)


def test_refusals():
    x = np.ones((3, 2))
    for call, sentence in (
        (lambda: plane.weight([[0.0, 0.0]], [1.0], x), "w1 must have no row of zeros.*got zeros in row 0"),
        (lambda: plane.weight([[1.0, 0.0]], [1.0], x, side="left"), "unknown side 'left'"),
        (lambda: plane.weight([[1.0, 0.0]], [1.0], x, [-1.0, 1, 1]), "weights must be nonnegative"),
        (lambda: plane.weight([[1.0]], [1.0], x), r"w1 must have shape \(1, 2\), like b1 and the inputs"),
        (lambda: plane.weight([[1.0, 0.0]], [1.0], x, trainable=("w2",)), "trainable must hold w2 and"),
        (
            lambda: plane.weighted_variation([[1.0, 0.0]], [1.0], [1.0, 2.0], x),
            r"w2 must have one entry per neuron \(1\), got 2",
        ),
        (lambda: plane.weighted_variation([[1.0, 0.0]], [1.0], [1.0], x, form="both"), "unknown form 'both'"),
        (
            lambda: plane.residual_norm(x, [1.0], [[1.0, 0.0]], [1.0]),
            "slopes and inputs must have the same length, got 1 and 3",
        ),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
