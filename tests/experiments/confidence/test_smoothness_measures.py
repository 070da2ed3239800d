"""Where a network stands between smooth and confident: measures against other computations."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.smoothness_measures import (
    at_levels,
    crossing,
    followed,
    growth,
    of_truth,
    turned_around,
)
from stepscape.measures.transient import after_transient
from stepscape.objectives import sharpness
from stepscape.training import Snapshot

LEVELS = ("half", "truth", "twice")


def problem_of(seed: int = 0, amplitude: float = 4.0) -> ss.Problem:
    return ss.problems.bernoulli("wave", n=40, amplitude=amplitude, seed=seed)


def snapshot_of(seed: int, scale: float) -> Snapshot:
    last, before = (ss.TwoLayerReLU.random(30, scale, seed=s) for s in (seed, seed + 100))
    return Snapshot(1, 0.0, last, before)


def middle(snapshot: Snapshot) -> ss.TwoLayerReLU:
    """The midpoint, from the two iterates' blocks."""
    one, other = snapshot.network, snapshot.network_before
    blocks = [0.5 * (getattr(one, name) + getattr(other, name)) for name in ("w1", "b1", "w2", "b2")]
    return ss.TwoLayerReLU(*blocks)


@pytest.mark.parametrize(("seed", "scale"), [(0, 1.0), (1, 3.0), (2, 6.0)])
def test_they_are_those_of_the_midpoint(seed: int, scale: float) -> None:
    problem, snapshot = problem_of(seed), snapshot_of(seed, scale)
    net, x = middle(snapshot), problem.inputs
    f = net.predict(x)
    inside = theory.weight(x, x) >= theory.weight(np.linspace(-1, 1, 20_001), x).max() / 10
    ends = np.abs(x - (x.max() + x.min()) / 2) >= 0.4 * (x.max() - x.min())
    curvature = 1.0 / (4.0 * np.cosh(f / 2.0) ** 2)
    probability = 1.0 / (1.0 + np.exp(-problem.truth(x)))  # type: ignore[misc]
    risk = probability * np.log1p(np.exp(-f)) + (1 - probability) * np.log1p(np.exp(f))
    least = -probability * np.log(probability) - (1 - probability) * np.log1p(-probability)
    whole, part = ((float(at.min()), float(at.max())) for at in (x, x[inside]))
    w = (net.w1, net.b1, net.w2)
    wanted = {
        "confidence": np.median(np.abs(f)),
        "confidence_interior": np.median(np.abs(f[inside])),
        "largest": np.abs(f).max(),
        "largest_ends": np.abs(f[ends]).max(),
        "largest_inside": np.abs(f[~ends]).max(),
        "smallest_margin": (problem.labels * f).min(),
        "loss_mean": np.mean(np.log1p(np.exp(-problem.labels * f))),
        "margin": np.median(problem.labels * f),
        "margin_share": np.median(problem.labels * f) / np.median(np.abs(f)),
        "weighted_tv": theory.weighted_tv(*w, x),
        "tv": theory.total_variation(*w, whole),
        "tv_interior": theory.total_variation(*w, part),
        "curvature": curvature.mean(),
        "curved_tv": theory.weighted_tv(*w, x, curvature),
        "excess_risk": np.mean(risk - least),
        "excess_interior": np.mean((risk - least)[inside]),
    }
    path = followed(problem, [snapshot, snapshot])
    assert path.keys() == wanted.keys()
    for name, value in wanted.items():
        assert path[name] == pytest.approx([value, value], rel=1e-10), name


@pytest.mark.parametrize("seed", range(5))
def test_curvature_times_variation_is_below_the_largest_eigenvalue(seed: int) -> None:
    """The inequality whose two sides the lower planes draw, at one network."""
    problem, net = problem_of(seed), ss.TwoLayerReLU.random(30, 1.0 + seed, seed=seed)
    path = followed(problem, [Snapshot(0, 0.0, net, net)])
    left = path["curvature"][0] * (1.0 + 2.0 * path["curved_tv"][0])
    right = sharpness(problem, net, gauss_newton=True)
    assert 0.0 < left <= right.value + right.residual


@pytest.mark.parametrize("amplitude", [1.0, 4.0])
def test_the_truth(amplitude: float) -> None:
    """f0 = A sin 2πx: ∫|f0''|g by the rule of rectangles on |f0''| = 4π² A |sin 2πx|."""
    problem = problem_of(3, amplitude)
    x, found = problem.inputs, of_truth(problem)
    t = np.linspace(x.min(), x.max(), 200_001)
    bend = 4.0 * np.pi**2 * amplitude * np.abs(np.sin(2.0 * np.pi * t)) * (t[1] - t[0])
    inside = x[theory.interior(x, x)]
    assert found["weighted_tv"] == pytest.approx(bend @ theory.weight(t, x), rel=1e-3)
    assert found["tv"] == pytest.approx(bend.sum(), rel=1e-3)
    assert found["tv_interior"] == pytest.approx(
        bend[(t > inside.min()) & (t < inside.max())].sum(), rel=1e-2
    )
    size = np.abs(amplitude * np.sin(2.0 * np.pi * x))
    assert found["confidence"] == pytest.approx(np.median(size), rel=1e-12)


def test_the_margin_of_a_fit_of_every_label_is_its_size() -> None:
    problem = problem_of(2)
    net = theory.flat_interpolator(problem.inputs, problem.labels, 3.0)
    found = followed(problem, [Snapshot(0, 0.0, net, net)])
    assert found["margin"] == pytest.approx([3.0])
    assert found["margin_share"] == pytest.approx([1.0])


def test_a_network_that_is_nowhere_sure_has_no_share() -> None:
    none = ss.TwoLayerReLU(np.ones(1), np.zeros(1), np.zeros(1))
    assert np.isnan(followed(problem_of(), [Snapshot(0, 0.0, none, none)])["margin_share"][0])


def test_margin_of_the_truth() -> None:
    problem = problem_of(3)
    logit = 4.0 * np.sin(2.0 * np.pi * problem.inputs)
    assert of_truth(problem)["margin"] == pytest.approx(np.median(problem.labels * logit))


def test_no_truth() -> None:
    bare = ss.Problem(np.array([0.0, 1.0]), np.array([-1.0, 1.0]), loss="logistic")
    with pytest.raises(InputError, match="truth must be given to compare with it, got None"):
        of_truth(bare)


def test_a_level_is_where_the_path_last_rises_through_it() -> None:
    at, values = np.array([0.0, 3.0, 1.0, 2.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0, 10.0, 20.0, 0.0])
    assert crossing(at, 2.5, values) == pytest.approx(12.5)  # a quarter of the way from 10 to 20
    assert crossing(at, 1.5, values) == pytest.approx(6.0)
    assert np.isnan(crossing(at, 6.0, values))
    assert np.isnan(crossing(at[::-1], 4.5, values))  # it only falls through that
    assert np.isnan(crossing(at[:0], 1.0, values[:0]))


def test_levels_are_those_of_the_truth() -> None:
    line = np.linspace(0.0, 10.0, 11)
    path = dict.fromkeys(("confidence", "confidence_interior"), line)
    path |= dict.fromkeys(("weighted_tv", "tv", "tv_interior"), 3.0 * line) | {"margin": 0.5 * line}
    truth = {
        "confidence": 2.0,
        "confidence_interior": 1.0,
        "weighted_tv": 6.0,
        "tv": 9.0,
        "tv_interior": 60,
        "margin": 3.0,
    }
    found = at_levels(path, truth)
    assert len(found) == 24
    assert [found[f"weighted_tv_when_confidence_{level}"] for level in LEVELS] == pytest.approx([3, 6, 12])
    assert [found[f"confidence_when_weighted_tv_{level}"] for level in LEVELS] == pytest.approx([1, 2, 4])
    assert [found[f"tv_interior_when_confidence_interior_{level}"] for level in LEVELS] == pytest.approx(
        [1.5, 3, 6]
    )
    assert found["weighted_tv_when_margin_truth"] == pytest.approx(18.0)
    assert found["confidence_interior_when_tv_interior_half"] == pytest.approx(10.0)
    assert np.isnan(found["confidence_interior_when_tv_interior_truth"])


def test_what_is_overshot_is_left_out() -> None:
    path = {"loss_mean": np.array([0.7, 0.6, 5.0, 0.71, 0.5, 0.4]), "tv": np.arange(6.0)}
    assert after_transient(path)["tv"].tolist() == [4.0, 5.0]
    assert after_transient({"loss_mean": np.array([0.7, 0.8])})["loss_mean"].size == 0


def test_growth_is_the_slope_of_its_decade() -> None:
    steps = np.array([1, 10, 30, 100, 150, 300, 1000])
    values = np.where(steps <= 100, np.log10(steps), 2.0 + 7.0 * (np.log10(steps) - 2.0))
    assert growth(steps, values) == pytest.approx(7.0)
    assert growth(steps, values, 1) == pytest.approx(1.0)
    assert np.isnan(growth(steps[:1], values[:1]))


def test_turning_around_is_what_was_lost_and_one_record_does_not_count() -> None:
    up, down = np.linspace(0.0, 10.0, 21), np.linspace(10.0, 6.0, 21)
    hill = np.concatenate([up, np.full(5, 10.0), down, np.full(5, 6.0)])
    assert turned_around(hill) == pytest.approx(0.4)
    assert turned_around(up) == 0.0
    spike = np.full(21, 1.0)
    spike[10] = 50.0
    assert turned_around(spike) == 0.0
    assert np.isnan(turned_around(up[:0]))
    assert np.isnan(turned_around(0.0 * up))


def test_a_network_that_is_sure_of_every_input_has_no_curvature() -> None:
    """s(−|f|) is 0 in floating point from |f| = 746 on."""
    sure = ss.TwoLayerReLU(np.ones(1), np.array([2.0]), np.array([900.0]))
    path = followed(problem_of(), [Snapshot(0, 0.0, sure, sure)])
    assert path["curvature"][0] == 0.0
    assert np.isnan(path["curved_tv"][0])
    assert np.isfinite(path["weighted_tv"][0])
