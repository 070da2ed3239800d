"""A network with quadratic activations beside its teacher, as a function and in its weights."""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape import recovery
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.failure_runs import BlockRun, blocks, count, first_of
from stepscape.factorization import Factorization
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.network import generator
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.linear_maps import RankOne
from stepscape.problems.measurements import Measurements
from stepscape.recovery import Recovered
from stepscape.tables.records import Record
from stepscape.theory import low_rank

Array = NDArray[np.float64]
MOST_NEURONS = 4  # of a sign: every order of them is tried
WAYS = {
    "flat": recovery.flattest,
    "nuclear": recovery.minimum_nuclear_norm,
    "frobenius": recovery.minimum_frobenius_norm,
}


class TeacherRun(Spec, frozen=True, tag="recovery-teacher/1"):
    """A teacher with so many neurons of either sign, and m examples of it."""

    teacher: str
    positive: int
    negative: int
    d: int
    ratio: float
    m: int
    fresh: int
    iterations: int
    seed: int


class Teacher(NamedTuple):
    """f(x) = Σ_j s_j ⟨x, u_j⟩², with the u_j as the columns of `neurons` (d, k)."""

    neurons: Array
    signs: Array

    def __call__(self, inputs: Array) -> Array:
        """Return f at inputs (n, d)."""
        return np.asarray((inputs @ self.neurons) ** 2 @ self.signs)

    @property
    def matrix(self) -> Array:
        """M = Σ_j s_j u_j u_jᵀ, so that f(x) = xᵀ M x."""
        product = (self.neurons * self.signs) @ self.neurons.T
        return np.asarray((product + product.T) / 2.0)


class Drawn(NamedTuple):
    """A teacher, the examples to learn from as measurements of its matrix, and fresh inputs."""

    teacher: Teacher
    examples: Measurements
    fresh: Array


def grid(settings: Settings) -> list[TeacherRun | BlockRun]:
    """Every teacher, ratio of m to the degrees of freedom, and seed, below the number that determines all.

    And blocks of teachers with one neuron, whose sizes d have m in proportion.
    """
    at_least(settings, d=2, fresh=1, iterations=1, seeds=1)
    if not min(settings["ratios"]) > 0.0:
        raise bad("ratios", "be positive", min(settings["ratios"]))
    runs = sweep(
        TeacherRun,
        settings,
        case=[_neurons(text, settings["d"]) for text in settings["teachers"]],
        ratio=settings["ratios"],
        seed=seeds(settings),
        m=lambda run: round(run.ratio * _freedom(run.d, run.positive + run.negative)),
    )
    few = [run for run in runs if 1 <= run.m < run.d * (run.d + 1) // 2]
    return [*few, *_blocks(settings)]


def _blocks(settings: Settings) -> list[BlockRun]:
    sizes, ratio = settings["block_d"], settings["block_ratio"]
    if not ratio >= 1.0:
        raise bad("block_ratio", "be at least 1", ratio)
    if min(sizes) < 2:
        raise bad("block_d", "be at least 2", min(sizes))
    return blocks(settings, "network", [(d, round(ratio * d)) for d in sizes])


def _freedom(d: int, rank: int) -> int:
    return rank * d - rank * (rank - 1) // 2


def _neurons(text: str, d: int) -> dict[str, Any]:
    parts = text.split("+")
    known = len(parts) == 2 and all(part.isdecimal() and int(part) <= MOST_NEURONS for part in parts)
    if not known or not 1 <= sum(map(int, parts)) <= d:
        must = f"give the neurons of either sign, up to {MOST_NEURONS} each and {d} in all, such as '2+1'"
        raise bad("teachers", must, repr(text))
    return {"teacher": text, "positive": int(parts[0]), "negative": int(parts[1])}


def begin(run: TeacherRun | BlockRun) -> Drawn | Measurements | CorruptedMatrix:
    """Draw teacher, inputs and fresh inputs; of a block, return the first problem."""
    return drawn_of(run) if isinstance(run, TeacherRun) else first_of(run)


def drawn_of(run: TeacherRun) -> Drawn:
    """Draw teacher, inputs and fresh inputs, all N(0, 1), each from a stream of its own."""
    streams = generator(run.seed).spawn(3)
    sizes = (run.d, run.positive + run.negative), (run.m, run.d), (run.fresh, run.d)
    neurons, inputs, fresh = (rng.standard_normal(size) for rng, size in zip(streams, sizes, strict=True))
    teacher = Teacher(neurons, np.repeat([1.0, -1.0], [run.positive, run.negative]))
    examples = Measurements(
        RankOne(inputs, inputs), teacher(inputs), "symmetric", teacher.matrix, 0.0, "quadratic network"
    )
    return Drawn(teacher, examples, fresh)


def student(examples: Measurements, found: Recovered, positive: int, negative: int) -> Teacher:
    """Return the flat network of a recovered matrix, with as many neurons of either sign as the teacher.

    Its neurons are the leading ones by size, with zeros where there are fewer.
    """
    factors = low_rank.flat_factors(examples, found.matrix)
    sides = [_leading(side, count) for side, count in zip(_sides(factors), (positive, negative), strict=True)]
    return Teacher(np.hstack(sides), np.repeat([1.0, -1.0], [positive, negative]))


def _sides(factors: Factorization) -> tuple[Array, Array]:
    assert factors.right is not None  # the constructor fills it
    return factors.left, factors.right


def _leading(side: Array, count: int) -> Array:
    order = np.argsort(-np.linalg.norm(side, axis=0))[:count]
    return np.asarray(side[:, order])


def weight_error(student: Teacher, teacher: Teacher) -> float:
    """‖U − V‖_F/‖V‖_F of the neurons, in the order and with the signs that make it smallest.

    −u is the same neuron as u, and neurons of one output weight may be exchanged.
    """
    total = 0.0
    for sign in (1.0, -1.0):
        ours, theirs = (each.neurons[:, each.signs == sign] for each in (student, teacher))
        # ‖u ∓ v‖² at its smaller sign
        cost = np.sum(ours**2, axis=0)[:, None] + np.sum(theirs**2, axis=0) - 2.0 * np.abs(ours.T @ theirs)
        orders = permutations(range(theirs.shape[1]))
        total += min(float(cost[range(len(order)), list(order)].sum()) for order in orders)
    return float(np.sqrt(max(total, 0.0)) / np.linalg.norm(teacher.neurons))


def work(run: TeacherRun | BlockRun, tick: Tick) -> Record:
    """Learn the teacher by every objective, or count the failures of a block."""
    return _learn(run, tick) if isinstance(run, TeacherRun) else count(run, tick)


def _learn(run: TeacherRun, tick: Tick) -> Record:
    """Learn the teacher by every objective.

    Columns: ``test_…``, mean squared error at fresh inputs over the mean square of the teacher there;
    ``train_…``, the same at the examples; ``status_…``; ``weights``, see `weight_error`, of the flat network;
    ``reduction``, how far its loss as a network is from its loss as measurements of a matrix.
    """
    drawn, found = drawn_of(run), dict[str, Any]()
    labels = drawn.teacher(drawn.fresh)
    for i, (name, minimize) in enumerate(WAYS.items()):
        tick(i / len(WAYS))
        solved = minimize(drawn.examples, iterations=run.iterations)
        here = np.einsum("ij,jk,ik->i", drawn.fresh, solved.matrix, drawn.fresh)
        found |= {
            f"test_{name}": float(np.mean((here - labels) ** 2) / np.mean(labels**2)),
            f"train_{name}": drawn.examples.loss(solved.matrix) / float(np.mean(drawn.examples.labels**2)),
            f"status_{name}": solved.status,
        }
        if name == "flat":
            learned = student(drawn.examples, solved, run.positive, run.negative)
            found["weights"] = weight_error(learned, drawn.teacher)
            found["reduction"] = _reduction(learned, drawn)
    return Record("finished", found)


def _reduction(learned: Teacher, drawn: Drawn) -> float:
    """Relative difference between the loss of a network and ‖A(X) − b‖²/m of its matrix X."""
    inputs = drawn.examples.linear_map.left  # type: ignore[attr-defined]
    labels = drawn.examples.labels
    network = float(np.mean((learned(inputs) - labels) ** 2))
    return (network - drawn.examples.loss(learned.matrix)) / float(np.mean(labels**2))
