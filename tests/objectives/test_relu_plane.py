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


class NumpyOnly:
    """An objective with the methods of the protocol and nothing else."""

    def __init__(self, inner):
        self.size, self.loss, self.gradient = inner.size, inner.loss, inner.gradient
        self.hessian, self.census = inner.hessian, inner.census


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
@pytest.mark.parametrize("d", [3, 5])  # without matrix products, and with them
@pytest.mark.parametrize("method", cases.METHODS.values(), ids=cases.METHODS)
def test_every_method_takes_the_path_of_torch(method, d, loss):
    problem, net = pc.noisy_plane(d=d, seed=1, loss=loss), pc.plane_network(70, d, seed=1)
    trained_like_torch(problem, net, method)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("blocks", ref.SUBSETS, ids="+".join)
def test_any_subset_of_blocks_takes_the_path_of_torch(blocks, loss):
    d = 3 if len(blocks) % 2 else 5
    problem = pc.noisy_plane(d=d, seed=2, loss=loss, weighted=True)
    net = pc.plane_network(25, d, seed=2, trainable=blocks)
    options = cases.METHODS["heavy ball, decay, warm-up"]
    moves = "w1" in blocks or "b1" in blocks
    run = trained_like_torch(problem, net, options, 150, switches=int(moves))
    np.testing.assert_array_equal(run.network.parameters[~net.trained], net.parameters[~net.trained])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("n", "d", "k"), [(1, 2, 1), (7, 2, 63), (30, 3, 64), (20, 11, 65), (5, 8, 130)])
def test_any_shape_takes_the_path_of_torch(n, d, k, loss):
    problem, net = pc.noisy_plane(n, d, 3, loss=loss), pc.plane_network(k, d, 3)
    trained_like_torch(problem, net, {}, 200, switches=0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("blocks", [pc.BLOCKS, ("w1", "w2"), ("b1", "b2")], ids="+".join)
@pytest.mark.parametrize(
    ("method", "d"), [("plain", 3), ("Nesterov, decay", 2), ("heavy ball, decay, warm-up", 5)]
)
def test_clipping_is_that_of_torch(method, d, blocks, loss):
    problem, net = pc.noisy_plane(d=d, seed=6, loss=loss), pc.plane_network(40, d, 6, trainable=blocks)
    length = float(np.linalg.norm((pc.torch_gradient(problem, net))[net.trained]))
    options = {**cases.METHODS[method], "clip": 0.5 * length}
    eta = pc.plane_edge(problem, net, cases.METHODS[method], 0.3)
    settings = ss.GradientDescent(eta, 300, **options)
    run = ss.train(problem, net, settings, record_every=300, measure_sharpness=False)
    expected = pc.torch_run(problem, net, settings, run.step_size[0])
    assert 0 < expected.cut < 300
    cases.assert_same_path(run, expected)


def test_clipping_on_the_line_and_in_the_generic_loop_is_the_same():
    problem, net = cases.noisy(seed=7), cases.network(30, seed=7)
    line = objectives.line(problem, net)
    length = float(np.linalg.norm(line.gradient(net.parameters)))
    settings = ss.GradientDescent(0.1, 200, 0.5, clip=0.5 * length)
    run = ss.train(problem, net, settings, record_every=200, measure_sharpness=False)
    expected = pc.torch_run(problem, net, settings, 0.1)
    assert 0 < expected.cut < 200
    cases.assert_same_path(run, expected)
    generic = training.run(NumpyOnly(line), net.parameters, settings, 200, measure_sharpness=False)
    np.testing.assert_allclose(generic.theta, run.network.parameters, rtol=0, atol=1e-11)


def test_clipping_far_out_diverges_and_does_not_stall():
    problem = ss.Problem(1e80 * np.eye(2), [0.0, 0.0])
    net = ss.TwoLayerReLU([[1e70, 1e70]], [0.0], [1.0])
    run = ss.train(problem, net, ss.GradientDescent(0.1, 5, clip=1.0), measure_sharpness=False)
    assert run.outcome == "diverged"


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, "long", True])
def test_clip_must_be_positive(value):
    with pytest.raises(ss.InputError, match=r"clip must be finite and positive, got"):
        ss.GradientDescent(0.1, 5, clip=value)


def test_neurons_that_never_move_are_left_out_exactly():
    problem, drawn = pc.noisy_plane(60, 3, 8), pc.plane_network(150, 3, 8)
    b1 = np.where(np.arange(150) % 3 == 0, drawn.b1, -50.0)  # two of three neurons see no input
    net = ss.TwoLayerReLU(drawn.w1, b1, drawn.w2, drawn.b2)
    run = trained_like_torch(problem, net, {}, 300)
    assert run.dead_neurons[0] >= 100
    still = np.arange(150) % 3 != 0
    for at in (run.network, run.network_before):
        np.testing.assert_array_equal(at.w1[still], net.w1[still])
        np.testing.assert_array_equal(at.w2[still], net.w2[still])
    # In decay and momentum they move.
    moved = trained_like_torch(problem, net, {"weight_decay": 0.02}, 300).network
    assert not np.any(moved.w2[still] == net.w2[still])


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
    assert objective.loss(theta) == pytest.approx(
        float(pc.flat_loss(problem)(pc.torch.tensor(theta))), rel=1e-12
    )
    np.testing.assert_allclose(
        objective.gradient(theta), keep * pc.torch_gradient(problem, net), rtol=0, atol=1e-12 * size
    )
    dense = np.outer(keep, keep) * pc.dense_hessian(problem, net)
    operator, scale = objective.hessian(theta), 1e-12 * max(1.0, float(np.abs(dense).max()))
    rows = np.array([operator.product(row) for row in np.eye(theta.size)])
    np.testing.assert_allclose(rows, dense, rtol=0, atol=scale)
    assert operator.trace == pytest.approx(np.trace(dense), rel=1e-12, abs=1e-300)
    biases = bool(rng.integers(2))
    moved, shifts = operator.changed(decay=0.3, decay_biases=biases), pc.shifts(net, 0.3, biases) * keep
    assert moved.trace == pytest.approx(np.trace(dense) + shifts.sum(), rel=1e-12, abs=1e-300)
    u = rng.standard_normal(theta.size)
    np.testing.assert_allclose(moved.product(u), dense @ u + shifts * u, rtol=0, atol=scale * theta.size)


def test_every_door_works_with_several_variables():
    problem, net = pc.noisy_plane(30, 4, 9), pc.plane_network(20, 4, 9)
    dense = pc.dense_hessian(problem, net)
    pair = ss.sharpness(problem, net)
    values, vectors = np.linalg.eigh(dense)
    assert abs(pair.value - values[-1]) <= pair.residual + 1e-12 * values[-1]
    assert pair.residual <= 1e-7 * pair.value
    assert pair.lower <= values[-1]
    assert abs(pair.vector @ vectors[:, -1]) == pytest.approx(1.0, abs=1e-9)
    warm = ss.sharpness(problem, net, start=pair.vector)
    assert abs(warm.value - pair.value) <= warm.residual + pair.residual
    decayed = np.append(np.full(net.size - 1, 0.3), 0.0)
    shifted = ss.sharpness(problem, net, weight_decay=0.3).value
    assert shifted == pytest.approx(np.linalg.eigvalsh(dense + np.diag(decayed))[-1], rel=1e-9)
    assert ss.hessian_trace(problem, net) == pytest.approx(np.trace(dense), rel=1e-12)
    np.testing.assert_allclose(ss.hessian(problem, net) @ np.eye(net.size), dense, rtol=0, atol=1e-12)
    before = net.with_parameters(0.99 * net.parameters)
    step = net.parameters - before.parameters
    change = pc.torch_gradient(problem, net) - pc.torch_gradient(problem, before)
    assert ss.directional_smoothness(problem, net, before) == pytest.approx(
        change @ step / (step @ step), rel=1e-9
    )
    with pytest.raises(ss.InputError, match=r"tolerance must lie between 0 and 1, got 2"):
        ss.sharpness(problem, net, tolerance=2.0)
    with pytest.raises(ss.InputError, match=r"before must have 4 input variables here, got 1"):
        ss.directional_smoothness(problem, net, cases.network(20))


@pytest.mark.parametrize("blocks", [("w1", "w2"), ("b1",), ("w2", "b2"), ("w1", "b1", "b2")], ids="+".join)
@pytest.mark.parametrize("loss", LOSSES)
def test_sharpness_is_that_of_the_trained_coordinates(blocks, loss):
    problem, net = pc.noisy_plane(20, 3, 10, True, loss), pc.plane_network(9, 3, 10, trainable=blocks)
    keep = np.ix_(net.trained, net.trained)
    dense = pc.dense_hessian(problem, net)[keep]
    pair = ss.sharpness(problem, net)
    assert pair.vector.shape == (net.trained.sum(),)
    assert pair.value == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-9)
    operator = objectives.PlaneHessian(problem, net)
    g = objectives.PlaneHessian(problem, net, gauss_newton=True)
    rest = np.array([operator.product(row) - g.product(row) for row in np.eye(net.size)])
    assert operator.residual_norm == pytest.approx(np.linalg.norm(rest, 2), rel=1e-9, abs=1e-15)
    assert np.linalg.eigvalsh(g_matrix(g)[keep]).min() >= -1e-12
    assert g.residual_norm == 0.0


def g_matrix(operator):
    return np.array([operator.product(row) for row in np.eye(operator.size)])


def test_a_run_stays_at_the_edge_and_its_records_are_those_of_its_midpoint():
    problem = pc.noisy_plane(40, 4, 11)
    net = ss.TwoLayerReLU.random(80, scale=0.4, init="he", seed=1, dimension=4)
    seen = []
    run = ss.train(problem, net, ss.GradientDescent(0.5, 3000), record_every=1000, observe=seen.append)
    assert run.outcome == "finished"
    assert run.edge_ratio[-1] == pytest.approx(1.0, abs=0.15)
    assert run.sharpness[-1] == pytest.approx(ss.sharpness(problem, run.midpoint).value, rel=1e-7)
    both = 0.5 * run.network.parameters + 0.5 * run.network_before.parameters
    np.testing.assert_array_equal(run.midpoint.parameters, both)
    f = run.network.predict(problem.inputs)
    assert run.loss[-1] == pytest.approx(problem.training_loss(f), rel=1e-12)
    mean = 0.5 * (f + run.network_before.predict(problem.inputs))
    np.testing.assert_array_equal(run.predict(problem.inputs), mean)
    assert [snapshot.step for snapshot in seen] == run.at_steps.tolist() == [0, 1000, 2000, 3000]
    z = pc.preactivations(problem, run.midpoint.parameters)
    active = (z > 0).sum(axis=0)
    assert run.dead_neurons[-1] == (active == 0).sum()
    assert run.bent_neurons[-1] == ((active > 0) & (active < 40)).sum()


def test_descent_that_blows_up_is_an_outcome():
    problem, net = pc.noisy_plane(20, 3, 12), pc.plane_network(20, 3, 12, 3.0)
    run = ss.train(problem, net, ss.GradientDescent(50.0, 1000))
    assert run.outcome == "diverged"
    assert "lower step_size" in run.message
    for name in ("loss", "sharpness", "edge_ratio"):
        assert np.isfinite(getattr(run, name)).all()


def test_a_neuron_that_is_not_a_number_is_no_dead_neuron():
    problem = ss.Problem(np.eye(2), [0.0, 0.0])  # w1 becomes −∞, which is active nowhere
    net = ss.TwoLayerReLU([[1e-150, 0.0]], [0.0], [1e150], trainable=("w1",))
    run = ss.train(problem, net, ss.GradientDescent(1e200, 1), measure_sharpness=False)
    assert run.outcome == "diverged"


def test_numbers_beyond_the_range_are_refused_in_one_sentence():
    problem = ss.Problem(1e200 * np.eye(2), [0.0, 0.0])
    net = ss.TwoLayerReLU([[1e200, 1e200]], [0.0], [1.0])
    for use in (
        lambda: ss.sharpness(problem, net),
        lambda: ss.hessian_trace(problem, net),
        lambda: objectives.plane(problem, net).loss(net.parameters),
        lambda: net.predict(problem.inputs),
    ):
        with pytest.raises(ss.InputError, match=r"prediction must be finite, got a number beyond 1\.8e308"):
            use()
    steep = ss.TwoLayerReLU([[1e100, 1e100]], [0.0], [1.0])
    with pytest.raises(ss.InputError, match=r"the loss must be finite"):
        objectives.plane(ss.Problem(1e100 * np.eye(2), [0.0, 0.0]), steep).loss(steep.parameters)


def test_far_out_the_logistic_loss_still_has_its_curvature():
    problem = ss.Problem([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [1, 1, 0], loss="logistic")
    net = ss.TwoLayerReLU([[1.0, 1.0], [-1.0, -1.0]], [0.5, 0.5], [300.0, -300.0])
    pair, dense = ss.sharpness(problem, net), pc.dense_hessian(problem, net)
    assert 0.0 < pair.value < 1e-150
    assert pair.value == pytest.approx(np.linalg.eigvalsh(dense / dense.max())[-1] * dense.max(), rel=1e-6)


@pytest.mark.parametrize("blocks", [("w1", "b1", "w2", "b2"), ("w1", "w2")], ids="+".join)
@pytest.mark.parametrize("power", [0, 100, 160, 250, 400, -100, -160, -250, -400])
@pytest.mark.parametrize("which", ["inputs", "w1", "w1 and w2"])
def test_the_unit_of_the_operator_lies_near_its_largest_eigenvalue(which, power, blocks):
    """Only where λ_max leaves 2^±300 is the unit not 1."""
    inputs, net = pc.noisy_plane(12, 3, 15).inputs, pc.plane_network(6, 3, 15, trainable=blocks)
    if which == "inputs":
        inputs = np.ldexp(inputs, power)
    else:
        w2 = net.w2 if which == "w1" else np.ldexp(net.w2, power)
        net = ss.TwoLayerReLU(np.ldexp(net.w1, power), np.ldexp(net.b1, power), w2, 0.0, trainable=blocks)
    problem = ss.Problem(inputs, net.predict(inputs))  # R = 0
    operator = objectives.PlaneHessian(problem, net)
    top = objectives.plane(problem, net).sharpness(net.parameters).value
    far = not 2.0**-300 <= top <= 2.0**300
    assert (operator.scale != 1.0) == far or 2.0**-320 <= top <= 2.0**320
    assert operator.scale == 1.0 or 0.01 <= top / operator.scale <= 100.0


def test_a_dead_network_is_as_sharp_as_its_output_bias():
    problem = pc.noisy_plane(10, 2, 13)
    net = ss.TwoLayerReLU(np.ones((3, 2)), np.full(3, -99.0), np.ones(3))
    assert ss.sharpness(problem, net).value == pytest.approx(1.0, rel=1e-14)
    assert ss.hessian_trace(problem, net) == pytest.approx(1.0, rel=1e-14)
    still = ss.TwoLayerReLU(net.w1, net.b1, net.w2, 0.0, ("w1", "w2"))
    assert ss.sharpness(problem, still).value == 0.0
    run = ss.train(problem, net, ss.GradientDescent(0.5, 60), record_every=60)  # its bias alone moves
    assert run.network.b2 == pytest.approx(problem.labels.mean(), rel=1e-14)
    np.testing.assert_array_equal(run.network.parameters[:-1], net.parameters[:-1])


def test_the_census_counts_hyperplanes_at_data():
    problem = ss.Problem([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]], [0.0, 1.0, 0.0])
    w1 = [[1.0, 5.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]
    net = ss.TwoLayerReLU(w1, [0.5, -0.0019, -0.0021, -2.0, -2.0, 3.0], np.ones(6))
    # At ½, just within and just beyond 1e-3 of the range from the middle input, two dead, one linear.
    assert objectives.plane(problem, net).census(net.parameters) == {
        "bent_neurons": 3,
        "dead_neurons": 2,
        "knots_at_data": 1,
    }


def test_a_network_whose_activations_do_not_fit_is_refused():
    problem = ss.Problem(np.ones((10**6, 2)), np.ones(10**6))
    with pytest.raises(ss.InputError, match=r"width must fit in memory, got 1000000"):
        ss.train(problem, ss.TwoLayerReLU.random(10**6, dimension=2), ss.GradientDescent(0.1, 3))
