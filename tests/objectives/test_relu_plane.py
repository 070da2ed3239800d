"""Networks with inputs in R^d: derivatives against autograd, descent against torch, the twin on the line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cases
import oracles as ref
import plane_cases as pc
import stepscape as ss
from stepscape import objectives, training

EPS = float(np.finfo(float).eps)
LOSSES = ["square", "logistic"]


def fraction(method):
    return 0.3 if method.get("momentum", 0.0) >= 0.8 else 0.6


def trained_like_torch(problem, net, options, steps=300, switches=1, **frac):
    eta = pc.plane_edge(problem, net, options, frac.get("fraction", fraction(options)))
    method = ss.GradientDescent(eta, steps, **options)
    run = ss.train(problem, net, method, record_every=steps, measure_sharpness=False)
    assert run.outcome == "finished", run.message
    expected = pc.torch_run(problem, net, method, run.step_size[0])
    assert expected.switches >= switches, "the step size is too small to test activation changes"
    cases.assert_same_path(run, expected)
    return run


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", cases.METHODS.values(), ids=cases.METHODS)
def test_every_method_takes_the_path_of_torch(method, loss):
    problem, net = pc.noisy_plane(seed=1, loss=loss), pc.plane_network(70, seed=1)
    trained_like_torch(problem, net, method)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
def test_any_subset_of_blocks_takes_the_path_of_torch(blocks, loss):
    problem = pc.noisy_plane(seed=2, loss=loss, weighted=True)
    net = pc.plane_network(25, seed=2, trainable=blocks)
    options = cases.METHODS["heavy ball, decay, warm-up"]
    moves = "w1" in blocks or "b1" in blocks
    run = trained_like_torch(problem, net, options, 150, switches=int(moves))
    np.testing.assert_array_equal(run.network.parameters[~net.trained], net.parameters[~net.trained])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "d", "k"), [(1, 2, 1), (7, 2, 63), (30, 3, 64), (20, 11, 65), (5, 40, 130)])
def test_any_shape_takes_the_path_of_torch(n, d, k, loss):
    problem, net = pc.noisy_plane(n, d, 3, loss=loss), pc.plane_network(k, d, 3)
    trained_like_torch(problem, net, {}, 200, switches=0)


def test_a_network_without_biases_takes_the_path_of_torch():
    drawn = pc.plane_network(40, 4, 5)
    net = ss.TwoLayerReLU(drawn.w1, 0.0 * drawn.b1, drawn.w2, 0.0, trainable=("w1", "w2"))
    run = trained_like_torch(pc.noisy_plane(d=4, seed=5), net, cases.METHODS["Nesterov, decay"])
    assert not run.network.b1.any()
    assert run.network.b2 == 0.0


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", cases.METHODS.values(), ids=cases.METHODS)
def test_on_the_line_it_is_the_twin_of_the_fast_engine(method, loss):
    problem, net = cases.noisy(seed=4, loss=loss, weighted=True, repeats=True), cases.network(70, seed=4)
    settings = ss.GradientDescent(cases.edge(problem, net, method), 300, **method)
    options = {"record_every": 60, "measure_sharpness": True}
    one = training.run(objectives.line(problem, net), net.parameters, settings, **options)
    two = training.run(objectives.plane(problem, net), net.parameters, settings, **options)
    for name in ("at_steps", "message", "outcome"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    for name in ("theta", "theta_before", "loss", "time", "step_size"):
        scale = np.abs(getattr(one, name)).max()
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=0, atol=1e-11 * scale)
    for name in ("sharpness", "edge_ratio", "sharpness_last", "smoothness"):
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-6, equal_nan=True)
    assert one.census.keys() == two.census.keys()
    for name in one.census:
        np.testing.assert_array_equal(one.census[name], two.census[name])


@pytest.mark.parametrize("loss", LOSSES)
@given(seed=st.integers(0, 10**6), blocks=st.sampled_from(ref.SUBSETS), weighted=st.booleans())
def test_derivatives_are_those_of_autograd(loss, seed, blocks, weighted):
    rng = np.random.default_rng(seed)
    n, d, k = (int(rng.integers(low, high)) for low, high in ((1, 20), (2, 7), (1, 12)))
    problem = pc.noisy_plane(n, d, seed, weighted and n > 1, loss)
    net = pc.plane_network(k, d, seed, 1.5, blocks)
    if np.abs(pc.preactivations(problem, net.parameters)).min() < 1e-9:
        return  # autograd and BLAS may not agree on the side of an input
    objective, keep = objectives.plane(problem, net), net.trained
    theta = net.parameters
    size = max(1.0, float(np.abs(theta).max())) * max(1.0, float(np.abs(problem.points).max()))
    assert objective.loss(theta) == pytest.approx(float(pc.flat_loss(problem)(pc.torch.tensor(theta))), rel=1e-12)
    np.testing.assert_allclose(
        objective.gradient(theta), keep * pc.torch_gradient(problem, net), rtol=0, atol=1e-12 * size
    )
    dense = np.outer(keep, keep) * pc.dense_hessian(problem, net)
    operator, scale = objective.hessian(theta), 1e-12 * max(1.0, float(np.abs(dense).max()))
    rows = np.array([operator.product(row) for row in np.eye(theta.size)])
    np.testing.assert_allclose(rows, dense, rtol=0, atol=scale)
    assert operator.trace == pytest.approx(np.trace(dense), rel=1e-12, abs=1e-300)
    moved = operator.changed(decay=0.3)
    shifts = np.where(np.arange(theta.size) == theta.size - 1, 0.0, 0.3) * keep
    assert moved.trace == pytest.approx(np.trace(dense) + shifts.sum(), rel=1e-12, abs=1e-300)
    u = rng.standard_normal(theta.size)
    np.testing.assert_allclose(
        moved.product(u), dense @ u + shifts * u, rtol=0, atol=scale * theta.size
    )
