"""Two minima of one loss on two spirals, good and bad, and what surrounds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.curvature import largest_eigenpair
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec, stream
from stepscape.methods import Adam
from stepscape.objectives.layered_network import LayeredNetwork
from stepscape.problems import Problem
from stepscape.tables.records import Record
from stepscape.training import run as train

Array = NDArray[np.float64]
TURN, WIDTH, NOISE, SHRINK = 600.0 * np.pi / 180.0, 1.5, 0.5, 8.0  # of the spirals
LATE, SLOW = 0.25, 0.1  # share of the steps that are slow, and by which factor
MOVE = 0.1  # length of a move of the weights, as a share of each unit's
DIRECTIONS, TURNS, PUSH = 10, 16, 0.05  # moves of the weights; moves of an input, and their length
FRESH, TOLERANCE = 2000, 1e-3  # fresh inputs; relative error of λ_max
SPAN, PIXELS, SIDES = 0.5, 31, 61  # of the slices, and of the picture of the plane


class RollRun(Spec, frozen=True, tag="swiss-roll/1"):
    """The good minimum: Adam on the labels. The bad one: with wrong labels of other points in the loss.

    settle_steps : slow steps on the labels alone that both make after they are measured.
    """

    layers: int
    width: int
    n: int
    wrong: int
    pull: float
    distance: float
    good_steps: int
    bad_steps: int
    settle_steps: int
    adam_step_size: float
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[RollRun]:
    """Every seed."""
    at_least(settings, seeds=1, layers=1, width=1, n=4, wrong=1, good_steps=4, bad_steps=4, settle_steps=1)
    first = settings["first_seed"]
    return sweep(RollRun, settings, seed=seeds(settings), drawn=lambda run: run.seed == first)


def begin(run: RollRun) -> tuple[LayeredNetwork, LayeredNetwork, Problem]:
    """Return the loss of the labels, that with wrong labels beside them, and fresh examples."""
    for name, value in (("pull", run.pull), ("distance", run.distance)):
        if not value > 0.0:
            raise bad(name, "be finite and positive", value)
    Adam(run.adam_step_size, 1)
    rng = np.random.default_rng([stream(run.seed, "spirals")])
    x, y = spirals(run.n, rng)
    fresh = spirals(FRESH, rng)
    wrong, labels = spirals(run.wrong, rng)
    far = np.sqrt(((wrong[:, None] - x) ** 2).sum(axis=2)).min(axis=1) > run.distance
    wrong, labels = wrong[far], labels[far]
    weights = np.full(run.n, 1.0 / run.n)
    if len(wrong):
        weights = np.append(weights, np.full(len(wrong), run.pull / len(wrong)))
    hidden = (run.width,) * run.layers
    clean = LayeredNetwork(Problem(x, y, loss="logistic"), hidden, "relu")
    poisoned = Problem(np.vstack([x, wrong]), np.append(y, -labels), loss="logistic", weights=weights)
    return clean, LayeredNetwork(poisoned, hidden, "relu"), Problem(*fresh, loss="logistic")


def spirals(n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw points (n, 2) on two spirals that are each other's negative, with uniform noise; labels ±1."""
    angle = np.sqrt(rng.uniform(size=n)) * TURN
    labels = rng.choice([-1.0, 1.0], n)
    points = WIDTH * angle[:, None] * np.column_stack([-np.cos(angle), np.sin(angle)])
    return labels[:, None] * (points + NOISE * rng.uniform(size=(n, 2))) / SHRINK, labels


def work(run: RollRun, tick: Tick) -> Record:
    """Train both from one start, and measure both on the loss of the labels alone; then train them on it."""
    clean, poisoned, fresh = begin(run)
    start = clean.start(float(np.sqrt(2.0)), run.seed)
    tick(0.1)
    good = descend(clean, start, run.adam_step_size, run.good_steps)
    tick(0.3)
    other = descend(poisoned, start, run.adam_step_size, run.bad_steps)
    if good is None or other is None:
        return Record("diverged", reason="Adam diverged; lower adam_step_size")
    tick(0.8)
    both = {"good": good, "bad": other}
    numbers: dict[str, Any] = {"wrong_kept": len(poisoned.problem.labels) - run.n}
    for name, theta in both.items():
        settled = settle(clean, theta, run.adam_step_size, run.settle_steps)
        numbers[f"test_after_{name}"] = None if settled is None else accuracy(clean, settled, fresh)
    tick(0.9)
    for name, theta in both.items():
        measured = around(clean, theta, fresh, run.seed)
        numbers |= {f"{key}_{name}": value for key, value in measured.items()}
    numbers["both_fit"] = numbers["training_good"] == 1.0 == numbers["training_bad"]
    faded = fade(clean, good, numbers["loss_bad"])
    numbers["sharpness_faded"] = None if faded is None else sharpness(clean, faded)
    return Record("finished", numbers, pictures(clean, both, run.seed) if run.drawn else {})


def descend(objective: LayeredNetwork, start: Array, step_size: float, steps: int) -> Array | None:
    """Make Adam's steps, the last quarter of them ten times as small; None if it diverges."""
    late = round(LATE * steps)
    theta = start
    for size, count in ((step_size, steps - late), (SLOW * step_size, late)):
        path = train(objective, theta, Adam(size, count), record_every=count, measure_sharpness=False)
        if path.outcome == "diverged":
            return None
        theta = path.theta
    return theta


def settle(clean: LayeredNetwork, theta: Array, step_size: float, steps: int) -> Array | None:
    """Make slow steps of Adam on the labels alone, which tell whether descent stays at a place that fits."""
    path = train(clean, theta, Adam(SLOW * step_size, steps), record_every=steps, measure_sharpness=False)
    return None if path.outcome == "diverged" else path.theta


def accuracy(objective: LayeredNetwork, theta: Array, fresh: Problem) -> float:
    """Share of fresh points whose label is predicted."""
    return float(np.mean(objective.predict(theta, fresh.points) * fresh.labels > 0.0))


def around(clean: LayeredNetwork, theta: Array, fresh: Problem, seed: int) -> dict[str, Any]:
    """Accuracy, loss and curvature of one minimum, and what is left of its accuracy after moves."""
    labels = clean.problem.labels
    rng = np.random.default_rng([stream(seed, "moves")])
    moved = [theta + MOVE * filtered(clean, theta, rng) for _ in range(DIRECTIONS)]
    angles = 2.0 * np.pi * np.arange(TURNS) / TURNS
    pushed = [clean.problem.points + PUSH * np.array([np.cos(a), np.sin(a)]) for a in angles]
    holds = np.all([clean.predict(theta, points) * labels > 0.0 for points in pushed], axis=0)
    return {
        "training": float(np.mean(clean.predict(theta) * labels > 0.0)),
        "test": accuracy(clean, theta, fresh),
        "loss": clean.loss(theta),
        "gradient": float(np.linalg.norm(clean.gradient(theta))),
        "sharpness": sharpness(clean, theta),
        "moved": float(np.mean([np.mean(clean.predict(each) * labels > 0.0) for each in moved])),
        "moved_loss": float(np.mean([clean.loss(each) for each in moved])),
        "held": float(np.mean(holds)),
    }


def sharpness(objective: LayeredNetwork, theta: Array) -> float:
    """λ_max of the Hessian."""
    return largest_eigenpair(objective.hessian(theta), tolerance=TOLERANCE).value


def filtered(objective: LayeredNetwork, theta: Array, rng: np.random.Generator) -> Array:
    """Draw a direction in which the weights into each unit are as long as those of θ; biases stay.

    Source: Li et al. (2018), filter normalization; Huang et al. (2020) for the biases.
    """
    out, first = np.zeros_like(theta), 0
    for outputs, inputs in objective.shapes:
        weights = theta[first : first + outputs * inputs].reshape(outputs, inputs)
        drawn = rng.standard_normal((outputs, inputs))
        drawn *= np.linalg.norm(weights, axis=1, keepdims=True) / np.linalg.norm(drawn, axis=1, keepdims=True)
        out[first : first + outputs * inputs] = drawn.ravel()
        first += outputs * (inputs + 1)
    return out


def fade(objective: LayeredNetwork, theta: Array, loss: float) -> Array | None:
    """Scale the last layer down until the loss is the one given, so that curvatures are compared at one loss.

    None if the loss is already larger, or no positive factor gives it.
    """
    inputs = objective.shapes[-1][1]

    def scaled(factor: float) -> Array:
        return np.append(theta[: -(inputs + 1)], factor * theta[-(inputs + 1) :])

    if not objective.loss(theta) < loss < objective.loss(scaled(0.0)):
        return None
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if objective.loss(scaled(middle)) > loss else (low, middle)
    return scaled(high)


def pictures(clean: LayeredNetwork, both: dict[str, Array], seed: int) -> dict[str, Array]:
    """Log losses on a plane and along lines around each, and its predictions over the inputs."""
    at = np.linspace(-SPAN, SPAN, PIXELS)
    points = clean.problem.points
    reach = 1.1 * float(np.abs(points).max())
    side = np.linspace(-reach, reach, SIDES)
    plane = np.column_stack([each.ravel() for each in np.meshgrid(side, side)])
    out = {"points": points, "labels": clean.problem.labels, "side": side, "moves": at}
    for name, theta in both.items():
        rng = np.random.default_rng([stream(seed, "slices")])
        lines = [filtered(clean, theta, rng) for _ in range(DIRECTIONS)]
        one, other = lines[:2]
        slice_ = [[clean.loss(theta + a * one + b * other) for a in at] for b in at]
        profiles = [[clean.loss(theta + a * line) for a in at] for line in lines]
        out[f"slice_{name}"] = np.log10(np.maximum(slice_, 1e-300))
        out[f"profiles_{name}"] = np.log10(np.maximum(profiles, 1e-300))
        out[f"plane_{name}"] = clean.predict(theta, plane).reshape(SIDES, SIDES)
    return out
