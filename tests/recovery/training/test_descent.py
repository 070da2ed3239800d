"""Steps of a training: what each part adds, what is left out at 0, and that starts do not meet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import stepscape as ss
from low_rank_cases import KINDS, STRUCTURES, linear_map, torch_loss, torch_matrix
from stepscape.recovery import (
    Training,
    train_factors,
)
from stepscape.recovery.training.descent import FactorDescent
from stepscape.recovery.training.draws import Draw, Draws

EPS = np.finfo(float).eps
PLAIN = Training(0.01, 50)
EVERYTHING = Training(
    0.003,
    40,
    5,
    False,
    label_noise=0.3,
    trace_penalty=0.01,
    trace="hutchinson",
    weight_decay=0.02,
    ascent=0.1,
)


def case(kind="dense", structure="any", m=9, seed=0):
    rng = np.random.default_rng(seed)
    squares = structure != "any"
    given = linear_map(kind, 4, 4 if squares else 3, m, rng, squares)
    problem = ss.problems.Measurements(given, rng.standard_normal(m), structure)
    width = (2, 1) if structure == "symmetric" else 2
    starts = [ss.Factorization.random(problem.shape, width, 1.0, structure, seed=s) for s in range(10)]
    return problem, starts


def parameters(paths):
    return np.array([factors.parameters for factors in paths.factors])


def train(problem, starts, training, seed=0):
    return train_factors(problem, starts, training, training.steps, seed, measure_sharpness=False)


def autograd(loss, at):
    """Gradient of a loss of PyTorch."""
    theta = torch.tensor(at, requires_grad=True)
    return torch.autograd.grad(loss(theta), theta)[0].numpy()


def slopes(problem, start, training, draw):
    """Slope of the loss, and of the trace, at a start, before any step."""
    o = ss.objectives.factors(problem, factors=start)
    descent = FactorDescent(o, start.parameters[None], training, [0])
    return descent._slope(descent.theta, draw, 1.0)[0], descent._trace_slope(descent.theta, draw)[0]


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_full_batch_descent_is_that_of_the_common_loop(kind, structure):
    problem, starts = case(kind, structure)
    o = ss.objectives.factors(problem, factors=starts[0])
    path = ss.training.run(
        o, starts[0].parameters, ss.GradientDescent(0.01, 50, weight_decay=0.1), measure_sharpness=False
    )
    paths = train(problem, starts[:2], replace(PLAIN, weight_decay=0.1, anneal=0.0))
    # 50 contracting steps add up their roundings.
    np.testing.assert_allclose(parameters(paths)[0], path.theta, rtol=0, atol=50 * 100 * EPS)


@pytest.mark.parametrize("training", [PLAIN, EVERYTHING, replace(EVERYTHING, replacement=True)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_start_has_the_same_bits_alone_and_among_ten(kind, training):
    problem, starts = case(kind)
    together = parameters(train(problem, starts, training, seed=7))
    for s in (0, 3, 9):
        alone = parameters(train(problem, [starts[s]], training, seed=7 + s))
        np.testing.assert_array_equal(together[s], alone[0])


def test_records_do_not_change_the_path():
    problem, starts = case()
    often = train_factors(problem, starts[:2], EVERYTHING, 3, measure_sharpness=True)
    np.testing.assert_array_equal(parameters(often), parameters(train(problem, starts[:2], EVERYTHING)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_all_measurements_without_replacement_is_the_full_batch(kind):
    problem, starts = case(kind)
    full = parameters(train(problem, starts, PLAIN))
    batch = parameters(train(problem, starts, replace(PLAIN, batch=problem.size, replacement=False)))
    np.testing.assert_allclose(batch, full, rtol=0, atol=50 * 100 * EPS)
    other = parameters(train(problem, starts, replace(PLAIN, batch=problem.size)))
    assert np.abs(other - full).max() > 1e-3  # with replacement it is not


def test_a_pass_without_replacement_sees_each_measurement_once():
    draws = Draws(Training(0.01, 6, batch=3, replacement=False), 10, 14, [0])
    seen = [draws.next().places[0] for _ in range(6)]
    for one_pass in (seen[:3], seen[3:]):
        assert len(set(np.concatenate(one_pass).tolist())) == 9
    assert not np.array_equal(seen[0], seen[3])


@pytest.mark.parametrize("field", ["label_noise", "trace_penalty", "weight_decay", "ascent"])
def test_a_part_that_is_0_is_left_out_and_one_that_is_not_counts(field):
    problem, starts = case()
    plain = parameters(train(problem, starts, PLAIN))
    np.testing.assert_array_equal(plain, parameters(train(problem, starts, replace(PLAIN, **{field: 0.0}))))
    assert np.abs(plain - parameters(train(problem, starts, replace(PLAIN, **{field: 0.1})))).max() > 1e-5


@pytest.mark.parametrize("field", ["label_noise", "trace_penalty", "weight_decay", "ascent"])
def test_the_last_steps_are_plain_descent(field):
    problem, starts = case()
    training = Training(0.01, 100, **{field: 0.1}, anneal=1.0, settle=0.7)
    path = {}
    train_factors(problem, starts[:2], training, 30, observe=path.__setitem__, measure_sharpness=False)
    rest = train(problem, [path[30][s] for s in range(2)], Training(0.01, 70))
    np.testing.assert_array_equal(parameters(rest)[0], path[100][0].parameters)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_slopes_of_batch_and_noise_are_those_of_autograd(structure):
    problem, starts = case(structure=structure)
    rng = np.random.default_rng(4)
    places, noise = rng.integers(0, 9, (1, 5)), rng.standard_normal((1, 5))
    slope, _ = slopes(problem, starts[0], replace(PLAIN, batch=5, label_noise=0.3), Draw(places, noise, None))
    rms = np.sqrt(np.mean(problem.labels**2))
    given = ss.problems.Dense(problem.linear_map.matrices[places[0]])
    same = torch_loss(given, problem.labels[places[0]] + 0.3 * rms * noise[0], starts[0].widths, structure)
    expected = autograd(same, starts[0].parameters)
    np.testing.assert_allclose(slope, expected, rtol=0, atol=100 * EPS * np.abs(expected).max())


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_slope_of_the_trace_is_that_of_its_quadratic_form(kind, structure):
    problem, starts = case(kind, structure)
    _, slope = slopes(problem, starts[0], replace(PLAIN, trace_penalty=1.0), Draw(None, None, None))
    o = ss.objectives.factors(problem, factors=starts[0])
    expected = o.gauss_newton_trace_gradient(starts[0].parameters)
    np.testing.assert_allclose(slope, expected, rtol=0, atol=100 * EPS * np.abs(expected).max())


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_slope_of_a_probe_is_that_of_autograd_and_its_mean_that_of_the_trace(structure):
    problem, starts = case(structure=structure)
    start = starts[0]
    o, rng = ss.objectives.factors(problem, factors=start), np.random.default_rng(5)
    training = replace(PLAIN, trace_penalty=1.0, trace="hutchinson")
    matrices = torch.tensor(problem.linear_map.matrices)

    def form(theta, z):
        """zᵀGz: X is quadratic in θ, so that a central difference of any step is its derivative along z."""
        up, down = (torch_matrix(at, problem.shape, start.widths, structure) for at in (theta + z, theta - z))
        return 2.0 * (torch.einsum("ijk,jk->i", matrices, (up - down) / 2.0) ** 2).mean()

    z = 2.0 * rng.integers(0, 2, o.size) - 1.0
    _, slope = slopes(problem, start, training, Draw(None, None, z[None]))
    expected = autograd(lambda theta: form(theta, torch.tensor(z)), start.parameters)
    np.testing.assert_allclose(slope, expected, rtol=0, atol=1000 * EPS * np.abs(expected).max())
    # Over the rows of a Hadamard matrix z_i z_j averages to δ_ij exactly, as over all vectors of signs.
    H = np.array([[1.0]])
    while len(H) < o.size:
        H = np.block([[H, H], [H, -H]])
    mean = np.mean(
        [slopes(problem, start, training, Draw(None, None, h[None, : o.size]))[1] for h in H], axis=0
    )
    exact = o.gauss_newton_trace_gradient(start.parameters)
    np.testing.assert_allclose(mean, exact, rtol=0, atol=1000 * EPS * np.abs(exact).max())


@pytest.mark.parametrize("structure", STRUCTURES)
def test_sam_takes_the_slope_a_radius_further_up(structure):
    problem, starts = case(structure=structure)
    o = ss.objectives.factors(problem, factors=starts[0])
    theta = starts[0].parameters
    g = o.gradient(theta)
    expected = theta - 0.01 * o.gradient(theta + 0.2 * g / np.linalg.norm(g))
    stepped = parameters(train(problem, starts[:1], Training(0.01, 1, ascent=0.2, anneal=0.0)))[0]
    np.testing.assert_allclose(stepped, expected, rtol=0, atol=100 * EPS * np.abs(expected).max())


def test_sam_stays_where_the_slope_is_0():
    problem, _ = case()
    zero = ss.Factorization(np.zeros((4, 2)), np.zeros((3, 2)))
    paths = train(problem, [zero], Training(0.01, 3, ascent=0.2, anneal=0.0))
    np.testing.assert_array_equal(parameters(paths)[0], zero.parameters)


def test_label_noise_has_the_stated_size_and_no_mean():
    problem, _ = case(m=400)
    o = ss.objectives.factors(problem, (2, 2))
    descent = FactorDescent(o, np.zeros((1, o.size)), replace(PLAIN, label_noise=0.5), [0])
    drawn = np.array([descent._draws.next().noise[0] for _ in range(100)])
    assert abs(drawn.mean()) < 5.0 / 200.0  # 5 standard errors
    assert abs(drawn.std() - 1.0) < 5.0 / np.sqrt(2 * 40_000)
    assert descent._noise == 0.5 * np.sqrt(np.mean(problem.labels**2))


def test_a_start_that_diverges_does_not_change_the_others():
    problem, starts = case()
    wild = ss.Factorization(1e3 * starts[1].left, 1e3 * starts[1].right)
    together = train(problem, [starts[0], wild, starts[2]], EVERYTHING)
    assert together.outcome == ("finished", "diverged", "finished")
    for s in (0, 2):
        alone = train(problem, [starts[s]], EVERYTHING, seed=s)
        np.testing.assert_array_equal(parameters(together)[s], parameters(alone)[0])
    np.testing.assert_array_equal(together.factors[1].parameters, wild.parameters)
    assert np.isfinite(together.loss[:, 0]).all()
    assert np.isnan(together.loss[1, 1:]).all()


def test_all_starts_may_diverge():
    problem, starts = case()
    paths = train_factors(problem, starts[:3], Training(1e3, 1000), 100)
    assert set(paths.outcome) == {"diverged"}
    assert np.isnan(paths.loss[:, 1:]).all()
    assert "0 of 3 starts finished" in repr(paths)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_adds_both_penalties_to_the_gradient(kind, structure):
    problem, starts = case(kind, structure)
    o, theta = ss.objectives.factors(problem, factors=starts[0]), starts[0].parameters
    training = Training(0.01, 1, trace_penalty=0.3, weight_decay=0.2, anneal=0.0)
    g = o.gradient(theta) + 0.3 * o.gauss_newton_trace_gradient(theta) + 0.2 * theta
    stepped = parameters(train(problem, starts[:1], training))[0]
    np.testing.assert_allclose(stepped, theta - 0.01 * g, rtol=0, atol=100 * EPS * np.abs(theta).max())


@pytest.mark.parametrize("part", ["trace_penalty", "weight_decay"])
def test_where_every_entry_is_seen_penalties_shift_the_singular_values_and_the_balance(part):
    """The stationary points of (1/m) ‖L Rᵀ − M‖² with a penalty, in closed form.

    With M = P Σ Qᵀ, L = a P S^½ and R = Q S^½/a the slope vanishes for S = Σ − c, if
    (2/m) c = λ, a = 1 for weight decay; D1² = d2/m and D2² = d1/m give c = 2τ √(d1 d2), a⁴ = d1/d2.
    """
    d1, d2, size = 4, 3, 0.05
    problem = ss.problems.matrix_factorization(d1, d2, 2, seed=1)
    P, values, Qt = np.linalg.svd(problem.truth)
    trace = part == "trace_penalty"
    shift = 2.0 * size * np.sqrt(d1 * d2) if trace else size * d1 * d2 / 2.0
    balance = (d1 / d2) ** 0.25 if trace else 1.0
    roots = np.sqrt(values[:2] - shift)
    at = ss.Factorization(balance * P[:, :2] * roots, Qt[:2].T * roots / balance)
    paths = train(problem, [at], Training(0.1, 50, **{part: size}, anneal=0.0))
    np.testing.assert_allclose(parameters(paths)[0], at.parameters, rtol=0, atol=50 * 100 * EPS)
