"""What descent, SGD, label noise, SAM and a penalty on the trace stabilize, and whether the curves agree."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.forces.matched import NEAR, Matches, matches
from stepscape.experiments.forces.method_runs import NAMES, begin, grid, work
from stepscape.experiments.forces.over_cells import CELLWISE, any_differs, over_cells
from stepscape.experiments.forces.threshold import at_threshold
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, LEAST_VALUES, MOST
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.sentences import counted, listed
from stepscape.tables.number import number
from stepscape.tables.records import Table

Array = NDArray[np.float64]
RANGES = {"half_width": "on [−{0:g}, {0:g}]"}
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
COMPARED = f" A method without a pair for {MOST:.0%} of the seeds is left out, and a yes becomes it depends."
SMALLEST = 0.01  # of 2/η: the logarithm of a batch sharpness below it, or below 0, is that of it


def sharpness(result: Result) -> Finding:
    """Whether the runs of a method end alive with λ_max at 2/η."""
    return at_threshold(result.table, "with the sharpness at 2/η")


def batch(result: Result, factor: float) -> Finding:
    """Whether the batch sharpness of SGD ends at 2/η, at every batch size on every range."""
    asked = ask(_sgd(result.table), _batch_ratios, _few)
    lost = [NAMES[name] for name in STOCHASTIC if name not in result.table["method"]]
    left_out = [f"left out {name}: {why}" for name, why in asked.left_out.items()]
    left_out += [f"left out {name}: it has no run" for name in lost]
    if asked.missing:
        return lacking("no run of SGD finishes alive")
    says = Says("it", "bring", f"the batch sharpness to 2/η, within a factor of {factor:g}")
    what, total = "log10 of the batch sharpness over 2/η", len(asked.values)
    found = together({
        name: decide.equivalent(values, float(np.log10(factor)), says, what, at_once=total)
        for name, values in asked.values.items()
    })  # fmt: skip
    return in_part(found, "; ".join(left_out))


def _sgd(table: Table) -> dict[str, Table]:
    """Rows of each way of drawing batches, range and batch size."""
    names = {"half_width": "on [−{0:g}, {0:g}]", "strength": "batches of {:g}"}
    ways = {name: table.where(method=name) for name in STOCHASTIC}
    return {
        f"{NAMES[way]}, {cell}": here
        for way, rows in ways.items()
        if len(rows)
        for cell, here in cells(rows, names).items()
    }


def _few(rows: Table) -> str:
    return "" if STEP_SIZES.counts(rows).mean() >= MOST else "most runs do not finish alive"


def _batch_ratios(rows: Table) -> Array:
    counts, every = STEP_SIZES.counts(rows), np.unique(rows["seed"])
    at = np.searchsorted(every, rows["seed"][counts])
    out = np.full(every.size, np.nan)
    out[at] = np.log10(np.maximum(rows["batch_ratio"][counts], SMALLEST))
    return out


def falls(result: Result, least: float) -> Finding:
    """Whether the trace falls along the strengths of a method, on every range."""
    asked = ask(cells(result.table, RANGES), _falls, _too_few_strengths)
    if asked.missing:
        return asked.missing
    says = Says("the trace", "fall", "with the strength of the method")
    what = "minus the rank correlation with it"
    found = decide.signs(asked.values, says, what, least)
    lost = [f"left out {name}: {why}" for name, why in asked.left_out.items()]
    dead = [
        f"most runs die or diverge at strength {listed(gone)} {name}"
        for name, rows in cells(result.table, RANGES).items()
        if name in asked.values and (gone := _dead_ranks(rows) + 1).size
    ]
    return in_part(found, "; ".join((*lost, *dead)))


def _dead_ranks(rows: Table) -> Array:
    counts, ranks = STEP_SIZES.counts(rows), np.unique(rows["rank"])
    return np.array([rank for rank in ranks if counts[rows["rank"] == rank].mean() < MOST], float)


def _too_few_strengths(rows: Table) -> str:
    working = np.unique(rows["rank"]).size - _dead_ranks(rows).size
    few = f"runs finish alive at {counted(working, 'strength')}, and {LEAST_VALUES} are needed"
    return few if working < LEAST_VALUES else ""


def _falls(rows: Table) -> Array:
    """Minus the rank correlation (seeds,) of the trace with the strength, at the strengths that work."""
    counts, every = STEP_SIZES.counts(rows), np.unique(rows["seed"])
    ranks = np.setdiff1d(np.unique(rows["rank"]), _dead_ranks(rows))
    values = np.full((every.size, ranks.size), np.nan)
    for row in np.flatnonzero(counts & np.isin(rows["rank"], ranks)):
        values[np.searchsorted(every, rows["seed"][row]), np.searchsorted(ranks, rows["rank"][row])] = rows[
            "trace"
        ][row]
    values[np.isfinite(values).sum(axis=1) < LEAST_VALUES] = np.nan
    return np.asarray(-rank_correlations(values, ranks))


def same_trace(result: Result, within: float, factor: float) -> Finding:
    """Whether the trace of each method is that of descent with the same weighted variation."""
    says, what = Says("it", "have", "the trace of descent"), "log10 of the trace over that of descent"

    def question(values: Array, at_once: int) -> Finding:
        return decide.equivalent(values, within, says, what, at_once=at_once)

    return _compare(
        matches(result, "trace", factor),
        lambda each, count: over_cells(each.values, each.cells, question, "yes", within, count),
    )


def same_curve(result: Result, within: float, factor: float, apart: float) -> Finding:
    """Whether each method finds the curve of descent as well as another start of descent does."""
    says = Says("it", "find", "the curve of descent as well as another start does")
    what = "distance of another start from it minus its own, in standard deviations of the noise"

    def of(each: Matches, count: int) -> Finding:
        closer = each.yardstick - each.values
        known = np.isfinite(closer).any(axis=1)
        if known.mean() < MOST:
            return lacking("descent from another start has too few runs beside the same runs of descent")
        size = float(np.nanmean(np.where(np.isfinite(closer), each.yardstick, np.nan)))
        if size > apart:
            return lacking(f"two starts of descent are {number(size)} standard deviations of the noise apart")
        return over_cells(
            closer,
            each.cells,
            lambda values, at_once: decide.at_least(values, -within, says, what, at_once=at_once),
            "yes",
            np.inf,
            count,
        )

    return _compare(matches(result, "curve", factor), of)


def risk(result: Result, least: float, factor: float) -> Finding:
    """Whether the risk differs from that of descent with the same weighted variation."""
    what = "risk minus that of descent, in noise variances"
    says = Says("its risk", "differ", "from that of descent")

    def question(values: Array, at_once: int) -> Finding:
        return decide.differs(values, least, says, what, at_once=at_once)

    return _compare(
        matches(result, "risk", factor),
        lambda each, count: over_cells(each.values, each.cells, question, "no", least, count),
        any_differs,
    )


def _compare(
    found: dict[str, Matches],
    judge: Callable[[Matches, int], Finding],
    put: Callable[[dict[str, Finding]], Finding] = together,
) -> Finding:
    """Judge every method that has enough pairs; name the others."""
    found = {name: each for name, each in found.items() if name != "other_start"}
    enough = {name: each for name, each in found.items() if each.seeds >= MOST}
    if not enough:
        return lacking("too few runs have nearly the same weighted variation as one of descent")
    answers = {NAMES[name]: judge(each, len(enough)) for name, each in enough.items()}
    left_out = [NAMES[name] for name in found if name not in enough]
    left_out += [name for name, each in answers.items() if each.answer == "premise_not_met"]
    whole = in_part(put(answers), f"left out {', '.join(left_out)}" if left_out else "")
    return whole.with_numbers({
        f"{NAMES[name]}: pairs": f"{each.pairs} of {each.runs} runs" for name, each in enough.items()
    })  # fmt: skip


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
            "Of all runs of a method, over all its strengths, the share that finish alive with a median "
            f"λ_max of the last half in [{EDGE[0]:g}, {EDGE[1]:g}] times 2/η. Yes if it is at least 90 "
            f"% and its interval lies above one half. Alive is a run that leaves {BENT}.",
            sharpness,
            primary=True,
            by="method",
        ),
        _part(
            "batch_sharpness",
            "Does SGD bring the batch sharpness to 2/η?",
            "E[gᵀHg]/E‖g‖² over minibatches, the median over the last half. Yes if it lies within a factor "
            "of {factor:g} of 2/η for both ways of drawing batches, at every batch size and on every range, "
            f"with simultaneous intervals of log10 of their ratio; a ratio below {SMALLEST:g} counts as "
            "that. It depends if it does for some. A cell in which most runs die or diverge, and a way of "
            "drawing without runs, is left out, and a yes becomes it depends.",
            batch,
            constants={"factor": 1.25},
        ),
        _part(
            "trace",
            "Does the trace fall with the strength of each method?",
            "Minus Spearman's rank correlation of the trace with the strength (the step size, a smaller "
            "batch, the noise, the radius, the weight of the penalty), seed by seed, above 0 in the mean "
            "over the ranges and below it on none; no if the interval excludes {least:g} or more on all; it "
            "depends if the ranges differ. Strengths at which most runs die or diverge do not count, "
            f"{LEAST_VALUES} must remain, and a yes becomes it depends.",
            falls,
            constants={"least": 0.2},
            by="method",
        ),
        _part(
            "same_trace",
            "At equal weighted variation, is the trace the same?",
            ALIKE + "log10 of the trace of its Hessian over that of descent, mean over ranges and strengths: "
            "yes if the interval lies within ±{within:g}. " + CELLWISE + COMPARED,
            same_trace,
            constants={"within": 0.1, "factor": NEAR},
        ),
        _part(
            "same_curve",
            "At equal weighted variation, do they find the curve of descent?",
            ALIKE + "Its root mean square distance from that curve, in standard deviations of the noise, "
            "exceeds the distance of descent from another start, whose ∫|f″|g is nearest, by less than "
            "{within:g}: yes if the whole interval of the mean over ranges and strengths does, no if none of "
            "it does; it depends if a single one does not, with intervals simultaneous over them. Another "
            "start that is itself more than {apart:g} away says nothing." + COMPARED,
            same_curve,
            constants={"within": 0.1, "factor": NEAR, "apart": 1.0},
        ),
        _part(
            "risk",
            "At equal weighted variation, do their risks differ?",
            ALIKE + "The difference of the risks, in variances of the noise, mean over ranges and strengths: "
            "no if its interval excludes {least:g} or more either way, even if it does not hold 0; otherwise "
            "yes if it does not hold 0. No for all only if no method is open. " + CELLWISE + COMPARED,
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
