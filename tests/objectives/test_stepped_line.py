"""Stochastic descent, label noise, SAM and the trace penalty: trajectories of PyTorch, and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import methods
from stepscape.errors import InputError
from stepscape.network import BLOCKS
from stepscape.objectives import batch_sharpness, with_method
from torch_network import Torch

N, K, STEPS = 12, 17, 300
WEIGHTS = np.arange(1.0, N + 1.0)
METHODS = {
    "batches": methods.StochasticGradientDescent(0.05, STEPS, batch_size=3, seed=4),
    "one by one": methods.StochasticGradientDescent(0.02, STEPS, seed=4),
    "replacement": methods.StochasticGradientDescent(0.05, STEPS, batch_size=5, replacement=True, seed=5),
    "momentum": methods.StochasticGradientDescent(0.02, STEPS, batch_size=3, seed=4, momentum=0.6),
    "label noise": methods.LabelNoise(0.05, STEPS, noise=0.7, seed=6),
    "sam": methods.SharpnessAware(0.05, STEPS, radius=0.1),
    "trace": methods.TracePenalty(0.05, STEPS, weight=0.03),
}


def problem(loss: str = "square", weights: Any = WEIGHTS) -> ss.Problem:
    given = ss.problems.tent(n=N, noise=0.5, seed=3, half_width=2.0)
    labels = np.sign(given.labels) if loss == "logistic" else given.labels
    return ss.Problem(given.inputs, labels, loss=loss, weights=weights)  # type: ignore[arg-type]


def network(trainable: tuple[str, ...] = BLOCKS) -> ss.TwoLayerReLU:
    drawn = ss.TwoLayerReLU.random(K, 0.8, "torch", seed=2)
    return ss.TwoLayerReLU(drawn.w1, drawn.b1, drawn.w2, drawn.b2, trainable)


def trained(method: Any, given: ss.Problem, net: ss.TwoLayerReLU, steps: int) -> np.ndarray:
    shorter = type(method)(**{**vars(method), "steps": steps})
    return ss.train(given, net, shorter, record_every=37, measure_sharpness=False).network.parameters


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("blocks", [BLOCKS, ("w1", "w2"), ("b1", "w2", "b2"), ("w1", "b1", "b2")])
def test_trajectories_of_pytorch(name: str, blocks: tuple[str, ...]) -> None:
    method, given, net = METHODS[name], problem(), network(blocks)
    steps = 8 if name == "trace" else 120 if blocks != BLOCKS else STEPS  # autograd twice is slow
    found = trained(method, given, net, steps)
    assert np.abs(found - net.parameters).max() > 1e-3
    np.testing.assert_allclose(found, Torch(given, net).run(method, steps), rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", ["batches", "replacement", "sam"])
def test_trajectories_of_pytorch_with_the_logistic_loss(name: str) -> None:
    given, net = problem("logistic"), network()
    found = trained(METHODS[name], given, net, 100)
    np.testing.assert_allclose(found, Torch(given, net).run(METHODS[name], 100), rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    "method",
    [
        methods.StochasticGradientDescent(0.05, 80, batch_size=N, seed=1),
        methods.LabelNoise(0.05, 80, noise=0.0),
        methods.SharpnessAware(0.05, 80, radius=0.0),
        methods.TracePenalty(0.05, 80, weight=0.0),
    ],
)
def test_each_has_descent_as_its_limit(method: Any) -> None:
    given, net = problem(), network()
    plain = ss.train(given, net, ss.GradientDescent(0.05, 80), record_every=80)
    found = ss.train(given, net, method, record_every=80)
    np.testing.assert_allclose(found.network.parameters, plain.network.parameters, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        found.network_before.parameters, plain.network_before.parameters, rtol=0, atol=1e-12
    )
    assert found.edge_ratio == pytest.approx(plain.edge_ratio, rel=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_records_change_no_bit(name: str) -> None:
    given, net = problem(), network()
    ends = [
        ss.train(given, net, METHODS[name], record_every=every, measure_sharpness=False).network.parameters
        for every in (7, STEPS)
    ]
    assert np.array_equal(*ends)


@pytest.mark.parametrize("name", METHODS)
def test_a_huge_step_size_diverges_and_says_so(name: str) -> None:
    method = type(METHODS[name])(**{**vars(METHODS[name]), "step_size": 1e6})
    run = ss.train(problem(), network(), method)
    assert run.outcome == "diverged"
    assert np.isfinite(run.network.parameters).all()


class TestDraws:
    def test_an_epoch_deals_out_every_example_once(self) -> None:
        method = methods.StochasticGradientDescent(0.1, 10, batch_size=4, seed=3)
        epochs = method.batches(0, 9, N).reshape(3, N)
        assert (np.sort(epochs, axis=1) == np.arange(N)).all()
        assert not np.array_equal(epochs[0], epochs[1])

    def test_what_does_not_fill_a_batch_waits(self) -> None:
        method = methods.StochasticGradientDescent(0.1, 10, batch_size=5, seed=3)
        epoch = method.batches(0, 2, N)
        assert np.unique(epoch).size == 10

    def test_with_replacement_every_example_is_as_likely(self) -> None:
        method = methods.StochasticGradientDescent(0.1, 10, batch_size=5, replacement=True, seed=3)
        counts = np.bincount(method.batches(0, 4000, N).ravel(), minlength=N)
        expected = 4000 * 5 / N
        assert np.abs(counts - expected).max() < 5.0 * np.sqrt(expected)
        assert any(np.unique(row).size < 5 for row in method.batches(0, 50, N))

    def test_noise_has_its_deviation(self) -> None:
        draws = methods.LabelNoise(0.1, 10, noise=0.7, seed=1).noises(0, 5000, N)
        assert draws.std() == pytest.approx(0.7, rel=0.02)
        assert abs(draws.mean()) < 0.02

    @pytest.mark.parametrize("draw", ["batches", "repeated", "noises"])
    def test_steps_are_drawn_alike_wherever_a_chunk_begins(self, draw: str) -> None:
        found = {
            "batches": methods.StochasticGradientDescent(0.1, 10, batch_size=5, seed=3).batches,
            "repeated": methods.StochasticGradientDescent(0.1, 10, 5, True, seed=3).batches,
            "noises": methods.LabelNoise(0.1, 10, noise=0.7, seed=1).noises,
        }[draw]
        whole = found(0, 2100, N)
        assert np.array_equal(found(1000, 1100, N), whole[1000:])
        assert np.array_equal(found(1023, 1, N), whole[1023:1024])


class TestThresholds:
    def test_two_over_the_step_size(self) -> None:
        for method in METHODS.values():
            reach = 2.0 + 2.0 * getattr(method, "momentum", 0.0)
            assert method.threshold(0.5) == pytest.approx(2.0 * reach)
            assert method.threshold() == pytest.approx(reach / method.step_size)

    @pytest.mark.parametrize("norm", [0.01, 0.3, 5.0])
    def test_sam_neither_shrinks_nor_grows_at_its_threshold(self, norm: float) -> None:
        """On ½ λ x² with |λx| = norm, a step of SAM maps x to −x."""
        eta, method = 0.3, methods.SharpnessAware(0.3, 1, radius=0.2)
        curvature = method.threshold(gradient_norm=norm)
        x = norm / curvature
        assert x - eta * curvature * (x + 0.2) == pytest.approx(-x, rel=1e-12)

    def test_one_dimension_without_replacement(self) -> None:
        """E θ'² of one step over all pairs: the formula that the docstring states."""
        curvatures, eta, batch = np.array([0.5, 2.0, 3.0, 6.5]), 0.4, 2
        from itertools import combinations

        squares = [(1.0 - eta * np.mean(pick)) ** 2 for pick in combinations(curvatures, batch)]
        n, mean, spread = 4, curvatures.mean(), curvatures.var()
        stated = (1.0 - eta * mean) ** 2 + eta**2 * spread * (n - batch) / (batch * (n - 1))
        assert np.mean(squares) == pytest.approx(stated, rel=1e-13)


class TestBatchSharpness:
    def definition(self, given: ss.Problem, net: ss.TwoLayerReLU, batches: np.ndarray) -> float:
        """By the Hessian and the gradient of every batch as a problem of its own."""
        order = np.argsort(given.inputs)
        above, below = [], []
        for batch in batches:
            rows = order[batch]
            kept, counts = np.unique(rows, return_counts=True)
            weights = counts * given.averaging[kept]
            part = ss.Problem(given.inputs[kept], given.labels[kept], weights=weights)
            scale = weights.sum() * N / batches.shape[1]
            here = ss.objectives.line(part, net)
            g = scale * here.gradient(net.parameters)
            above.append(float(g @ (scale * here.hessian(net.parameters).product(g))))
            below.append(float(g @ g))
        return sum(above) / sum(below), float(np.mean(np.divide(above, below)))

    @pytest.mark.parametrize("blocks", [BLOCKS, ("w1", "w2")])
    @pytest.mark.parametrize(("size", "replacement"), [(1, False), (4, False), (5, True)])
    def test_is_the_ratio_of_expectations(
        self, size: int, replacement: bool, blocks: tuple[str, ...]
    ) -> None:
        given, net = problem(), network(blocks)
        batches = methods.StochasticGradientDescent(1.0, 1, size, replacement, 9).batches(0, 24, N)
        found = batch_sharpness(given, net, size, draws=24, replacement=replacement, seed=9)
        one, other = self.definition(given, net, batches)
        assert found == pytest.approx(one, rel=1e-10)
        found = batch_sharpness(given, net, size, 24, replacement, 9, average="mean of ratios")
        assert found == pytest.approx(other, rel=1e-10)

    def test_of_all_examples_it_is_the_rayleigh_quotient_along_the_gradient(self) -> None:
        given, net = problem(), network()
        here = ss.objectives.line(given, net)
        g = here.gradient(net.parameters)
        along = float(g @ here.hessian(net.parameters).product(g)) / float(g @ g)
        assert batch_sharpness(given, net, N, draws=1) == pytest.approx(along, rel=1e-10)

    def test_nothing_to_follow(self) -> None:
        flat = ss.Problem(np.arange(4.0), np.zeros(4))
        dead = ss.TwoLayerReLU([1.0], [-9.0], [1.0])
        assert np.isnan(batch_sharpness(flat, dead, 2))


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: methods.StochasticGradientDescent(0.0, 1), "step_size must be finite and positive"),
        (lambda: methods.StochasticGradientDescent(0.1, 0), "steps must be at least 1"),
        (
            lambda: methods.StochasticGradientDescent(0.1, 1, batch_size=0),
            "batch_size must be a whole number",
        ),
        (lambda: methods.LabelNoise(0.1, 1, noise=-1.0), "noise must be finite and not negative"),
        (lambda: methods.SharpnessAware(0.1, 1, radius=np.inf), "radius must be finite and not negative"),
        (lambda: methods.TracePenalty(0.1, 1, weight=-0.1), "weight must be finite and not negative"),
        (lambda: METHODS["sam"].threshold(gradient_norm=0.0), "gradient_norm must be finite and positive"),
        (lambda: METHODS["sam"].threshold(-1.0), "step_size must be finite and positive"),
        (lambda: METHODS["batches"].batches(0, 1, 2), "batch_size must be at most the 2 examples"),
        (
            lambda: with_method(problem(), network(), ss.GradientDescent(0.1, 1)),
            "method must be one of Stochastic",
        ),  # type: ignore[arg-type]
        (lambda: with_method(problem("logistic"), network(), METHODS["trace"]), "loss must be 'square'"),
        (
            lambda: with_method(problem("logistic"), network(), METHODS["label noise"]),
            "loss must be 'square'",
        ),
        (lambda: batch_sharpness(problem("logistic"), network(), 2), "loss must be 'square'"),
        (lambda: batch_sharpness(problem(), network(), 2, average="mean"), "unknown average"),
        (lambda: batch_sharpness(problem(), network(), N + 1), "batch_size must be at most the 12 examples"),
        (
            lambda: ss.train(problem(), network(), METHODS["sam"], examples=lambda _: problem()),
            "examples must be left out with SharpnessAware",
        ),
        (
            lambda: ss.train(
                ss.problems.ball(n=8, dimension=2), ss.TwoLayerReLU.random(3, dimension=2), METHODS["trace"]
            ),
            "method must be another method than TracePenalty with several input variables, got TracePenalty",
        ),
    ],
)
def test_bad_input_is_refused(make: Callable[[], Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        make()
