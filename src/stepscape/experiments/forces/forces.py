"""What weight decay, momentum, missing biases and frozen layers change at the edge of stability."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.forces.over_cells import CELLWISE, any_differs, mean_over_cells, over_cells
from stepscape.experiments.forces.runs import FORCES, NAMES, begin, grid, work
from stepscape.experiments.forces.threshold import at_threshold
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0,),
    "width": 100,
    "forces": tuple(FORCES),
    "step_sizes": (0.1, 0.3),
    "steps": 5000,
    "seeds": 6,
    "first_seed": 0,
    "records": 6,
}
FULL = {
    **QUICK,
    "half_widths": (3.0, 1.0),
    "width": 400,
    "step_sizes": (0.1, 0.2, 0.4),
    "steps": 100_000,
    "seeds": 20,
    "first_seed": 100,
    "records": 24,
}
PAIRED = (
    "For each force the mean over the ranges and step sizes at which it and plain descent both finish "
    "alive of {0}, seed by seed, with intervals that are simultaneous over the forces. A force makes no "
    "difference if its interval excludes {{least:g}} or more either way, even if it does not hold 0; "
    "otherwise it makes one if its interval does not hold 0. " + CELLWISE + " Yes if every force makes a "
    "difference, no if all make none, and it depends if some do. Where plain descent lives but the force "
    f"does not, for {MOST:.0%} of the seeds or more, the force is not compared: a yes then becomes it "
    "depends, and a no undecided."
)
COMPARED = {  # column → its question's words, and the unit of the effect
    "pieces": ("linear pieces", "pieces, with the force minus without"),
    "weighted_tv": ("weighted variation", "log10 of ∫|f″|g, with the force over without"),
    "risk": ("risk", "noise variances of risk, with the force minus without"),
    "risk_held_out": ("best held-out risk", "noise variances of risk, with the force minus without"),
}


def at_edge(result: Result) -> Finding:
    """Whether the runs of a force end alive at its own threshold."""
    return at_threshold(result.table, "at the threshold of their method")


def compare(result: Result, least: float, column: str) -> Finding:
    """Whether each force changes a column; see `COMPARED`."""
    effects = paired(result.table, column)
    if not effects:
        return lacking("no force can be compared with plain descent")
    shown = sum(bool(each.cells) for each in effects.values())
    return any_differs({
        NAMES[force]: _of_force(each, least, column, shown) for force, each in effects.items()
    })  # fmt: skip


def _of_force(effect: Effects, least: float, column: str, at_once: int) -> Finding:
    noun, what = COMPARED[column]
    says = Says("it", "change", f"the {noun}")

    def question(values: Array, at_once: int) -> Finding:
        return decide.differs(values, least, says, what, at_once=at_once)

    found = over_cells(effect.values, effect.cells, question, "no", least, at_once)
    if not effect.lost:
        return found
    found = in_part(found, f"it is not compared at {', '.join(effect.lost)}, where it does not live")
    return replace(found, answer="undecided") if found.answer == "no" else found


@dataclass(frozen=True)
class Effects:
    """Differences (seeds, cells) between a force and plain descent, nan where one of the two is lost.

    Attributes
    ----------
    cells : names of the ranges and step sizes.
    lost : those at which most runs of plain descent live, and most of the force beside them do not.
    """

    values: Array
    cells: tuple[str, ...]
    lost: tuple[str, ...]


def contrasts(table: Table, column: str) -> dict[str, Array]:
    """Return the difference (seeds,) of a column between each force that lives and plain descent."""
    return {
        force: mean_over_cells(each.values)
        for force, each in paired(table, column).items()
        if np.isfinite(each.values).any()
    }


def paired(table: Table, column: str) -> dict[str, Effects]:
    """Return the differences of a column between every force and plain descent; {} without a pair."""
    if column not in table:
        return {}
    values, every = _values(table, column), np.unique(table["seed"]).tolist()
    forces = [name for name in dict.fromkeys(table["force"].tolist()) if name != "none"]
    keys = sorted(set(zip(table["half_width"].tolist(), table["step_size"].tolist(), strict=True)))
    ranges = {half for half, _ in keys}

    def of(force: str) -> Array:
        cells = [[values.get((force, *key, seed), np.nan) for key in keys] for seed in every]
        return np.array(cells, np.float64)

    plain = of("none")
    names = [f"η = {eta:g}" + (f" on [−{half:g}, {half:g}]" if len(ranges) > 1 else "") for half, eta in keys]
    lives = np.isfinite(plain).mean(axis=0) >= MOST
    out = {}
    for force in forces:
        apart = of(force) - plain
        gone = lives & (np.isfinite(apart).sum(axis=0) < MOST * np.isfinite(plain).sum(axis=0))
        shown = np.isfinite(apart).any(axis=0) & ~gone
        apart[:, gone] = np.nan
        out[force] = Effects(apart[:, shown], tuple(np.array(names, object)[shown]),
                             tuple(np.array(names, object)[gone]))  # fmt: skip
    return out if any(each.cells for each in out.values()) else {}


def _values(table: Table, column: str) -> dict[tuple[str, float, float, int], float]:
    """Return what is compared, of the runs that finish alive, by force, range, step size and seed."""
    rows = table.rows(STEP_SIZES.counts(table))
    numbers = rows[column].astype(float)
    if column == "weighted_tv":
        numbers = np.log10(np.where(numbers > 0.0, numbers, np.nan))
    elif column.startswith("risk"):
        numbers = numbers / np.where(rows["noise"] > 0.0, rows["noise"] ** 2, 1.0)
    keys = zip(*(rows[name].tolist() for name in ("force", "half_width", "step_size", "seed")), strict=True)
    return dict(zip(keys, numbers.tolist(), strict=True))


def one_knot(result: Result, most: int) -> Finding:
    """Whether a network without input biases bends nowhere but at 0."""
    rows = result.table.where(force="no_input_biases", outcome="finished")
    if not len(rows):
        return lacking("no run without input biases finished")
    return decide.identity(np.maximum(rows["knots"] - most, 0), 0.0, "networks without input biases")


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the effects with their intervals, and the curves of the first seed."""
    from stepscape.experiments.forces import forces_figures as figures

    drawn = {"effects": figures.effects(result)}
    return drawn | ({"curves-all": figures.curves(result)} if result.drawn("solution") else {})


def _table(result: Result) -> Table:
    return medians(
        result.table,
        ("half_width", "force", "step_size"),
        ("start_ratio", "edge_ratio", "pieces", "weighted_tv", "risk", "risk_held_out", "bent_neurons"),
        ("edge_reached",),
        STEP_SIZES.counts,
    )


def _part(column: str, least: float, of: str, primary: bool = False) -> Part:
    noun = COMPARED[column][0]
    return Part(
        column, f"Do the forces change the {noun}?", PAIRED.format(of), partial(compare, column=column),
        constants={"least": least}, primary=primary,
    )  # fmt: skip


CLAIM = Claim(
    name="forces",
    title="Other forces of nature: decay, momentum, biases and frozen layers at the edge",
    claim=(
        "How does the bias of large steps towards flat minima interact with weight decay and momentum, with "
        "biases and with layers that are not trained?"
    ),
    kind="open question",
    source="Fazel and Wang, NeurIPS tutorial 'Training Instability', Question 3: 'other forces of nature'",
    setup=(
        "A tent with noise, n = 30. Every method has the step size at which its own threshold is 2/η, and "
        "the same total time Σ η/(1 − β); all start from one small network. Chosen in trials on seeds 1000 "
        "and 1001 (width 100, η = 0.02, 0.1, 0.4, β = 0.5, 0.9, decay 0.001, 0.01, 0.1); of these β = 0.5, "
        "which changes little, and decay 0.1, which flattens everything, were left out."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "edge",
            "Does each method bring the sharpness to its own threshold?",
            "Of all runs of a force, the share that finish alive with a median edge ratio over the last "
            f"half in [{EDGE[0]:g}, {EDGE[1]:g}]; with decay λ the sharpness is that of H + "
            "λ·diag(mask). Yes if the share is at least 90 % and its interval lies above one half. Alive "
            f"is a run that leaves {BENT}. That a method is there says what its step size limits, not what "
            "curve it finds; so this part is not the primary one.",
            at_edge,
            by="force",
            reads=("edge_ratio",),
        ),
        _part("pieces", 1.0, "its linear pieces minus those of plain descent"),
        _part("weighted_tv", 0.05, "log10 of its ∫|f″|g over that of plain descent", primary=True),
        _part("risk", 0.04, "its risk minus that of plain descent, over the variance of the noise,"),
        _part(
            "risk_held_out",
            0.04,
            "its risk at its best held-out moment minus that of plain descent at its own, over the "
            "variance of the noise,",
        ),
        Part(
            "one_knot",
            "Without input biases the curve bends at 0 alone",
            "An identity that a run tests in the program: without input biases every knot lies at x = 0, "
            "so that the knots are at most {most:d}, and large steps have nothing to choose.",
            one_knot,
            constants={"most": 1},
            kind="identity",
            reads=("knots",),
        ),
    ),
    draw=draw,
    premises={
        "start_ratio": "the start lies within the threshold of its method",
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
    },
    numbers=_table,
    by="force",
    names=NAMES,
)
