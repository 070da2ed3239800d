"""The label noise at which large step sizes stop helping."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from stepscape.experiments.common.moments import COMPARED
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, together
from stepscape.experiments.frame.contrasts import Array
from stepscape.experiments.frame.intervals import Interval
from stepscape.experiments.frame.levels import median
from stepscape.experiments.logistic.cells import WHEN, asked, pooled, saved, signs
from stepscape.experiments.logistic.edge import PREMISES
from stepscape.experiments.logistic.runs import FULL, QUICK, begin, grid, work
from stepscape.experiments.logistic.uncertain_regions import is_empty
from stepscape.tables.records import Table

RATES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)
RATIO = "log10 of a ratio, smaller over largest step size"
COLUMN = "excess_risk_interior"


def helps(result: Result, suffix: str, rates: int, least: float) -> Finding:
    """Whether the largest step size has less excess risk than each smaller one, at one flip rate."""
    *smaller, largest = np.unique(result.table["step_size"]).tolist()
    found = {
        f"η = {eta:g}": signs(
            result.table, partial(saved, column=f"{COLUMN}{suffix}", ends=(eta, largest)),
            Says("the largest step size", "have", f"less excess risk than η = {eta:g} {WHEN[suffix]}"),
            RATIO, least, rates * len(smaller), partial(lacks, etas=(eta, largest)),
        )
        for eta in smaller
    }  # fmt: skip
    return together(found, named=False)


def lacks(rows: Table, etas: tuple[float, ...]) -> str:
    """Say that descent learns a curve in too few of the runs at some of these step sizes."""
    works = np.isin(etas, STEP_SIZES.working(rows)).all()
    return "" if works else f"runs work at too few step sizes: {STEP_SIZES.fates(rows)}"


def overlaps(result: Result, level: float, rates: int, least: float) -> Finding:
    """Whether the regions overlap by more than a level at the largest step size, at one flip rate."""
    largest = float(result.table["step_size"].max())
    says = Says("the overlap at the largest step size", "be", f"above {level:g}")
    return signs(
        result.table, partial(_beyond, eta=largest, level=level), says, f"overlap minus {level:g}", least,
        rates, partial(_lacks_overlap, eta=largest),
    )  # fmt: skip


def _beyond(rows: Table, eta: float, level: float) -> Array:
    return np.asarray(STEP_SIZES.values(rows, "uncertain_overlap", [eta])[:, 0] - level)


def _lacks_overlap(rows: Table, eta: float) -> str:
    return lacks(rows, (eta,)) or ("the truth is uncertain at every input" if is_empty(rows) else "")


def benefits(result: Result, suffix: str) -> dict[str, dict[float, Interval]]:
    """Comparison → flip rate → the interval that the rule reads: what the largest step size saves."""
    *smaller, largest = np.unique(result.table["step_size"]).tolist()
    at_once = len(RATES) * len(smaller)
    found: dict[str, dict[float, Interval]] = {}
    for eta, rate in product(smaller, np.unique(result.table["flip_rate"]).tolist()):
        rows, ends = result.table.where(flip_rate=rate), (eta, largest)
        each = asked(rows, partial(saved, column=f"{COLUMN}{suffix}", ends=ends), partial(lacks, etas=ends))
        if each.values:
            found.setdefault(f"{eta:g} against {largest:g}", {})[rate] = pooled(each, at_once)
    return found


def numbers(result: Result) -> Table:
    """Return excess risks, largest logits, overlaps and steps at every flip rate, step size and moment."""
    table = result.table.rows(STEP_SIZES.counts(result.table))
    places = product(*(np.unique(table[name]).tolist() for name in ("flip_rate", "step_size")))
    rows = [
        {"flip rate": rate, "step size": eta, "moment": moment.words, **_medians(some, suffix)}
        for rate, eta in places
        for some in [table.where(flip_rate=rate, step_size=eta)]
        for suffix, moment in COMPARED.items()
    ]
    return Table.from_records(rows)


def _medians(rows: Table, suffix: str) -> dict[str, float]:
    columns = ("excess_risk_interior", "excess_risk", "largest_logit", "uncertain_overlap", "steps")
    return {f"{column}, median": median(rows[f"{column}{suffix}"]) for column in columns}


def draw(result: Result) -> dict[str, Drawn]:
    """Excess risk and overlap against the flip rate, and the intervals that the rule reads."""
    from stepscape.experiments.logistic import noise_robustness_figures as figures

    saved_at = {
        suffix: benefits(result, suffix) for suffix in COMPARED if f"{COLUMN}{suffix}" in result.table
    }
    return {"excess": figures.excess(result.table, saved_at), "overlap": figures.overlap(result.table)}


_RULE = (
    "The value is log10 of the excess risk in the interior at each smaller step size over that at the "
    "largest, {}, paired by seed: yes at a flip rate if the interval lies above 0 for every smaller step "
    "size, no if it does so for none of them and excludes {{least:g}} or more for one. Intervals are "
    "simultaneous over {{rates:d}} flip rates and all comparisons."
)
_BY_RATE: dict[str, Any] = {"by": "flip_rate", "reads": (COLUMN,)}


def _part(name: str, title: str, when: str, suffix: str, primary: bool = False) -> Part:
    constants = {"rates": len(RATES), "least": 0.05}
    return Part(
        name, title, _RULE.format(when), partial(helps, suffix=suffix), constants, primary=primary, **_BY_RATE
    )


CLAIM = Claim(
    name="noise-robustness",
    title="Label noise at which large step sizes stop helping",
    claim=(
        "Large step sizes amplify the weak generalization of a bounded norm to small excess risk; with "
        "enough label noise this amplification breaks."
    ),
    kind="open question",
    source="Qiao and Wang (2025), next check 3 of the tutorial's summary; no level is stated there",
    setup=(
        "The paper does not say what breaking means; here large steps help at a flip rate or do not. The "
        "setup is that of logistic-step-sizes at amplitude 2, with more flip rates, seeds and steps (100 "
        "000). The smallest step size stays far from the edge, so that its run in effect stops early; a "
        "middle one, which reaches it, is compared, too. At a flip rate of 0.2 or more the truth is "
        "uncertain at every input."
    ),
    quick={**QUICK, "flip_rates": (0.0, 0.2, 0.4), "step_sizes": (0.01, 0.1, 1.2), "steps": 1500},
    full={
        **FULL,
        "flip_rates": RATES,
        "step_sizes": (0.01, 0.1, 1.2),
        "steps": 100_000,
        "seeds": 20,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "stopped_early",
            "Large steps help when stopped early",
            "with every run stopped at its best held-out moment",
            "_held_out",
            True,
        ),
        _part("at_the_end", "Large steps help in the end", "at the end of training", ""),
        _part("at_equal_time", "Large steps help at equal time", "at equal time Σ η", "_equal_time"),
        Part(
            "overlap",
            "The uncertain regions of network and truth overlap",
            "At the largest step size and the end of training, the overlap (intersection over union) of the "
            "inputs with |f| ≤ 1 and with |f0| ≤ 1 is above {level:g}, if the truth is certain somewhere: "
            "yes at a flip rate if the interval lies above {level:g}, no if it excludes {least:g} more. "
            "Intervals are simultaneous over {rates:d} flip rates.",
            overlaps,
            {"level": 0.5, "rates": len(RATES), "least": 0.1},
            by="flip_rate",
            reads=("uncertain_overlap",),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data",
        **PREMISES,
        "optimized_interior": (
            "the network fits the labels of the interior at least as well as the truth does"
        ),
    },
    numbers=numbers,
    names={str(rate): f"{100 * rate:g} % flips" for rate in RATES},
)
