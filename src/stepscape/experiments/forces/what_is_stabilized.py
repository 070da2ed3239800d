"""What descent, SGD, label noise, SAM and a penalty on the trace stabilize, and whether the curves agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.forces.matched import NEAR, apart
from stepscape.experiments.forces.method_runs import NAMES, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.tables.records import Table

Array = NDArray[np.float64]
STOCHASTIC = ("sgd", "sgd_replacement")
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0,),
    "width": 50,
    "step_size": 0.1,
    "optimizers": tuple(NAMES),
    "step_sizes": (0.1, 0.2, 0.4),
    "batch_sizes": (10, 4, 1),
    "label_noises": (0.25, 0.5, 1.0),
    "sam_radii": (0.02, 0.1, 0.3),
    "penalties": (0.001, 0.003, 0.01),
    "steps": 2000,
    "seeds": 6,
    "first_seed": 0,
    "records": 8,
}
FULL = {
    **QUICK,
    "half_widths": (3.0, 1.0),
    "width": 200,
    "step_sizes": (0.1, 0.15, 0.2, 0.3, 0.4),
    "batch_sizes": (15, 10, 5, 2, 1),
    "label_noises": (0.125, 0.25, 0.5, 1.0, 2.0),
    "sam_radii": (0.01, 0.03, 0.1, 0.2, 0.3),
    "penalties": (0.0005, 0.001, 0.003, 0.01, 0.03),
    "steps": 50_000,
    "seeds": 20,
    "first_seed": 100,
    "records": 20,
}
ALIKE = (
    "Every run of a method is compared with the run of descent on the same labels whose ∫|f″|g is nearest, "
    "if it lies within a factor of {factor:g}. "
)


def sharpness(result: Result) -> Finding:
    """Whether the runs of a method end with λ_max at 2/η."""
    rows = _alive(result)
    if not len(rows):
        return lacking("no run of this method finishes alive")
    there = (rows["edge_ratio"] >= EDGE[0]) & (rows["edge_ratio"] <= EDGE[1])
    says = Says("runs", "end", "with the sharpness at 2/η", plural=True)
    return decide.share(there, says, groups=rows["seed"])


def batch(result: Result, factor: float) -> Finding:
    """Whether the batch sharpness of SGD ends at 2/η, on the average over batch sizes."""
    return _of_stochastic(
        result, "batch_ratio",
        Says("it", "bring", f"the batch sharpness to 2/η, within a factor of {factor:g}"),
        "log10 of the batch sharpness over 2/η", float(np.log10(factor)),
    )  # fmt: skip


def _of_stochastic(result: Result, column: str, says: Says, what: str, within: float) -> Finding:
    found = {}
    for method in STOCHASTIC:
        rows = _alive(result.where(method=method))
        if len(rows):
            positive = np.where(rows[column] > 0.0, rows[column], np.nan)
            values = [np.nanmean(np.log10(positive[rows["seed"] == seed])) for seed in np.unique(rows["seed"])
                      if np.isfinite(positive[rows["seed"] == seed]).any()]  # fmt: skip
            found[NAMES[method]] = decide.equivalent(values, within, says, what, at_once=len(STOCHASTIC))
    return together(found) if found else lacking("no run of SGD finishes alive")


def falls(result: Result, least: float) -> Finding:
    """Whether the trace falls along the strengths of a method."""
    rows = _alive(result)
    if not len(rows):
        return lacking("no run of this method finishes alive")
    ranks, every = np.unique(rows["rank"]), np.unique(rows["seed"])
    values = np.full((every.size, ranks.size), np.nan)
    for i, seed in enumerate(every):
        for j, rank in enumerate(ranks):
            here = (rows["seed"] == seed) & (rows["rank"] == rank)
            if here.any():
                values[i, j] = np.log10(rows["trace"][here]).mean()
    says = Says("the trace", "fall", "with the strength of the method")
    return decide.sign(-rank_correlations(values, ranks), says, "minus the rank correlation with it", least)


def same_trace(result: Result, within: float, factor: float) -> Finding:
    """Whether the trace of each method is that of descent with the same weighted variation."""
    found = apart(result, "trace", factor)
    found.pop("other_start", None)
    if not found:
        return lacking("no two runs have nearly the same weighted variation")
    says, what = Says("it", "have", "the trace of descent"), "log10 of the trace over that of descent"
    return together({
        NAMES[name]: decide.equivalent(values, within, says, what, at_once=len(found))
        for name, values in found.items()
    })  # fmt: skip


def same_curve(result: Result, within: float, factor: float) -> Finding:
    """Whether each method finds the curve of descent as well as another start of descent does."""
    found = apart(result, "curve", factor)
    base = found.pop("other_start", None)
    if base is None or not found:
        return lacking("no two runs have nearly the same weighted variation")
    says = Says("it", "find", "the curve of descent")
    what = "distance to it minus that of another start, in standard deviations of the noise"
    return together({
        NAMES[name]: decide.equivalent(values - base, within, says, what, at_once=len(found))
        for name, values in found.items()
    })  # fmt: skip


def risk(result: Result, least: float, factor: float) -> Finding:
    """Whether the risk differs from that of descent with the same weighted variation."""
    found = apart(result, "risk", factor)
    found.pop("other_start", None)
    if not found:
        return lacking("no two runs have nearly the same weighted variation")
    what = "risk minus that of descent, in noise variances"
    says = Says("its risk", "differ", "from that of descent")
    return together({
        NAMES[name]: decide.differs(values, least, says, what, at_once=len(found))
        for name, values in found.items()
    })  # fmt: skip


def _alive(result: Result) -> Table:
    table = result.table
    return table.rows(STEP_SIZES.counts(table)) if len(table) else table


def draw(result: Result) -> dict[str, Drawn]:
    """Draw what each method stabilizes, and how far its curves are from those of descent."""
    from stepscape.experiments.forces import what_is_stabilized_figures as figures

    return {"stabilized": figures.stabilized(result), "curves": figures.curves(result)}


def _table(result: Result) -> Table:
    return medians(
        result.table,
        ("half_width", "method", "strength"),
        ("edge_ratio", "batch_ratio", "trace", "weighted_tv", "pieces", "risk", "loss", "bent_neurons"),
        (),
        STEP_SIZES.counts,
    )


def _part(name: str, words: str, rule: str, judge: Callable[..., Finding], **more: object) -> Part:
    return Part(name, words, rule, judge, reads=("edge_ratio",), **more)  # type: ignore[arg-type]


CLAIM = Claim(
    name="what-is-stabilized",
    title="What does each method stabilize?",
    claim=(
        "Gradient descent stabilizes the sharpness, SGD the trace, and methods such as SAM are biased to "
        "flat solutions: what does each of them stabilize on one network, and do they find the same curve?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'trace … for Stochastic gradient "
        "descent' and 'methods that bias iterates towards flat solutions'; batch sharpness: Andreyev and "
        "Beneventano (2024)"
    ),
    setup=(
        "A tent with noise, n = 30. All methods have η = 0.1 and the same number of steps, descent larger "
        "η and the same time; small start. Strengths were chosen so that ∫|f″|g spans a decade, in trials "
        "on seeds 1000 and 1001 on [−3, 3] with 100 neurons, before the rules. The batch sharpness of a "
        "full-batch method is the curvature along its gradient."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "sharpness",
            "Does the sharpness end at 2/η?",
            "Of the runs of a method that finish alive, over all its strengths, the share whose median "
            f"λ_max of the last half lies in [{EDGE[0]:g}, {EDGE[1]:g}] times 2/η. Yes if it is at least 90 "
            f"% and its interval lies above one half. Alive is a run that leaves {BENT}.",
            sharpness,
            primary=True,
            by="method",
        ),
        _part(
            "batch_sharpness",
            "Does SGD bring the batch sharpness to 2/η?",
            "E[gᵀHg]/E‖g‖² over minibatches, the median over the last half. Yes if the mean of log10 of it "
            "over 2/η, over ranges and batch sizes, lies within a factor of {factor:g} of 1 for both ways "
            "of drawing batches.",
            batch,
            constants={"factor": 1.25},
        ),
        _part(
            "trace",
            "Does the trace fall with the strength of each method?",
            "Minus Spearman's rank correlation of the trace with the strength (the step size, a smaller "
            "batch, the noise, the radius, the weight of the penalty), seed by seed, above 0; no if the "
            "interval excludes {least:g} or more.",
            falls,
            constants={"least": 0.2},
            by="method",
        ),
        _part(
            "same_trace",
            "At equal weighted variation, is the trace the same?",
            ALIKE + "log10 of the trace of its Hessian over that of descent: yes if the interval lies within "
            "±{within:g}.",
            same_trace,
            constants={"within": 0.1, "factor": NEAR},
        ),
        _part(
            "same_curve",
            "At equal weighted variation, do they find the curve of descent?",
            ALIKE + "The root mean square distance of the two curves, in standard deviations of the noise, "
            "minus that of descent from another start, compared in the same way: yes if the interval lies "
            "within ±{within:g}.",
            same_curve,
            constants={"within": 0.1, "factor": NEAR},
        ),
        _part(
            "risk",
            "At equal weighted variation, do their risks differ?",
            ALIKE + "The difference of the risks, in variances of the noise: yes if its interval does not "
            "hold 0, no if it excludes {least:g} or more either way.",
            risk,
            constants={"least": 0.04, "factor": NEAR},
        ),
    ),
    draw=draw,
    premises={
        "start_ratio": "the start lies within 2/η, so that no catapult decides",
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
    },
    numbers=_table,
    by="method",
    names=NAMES,
)
