"""The curvature of one example against its margin: whether it gets sharper, then flatter."""

from __future__ import annotations

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
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import NEARLY_ALL
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Mask = NDArray[np.bool_]
CURVE = {"rose": 1.1, "reached": 4.0, "fell": 0.6}
FALLS = (
    "falls, which means that it reaches margin {reached:g} and the slope of its logarithm from there on is "
)
FALLS += "at most −{fell:g}"
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
)


def curves(table: Table) -> Table:
    """Keep the rows with a curve."""
    return table.rows(np.isfinite(table["rise"].astype(float)))


def rises_and_falls(table: Table, rose: float, reached: float, fell: float) -> Mask:
    """Mask of the curves that rise, and fall from margin `reached` on."""
    far = table["largest_margin"] >= reached
    return np.asarray((table["rise"] >= rose) & far & (table["tail_slope"].astype(float) <= -fell))


def formulas_hold(result: Result, tolerance: float) -> Finding:
    """Whether Lanczos finds what the formulas say."""
    gaps = np.maximum(result.table["gap"], result.table["gap_whole"])
    return decide.identity(gaps, tolerance, "curves of one neuron")


def one_neuron_rises_and_falls(
    result: Result, close: float, rose: float, reached: float, fell: float
) -> Finding:
    """Whether the curvature of one neuron rises, peaks and falls: its Gauss–Newton part, and all of it."""
    table = curves(result.table)
    near = np.abs(table["peak_margin"] - table["peak_predicted"]) <= close
    part = near & rises_and_falls(table, rose, reached, fell)
    found = {
        "Gauss–Newton part": decide.share(part, Says("points x", "show", "its rise, its peak and its fall")),
        "whole Hessian": decide.share(
            table["rise_whole"] > 1.0, Says("points x", "show", "a peak above the value at margin 0")
        ),
    }
    inner = table["peak_margin_whole"] > table["dip_margin_whole"]
    numbers = {"points x at which the whole Hessian has an inner peak": int(inner.sum())}
    return together(found).with_numbers({**numbers, **_by_point(table)})


def _by_point(table: Table) -> dict[str, float]:
    columns = ("peak_margin", "peak_predicted", "rise", "tail_slope", "dip_margin_whole", "peak_margin_whole",
               "rise_whole")  # fmt: skip
    return {
        f"x = {row['x']:g}: {column.replace('_', ' ')}": row[column]
        for row in table.records()
        for column in columns
    }


def follows_the_flow(result: Result, alike: float, rose: float, doubt: float, nearly_all: float) -> Finding:
    """Whether descent on one example follows gradient flow in closed form."""
    rows = curves(result.table)
    predicted = rows["rise_predicted"] >= rose
    doubtful = np.abs(rows["rise_predicted"] - rose) <= doubt
    flags = (rows["gap"] <= alike) & (((rows["rise"] >= rose) == predicted) | doubtful)
    says = Says("descents on one example", "follow", "the closed form of gradient flow")
    numbers = {"relative difference to the flow, median": median(rows["gap"])}
    numbers |= {"relative difference to the flow, largest": float(max(rows["gap"], default=np.nan))}
    return decide.share(flags, says, nearly_all, rows["seed"]).with_numbers(numbers)


def gets_sharp_then_flat(
    result: Result, rose: float, reached: float, fell: float, near: float, nearly_all: float
) -> Finding:
    """Whether one example gets sharper, then flatter, at every x, from one scale of the start."""
    rows = curves(result.table)
    at_peak = np.abs(rows["peak_margin"] - rows["peak_margin_predicted"]) <= near
    flags = at_peak & rises_and_falls(rows, rose, reached, fell)
    return _by_cell(rows, "x", "at x = {:g}", flags, "examples", nearly_all)


def sample_gets_sharp_then_flat(
    result: Result, rose: float, reached: float, fell: float, least: float, nearly_all: float
) -> Finding:
    """Whether the curves of a sample rise and fall, at every step size, from one scale of the start."""
    rows = curves(result.table)
    rows = rows.rows(rows["largest_margin"] >= reached)
    if not len(rows):
        return lacking(f"no curve reaches margin {reached:g}")
    flags = (rows["peak_margin"] > least) & rises_and_falls(rows, rose, reached, fell)
    return _by_cell(rows, "step_size", "at η = {:g}", flags, "curves of a sample", nearly_all)


def _by_cell(rows: Table, column: str, name: str, flags: Mask, noun: str, nearly_all: float) -> Finding:
    cells = {float(value): rows[column] == value for value in np.unique(rows[column])}
    says = Says(noun, "get", "sharper, then flatter")
    return together(
        {name.format(x): decide.share(flags[here], says, nearly_all) for x, here in cells.items()}
    )


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
            "Lanczos finds what the formulas say",
            "At the balanced neuron, at every x and margin, λ_max by Lanczos agrees with both formulas, "
            "that of the Gauss–Newton part and that of the whole Hessian, within {tolerance:g} of its value.",
            formulas_hold,
            {"tolerance": 1e-6},
            kind="identity",
            where={"arm": "one_neuron"},
            reads=("gap", "gap_whole"),
        ),
        Part(
            "one_neuron",
            "One neuron gets sharper, then flatter",
            "At nearly all points x the Gauss–Newton curvature rises to at least {rose:g} times its first "
            "value, peaks within {close:g} of the margin that solves 2c = (1 + 2cm) tanh(m/2), and "
            + FALLS
            + "; and λ_max of the whole Hessian has a peak above its value at margin 0.",
            one_neuron_rises_and_falls,
            {**CURVE, "close": 0.02},
            kind="figure",
            where={"arm": "one_neuron"},
            reads=("rise",),
        ),
        Part(
            "gradient_flow",
            "Descent on one example follows gradient flow",
            "The curve stays within {alike:.0%} of the closed form of gradient flow, and it rises to "
            "{rose:g} times its first value if and only if the closed form does, unless that comes within "
            "{doubt:g} of this limit. This must hold for {nearly_all:.0%} of the runs.",
            follows_the_flow,
            {"alike": 0.1, "rose": CURVE["rose"], "doubt": 0.05, "nearly_all": 0.95},
            kind="figure",
            where={"arm": "one_example"},
            reads=("rise",),
        ),
        Part(
            "initialization",
            "One example that descent learns gets sharper, then flatter",
            "For each scale of the start and at every x, in nearly all runs ({nearly_all:.0%}), the "
            "curvature rises to at least {rose:g} times its first value, peaks within {near:g} of the "
            "margin at which gradient flow does, and " + FALLS + ".",
            gets_sharp_then_flat,
            {**CURVE, "near": 0.5, "nearly_all": NEARLY_ALL},
            primary=True,
            where={"arm": "one_example"},
            by="scale",
            reads=("rise",),
        ),
        Part(
            "sample",
            "The examples of a sample get sharper, then flatter",
            "For each scale of the start and at every step size, among the runs whose curve over all "
            "examples reaches margin {reached:g}, nearly all curves ({nearly_all:.0%}) rise to at least "
            "{rose:g} times their first value, are largest at a margin above {least:g}, and fall from "
            "margin {reached:g} on: the slope of their logarithm is at most −{fell:g}.",
            sample_gets_sharp_then_flat,
            {**CURVE, "least": 0.5, "nearly_all": NEARLY_ALL},
            where={"arm": "sample"},
            by="scale",
            reads=("rise",),
        ),
    ),
    draw=draw,
    premises={
        "largest_margin": "the curve reaches a margin of at least 4, at which it could have fallen",
        "confident": "some examples of a sample end with a margin of at least 2",
    },
    numbers=lambda result: medians(result.table, ("arm", "x", "scale", "step_size"), COLUMNS),
    by="arm",
    names=ARMS | {str(scale): f"scale {scale:g}" for scale in (1.0, 0.3, 0.1, 0.03, 0.01)},
)
