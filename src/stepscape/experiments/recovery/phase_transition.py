"""How many measurements flat minima need to be the truth, and whether flatness is what recovers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Effect,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
)
from stepscape.experiments.frame.intervals import design_effect, wilson
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.sentences import counted, number, of_runs, percent, sentence
from stepscape.experiments.recovery.failure_rates import falls_exponentially
from stepscape.experiments.recovery.low_rank import PROBLEMS, words
from stepscape.experiments.recovery.runs import TrialRun, begin, grid, work
from stepscape.experiments.recovery.undecided import Tried, agreed_share, more_often
from stepscape.tables.records import Table

Array = NDArray[np.float64]
TRIALS = Says("trials", "recover", "the truth")


def finished(result: Result, part: str) -> Table:
    """Return the trials of a part that were carried out."""
    table = result.of(TrialRun).where(part=part, outcome="finished").table
    return table if "verdict_flat" in table else Table({})


def suffices(result: Result, share: float) -> Finding:
    """Whether the share of Gaussian trials that recover, with its interval, lies above `share`.

    An undecided trial counts against the answer, whichever it is.
    """
    table = finished(result, "theorem")
    if not len(table):
        return lacking("no trial of the theorem was carried out")
    found, open_ = table["recovered_flat"].astype(bool), table["undecided_flat"].astype(bool)
    least, most = (_share(flags, table["seed"]) for flags in (found, found | open_))
    answer: Answer = "yes" if least.low > share else "no" if most.high < share else "undecided"
    text = f"{of_runs(int(found.sum()), found.size, TRIALS)}: {percent(least)}"
    return Finding(
        answer,
        sentence(text, _undecided(open_)),
        Effect("share of trials that recover the truth", least),
        {f"d = {d}, rank {r}": fraction(found[(table["d"] == d) & (table["rank"] == r)])
         for d, r in dict.fromkeys(zip(table["d"].tolist(), table["rank"].tolist(), strict=True))},
    )  # fmt: skip


def _share(flags: NDArray[np.bool_], groups: Array) -> Any:
    return wilson(int(flags.sum()), flags.size, design_effect(flags, groups))


def _undecided(flags: NDArray[np.bool_]) -> str:
    return f"{counted(int(flags.sum()), 'trial')} stayed undecided" if flags.any() else ""


def recovers_at_most(result: Result, nearly_all: float, most: float) -> Finding:
    """Whether nearly all trials recover at the largest number of measurements of each rank that leaves some.

    That is `most` of those that determine every matrix. Robust PCA has all entries and does not know which
    are right: there any number leaves something to be found.
    """
    table = finished(result, "grid")
    few = [_leaves_some(run, most) for run in table.records()]
    table = table.rows(np.array(few, bool))
    if not len(table):
        return lacking("no trial has so few measurements")
    largest = {r: table["m"][table["rank"] == r].max() for r in np.unique(table["rank"]).tolist()}
    rows = table.rows(table["m"] == [largest[r] for r in table["rank"].tolist()])
    return agreed_share(tried(rows, "flat"), TRIALS, nearly_all, rows["seed"]).with_numbers(
        {f"m at rank {r}": int(m) for r, m in largest.items()}
    )


def _leaves_some(run: Mapping[str, Any], most: float) -> bool:
    every = PROBLEMS[run["problem"]].dimension(run["d"])
    return bool(run["problem"] == "robust_pca" or run["m"] <= most * every)


def tried(table: Table, name: str) -> Tried:
    """Return which trials of an objective recovered the truth, and which stayed undecided."""
    return Tried.of(table[f"recovered_{name}"] == 1, table[f"undecided_{name}"] == 1)


def wins(table: Table) -> tuple[Array, Array]:
    """Return for each seed in how many trials only the flattest matrix is the truth, and only the other.

    A trial in which one of the two is undecided counts for neither.
    """
    seeds, at = np.unique(table["seed"], return_inverse=True)
    flat, nuclear = (table[f"recovered_{name}"] == 1 for name in ("flat", "nuclear"))
    known = (table["undecided_flat"] != 1) & (table["undecided_nuclear"] != 1)
    return tuple(
        np.bincount(at, known & one & ~other, seeds.size) for one, other in ((flat, nuclear), (nuclear, flat))
    )  # type: ignore[return-value]


def beats_nuclear_norm(result: Result, least: float) -> Finding:
    """Whether only the flattest matrix is the truth more often than only that of least nuclear norm."""
    table = finished(result, "grid")
    if not len(table):
        return lacking("no trial compares the two")
    flat, nuclear = wins(table)
    says = Says("flatness", "recover", "the truth more often than the nuclear norm")
    what = "share of trials that only flatness recovers, less that of the other"
    at_once = len(result.settings["problems"])
    found = more_often(
        tried(table, "flat"), tried(table, "nuclear"), table["seed"], says, what, least, at_once
    )
    return found.with_numbers({
        "seeds for and against": f"{np.sum(flat > nuclear)} and {np.sum(flat < nuclear)}",
        "sign test over seeds, p": sign_test(int(np.sum(flat > nuclear)), int(np.sum(flat < nuclear))),
    })  # fmt: skip


def sign_test(more: int, fewer: int) -> float:
    """Two-sided probability of a split at least as uneven, if both sides were equally likely.

    >>> sign_test(5, 0), sign_test(2, 2), sign_test(0, 0)
    (0.0625, 1.0, 1.0)
    """
    from scipy.stats import binomtest

    return float(binomtest(more, more + fewer).pvalue) if more + fewer else 1.0


def every_solution_is_flat(result: Result, tolerance: float) -> Finding:
    """Whether D² lies in the span of the A_i, and all solutions that were found are as flat as the truth."""
    table = finished(result, "grid")
    if "constant" not in table:
        return lacking("no trial of a problem with positive semidefinite matrices was carried out")
    table = table.rows(np.isfinite(table["constant"]))
    # A flatter solution than the truth, "beaten", would be the counterexample.
    done = np.isin(table["verdict_flat"], ("recovered", "tied", "beaten"))
    errors = np.concatenate([table["constant"], table["ratio_flat"][done] - 1.0])
    other = int(np.sum(table["verdict_flat"] == "tied"))
    found = decide.identity(errors, tolerance, "relative differences in flatness")
    return found.with_numbers({"trials that end at another solution, as flat as the truth": other})


def frobenius_fails(result: Result, nearly_all: float) -> Finding:
    """Whether the matrix of least Frobenius norm is never the truth where m does not determine it."""
    table = finished(result, "grid")
    if not len(table):
        return lacking("no trial was carried out")
    rows = table.rows((table["problem"] != "covariance") & (table["problem"] != "robust_pca"))
    if not len(rows):
        return lacking("no trial minimizes the Frobenius norm without a constraint")
    found = tried(rows, "frobenius")
    missed = Tried.of(~found.succeeded, found.undecided)
    says = Says("trials", "miss", "the truth with the least Frobenius norm")
    return agreed_share(missed, says, nearly_all, rows["seed"])


def numbers(result: Result) -> Table:
    """One row per problem, rank and ratio: the shares of trials that recover, and that stay undecided."""
    return Table.from_records(_rows(finished(result, "grid")))


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    if not len(table):
        return
    places = zip(*(table[name].tolist() for name in ("problem", "rank", "ratio", "m")), strict=True)
    for problem, rank, ratio, m in dict.fromkeys(places):
        rows = table.where(problem=problem, rank=rank, ratio=ratio)
        shares = {
            f"{name} {word}": fraction(rows[f"{word}_{name}"] == 1)
            for name in ("flat", "nuclear", "frobenius")
            for word in ("recovered", "undecided")
            if f"{word}_{name}" in rows and (problem != "robust_pca" or name == "flat")
        }
        yield {"problem": words(problem), "rank": rank, "m over freedom": number(ratio), "m": m, **shares}


def draw(result: Result) -> dict[str, Drawn]:
    """Recovery against m, all problems and ranks, who wins, and the failure rate above the threshold."""
    from stepscape.experiments.recovery import phase_transition_figures as figures

    return {
        "curves": figures.curves(result),
        "wins": figures.pairs(result),
        "failures": figures.failures(result),
        "ranks-all": figures.ranks(result),
    }


QUICK: dict[str, Any] = {
    "problems": tuple(PROBLEMS),
    "d": 8,
    "ranks": (1,),
    "ratios": (1.2, 3.4),
    "seeds": 4,
    "c": 4.0,
    "cases": ("10 1",),
    "theorem_seeds": 76,
    "block_d": 8,
    "block_m": (26, 29, 32),
    "blocks": 4,
    "trials": 8,
    "iterations": 400,
    "first_seed": 200,
}
_grid = partial(Part, where={"part": "grid"})

CLAIM = Claim(
    name="phase-transition",
    title="Flat minima recover a matrix of low rank from few measurements",
    claim=(
        "With m ≥ C·r(d1 + d2) Gaussian measurements, and with correspondingly many in six other problems, "
        "every flat minimum is the matrix of rank r itself, up to a failure probability of e^(−Ω(m)); "
        "flatness needs no more measurements than the nuclear norm."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Theorem (Matrix sensing)'; Ding, "
        "Drusvyatskiy, Fazel and Harchaoui (2024), Theorems 4.3 to 6.1"
    ),
    setup=(
        "The source gives no constant; c = 4 was fixed before any run, above 3, which suffices for the "
        "nuclear norm (Chandrasekaran et al., 2012), with every m below d². Measurements are 1.2 to 10 times "
        "the degrees of freedom; the last ratios were added after trials, because robust PCA needs them. "
        "There m counts the entries without an error, and the budget is that of an oracle. Trials had seeds "
        "1000 to 1019."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "d": 20,
        "ranks": (1, 2, 4),
        "ratios": (1.2, 1.5, 1.8, 2.1, 2.4, 2.7, 3.1, 3.6, 4.3, 5.1, 7.0, 10.0),
        "seeds": 40,
        "cases": ("20 1", "20 2", "30 3"),
        "theorem_seeds": 100,
        "block_d": 12,
        "block_m": (44, 46, 49, 51, 54),
        "blocks": 20,
        "trials": 100,
        "iterations": 4000,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "theorem",
            "Gaussian measurements, c·r(d1 + d2) of them, are enough",
            "Of the Gaussian trials with c·r(d1 + d2) measurements, yes if the share that recovers the truth "
            "lies above {share:.0%} with its whole interval, even if undecided trials count as failures; no "
            "if it lies below it, even if they count as recovered. Seeds are the independent units.",
            suffices,
            {"share": 0.95},
            primary=True,
            where={"part": "theorem"},
        ),
        _grid(
            "every_problem",
            "Enough measurements recover the truth in every problem",
            "In each problem, at the largest number of measurements of each rank that is at most {most:.0%} "
            "of those that determine every matrix, nearly all trials (at least {nearly_all:.0%}) recover the "
            "truth; in robust PCA at the largest number of entries without an error. Undecided trials must "
            "not change the answer, whichever way they count.",
            recovers_at_most,
            {"nearly_all": 0.9, "most": 0.8},
            by="problem",
        ),
        _grid(
            "against_nuclear_norm",
            "Does flatness recover more than the nuclear norm?",
            "In each problem, trials that only flatness recovers less trials that only the nuclear norm "
            "recovers, as a share of all trials of a seed: yes if its interval over the seeds, simultaneous "
            "over the problems, lies above 0; no if it excludes {least:g}. An undecided trial counts against "
            "the answer, whichever it is.",
            beats_nuclear_norm,
            {"least": 0.01},
            kind="open question",
            by="problem",
            reads=("verdict_nuclear",),
        ),
        _grid(
            "selects_nothing",
            "In phase retrieval and covariance sensing flatness selects nothing: all solutions are flat",
            "D² lies in the span of the measurements, and every solution that a trial ended at, the truth or "
            "another one, is as flat as the truth, up to {tolerance:g} of it. The constraint X ⪰ 0 does the "
            "recovery.",
            every_solution_is_flat,
            {"tolerance": 1e-6},
            kind="identity",
        ),
        Part(
            "failure_rate",
            "Above the threshold the failure rate falls like e^(−cm)",
            "In blocks of Gaussian problems of rank 1, the log of the failure rate falls from the middle m "
            "to the largest one, at {part:.0%} of its decay from the smallest to the middle one or more, "
            "because the constant c is open: over the blocks, the interval of the late decay less "
            "{part:.0%} of the early one does not lie below 0, and lies above −{steady:g} per measurement. "
            "Undecided trials must not change the answer, whichever way they count.",
            falls_exponentially,
            {"part": 0.5, "steady": 0.1},
            kind="one-sided rate",
            where={"kind": "recovery-block/2"},
        ),
        _grid(
            "frobenius",
            "The least Frobenius norm does not recover the truth",
            "Of the trials whose matrices need not be positive semidefinite, nearly all (at least "
            "{nearly_all:.0%}) miss the truth if the Frobenius norm is minimized, at any m below the "
            "dimension. Undecided trials must not change the answer, whichever way they count.",
            frobenius_fails,
            {"nearly_all": 0.99},
            reads=("verdict_frobenius",),
        ),
    ),
    draw=draw,
    numbers=numbers,
    premises={"verdict_flat": "the trial is decided: an undecided one must not change an answer"},
    by="problem",
    names={name: kind.words for name, kind in PROBLEMS.items()},
)
