"""From weak to strong generalization: weight decay, large steps, or both, as the sample grows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

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
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import EDGE, NEARLY_ALL
from stepscape.experiments.logistic.edge import on_line, started_beyond
from stepscape.experiments.logistic.runs import LogisticRun, begin, work
from stepscape.experiments.logistic.runs import grid as logistic_grid
from stepscape.experiments.logistic.sample_sizes import (
    CELLS,
    REGIONS,
    SIZES,
    Arrival,
    pairs_of,
    said_of,
    savings,
    slope,
)
from stepscape.tables.records import Table

RATIO = "log10 of a ratio, mean over the numbers of examples"


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


def rate(
    result: Result, claimed: float, logarithms: float, slowest: float, vanishing: float, flat: float,
    **arrived: float,
) -> Finding:  # fmt: skip
    """Whether the excess risk keeps to the rate, in every cell and region where the premises hold."""
    arrival = Arrival(**arrived)
    lacks = partial(missing, vanishing=vanishing, flat=flat, arrival=arrival)
    every = [(cell, rows, region) for cell, rows in cells(result.table, CELLS).items() for region in REGIONS]
    reasons = {(cell, region): lacks(rows, region) for cell, rows, region in every}
    held = sum(not reason for reason in reasons.values())
    found = {
        f"{cell}, {region}": lacking(reasons[cell, region])
        if reasons[cell, region]
        else _kept(arrival.finished(rows), region, claimed, logarithms, slowest, held)
        for cell, rows, region in every
    }
    counted = {"slopes": len(found), "slopes for which the premises hold": held}
    why = {f"{cell}, {region}: premise that fails": why for (cell, region), why in reasons.items() if why}
    return together(found).with_numbers({**counted, **why})


def _kept(
    rows: Table, region: str, claimed: float, logarithms: float, slowest: float, at_once: int
) -> Finding:
    """Decide on one slope of the excess risk.

    (log n)^q n^(−a) has the slope −a + q/ln n at n, hence over a range at most that at its smallest n.
    """
    shallowest = -claimed + logarithms / float(np.log(SIZES.working(rows)[0]))
    says = Says("the excess risk", "fall", f"at least like n^(−{claimed:g}) {REGIONS[region]}")
    values = slope(rows, f"excess_risk_{region}")
    return decide.slope(
        values, -claimed, says, "slope on log n", -slowest, at_once=at_once, beyond=shallowest
    )


def missing(rows: Table, region: str, vanishing: float, flat: float, arrival: Arrival) -> str:
    """Say which premise of the theorem does not hold in a cell and region; "" if all do."""
    if reason := arrival.lacks(rows):
        return reason
    rows = arrival.finished(rows)
    some = rows.rows(SIZES.counts(rows))
    fits, inside = some[f"optimized_{region}"] == 1, some["edge_ratio"] <= flat
    if not fraction(fits) >= arrival.nearly_all:
        return said_of(fits, Says("runs", "fit", "the labels as well as the truth does"))
    if not student(slope(rows, "excess_risk")).high < -vanishing:
        return "the excess risk over all inputs does not vanish"
    if fraction(inside) >= arrival.nearly_all:
        return ""
    return said_of(~inside, Says("runs", "have", "a λ_max larger than 2/η"))


def vanishes(result: Result, limit: float, least: float, **arrival: float) -> Finding:
    """Whether the excess risk of weight decay with the small step size falls faster than a power of n."""
    table = result.table
    small = table.rows(
        (table["step_size"] == result.settings["small_step_size"]) & (table["weight_decay"] > 0.0)
    )
    if not len(small):
        return lacking("no run has a weight decay and the small step size")
    still = Arrival(**arrival)
    found = ask(cells(small, CELLS), lambda rows: slope(still.finished(rows), "excess_risk"), still.lacks)
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
    still = Arrival(**arrival)
    reasons = [
        next(filter(None, (still.lacks(result.table.where(**cell)) for cell in pair)), "") for pair in pairs
    ]
    finished = [pair for pair, reason in zip(pairs, reasons, strict=True) if not reason]
    share = {"comparisons": len(pairs), "comparisons of runs that have arrived": len(finished)}
    if not finished:
        return lacking(reasons[0], share)
    words = {"decay": "weight decay alone", "step": "large steps alone"}[alone]
    says = Says("both together", "have", f"less excess risk than {words}", plural=True)
    saved = savings(still.finished(result.table), finished)
    return decide.signs(saved, says, RATIO, least).with_numbers(share)


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
    "A run has arrived if f moved by at most {function:.0%} of its root mean square, and λ_max·η/2 by at "
    "most {ratio:g}, in the last half of the steps; another is unfinished and compares with nothing. A cell "
    "is judged if {nearly_all:.0%} of its runs have arrived at every n. "
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
            "risk on log n, seed by seed, contradicts the rate if its interval lies above −{claimed:g} + "
            "{logarithms:g}/ln n at the smallest n, the slope of n^(−{claimed:g}) ln n to the power "
            "{logarithms:g} there, because the theorem leaves logarithms open; it is consistent with the "
            "rate if it lies below −{slowest:g}; another interval decides nothing. Intervals are "
            "simultaneous over the slopes that are judged.",
            rate,
            {
                "claimed": 0.4,
                "logarithms": 1.0,
                "slowest": 0.3,
                "vanishing": 0.2,
                "flat": EDGE[1],
                **_ARRIVED,
            },
            primary=True,
            reads=("optimized_uncertain", "optimized_interior"),
        ),
        Part(
            "vanishing",
            "With weight decay alone the excess risk falls faster than n^(−0.2)",
            _ARRIVAL
            + "The slope of the log excess risk over all inputs on log n, with decay and the small step "
            "size, lies below −{limit:g}, half the exponent of the rate; the value is −{limit:g} minus the "
            "slope. A slower fall may vanish in the limit, too, which no slope shows. " + _CELLS,
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
