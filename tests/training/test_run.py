"""The one loop of all training, on objectives without a loop of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import stepscape as ss
from cases import METHODS, network, noisy
from stepscape import objectives, training

START = np.array([1.7, 0.4])
MASK = np.array([True, False])


def torch_path(method, start, mask):
    """Iterates of torch.optim.SGD on (xy − 1)², weight decay on the masked coordinates only."""
    parts = [torch.tensor([value], requires_grad=True) for value in start]
    groups = [
        {"params": [part], "weight_decay": method.weight_decay * bool(on)}
        for part, on in zip(parts, mask, strict=True)
    ]
    sgd = torch.optim.SGD(groups, lr=method.step_size, momentum=method.momentum, nesterov=method.nesterov)
    iterates = [start]
    for _ in range(method.steps):
        sgd.zero_grad()
        ((parts[0] * parts[1] - 1.0) ** 2).sum().backward()
        sgd.step()
        iterates.append(np.array([part.item() for part in parts]))
    return np.array(iterates)


@pytest.mark.parametrize("mask", [MASK, None], ids=["masked decay", "full decay"])
@pytest.mark.parametrize(
    "method", [options for name, options in METHODS.items() if "warm-up" not in name], ids=str
)
def test_steps_are_those_of_torch(method, mask):
    settings = ss.GradientDescent(0.05, 250, **method)
    expected = torch_path(settings, START, np.ones(2) if mask is None else mask)
    points = []
    run = training.run(objectives.scalar_product(), START, settings, 9, observe=points.append, decayed=mask)
    np.testing.assert_allclose(run.time, 0.05 / (1.0 - settings.momentum) * run.at_steps, rtol=1e-12)
    np.testing.assert_allclose(run.theta, expected[-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.theta_before, expected[-2], rtol=0, atol=1e-12)
    for point in points:
        np.testing.assert_allclose(point.theta, expected[point.step], rtol=0, atol=1e-12)


def test_records_stand_where_they_were_asked_for():
    points, made = [], []
    run = training.run(
        objectives.scalar_product(), START, ss.GradientDescent(0.1, 1000), 400, True, points.append,
        made.append, [7, 400],
    )  # fmt: skip
    assert run.at_steps.tolist() == [0, 7, 400, 800, 1000] == [point.step for point in points]
    assert made[-1] == 1000
    assert np.all(np.diff(made) > 0)
    np.testing.assert_allclose(run.time, 0.1 * run.at_steps)
    for i, point in enumerate(points):
        x, y = point.theta
        assert run.loss[i] == point.loss == pytest.approx((x * y - 1.0) ** 2, rel=1e-14)
        np.testing.assert_array_equal(point.midpoint, (point.theta + point.theta_before) / 2.0)
        for theta, name in ((point.midpoint, ""), (point.theta, "_last")):
            x, y = theta
            h = 2.0 * np.array([[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]])
            sharpness = getattr(run, f"sharpness{name}")[i]
            assert sharpness == pytest.approx(np.linalg.eigvalsh(h)[-1], rel=1e-8)
            assert getattr(run, f"edge_ratio{name}")[i] == pytest.approx(sharpness * 0.1 / 2.0, rel=1e-14)
    assert run.sharpness[1] != run.sharpness_last[1]
    assert run.census == {}
    assert points[0].theta is not START
    assert repr(run).startswith("Path(finished after 1000 steps, loss ")
    assert "edge ratio" in repr(run)


def test_sharpness_is_that_of_the_decayed_matrix_on_the_mask():
    matrix = np.array([[1.0, 0.3], [0.3, 2.0]])
    method = ss.GradientDescent(0.1, 5, weight_decay=3.0)
    for mask in (None, MASK):
        run = training.run(objectives.quadratic(matrix), START, method, decayed=mask)
        shift = 3.0 * np.diag(np.ones(2) if mask is None else mask)
        assert run.sharpness[0] == pytest.approx(np.linalg.eigvalsh(matrix + shift)[-1], rel=1e-8)


def test_a_run_without_measurements_says_so():
    run = training.run(
        objectives.scalar_product(), START, ss.GradientDescent(0.1, 9), measure_sharpness=False
    )
    assert np.isnan([run.sharpness, run.edge_ratio, run.smoothness]).all()
    assert "sharpness" not in repr(run)


def test_a_warm_up_starts_at_one_over_the_initial_sharpness():
    objective = objectives.quadratic(np.diag([1.0, 50.0]))
    method = ss.GradientDescent(0.03, 300, warmup_steps=100)
    run = training.run(objective, START, method, record_every=50)
    first = 1.0 / 50.0
    expected = np.where(run.at_steps < 100, first * (0.03 / first) ** (run.at_steps / 100), 0.03)
    np.testing.assert_allclose(run.step_size, expected, rtol=1e-6)
    rates = first * (0.03 / first) ** (np.arange(100) / 100)
    factor = np.prod(1.0 - rates) * (1.0 - 0.03) ** 200
    assert run.theta[0] == pytest.approx(START[0] * factor, rel=1e-6)
    assert run.time[-1] == pytest.approx(rates.sum() + 0.03 * 200, rel=1e-6)


def test_divergence_is_a_result_and_says_what_to_do():
    for start, step_size in ((START, 50.0), (START, 0.9), (np.array([1e40, 1e-3]), 0.1)):
        run = training.run(objectives.scalar_product(), start, ss.GradientDescent(step_size, 5000), 1)
        assert run.outcome == "diverged"
        assert np.isfinite(run.theta).all()
        assert np.isfinite(run.loss).all()
        assert run.message.startswith("diverged within ")
        assert run.message.endswith("lower step_size, shrink the initialization, or set warmup_steps")


def test_a_loss_that_nothing_is_known_of_may_grow_to_1e100():
    method = ss.GradientDescent(0.41, 10_000)  # 1 − 0.41·5 = −1.05
    run = training.run(objectives.quadratic([[5.0]]), [1.0], method, 1, measure_sharpness=False)
    assert run.outcome == "diverged"
    assert 1e99 < run.loss.max() <= 1e100
    growing = training.run(objectives.quadratic([[5.0]]), [1e60], method, 1, measure_sharpness=False)
    assert 1e129 < growing.loss.max() <= 2.5e130  # a start beyond that: 1e10 times its loss


class Broken:
    """A loss that is finite at the start only."""

    size = 1

    def loss(self, theta):
        return float(theta[0]) if theta[0] == 1.0 else float("nan")

    def gradient(self, theta):
        return np.ones(theta.size)

    def hessian(self, theta):
        return objectives.quadratic([[1.0]]).hessian(theta)

    def census(self, theta):
        return {"positive": int(theta[0] > 0.0)}


def test_a_loss_that_is_no_number_ends_the_run():
    run = training.run(Broken(), [1.0], ss.GradientDescent(0.1, 10), 3)
    assert run.outcome == "diverged"
    assert run.at_steps.tolist() == [0]
    assert run.census["positive"].tolist() == [1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"method": 0.1},
            r"method must be a GradientDescent or another method of stepscape.*, got 0.1",
        ),
        ({"theta": np.ones(3)}, r"theta must have shape \(2,\), got \(3,\)"),
        ({"theta": [1.0, np.nan]}, r"theta must be finite, got nan in it"),
        ({"theta": [1e200, 1e200]}, r"the loss of the start must be finite, got inf; start elsewhere"),
        ({"record_every": 0}, r"record_every must be a whole number of at least 1, got 0"),
        ({"record_every": True}, r"record_every must be a whole number of at least 1, got True"),
        ({"record_at": [11]}, r"record_at must lie between 1 and the 10 steps, got 11"),
        ({"decayed": np.ones(3)}, r"decayed must have shape \(2,\), got \(3,\)"),
    ],
)
def test_impossible_runs_are_refused(change, message):
    settings = {
        "objective": objectives.scalar_product(),
        "theta": START,
        "method": ss.GradientDescent(0.1, 10),
    }
    with pytest.raises(ss.InputError, match=message):
        training.run(**{**settings, **change})


def test_an_objective_with_its_own_descent_takes_no_mask():
    problem, net = noisy(), network(3)
    message = r"decayed must be left out, because ReLULine knows its own coordinates, got a mask"
    with pytest.raises(ss.InputError, match=message):
        training.run(
            objectives.line(problem, net),
            net.parameters,
            ss.GradientDescent(0.1, 3),
            decayed=net.trained,
        )


def test_a_huge_step_size_is_infinitely_far_beyond_the_edge_and_nothing_warns(recwarn):
    method = ss.GradientDescent(step_size=1e308, steps=3)
    path = training.run(objectives.scalar_product(), np.array([3.0, 2.0]), method)
    assert path.outcome == "diverged"
    assert path.edge_ratio[0] == np.inf
    assert not list(recwarn)


@pytest.mark.parametrize(
    "method",
    [
        ss.methods.RMSProp(0.01, 120, beta2=0.9, epsilon=1e-2, weight_decay=0.1),
        ss.methods.Adam(0.01, 120, beta2=0.9, epsilon=1e-2, weight_decay=0.1),
        ss.methods.AdamW(0.01, 120, beta2=0.9, epsilon=1e-2),
    ],
    ids=lambda method: type(method).__name__,
)
def test_adaptive_methods_record_what_they_stabilize(method):
    toy, points = objectives.scalar_product(), []
    run = training.run(toy, START, method, 60, observe=points.append, decayed=MASK)
    optimizer = training.OptimizerMap(toy, method, MASK)
    states = [optimizer.start(START)]
    for _ in range(120):
        states.append(optimizer.step(states[-1]))
    for i, step in enumerate((0, 60, 120)):
        np.testing.assert_array_equal(points[i].theta, optimizer.weights(states[step]))
        p = optimizer.preconditioner(states[max(step, 1)])
        for at, name in ((points[i].midpoint, ""), (points[i].theta, "_last")):
            x, y = at
            h = 2.0 * np.array([[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]])
            if not isinstance(method, ss.methods.AdamW):
                h += np.diag([0.1, 0.0])
            expected = np.linalg.eigvals(h / p[:, None]).real.max()
            assert getattr(run, f"sharpness{name}")[i] == pytest.approx(expected, rel=1e-7)
            assert getattr(run, f"edge_ratio{name}")[i] == pytest.approx(expected / method.threshold())
    np.testing.assert_array_equal(run.theta_before, optimizer.weights(states[119]))
    np.testing.assert_allclose(run.time, 0.01 * run.at_steps, rtol=1e-14)
    assert run.method is method


def test_an_adaptive_method_that_diverges_says_so():
    method = ss.methods.RMSProp(1e60, 50)
    made = []
    run = training.run(objectives.scalar_product(), START, method, 1, progress=made.append)
    assert run.outcome == "diverged"
    assert run.message == "diverged within 1 steps at step_size 1e+60; lower it, or shrink the initialization"
    assert np.isfinite(run.loss).all()
    training.run(objectives.scalar_product(), START, ss.methods.Adam(0.1, 250), 250, progress=made.append)
    assert made[-3:] == [100, 200, 250]


def test_fresh_examples_are_for_gradient_descent():
    problem, net = ss.problems.tent(n=4), ss.TwoLayerReLU.random(2)
    with pytest.raises(ss.InputError, match=r"method with examples must be a GradientDescent, got an Adam"):
        ss.train(problem, net, ss.methods.Adam(0.1, 2), examples=lambda _: problem)
