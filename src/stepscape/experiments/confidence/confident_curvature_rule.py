"""The rule that judges `confident-curvature`, fixed before its runs.

A curve of curvature against margin *rises* when its largest value is at least 1.1 times its first, at margin
0 or the smallest one seen; it *falls* when it reaches margin 4 and the slope of its logarithm from there on
is at most −0.6: γ e^{−γ} has −0.75 at 4 and −0.9 at 10, e^{−γ} has −1. It peaks *where predicted* when its
largest value lies within 0.5 of the prediction.

``closed_form``: at the balanced neuron, at every x and margin, λ_max by Lanczos agrees with both formulas to
1e-6, relatively. All: ``consistent``; else ``false_as_stated``.

``one_neuron``: at every x the Gauss–Newton curvature rises, peaks within 0.02 of 2c = (1 + 2cm) tanh(m/2),
and falls. All: ``reproduced``; some: ``partly``; none: ``not_reproduced``.

``whole_hessian``: the same for λ_max of the whole Hessian, residual part and all: it rises above its value at
the smallest margin. At every x: ``reproduced``; where it has only an inner peak below that value: ``partly``;
no inner peak: ``not_reproduced``.

``one_example``: the closed form of gradient flow tells how the curvature of one example goes. In at least 95
% of the runs the curve stays within 10 % of it, and rises exactly when it says so (runs whose predicted rise
is between 1.05 and 1.15 do not count for this): ``reproduced``; at least half: ``partly``; else
``not_reproduced``.

``default_initialization``: at scale 1 the curvature of the one example rises, peaks where predicted (`PEAK`
at most) and falls. In at least 95 % of the runs: ``reproduced``; at least one in two: ``partly``; else
``not_reproduced``.
``small_initialization``: the same at every x and other scale, each of which does so when half of its runs do:
all ``reproduced``; some ``partly``; none ``not_reproduced``.

``sample``: the binned curve of each scale and step size, over seeds: *sharp, then flat* when in at least half
of the seeds it rises, has its largest value at a margin above 0.5, and falls. All of scales and step sizes:
``reproduced``; some: ``partly``; none: ``not_reproduced``; no curve that reaches margin 4:
``premise_not_met``. Runs that do not reach margin 4 do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_size_grid import Numbers, median
from stepscape.experiments.confidence.one_example import PEAK
from stepscape.tables.records import Table
from stepscape.tables.verdict import Verdict, by_parts, by_share, nothing

if TYPE_CHECKING:
    from stepscape.experiments.common.experiment import Result

Mask = NDArray[np.bool_]
ROSE, TAIL, REACHED = 1.1, -0.6, 4.0
CLOSE, NEAR, ALIKE = 0.02, 0.5, 0.1
FORMULA = 1e-6
NEARLY_ALL = 0.95


def judge(result: Result) -> dict[str, Verdict]:
    """One verdict for each part of the question."""
    table = result.table
    neurons, examples, samples = (table.where(arm=arm) for arm in ("one_neuron", "one_example", "sample"))
    return {
        "closed_form": judge_closed_form(neurons),
        "one_neuron": judge_one_neuron(neurons),
        "whole_hessian": judge_whole(neurons),
        "one_example": judge_flow(examples),
        "default_initialization": judge_default(examples),
        "small_initialization": judge_small(examples),
        "sample": judge_sample(samples),
    }


def falls(table: Table) -> Mask:
    """Mask of the curves that reach margin 4 and fall from there on."""
    return np.asarray((table["largest_margin"] >= REACHED) & (table["tail_slope"].astype(float) <= TAIL))


def rises(table: Table) -> Mask:
    """Mask of the curves that rise."""
    return np.asarray(table["rise"] >= ROSE)


def judge_closed_form(table: Table) -> Verdict:
    """Whether Lanczos finds what the formulas say."""
    if not len(table):
        return nothing("neuron")
    gap = np.maximum(table["gap"], table["gap_whole"])
    numbers: Numbers = {"points x": float(len(table)), "largest relative difference": float(gap.max())}
    word = "consistent" if gap.max() <= FORMULA else "false_as_stated"
    return Verdict(word, f"λ by Lanczos and by formula differ by at most {gap.max():.1g} of it", numbers)


def judge_one_neuron(table: Table) -> Verdict:
    """Whether the Gauss–Newton curvature goes as claimed."""
    if not len(table):
        return nothing("neuron")
    close = np.abs(table["peak_margin"] - table["peak_predicted"]) <= CLOSE
    flags = rises(table) & close & falls(table)
    numbers: Numbers = {}
    for row in table.records():
        numbers |= {
            f"x = {row['x']:g}: peak, margin": row["peak_margin"],
            f"x = {row['x']:g}: peak, predicted": row["peak_predicted"],
            f"x = {row['x']:g}: peak over the value at margin 0": row["rise"],
            f"x = {row['x']:g}: slope of the log from margin 4 on": row["tail_slope"],
        }
    low, high = table["peak_margin"].min(), table["peak_margin"].max()
    return Verdict(
        by_parts(flags),
        f"at {flags.sum()} of {len(table)} points x the Gauss–Newton curvature of one neuron rises by a "
        f"factor of {table['rise'].min():.3g} to {table['rise'].max():.3g}, peaks at margin {low:.2f} to "
        f"{high:.2f}, and falls",
        numbers,
    )


def judge_whole(table: Table) -> Verdict:
    """Whether λ_max of the whole Hessian goes as claimed."""
    if not len(table):
        return nothing("neuron")
    above, inner = table["rise_whole"] > 1.0, table["peak_margin_whole"] > table["dip_margin_whole"]
    numbers: Numbers = {}
    for row in table.records():
        numbers |= {
            f"x = {row['x']:g}: inner peak over the value at margin 0": row["rise_whole"],
            f"x = {row['x']:g}: least before it, margin": row["dip_margin_whole"],
            f"x = {row['x']:g}: inner peak, margin": row["peak_margin_whole"],
        }
    word = "reproduced" if above.all() else "partly" if inner.all() else "not_reproduced"
    return Verdict(
        word,
        f"with the residual part λ_max falls first, to margin {median(table['dip_margin_whole']):.2f} "
        f"(median), and its peak after that is {table['rise_whole'].min():.2f} to "
        f"{table['rise_whole'].max():.2f} times its value at margin 0, where the residual is largest",
        numbers,
    )


def _finished(table: Table) -> Table:
    """Rows with a curve."""
    seen = np.isfinite(table["rise"].astype(float)) if "rise" in table else np.zeros(len(table), bool)
    return table.rows(np.asarray(seen))


def judge_flow(table: Table) -> Verdict:
    """Whether descent on one example goes as gradient flow in closed form."""
    rows = _finished(table)
    if not len(rows):
        return nothing("descent on one example that finished")
    told = rows["rise_predicted"] >= ROSE
    doubtful = np.abs(rows["rise_predicted"] - ROSE) <= 0.05
    flags = (rows["gap"] <= ALIKE) & ((rises(rows) == told) | doubtful)
    numbers: Numbers = {
        "runs": float(len(rows)),
        "share that goes as predicted": float(flags.mean()),
        "relative difference to the flow, largest": float(rows["gap"].max()),
    }
    return Verdict(
        by_share(float(flags.mean()), NEARLY_ALL),
        f"{flags.sum()} of {len(rows)} descents on one example follow the closed form, to "
        f"{median(rows['gap']):.1%} (median)",
        numbers | _by_scale(rows),
    )


def _by_scale(rows: Table) -> Numbers:
    numbers: Numbers = {}
    for x, scale in sorted(
        set(zip(rows["x"], rows["scale"], strict=True)), key=lambda pair: (pair[0], -pair[1])
    ):
        here = rows.where(x=x, scale=scale)
        numbers |= {
            f"x = {x:g}, scale {scale:g}: {name}, median": median(here[column])
            for name, column in (
                ("‖∇f‖² at the start", "gradient_start"),
                ("‖∇f‖² in the end", "gradient_end"),
                ("rise", "rise"),
                ("rise predicted", "rise_predicted"),
                ("margin of the peak", "peak_margin"),
                ("margin of the peak predicted", "peak_margin_predicted"),
                ("slope of the log from margin 4 on", "tail_slope"),
            )
        }
    return numbers


def sharp_then_flat(rows: Table) -> Mask:
    """Mask of the curves of one example that rise, peak where the flow says, and fall."""
    near = np.abs(rows["peak_margin"] - rows["peak_margin_predicted"]) <= NEAR
    return np.asarray(rises(rows) & near & falls(rows))


def judge_default(table: Table) -> Verdict:
    """Whether one example gets sharper, then flatter, from the default initialization."""
    rows = _finished(table)
    rows = rows.where(scale=1.0) if len(rows) else rows
    if not len(rows):
        return nothing("finished descent on one example from scale 1")
    flags = sharp_then_flat(rows)
    return Verdict(
        by_share(float(flags.mean()), NEARLY_ALL),
        f"from the default initialization {flags.sum()} of {len(rows)} examples get sharper, then flatter: "
        f"‖∇f‖² is {median(rows['gradient_start']):.3g} at the start and "
        f"{median(rows['gradient_end']):.3g} in the end, and the curvature rises by a factor of "
        f"{median(rows['rise']):.2f} (medians)",
        _by_scale(rows),
    )


def judge_small(table: Table) -> Verdict:
    """Whether one example gets sharper, then flatter, from small initializations."""
    rows = _finished(table)
    rows = rows.rows(rows["scale"] < 1.0) if len(rows) else rows
    if not len(rows):
        return nothing("finished descent on one example from a small initialization")
    pairs = sorted(set(zip(rows["x"], rows["scale"], strict=True)), key=lambda pair: (pair[0], -pair[1]))
    found = {pair: sharp_then_flat(rows.where(x=pair[0], scale=pair[1])) for pair in pairs}
    flags = [bool(mask.mean() >= 0.5) for mask in found.values()]
    said = ", ".join(
        f"{mask.sum()} of {mask.size} at x = {x:g}, scale {s:g}" for (x, s), mask in found.items()
    )
    return Verdict(
        by_parts(flags),
        f"examples that get sharper, then flatter, at about {PEAK:.1f} or less: {said}",
        _by_scale(rows),
    )


def judge_sample(table: Table) -> Verdict:
    """Whether the examples of a sample get sharper, then flatter."""
    rows = _finished(table)
    rows = rows.rows(rows["largest_margin"] >= REACHED) if len(rows) else rows
    if not len(rows):
        return nothing("sample whose examples reach margin 4")
    settings = sorted(
        set(zip(rows["scale"], rows["step_size"], strict=True)), key=lambda pair: (-pair[0], pair[1])
    )
    numbers: Numbers = {}
    flags, said = [], []
    for scale, eta in settings:
        here = rows.where(scale=scale, step_size=eta)
        mask = rises(here) & falls(here) & (here["peak_margin"] > NEAR)
        flags.append(bool(mask.mean() >= 0.5))
        name = f"scale {scale:g}, η = {eta:g}"
        said.append(f"{name}: {mask.sum()} of {mask.size}")
        numbers |= {
            f"{name}: {word}, median": median(here[column])
            for word, column in (
                ("rise", "rise"),
                ("margin of the peak", "peak_margin"),
                ("slope of the log from margin 4 on", "tail_slope"),
                ("‖∇f‖² at the start", "gradient_start"),
                ("‖∇f‖² in the end", "gradient_end"),
                ("share of examples that rise and fall", "rose_and_fell"),
                ("share of examples that only fall", "only_fell"),
                ("λ·η/2 in the end", "edge_ratio"),
            )
        }
    return Verdict(
        by_parts(flags),
        f"{sum(flags)} of {len(flags)} pairs of scale and step size get sharper, then flatter: "
        f"{'; '.join(said)}",
        numbers,
    )
