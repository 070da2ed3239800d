"""Models in plain PyTorch: the same network in NumPy, and closed forms of what sets them apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stepscape.errors import InputError
from stepscape.experiments.deep.models import ACTIVATIONS, loss_of_model, model
from stepscape.experiments.deep.networks import chebyshev
from stepscape.methods import GradientDescent
from stepscape.objectives import layered
from stepscape.training import run


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_plain_model_is_the_layered_network_in_numpy(activation: str) -> None:
    problem = chebyshev(7, 3)
    here = loss_of_model("mlp", problem, 4, 2, activation, 1)
    there, theta = layered(problem, (4, 4), activation), here.parameters
    assert here.size == there.size
    assert here.loss(theta) == pytest.approx(there.loss(theta), rel=1e-13)
    np.testing.assert_allclose(here.gradient(theta), there.gradient(theta), rtol=0, atol=1e-13)
    along = np.cos(np.arange(theta.size))
    products = [each.hessian(theta).product(along) for each in (here, there)]
    np.testing.assert_allclose(*products, rtol=0, atol=1e-12)


def test_a_residual_model_without_weights_in_its_blocks_is_a_shallow_one() -> None:
    deep, x = model("residual", 2, 3, 3), torch.ones(4, 2, dtype=torch.float64)
    with torch.no_grad():
        for parameter in (*deep[2].parameters(), *deep[3].parameters()):
            parameter.zero_()
    shallow = torch.nn.Sequential(deep[0], deep[1], deep[4])
    torch.testing.assert_close(deep(x), shallow(x), rtol=0, atol=0)


def test_the_scale_before_a_normalization_does_not_matter_and_the_loss_is_pure() -> None:
    loss = loss_of_model("batch-norm", chebyshev(9, 3), 4, 2, "tanh", 2)
    theta = loss.parameters
    scaled, second = theta.copy(), slice(8, 28)  # weights and biases of the second layer
    scaled[second] *= 1e3  # 1e-5 inside the norm fades
    more = scaled.copy()
    more[second] *= 7.0
    assert loss.loss(scaled) == pytest.approx(loss.loss(more), rel=1e-6)
    assert abs(loss.gradient(more)[second] @ more[second]) < 1e-6 * np.linalg.norm(more[second])
    before = loss.loss(theta)
    run(loss, theta, GradientDescent(0.1, 5), 5, measure_sharpness=False)
    assert loss.loss(theta) == before


@pytest.mark.parametrize(("kind", "fixed"), [("mlp", 5), ("residual", 5), ("batch-norm", 9)])
def test_without_biases_only_those_of_the_first_layer_are_trained(kind: str, fixed: int) -> None:
    """Fixed are 4 of the second layer, 1 of the last, and 4 of a normalization."""
    with_them = loss_of_model(kind, chebyshev(7, 3), 4, 2, "tanh", 3)
    without = loss_of_model(kind, chebyshev(7, 3), 4, 2, "tanh", 3, bias=False)
    assert with_them.size - without.size == fixed
    names = dict(without.model.named_parameters())
    biases = [name for name in names if name.endswith("bias")]
    assert [name for name in biases if names[name].requires_grad] == ["0.bias"]
    assert all(not names[name].any() for name in biases[1:])
    np.testing.assert_array_equal(with_them.parameters[:8], without.parameters[:8])


def test_starts_are_reproducible_and_leave_the_random_numbers_of_pytorch_alone() -> None:
    state = torch.random.get_rng_state()
    one, other, third = (model("mlp", 1, 3, 1, seed=seed) for seed in (4, 4, 5))
    assert torch.equal(one[0].weight, other[0].weight)
    assert not torch.equal(one[0].weight, third[0].weight)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(InputError, match="unknown kind 'mlpp'; did you mean 'mlp'"):
        model("mlpp", 1, 2, 1)
    with pytest.raises(InputError, match="unknown activation 'tan'"):
        model("mlp", 1, 2, 1, "tan")
