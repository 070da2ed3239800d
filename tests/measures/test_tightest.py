"""The tightest bound on an error: its class by hand, and networks that were chosen to break it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.measures import tightest_worst_case

LIMITS = (-0.5, 0.5)


def sample(loss, n, seed, **options):
    if loss == "square":
        return ss.problems.tent(n=n, noise=0.5, seed=seed)
    return ss.problems.bernoulli("wave", n=n, amplitude=2.0, flip_rate=0.1, seed=seed, **options)


def trained(problem, step_size=0.5, steps=2000, width=60, seed=0):
    start = ss.TwoLayerReLU.random(width, seed=seed)
    return ss.train(problem, start, ss.GradientDescent(step_size, steps), measure_sharpness=False).midpoint


def error(problem, network, inside):
    """Excess risk, or mean squared error to the truth, by the formulas of a textbook."""
    f, f0 = network.predict(problem.inputs)[inside], problem.truth(problem.inputs)[inside]
    v = problem.averaging[inside] / problem.averaging[inside].sum()
    if problem.loss == "square":
        return v @ (f - f0) ** 2
    p, q = (1.0 / (1.0 + np.exp(-each)) for each in (f0, f))
    return v @ (p * np.log(p / q) + (1.0 - p) * np.log((1.0 - p) / (1.0 - q)))


def between(problem, low, high):
    return (problem.inputs >= low) & (problem.inputs <= high)


def holds(problem, network, interval=None, moving=False):
    """Check the bound against the true error on the inputs that it names."""
    found = tightest_worst_case(problem, network, interval, moving)
    assert found.verdict == "holds", found
    inside = between(problem, found.details["low"], found.details["high"])
    here = error(problem, network, inside)
    assert found.left == pytest.approx(here, rel=1e-6, abs=1e-12)
    assert here <= found.right
    assert found.details["share"] == pytest.approx(problem.averaging[inside].sum(), rel=1e-12)
    return found


def through(x, values):
    """Build a network that is the line through (x, values), its knots a little to the right of the inputs."""
    slopes = np.diff(values) / np.diff(x)
    knots = x[1:-1] + 1e-9 * np.diff(x)[1:]
    jumps = np.diff(slopes)
    # One neuron that is active at every input carries the first slope.
    w = np.append(np.sqrt(np.abs(jumps)), np.sqrt(abs(slopes[0])))
    v = np.append(np.sign(jumps) * np.sqrt(np.abs(jumps)), np.sign(slopes[0]) * np.sqrt(abs(slopes[0])))
    start = x[0] - 1.0
    b = -w * np.append(knots, start)
    return ss.TwoLayerReLU(w, b, v, values[0] - slopes[0] * (x[0] - start))


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("seed", range(4))
def test_no_trained_network_is_above_its_bound(loss, seed):
    problem = sample(loss, 60, seed)
    for steps in (5, 500, 4000):
        network = trained(problem, 0.5, steps, seed=seed)
        for interval in (None, LIMITS):
            holds(problem, network, interval)
            holds(problem, network, interval, moving=True)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["square", "logistic"]), st.booleans())
def test_no_network_is_above_its_bound(seed, loss, moving):
    """Random networks, weights (some of them 0), and labels that contradict the network."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(6, 30))
    network = ss.TwoLayerReLU(*rng.standard_normal((3, 8)) * rng.uniform(0.1, 3.0), rng.standard_normal())
    x = rng.uniform(-1.0, 1.0, n)
    weights = rng.random(n) * (rng.random(n) < 0.8) + np.eye(n)[0] + np.eye(n)[-1]
    sign = np.where(network.predict(x) > 0.0, -1.0, 1.0)
    labels = sign if loss == "logistic" else network.predict(x) + 3.0 * sign
    problem = ss.Problem(x, labels, loss, truth=lambda t: 2.0 * np.sin(3.0 * t), weights=weights)
    found = tightest_worst_case(problem, network, moving=moving)
    assert found.left <= found.right or found.verdict == "inapplicable"


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("seed", range(3))
def test_the_worst_function_of_a_class_is_not_above_its_own_bound(loss, seed):
    """The worst of the class at a trained network, built as a network: it follows the noise."""
    problem = sample(loss, 40, seed)
    network, x = trained(problem, seed=seed), problem.inputs
    found = holds(problem, network)
    f, f0 = network.predict(x), problem.truth(x)
    curvature = np.exp(-np.abs(f)) / (1.0 + np.exp(-np.abs(f))) ** 2
    least = np.exp(-found.details["gamma"]) / (1.0 + np.exp(-found.details["gamma"])) ** 2
    flat = theory.FlatClass(
        x, found.details["variation"], found.details["height"], center=found.details["center"],
        counted=np.minimum(curvature, least) if loss == "logistic" else None,
    )  # fmt: skip
    bound = theory.worst_case_excess if loss == "logistic" else theory.worst_case_gap
    worst = bound(flat, problem.labels, f0)
    hostile = through(worst.points, worst.function)
    np.testing.assert_allclose(hostile.predict(worst.points), worst.function, atol=1e-6)
    # As a member: by what it lacks plus the supremum of the class it came from.
    value = (lambda h: (h - problem.labels) ** 2) if loss == "square" else (
        lambda h: np.log1p(np.exp(-problem.labels * h))
    )  # fmt: skip
    lack = (value(hostile.predict(x)) - value(f0)).mean()
    everywhere = np.ones(x.size, bool)
    noise = error(problem, hostile, everywhere) - lack
    assert noise <= found.details["noise"] + 1e-6
    assert noise >= 0.9 * found.details["noise"]  # it is the worst, so that a smaller bound is false
    # And by the bound of its own flatness.
    for interval in (None, LIMITS):
        holds(problem, hostile, interval)
        holds(problem, hostile, interval, moving=True)


def by_hand(problem, network, inside, moving=False):
    """The smallest right side over γ, c and, if it moves, I; λ_max and ‖R‖ from the dense Hessian."""
    x, y = problem.inputs, problem.labels
    f, f0 = network.predict(x), problem.truth(x)
    dense = ss.hessian(problem, network) @ np.eye(network.parameters.size)
    pull = f - y if problem.loss == "square" else -y / (1.0 + np.exp(y * f))
    active = (np.outer(x, network.w1) + network.b1) > 0.0
    residual = np.hypot(*((pull * each) @ active / x.size for each in (x, np.ones_like(x)))).max()
    top = np.linalg.eigvalsh(dense).max() + residual
    curvature = np.exp(-np.abs(f)) / (1.0 + np.exp(-np.abs(f))) ** 2
    kinds = [np.ones_like(x)]
    if problem.loss == "logistic":
        gammas = np.quantile(np.abs(f), [0.0, 0.25, 0.5, 0.75, 1.0])
        caps = [np.exp(-gamma) / (1.0 + np.exp(-gamma)) ** 2 for gamma in gammas]
        kinds = [np.minimum(curvature, cap) for cap in caps]
        kinds += [np.where(np.abs(f) <= gamma, cap, 0.0) for gamma, cap in zip(gammas, caps, strict=True)]
    unit = 1.0 if problem.loss == "logistic" else 2.0
    value = (lambda h: 0.5 * (h - y) ** 2) if unit == 2.0 else (lambda h: np.log1p(np.exp(-y * h)))
    bound = theory.worst_case_gap if unit == 2.0 else theory.worst_case_excess
    ratios = []
    for c in kinds:
        some = x[c > 0.0]
        masks = [inside]
        if moving:
            deep = x[theory.interior(x, x, c)]
            ends = [(some.min(), some.max())] + ([(deep.min(), deep.max())] if deep.size else [])
            masks = [inside & between(problem, *each) for each in ends]
        for here in masks:
            reaches = (x[here] >= some.min()).all() and (x[here] <= some.max()).all()
            if not reaches or here.sum() < 5:
                continue
            center, half = 0.5 * (f[here].max() + f[here].min()), 0.5 * (f[here].max() - f[here].min())
            flat = theory.FlatClass(
                x, top / (2.0 * c.mean()) - 0.5, half, counted=c, center=center,
                interval=(x[here].min(), x[here].max()),
            )  # fmt: skip
            worst = bound(flat, y, f0)
            right = worst.value + unit * max((value(f) - value(f0))[here].mean(), 0.0)
            ratios.append((right / worst.constant, right))
    return min(ratios)


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("interval", [None, LIMITS])
@pytest.mark.parametrize("moving", [False, True])
def test_it_is_the_least_over_classes_and_regions(loss, interval, moving):
    problem = sample(loss, 60, 3)
    network = trained(problem)
    found = holds(problem, network, interval, moving)
    inside = between(problem, *(interval or (-np.inf, np.inf)))
    ratio, right = by_hand(problem, network, inside, moving)
    assert found.right == pytest.approx(right, rel=1e-6)
    assert found.right / found.details["constant"] == pytest.approx(ratio, rel=1e-6)
    assert found.details["vacuous"] == (ratio >= 1.0)
    assert np.isnan(found.details["gamma"]) == (loss == "square")
    if not moving:
        ends = problem.inputs[inside].min(), problem.inputs[inside].max()
        assert (found.details["low"], found.details["high"]) == ends


def test_the_height_is_that_on_the_region_only():
    """Outside of the region the network may be as large as it likes."""
    problem = sample("square", 60, 1)
    network = trained(problem)
    inside = between(problem, *LIMITS)
    f = network.predict(problem.inputs)[inside]
    found = tightest_worst_case(problem, network, LIMITS)
    assert found.details["height"] == pytest.approx(0.5 * (f.max() - f.min()), rel=1e-12)
    assert found.details["center"] == pytest.approx(0.5 * (f.max() + f.min()), rel=1e-12)
    assert found.details["height"] < 0.5 * np.ptp(network.predict(problem.inputs))


def test_what_the_fit_lacks_is_added():
    problem = sample("logistic", 400, 3)
    found = holds(problem, trained(problem, 1.0, 20))
    assert found.right > found.details["noise"] + 0.05


def test_a_region_that_moves_is_no_larger_share_than_one_that_does_not():
    problem = sample("logistic", 100, 2)
    network = trained(problem, 2.0, 4000)
    fixed, moves = (holds(problem, network, moving=each) for each in (False, True))
    assert moves.right / moves.details["constant"] < 0.5 * fixed.right / fixed.details["constant"]
    assert moves.details["share"] < 1.0


def test_a_constant_network_and_a_constant_truth():
    flat = ss.TwoLayerReLU([1.0], [-5.0], [1.0], 0.25)  # its neuron is dead
    for loss, labels in (("square", [0.0, 1.0, 0.0, 1.0, 2.0]), ("logistic", [1, -1, 1, -1, 1])):
        problem = ss.Problem([0.0, 1.0, 2.0, 3.0, 4.0], labels, loss, truth=np.zeros_like)
        for moving in (False, True):
            found = holds(problem, flat, moving=moving)
            assert found.details["height"] == 1e-9
            assert found.details["vacuous"] == 1.0


def test_an_interval_may_hold_one_input():
    problem = sample("logistic", 30, 0)
    network = trained(problem)
    x = np.sort(problem.inputs)[10]
    assert holds(problem, network, (x - 1e-9, x + 1e-9)).details["share"] == pytest.approx(1 / 30)


def test_what_it_needs():
    with pytest.raises(InputError, match="truth must be given to bound an error to it, got None"):
        tightest_worst_case(ss.Problem([0.0, 1.0], [0.0, 1.0]), ss.TwoLayerReLU.random(3))
    problem = ss.Problem([0.0, 1.0, 2.0], [0.0, 1.0, 0.0], truth=np.zeros_like)
    with pytest.raises(InputError, match=r"interval must hold an input of the problem, got \(3.0, 4.0\)"):
        tightest_worst_case(problem, ss.TwoLayerReLU.random(3), (3.0, 4.0))
    on_input = ss.TwoLayerReLU([2.0], [-2.0], [1.0])
    found = tightest_worst_case(problem, on_input)
    assert (found.verdict, found.failed_premises) == ("inapplicable", ("no knot lies on an input",))
    assert found.left == pytest.approx(4 / 3)
    few = tightest_worst_case(problem, ss.TwoLayerReLU([2.0], [-1.0], [1.0]), moving=True)
    assert few.failed_premises == ("at least 5 examples lie among those that count in g",)
