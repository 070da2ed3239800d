"""The rules of `deep-nonlinear` on rows that come out each way, one run, and who carries a function."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from stepscape.errors import InputError
from stepscape.experiments.deep import nonlinear_runs
from stepscape.experiments.deep.deep_nonlinear import CLAIM
from stepscape.experiments.deep.nonlinear_runs import begin, grid, work
from stepscape.experiments.deep.participation import contributions, effective_share, participation
from stepscape.experiments.frame import Result, Run
from stepscape.lab.spec import stream
from stepscape.measures.pieces import linear_pieces
from stepscape.objectives import layered
from stepscape.problems import Problem, curve
from stepscape.training import Path

# Shares of the edge, decays, and how a cell is called below.
CELLS = ((0.1, 0.0, "small"), (0.3, 0.0, "middle"), (0.9, 0.0, "large"), (0.1, 0.01, "decay"))
ROW = {
    "outcome": "finished", "alive": True, "edge_reached": True, "training_error": 0.1,
    "training_error_truth": 0.2, "function_moved": 0.01, "variation": 8.0, "risk": 0.1,
    "risk_held_out": 0.1, "participation": 0.4,
}  # fmt: skip


def result(seeds: int = 6, cells: Any = CELLS, **more: Any) -> Result:
    """Alike runs; `more` changes a column of all runs, of a step size, a decay, a depth or an activation.

    ``large:risk`` is a column of the largest step size; ``relu/3/large:risk`` that of one cell. A function
    of the depth stands for its value.
    """
    runs = []
    for activation in ("relu", "tanh"):
        for depth in (2, 3, 4):
            for share, decay, arm in cells:
                for seed in range(seeds):
                    row = {
                        "activation": activation, "depth": depth, "edge_share": share, "decay": decay,
                        "seed": seed, **ROW,
                    }  # fmt: skip
                    for key, value in more.items():
                        who, _, column = key.rpartition(":")
                        names = {activation, str(depth), arm, f"seed {seed}"}
                        if set(filter(None, who.split("/"))) <= names:
                            row[column] = value(depth) if callable(value) else value
                    wiggle = np.exp(1e-3 * (-1) ** (seed + (arm == "large")))
                    for column in ("variation", "risk", "risk_held_out", "participation"):
                        row[column] *= wiggle
                    runs.append(Run(row))
    return Result("deep-nonlinear", CLAIM.quick, tuple(runs))


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("simpler", {}, "no"),
        ("simpler", {"large:variation": 4.0}, "yes"),
        ("simpler", {"large:variation": 16.0}, "no"),
        ("simpler", {"relu/large:variation": 2.0, "tanh/large:variation": 16.0}, "it_depends"),
        ("simpler", {"relu/2/large:variation": 2.0}, "yes"),  # in one cell, and none shows the opposite
        ("simpler", {"large:variation": 4.0, "tanh/4/large:variation": 9.0}, "it_depends"),
        ("simpler", {"large:variation": 4.0, "large:edge_reached": False}, "premise_not_met"),
        ("simpler", {"large:variation": 4.0, "small:edge_reached": False}, "yes"),  # fits as the truth does
        (
            "simpler",
            {"large:variation": 4.0, "small:edge_reached": False, "small:training_error": 0.3},
            "premise_not_met",
        ),
        ("simpler", {"large:variation": 4.0, "tanh/4/large:alive": False}, "it_depends"),
        ("simpler", {"large:variation": 4.0, "relu:outcome": "diverged"}, "it_depends"),
        ("simpler", {"outcome": "diverged"}, "premise_not_met"),
        ("simpler", {"large:variation": 4.0, "seeds": 2}, "undecided"),
        ("risk", {"large:risk": 0.05}, "yes"),
        ("risk", {"large:risk": 0.2}, "no"),
        ("stopped", {"large:risk_held_out": 0.05, "large:edge_reached": False}, "yes"),
        ("stopped", {"large:risk_held_out": 0.05, "alive": False}, "premise_not_met"),
        ("depth", {"large:variation": 4.0}, "no"),
        ("depth", {"large:variation": lambda depth: 8.0 * 0.8**depth}, "yes"),
        ("depth", {"large:variation": lambda depth: 0.8**-depth}, "no"),
        ("depth", {"large:variation": lambda depth: 0.8**depth, "tanh/3:alive": False}, "it_depends"),
        ("denser", {"large:participation": lambda depth: 0.1 * 1.2**depth}, "yes"),
        ("denser", {"large:participation": lambda depth: 0.9 * 0.8**depth}, "no"),
        ("sparser", {"decay:participation": lambda depth: 0.9 * 0.8**depth}, "yes"),
        ("sparser", {"decay:participation": lambda depth: 0.1 * 1.2**depth}, "no"),
        (
            "sparser",
            {"decay:participation": lambda depth: 0.8**depth, "decay:function_moved": 0.101},
            "premise_not_met",
        ),
        ("sparser", {"decay:participation": lambda depth: 0.8**depth, "decay:function_moved": 0.1}, "yes"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert CLAIM.judge(result(**change))[part].word(CLAIM.kind) == expected


def test_effects_are_logarithms_and_slopes_are_per_layer() -> None:
    """Halved at every depth the effect is ln 2; a factor of 0.8 for every layer is a slope of ln 1.25."""
    changes = {
        "middle:variation": 6.0,
        "large:variation": 4.0,
        "large:participation": lambda depth: 0.8**depth,
    }
    judged = CLAIM.judge(result(**changes))
    for part, expected in (("simpler", np.log(2.0)), ("denser", np.log(0.8))):
        effect = judged[part].finding.effect
        assert effect is not None
        assert effect.interval.mean == pytest.approx(expected, abs=1e-12)


def test_the_effect_of_decay_is_the_mean_over_the_decays() -> None:
    """Slopes of ln 1.25 and of nothing have the mean ½ ln 1.25."""
    cells = (*CELLS, (0.1, 0.03, "more decay"))
    judged = CLAIM.judge(result(cells=cells, **{"decay:participation": lambda depth: 0.4 * 0.8**depth}))
    effect = judged["sparser"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(0.5 * np.log(1.25), abs=1e-12)


def test_cells_that_are_left_out_are_named() -> None:
    found = CLAIM.judge(result(**{"large:variation": 4.0, "tanh/4/large:alive": False}))["simpler"].finding
    assert "left out tanh, depth 4: only 0 of 6 seeds have both runs" in found.sentence


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_a_neuron_of_one_layer_does_what_its_weight_and_its_spread_say(activation: str) -> None:
    """f = Σ w_j φ(z_j) + b: holding neuron j at its mean changes f by |w_j| times its standard deviation."""
    problem = Problem(np.linspace(-1.0, 1.0, 5), np.zeros(5))
    network, points = layered(problem, (4,), activation), np.linspace(-2.0, 1.0, 31)
    theta = network.start(2.0, 3)
    (weights, biases), (out, _) = network.layers(theta)
    z = points[:, None] @ weights.T + biases
    phi = {
        "relu": lambda: np.where(z > 0.0, z, 0.0),
        "tanh": lambda: np.tanh(z),
        "gelu": lambda: np.array([[0.5 * x * (1.0 + math.erf(x / np.sqrt(2.0))) for x in row] for row in z]),
    }[activation]()
    (found,) = contributions(network, theta, points)
    np.testing.assert_allclose(found, np.abs(out[0]) * phi.std(axis=0), rtol=1e-12)


def test_a_neuron_of_a_deep_layer_is_held_in_the_whole_network() -> None:
    """A first-layer neuron that is held is a network without its weights and with a bias that makes up."""
    problem = Problem(np.linspace(-1.0, 1.0, 5), np.zeros(5))
    network, points = layered(problem, (3, 4, 2), "tanh"), np.linspace(-1.0, 1.0, 17)
    theta = network.start(1.5, 1)
    found = contributions(network, theta, points)
    assert [each.size for each in found] == [3, 4, 2]
    for neuron in range(3):
        changed = theta.copy()
        (weights, biases), (second, shift) = network.layers(changed)[:2]
        mean = np.tanh(points * weights[neuron, 0] + biases[neuron]).mean()
        shift += second[:, neuron] * mean  # views of `changed`
        second[:, neuron] = 0.0
        off = network.predict(changed, points) - network.predict(theta, points)
        assert found[0][neuron] == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-10)


def test_the_effective_share_counts_neurons() -> None:
    assert effective_share(np.full(7, 0.3)) == pytest.approx(1.0, rel=1e-12)
    assert effective_share(np.array([0.0, 2.0, 0.0, 0.0])) == pytest.approx(0.25, rel=1e-12)
    assert effective_share(np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(0.5, rel=1e-12)
    assert np.isnan(effective_share(np.zeros(3)))


STEPS = (1, 5, 31, 45, 90, 135, 180)  # records of 180 steps, by their logarithm and evenly
SETTINGS = {
    **CLAIM.quick, "width": 4, "n": 8, "fewest_steps": 60, "records": 4, "seeds": 1,
    "activations": ("relu",), "network_depths": (3,),
}  # fmt: skip


def test_a_run_measures_the_function_of_its_midpoint() -> None:
    """Descent by hand, with decay on all but the output bias; the start is at its share of the edge."""
    run = next(each for each in grid(SETTINGS) if each.decay)
    made = work(run, lambda _: None)
    objective, theta, method = begin(run)
    dense = np.array([objective.hessian(theta).product(row) for row in np.eye(theta.size)])
    eta = run.edge_share * 2.0 / np.linalg.eigvalsh(dense)[-1]
    assert made.numbers["step_size"] == pytest.approx(eta, rel=1e-7)
    assert (run.edge_share, run.steps) == (0.3, 180)  # three times the steps of the share 0.9
    mask = np.ones(theta.size)
    mask[-1] = 0.0
    middles, losses = {}, [objective.loss(theta)]
    for step in range(1, run.steps + 1):
        before, theta = (
            theta,
            theta - method.step_size * (objective.gradient(theta) + run.decay * mask * theta),
        )
        middles[step] = 0.5 * (before + theta)
        if step in STEPS:
            losses.append(objective.loss(theta))
    middle = middles[run.steps]
    points = np.linspace(*objective.problem.line.hull, 401)
    f = objective.predict(middle, points)
    np.testing.assert_allclose(made.arrays["solution"], f, rtol=0, atol=1e-9)
    slopes = np.diff(f) / np.diff(points)
    assert made.numbers["variation"] == pytest.approx(np.abs(np.diff(slopes)).sum(), rel=1e-6)
    truth = 2.0 * np.maximum(1.0 - 2.0 * np.abs(points), 0.0) - 0.5
    assert made.numbers["risk"] == pytest.approx(np.mean((f - truth) ** 2), rel=1e-9)
    assert made.numbers["participation"] == pytest.approx(participation(objective, middle, points), rel=1e-6)
    errors = objective.problem.labels - objective.predict(middle)
    assert made.numbers["training_error"] == pytest.approx(np.mean(errors**2), rel=1e-9)
    assert made.numbers["loss_rise"] == pytest.approx(max(losses) / losses[0], rel=1e-9)
    moved = np.mean((f - objective.predict(middles[135], points)) ** 2) / np.mean(f**2)  # three quarters
    assert made.numbers["function_moved"] == pytest.approx(np.sqrt(moved), rel=1e-6)
    known = made.arrays
    missed = known["labels"] - 2.0 * np.maximum(1.0 - 2.0 * np.abs(known["inputs"]), 0.0) + 0.5
    assert made.numbers["training_error_truth"] == pytest.approx(np.mean(missed**2), rel=1e-12)
    assert made.numbers["pieces"] == linear_pieces(points, f, 0.05 * known["labels"].std())
    held = curve("tent", n=200, noise=run.noise, seed=stream(run.seed, "held out"))
    best = min(
        STEPS, key=lambda step: np.mean((held.labels - objective.predict(middles[step], held.inputs)) ** 2)
    )
    risk = np.mean((objective.predict(middles[best], points) - truth) ** 2)
    assert made.numbers["risk_held_out"] == pytest.approx(risk, rel=1e-9)


def worked(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any, Path], Path]) -> dict[str, Any]:
    """What a run says of a path that is changed before it is measured."""
    train = nonlinear_runs.train

    def trained(objective: Any, *args: Any, **more: Any) -> Path:
        return change(objective, train(objective, *args, **more))

    monkeypatch.setattr(nonlinear_runs, "train", trained)
    run = next(each for each in grid({**SETTINGS, "records": 5}) if each.edge_share == 0.3)
    return dict(work(run, lambda _: None).numbers)


@pytest.mark.parametrize(
    ("at", "ratio", "reached"),
    [(36, 0.95, True), (36, 0.949, False), (180, 0.95, True), (13, 2.0, False)],  # a fifth of 180 is 36
)
def test_the_edge_is_reached_after_a_fifth_of_the_steps(
    at: int, ratio: float, reached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(_: Any, path: Path) -> Path:
        assert at in path.at_steps
        return dataclasses.replace(path, edge_ratio=np.where(path.at_steps == at, ratio, 0.9))

    assert worked(monkeypatch, change)["edge_reached"] is reached


@pytest.mark.parametrize(("share", "alive"), [(0.0101, True), (0.0099, False)])
def test_a_network_is_dead_if_it_moves_by_a_hundredth_of_the_labels(
    share: float, alive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(objective: Any, path: Path) -> Path:
        points, theta = np.linspace(*objective.problem.line.hull, 401), path.midpoint.copy()
        outer = objective.layers(theta)[-1][0]  # a view
        outer *= share * objective.problem.labels.std() / objective.predict(theta, points).std()
        return dataclasses.replace(path, theta=theta, theta_before=theta)

    assert worked(monkeypatch, change)["alive"] is alive


def test_a_run_that_diverges_is_an_outcome() -> None:
    made = work(replace(grid(SETTINGS)[0], edge_share=90.0), lambda _: None)
    assert made.outcome == "diverged"
    assert made.numbers["start_ratio"] == pytest.approx(90.0, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"edge_shares": (0.3, 1.0)}, r"edge_shares must lie strictly between 0 and 1, got \[0.3, 1.0\]"),
        ({"decay_share": 0.5}, r"decay_share must be one of the edge_shares \[0.3, 0.9\], got 0.5"),
        ({"decays": (0.0,)}, r"decays must be positive, got \(0.0,\)"),
        ({"network_depths": (1, 2)}, r"network_depths must be at least 2, got 1"),
        ({"activations": ("relo",)}, r"unknown activation 'relo'; did you mean 'relu'"),
    ],
)
def test_what_cannot_be_run_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        CLAIM.specs({**SETTINGS, **change})
