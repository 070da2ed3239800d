"""Both sides of the sharpness in R^d, against dense eigenvalues of autograd's Hessian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import plane_cases as pc
import stepscape as ss
from stepscape import objectives
from stepscape.curvature import Eigenpair
from stepscape.objectives import relu_plane_sharpness
from stepscape.objectives.relu_plane_sides import stays_below, vector_beyond

DECAYS = [0.0, 0.2, 5.0]


def dense_of(problem, net, decay, decay_biases=True):
    shift = pc.shifts(net, decay, decay_biases)
    return (pc.dense_hessian(problem, net) + np.diag(shift))[np.ix_(net.trained, net.trained)]


@pytest.mark.parametrize("loss", ["square", "logistic"])
@given(
    seed=st.integers(0, 10**6),
    blocks=st.sampled_from(ref.SUBSETS),
    decay=st.sampled_from(DECAYS),
    biases=st.booleans(),
    weighted=st.booleans(),
)
def test_the_largest_eigenvalue_lies_between_the_sides(loss, seed, blocks, decay, biases, weighted):
    rng = np.random.default_rng(seed)
    n, d, k = (int(rng.integers(low, high)) for low, high in ((1, 25), (2, 6), (1, 12)))
    problem = pc.noisy_plane(n, d, seed, weighted and n > 1, loss)
    net = pc.plane_network(k, d, seed, 1.5, blocks)
    if np.abs(pc.preactivations(problem, net.parameters)).min() < 1e-9:
        return
    top = np.linalg.eigvalsh(dense_of(problem, net, decay, biases))[-1]
    pair = ss.sharpness(problem, net, weight_decay=decay, decay_biases=biases)
    rounding = 1e-12 * max(1.0, abs(top))
    assert pair.lower - rounding <= top <= pair.upper + rounding
    operator = objectives.PlaneHessian(problem, net, decay=decay, decay_biases=biases)
    if top > (operator.residual_norm + decay) * (1.0 + 1e-6) + 1e-9:
        assert pair.status == "two-sided"
        assert pair.upper_by == "inertia count"
        assert pair.error <= 1e-6 * top
        assert stays_below(operator, top * (1.0 + 1e-9) + 1e-12)
        assert not stays_below(operator, top * (1.0 - 1e-9) - 1e-12)


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_an_eigenvalue_that_both_starts_missed_is_found(loss, monkeypatch):
    problem, net = pc.noisy_plane(20, 3, 1, loss=loss), pc.plane_network(10, 3, 1)
    operator = objectives.PlaneHessian(problem, net)
    values, vectors = np.linalg.eigh(dense_of(problem, net, 0.0))
    honest, calls = relu_plane_sharpness.plane_top_from, []

    def blind(given, start=None, tolerance=1e-8):
        calls.append(start)
        if len(calls) <= 2:
            return Eigenpair(values[-2], 1e-10, vectors[:, -2].copy(), 5)
        return honest(given, start, tolerance)

    monkeypatch.setattr(relu_plane_sharpness, "plane_top_from", blind)
    pair = relu_plane_sharpness.plane_top(operator)
    assert len(calls) == 3
    assert pair.value == pytest.approx(values[-1], rel=1e-9)
    assert pair.status == "two-sided"
    assert pair.products > 10


def test_a_vector_that_shows_a_larger_eigenvalue():
    problem, net = pc.noisy_plane(20, 3, 2), pc.plane_network(10, 3, 2)
    operator, dense = objectives.PlaneHessian(problem, net), dense_of(problem, net, 0.0)
    values = np.linalg.eigvalsh(dense)
    v = vector_beyond(operator, 0.5 * (values[-1] + values[-2]))
    assert (v @ dense @ v) / (v @ v) > values[-2]
    assert vector_beyond(operator, operator.residual_norm) is None


def test_where_r_alone_bends_the_loss_the_count_still_works():
    problem, small = pc.noisy_plane(10, 2, 3), pc.plane_network(5, 2, 3, 1e-12, ("w1", "w2"))
    pair = ss.sharpness(problem, small)
    assert pair.status == "two-sided"
    assert pair.value == pytest.approx(objectives.PlaneHessian(problem, small).residual_norm, rel=1e-9)


def test_more_inputs_than_a_count_takes_leave_a_lower_bound():
    many = pc.noisy_plane(513, 2, 4)
    assert ss.sharpness(many, pc.plane_network(5, 2, 4)).status == "lower bound"
