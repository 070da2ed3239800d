"""The monitor beside curvlinops and hessian-eigenthings, which know nothing of it: they agree to 1e-6.

Both are skipped where they are not installed. constraints.txt names their versions; they are installed
without what they ask for, because that would bring torchvision and another torch.
"""

from __future__ import annotations

import copy
import os

import pytest
import torch
from scipy.sparse.linalg import eigsh

from probed_models import network, pair
from stepscape.monitor import Probe, hessian_trace, sharpness

nn = torch.nn
AGREED = 1e-6
EXACT = {"precision": "float64"}
# A warning of a peer about itself does not concern us.
pytestmark = pytest.mark.filterwarnings("ignore")


def installed(name):
    """Import a peer; where it must be there, its absence is a failure."""
    if os.environ.get("STEPSCAPE_NEEDS_PEERS"):
        return __import__(name)
    return pytest.importorskip(name, reason=f"{name} is not installed; .ci/run installs it for these tests")


def images(*more):
    draw = torch.Generator().manual_seed(3)
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 6), nn.GELU(),
        *more, nn.Linear(6, 4),
    )  # fmt: skip
    batch = torch.randn(9, 1, 6, 6, generator=draw), torch.randint(0, 4, (9,), generator=draw)
    return model, nn.CrossEntropyLoss(), batch


def normalized():
    return images(nn.LayerNorm(6))


def numbers():
    return network(), nn.MSELoss(), pair(rows=11)


def diagonal():
    """A model of five numbers whose Hessian is diagonal: any signs give the trace exactly."""
    torch.manual_seed(4)
    inputs = torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.5, 0.25]))
    return nn.Linear(5, 1, bias=False), nn.MSELoss(), (inputs, torch.zeros(5, 1))


def situation(make):
    """Model, criterion and batch in float64, and the loss as the monitor takes it."""
    model, criterion, batch = make()
    batch = tuple(each.double() if each.is_floating_point() else each for each in batch)
    return copy.deepcopy(model).double(), criterion, batch, lambda m, b: criterion(m(b[0]), b[1])


def curvlinops(model, criterion, batch):
    """Hessian of curvlinops, as products with flat vectors."""
    operator = installed("curvlinops").HessianLinearOperator(
        model, criterion, list(model.parameters()), [batch]
    )
    return operator, lambda vector: operator @ vector


def eigenthings(model, criterion, batch):
    """Hessian of hessian-eigenthings, as products with flat vectors."""
    operator = installed("hessian_eigenthings").HessianOperator(
        model, [batch], lambda m, b: criterion(m(b[0]), b[1])
    )
    return operator, operator.matvec


def largest_of(peer, operator):
    if peer is curvlinops:
        matrix = operator.to_scipy()
        return float(eigsh(matrix, k=1, which="LA", tol=1e-10, return_eigenvectors=False)[0])
    found = installed("hessian_eigenthings").lanczos(
        operator, k=1, which="LA", max_iter=min(80, operator.size), tol=1e-10, seed=0
    )
    return float(found.eigenvalues.max())


def trace_of(peer, operator, products):
    torch.manual_seed(0)
    if peer is curvlinops:
        return float(installed("curvlinops").hutchinson_trace(operator, products))
    found = installed("hessian_eigenthings").hutchinson(operator, num_samples=products, seed=0)
    return float(found.estimate)


# Not curvlinops on `normalized`: forward mode through the gradient of LayerNorm is wrong by 5 % there, in
# PyTorch 2.13.
@pytest.mark.parametrize(
    ("peer", "make"),
    [
        (curvlinops, images), (curvlinops, numbers),
        (eigenthings, images), (eigenthings, numbers), (eigenthings, normalized),
    ],
)  # fmt: skip
def test_products_and_the_largest_eigenvalue_agree(peer, make):
    model, criterion, batch, loss = situation(make)
    operator, product = peer(model, criterion, batch)
    ours = Probe(model, loss, batch, **EXACT).operator()
    draw = torch.Generator().manual_seed(0)
    for _ in range(3):
        vector = torch.randn(ours.size, generator=draw, dtype=torch.float64)
        expected = product(vector)
        assert (ours.product(vector) - expected).norm() <= AGREED * expected.norm()
    found = sharpness(model, loss, batch, tolerance=1e-7, **EXACT)
    assert found.status == "converged"
    assert found.value == pytest.approx(largest_of(peer, operator), rel=AGREED)


@pytest.mark.parametrize("peer", [curvlinops, eigenthings])
def test_the_trace_of_a_diagonal_hessian_agrees(peer):
    model, criterion, batch, loss = situation(diagonal)
    operator, _ = peer(model, criterion, batch)
    found = hessian_trace(model, loss, batch, **EXACT)
    assert found.value == pytest.approx(trace_of(peer, operator, 4), rel=AGREED)


@pytest.mark.parametrize("peer", [curvlinops, eigenthings])
def test_a_trace_lies_within_its_error_of_the_sum_over_unit_vectors(peer):
    model, criterion, batch, loss = situation(numbers)
    _, product = peer(model, criterion, batch)
    expected = sum(float(product(unit) @ unit) for unit in torch.eye(26, dtype=torch.float64))
    found = hessian_trace(model, loss, batch, tolerance=0.02, max_products=200, **EXACT)
    assert abs(found.value - expected) <= 3.0 * found.error
