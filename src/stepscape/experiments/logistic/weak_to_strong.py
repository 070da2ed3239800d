"""From weak to strong generalization: weight decay, large steps, or both, as the sample grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from stepscape.experiments.frame.contrasts import Array, slopes
from stepscape.experiments.frame.intervals import student
from stepscape.experiments.frame.levels import Levels, fraction, median
from stepscape.experiments.frame.limits import EDGE, LEAST_SPAN, LEAST_VALUES, NEARLY_ALL
from stepscape.experiments.frame.sentences import number
from stepscape.experiments.logistic.cells import WHEN
from stepscape.experiments.logistic.edge import on_line, started_beyond
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


def rate(result: Result, claimed: float, vanishing: float, flat: float, nearly_all: float) -> Finding:
    """Whether the excess risk keeps to the rate, in every cell and region where the premises hold."""
    found = {
        f"{cell}, {region}": _kept(rows, region, claimed, missing(rows, region, vanishing, flat, nearly_all))
        for cell, rows in cells(result.table, CELLS).items()
        for region in REGIONS
    }
    held = sum(each.answer != "premise_not_met" for each in found.values())
    counted = {"slopes": len(found), "slopes for which the premises hold": held}
    return together(found).with_numbers(counted)


def _kept(rows: Table, region: str, claimed: float, premise: str) -> Finding:
    """Decide on one slope of the excess risk; `premise` is one that does not hold, if any."""
    if premise:
        return lacking(premise)
    says = Says("the slope", "be", f"negative and compatible with the claim {REGIONS[region]}")
    return decide.slope(slope(rows, f"excess_risk_{region}"), -claimed, says, "slope on log n")


def missing(rows: Table, region: str, vanishing: float, flat: float, nearly_all: float) -> str:
    """Say which premise of the theorem does not hold in a cell and region; "" if all do."""
    if reason := SIZES.lacks(rows):
        return reason
    some = rows.rows(SIZES.counts(rows))
    fits, inside = fraction(some[f"optimized_{region}"] == 1), fraction(some["edge_ratio"] <= flat)
    if not fits >= nearly_all:
        return "too few runs fit the labels as well as the truth does"
    if not student(slope(rows, "excess_risk")).high < -vanishing:
        return "the excess risk over all inputs does not vanish"
    return "" if inside >= nearly_all else "in too many runs λ_max is larger than 2/η"


def slope(rows: Table, column: str) -> Array:
    """Slope (seeds,) of log column on log n."""
    return slopes(SIZES.values(rows, column), SIZES.working(rows))


def vanishes(result: Result, limit: float, least: float) -> Finding:
    """Whether the excess risk falls faster than a power of n, in every cell of decay and step size."""
    return below(
        result.table,
        "excess_risk",
        {-limit: Says("the excess risk", "fall", f"faster than n^(−{limit:g})")},
        least,
    )


def norm(result: Result, linear: float, quarter: float, least: float) -> Finding:
    """Whether the norm grows more slowly than two powers of n, in every cell of decay and step size."""
    grows = {
        power: Says("the norm", "grow", f"more slowly than n^{power:g}".removesuffix("^1"))
        for power in (linear, quarter)
    }
    return below(result.table, "norm", grows, least)


def below(table: Table, column: str, powers: Mapping[float, Says], least: float) -> Finding:
    """Whether the slope of a column on log n lies below each of some powers."""
    asked = ask(cells(table, CELLS), partial(slope, column=column), SIZES.lacks)
    if asked.missing:
        return asked.missing
    found = {
        f"n^{power:g}": decide.signs(
            {cell: power - values for cell, values in asked.values.items()},
            says, f"{number(power, 2)} minus the slope on log n", least, at_once=len(powers),
        )
        for power, says in powers.items()
    }  # fmt: skip
    medians = {f"{cell}: slope, median": median(values) for cell, values in asked.values.items()}
    return together(found, named=False).with_numbers(medians)


def both_beat(result: Result, alone: str, least: float) -> Finding:
    """Whether decay with large steps has less excess risk than one of them alone, at three moments."""
    pairs = pairs_of(result, alone)
    if not pairs:
        return lacking("no run has both a weight decay and a large step size, or none has one of them alone")
    words = {"decay": "weight decay alone", "step": "large steps alone"}[alone]
    found = {}
    for suffix, when in WHEN.items():
        says = Says("both together", "have", f"less excess risk than {words} {when}", plural=True)
        values = savings(result.table, pairs, suffix)
        found[when] = decide.signs(values, says, RATIO, least, at_once=len(WHEN))
    return together(found, named=False)


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


def savings(table: Table, pairs: Pairs, suffix: str) -> dict[str, Array]:
    """log10 (seeds,) of the excess risk in the first cell of a pair over that in the second, by region."""
    sizes = np.unique(table["n"])
    found = {}
    for one, other in pairs:
        for region in REGIONS:
            column = f"excess_risk_{region}{suffix}"
            first, second = (_logs(table, cell, column, sizes) for cell in (one, other))
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
            "share that is best at its last record": fraction(some["steps_held_out"] == some["steps_made"]),
            "norm at the largest n, median": median(largest["norm"]),
            **{f"fits, {region}": fraction(some[f"optimized_{region}"] == 1) for region in REGIONS},
            **{f"excess risk at the largest n, {region}, median": median(largest[f"excess_risk_{region}"])
               for region in REGIONS},
        })  # fmt: skip
    return Table.from_records(rows)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw excess risk, ‖θ‖ and the premises against n, for every decay and step size."""
    from stepscape.experiments.logistic import weak_to_strong_figures as figures

    return {
        "excess": figures.excess(result.table),
        "norm": figures.norm(result.table),
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
    "weight_decays": (0.0, 1e-3),
    "small_step_size": 0.01,
    "large_step_sizes": (1.2,),
    "steps": 500,
    "seeds": 3,
    "first_seed": 0,
    "records": 5,
}
_CELLS = (
    "Every cell and the mean over the cells have simultaneous intervals: yes if the mean lies below the "
    "limit and no cell above, no if the mean excludes a slope lower by "
)
_BEATS = (
    "The value is log10 of the excess risk with {} over that with both, averaged over the numbers of "
    "examples and paired by seed, for each decay above 0, each large step size and both regions: at the end "
    "of training, at equal time, and with every run stopped at its best held-out moment. "
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
        "Width 400, the default initialization and 20 000 steps are used, and everything but the output "
        "bias decays. The small step size 0.01 stays far from the edge, so that it in effect stops early."
    ),
    quick=_QUICK,
    full={
        **_QUICK,
        "sizes": (32, 64, 128, 256, 512, 1024),
        "weight_decays": (0.0, 1e-4, 1e-3, 1e-2),
        "large_step_sizes": (0.4, 1.2),
        "steps": 20_000,
        "seeds": 10,
        "records": 7,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "rate",
            "The excess risk falls at least like n^(−2/5)",
            "The rate is judged in each cell of decay and step size, and in each region (the hull of the "
            "inputs with |f0| ≤ 1, and the interior), if the premises hold: {nearly_all:.0%} of the runs "
            "fit the labels of the region as well as the truth, the interval of the slope of the log excess "
            "risk over all inputs on log n lies below −{vanishing:g}, and λ_max is at most {flat:g}·2/η in "
            "{nearly_all:.0%} of the runs. The slope of the region's log excess risk on log n, seed by "
            "seed, contradicts the rate if its interval lies above −{claimed:g}, and is consistent with it "
            "if it does not and lies below 0.",
            rate,
            {"claimed": 0.4, "vanishing": 0.2, "flat": EDGE[1], "nearly_all": NEARLY_ALL},
            primary=True,
            reads=("optimized_uncertain", "optimized_interior"),
        ),
        Part(
            "vanishing",
            "The excess risk vanishes",
            "The slope of the log excess risk over all inputs on log n lies below −{limit:g}, half the "
            "exponent of the rate, which is a fall by half from 32 to 1024 examples. "
            + _CELLS
            + "{least:g} or more.",
            vanishes,
            {"limit": 0.2, "least": 0.05},
            kind="figure",
            reads=("excess_risk",),
        ),
        Part(
            "norm",
            "The norm grows more slowly than n, and than its fourth root",
            "The slope of log ‖θ‖ on log n lies below {linear:g}, and below {quarter:g}, under which a "
            "network provably generalizes by its norm alone. " + _CELLS + "{least:g} or more.",
            norm,
            {"linear": 1.0, "quarter": 0.25, "least": 0.05},
            kind="figure",
            reads=("norm",),
        ),
        Part(
            "both_beat_decay_only",
            "Both together beat weight decay alone",
            _BEATS.format("decay and the small step size")
            + "Intervals are simultaneous; no when they exclude {least:g} or more.",
            partial(both_beat, alone="decay"),
            {"least": 0.05},
            kind="figure",
            reads=("excess_risk_uncertain",),
        ),
        Part(
            "both_beat_step_only",
            "Both together beat large steps alone",
            _BEATS.format("the large step size and no decay")
            + "Intervals are simultaneous; no when they exclude {least:g} or more.",
            partial(both_beat, alone="step"),
            {"least": 0.05},
            kind="figure",
            reads=("excess_risk_uncertain",),
        ),
    ),
    draw=draw,
    premises={
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
        "bent_neurons": "some neurons bend among the data",
    },
    numbers=numbers,
)
