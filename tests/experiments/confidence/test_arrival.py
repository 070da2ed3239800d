"""Where a run of logistic descent stands: every fate is reached, and what decides it, by other means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.arrival import CERTIFIED, Standing, best_constant, fate, standings
from stepscape.losses import divergence
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.training import Snapshot

PROBLEM = ss.problems.bernoulli("wave", n=60, amplitude=2.0, flip_rate=0.1, seed=1)
LOSS_TRUTH = PROBLEM.training_loss(PROBLEM.truth(PROBLEM.inputs))  # type: ignore[misc]


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def stand(network: ss.TwoLayerReLU) -> Standing:
    (at,) = standings(PROBLEM, [Snapshot(0, 0.0, network, network)], ignore)
    return at


@pytest.fixture(scope="module")
def trained() -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, seed=3)
    return ss.train(PROBLEM, start, ss.GradientDescent(0.3, 3000), measure_sharpness=False).network


class TestFate:
    def test_certified_flat(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        assert fate(at, 2.0 / 0.3, LOSS_TRUTH, 50) == CERTIFIED

    def test_not_certified(self) -> None:
        """A rough network under a threshold that allows it: the bound allows fitting every label."""
        at = stand(ss.TwoLayerReLU.random(100, 8.0, seed=3))
        assert at.certificate.right > at.interpolant > 0.0
        assert fate(at, 1e9, 1e9, 50) == "not certified"

    def test_one_uncertain_input_is_not_certified(self) -> None:
        """With one uncertain input nothing bends between uncertain inputs: the least variation is 0."""
        steep = np.array([30.0, -30.0])
        at = stand(ss.TwoLayerReLU(steep, -steep * PROBLEM.inputs[7], steep))
        assert at.certificate.details["count"] == 1
        assert at.interpolant == 0.0
        assert not at.certified

    def test_underfits(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        assert fate(at, 2.0 / 0.3, 0.999 * at.loss, 50) == "underfits"

    def test_over_the_edge(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        value = np.linalg.eigvalsh(ss.hessian(PROBLEM, trained) @ np.eye(301)).max()
        assert fate(at, value * (1.0 + 1e-6), LOSS_TRUTH, 50) == CERTIFIED
        assert fate(at, value * (1.0 - 1e-6), LOSS_TRUTH, 50) == "over the edge"

    def test_interpolation_trap(self) -> None:
        """The explicit interpolator fits the flipped labels, too; at a large margin it is flat."""
        net = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 60.0)
        at = stand(net)
        assert at.sharpness < 1e-6
        assert fate(at, 2.0, LOSS_TRUTH, 50) == "interpolation trap"
        sharp = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 2.0)
        assert fate(stand(sharp), 2.0, LOSS_TRUTH, 50) == "over the edge"

    def test_dead(self, trained: ss.TwoLayerReLU) -> None:
        assert fate(stand(trained), 2.0 / 0.3, LOSS_TRUTH, 0) == "dead"

    def test_a_record_stands_for_the_flatter_of_its_two_iterates(self) -> None:
        sharp, flat = (ss.TwoLayerReLU.random(20, scale, seed=0) for scale in (3.0, 0.5))
        pairs = [Snapshot(1, 0.0, sharp, flat), Snapshot(2, 0.0, flat, sharp)]
        assert [at.operator.network for at in standings(PROBLEM, pairs, ignore)] == [flat, flat]

    def test_the_bound_is_that_of_the_best_gamma(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        f = trained.predict(PROBLEM.inputs)
        value = np.linalg.eigvalsh(ss.hessian(PROBLEM, trained) @ np.eye(301)).max()
        reach = np.sqrt(1.0 + PROBLEM.x_max**2) * (1.0 - np.exp(-PROBLEM.training_loss(f)))
        best, gamma = min(
            ((value + reach) / (2.0 * np.mean(np.abs(f) <= g) / (4.0 * np.cosh(g / 2.0) ** 2)) - 0.5, g)
            for g in np.abs(f)
        )
        assert at.certificate.right == pytest.approx(best, rel=1e-6)
        some = np.sort(PROBLEM.inputs[np.abs(f) <= gamma])
        labels = gamma * PROBLEM.labels[np.argsort(PROBLEM.inputs)][np.isin(np.sort(PROBLEM.inputs), some)]
        slopes = np.diff(labels) / np.diff(some)
        around = [theory.weight(some[1:-1] + shift, some) for shift in (-1e-9, 0.0, 1e-9)]
        assert at.interpolant == pytest.approx(np.abs(np.diff(slopes)) @ np.min(around, axis=0), rel=1e-4)

    def test_best_constant(self) -> None:
        inside = PROBLEM.inputs > -0.2
        f0 = PROBLEM.truth(PROBLEM.inputs[inside])  # type: ignore[misc]
        found = minimize_scalar(lambda c: float(np.mean(divergence(f0, np.full(f0.size, c)))))
        assert best_constant(PROBLEM, inside) == pytest.approx(found.fun, rel=1e-6)

    def test_best_constant_where_there_is_none(self) -> None:
        sure = ss.Problem([-1.0, 1.0], [0, 1], loss="logistic", truth=lambda x: 0 * x + 800.0)
        none = theory.interior(sure.inputs, sure.inputs)
        assert not none.any()
        assert np.isnan(best_constant(sure, none))
        assert best_constant(sure, ~none) == 0.0

    def test_no_truth(self) -> None:
        bare = ss.Problem(np.array([0.0, 1.0]), np.array([-1.0, 1.0]), loss="logistic")
        with pytest.raises(InputError, match="truth must be given to measure the error to it, got None"):
            best_constant(bare, np.array([True, True]))

    def test_a_standing_reads_the_operator(self) -> None:
        net = ss.TwoLayerReLU.random(10, seed=0)
        at = Standing(Hessian(PROBLEM, net), ss.Eigenpair(1.0, 0.25, np.empty(0), 0))
        assert at.sharpness == 1.25
        f = net.predict(PROBLEM.inputs)
        assert at.loss == pytest.approx(PROBLEM.training_loss(f), rel=1e-12)
        assert at.smallest_margin == pytest.approx((PROBLEM.labels * f).min(), rel=1e-10)
