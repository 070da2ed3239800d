"""From which initializations and step sizes descent reaches a flat solution that the theory covers."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.confidence.arrival import CERTIFIED, FATES
from stepscape.experiments.confidence.arrival_runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import cells
from stepscape.experiments.frame.finding import Number
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import MOST, NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
TRAP = "interpolation trap"
EXCESS = "excess_risk_interior"
SHOWN = ("reached_at_step", "reached_at_time", "certified_late", "flattest_edge_ratio", "bound", "variation",
         "interpolant", EXCESS, "excess_constant_interior")  # fmt: skip


def gets_there(result: Result, nearly_all: float) -> Finding:
    """Whether nearly all runs end certified flat."""
    table = result.table
    certified = table["fate"] == CERTIFIED
    found = decide.share(certified, Says("runs", "end", "certified flat"), nearly_all, table["seed"])
    return found.with_numbers({**_fates(table["fate"]), **_nearly(table)})


def _fates(fates: ArrayLike) -> dict[str, Number]:
    counts = Counter(np.asarray(fates).tolist())
    return {f"runs that end {fate}": counts[fate] for fate in FATES if counts[fate]}


def _nearly(table: Table) -> dict[str, Number]:
    """Count the runs that are close to the fate that counts."""
    if "certified_late" not in table:
        return {}
    over, under = (table["fate"] == fate for fate in ("over the edge", "underfits"))
    ratio = table["flattest_edge_ratio"]
    return {
        "runs over the edge by less than a tenth": int(np.sum(over & (ratio < 1.1))),
        "runs that underfit above 0.8 of the edge": int(np.sum(under & (ratio > 0.8))),
        "runs certified at a record of the last decade": int(np.sum(table["certified_late"] > 0.0)),
        "steps until certified, median": median(table["reached_at_step"]),
    }


def shares(table: Table, seeds: NDArray[np.int_]) -> Array:
    """For each seed, the share of its runs that end certified flat; nan where it has none."""
    return np.array([fraction(table["fate"][table["seed"] == seed] == CERTIFIED) for seed in seeds])


def differs(one: Table, other: Table, least: float, of: str, names: str) -> Finding:
    """Whether the share of certified runs differs between two tables, paired by seed."""
    seeds = np.union1d(one["seed"], other["seed"])
    says = Says("the share of runs certified flat", "depend", f"on {of}")
    return decide.differs(shares(one, seeds) - shares(other, seeds), least, says, names)


def depends_on_start(result: Result, least: float) -> Finding:
    """Whether scale and kind of the start change the share."""
    table = result.table
    torch, other = table.where(init="torch"), table.where(init="mean_field")
    scales, found = np.unique(torch["scale"]), {}
    if scales.size > 1:
        large, small = (torch.where(scale=scale) for scale in scales[[-1, 0]])
        names = f"PyTorch's start × {scales[-1]:g} minus × {scales[0]:g}"
        found["scale"] = differs(large, small, least, "the scale of PyTorch's start", names)
    if len(torch) and len(other):
        one, two = (1.0 if 1.0 in rows["scale"] else rows["scale"].min() for rows in (torch, other))
        names = f"mean-field start × {two:g} minus PyTorch's × {one:g}"
        kinds = other.where(scale=two), torch.where(scale=one)
        found["kind"] = differs(*kinds, least, "the kind of start", names)
    return together(found, named=False)


def depends_on_step_size(result: Result, least: float) -> Finding:
    """Whether the step size changes the share."""
    table = result.table
    etas = np.unique(table["step_size"])
    if etas.size < 2:
        return lacking("there is only one step size")
    large, small = (table.where(step_size=eta) for eta in etas[[-1, 0]])
    names = f"η = {etas[-1]:g} minus η = {etas[0]:g}"
    return differs(large, small, least, "the step size", names)


def stays(result: Result, nearly_all: float) -> Finding:
    """Whether runs that are certified flat at some record end certified flat."""
    table = result.table
    once = table.rows(np.isfinite(table["reached_at_step"].astype(float)))
    says = Says("runs that are certified flat at some record", "end", "certified flat")
    return decide.share(once["fate"] == CERTIFIED, says, nearly_all, once["seed"]).with_numbers(
        _fates(once["fate"])
    )


def generalizes(result: Result, least: float) -> Finding:
    """Whether certified runs have less excess risk than the others, and than the best constant."""
    table = result.table
    arrived, alive = table["fate"] == CERTIFIED, STEP_SIZES.counts(table)
    certified, others = (seed_medians(table, rows, EXCESS) for rows in (arrived, alive & ~arrived))
    constant = seed_medians(table, alive, "excess_constant_interior")
    if not np.isfinite(certified - others).any():
        return lacking("no seed has runs of both kinds")
    rest = {
        "than the other runs": (others, "other runs − certified ones"),
        "than the best constant": (constant, "best constant − certified runs"),
    }
    found = {
        name: decide.sign(
            risk - certified,
            Says("a certified run", "have", f"less excess risk {name}"),
            what,
            least,
            at_once=2,
        )
        for name, (risk, what) in rest.items()
    }
    numbers = {f"{fate}, median": median(table[EXCESS][table["fate"] == fate]) for fate in FATES}
    numbers = {name: value for name, value in numbers.items() if value == value}
    worse = int(np.sum(arrived & (table[EXCESS] > table["excess_constant_interior"])))
    return together(found, named=False).with_numbers({
        **numbers, "best constant, median": median(constant), (
            "certified runs worse than the best constant"
        ): worse
    })  # fmt: skip


def seed_medians(table: Table, rows: NDArray[np.bool_], column: str) -> Array:
    """Median of a column over some rows of each seed, nan where it has none."""
    return np.array(
        [median(table[column][rows & (table["seed"] == seed)]) for seed in np.unique(table["seed"])]
    )


def falls_into_the_trap(result: Result, most: float, nearly_all: float) -> Finding:
    """Whether starts and step sizes lead most of their seeds into the interpolation trap."""
    names = {"init": "{}", "scale": "× {:g}", "step_size": "η = {:g}"}
    pairs = cells(result.table, names)
    led = {name: fraction(rows["fate"] == TRAP) > most for name, rows in pairs.items()}
    says = Says("pairs of start and step size", "lead", "most of their seeds into the trap")
    return decide.share(list(led.values()), says, nearly_all).with_numbers({
        "runs in the trap": int(np.sum(result.table["fate"] == TRAP)),
        **{f"{name}: most seeds in the trap": True for name, yes in led.items() if yes},
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the fates on the grid, the time to get there, and the certificates and risks of what was found."""
    from stepscape.experiments.confidence import does_descent_get_there_figures as figures

    return {
        "fates": figures.phase_diagram(result),
        "times": figures.times(result),
        "found": figures.what_was_found(result),
    }


def numbers(result: Result) -> Table:
    """Shares of certified runs and medians of each start and step size."""
    table = result.table
    if "fate" not in table:
        return Table({})
    marked = Table({**table.columns, "certified": table["fate"] == CERTIFIED})
    return medians(marked, ("init", "scale", "step_size"), SHOWN, shares=("certified",))


CLAIM = Claim(
    name="does-descent-get-there",
    title="Does descent get there? The fate of runs by initialization and step size",
    claim=(
        "The theory covers flat solutions that fit the labels as well as the truth and stay uncertain "
        "somewhere; it leaves open whether gradient descent with a large step size converges to one."
    ),
    kind="open question",
    source="Qiao and Wang (2025), open question on convergence; signs of failure in its summary",
    setup=(
        "The logit is twice a wave, and a tenth of the labels are flipped; there are 100 inputs and 400 "
        "neurons. PyTorch's default start at a tenth to four times its scale, and mean-field starts, meet "
        "step sizes from 0.01 to 4. At the edge λ_max swings around 2/η; the flatter of the last two "
        "iterates stands for a record. The certificate is checked with the measured λ_max plus its "
        "residual; the labels at hand decide whether it is vacuous."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "reached",
            "Runs end certified flat",
            "A run ends certified flat if at its last record λ_max is at most 2/η, its loss is at most that "
            "of the truth, some label is missed, and the bound on ∫|f''|g_A where f is uncertain lies below "
            "the least value of any function through all labels there. For each kind of start, nearly all "
            "runs ({nearly_all:.0%}), over all scales and step sizes, end so.",
            gets_there,
            {"nearly_all": NEARLY_ALL},
            primary=True,
            by="init",
            reads=("fate",),
        ),
        Part(
            "depends_on_initialization",
            "It depends on the initialization",
            "Two differences of the share of runs that end certified flat, over all step sizes and paired "
            "by seed, are asked about: the largest minus the smallest scale of PyTorch's start, and the "
            "mean-field start minus PyTorch's at scale 1, or else the smallest scale. Yes if the interval "
            "excludes 0, no if it excludes differences of {least:g} either way.",
            depends_on_start,
            {"least": 0.1},
            reads=("fate",),
        ),
        Part(
            "depends_on_step_size",
            "It depends on the step size",
            "The share of runs that end certified flat, over all starts, at the smallest step size is "
            "subtracted from that at the largest, paired by seed. Yes if the interval excludes 0, no if it "
            "excludes differences of {least:g} either way.",
            depends_on_step_size,
            {"least": 0.1},
            reads=("fate",),
        ),
        Part(
            "stays",
            "A run that is certified once stays so",
            "Of the runs that are certified flat at some record, nearly all ({nearly_all:.0%}) end so.",
            stays,
            {"nearly_all": NEARLY_ALL},
            reads=("reached_at_step",),
        ),
        Part(
            "generalizes",
            "Certified runs generalize better",
            "From the excess risk in the interior of the other runs with bent neurons, and from that of the "
            "best constant answer, the excess risk of the runs that end certified flat is subtracted; each "
            "is the median over the runs of a seed. A difference of {least:g} counts.",
            generalizes,
            {"least": 0.01},
            reads=(EXCESS,),
        ),
        Part(
            "interpolation_trap",
            "Descent falls into the interpolation trap",
            "A run is in the trap if λ_max is at most 2/η and every label is fitted, also the wrong ones. "
            "Nearly all pairs of start and step size ({nearly_all:.0%}) lead more than {most:.0%} of their "
            "seeds there.",
            falls_into_the_trap,
            {"most": MOST, "nearly_all": NEARLY_ALL},
            reads=("fate",),
        ),
    ),
    draw=draw,
    premises={
        "fate": "the fate of the run; the theorems cover the flat ones",
        "flat": "λ_max + residual is at most 2/η at the flatter of the last two iterates",
        "optimized": "the network fits the labels at least as well as the truth does, L(f) ≤ L(f0)",
        "uncertain_count": "some inputs are uncertain, |f(x_i)| ≤ γ at the best γ",
        "bent_neurons": "some neurons bend among the data",
    },
    numbers=numbers,
    by="init",
    names={"torch": "PyTorch's start", "mean_field": "the mean-field start"},
)
