"""Sharpness of networks in float32 against ARPACK in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from probed_models import mse
from stepscape.monitor import Probe, sharpness

nn = torch.nn


def arpack(probe, which):
    """Extreme eigenvalue by ARPACK on products in float64."""
    operator = probe.operator()
    with probe.measuring():
        products = LinearOperator(
            (probe.size,) * 2,
            matvec=lambda v: operator.product(torch.from_numpy(v.ravel())).numpy(),
            dtype=float,
        )
        return float(eigsh(products, k=1, which=which, tol=1e-10, return_eigenvectors=False)[0])


def digits():
    from sklearn.datasets import load_digits

    data = load_digits()
    inputs = torch.tensor(data.images[:100, None] / 16.0, dtype=torch.float32)
    return inputs, torch.tensor(data.target[:100])


def convolutional():
    torch.manual_seed(2)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 10)
    )


def cross_entropy(model, batch):
    return nn.functional.cross_entropy(model(batch[0]), batch[1])


def tanh_network():
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(64, 40), nn.Tanh(), nn.Linear(40, 10))


def one_hot(model, batch):
    return mse(model, (batch[0].flatten(1), nn.functional.one_hot(batch[1], 10).to(batch[0])))


CASES = {
    "convolution, cross-entropy": (convolutional, cross_entropy),
    "tanh, squares": (tanh_network, one_hot),
}


@pytest.mark.parametrize("trained", [False, True], ids=["initial", "trained"])
@pytest.mark.parametrize("name", CASES)
def test_a_residual_of_one_thousandth_means_an_error_below_one_in_ten_thousand(name, trained):
    make, loss = CASES[name]
    model, batch = make(), digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(30 if trained else 0):
        optimizer.zero_grad()
        loss(model, batch).backward()
        optimizer.step()
    top = arpack(Probe(model, loss, batch, precision="float64"), "LA")
    found = sharpness(model, loss, batch)
    assert found.status == "converged"
    assert found.residual <= 1e-3 * found.value
    assert abs(found.value - top) <= 1e-4 * top
    assert found.lower_bound <= top
    assert found.products <= 40
    sharp = sharpness(model, loss, batch, tolerance=1e-6, precision="float64")
    assert abs(sharp.value - top) <= 1e-9 * top


def test_the_smallest_eigenvalue_has_the_tolerance_of_the_largest():
    model, batch = tanh_network(), digits()
    probe = Probe(model, one_hot, batch, precision="float64")
    top, low = arpack(probe, "LA"), arpack(probe, "SA")
    found = sharpness(model, one_hot, batch, smallest=True)
    assert low < 0.0 < top
    assert found.smallest_residual <= 1e-3 * found.value
    assert low - 1e-6 * top <= found.smallest <= low + 1e-3 * top
    assert math.isnan(sharpness(model, one_hot, batch).smallest)


def test_what_was_measured_is_told():
    model, batch = tanh_network(), digits()
    found = sharpness(model, one_hot, batch, max_products=3)
    assert (found.status, found.products, found.samples, found.size) == ("budget", 3, 100, 3010)
    assert (found.precision, found.batch_norm, found.method) == ("float32", "none", "cached")
    assert found.reason.startswith("max_products were spent before the residual reached the tolerance")
    assert repr(found).endswith("a lower bound, budget, products=3, samples=100)")
    assert found.lower_bound == found.value - found.residual
    H = Probe(model, one_hot, batch).operator()
    residual = (H.product(found.vector) - found.value * found.vector).double().norm()
    assert abs(float(residual) - found.residual) <= 1e-5 * found.value


def test_an_indefinite_hessian_gives_its_largest_eigenvalue_not_its_largest_modulus():
    """Loss (2θ₁² - 5θ₂²)/2: eigenvalues 2 and -5."""
    model = nn.Linear(2, 1, bias=False)
    scale = torch.tensor([2.0, -5.0])
    found = sharpness(model, lambda m, b: 0.5 * (b * m.weight[0] ** 2).sum(), scale)
    assert np.isclose(found.value, 2.0, rtol=1e-6)
    assert found.status == "converged"


def test_a_linear_loss_has_no_curvature():
    found = sharpness(nn.Linear(2, 1), lambda m, b: m(b).mean(), torch.ones(3, 2))
    assert (found.value, found.residual, found.status) == (0.0, 0.0, "converged")
