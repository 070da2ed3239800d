"""One trial of three objectives on one problem of low rank, and a block of trials of the flattest matrix."""

from __future__ import annotations

from typing import Any

from stepscape import recovery, theory
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.low_rank import OBJECTIVES, PROBLEMS, check
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record

APART = 100  # the seeds of blocks begin at so many times the first seed, where no other seed lies


class TrialRun(Spec, frozen=True, tag="recovery-trial/1"):
    """One problem without noise. `part` is "grid", or "theorem" for Gaussian measurements by the theorem."""

    part: str
    problem: str
    d: int
    rank: int
    ratio: float
    m: int
    iterations: int
    seed: int


class BlockRun(Spec, frozen=True, tag="recovery-block/1"):
    """A block of Gaussian problems with one m, which have the seeds from `seed` on."""

    d: int
    rank: int
    m: int
    trials: int
    iterations: int
    block: int
    seed: int


def grid(settings: Settings) -> list[TrialRun | BlockRun]:
    """Every problem, rank, ratio m/(degrees of freedom) and seed, as long as m does not determine everything.

    And Gaussian problems with m = c·r(d1 + d2), and blocks of them with an m near the threshold.
    """
    _check(settings)
    trials = sweep(
        TrialRun,
        settings,
        part="grid",
        problem=settings["problems"],
        rank=settings["ranks"],
        ratio=settings["ratios"],
        seed=seeds(settings),
        m=lambda run: PROBLEMS[run.problem].measurements(run.d, run.rank, run.ratio),
    )
    return [*filter(_is_open, trials), *_theorem(settings), *_blocks(settings)]


def _is_open(run: TrialRun) -> bool:
    return 1 <= run.m < PROBLEMS[run.problem].dimension(run.d)


def _theorem(settings: Settings) -> list[TrialRun]:
    kind = PROBLEMS["gaussian"]
    return sweep(
        TrialRun,
        settings,
        part="theorem",
        problem="gaussian",
        case=[_case(text) for text in settings["cases"]],
        seed=seeds(settings, "theorem_seeds"),
        m=lambda run: round(settings["c"] * run.rank * 2 * run.d),
        ratio=lambda run: run.m / kind.degrees_of_freedom(run.d, run.rank),
    )


def _blocks(settings: Settings) -> list[BlockRun]:
    return sweep(
        BlockRun,
        settings,
        d=settings["block_d"],
        rank=1,
        m=settings["block_m"],
        block=range(settings["blocks"]),
        seed=lambda run: APART * settings["first_seed"] + run.block * run.trials,
    )


def _check(settings: Settings) -> None:
    check(settings)
    at_least(settings, theorem_seeds=1, block_d=2, blocks=1, trials=1, iterations=1)
    if not settings["c"] > 0.0:
        raise bad("c", "be positive", settings["c"])
    if min(settings["block_m"]) < 1:
        raise bad("block_m", "be at least 1", min(settings["block_m"]))
    for case in map(_case, settings["cases"]):
        if round(settings["c"] * case["rank"] * 2 * case["d"]) >= case["d"] ** 2:
            must = (
                f"leave m below d² in every case, as a d above {2 * settings['c'] * case['rank']:g} does here"
            )
            raise bad("cases", must, f"'{case['d']} {case['rank']}'")


def _case(text: str) -> dict[str, int]:
    parts = text.split()
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise bad("cases", "be pairs of a size d and a rank such as '20 2'", repr(text))
    return {"d": int(parts[0]), "rank": int(parts[1])}


def begin(run: TrialRun | BlockRun) -> Measurements | CorruptedMatrix:
    """Return the problem, or the first one of the block."""
    kind = PROBLEMS["gaussian" if isinstance(run, BlockRun) else run.problem]
    return kind.build(run.d, run.rank, run.m, 0.0, run.seed)


def work(run: TrialRun | BlockRun, tick: Tick) -> Record:
    """Try the objectives on one problem, or the flattest matrix on every problem of a block."""
    return _block(run, tick) if isinstance(run, BlockRun) else _trial(run, tick)


def _trial(run: TrialRun, tick: Tick) -> Record:
    """Try every objective that the problem has.

    Columns ``verdict_``, ``error_`` (relative, of the last matrix), ``ratio_`` (of its objective to that of
    the truth) and ``iterations_`` with the objective; ``constant``: relative distance of D² to the span of
    the A_i, where every solution is equally flat if it is 0.
    """
    problem, found = begin(run), dict[str, Any]()
    for i, (suffix, objective) in enumerate(OBJECTIVES.items()):
        tick(i / len(OBJECTIVES))
        if suffix != "flat" and isinstance(problem, CorruptedMatrix):
            continue  # its flattest matrix is the one of smallest nuclear norm
        seen = recovery.trial(problem, objective, run.iterations)
        found |= {
            f"verdict_{suffix}": seen.verdict,
            f"recovered_{suffix}": seen.verdict == "recovered",
            f"undecided_{suffix}": seen.verdict == "undecided",
            f"error_{suffix}": seen.error,
            f"ratio_{suffix}": seen.ratio,
            f"iterations_{suffix}": seen.iterations,
        }
    if isinstance(problem, Measurements) and problem.structure == "psd":
        found["constant"] = theory.low_rank.constant_trace(problem).residual
    return Record("finished", found)


def _block(run: BlockRun, tick: Tick) -> Record:
    """Count the trials of a block by their verdict."""
    verdicts = []
    for j in range(run.trials):
        tick(j / run.trials)
        problem = PROBLEMS["gaussian"].build(run.d, run.rank, run.m, 0.0, run.seed + j)
        verdicts.append(recovery.trial(problem, "flattest", run.iterations).verdict)
    counts = {name: verdicts.count(name) for name in ("recovered", "undecided")}
    return Record("finished", {**counts, "failed": run.trials - sum(counts.values())})
