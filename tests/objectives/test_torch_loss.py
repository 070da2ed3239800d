"""A PyTorch model as an objective: autograd's dense Hessian, closed forms, and the network on the line."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

import stepscape as ss
from stepscape import methods, objectives, training

nn = torch.nn


def mse(model, batch):
    inputs, labels = batch
    return 0.5 * ((model(inputs) - labels) ** 2).mean()


def batch(n=6, d=2, seed=0, dtype=torch.float32):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal((n, d + 1))
    single = torch.tensor(draw, dtype=torch.float32).to(dtype)
    return single[:, :d], single[:, d:]


class Tied(nn.Module):
    """One matrix in two places, and a frozen shift."""

    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(2, 2), nn.Linear(2, 2)
        self.outer.weight = self.inner.weight
        self.outer.bias.requires_grad_(False)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x))).sum(dim=1, keepdim=True)


def models():
    torch.manual_seed(3)
    return {
        "gelu": nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 1)),
        "batch norm": nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 1)),
        "tied": Tied(),
        "half": nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).half(),
    }


@pytest.mark.parametrize("name", models())
def test_gradient_and_hessian_are_those_of_autograd(name):
    model = models()[name]
    loss = objectives.torch(model, mse, batch())
    theta = loss.parameters + 0.1
    inputs, labels = batch(dtype=torch.float64)
    copy = models()[name].double()
    trained = {key: p for key, p in copy.named_parameters() if p.requires_grad}

    def dense(flat):
        pieces = flat.split([p.numel() for p in trained.values()])
        given = {key: piece.reshape(p.shape) for (key, p), piece in zip(trained.items(), pieces, strict=True)}
        buffers = {key: value.clone() for key, value in copy.named_buffers()}
        out = torch.func.functional_call(copy, given | buffers, (inputs,))
        return 0.5 * ((out - labels) ** 2).mean()

    at = torch.tensor(theta)
    np.testing.assert_allclose(loss.loss(theta), dense(at).item(), rtol=1e-14)
    expected = torch.autograd.functional.jacobian(dense, at).numpy()
    np.testing.assert_allclose(loss.gradient(theta), expected, rtol=0, atol=1e-13)
    matrix = torch.autograd.functional.hessian(dense, at).numpy()
    operator = loss.hessian(theta)
    found = np.array([operator.product(row) for row in np.eye(loss.size)])
    np.testing.assert_allclose(found, matrix, rtol=0, atol=1e-12)
    assert np.abs(matrix).max() > 0.1
    assert loss.census(theta) == {}
    assert loss.size == operator.size == theta.size == sum(p.numel() for p in trained.values())


def test_the_model_of_the_user_is_not_changed():
    model = models()["batch norm"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    loss = objectives.torch(model, mse, batch())
    theta = loss.parameters
    values = [loss.loss(theta) for _ in range(3)]
    loss.hessian(loss.parameters + 1.0).product(theta)
    training.run(loss, theta, methods.Adam(0.1, 3), 1)
    assert values[0] == values[1] == values[2] == loss.loss(theta)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
    for name, value in loss.fitted(theta).named_buffers():  # nor are those of the copy
        assert torch.equal(value, before[name].to(value.dtype))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_it_is_the_network_on_the_line():
    problem = ss.problems.tent(n=9, noise=0.3, seed=1)
    net = ss.TwoLayerReLU.random(4, 0.8, seed=2)
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 1)).double()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), (net.w1, net.b1, net.w2, net.b2), strict=True):
            parameter.copy_(torch.tensor(value, dtype=torch.float64).reshape(parameter.shape))
    here = objectives.torch(model, mse, (problem.inputs[:, None], problem.labels[:, None]))
    line, theta = objectives.line(problem, net), here.parameters
    np.testing.assert_array_equal(theta, net.parameters)
    assert here.loss(theta) == pytest.approx(line.loss(theta), rel=1e-13)
    np.testing.assert_allclose(here.gradient(theta), line.gradient(theta), rtol=0, atol=1e-14)
    other = np.cos(np.arange(theta.size))
    expected = line.hessian(theta).product(other)
    np.testing.assert_allclose(here.hessian(theta).product(other), expected, rtol=0, atol=1e-13)
    # Stochastic descent and label noise see the same examples, which the line numbers by their inputs.
    for method in (
        methods.StochasticGradientDescent(0.1, 40, batch_size=2, seed=3, momentum=0.5),
        methods.LabelNoise(0.1, 40, noise=0.4, seed=3),
        methods.SharpnessAware(0.1, 40, radius=0.1),
    ):
        paths = [training.run(one, theta, method, 40) for one in (here, line)]
        np.testing.assert_allclose(paths[0].theta, paths[1].theta, rtol=0, atol=1e-12)
        np.testing.assert_allclose(paths[0].edge_ratio, paths[1].edge_ratio, rtol=1e-7)
        np.testing.assert_allclose(paths[0].time, paths[1].time, rtol=1e-14)


def test_a_linear_loss_has_no_curvature_and_unused_parameters_no_gradient():
    model = nn.ModuleList([nn.Linear(2, 1), nn.Linear(1, 1)])
    loss = objectives.torch(model, lambda model, x: model[0](x).mean(), batch()[0])
    theta = loss.parameters
    np.testing.assert_array_equal(loss.hessian(theta).product(np.ones(5)), 0.0)
    expected = [*batch()[0].double().mean(dim=0), 1.0, 0.0, 0.0]
    np.testing.assert_allclose(loss.gradient(theta), expected, rtol=1e-14)


def test_a_fitted_model_has_the_parameters_that_it_is_given():
    loss = objectives.torch(models()["tied"], mse, batch())
    theta = loss.parameters + 0.3
    fitted = loss.fitted(theta)
    assert mse(fitted, batch(dtype=torch.float64)).item() == pytest.approx(loss.loss(theta), rel=1e-14)
    assert repr(loss) == "TorchLoss(Tied with 6 trained parameters)"


def test_examples_of_dicts_can_be_drawn():
    inputs, labels = batch()
    loss = objectives.torch(
        nn.Linear(2, 1), lambda model, b: mse(model, (b["x"], b["y"])), {"x": inputs, "y": labels}
    )
    theta, rows = loss.parameters, np.array([1, 4, 4])
    one = objectives.torch(nn.Linear(2, 1), mse, (inputs[rows], labels[rows]))
    np.testing.assert_allclose(loss.batch_gradient(theta, rows), one.gradient(theta), rtol=0, atol=1e-15)
    product = loss.batch_hessian(theta, rows).product(np.ones(3))
    np.testing.assert_allclose(product, one.hessian(theta).product(np.ones(3)), rtol=0, atol=1e-15)
    assert loss.examples == 6
    with pytest.raises(
        ss.InputError, match=r"batch must be \(inputs, labels\) for noise on the labels, got a"
    ):
        training.run(loss, theta, methods.LabelNoise(0.1, 3))


LINEAR = nn.Linear(2, 1)


class Blind(torch.autograd.Function):
    """A function whose derivative is not differentiable."""

    @staticmethod
    def forward(ctx, x):  # noqa: ARG004
        return x.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, slope):  # noqa: ARG004
        return slope * 2.0


def mean(model, inputs):
    return model(inputs[0]).mean()


def _walked(value):
    value.backward()
    return value


def test_noise_is_not_added_to_classes():
    model, inputs = nn.Linear(2, 3), torch.randn(6, 2)
    entropy = lambda m, b: nn.functional.cross_entropy(m(b[0]), b[1])  # noqa: E731
    loss = objectives.torch(model, entropy, (inputs, torch.tensor([0, 1, 2, 0, 1, 2])))
    with pytest.raises(
        ss.InputError, match=r"the labels must be floating numbers .* got torch\.int64; noise is"
    ):
        training.run(loss, loss.parameters, methods.LabelNoise(0.1, 3))


def test_curvature_along_steps_and_batches_of_a_model():
    """By autograd on the whole batch, where one batch of all examples is drawn."""
    model, given = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), batch()
    loss = objectives.torch(model, mse, given)
    theta = loss.parameters
    after = theta - 0.1 * loss.gradient(theta)
    change = loss.gradient(after) - loss.gradient(theta)
    expected = change @ (after - theta) / ((after - theta) @ (after - theta))
    assert ss.directional_smoothness(loss, after, theta) == pytest.approx(expected, rel=1e-12)
    g = loss.gradient(theta)
    along = g @ loss.hessian(theta).product(g) / (g @ g)
    for average in ("ratio of means", "mean of ratios"):
        found = objectives.batch_sharpness(loss, theta, loss.examples, draws=2, average=average)
        assert found == pytest.approx(along, rel=1e-12)
    single = [loss.batch_gradient(theta, np.array([i])) for i in range(loss.examples)]
    bends = [
        g @ loss.batch_hessian(theta, np.array([i])).product(g) for i, g in enumerate(single)
    ]  # one epoch of single examples, each once
    found = objectives.batch_sharpness(loss, theta, 1, draws=loss.examples)
    assert found == pytest.approx(sum(bends) / sum(g @ g for g in single), rel=1e-12)
    with pytest.raises(ss.InputError, match=r"theta must have shape \(13,\), got \(3,\)"):
        objectives.batch_sharpness(loss, theta[:3], 2)


def dropping():
    return nn.Sequential(nn.Linear(2, 9), nn.Dropout(0.5))


@pytest.mark.parametrize(
    ("model", "loss", "given", "message"),
    [
        (3, mse, batch(), r"model must be a torch.nn.Module, got 3"),
        (LINEAR, 3, batch(), r"loss must be a function of the model and the batch, got 3"),
        (nn.ReLU(), mse, batch(), r"model must have parameters that require gradients, got none"),
        (nn.LazyLinear(1), mse, batch(), r"model must be initialized, got the lazy parameter weight"),
        (nn.Linear(2, 1, dtype=torch.cfloat), mse, batch(), r"model must have real parameters, got weight"),
        (
            LINEAR,
            lambda m, b: m(b[0]),
            batch(),
            r"return a real scalar tensor, got a tensor of shape \(6, ",
        ),
        (
            LINEAR, lambda *_: 1.0, batch(),
            r"loss must return a real scalar tensor, got 1.0; return the loss itself, without item\(\)",
        ),
        (
            LINEAR, lambda m, b: _walked(mse(m, b)), batch(),
            r"loss must return the loss and leave gradients alone, got one that calls backward\(\)",
        ),
        (
            LINEAR, nn.MSELoss(), batch(),
            r"loss must be a function of the model and the batch, got MSELoss, which is one of outputs and "
            r"tar",
        ),
        (LINEAR, lambda m, x, y: mse(m, (x, y)), batch(), r"got one of \(m, x, y\); wrap it: lambda model, "
                                                          r"b"),
        (LINEAR, mse, None, r"batch must be one batch, as the loss takes it, got None; of a DataLoader give "
                            r"n"),
        (LINEAR, mse, iter([batch()]), r"batch must be one batch, .* got a list_iterator; of a DataLoader "
                                       r"give"),
        (
            LINEAR, mse, torch.utils.data.DataLoader([1.0]),
            r"batch must be one batch, .* got a DataLoader; of a DataLoader give next\(iter\(loader\)\)",
        ),
        (LINEAR, mse, tuple(one[:0] for one in batch()), r"batch must hold at least one example, got none"),
        (LINEAR, lambda m, b: mean(m, b) / 0.0, batch(), r"loss must be finite at the model's parameters"),
        (LINEAR, lambda m, b: mean(m, b).detach(), batch(), r"loss must depend on the parameters that"),
        (LINEAR, lambda m, b: mean(m, b).float(), batch(), r"loss must be computed in float64, got torch.fl"),
        (nn.Linear(3, 1), mse, batch(), r"loss must be computable from a float64 copy .* RuntimeError: "),
        (dropping(), mean, batch(), r"loss must be the same each time .* set dropout to evaluation mode"),
        (LINEAR, mse, np.array(["a"]), r"batch must hold tensors of real numbers, got an array of dtype <U1"),
    ],
)  # fmt: skip
def test_what_is_no_loss_is_refused(model, loss, given, message):
    with pytest.raises(ss.InputError, match=message):
        objectives.torch(model, loss, given)


def test_what_cannot_be_copied_or_differentiated_is_refused():
    model = nn.Linear(2, 1)
    model.kept = (each for each in "ab")
    with pytest.raises(ss.InputError, match=r"model must be copied by copy.deepcopy, got TypeError: cannot"):
        objectives.torch(model, mse, batch())
    with pytest.raises(ss.InputError, match=r"loss must be twice differentiable by autograd, got a functi"):
        objectives.torch(nn.Linear(2, 1), lambda m, b: (Blind.apply(m(b[0])) ** 2).mean(), batch())
    with pytest.raises(ss.InputError, match=r"loss must be twice differentiable by autograd, got a functi"):
        # The slope of the mean is a constant, so that the gradient of Blind keeps no trace of θ.
        objectives.torch(nn.Linear(2, 1), lambda m, b: Blind.apply(m(b[0]) ** 2).mean(), batch())
    cdist = objectives.torch(nn.Linear(2, 2), lambda m, b: torch.cdist(m(b[0]), b[0]).mean(), batch())
    operator = cdist.hessian(cdist.parameters)
    with pytest.raises(ss.InputError, match=r"loss must be twice .* an operation that is not \(.*derivative"):
        operator.product(np.ones(6))


def test_examples_to_draw_are_rows_of_every_tensor():
    inputs, labels = batch()
    uneven = objectives.torch(
        nn.Linear(2, 1), lambda m, b: mse(m, (b[0], b[1][:6])), (inputs, torch.cat([labels, labels]))
    )
    with pytest.raises(ss.InputError, match=r"batch must hold tensors with the same first dimension, the"):
        training.run(uneven, uneven.parameters, methods.StochasticGradientDescent(0.1, 3))
    wide = objectives.torch(nn.Linear(2, 2), mse, (inputs, inputs))
    with pytest.raises(ss.InputError, match=r"rows must be numbers of examples from 0 to 5, got an array"):
        wide.batch_gradient(wide.parameters, np.array([6]))
    with pytest.raises(ss.InputError, match=r"batch must hold one label per example for noise on them, got"):
        training.run(wide, wide.parameters, methods.LabelNoise(0.1, 3))


def test_without_torch_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ss.errors.Unavailable, match=r"^PyTorch is not installed; pip install 'stepscape\[t"):
        objectives.torch(LINEAR, mse, ())
