"""Where a run of logistic descent stands: every fate is reached, and what decides it, by other means."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import stepscape as ss
from stepscape import theory
from stepscape.errors import InputError
from stepscape.experiments.confidence.arrival import (
    COVERED,
    best_constant,
    fate,
    has_arrived,
    movement,
    standings,
)
from stepscape.losses import divergence
from stepscape.training import Snapshot

PROBLEM = ss.problems.bernoulli("wave", n=60, amplitude=2.0, flip_rate=0.1, seed=1)
LOSS_TRUTH = PROBLEM.training_loss(PROBLEM.truth(PROBLEM.inputs))  # type: ignore[misc]


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def stand(network: ss.TwoLayerReLU) -> dict[str, Any]:
    (at,) = standings(PROBLEM, [Snapshot(0, 0.0, network, network)], ignore)
    return at


def peak(network: ss.TwoLayerReLU) -> float:
    return float(np.linalg.eigvalsh(ss.hessian(PROBLEM, network) @ np.eye(network.parameters.size)).max())


@pytest.fixture(scope="module")
def trained() -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, seed=3)
    return ss.train(PROBLEM, start, ss.GradientDescent(0.3, 3000), measure_sharpness=False).network


class TestFate:
    def test_covered(self, trained: ss.TwoLayerReLU) -> None:
        assert fate(stand(trained), 2.0 / 0.3, LOSS_TRUTH) == COVERED

    def test_loose_bound(self) -> None:
        """A rough network under a threshold that allows it: the bound allows fitting every label."""
        at = stand(ss.TwoLayerReLU.random(100, 8.0, seed=3))
        assert at["bound"] > at["interpolant"] > 0.0
        assert fate(at, 1e9, 1e9) == "loose bound"

    def test_one_uncertain_input_is_not_covered(self) -> None:
        """With one uncertain input nothing bends between uncertain inputs: the least variation is 0."""
        steep = np.array([30.0, -30.0])
        at = stand(ss.TwoLayerReLU(steep, -steep * PROBLEM.inputs[7], steep))
        assert at["uncertain_count"] == 1
        assert at["interpolant"] == 0.0
        assert fate(at, 1e9, 1e9) == "loose bound"

    def test_a_premise_that_fails_is_not_covered(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained) | {"bound": float("nan")}
        assert fate(at, 2.0 / 0.3, LOSS_TRUTH) == "loose bound"

    def test_underfits(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        assert fate(at, 2.0 / 0.3, 0.999 * at["midpoint_loss"]) == "underfits"

    def test_over_the_edge_begins_a_tenth_above(self, trained: ss.TwoLayerReLU) -> None:
        at, value = stand(trained), peak(trained)
        assert fate(at, value / 1.1 * (1.0 + 1e-6), LOSS_TRUTH) == COVERED
        assert fate(at, value / 1.1 * (1.0 - 1e-6), LOSS_TRUTH) == "over the edge"

    def test_interpolation_trap(self) -> None:
        """The explicit interpolator fits the flipped labels, too; at a large margin it is flat."""
        net = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 60.0)
        at = stand(net)
        assert at["upper_sharpness"] < 1e-6
        assert fate(at, 2.0, LOSS_TRUTH) == "interpolation trap"
        sharp = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 2.0)
        assert fate(stand(sharp), 2.0, LOSS_TRUTH) == "over the edge"

    def test_dead(self, trained: ss.TwoLayerReLU) -> None:
        assert fate(stand(trained) | {"bent_neurons": 0}, 2.0 / 0.3, LOSS_TRUTH) == "dead"

    def test_a_record_stands_for_the_midpoint_of_its_two_iterates(self) -> None:
        one, other = (ss.TwoLayerReLU.random(20, scale, seed=0) for scale in (3.0, 0.5))
        (at,) = standings(PROBLEM, [Snapshot(1, 0.0, one, other)], ignore)
        middle = one.with_parameters(0.5 * (one.parameters + other.parameters))
        assert at["upper_sharpness"] == pytest.approx(peak(middle), rel=1e-6)
        assert at["midpoint_loss"] == pytest.approx(PROBLEM.training_loss(middle.predict(PROBLEM.inputs)))

    def test_the_bound_is_that_of_the_best_gamma(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        f, value = trained.predict(PROBLEM.inputs), peak(trained)
        reach = np.sqrt(1.0 + PROBLEM.x_max**2) * (1.0 - np.exp(-PROBLEM.training_loss(f)))
        best, gamma = min(
            ((value + reach) / (2.0 * np.mean(np.abs(f) <= g) / (4.0 * np.cosh(g / 2.0) ** 2)) - 0.5, g)
            for g in np.abs(f)
        )
        assert at["bound"] == pytest.approx(best, rel=1e-6)
        some = np.sort(PROBLEM.inputs[np.abs(f) <= gamma])
        labels = gamma * PROBLEM.labels[np.argsort(PROBLEM.inputs)][np.isin(np.sort(PROBLEM.inputs), some)]
        slopes = np.diff(labels) / np.diff(some)
        around = [theory.weight(some[1:-1] + shift, some) for shift in (-1e-9, 0.0, 1e-9)]
        assert at["interpolant"] == pytest.approx(np.abs(np.diff(slopes)) @ np.min(around, axis=0), rel=1e-4)

    def test_movement_reads_the_last_half(self) -> None:
        found = [{"upper_sharpness": s, "midpoint_loss": loss}
                 for s, loss in ((90.0, 9.0), (2.0, 0.7), (2.2, 0.64), (2.1, 0.62))]  # fmt: skip
        moved = movement(np.array([0, 50, 80, 100]), found)
        assert moved == {"edge_moved": pytest.approx(0.1), "loss_fell": pytest.approx(0.08)}
        flat = [{"upper_sharpness": 0.0, "midpoint_loss": 0.7}] * 2
        assert movement(np.array([0, 1]), flat)["edge_moved"] == np.inf
        assert has_arrived(0.1, 0.005, 0.1, 0.005)
        assert not has_arrived(0.1001, 0.0, 0.1, 0.005)
        assert not has_arrived(0.0, 0.0051, 0.1, 0.005)
        assert has_arrived(0.0, -3.0, 0.1, 0.005)

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
