"""Losses, gradients and Hessian products of a probe: autograd's dense Hessian on a float64 copy."""

from __future__ import annotations

import pytest

from probed_models import dense, matrix, mse, network, pair
from stepscape.monitor import Probe

METHODS = ("cached", "double", "vjp")


@pytest.mark.parametrize("method", METHODS)
def test_products_are_those_of_the_dense_hessian(method):
    model, batch = network(), pair()
    operator = Probe(model, mse, batch, precision="float64").operator(method)
    expected = dense(model, mse, tuple(each.double() for each in batch))
    assert (matrix(operator) - expected).abs().max() <= 64 * 2.0**-52 * expected.abs().max()
    assert operator.graphs == {"cached": 1, "double": operator.products, "vjp": 2}[method]
