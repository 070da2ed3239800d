"""Blocks of trials of the flattest matrix, which count how often it is not the truth."""

from __future__ import annotations

from collections.abc import Iterable

from stepscape import recovery
from stepscape.experiments.frame.settings import Settings, at_least
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import PROBLEMS
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record

APART = 100  # the seeds of blocks begin at so many times the first seed, where no other seed lies


class BlockRun(Spec, frozen=True, tag="recovery-block/2"):
    """A block of problems of one kind, size and m, which have the seeds from `seed` on."""

    problem: str
    d: int
    rank: int
    m: int
    trials: int
    iterations: int
    block: int
    seed: int


def blocks(settings: Settings, problem: str, sizes: Iterable[tuple[int, int]]) -> list[BlockRun]:
    """Blocks of problems of rank 1, for each (d, m)."""
    at_least(settings, blocks=1, trials=1)
    return sweep(
        BlockRun,
        settings,
        problem=problem,
        rank=1,
        size=[{"d": d, "m": m} for d, m in sizes],
        block=range(settings["blocks"]),
        seed=lambda run: APART * settings["first_seed"] + run.block * run.trials,
    )


def first_of(run: BlockRun) -> Measurements | CorruptedMatrix:
    """Return the first problem of a block."""
    return PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed)


def count(run: BlockRun, tick: Tick) -> Record:
    """Count the trials of a block by their verdict."""
    verdicts = []
    for j in range(run.trials):
        tick(j / run.trials)
        problem = PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed + j)
        verdicts.append(recovery.trial(problem, "flattest", run.iterations).verdict)
    counts = {name: verdicts.count(name) for name in ("recovered", "undecided")}
    return Record("finished", {**counts, "failed": run.trials - sum(counts.values())})
