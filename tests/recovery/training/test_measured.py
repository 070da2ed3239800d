"""What is measured on a path: against dense Hessians, and against the definitions."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from low_rank_cases import KINDS, STRUCTURES, linear_map
from stepscape.errors import InputError, NotConverged
from stepscape.recovery import (
    Training,
    settled_step_size,
    stable_step_size,
    trace_penalty_limit,
    train_factors,
    weight_decay_limit,
)
from stepscape.recovery.training import hessian_frobenius
from stepscape.theory.low_rank import flattest_trace, hessian_trace

WIDTHS = {"any": 2, "symmetric": (2, 1), "psd": 2}


def case(kind="dense", structure="any", m=9, seed=0):
    rng = np.random.default_rng(seed)
    squares = structure != "any"
    given = linear_map(kind, 4, 4 if squares else 3, m, rng, squares)
    truth = ss.Factorization.random(given.shape, WIDTHS[structure], 1.0, structure, seed=100).matrix
    problem = ss.problems.Measurements(given, given.apply(truth), structure, truth)
    return problem, [
        ss.Factorization.random(given.shape, WIDTHS[structure], 1.0, structure, s) for s in (0, 1)
    ]


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_frobenius_norm_is_that_of_the_dense_hessian(kind, structure):
    problem, starts = case(kind, structure)
    o = ss.objectives.factors(problem, factors=starts[0])
    dense = np.linalg.norm(o.hessian(starts[0].parameters).dense())
    assert hessian_frobenius(o, starts[0].parameters) == pytest.approx(dense, rel=1e-13)


def test_the_frobenius_norm_of_a_hessian_of_0_is_0():
    problem, _ = case()
    zero = ss.problems.Measurements(problem.linear_map, np.zeros(9))
    o = ss.objectives.factors(zero, (2, 2))
    assert hessian_frobenius(o, np.zeros(o.size)) == 0.0


@pytest.mark.parametrize("structure", STRUCTURES)
def test_records_are_what_their_names_say(structure):
    problem, starts = case(structure=structure)
    flat = flattest_trace(problem, problem.truth)
    paths = train_factors(problem, starts, Training(0.01, 20), 8, flattest=flat, measure_frobenius=True)
    np.testing.assert_array_equal(paths.at_steps, [0, 8, 16, 20])
    for s, last in enumerate(paths.factors):
        X, o = last.matrix, ss.objectives.factors(problem, factors=last)
        values = np.linalg.svd(X, compute_uv=False)
        top = np.linalg.eigvalsh(o.hessian(last.parameters).dense())[-1]
        expected = {
            "loss": problem.loss(X),
            "sharpness": top,
            "trace": hessian_trace(problem, last),
            "trace_ratio": hessian_trace(problem, last) / flat,
            "hessian_frobenius": o.hessian(last.parameters).frobenius,
            "error": np.linalg.norm(X - problem.truth) / np.linalg.norm(problem.truth),
            "rank": np.sum(values > 0.01 * values[0]),
            "stable_rank": np.sum(values**2) / values[0] ** 2,
            "norm_excess": last.squared_norm / values.sum() / (2.0 if structure == "any" else 1.0) - 1.0,
            "imbalance": ss.theory.low_rank.imbalance(last),
            "edge_ratio": top * 0.01 / 2.0,
        }
        for name, value in expected.items():
            assert getattr(paths, name)[s, -1] == pytest.approx(value, rel=1e-5, abs=1e-12), name
        assert abs(paths.sharpness[s, -1] - top) <= paths.sharpness_residual[s, -1] + 1e-12 * top


def test_what_is_not_measured_is_nan():
    problem, starts = case()
    unknown = ss.problems.Measurements(problem.linear_map, problem.labels)
    zero = ss.Factorization(np.zeros((4, 2)), np.zeros((3, 2)))
    paths = train_factors(unknown, [*starts, zero], Training(0.01, 2), measure_sharpness=False)
    for name in (
        "sharpness",
        "sharpness_residual",
        "trace_ratio",
        "hessian_frobenius",
        "error",
        "edge_ratio",
    ):
        assert np.isnan(getattr(paths, name)).all(), name
    assert np.isnan(paths.stable_rank[2]).all()
    assert (paths.rank[2] == 0.0).all()
    assert "3 of 3 starts finished, median loss" in repr(paths)


def test_observers_are_called_at_the_records():
    problem, starts = case()
    seen, steps = {}, []
    paths = train_factors(
        problem, starts, Training(0.01, 5), 2, progress=steps.append, observe=seen.__setitem__
    )
    assert steps == [0, 2, 4, 5] == list(seen)
    np.testing.assert_array_equal(seen[0][1].parameters, starts[1].parameters)
    np.testing.assert_array_equal(seen[5][0].parameters, paths.factors[0].parameters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"starts": []}, "starts must hold at least one Factorization, got none"),
        ({"starts": [1]}, "each of starts must be a Factorization"),
        ({"training": 3}, "training must be a Training"),
        ({"problem": 3}, "problem must be a Measurements"),
        ({"record_every": 0}, "record_every must be a whole number of at least 1"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"observe": 3}, "observe must be a function"),
        ({"progress": 3}, "progress must be a function"),
        ({"flattest": 0.0}, "flattest must be finite and positive"),
        ({"measure_sharpness": 1}, "measure_sharpness must be True or False"),
        ({"measure_frobenius": 1}, "measure_frobenius must be True or False"),
        ({"training": Training((0.1,), 3)}, "one for each of the 2 starts"),
        (
            {"training": Training(0.1, 3, batch=10, replacement=False)},
            "batch must be at most the number of measurements, 9, without replacement, got 10",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    problem, starts = case()
    given = {"problem": problem, "starts": starts, "training": Training(0.1, 3)} | change
    with pytest.raises(InputError, match=message):
        train_factors(**given)


def test_starts_must_fit_each_other_and_have_a_loss():
    problem, starts = case()
    other = ss.Factorization.random((4, 3), 3)
    with pytest.raises(InputError, match=r"starts must all have the widths \(2, 2\) of the first one"):
        train_factors(problem, [starts[0], other], Training(0.1, 3))
    far = ss.Factorization(1e60 * starts[0].left, starts[0].right)
    with pytest.raises(InputError, match=r"the loss of a start must be at most 1e\+200"):
        train_factors(problem, [starts[0].with_parameters(1e60 * starts[0].parameters)], Training(0.1, 3))
    paths = train_factors(problem, [far], Training(0.1, 30), 10)
    assert paths.outcome == ("diverged",)


def test_a_record_too_often_for_the_memory_is_refused():
    problem, starts = case()
    with pytest.raises(InputError, match="record_every must fit in memory"):
        train_factors(problem, starts, Training(0.1, 10**13), 1)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_stable_step_size_is_that_of_the_dense_hessian(structure):
    problem, starts = case(structure=structure)
    h = ss.objectives.factors(problem, factors=starts[0]).hessian(starts[0].parameters).dense()
    assert stable_step_size(problem, starts[0]) == pytest.approx(2.0 / np.linalg.eigvalsh(h)[-1], rel=1e-6)


def test_without_upward_curvature_there_is_no_stable_step_size():
    problem, starts = case()
    zero = ss.problems.Measurements(problem.linear_map, np.zeros(9))
    with pytest.raises(InputError, match="the sharpness of the start must be positive"):
        stable_step_size(zero, ss.Factorization(np.zeros((4, 2)), np.zeros((3, 2))))
    with pytest.raises(InputError, match="problem must be a Measurements"):
        stable_step_size(3, starts[0])


def test_the_settled_step_size_is_2_over_the_sharpness_where_small_steps_end():
    problem, starts = case(m=6)
    eta = settled_step_size(problem, starts[0])
    o = ss.objectives.factors(problem, factors=starts[0])
    small = ss.GradientDescent(0.25 * stable_step_size(problem, starts[0]), 4000)
    end = ss.training.run(o, starts[0].parameters, small, measure_sharpness=False).theta
    assert eta == pytest.approx(2.0 / np.linalg.eigvalsh(o.hessian(end).dense())[-1], rel=1e-3)
    with pytest.raises(NotConverged, match=r"the loss is .* after 20 steps of size .*; take more steps"):
        settled_step_size(problem, starts[0], steps=20)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_at_the_limits_the_flattest_direction_at_0_is_flat(kind, structure):
    problem, _ = case(kind, structure, m=20)
    o = ss.objectives.factors(problem, (3, 2) if structure == "symmetric" else 3)
    zero = np.zeros(o.size)
    h = o.hessian(zero).dense()
    trace = np.array([o.gauss_newton_trace_gradient(unit) for unit in np.eye(o.size)])
    added = {
        "decay": weight_decay_limit(problem) * np.eye(o.size),
        "trace": trace_penalty_limit(problem) * trace,
    }
    for penalty in added.values():
        values = np.linalg.eigvalsh(h + penalty)
        assert abs(values[0]) <= 1e-12 * values[-1]
