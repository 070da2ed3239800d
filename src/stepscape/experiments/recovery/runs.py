"""One trial of three objectives on one problem of low rank."""

from __future__ import annotations

from typing import Any

from stepscape import recovery, theory
from stepscape.errors import bad
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.experiments.recovery.failure_runs import BlockRun, blocks, count
from stepscape.experiments.recovery.low_rank import OBJECTIVES, PROBLEMS, check
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.measurements import Measurements
from stepscape.tables.records import Record


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
    if min(settings["block_m"]) < 1:
        raise bad("block_m", "be at least 1", min(settings["block_m"]))
    at_least(settings, block_d=2)
    return blocks(settings, "gaussian", [(settings["block_d"], m) for m in settings["block_m"]])


def _check(settings: Settings) -> None:
    check(settings)
    at_least(settings, theorem_seeds=1, iterations=1)
    if not settings["c"] > 0.0:
        raise bad("c", "be positive", settings["c"])
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
    return PROBLEMS[run.problem].build(run.d, run.rank, run.m, 0.0, run.seed)


def work(run: TrialRun | BlockRun, tick: Tick) -> Record:
    """Try the objectives on one problem, or the flattest matrix on every problem of a block."""
    return count(run, tick) if isinstance(run, BlockRun) else _trial(run, tick)


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
