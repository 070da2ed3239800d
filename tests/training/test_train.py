"""What a run records and says: states, warm-up, counts of neurons, divergence, refusals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import oracles as ref
import stepscape as ss
from cases import (
    METHODS,
    dense,
    edge,
    network,
    noisy,
    train,
)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_warm_up_rises_geometrically_from_the_inverse_sharpness(momentum):
    problem, net = noisy(seed=3), network(seed=3)
    top = np.linalg.eigvalsh(ref.hessian(net.parameters, dense(problem)))[-1]
    method = ss.GradientDescent(3.7 / top, 90, momentum=momentum, warmup_steps=40)
    run = ss.train(problem, net, method, record_every=10, measure_sharpness=False)
    assert run.step_size[0] == pytest.approx(
        1 / top, rel=1e-7
    )  # a Ritz value of relative residual 1e-4, squared
    expected = ref.geometric(run.step_size[0], method.step_size, 40, 91)
    np.testing.assert_allclose(run.step_size, expected[run.at_steps], rtol=1e-13)
    times = np.concatenate([[0.0], np.cumsum(expected)])[run.at_steps] / (1 - momentum)
    np.testing.assert_allclose(run.time, times, rtol=1e-13)
    # A step size below the inverse sharpness is used from the start.
    gentle = ss.GradientDescent(0.5 / top, 5, warmup_steps=40)
    assert ss.train(problem, net, gentle).step_size[0] == gentle.step_size


def test_records_are_the_states_at_their_steps():
    problem, net = noisy(seed=13), network(25, seed=2)
    method = ss.GradientDescent(edge(problem, net, {}), 47, weight_decay=0.01)
    seen = []
    run = ss.train(problem, net, method, record_every=10, observe=seen.append, record_at=(33, 3, 20))
    assert run.at_steps.tolist() == [0, 3, 10, 20, 30, 33, 40, 47] == [s.step for s in seen]
    d, trained = dense(problem), ref.mask(net.width, net.trainable)
    for i, snapshot in enumerate(seen):
        expected = ref.descend(net.parameters, d, trained, [method.step_size] * snapshot.step, decay=0.01)
        np.testing.assert_allclose(snapshot.network.parameters, expected.theta, atol=1e-12)
        np.testing.assert_allclose(snapshot.network_before.parameters, expected.before, atol=1e-12)
        assert run.loss[i] == pytest.approx(expected.losses[-1], rel=1e-12)
        decayed = 0.01 * np.diag(np.append(np.ones(75), 0.0))
        for theta, name in ((expected.theta, "_last"), ((expected.theta + expected.before) / 2, "")):
            top = np.linalg.eigvalsh(ref.hessian(theta, d) + decayed)[-1]
            assert getattr(run, f"sharpness{name}")[i] == pytest.approx(top, rel=1e-8)
            assert getattr(run, f"sharpness{name}_residual")[i] <= 2e-8 * top
            ratio = getattr(run, f"edge_ratio{name}")[i]
            assert ratio == pytest.approx(top * method.step_size / 2, rel=1e-8)
        middle = (ref.forward(expected.theta, d.x) + ref.forward(expected.before, d.x)) / 2
        np.testing.assert_allclose(snapshot.predict(d.x), middle, atol=1e-12)
        if i:
            move = expected.theta - expected.before
            change = ref.gradient(expected.theta, d) - ref.gradient(expected.before, d)
            assert run.smoothness[i] == pytest.approx(change @ move / (move @ move), abs=1e-8 * top)
    assert np.isnan(run.smoothness[0])
    np.testing.assert_allclose(run.predict(d.x), middle, atol=1e-12)
    np.testing.assert_allclose(run.time, run.at_steps * method.step_size)


def test_neurons_are_counted_by_definition():
    x = np.array([-1.0, 0.0, 1.0])
    # Knots: -0.5 and 0.5 inside; 1.0 and 2.0 not strictly inside; 0.001 sticks to the input 0.
    knots = np.array([-0.5, 0.5, 1.0, 2.0, 0.001, 1.0])
    w1 = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    net = ss.TwoLayerReLU(np.append(w1, [0.0, 0.0]), np.append(-w1 * knots, [1.0, -1.0]), np.ones(8))
    run = train(ss.Problem(x, x), net, 1e-9, 1)
    assert run.bent_neurons[0] == 3
    assert run.dead_neurons[0] == 2  # the knot at 1 that looks right, and w1 = 0 with b1 < 0
    assert run.knots_at_data[0] == 1
    single = train(ss.Problem([0.3], [1.0]), net, 1e-9, 1)
    assert single.bent_neurons[0] == single.knots_at_data[0] == 0


DIVERGENT = {
    "soon": (10.0, {}),
    "far": (1e3, {}),
    "overflows in a few steps": (1e150, {}),
    "overflows at once": (1e300, {}),
    "heavy ball": (10.0, {"momentum": 0.9}),
    "Nesterov": (1e100, {"momentum": 0.9, "nesterov": True}),
    "decay": (30.0, {"weight_decay": 0.3}),
    "warm-up": (1e4, {"warmup_steps": 50}),
    "heavy ball, overflows": (1e300, {"momentum": 0.9, "weight_decay": 0.1}),
}


@pytest.mark.parametrize(("factor", "method"), DIVERGENT.values(), ids=DIVERGENT)
@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("w2", "b2")], ids="+".join)
def test_divergence_is_an_outcome_noticed_within_a_record_interval(factor, method, blocks):
    problem, net = noisy(seed=1), network(50, seed=17, scale=1.5, trainable=blocks)
    eta = edge(problem, net, method, factor)
    every, made = 40, []
    options = ss.GradientDescent(eta, 100_000, **method)
    run = ss.train(problem, net, options, record_every=every, progress=made.append)
    assert run.outcome == "diverged"
    assert max(made) <= run.at_steps[-1] + every < 100_000
    warm_up = "raise warmup_steps" if "warmup_steps" in method else "set warmup_steps"
    assert run.message.endswith(f": lower step_size, shrink the initialization, or {warm_up}")
    assert f"diverged within {max(made)} steps at step_size {eta:g}" in run.message
    assert run.message.count("\n") == 0
    for name in ("time", "step_size", "loss", "sharpness", "sharpness_residual", "edge_ratio"):
        assert np.all(np.isfinite(getattr(run, name))), name
    assert np.all(np.isfinite(run.smoothness[1:]))
    for iterate in (run.network, run.network_before):
        assert np.all(np.isfinite(iterate.parameters))
    assert np.all(np.isfinite(run.predict(problem.inputs)))
    assert f"diverged after its last record, step {run.at_steps[-1]}, loss" in repr(run)


def test_the_step_size_a_divergence_message_allows_is_the_threshold_of_the_start():
    problem, net = noisy(seed=1), network(50, seed=17, scale=1.5)
    top = np.linalg.eigvalsh(ref.hessian(net.parameters, dense(problem)))[-1]
    for method, edge_product in (
        ({}, 2.0),
        ({"momentum": 0.5}, 3.0),
        ({"momentum": 0.5, "nesterov": True}, 1.5),
    ):
        run = train(problem, net, 1e6, 10, **method)
        assert f"initial sharpness {top:.4g} allows step sizes up to {edge_product / top:.3g}" in run.message


def test_a_divergence_message_does_not_contradict_itself():
    # Stable where it starts, then the sharpness grows and the run is lost.
    problem, net = noisy(12, seed=0), network(9, seed=0, trainable=("w1", "b1", "w2"))
    method = ss.GradientDescent(edge(problem, net, METHODS["heavy ball"], 0.6), 60, momentum=0.9)
    run = ss.train(problem, net, method, record_every=10)
    limit = method.threshold() * method.step_size / run.sharpness[0]
    assert run.outcome == "diverged"
    assert limit > method.step_size
    assert f"would allow step sizes up to {limit:.3g}, but it grew on the way: lower step_size" in run.message


def test_an_unstable_start_on_zero_labels_is_not_called_divergence():
    # Labels 0 and f = 0 on the data up to 1e-9: the loss grows by far more than 10^10 times before the
    # network settles in a flatter place, at the scale of its own parameters.
    x = np.array([-1.0, 1.0])
    net = ss.TwoLayerReLU([2.0, 2.0], [3.0, 3.0], [1.0, -1.0 + 1e-9], 0.0, trainable=("w1", "b1", "w2"))
    problem = ss.Problem(x, 0 * x)
    method = ss.GradientDescent(edge(problem, net, {}, 1.2), 300)
    run = ss.train(problem, net, method, record_every=1, measure_sharpness=False)
    assert run.outcome == "finished", run.message
    assert run.loss.max() > 1e13 * run.loss[0]


def test_a_start_whose_loss_overflows_is_refused_with_a_way_out():
    problem = ss.Problem([-1.0, 1.0], [1e200, -1e200])
    with pytest.raises(
        ss.InputError, match=r"the loss must be finite, got a number beyond 1.8e308; rescale the labels"
    ):
        ss.train(problem, network(4), ss.GradientDescent(0.1, 10))


@pytest.mark.parametrize("every", [0, -1, 1.5, "10", None, True])
def test_record_every_must_be_a_whole_number(every):
    with pytest.raises(ss.InputError, match=r"record_every must be a whole number of at least 1, got"):
        ss.train(noisy(), network(), ss.GradientDescent(0.1, 10), record_every=every)


@pytest.mark.parametrize("step", [0, 11])
def test_further_records_must_lie_within_the_run(step):
    with pytest.raises(ss.InputError, match=f"record_at must lie between 1 and the 10 steps, got {step}"):
        ss.train(noisy(), network(), ss.GradientDescent(0.1, 10), record_at=(5, step))


def test_a_finished_run_says_so():
    run = train(noisy(), network(), 0.01, 30)
    assert run.message == "finished after 30 steps"
    assert "finished after 30 steps, loss" in repr(run)
    assert np.isnan(run.sharpness).all()
    assert np.isnan(run.edge_ratio).all()
    measured = ss.train(noisy(), network(), ss.GradientDescent(0.01, 30))
    assert "edge ratio" in repr(measured)


THRESHOLDS = [(0.0, False), (0.3, False), (0.9, False), (0.3, True), (0.9, True)]


def recursion(product, beta, nesterov, steps):
    """Follow the method on ½ λ x² with ηλ = product from x = 1, v = 0, in η-free units."""
    x, v, out = 1.0, 0.0, [1.0]
    for _ in range(steps):
        v = beta * v + product * x
        x -= product * x + beta * v if nesterov else v
        out.append(x)
    return np.array(out)


@pytest.mark.parametrize(("beta", "nesterov"), THRESHOLDS)
@pytest.mark.parametrize("sign", [-1, 1], ids=["below", "above"])
def test_perturb_and_run_at_a_real_minimum(beta, nesterov, sign):
    # At an interpolating minimum, 1e-6 off along the top eigenvector, the deviation follows the recursion of
    # the quadratic with curvature λ: |1 - ηλ| = .99 or 1.01 a step for descent. Higher orders are 1e-6
    # relative a step, and grow with the 300 steps.
    net = network(15, seed=3)
    x = np.linspace(-2, 2, 12) + 0.013
    assert np.abs(net.knots[:, None] - x).min() > 1e-3
    problem = ss.Problem(x, net.predict(x))
    values, vectors = np.linalg.eigh(ref.hessian(net.parameters, dense(problem)))
    top, size = vectors[:, -1], 1e-6 * (1 - beta)
    start = net.with_parameters(net.parameters + size * top)
    options = {"momentum": beta, "nesterov": nesterov} if beta else {}
    edge_product = ss.GradientDescent(1.0, 1, **options).threshold()
    product = edge_product + sign * 0.01 * (1 - beta)
    method = ss.GradientDescent(product / values[-1], 300, **options)
    away = []
    ss.train(problem, start, method, 1, measure_sharpness=False,
             observe=lambda s: away.append(top @ (s.network.parameters - net.parameters)))  # fmt: skip
    expected = size * recursion(product, beta, nesterov, 300)
    np.testing.assert_allclose(away, expected, rtol=0, atol=5e-3 * np.abs(expected).max())
    if beta == 0.0:
        ratio = np.array([abs(b / a) for a, b in pairwise(away)])
        np.testing.assert_allclose(ratio, 1 + sign * 0.01, atol=1e-4)
    late = np.abs(away[-20:]).max() / np.abs(away[30:50]).max()
    assert late < 0.9 if sign < 0 else late > 1.1


def test_arguments_of_another_type_are_named():
    problem, net, method = noisy(), network(), ss.GradientDescent(0.1, 5)
    for wrong, message in (
        (
            lambda: ss.train(problem, net, 0.1),
            "method must be a GradientDescent or another method",
        ),
        (lambda: ss.train(net, problem, method), "problem must be a Problem, got a TwoLayerReLU"),
        (lambda: ss.certify(problem, problem), "network must be a TwoLayerReLU, got a Problem"),
        (lambda: ss.theory.worst_case_excess([1.0], [1], [0.0]), "flat must be a FlatClass, got a list"),
        (lambda: ss.theory.worst_case_gap([1.0], [1], [0.0]), "flat must be a FlatClass, got a list"),
        (lambda: ss.theory.expected_excess(net), "flat must be a FlatClass, got a TwoLayerReLU"),
        (
            lambda: ss.problems.bernoulli(net),
            r"name must name a curve \(tent, .*\) or be a function of the in",
        ),
        (
            lambda: ss.theory.margin_cost([0.0, 1.0], ["a", "b"]),
            "labels must hold real numbers, got an array of dtype <U1",
        ),
    ):
        with pytest.raises(ss.InputError, match=message):
            wrong()
