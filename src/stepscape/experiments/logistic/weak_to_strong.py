"""From weak to strong generalization: weight decay, large steps, or both, as the sample grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Finding,
    Part,
    Result,
    Says,
    Settings,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import Array, slopes
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import Levels, fraction, median
from stepscape.experiments.frame.limits import EDGE, LEAST_SPAN, LEAST_VALUES, NEARLY_ALL
from stepscape.experiments.frame.sentences import of_runs
from stepscape.experiments.logistic.edge import arrived, on_line, started_beyond
from stepscape.experiments.logistic.runs import LogisticRun, begin, work
from stepscape.experiments.logistic.runs import grid as logistic_grid
from stepscape.tables.records import Table

SIZES = Levels(
    "n", "numbers of examples", "n", alive="bent_neurons", lives="learns a curve", dies="all neurons die",
    least=LEAST_VALUES, span=LEAST_SPAN,
)  # fmt: skip
CELLS = {"weight_decay": "decay {:g}", "step_size": "η = {:g}"}
REGIONS = {"uncertain": "where the truth is uncertain", "interior": "in the interior"}
RATIO = "log10 of a ratio, mean over the numbers of examples"
Pairs = Sequence[tuple[dict[str, float], dict[str, float]]]


def grid(settings: Settings) -> list[LogisticRun]:
    """Every sample size, weight decay, seed and step size."""
    small, large = settings["small_step_size"], settings["large_step_sizes"]
    if not small < min(large):
        raise bad("small_step_size", "be smaller than the large ones", small)
    if len(set(settings["sizes"])) < 2:
        raise bad("sizes", "hold two different sizes", settings["sizes"][0])
    common = {
        **settings,
        "n": min(settings["sizes"]),
        "amplitudes": (settings["amplitude"],),
        "flip_rates": (settings["flip_rate"],),
        "step_sizes": (small, *large),
        "shown": (),
    }
    return logistic_grid(common, n=settings["sizes"], weight_decay=settings["weight_decays"])


class Arrival(NamedTuple):
    """When a cell has arrived: how many of its runs must have, and how far these may still move."""

    nearly_all: float
    function: float
    ratio: float

    def lacks(self, rows: Table) -> str:
        """Say that too few runs of a cell have arrived; "" if nearly all have."""
        if reason := SIZES.lacks(rows):
            return reason
        there = arrived(rows, self.function, self.ratio)[SIZES.counts(rows)]
        if fraction(there) >= self.nearly_all:
            return ""
        return f"{_of_runs(there, Says('runs', 'have', 'arrived'))}: the cell is unfinished"


def rate(
    result: Result, claimed: float, slowest: float, vanishing: float, flat: float, nearly_all: float,
    function: float, ratio: float,
) -> Finding:  # fmt: skip
    """Whether the excess risk keeps to the rate, in every cell and region where the premises hold."""
    arrival = Arrival(nearly_all, function, ratio)
    lacks = partial(missing, vanishing=vanishing, flat=flat, arrival=arrival)
    every = [(cell, rows, region) for cell, rows in cells(result.table, CELLS).items() for region in REGIONS]
    reasons = {(cell, region): lacks(rows, region) for cell, rows, region in every}
    held = sum(not reason for reason in reasons.values())
    found = {
        f"{cell}, {region}": _kept(rows, region, claimed, slowest, reasons[cell, region], held)
        for cell, rows, region in every
    }
    counted = {"slopes": len(found), "slopes for which the premises hold": held}
    why = {f"{cell}, {region}: premise that fails": why for (cell, region), why in reasons.items() if why}
    return together(found).with_numbers({**counted, **why})


def _kept(rows: Table, region: str, claimed: float, slowest: float, premise: str, at_once: int) -> Finding:
    """Decide on one slope of the excess risk; `premise` is one that does not hold, if any."""
    if premise:
        return lacking(premise)
    says = Says("the excess risk", "fall", f"at least like n^(−{claimed:g}) {REGIONS[region]}")
    values = slope(rows, f"excess_risk_{region}")
    return decide.slope(values, -claimed, says, "slope on log n", -slowest, at_once=at_once)


def missing(rows: Table, region: str, vanishing: float, flat: float, arrival: Arrival) -> str:
    """Say which premise of the theorem does not hold in a cell and region; "" if all do."""
    if reason := arrival.lacks(rows):
        return reason
    some = rows.rows(SIZES.counts(rows))
    fits, inside = some[f"optimized_{region}"] == 1, some["edge_ratio"] <= flat
    if not fraction(fits) >= arrival.nearly_all:
        return _of_runs(fits, Says("runs", "fit", "the labels as well as the truth does"))
    if not student(slope(rows, "excess_risk")).high < -vanishing:
        return "the excess risk over all inputs does not vanish"
    if fraction(inside) >= arrival.nearly_all:
        return ""
    return _of_runs(~inside, Says("runs", "have", "a λ_max larger than 2/η"))


def _of_runs(flags: NDArray[np.bool_], says: Says) -> str:
    return of_runs(int(flags.sum()), flags.size, says)


def slope(rows: Table, column: str) -> Array:
    """Slope (seeds,) of log column on log n."""
    return slopes(SIZES.values(rows, column), SIZES.working(rows))


def vanishes(result: Result, limit: float, least: float, **arrival: float) -> Finding:
    """Whether the excess risk of weight decay with the small step size falls faster than a power of n."""
    table = result.table
    small = table.rows(
        (table["step_size"] == result.settings["small_step_size"]) & (table["weight_decay"] > 0.0)
    )
    if not len(small):
        return lacking("no run has a weight decay and the small step size")
    found = ask(cells(small, CELLS), partial(slope, column="excess_risk"), Arrival(**arrival).lacks)
    says = Says("the excess risk", "fall", f"faster than n^(−{limit:g})")
    return found.missing or decide.signs(
        {cell: -limit - values for cell, values in found.values.items()},
        says, f"−{limit:g} minus the slope on log n", least,
    )  # fmt: skip


def both_beat(result: Result, alone: str, least: float, **arrival: float) -> Finding:
    """Whether decay with large steps has less excess risk than one of them alone, where runs have arrived."""
    pairs = pairs_of(result, alone)
    if not pairs:
        return lacking("no run has both a weight decay and a large step size, or none has one of them alone")
    lacks = Arrival(**arrival).lacks
    reasons = [next(filter(None, (lacks(result.table.where(**cell)) for cell in pair)), "") for pair in pairs]
    finished = [pair for pair, reason in zip(pairs, reasons, strict=True) if not reason]
    share = {"comparisons": len(pairs), "comparisons of runs that have arrived": len(finished)}
    if not finished:
        return lacking(reasons[0], share)
    words = {"decay": "weight decay alone", "step": "large steps alone"}[alone]
    says = Says("both together", "have", f"less excess risk than {words}", plural=True)
    return decide.signs(savings(result.table, finished), says, RATIO, least).with_numbers(share)


def pairs_of(result: Result, alone: str) -> Pairs:
    """Pair one cell with that of both, for every decay above 0 and every large step size."""
    small = result.settings["small_step_size"]
    decays, etas = (np.unique(result.table[name]).tolist() for name in CELLS)
    if (alone == "decay" and small not in etas) or (alone == "step" and 0.0 not in decays):
        return []
    both = [{"weight_decay": decay, "step_size": eta} for decay in decays for eta in etas]
    undo = {"step_size": small} if alone == "decay" else {"weight_decay": 0.0}
    return [
        ({**cell, **undo}, cell) for cell in both if cell["weight_decay"] > 0.0 and cell["step_size"] > small
    ]


def savings(table: Table, pairs: Pairs) -> dict[str, Array]:
    """log10 (seeds,) of the excess risk in the first cell of a pair over that in the second, by region."""
    sizes = np.unique(table["n"])
    found = {}
    for one, other in pairs:
        for region in REGIONS:
            first, second = (_logs(table, cell, f"excess_risk_{region}", sizes) for cell in (one, other))
            name = ", ".join(text.format(other[key]) for key, text in CELLS.items())
            found[f"{name}, {region}"] = _mean_of_known(first - second)
    return found


def _logs(table: Table, cell: Mapping[str, float], column: str, sizes: Array) -> Array:
    """log10 (seeds, sizes) of a column in a cell, over the seeds of the whole table."""
    seeds, rows = np.unique(table["seed"]), table.where(**cell)
    out = np.full((seeds.size, sizes.size), np.nan)
    if len(rows):
        with np.errstate(divide="ignore", invalid="ignore"):
            there = np.log10(SIZES.values(rows, column, sizes))
        out[np.searchsorted(seeds, np.unique(rows["seed"]))] = np.where(np.isfinite(there), there, np.nan)
    return out


def _mean_of_known(values: Array) -> Array:
    known = np.isfinite(values)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.where(known.any(axis=1), sums / np.maximum(known.sum(axis=1), 1), np.nan)


def numbers(result: Result) -> Table:
    """Return for every cell how much decay and step size can do, and where its runs end."""
    rows = []
    for cell, every in cells(result.table, CELLS).items():
        some = every.rows(SIZES.counts(every))
        if not len(some):
            continue
        largest = some.where(n=some["n"].max())
        rows.append({
            "cell": cell,
            "decay × Σ η": float(some["weight_decay"][0]) * median(some["time"]),
            "λ_max·η/2, median": median(some["edge_ratio"]),
            "share at the edge": fraction(on_line(some)),
            "share that starts beyond it": fraction(started_beyond(some)),
            "f moved in the last half, median": median(some["function_moved"]),
            "λ_max·η/2 moved, median": median(some["edge_moved"]),
            "norm, slope on log n, median": median(slope(every, "norm")),
            "norm at the largest n, median": median(largest["norm"]),
            **{f"fits, {region}": fraction(some[f"optimized_{region}"] == 1) for region in REGIONS},
            **{f"excess risk at the largest n, {region}, median": median(largest[f"excess_risk_{region}"])
               for region in REGIONS},
        })  # fmt: skip
    return Table.from_records(rows)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the excess risk and the premises against n."""
    from stepscape.experiments.logistic import weak_to_strong_figures as figures

    still = (_ARRIVED["function"], _ARRIVED["ratio"])
    return {
        "excess": figures.excess(result.table, still, NEARLY_ALL),
        "premises": figures.premises(result.table),
    }


_QUICK: dict[str, Any] = {
    "truth": "tent",
    "sizes": (32, 64, 128),
    "amplitude": 4.0,
    "flip_rate": 0.0,
    "half_width": 1.0,
    "width": 400,
    "init": "torch",
    "scale": 1.0,
    "weight_decays": (0.0, 1e-2),
    "small_step_size": 0.1,
    "large_step_sizes": (1.2,),
    "steps": 3000,
    "seeds": 4,
    "first_seed": 0,
    "records": 5,
}
_ARRIVED = {"nearly_all": NEARLY_ALL, "function": 0.05, "ratio": 0.05}
_ARRIVAL = (
    "A cell has arrived if in {nearly_all:.0%} of its runs f moved by at most {function:.0%} of its root "
    "mean square, and λ_max·η/2 by at most {ratio:g}, in the last half of the steps; another is unfinished "
    "and compares with nothing. "
)
_CELLS = (
    "Every cell and the mean over the cells have simultaneous intervals: yes if the mean lies above 0 and no "
    "cell below, no if the mean excludes {least:g} or more."
)
_BEATS = (
    "The value is log10 of the excess risk with {} over that with both, averaged over the numbers of "
    "examples and paired by seed, for each decay above 0, each large step size and both regions. "
)

CLAIM = Claim(
    name="weak-to-strong",
    title="From weak to strong: weight decay, large steps, or both, as the sample grows",
    claim=(
        "Weak generalization, which weight decay gives (‖θ‖ = o(n), an excess risk that vanishes however "
        "slowly), is amplified by large step sizes: where the truth is uncertain, a network that is flat "
        "and fits as well as the truth has an excess risk of order n^(−2/5) up to logarithms."
    ),
    kind="one-sided rate",
    source=(
        "Qiao and Wang (2025), Theorem 3.7; Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, "
        "'Weak-generalization by weight decay'"
    ),
    setup=(
        "The logit f0 is four times the tent: −2 at the sides, 6 at its tip. The hull of the inputs where "
        "|f0| ≤ 1 is |x| ≤ 0.44, where the weight of the theorem is not small; the interior is judged, too. "
        "Width 400 and the default initialization are used, and everything but the output bias decays. The "
        "small step size 0.1 starts inside the edge. Runs are judged once they have arrived."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "sizes": (64, 128, 256, 512, 1024),
        "weight_decays": (0.0, 3e-4, 1e-3),
        "steps": 100_000,
        "seeds": 20,
        "first_seed": 100,
        "records": 7,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "rate",
            "The excess risk falls at least like n^(−2/5)",
            _ARRIVAL
            + "The rate is judged in each cell of decay and step size, and in each region (the hull of the "
            "inputs with |f0| ≤ 1, and the interior), if the premises hold: the cell has arrived, "
            "{nearly_all:.0%} of its runs fit the labels of the region as well as the truth, the interval of "
            "the slope of the log excess risk over all inputs on log n lies below −{vanishing:g}, and λ_max "
            "is at most {flat:g}·2/η in {nearly_all:.0%} of the runs. The slope of the region's log excess "
            "risk on log n, seed by seed, contradicts the rate if its interval lies above −{claimed:g}, and "
            "is consistent with it if it lies below −{slowest:g}; a wider interval has no power and decides "
            "nothing. Intervals are simultaneous over the slopes that are judged.",
            rate,
            {"claimed": 0.4, "slowest": 0.3, "vanishing": 0.2, "flat": EDGE[1], **_ARRIVED},
            primary=True,
            reads=("optimized_uncertain", "optimized_interior"),
        ),
        Part(
            "vanishing",
            "With weight decay alone the excess risk vanishes",
            _ARRIVAL
            + "The slope of the log excess risk over all inputs on log n, with decay and the small step "
            "size, lies below −{limit:g}, half the exponent of the rate; the value is −{limit:g} minus the "
            "slope. " + _CELLS,
            vanishes,
            {"limit": 0.2, "least": 0.05, **_ARRIVED},
            kind="figure",
            reads=("excess_risk",),
        ),
        Part(
            "both_beat_decay_only",
            "Both together beat weight decay alone",
            _ARRIVAL + _BEATS.format("decay and the small step size") + _CELLS,
            partial(both_beat, alone="decay"),
            {"least": 0.05, **_ARRIVED},
            kind="figure",
            reads=("excess_risk_uncertain",),
        ),
        Part(
            "both_beat_step_only",
            "Both together beat large steps alone",
            _ARRIVAL + _BEATS.format("the large step size and no decay") + _CELLS,
            partial(both_beat, alone="step"),
            {"least": 0.05, **_ARRIVED},
            kind="figure",
            reads=("excess_risk_uncertain",),
        ),
    ),
    draw=draw,
    premises={
        "function_moved": "f no longer moves in the last half of the steps",
        "edge_moved": "λ_max·η/2 no longer moves in the last half of the steps",
        "optimized_uncertain": (
            "the network fits the labels between the outermost inputs with |f0| ≤ 1 at least as well as the "
            "truth does"
        ),
        "optimized_interior": (
            "the network fits the labels of the interior at least as well as the truth does"
        ),
        "edge_ratio": (
            "λ_max·η/2 over the last half is at most 1.1, or the function is not flat; it is near 1 if the "
            "step size shaped it"
        ),
        "norm": (
            "‖θ‖ = o(n), which a fixed decay λ cannot fail: ½λ‖θ‖² stays below the loss of the start and its "
            "penalty"
        ),
        "bent_neurons": "some neurons bend among the data",
    },
    numbers=numbers,
)
