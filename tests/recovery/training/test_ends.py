"""Where trainings end: penalties on the trace at the flattest point, others elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.recovery import (
    Training,
    settled_step_size,
    stable_step_size,
    trace_penalty_limit,
    train_factors,
    weight_decay_limit,
)
from stepscape.theory.low_rank import flat_factors, flattest_trace

PROBLEMS = {
    "sensing": lambda: ss.problems.matrix_sensing(8, 7, 1, 35, seed=1),
    "completion": lambda: ss.problems.matrix_completion(8, 7, 1, 42, seed=0),
}


def trained(problem, seed=0, width=7, scale=1.0, **parts):
    start = ss.Factorization.random(problem.shape, width, scale, problem.structure, seed=seed)
    eta = parts.pop("eta", 0.5) * settled_step_size(problem, start)
    training = Training(eta, parts.pop("steps", 2000), **parts)
    flat = flattest_trace(problem, problem.truth)
    return train_factors(problem, [start], training, training.steps, seed, flattest=flat)


@pytest.mark.parametrize("name", PROBLEMS)
def test_an_annealed_penalty_on_the_trace_ends_at_the_flattest_point(name):
    problem = PROBLEMS[name]()
    paths = trained(problem, trace_penalty=0.1 * trace_penalty_limit(problem))
    assert paths.trace_ratio[0, -1] == pytest.approx(1.0, abs=5e-5)
    assert paths.error[0, -1] < 1e-5
    assert paths.norm_excess[0, -1] > 1e-3  # the flattest factors are not norm-minimal


@pytest.mark.parametrize("name", PROBLEMS)
def test_annealed_weight_decay_ends_at_norm_minimal_factors_which_are_not_the_flattest(name):
    problem = PROBLEMS[name]()
    paths = trained(problem, weight_decay=0.1 * weight_decay_limit(problem))
    assert paths.norm_excess[0, -1] == pytest.approx(0.0, abs=1e-6)
    assert paths.imbalance[0, -1] == pytest.approx(0.0, abs=1e-3)
    assert paths.error[0, -1] < 1e-5
    assert paths.trace_ratio[0, -1] > 1.0 + 1e-3


def test_plain_descent_ends_at_a_larger_trace_and_label_noise_lowers_it():
    problem = PROBLEMS["sensing"]()
    plain, noisy = trained(problem, eta=0.3), trained(problem, eta=0.3, label_noise=2.0)
    assert plain.loss[0, -1] < 1e-3
    assert plain.trace_ratio[0, -1] > 1.2
    assert noisy.trace_ratio[0, -1] < 1.0 + 0.2 * (plain.trace_ratio[0, -1] - 1.0)
    assert noisy.error[0, -1] < 0.3 * plain.error[0, -1]


def test_descent_stays_at_the_flattest_point_below_its_edge_and_leaves_it_above():
    problem = PROBLEMS["completion"]()
    flat, trace = flat_factors(problem, problem.truth), flattest_trace(problem, problem.truth)
    rng = np.random.default_rng(0)
    near = flat.with_parameters(flat.parameters + 1e-3 * rng.standard_normal(flat.parameters.size))
    edge = stable_step_size(problem, flat)
    training = Training((0.95 * edge, 1.05 * edge), 4000)
    stays, leaves = 0, 1
    paths = train_factors(problem, [near, near], training, 4000, flattest=trace)
    assert paths.loss[:, -1].max() < 1e-3 * problem.loss(0.0 * problem.truth)
    assert paths.error[stays, -1] < 1e-3 < 0.03 < paths.error[leaves, -1]
    # Where it goes λ_max is smaller and the trace is larger: flat in λ_max is not flat in the trace.
    assert paths.edge_ratio[leaves, -1] < 1.001
    assert paths.sharpness[leaves, -1] < paths.sharpness[stays, -1]
    assert paths.trace_ratio[leaves, -1] > 1.01 > 1.0 + 1e-3 > paths.trace_ratio[stays, -1]


def test_large_steps_end_below_their_edge():
    problem = PROBLEMS["sensing"]()
    small, large = trained(problem, scale=2.0, eta=0.3), trained(problem, scale=2.0, eta=1.2)
    assert max(small.loss[0, -1], large.loss[0, -1]) < 1e-5
    assert small.edge_ratio[0, -1] / 0.3 == pytest.approx(1.0, abs=0.05)  # a step of 1 is at the edge there
    assert large.edge_ratio[0, -1] <= 1.0
    assert large.sharpness[0, -1] < small.sharpness[0, -1] / 1.2
