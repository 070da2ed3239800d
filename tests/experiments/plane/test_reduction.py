"""Runs in the span of the inputs are the runs in the whole space; signals have the size asked for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.plane.data import GEOMETRIES, TARGETS, samples
from stepscape.experiments.plane.gap import with_gap
from stepscape.experiments.plane.reduction import begin_reduced, project, span
from stepscape.experiments.plane.signal import amplitude
from stepscape.experiments.plane.spec import DEFAULTS, PlaneRun
from stepscape.lab.spec import stream
from stepscape.tables.records import Record


def run_of(**changes):
    return PlaneRun(**{**DEFAULTS, "seed": 1000, "drawn": False, "fresh": 50, "width": 24, **changes})


@pytest.mark.parametrize(("count", "inner", "dimension"), [(4, 1, 15), (3, 2, 9), (5, 1, 3), (1, 1, 4)])
def test_descent_in_the_span_is_descent_in_the_whole_space(count, inner, dimension):
    run = run_of(
        geometry="subspaces", target="norm", count=count, inner=inner, dimension=dimension, n=40,
        step_size=0.4, start_sharpness=3.0, steps=200, weight_decay=0.01, amplitude=2.0,
    )  # fmt: skip
    basis, setup, drawn = span(run), begin_reduced(run), samples(run)
    q = min(count * inner, dimension)
    assert basis.shape == (dimension, q)
    np.testing.assert_allclose(basis.T @ basis, np.eye(q), rtol=0, atol=1e-13)
    small = setup.samples.problem
    np.testing.assert_allclose(small.points @ basis.T, drawn.problem.points, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(small.labels, drawn.problem.labels)
    np.testing.assert_allclose(
        small.truth(small.inputs), drawn.problem.truth(drawn.problem.inputs), atol=1e-12
    )

    he = ss.TwoLayerReLU.random(24, 1.0, "he", stream(1000, "network"), dimension=dimension)
    scale = setup.start.w2[0] / he.w2[0]
    whole = he.with_parameters(scale * he.parameters)
    np.testing.assert_allclose(project(whole, basis).parameters, setup.start.parameters, rtol=0, atol=1e-13)
    assert ss.sharpness(drawn.problem, whole).value == pytest.approx(3.0, rel=2e-3)
    ends = [
        ss.train(problem, start, setup.method, record_every=200)
        for problem, start in ((drawn.problem, whole), (small, setup.start))
    ]
    np.testing.assert_allclose(ends[0].loss, ends[1].loss, rtol=1e-9)
    np.testing.assert_allclose(ends[0].sharpness, ends[1].sharpness, rtol=1e-6)
    fresh = [ends[0].predict(drawn.fresh.inputs), ends[1].predict(setup.samples.fresh.inputs)]
    np.testing.assert_allclose(fresh[0], fresh[1], rtol=0, atol=1e-9)


LAWS = [("sphere", 1.0), ("ball", 1.0), ("radial", 3.0), ("level_ball", 1.0), ("level_radial", 0.4)]


@pytest.mark.parametrize("dimension", [1, 2, 5])
@pytest.mark.parametrize(("geometry", "alpha"), LAWS)
@pytest.mark.parametrize("target", ["first", "bend"])
def test_the_truth_has_the_deviation_asked_for(geometry, alpha, dimension, target):
    if (geometry, dimension, target) == ("sphere", 1, "bend"):
        return  # |±1| is constant
    run = SimpleNamespace(
        geometry=geometry, alpha=alpha, dimension=dimension, target=target, n=40_000, fresh=2, seed=1
    )
    x = GEOMETRIES[geometry](run)[0].reshape(-1, dimension)
    values = amplitude(run, 1.5) * TARGETS[target](x)
    assert values.std() == pytest.approx(1.5, rel=0.03)  # √40000 draws, and some heavy laws
    if geometry.startswith("level"):
        assert np.mean((x**2).sum(axis=1)) == pytest.approx(1.0, rel=0.04)


def test_a_truth_or_law_without_a_known_size_is_refused():
    with pytest.raises(InputError, match="unknown target 'norm'"):
        amplitude(run_of(target="norm"))
    with pytest.raises(InputError, match="unknown geometry 'subspaces'"):
        amplitude(run_of(geometry="subspaces"))


def test_the_gap_is_the_risk_on_new_labels_minus_the_training_error():
    run = run_of(noise=2.0)
    found = with_gap(Record("finished", {"population_error": 0.5, "train_error": 1.25}), run)
    assert found.numbers["gap"] == 0.5 + 4.0 - 1.25
    lost = Record("diverged", {"steps_made": 3}, reason="it grew")
    assert with_gap(lost, run) is lost
