"""Rules of `does-descent-get-there` on where runs end: nearly all of them covered, or in the trap."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.arrival import COVERED, FATES, UNFINISHED, has_arrived
from stepscape.experiments.frame import Finding, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import Number, in_part
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.sentences import counted, listed, of_runs, sentence
from stepscape.tables.records import Table

Array = NDArray[np.float64]
TRAP = "interpolation trap"


def ends(table: Table, moved: float, fell: float) -> NDArray[np.str_]:
    """Fate of each run; a run that has not arrived is unfinished, whatever its last record is."""
    fates = np.asarray(table["fate"], str).astype("U20")
    if "edge_moved" in table:
        waits = ~has_arrived(table["edge_moved"], table["loss_fell"], moved, fell)
        fates[waits & (table["outcome"] == "finished")] = UNFINISHED
    return fates


def gets_there(result: Result, nearly_all: float, moved: float, fell: float) -> Finding:
    """Whether nearly all runs that have arrived are covered, at every step size."""
    table, fates = result.table, ends(result.table, moved, fell)
    etas, moving = ended(table, fates)
    if not etas.size:
        return lacking(moving, _counts(fates))
    says = Says("runs that have arrived", "be", "covered by the theorem")
    found, counts = {}, {}
    for eta in etas:
        here = (fates != UNFINISHED) & (table["step_size"] == eta)
        flags, name = fates[here] == COVERED, f"η = {eta:g}"
        found[name] = decide.share(flags, says, nearly_all, table["seed"][here], etas.size)
        counts[name] = f"{flags.sum()} of {flags.size}"
    whole = together(found, primary=f"η = {etas[-1]:g}")
    yes = sum(each.answer == "yes" for each in found.values())
    step_sizes = Says("step sizes", "have", "nearly all of their arrived runs covered by the theorem")
    text = sentence(
        of_runs(yes, etas.size, step_sizes), "; ".join(f"{of} at {at}" for at, of in counts.items())
    )
    numbers = {f"covered runs at {name}": of for name, of in counts.items()}
    return in_part(replace(whole, sentence=text, numbers=numbers), moving).with_numbers(
        {**_counts(fates), **_nearly(table, fates)}
    )


def ended(table: Table, fates: NDArray[np.str_]) -> tuple[Array, str]:
    """Step sizes at which most runs have arrived or diverged; and a clause on the others, "" without any."""
    every = np.unique(table["step_size"])
    kept = np.array([fraction(fates[table["step_size"] == eta] != UNFINISHED) > MOST for eta in every], bool)
    lost = every[~kept].tolist()
    return every[kept], f"most runs still move at the step sizes {listed(lost)}" if lost else ""


def _counts(fates: NDArray[np.str_]) -> dict[str, Number]:
    counts = Counter(fates.tolist())
    return {f"runs that end {fate}": counts[fate] for fate in FATES if counts[fate]}


def _nearly(table: Table, fates: NDArray[np.str_]) -> dict[str, Number]:
    if "edge_ratio" not in table:
        return {}
    lost = np.isfinite(table["reached_at_step"].astype(float)) & (fates != COVERED) & (fates != UNFINISHED)
    return {
        "covered runs above 0.8 of the edge": int(np.sum((fates == COVERED) & (table["edge_ratio"] > 0.8))),
        "runs that underfit above 0.8 of the edge": int(
            np.sum((fates == "underfits") & (table["edge_ratio"] > 0.8))
        ),
        "runs covered at some record, but not in the end": int(lost.sum()),
        "steps until covered, median": median(table["reached_at_step"]),
    }


def falls_into_the_trap(result: Result, most: float, nearly_all: float, moved: float, fell: float) -> Finding:
    """Whether nearly all runs end in the trap, of the starts and step sizes from which most have arrived."""
    names = {"init": "{}", "scale": "× {:g}", "step_size": "η = {:g}"}
    flags, seeds, led = list[Array](), list[Array](), {}
    every = cells(result.table, names)
    for name, rows in every.items():
        fates = ends(rows, moved, fell)
        done = fates != UNFINISHED
        if fraction(done) > most:
            flags.append(fates[done] == TRAP)
            seeds.append(rows["seed"][done])
            led[name] = fraction(flags[-1]) > most
    if not led:
        return lacking("most runs still move from every start and at every step size")
    says = Says("runs that have arrived", "end", "in the interpolation trap")
    found = decide.share(np.concatenate(flags), says, nearly_all, np.concatenate(seeds))
    lost = len(every) - len(led)
    moving = f"most runs still move in {counted(lost, 'other pair')} of start and step size" if lost else ""
    return in_part(found, moving).with_numbers({
        "runs in the trap": int(np.sum(ends(result.table, moved, fell) == TRAP)),
        "pairs of start and step size": len(every),
        "pairs from which most runs have arrived": len(led),
        **{f"{name}: most seeds in the trap": True for name, yes in led.items() if yes},
    })  # fmt: skip
