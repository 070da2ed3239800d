"""Numbers that float64 cannot hold are refused, and numbers it can hold are not, whatever their terms."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape.objectives import Hessian

ONE = ss.Problem([1.0], [0.0])


def one_neuron(w1, w2, trainable=("w1", "b1", "w2", "b2")):
    return ss.TwoLayerReLU([w1], [0.0], [w2], 0.0, trainable)


@pytest.mark.parametrize(
    ("what", "read"),
    [
        ("the network's prediction", lambda: Hessian(ONE, one_neuron(1e200, 1e200)).predictions),
        ("the network's prediction", lambda: one_neuron(1e200, 1e200).predict([1.0])),
        ("the loss", lambda: Hessian(ONE, one_neuron(1e100, 1e100)).loss),
        ("the gradient", lambda: Hessian(ONE, one_neuron(1e80, 1e160)).gradient),
        ("the gradient", lambda: Hessian(ss.Problem([1e80], [0.0]), one_neuron(1e70, 1e90)).residual_norm),
        ("the trace of the Hessian", lambda: ss.hessian_trace(ONE, one_neuron(1e-100, 1e160))),
        ("the Hessian", lambda: ss.sharpness(ONE, one_neuron(1e-100, 1e160))),
        (
            "the product of the Hessian with the vector",
            lambda: ss.hessian(ONE, one_neuron(1e-100, 1e154)) @ np.full(4, 1e20),
        ),
    ],
)
def test_what_float64_cannot_hold_is_refused(what, read):
    with pytest.raises(ss.InputError, match=rf"{what} must be finite, got a number beyond 1.8e308; rescale"):
        read()


def test_an_eigenvalue_of_two_finite_blocks_may_be_beyond():
    # w1 and b1 have 1.2e308 each on the diagonal, and λ_max is their sum.
    net = one_neuron(1e-160, 1.1e154, ("w1", "b1"))
    with pytest.raises(ss.InputError, match=r"the sharpness must be finite, got a number beyond"):
        ss.sharpness(ONE, net)


def test_frozen_blocks_may_be_beyond_the_range():
    net = one_neuron(1e-100, 1e160, ("w2", "b2"))
    assert ss.hessian_trace(ONE, net) == pytest.approx(1.0)
    assert ss.sharpness(ONE, net).value == pytest.approx(1.0)
    assert np.isfinite(Hessian(ONE, net).gradient).all()


def test_terms_beyond_the_range_that_cancel_are_no_reason_to_refuse():
    net = ss.TwoLayerReLU([1e200, 1e200, 1.0], [0.0] * 3, [1e200, -1e200, 1.0], 0.5)
    np.testing.assert_array_equal(net.predict([1.0, 2.0]), [1.5, 2.5])
    assert Hessian(ss.Problem([1.0, 2.0], [1.0, 2.0]), net).loss == 0.125


def test_descent_does_not_feel_a_huge_neuron_at_an_input_that_it_fits():
    # A neuron of weight 2⁴³ sees the first input alone, where f is 2⁸⁵ like the label; others see the rest.
    small = ss.TwoLayerReLU([0.5, 1.0], [0.25, -0.5], [0.5, 1.0], 0.0, ("w1", "w2"))
    w1, b1, w2 = (
        np.append(p, t) for p, t in ((small.w1, -(2.0**43)), (small.b1, -(2.0**42)), (small.w2, 2.0**43))
    )
    big = ss.TwoLayerReLU(w1, b1, w2, 0.0, ("w1", "w2"))
    x, rest = [-1.0, 0.25, 0.5, 1.0], [0.3, 0.9, 0.1]
    method = ss.GradientDescent(0.1, 40)
    plain = ss.train(ss.Problem(x, [0.0, *rest]), small, method, 10, measure_sharpness=False)
    stiff = ss.train(ss.Problem(x, [2.0**85, *rest]), big, method, 10, measure_sharpness=False)
    np.testing.assert_allclose(stiff.loss, plain.loss, rtol=1e-12)
    np.testing.assert_allclose(stiff.network.w2[:2], plain.network.w2, rtol=1e-12)
    assert stiff.network.w2[2] == 2.0**43
