from __future__ import annotations

import pickle

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.problems import geometry, point_clouds

EPS = float(np.finfo(float).eps)
DOORS = {
    "ball": ss.problems.ball,
    "sphere": ss.problems.sphere,
    "radial": ss.problems.radial,
    "subspaces": ss.problems.subspaces,
}
LAWS = {
    "ball": lambda n, d, seed: geometry.ball(n, d, seed),
    "sphere": lambda n, d, seed: geometry.sphere(n, d, seed),
    "radial": lambda n, d, seed: geometry.radial(n, d, 1.0, seed),
    "subspaces": lambda n, d, seed: geometry.subspaces(n, d, 20, 1, seed).inputs,
}


@pytest.mark.parametrize("name", DOORS)
def test_inputs_are_those_of_the_law_and_do_not_depend_on_truth_or_noise(name):
    door = DOORS[name]
    problem = door(n=30, dimension=4, seed=3)
    np.testing.assert_array_equal(problem.inputs, LAWS[name](30, 4, 3))
    for other in (door(30, 4, noise=0.0, seed=3), door(30, 4, seed=3, truth="zero", scale=7.0)):
        np.testing.assert_array_equal(problem.inputs, other.inputs)
    wide = door(30, 4, noise=0.0, seed=3, radius=2.5, truth="linear")
    np.testing.assert_allclose(wide.inputs, 2.5 * problem.inputs, rtol=4 * EPS, atol=4 * EPS)
    np.testing.assert_allclose(wide.labels, wide.inputs[:, 0], rtol=4 * EPS)
    assert (problem.size, problem.dimension, problem.loss, problem.noise) == (30, 4, "square", 1.0)
    assert problem.name == name


@pytest.mark.parametrize("name", DOORS)
def test_noise_is_normal_and_independent_of_the_inputs(name):
    problem = DOORS[name](n=20_000, dimension=3, noise=0.5, seed=1)
    noise = (problem.labels - problem.truth(problem.inputs)) / 0.5
    for power, mean, spread in ((1, 0.0, 1.0), (2, 1.0, 2.0**0.5), (4, 3.0, 96.0**0.5)):
        assert abs(np.mean(noise**power) - mean) <= 5 * spread / np.sqrt(noise.size)
    for x in problem.inputs.T:
        assert abs(np.mean(noise * x)) <= 5 * np.sqrt(np.mean(x**2) / noise.size)
    again = DOORS[name](n=20_000, dimension=3, noise=1.0, seed=1, truth="zero")
    np.testing.assert_allclose(again.labels, noise, rtol=0, atol=1e-13)  # the same draws at every noise level
    assert abs(np.mean(noise * DOORS[name](20_000, 3, seed=2, truth="zero").labels)) < 0.04


def test_truths_by_name_and_of_ones_own():
    x = geometry.ball(50, 3, seed=5)
    clean = {"n": 50, "dimension": 3, "noise": 0.0, "seed": 5, "scale": 3.0}
    np.testing.assert_allclose(ss.problems.ball(**clean, truth="linear").labels, 3.0 * x[:, 0])
    np.testing.assert_allclose(ss.problems.ball(**clean, truth="norm").labels, 3.0 * np.sqrt((x**2).sum(1)))
    assert not ss.problems.ball(**clean, truth="zero").labels.any()
    own = ss.problems.ball(**clean, truth=lambda rows: np.sin(rows).sum(axis=1))
    np.testing.assert_allclose(own.labels, 3.0 * np.sin(x).sum(axis=1))
    one = ss.problems.ball(**clean, truth=lambda row: float(row[0]) if row[1] > 0 else 0.0)  # one row
    np.testing.assert_allclose(one.labels, 3.0 * np.where(x[:, 1] > 0, x[:, 0], 0.0))
    for problem in (own, one):
        np.testing.assert_array_equal(problem.truth(x), problem.labels)
        assert problem.design_error(problem.labels) == 0.0


def test_the_signals_that_the_docstrings_promise():
    d, n = 6, 40_000
    linear = ss.problems.ball(n, d, noise=0.0, scale=2.0).labels
    assert np.mean(linear**2) == pytest.approx(4.0 / (d + 2), rel=0.03)
    alpha = 5.0
    x = ss.problems.radial(n, d, alpha=alpha, radius=((alpha + 1) * (alpha + 2) / 2) ** 0.5).inputs
    assert np.mean(np.sum(x**2, axis=1)) == pytest.approx(1.0, rel=0.03)
    default, norm = (ss.problems.subspaces(9, 4, **extra).labels for extra in ({}, {"truth": "norm"}))
    np.testing.assert_array_equal(default, norm)
    flat = ss.problems.subspaces(60, 8, count=2, inner=2).inputs
    assert np.linalg.matrix_rank(flat) == 4


def test_one_variable_is_a_problem_on_the_line():
    for name, door in DOORS.items():
        extra = {"truth": "norm"} if name != "subspaces" else {}
        problem = door(n=12, dimension=1, noise=0.0, seed=2, **extra)
        assert problem.inputs.shape == (12,)
        np.testing.assert_allclose(problem.labels, np.abs(problem.inputs))
        assert problem.line.x_max <= 1.0


def test_a_problem_can_be_sent_to_another_process():
    problem = ss.problems.sphere(n=8, dimension=3)
    again = pickle.loads(pickle.dumps(problem))
    np.testing.assert_array_equal(again.truth(problem.inputs), problem.truth(problem.inputs))


def test_refusals():
    ball = ss.problems.ball
    for call, sentence in (
        (lambda: ball(n=0), "n must be a whole number of at least 1, got 0"),
        (lambda: ball(dimension=2.0), "dimension must be a whole number of at least 1, got 2.0"),
        (lambda: ball(noise=-1.0), "noise must be finite and not negative, got -1.0"),
        (lambda: ball(scale=-1.0), "scale must be finite and not negative, got -1.0"),
        (lambda: ball(truth="lineal"), "truth 'lineal'.*'linear'"),
        (lambda: ball(truth=3.0), r"truth must name a function \(linear, norm, zero\) or be a function"),
        (lambda: ball(truth=lambda x: np.log(x[:, 0])), "truth must be finite at the inputs"),
        (lambda: ball(n=200, noise=1e308), "labels must be finite"),
        (lambda: ss.problems.radial(radius=0.0), "radius must be finite and positive, got 0.0"),
        (lambda: ss.problems.radial(alpha=-1.0), "alpha must be finite and positive, got -1.0"),
        (lambda: ss.problems.subspaces(inner=11), "inner must be at most 10, got 11"),
        (lambda: point_clouds.Field("norm", 3)(np.ones((4, 2))), r"x must have shape \(m, 3\), got \(4, 2\)"),
    ):
        with pytest.raises(InputError, match=sentence):
            call()
