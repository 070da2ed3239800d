"""The two sides of λ_max: against dense eigenvalues, and at networks whose top eigenvector no start sees."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles as ref
import stepscape as ss
from budget import examples
from cases import EPS, dense, network, noisy, train
from stepscape.objectives import Hessian, relu_line_sharpness
from stepscape.objectives.relu_line_sharpness import top
from stepscape.objectives.relu_line_sides import Above, above, careful_cells

X = np.array([-0.5, 0.2, 1.0])
# Found by solving ⟨start, top eigenvector⟩ = 0 for both starts; labels are the predictions, so H = G.
HIDDEN = [
    ["-0x1.275153aac4e68p+2", "0x1.307975f9f078dp+2", "0x1.daa08790ef72ap+0"],
    ["-0x1.23404d4333c55p+2", "0x1.4219303c802a8p+2", "0x1.eaf0e5b66fcfep+0"],
    ["-0x1.1f695e9f8a5d1p+2", "0x1.4da5347240b2ap+2", "0x1.f5fbcf615c6f6p+0"],
]


def hidden(numbers) -> tuple[ss.Problem, ss.TwoLayerReLU]:
    net = ss.TwoLayerReLU(*([float.fromhex(number)] for number in numbers), 0.3)
    return ss.Problem(X, net.predict(X)), net


def spectrum(problem, net, decay=0.0, gauss_newton=False):
    d, keep = dense(problem), net.trained
    part = ref.gauss_newton if gauss_newton else ref.hessian
    h = part(net.parameters, d) + np.diag(decay * np.append(np.ones(3 * net.width), 0.0))
    return np.linalg.eigh(h[np.ix_(keep, keep)])


@examples(6)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 40),
    k=st.integers(1, 60),
    loss=st.sampled_from(["square", "logistic"]),
    blocks=st.sampled_from([*ref.SUBSETS, *[ref.BLOCKS] * 8]),
    decay=st.sampled_from([0.0, 0.0, 0.3, 5.0]),
    gauss_newton=st.booleans(),
    loud=st.sampled_from([1.0, 100.0]),
    offset=st.sampled_from([0.0, 0.0, 1000.0]),
)
def test_the_largest_eigenvalue_lies_between(seed, n, k, loss, blocks, decay, gauss_newton, loud, offset):
    problem, net = noisy(n, seed, weighted=n > 3, loss=loss), network(k, seed, trainable=blocks)
    labels = problem.labels if loss == "logistic" else loud * problem.labels
    problem = ss.Problem(problem.inputs + offset, labels, loss, weights=problem.weights)
    net = ss.TwoLayerReLU(net.w1, net.b1 - offset * net.w1, net.w2, net.b2, blocks)
    values = spectrum(problem, net, decay, gauss_newton)[0]
    scale = np.abs(values).max()
    blur = EPS * (64 + 4e3 * offset) * scale  # of the dense eigenvalues
    operator = Hessian(problem, net, gauss_newton, decay)
    pair = top(operator)
    assert pair.lower <= values[-1] + blur
    assert values[-1] <= pair.upper + blur
    assert pair.lower <= pair.upper
    assert pair.upper_by == ("inertia count" if scale > 0.0 else "trace")
    # A preactivation that nearly cancels leaves fewer digits of a small eigenvalue.
    lost = 1e-13 * float(net.parameters @ net.parameters) * (1.0 + problem.line.x_max**2)
    assert pair.upper - pair.lower <= (1e-7 if offset else 1e-9) * scale + lost
    careful = above(operator, careful_cells(operator, pair.value), pair.value).bound
    assert scale == 0.0 or values[-1] - blur <= careful <= pair.upper + 1e-7 * scale


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("decay", [0.0, 0.4])
def test_the_count_turns_at_the_largest_eigenvalue(loss, decay):
    for seed in range(20):
        problem, net = noisy(25, seed, weighted=True, loss=loss), network(40, seed)
        operator = Hessian(problem, net, decay=decay)
        cells = careful_cells(operator, 0.5)
        assert cells.unit == 1.0
        value = spectrum(problem, net, decay)[0][-1]
        for factor, positive in ((1 - 1e-9, False), (1 + 1e-9, True)):
            found = cells.first_nonpositive(operator, decay, value * factor)
            assert (found[0] == problem.size) is positive


@pytest.mark.parametrize("blocks", [("w1", "b1", "w2"), ("w2",)], ids="+".join)
@pytest.mark.parametrize("far", [0.0, 1e6])
def test_rounding_never_proves_too_much(blocks, far):
    """A neuron active at one input of two has λ_max(G) = ½ ‖∇f‖² there: no σ up to it is proved above it."""
    rng = np.random.default_rng(7)
    for _ in range(300):
        w1, w2, step = np.abs(rng.standard_normal(3)) + 0.1
        x, other = far + step, far - 2.0 * step  # without `far` on both sides of 0: nothing is subtracted
        b1 = -w1 * (far + 0.3 * step)
        net = ss.TwoLayerReLU([w1], [b1], [w2], 0.0, trainable=blocks)
        slope, active = Fraction(w2), Fraction(w1) * Fraction(x) + Fraction(b1)
        parts = {"w1": slope * Fraction(x), "b1": slope, "w2": active}
        exact = sum(parts[name] ** 2 for name in blocks) / 2
        operator = Hessian(ss.Problem([other, x], net.predict([other, x])), net, gauss_newton=True)
        cells = careful_cells(operator, float(exact))
        sigma = float(exact) / cells.unit
        if Fraction(sigma) * Fraction(cells.unit) > exact:
            sigma = float(np.nextafter(sigma, 0.0))
        assert cells.first_nonpositive(operator, 0.0, sigma)[0] < 2


@pytest.mark.parametrize("blocks", [ref.BLOCKS, ("b1", "w2"), ("w1", "b2"), ("w2",)], ids="+".join)
def test_a_count_that_fails_shows_a_larger_rayleigh_quotient(blocks):
    for seed in range(20):
        problem, net = noisy(25, seed), network(30, seed, trainable=blocks)
        operator = Hessian(problem, net, decay=0.1)
        top_two = spectrum(problem, net, 0.1)[0][-2:]
        guess = float(max(0.999 * top_two[1], np.mean(top_two)))
        if not guess > 1.001 * (operator.residual_norm + 0.1):
            continue
        found = above(operator, careful_cells(operator, guess), guess)
        assert found.bound == np.inf
        assert np.linalg.norm(found.vector) == pytest.approx(1.0)
        np.testing.assert_array_equal(found.vector[~net.trained], 0.0)
        assert found.vector @ operator.product(found.vector) >= guess * (1 + 2.0**-17)


@pytest.mark.parametrize("numbers", HIDDEN)
def test_no_network_hides_its_top_eigenvector(numbers):
    problem, net = hidden(numbers)
    operator = Hessian(problem, net)
    values, vectors = spectrum(problem, net)
    missed = relu_line_sharpness._measured(operator, None, 1e-8)[0]
    assert missed.value < 0.15 * values[-1]  # from both starts, with a residual of rounding
    assert missed.residual < 1e-11
    for start in (None, *vectors.T):
        for gauss_newton in (False, True):
            pair = ss.sharpness(problem, net, start=start, gauss_newton=gauss_newton)
            assert pair.value == pytest.approx(values[-1], rel=1e-12)
            assert pair.lower <= values[-1] * (1 + 8 * EPS)
            assert pair.upper == pytest.approx(values[-1], rel=1e-10)
    found = ss.certify(problem, net)
    assert {c.verdict for c in found.values()} == {"holds", "inapplicable"}
    run = ss.train(problem, net, ss.GradientDescent(1e-3, 2), record_every=1)
    assert run.sharpness[0] == pytest.approx(values[-1], rel=1e-8)


def test_without_a_count_the_bound_of_the_theory_finds_it(monkeypatch):
    problem, net = hidden(HIDDEN[0])
    value = spectrum(problem, net)[0][-1]
    monkeypatch.setattr(relu_line_sharpness, "above", lambda *_: Above(np.inf))
    pair = ss.sharpness(problem, net)
    assert pair.value == pytest.approx(value, rel=1e-9)
    assert pair.upper_by == "trace"
    assert value <= pair.upper <= 2.0 * Hessian(problem, net).trace


def test_a_hessian_that_vanishes_and_one_that_is_mere_decay():
    problem = ss.Problem([0.0, 1.0], [1.0, 2.0])
    net = ss.TwoLayerReLU([1.0], [-5.0], [1.0], 0.0, ("w1", "b1", "w2"))
    assert (ss.sharpness(problem, net).lower, ss.sharpness(problem, net).upper) == (0.0, 0.0)
    pair = ss.sharpness(problem, net, weight_decay=0.25)
    assert pair.lower <= 0.25 <= pair.upper <= 0.2500001


def test_a_neuron_with_the_largest_curvature_in_its_residual_block():
    # w1 = b1 = w2 = 0 to the eye: its eigenvalue is that of R alone, next to which σ - R is almost singular.
    problem = ss.Problem([-1.0, 1.0, 2.0], [50.0, -80.0, 90.0])
    net = ss.TwoLayerReLU([1e-9], [2e-9], [1e-9], 0.0, ("w1", "b1", "w2"))
    pair = ss.sharpness(problem, net)
    value = spectrum(problem, net)[0][-1]
    assert pair.lower <= value * (1 + 64 * EPS)
    assert value * (1 - 64 * EPS) <= pair.upper <= 2.001 * value


def test_records_of_training_have_both_sides():
    problem, net = noisy(30, 5), network(100, 5)
    net = train(problem, net, 0.2, 400).network
    pair = ss.objectives.line(problem, net).sharpness(net.parameters, decay=0.1)
    assert pair.status == "two-sided"
    assert pair.exceeds(pair.value * (1 - 1e-8)) is True
    assert pair.exceeds(pair.value * (1 + 1e-8)) is False
    assert replace(pair, upper=np.inf).exceeds(pair.value * (1 + 1e-8)) is None
