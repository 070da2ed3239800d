"""The class that a network is certified to lie in, and the worst of it."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import theory


def trained(problem, step_size=0.4, steps=3000, width=60, seed=0):
    start = ss.TwoLayerReLU.random(width, seed=seed)
    return ss.train(problem, start, ss.GradientDescent(step_size, steps), measure_sharpness=False).network


@pytest.fixture(scope="module", params=["square", "logistic"])
def fitted(request):
    if request.param == "square":
        problem = ss.problems.tent(n=60, noise=0.5, seed=3)
    else:
        problem = ss.problems.bernoulli("wave", n=60, seed=3)
    return problem, trained(problem)


def inside_of(problem, network, gamma=1.0):
    f = network.predict(problem.inputs)
    return np.abs(f) <= gamma if problem.loss == "logistic" else np.ones(f.size, bool)


def test_the_network_lies_in_its_class(fitted):
    problem, network = fitted
    flat = ss.certified_class(problem, network)
    unsure = inside_of(problem, network)
    x, v = problem.inputs[unsure], np.full(unsure.sum(), 1.0 / problem.size)
    own = theory.weighted_tv(network.w1, network.b1, network.w2, x, v)
    assert 0.0 < own <= flat.variation
    assert flat.height == pytest.approx(np.abs(network.predict(problem.inputs)).max(), rel=1e-12)
    low, high = x.min(), x.max()
    np.testing.assert_array_equal(flat.inside, (problem.inputs >= low) & (problem.inputs <= high))


def test_the_worst_case_is_that_of_the_theory_with_the_certificate_put_in_by_hand(fitted):
    problem, network = fitted
    logistic = problem.loss == "logistic"
    key, bound = ("uncertain", theory.worst_case_excess) if logistic else ("published", theory.worst_case_gap)
    flat = theory.FlatClass(
        problem.inputs,
        ss.certify(problem, network)[key].right,
        float(np.abs(network.predict(problem.inputs)).max()),
        counted=inside_of(problem, network),
    )
    f, f0 = network.predict(problem.inputs), problem.truth(problem.inputs)
    expected = bound(flat, problem.labels, f0)
    found = ss.worst_case(problem, network)
    assert found.right == pytest.approx(expected.value, rel=1e-9)
    assert found.details["constant"] == pytest.approx(expected.constant, rel=1e-12)
    assert found.details["vacuous"] == expected.vacuous
    error = problem.excess_risk(f, flat.inside)
    assert found.left == pytest.approx(error if logistic else 2 * error, rel=1e-12)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_what_fits_as_well_as_the_truth_is_no_worse_than_the_worst(seed, loss):
    if loss == "square":
        problem = ss.problems.tent(n=40, noise=0.5, seed=seed)
    else:
        problem = ss.problems.bernoulli("wave", n=40, amplitude=3.0, seed=seed)
    network = trained(problem, 0.3, 2000, seed=seed)
    for interval in (None, (-0.5, 0.6)):
        found = ss.worst_case(problem, network, interval=interval)
        flat = ss.certified_class(problem, network, interval=interval)
        part = ss.Problem(problem.inputs[flat.inside], problem.labels[flat.inside], loss, problem.truth)
        truth = part.training_loss(part.truth(part.inputs))
        fits = part.training_loss(network.predict(part.inputs)) <= truth
        assert found.verdict == ("holds" if fits else "inapplicable")
        assert fits or found.failed_premises == (
            "the network fits the labels of I at least as well as the truth does",
        )
        assert found.details["attained"] <= found.right * (1 + 1e-9)


def test_more_data_and_a_truth_that_varies_more_make_it_say_something():
    said = []
    for n, amplitude in ((60, 1.0), (1000, 4.0)):
        problem = ss.problems.bernoulli("wave", n=n, amplitude=amplitude, seed=1)
        said.append(ss.worst_case(problem, trained(problem, 1.2)).details["vacuous"])
    assert said == [1.0, 0.0]


def test_where_nothing_is_certified_there_is_no_class():
    problem = ss.problems.bernoulli("wave", n=20, seed=0)
    sure = theory.flat_interpolator(problem.inputs, problem.labels, 40.0)
    message = (
        r"the network must meet the premises of the certificate 'uncertain', got one without: some input"
    )
    with pytest.raises(ss.InputError, match=message):
        ss.certified_class(problem, sure)
    frozen = ss.TwoLayerReLU.random(5, trainable=("w1", "b1"))
    with pytest.raises(ss.InputError, match="must meet the premises of the certificate 'uncertain'"):
        ss.worst_case(problem, frozen)


def test_a_worst_case_needs_a_truth():
    problem = ss.Problem([0.0, 1.0, 2.0], [1, 0, 1], "logistic")
    with pytest.raises(ss.InputError, match="truth must be given to bound an error to it"):
        ss.worst_case(problem, ss.TwoLayerReLU.random(3))
