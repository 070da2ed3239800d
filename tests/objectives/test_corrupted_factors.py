"""The loss of a corrupted matrix in its factors: derivatives, the majorant, traces, descent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from stepscape.errors import InputError


def case(d1=5, d2=4, width=2, seed=0, share=0.3):
    """An objective at a θ whose errors exceed the budget."""
    p = ss.problems.robust_pca(d1, d2, 1, share, seed=seed)
    o = ss.objectives.factors(p, width)
    return o, np.random.default_rng([seed, 7]).standard_normal(o.size)


def majorant(o, theta):
    """‖L Rᵀ + S − Y‖_F² in PyTorch, with the S of a point."""
    d1, d2 = o.matrix.shape
    x = o.factorization(theta).matrix
    target = torch.tensor(o.matrix.observed - o.matrix.errors(x))

    def loss(at):
        left, right = at[: d1 * o.width].reshape(d1, -1), at[d1 * o.width :].reshape(d2, -1)
        return ((left @ right.T - target) ** 2).sum()

    return loss


def test_derivatives_are_those_of_the_majorant():
    o, theta = case()
    same, tensor = majorant(o, theta), torch.tensor(theta)
    g = torch.func.grad(same)(tensor).numpy()
    h = torch.autograd.functional.hessian(same, tensor).numpy()
    assert o.loss(theta) == pytest.approx(float(same(tensor)), rel=1e-13)
    assert o.loss(theta) == pytest.approx(o.matrix.loss(o.factorization(theta).matrix), rel=1e-13)
    np.testing.assert_allclose(o.gradient(theta), g, rtol=0, atol=1e-13 * np.abs(g).max())
    np.testing.assert_allclose(o.hessian(theta).dense(), h, rtol=0, atol=1e-13 * np.abs(h).max())
    cut = o.matrix.shape[0] * o.width
    blocks = np.trace(h[:cut, :cut]), np.trace(h[cut:, cut:])
    np.testing.assert_allclose(o.block_traces(theta), blocks, rtol=1e-13)
    assert o.trace(theta) == pytest.approx(np.trace(h), rel=1e-13)
    assert o.census(theta) == {}


@examples(1 / 2)
@given(
    seed=st.integers(0, 2**32),
    d1=st.integers(1, 5),
    d2=st.integers(1, 5),
    width=st.integers(1, 6),
    step=st.floats(0, 2),
)
def test_the_majorant_touches_the_loss_from_above(seed, d1, d2, width, step):
    o, theta = case(d1, d2, width, seed)
    above = majorant(o, theta)
    other = theta + step * np.random.default_rng(seed).standard_normal(o.size)
    assert o.loss(other) <= float(above(torch.tensor(other))) * (1.0 + 1e-12)
    # 2⟨∇²f⟩ of the products: a central difference of the gradient of the loss itself.
    assert o.loss(theta) == pytest.approx(float(above(torch.tensor(theta))), rel=1e-12, abs=1e-20)
    along = np.random.default_rng(seed).standard_normal(o.size)
    slope = (o.loss(theta + 1e-6 * along) - o.loss(theta - 1e-6 * along)) / 2e-6
    assert o.gradient(theta) @ along == pytest.approx(
        slope, abs=1e-6 * (1.0 + o.loss(theta)) * (1.0 + along @ along)
    )


def test_no_loss_and_a_flat_loss_within_the_budget():
    p = ss.problems.robust_pca(4, 4, 1, 0.2)
    left, right = np.linalg.svd(p.truth)[0][:, :1], p.truth.T @ np.linalg.svd(p.truth)[0][:, :1]
    f = ss.Factorization(left, right)
    roomy = ss.problems.CorruptedMatrix(p.observed, 2.0 * p.budget, p.truth)
    o = ss.objectives.factors(roomy, factors=f)
    assert o.loss(f.parameters) == 0.0
    np.testing.assert_array_equal(o.gradient(f.parameters), 0.0)
    # The paper's scaled trace 2‖L‖² + 2‖R‖², and the plain one.
    of_left, of_right = o.block_traces(f.parameters)
    assert of_left / 4 + of_right / 4 == pytest.approx(2.0 * f.squared_norm, rel=1e-13)


def test_descent_diverges_as_an_outcome():
    o, theta = case()
    run = ss.training.run(o, theta, ss.GradientDescent(10.0, 50), record_every=10)
    assert run.outcome == "diverged"


def test_wrong_arguments_are_refused():
    p = ss.problems.robust_pca(4, 3)
    with pytest.raises(InputError, match="matrix must be a CorruptedMatrix, got an int"):
        ss.objectives.CorruptedFactors(3, 1)
    with pytest.raises(InputError, match="width must be a whole number of at least 1, got 0"):
        ss.objectives.CorruptedFactors(p, 0)
    with pytest.raises(InputError, match=r"theta must have shape \(14,\), got \(3,\)"):
        ss.objectives.factors(p, 2).gradient(np.zeros(3))
    with pytest.raises(InputError, match=r"the shape \(4, 3\) of the problem, got \(3, 3\)"):
        ss.objectives.factors(p, factors=ss.Factorization.random((3, 3), 1))
