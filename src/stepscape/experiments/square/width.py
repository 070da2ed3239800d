"""What of a solution depends on the number of neurons, at a fixed step size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, Settings, decide, together
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import FEWEST_BENT, LEAST_BENT
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import counted, listed
from stepscape.experiments.square.arrival import arrived
from stepscape.experiments.square.family import Array
from stepscape.experiments.square.runs import FULL, QUICK, StepSizeRun, begin, grid, work
from stepscape.tables.records import Table

WIDTHS = Levels(
    "width", "widths", "k", alive="bent_neurons", lives="learns a curve",
    dies="all neurons die, or nearly all,", fewest=FEWEST_BENT, of_width=LEAST_BENT, arrives=arrived,
)  # fmt: skip
FROM = 100  # neurons: below, the width itself limits the curve
WITHIN = 0.05  # decades of a quantity for each decade of width: 12 %
BASE = {key: value for key, value in QUICK.items() if key != "width"}
COLUMNS = ("weighted_tv", "pieces", "risk", "risk_grid", "risk_interior_grid", "loss", "edge_ratio",
           "sharpness", "bent_neurons", "dead_neurons", "carriers", "initial_scale")  # fmt: skip
WHERE = (
    " It is asked on every range and at every step size, at the widths at which most runs finish with "
    "neurons that bend among the data and have arrived; three or more, over a factor of ten, must be there. "
    "Intervals are simultaneous. A yes needs all of these settings and widths, one no beside a yes makes it "
    "depend on the setting, and so does a width asked about at which runs do not work."
)


def every_width(settings: Settings) -> list[StepSizeRun]:
    """Every width, range, arm, seed and step size; each step size is a grid of its own."""
    return [
        run
        for width in sorted(settings["widths"])
        for eta in sorted(settings["step_sizes"])
        for run in grid({**settings, "width": int(width), "step_sizes": (eta,)})
    ]


def by_setting(table: Table) -> dict[str, Table]:
    """Rows of every range and step size."""
    return cells(table, {"half_width": "[−{0:g}, {0:g}]", "step_size": "η = {:g}"})


def exponents(rows: Table, column: str, least: float) -> Array:
    """Slope of the logarithm of a column on that of the width, from a width on, by seed."""
    widths = WIDTHS.working(rows)
    widths = widths[widths >= least]
    # Equal values have the slope 0 up to rounding.
    return np.round(slopes(WIDTHS.values(rows, column, widths), widths), 12)


def lost_widths(rows: Table, least: float) -> str:
    """Say at which widths from `least` on most runs do not work; "" if they do at all."""
    widths = np.unique(rows["width"][rows["width"] >= least])
    lost = widths[~np.isin(widths, WIDTHS.working(rows))]
    return f"k = {listed(lost)}" if lost.size else ""


def lacks_wide(rows: Table, least: float) -> str:
    """Say that runs work at too few widths from `least` on; "" if they do not."""
    return WIDTHS.lacks(rows.rows(rows["width"] >= least))


def lacks_narrow(rows: Table, narrowest: float) -> str:
    """Say that runs work at too few widths, or at no narrow one; "" if they do."""
    if reason := WIDTHS.lacks(rows):
        return reason
    smallest = WIDTHS.working(rows)[0]
    return "" if smallest <= narrowest else f"no network of {narrowest:g} neurons or fewer learns a curve"


def in_every_setting(
    result: Result,
    contrast: Callable[[Table], Array],
    lacks: Callable[[Table], str],
    judge: Callable[..., Finding],
    least: float,
) -> Finding:
    """Ask in every range and at every step size whose rows lack nothing; intervals are simultaneous.

    A width from `least` on at which runs do not work is named, and leaves a yes open.
    """
    settings = by_setting(result.table)
    found = ask(settings, contrast, lacks)
    if found.missing is not None:
        return found.missing
    answers = {name: judge(values, at_once=len(found.values)) for name, values in found.values.items()}
    few = f"runs work at too few widths in {counted(len(found.left_out), 'other setting')}"
    widths = {lost_widths(settings[name], least): None for name in answers}
    lost = f"left out, because most runs do not work there: {'; '.join(filter(None, widths))}"
    whole = in_part(together(answers, named=len(answers) > 1), lost if any(widths) else "")
    return in_part(whole, few if found.left_out else "")


def does_not_depend(result: Result, column: str, words: str, least: float, within: float) -> Finding:
    """Whether a column changes by less than a factor for each decade of the width."""
    judge = partial(
        decide.equivalent, within=within, says=Says(words, "be", "the same at every width"),
        what="exponent of the width",
    )  # fmt: skip
    contrast = partial(exponents, column=column, least=least)
    return in_every_setting(result, contrast, partial(lacks_wide, least=least), judge, least)


def narrow(rows: Table) -> Array:
    """log10 of the training loss at the smallest width over that at the largest, by seed."""
    ends = np.maximum(WIDTHS.at_ends(rows, "loss"), 1e-300)
    return np.asarray(np.log10(ends[:, 0] / ends[:, 1]))


def narrow_is_worse(result: Result, narrowest: float, counts: float) -> Finding:
    """Whether the narrowest networks are left with more training loss than the widest."""
    judge = partial(
        decide.sign, says=Says("the narrowest networks", "leave", "more training loss than the widest", True),
        what="decades of loss, narrowest over widest", least=counts,
    )  # fmt: skip
    lacks, wider = partial(lacks_narrow, narrowest=narrowest), narrowest + 1
    return in_every_setting(result, narrow, lacks, judge, wider)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw what is measured against the width, and curves of one sample at three widths."""
    from stepscape.experiments.square import width_figures as figures

    return {"measures": figures.measures(result), "curves": figures.curves(result)}


def _same(name: str, words: str, column: str, what: str, **more: Any) -> Part:
    rule = (
        f"The exponent of {what} as a power of the width, from {{least:g}} neurons on, lies within "
        "±{within:g}: less than that many decades for each decade of width. No if it lies outside."
    )
    judge = partial(does_not_depend, column=column, words=what)
    return Part(name, words, rule + WHERE, judge, {"least": FROM, "within": WITHIN}, by="arm", **more)


CLAIM = Claim(
    name="width",
    title="Regardless how overparameterized: the same curve from 100 neurons to 10 000",
    claim=(
        "Few neurons are active, and flat solutions are simple and generalize, regardless how "
        "overparameterized the network is: at a fixed step size the width does not matter."
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', '(regardless how overparameterized it is)'"
    ),
    setup=(
        "The runs are those of risk-vs-step-size, each step size a grid of its own, with 10 to 10 000 "
        "neurons on the same labels. The large start is the same function in law at every width; the small "
        "one is scaled to the same initial sharpness; the sharpness of the default one grows with the "
        "width. An exponent of 0.05 is 12 % for ten times as many neurons."
    ),
    quick={
        **BASE,
        "widths": (10, 30, 100, 300, 1000),
        "step_sizes": (0.4,),
        "half_widths": (3.0,),
        "arms": ("small_init", "warm_up"),
    },
    full={
        **BASE,
        "widths": (10, 30, 100, 300, 1000, 3000, 10_000),
        "step_sizes": (0.05, 0.4),
        "arms": QUICK["arms"],
        **{name: FULL[name] for name in ("seeds", "first_seed")},
        "steps": 30_000,
        "records": 4,
    },
    grid=every_width,
    begin=begin,
    work=work,
    parts=(
        _same(
            "weighted_tv",
            "Is the weighted variation the same at every width?",
            "weighted_tv",
            "the weighted variation ∫|f''|g",
            primary=True,
        ),
        _same("pieces", "Is the number of pieces the same at every width?", "pieces", "the number of pieces"),
        _same("risk", "Is the risk the same at every width?", "risk_grid", "the risk on a grid"),
        _same("sharpness", "Is the sharpness the same at every width?", "sharpness", "the sharpness"),
        _same(
            "carriers",
            "Does the number of neurons that carry the bends stay the same?",
            "carriers",
            "the number of neurons that hold 90 % of the bends",
        ),
        Part(
            "narrow",
            "Do narrow networks fit the labels worse?",
            "log10 of the training loss at the smallest working width, which must be at most "
            "{narrowest:g}, over that at the largest; {counts:g} decades count." + WHERE,
            narrow_is_worse,
            {"narrowest": 30, "counts": 0.05},
            by="arm",
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: dead networks are equal at every width",
        "edge_reached": "the sharpness reached 2/η, so that the step size shaped the curve",
        "initial_sharpness": "the start is below 2/η: otherwise a catapult decides which neurons remain",
    },
    numbers=lambda result: medians(
        result.table, ("half_width", "step_size", "arm", "width"), COLUMNS, ("edge_reached",), WIDTHS.counts
    ),
    by="arm",
    names=ARM_NAMES,
)
