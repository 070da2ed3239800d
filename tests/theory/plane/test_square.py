from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from oracles import BOUNDED, UNBOUNDED
from plane_facts import measured_facts, plane_facts
from plane_oracles import EPS, PlaneCase, measure, mirror_case, point_case, random_plane_case
from stepscape.errors import InputError
from stepscape.theory import plane

seeds = st.integers(0, 2**32 - 1)
EVERYWHERE = ("gauss_newton", "sharpness", "sharpness_loss", "published")


def certificates(case, trainable=ss.theory.BLOCKS):
    facts = measured_facts(case, "square", trainable)
    return {each.name: each.certify(facts) for each in plane.plane_theorems("square")}


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_the_chain_holds_at_random_networks_and_its_right_sides_grow(seed, trainable):
    case = random_plane_case(np.random.default_rng(seed))
    c = certificates(case, trainable)
    for name in EVERYWHERE:
        assert c[name].name == name
        assert c[name].verdict == "holds", (c[name], case)
    room = c["published"].tolerance + c["sharpness_loss"].tolerance
    assert c["sharpness"].right <= c["sharpness_loss"].right + room
    assert c["sharpness_loss"].right <= c["published"].right + room
    assert c["published"].left <= c["sharpness"].left + room
    assert c["sharpness"].left == c["sharpness_loss"].left
    assert c["sharpness"].details["function_form"] == c["published"].left


@settings(deadline=None, max_examples=60)
@given(seeds)
def test_labels_against_one_neuron_do_not_break_the_chain(seed):
    rng = np.random.default_rng(seed)
    case = random_plane_case(rng)
    active = case.x @ case.w1[-1] + case.b1[-1] > 0
    pull = 10.0 ** rng.uniform(-2, 3) * active * np.hypot(1.0, np.linalg.norm(case.x, axis=1))
    for sign in (-1.0, 1.0):
        c = certificates(case.with_labels(case.predict() + sign * pull))
        assert all(c[name].verdict == "holds" for name in EVERYWHERE), (c, case)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("make", [point_case, mirror_case])
@pytest.mark.parametrize("x", [[0.7], [0.3, -1.1], [0.2, 0.4, -0.1, 0.9, 2.0]])
def test_t0_is_attained_in_every_dimension(make, x, trainable):
    # The means are balanced and √v is the top eigenvector: a larger left side would be false.
    c = certificates(make(3.0, x, 0.4, trainable), trainable)["gauss_newton"]
    assert c.slack == pytest.approx(0.0, abs=128 * EPS * c.scale)
    assert c.left > 0.04


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("make", [point_case, mirror_case])
def test_t1_is_attained_at_interpolation(make, trainable):
    c = certificates(make(2.0, [0.3, -1.1, 0.5], 0.0, trainable), trainable)
    for name in ("sharpness", "stationary"):
        assert c[name].verdict == "holds"
        assert c[name].slack == pytest.approx(0.0, abs=256 * EPS * c[name].scale)


@pytest.mark.parametrize("trainable", BOUNDED)
@pytest.mark.parametrize("name", ["sharpness", "sharpness_loss"])
def test_t1_and_t2_need_all_of_their_residual_term(trainable, name):
    # One input, y above f: as the neuron grows, λ_max(H) → λ_max(G) − ‖R‖, and ‖R‖ is the whole of T2's term.
    case = point_case(1e3, [0.3, -1.1, 0.5], -2.0, trainable)
    c, term = certificates(case, trainable)[name], measure(case, "square", trainable).residual_norm / 2
    assert term > 0.5
    assert -c.tolerance <= c.slack <= 1e-4 * term


@pytest.mark.parametrize("radius", [0.1, 1.0, 10.0])
def test_no_smaller_constant_than_that_of_t2_is_true_in_any_dimension(radius):
    # The family of the line, on a line through 0 in R³; only the published constant has room.
    found = ss.theory.one_neuron(radius, 3e-6, 1e3, 1.0)
    unit = np.array([2.0, -1.0, 2.0]) / 3.0
    case = PlaneCase(
        found.w1[:, None] * unit, found.b1, found.w2, found.b2, found.inputs[:, None] * unit, found.labels,
        found.weights,
    )  # fmt: skip
    facts, m = measured_facts(case), measure(case)
    c = plane.sharpness_loss(facts)
    needed = (facts.side.value - m.sharpness / 2 + 0.5) / math.sqrt(2 * m.loss)
    assert c.verdict == "holds"
    assert needed / (0.5 * math.hypot(1.0, radius)) == pytest.approx(1.0, abs=1e-2)
    assert plane.published(facts).slack > 0.4 * (radius + 1.0)


def test_right_sides_are_the_formulas():
    case = PlaneCase(
        np.array([[1.0, 0.0]]), np.array([0.05]), np.ones(1), 0.0, np.array([[3.0, 4.0], [-1.0, 0.0]]),
        np.ones(2), np.ones(2),
    )  # fmt: skip
    facts = plane_facts(case, sharpness=5.0, gauss_newton=6.0, residual_norm=0.5, value=0.5)
    rights = {
        "gauss_newton": 6.0, "sharpness": 5.25 / 2, "sharpness_loss": 2.5 - 0.5 + 0.5 * math.sqrt(26.0),
        "published": 2.5 - 0.5 + 6.0,
    }  # fmt: skip
    rights["sharpness"] = (5.0 + 0.5) / 2 - 0.5
    for each in plane.plane_theorems("square"):
        if each.name in rights:
            assert each.certify(facts).right == pytest.approx(rights[each.name], rel=4 * EPS), each.name
    assert plane.sharpness_loss(facts).details["radius"] == 5.0


def test_weights_count_repeated_examples():
    rng = np.random.default_rng(3)
    case = random_plane_case(rng, 3)
    counts = rng.integers(1, 4, len(case.x)).astype(float)
    twice = PlaneCase(
        case.w1, case.b1, case.w2, case.b2, np.repeat(case.x, counts.astype(int), axis=0),
        np.repeat(case.y, counts.astype(int)), np.ones(int(counts.sum())),
    )  # fmt: skip
    once = PlaneCase(case.w1, case.b1, case.w2, case.b2, case.x, case.y, counts)
    one, other = certificates(once), certificates(twice)
    for name in EVERYWHERE:
        assert one[name].left == pytest.approx(other[name].left, rel=1e-12)
        assert one[name].right == pytest.approx(other[name].right, rel=1e-12)


def test_the_stationary_form_needs_a_point_at_rest():
    case = point_case(2.0, [0.3, -1.1], 0.0)
    assert certificates(case)["stationary"].verdict == "holds"
    off = certificates(case.with_labels(case.y + 0.1))["stationary"]
    assert off.verdict == "inapplicable"
    assert off.failed_premises == (plane.square.AT_REST,)
    # A neuron with w2 = 0 may be pulled; nothing of it enters.
    unused = PlaneCase(
        np.vstack([case.w1, [[1.0, 1.0]]]), np.append(case.b1, 9.0), np.append(case.w2, 0.0), case.b2 - 0.1,
        case.x, case.y, case.v,
    )  # fmt: skip
    assert measured_facts(unused).resting_norm == pytest.approx(0.1 * math.hypot(1.0, 0.3, 1.1))
    only = PlaneCase(*[getattr(unused, n)[1:] for n in ("w1", "b1", "w2")], 5.0, case.x, case.y, case.v)
    assert measured_facts(only).resting_norm == 0.0
    assert certificates(only)["stationary"].verdict == "holds"
    assert certificates(only)["stationary"].left == 0.0


@settings(deadline=None, max_examples=40)
@given(seeds)
def test_the_stationary_form_holds_at_least_squares_solutions(seed):
    # w2 and b2 of least squares, w1 and b1 frozen: gradients in (w2, b2) vanish, those in (w1, b1) need not,
    # so the premise fails or the bound holds.
    case = random_plane_case(np.random.default_rng(seed))
    features = np.maximum(case.x @ case.w1.T + case.b1, 0.0)
    design = np.column_stack([features, np.ones(len(case.x))]) * np.sqrt(case.averaging)[:, None]
    best = np.linalg.lstsq(design, case.y * np.sqrt(case.averaging), rcond=None)[0]
    fitted = PlaneCase(case.w1, case.b1, best[:-1], float(best[-1]), case.x, case.y, case.v)
    assert certificates(fitted)["stationary"].verdict in ("holds", "inapplicable")


@pytest.mark.parametrize("trainable", UNBOUNDED)
def test_where_no_bound_exists_certificates_say_so(trainable):
    facts = plane_facts(
        point_case(2.0, [0.3, -1.1], 0.1), "square", trainable, sharpness=1.0, gauss_newton=1.0
    )
    for each in plane.plane_theorems("square"):
        c = each.certify(facts)
        assert c.verdict == "inapplicable"
        assert any("is trained" in premise for premise in c.failed_premises)


def test_an_input_on_a_hyperplane_fails_the_premise():
    case = PlaneCase(
        np.array([[0.1, 0.3]]), np.array([-0.1 * 0.7 + 0.3 * 0.2]), np.ones(1), 0.0,
        np.array([[0.7, -0.2], [1.0, 2.0]]), np.ones(2), np.ones(2),
    )  # fmt: skip
    c = certificates(case)["gauss_newton"]
    assert c.verdict == "inapplicable"
    assert c.failed_premises == ("no hyperplane of a neuron holds an input",)
    ignored = PlaneCase(case.w1, case.b1, case.w2, 0.0, case.x, case.y, np.array([0.0, 1.0]))
    assert certificates(ignored)["gauss_newton"].verdict == "holds"


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(BOUNDED))
def test_on_the_line_all_numbers_are_those_of_the_line(seed, trainable):
    from facts import facts_of
    from oracles import Case

    case = random_plane_case(np.random.default_rng(seed), 1)
    same = Case(case.w1[:, 0], case.b1, case.w2, case.b2, case.x[:, 0], case.y, case.v)
    m = vars(measure(case, "square", trainable))
    ours, theirs = measured_facts(case, "square", trainable), facts_of(same, trainable=trainable, **m)
    for name in ("gauss_newton", "sharpness", "sharpness_loss"):
        one, other = getattr(plane, name)(ours), getattr(ss.theory, name)(theirs)
        room = one.tolerance + other.tolerance
        assert one.left == pytest.approx(other.left, rel=1e-11, abs=room)
        assert one.right == pytest.approx(other.right, rel=1e-11, abs=room)
    assert ours.function.value == pytest.approx(
        theirs.function.value, rel=1e-11, abs=64 * EPS * ours.function.scale
    )


def test_statements_are_readable():
    full, partial = (
        certificates(point_case(2.0, [1.0, 2.0], 0.0)),
        certificates(point_case(2.0, [1.0, 2.0], 0.0, ("w1", "w2")), ("w1", "w2")),
    )
    assert full["gauss_newton"].statement == "1 + 2 Σ |w2| ‖w1‖ g̃ ≤ λ_max(G)"
    assert full["sharpness"].statement == "Σ |w2| ‖w1‖ g̃ ≤ (λ_max(H) + ‖R‖)/2 − ½"
    assert full["sharpness_loss"].statement == "Σ |w2| ‖w1‖ g̃ ≤ (λ_max(H) + √(1 + R²) √(2L))/2 − ½"
    assert full["published"].statement == "|f|_{V_g} ≤ (λ_max(H) + 2 (R + 1) √(2L))/2 − ½"
    assert full["stationary"].statement == "Σ |w2| ‖w1‖ g̃ ≤ λ_max(H)/2 − ½"
    assert partial["sharpness_loss"].statement == "Σ |w2| ‖w1‖ g̃ ≤ (λ_max(H) + R √(2L))/2"
    assert "two-layer ReLU network on R^2, trained blocks w1, w2" in partial["sharpness"].assumptions


def test_facts_refuse_what_does_not_fit():
    case = point_case(2.0, [1.0, 2.0], 0.0)
    given = {
        "inputs": case.x, "labels": case.y, "w1": case.w1, "b1": case.b1, "w2": case.w2, "b2": 0.0,
        "landscape": plane_facts(case).landscape,
    }  # fmt: skip
    for name, value, sentence in (
        ("inputs", case.x[:, 0], r"inputs must have shape \(n, d\), one row per input.*write x\[:, None\]"),
        (
            "inputs",
            np.zeros((0, 2)),
            r"inputs must have shape \(n, d\), one row per input, got shape \(0, 2\)",
        ),
        ("inputs", [[np.nan, 1.0]], "inputs must be finite, got nan in it"),
        ("labels", [1.0, 2.0], "labels and inputs must have the same length, got 2 and 1"),
        ("w1", [[1.0, 2.0, 3.0]], r"w1 must have shape \(1, 2\), like b1 and the inputs, got \(1, 3\)"),
        ("w2", [1.0, 2.0], r"w2 must have one entry per neuron \(1\), got 2"),
        ("landscape", 3.0, "landscape must have the numbers of a Landscape, got 3.0"),
        ("loss", "hinge", "unknown loss 'hinge'"),
        ("trainable", ("w3",), "unknown block 'w3'"),
        ("gamma", 0.0, "gamma must be finite and positive"),
    ):
        with pytest.raises(InputError, match=sentence):
            plane.PlaneFacts(**{**given, name: value})
    with pytest.raises(InputError, match="facts must be a PlaneFacts, got a float"):
        plane.gauss_newton(1.0)
    with pytest.raises(InputError, match="facts must be about the square loss, got the logistic loss"):
        plane.published(measured_facts(case.with_labels([1.0]), "logistic"))
    with pytest.raises(InputError, match="unknown loss 'hinge'"):
        plane.plane_theorems("hinge")
