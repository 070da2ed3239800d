"""The curvature of one example against its margin: whether it gets sharper, then flatter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.confidence.curvature_runs import ARMS, FULL, QUICK, begin, grid, work
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
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import of_runs, sentence
from stepscape.tables.records import Table

Mask = NDArray[np.bool_]
LEAST_PEAK = 0.5  # of a margin
CURVE = {"rose": 1.1, "reached": 6.0, "fell": 0.6}
FALLS = "falls: it reaches margin {reached:g}, and from margin 4 on the slope of its logarithm is at most "
FALLS += "−{fell:g}"
COLUMNS = (
    "rise",
    "rise_predicted",
    "rise_whole",
    "peak_margin",
    "peak_margin_predicted",
    "peak_margin_whole",
    "dip_margin_whole",
    "tail_slope",
    "gradient_start",
    "gradient_end",
    "rose_and_fell",
    "only_fell",
    "edge_ratio",
    "edge_ratio_last",
)


def curves(table: Table) -> Table:
    """Keep the rows with a curve."""
    return table.rows(np.isfinite(table["rise"].astype(float)))


def rises_and_falls(table: Table, rose: float, reached: float, fell: float) -> Mask:
    """Mask of the curves that rise, reach a margin, and fall on the way there."""
    far = table["largest_margin"] >= reached
    return np.asarray((table["rise"] >= rose) & far & (table["tail_slope"].astype(float) <= -fell))


def formulas_hold(
    result: Result, tolerance: float, close: float, rose: float, reached: float, fell: float
) -> Finding:
    """Whether Lanczos finds what the formulas say, and the Gauss–Newton part rises and falls as they do."""
    table = curves(result.table)
    off = np.abs(table["peak_margin"] - table["peak_predicted"]) > close
    astray = off | ~rises_and_falls(table, rose, reached, fell)
    return together({
        "formulas": decide.identity(
            np.maximum(table["gap"], table["gap_whole"]), tolerance, "curves of one neuron"
        ),
        "shape": decide.inequality(len(table), int(astray.sum()), "hills of the Gauss–Newton part"),
    }, named=False).with_numbers(_by_point(table))  # fmt: skip


def whole_hessian_rises(result: Result) -> Finding:
    """Whether λ_max of the whole Hessian of one neuron rises above its value at margin 0."""
    table = curves(result.table)
    if not len(table):
        return lacking("there is no curve of one neuron")
    high = int(np.sum(table["rise_whole"] > 1.0))
    inner = table["peak_margin_whole"] > table["dip_margin_whole"]
    rest = "a peak of the whole Hessian above its value at margin 0"
    text = of_runs(high, len(table), Says("points x", "have", rest))
    answer: Answer = "yes" if high == len(table) else "mixed" if high else "no"
    return Finding(answer, sentence(text), numbers={"points x with an inner peak": int(inner.sum())})


def _by_point(table: Table) -> dict[str, float]:
    columns = ("peak_margin", "peak_predicted", "rise", "tail_slope", "dip_margin_whole", "peak_margin_whole",
               "rise_whole")  # fmt: skip
    return {
        f"x = {row['x']:g}: {column.replace('_', ' ')}": row[column]
        for row in table.records()
        for column in columns
    }


def follows_the_flow(result: Result, alike: float) -> Finding:
    """Whether descent on one example follows gradient flow in closed form."""
    rows = curves(result.table)
    numbers = {"relative difference to the flow, median": median(rows["gap"])}
    return decide.identity(rows["gap"], alike, "descents on one example").with_numbers(numbers)


def gets_sharp_then_flat(
    result: Result, rose: float, reached: float, fell: float, nearly_all: float
) -> Finding:
    """Whether one example gets sharper, then flatter, at every x and from every scale of the start."""
    rows = curves(result.table)
    rows = rows.rows(rows["largest_margin"] >= reached)
    flags = rises_and_falls(rows, rose, reached, fell)
    return by_setting(rows, {"x": "x = {:g}", "scale": "scale {:g}"}, flags, "examples", nearly_all)


def sample_gets_sharp_then_flat(
    result: Result, rose: float, reached: float, fell: float, least: float, nearly_all: float
) -> Finding:
    """Whether the curves of a sample rise and fall, at every step size and from every scale of the start."""
    rows = curves(result.table)
    rows = rows.rows(rows["largest_margin"] >= reached)
    flags = (rows["peak_margin"] > least) & rises_and_falls(rows, rose, reached, fell)
    names = {"scale": "scale {:g}", "step_size": "η = {:g}"}
    found = by_setting(rows, names, flags, "samples", nearly_all)
    unfinished = len(result.table) - len(rows)
    return found.with_numbers({f"curves that end before margin {reached:g}": unfinished})


def by_setting(rows: Table, names: Mapping[str, str], flags: Mask, noun: str, nearly_all: float) -> Finding:
    """Judge every setting by the share of its runs, and say in how many settings nearly all of them do it.

    The intervals of the settings are simultaneous.
    """
    says = Says(noun, "get", "sharper, then flatter")
    marked = cells(Table({**rows.columns, "does": flags}), names) if len(rows) else {}
    shares = {
        name: decide.share(cell["does"], says, nearly_all, at_once=len(marked))
        for name, cell in marked.items()
    }
    found = together(shares)
    if not shares:
        return lacking("no curve goes far enough")
    if len(shares) == 1:
        return next(iter(shares.values()))
    yes = [name for name, each in shares.items() if each.answer == "yes"]
    counts = {name: f"{int(cell['does'].sum())} of {len(cell)}" for name, cell in marked.items()}
    split = [f"{name} ({counts[name]})" for name in shares if shares[name].answer in ("mixed", "undecided")]
    in_all = of_runs(len(yes), len(shares), Says("settings", "get", "sharper, then flatter"))
    which = f": {'; '.join(f'{name} ({counts[name]})' for name in yes)}" if 0 < len(yes) < len(shares) else ""
    rest = f"not settled: {'; '.join(split)}" if split else ""
    first = next((shares[name] for name in yes), next(iter(shares.values())))
    return Finding(found.answer, sentence(in_all + which, rest), first.effect, counts)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw one neuron, one example and its flow, and the examples of a sample."""
    from stepscape.experiments.confidence import confident_curvature_figures as figures

    return {
        "one-neuron": figures.one_neuron(result),
        "one-example": figures.one_example(result),
        "sample": figures.sample(result),
    }


CLAIM = Claim(
    name="confident-curvature",
    title="One example, its margin and its curvature: does it get sharper, then flatter?",
    claim=(
        "The curvature of the logistic loss at a correctly classified example is D(m)‖∇f‖², up to a residual "
        "part, and D(m) = s(m)s(−m) falls like e^{−m}; because ‖∇f‖² grows with the margin m, the landscape "
        "first gets sharper and then flatter."
    ),
    kind="open question",
    source=(
        "Qiao and Wang (2025), behind Theorem 3.1: eigenvalues scale with e^{−γ}; the closed forms are "
        "derived here"
    ),
    setup=(
        "One neuron has the shortest gradient at every margin, in closed form and by Lanczos. One example "
        "(x, 1) is learned by width 400 with a small step size from PyTorch's initialization times a scale; "
        "gradient flow has a closed form there. A sample with labels from P(y = 1 | x) = s(6 sin 2πx), "
        "nearly certain so that margins can grow, is learned from the same scales; its examples at all "
        "records fall into bins of the margin."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "closed_form",
            "One neuron is as the formulas say",
            "At the balanced neuron, at every x and margin, λ_max by Lanczos agrees with both formulas, "
            "that of the Gauss–Newton part and that of the whole Hessian, within {tolerance:g} of its "
            "value; the Gauss–Newton part rises to at least {rose:g} times its first value, peaks within "
            "{close:g} of the margin that solves 2c = (1 + 2cm) tanh(m/2), and " + FALLS + ". All of it is "
            "derived: a run tests the program.",
            formulas_hold,
            {"tolerance": 1e-6, "close": 0.02, **CURVE},
            kind="identity",
            where={"arm": "one_neuron"},
            reads=("gap", "gap_whole"),
        ),
        Part(
            "whole_hessian",
            "The whole Hessian of one neuron gets sharper, too",
            "Yes if λ_max of the whole Hessian at the balanced neuron has a peak above its value at margin 0 "
            "at every point x, no if at none. The question is ours: the formulas of the source are about the "
            "Gauss–Newton part.",
            whole_hessian_rises,
            kind="open question",
            where={"arm": "one_neuron"},
            reads=("rise_whole",),
        ),
        Part(
            "gradient_flow",
            "Descent on one example follows gradient flow",
            "With so small a step size, the curve of every descent stays within {alike:.0%} of the closed "
            "form of gradient flow.",
            follows_the_flow,
            {"alike": 0.1},
            kind="identity",
            where={"arm": "one_example"},
            reads=("gap",),
        ),
        Part(
            "initialization",
            "One example that descent learns gets sharper, then flatter",
            "In every setting, a point x and a scale of the start, nearly all runs ({nearly_all:.0%}) whose "
            "curve reaches margin {reached:g} rise to at least {rose:g} times their first value, and fall: "
            "the slope of the logarithm from margin 4 on is at most −{fell:g}. Intervals are simultaneous "
            "over the settings. Where it is so in some settings and not in others, it depends.",
            gets_sharp_then_flat,
            {**CURVE, "nearly_all": NEARLY_ALL},
            primary=True,
            where={"arm": "one_example"},
            reads=("rise",),
        ),
        Part(
            "sample",
            "The examples of a sample get sharper, then flatter",
            "In every setting, a scale of the start and a step size, nearly all runs ({nearly_all:.0%}) "
            "whose curve over all examples reaches margin {reached:g} rise to at least {rose:g} times their "
            "first value, are largest at a margin above {least:g}, and fall: the slope of the logarithm from "
            "margin 4 on is at most −{fell:g}. Intervals are simultaneous over the settings.",
            sample_gets_sharp_then_flat,
            {**CURVE, "least": LEAST_PEAK, "nearly_all": NEARLY_ALL},
            where={"arm": "sample"},
            reads=("rise",),
        ),
    ),
    draw=draw,
    premises={
        "largest_margin": "the curve reaches a margin of at least 6, so that it could have fallen since 4",
        "confident": "some examples of a sample end with a margin of at least 2",
    },
    numbers=lambda result: medians(result.table, ("arm", "x", "scale", "step_size"), COLUMNS),
    by="arm",
    names=ARMS,
)
