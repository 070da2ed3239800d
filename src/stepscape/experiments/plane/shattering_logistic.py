"""The logistic loss on inputs in R^d: shattering, memorized labels, and what a flat network says."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.medians import every_run, medians
from stepscape.experiments.plane.logistic_runs import ClassifierRun, LogisticRun, grid, work
from stepscape.experiments.plane.pairs import ALIVE, Array, alive, decades, fewer, of_seeds
from stepscape.tables.records import Table

ROUNDING = 1e-9  # relative, of a measured λ_max beside its residual
WHEN = {"": "at the end", "_equal_time": "at equal time"}
MOMENTS = {**WHEN, "_held_out": "at the best held-out moment"}


def descents(result: Result, decay: float | None = None) -> Table:
    """Return the runs, or those with a decay."""
    table = result.of(LogisticRun).table
    return table if decay is None or not len(table) else table.where(weight_decay=decay)


def ends(table: Table, column: str) -> tuple[Array, Array, str]:
    """Return the values over the seeds at the smallest and at the largest step size, and their names."""
    etas = [float(table["step_size"].min()), float(table["step_size"].max())]
    small, large = (of_seeds(table, column, {"step_size": eta}, alive) for eta in etas)
    return small, large, f"η = {etas[0]:g} and {etas[1]:g}"


def is_shattered(result: Result, least: float) -> Finding:
    """Whether live neurons hold fewer examples at the largest step size, at both moments."""
    table = descents(result, 0.0)
    if not len(table):
        return lacking("there is no run without decay")
    found = {}
    for suffix, when in WHEN.items():
        small, large, names = ends(table, f"live_path_rate{suffix}")
        if lacks := fewer(small - large, f"at both {names}"):
            return lacking(lacks)
        says = Says(f"{when} the path-weighted rate of the live neurons", "fall", f"between {names}")
        what = "rate at the smallest minus at the largest step size"
        found[when] = decide.sign(small - large, says, what, least, at_once=len(WHEN))
    return together(found, named=False)


def is_memorized(result: Result, decades_below: float, floor: float, flat: float) -> Finding:
    """Whether at the largest step size flat networks memorize their labels."""
    table = descents(result, 0.0)
    if not len(table):
        return lacking("there is no run without decay")
    rows = table.where(step_size=table["step_size"].max())
    ratio = of_seeds(rows, "train_error", {}, alive) / of_seeds(rows, "realized_noise", {}, alive)
    edge = of_seeds(rows, "edge_ratio", {}, alive)
    below = np.where(edge <= flat, -np.log10(np.clip(ratio, 10.0**-floor, None)), np.nan)
    if lacks := fewer(below, f"and end with an edge ratio of at most {flat:g}"):
        return lacking(lacks)
    says = Says("flat networks", "memorize", "their labels", plural=True)
    what = f"decades by which the training loss lies below that of the truth, {floor:g} at most"
    found = decide.at_least(below, decades_below, says, what)
    return found.with_numbers({
        "edge ratio, median": median(edge),
        "excess risk over that of the best constant, median": median(
            of_seeds(rows, "population_error", {}, alive) / of_seeds(rows, "null_population", {}, alive)
        ),
    })  # fmt: skip


def large_steps_help(result: Result, least: float) -> Finding:
    """Whether the excess risk is smaller at the largest step size, at each of three moments."""
    table = descents(result, 0.0)
    if not len(table):
        return lacking("there is no run without decay")
    found = {}
    for suffix, when in MOMENTS.items():
        small, large, names = ends(table, f"population_error{suffix}")
        gain = decades(small, large)
        if lacks := fewer(gain, f"at both {names}"):
            return lacking(lacks)
        says = Says(f"{when} the largest step size", "have", "less excess risk")
        what = "log10 of the excess risk at the smallest over that at the largest"
        found[when] = decide.sign(gain, says, what, least, at_once=len(MOMENTS))
    return together(found, named=False)


def decay_helps(result: Result, least: float, least_rate: float) -> Finding:
    """Whether at the largest step size decay raises the rate, and the excess risk is below both others."""
    table = descents(result)
    if not len(table):
        return lacking("there is no run")
    rows = table.where(step_size=table["step_size"].max())
    decay = float(rows["weight_decay"].max())
    most, none = ({"weight_decay": each} for each in (decay, 0.0))
    rate, risk = (of_seeds(rows, column, most, alive) for column in ("live_path_rate", "population_error"))
    plain_rate, plain_risk = (
        of_seeds(rows, column, none, alive) for column in ("live_path_rate", "population_error")
    )
    if lacks := fewer(rate - plain_rate, f"with decay {decay:g} and without"):
        return lacking(lacks)
    null = of_seeds(rows, "null_population", most, alive)
    name = f"decay {decay:g}"
    found = {
        "rate": decide.sign(
            rate - plain_rate, Says(name, "keep", "neurons on more examples"),
            "path-weighted rate, with minus without decay", least_rate, at_once=3,
        ),
        "risk": decide.sign(
            decades(plain_risk, risk), Says(name, "have", "less excess risk than none"),
            "log10 of that risk over this one", least, at_once=3,
        ),
        "null": decide.sign(
            decades(null, risk), Says(name, "have", "less excess risk than the best constant"),
            "log10 of that risk over this one", least, at_once=3,
        ),
    }  # fmt: skip
    straight = of_seeds(rows, "linear_population", most, alive)
    numbers = {"excess risk over that of logistic regression, median": median(risk / straight)}
    return together(found, named=False).with_numbers(numbers)


def bound_holds(result: Result) -> Finding:
    """Whether the weighted bending stays below its bound in every run."""
    table = descents(result)
    rows = table.where(outcome="finished") if len(table) else table
    if "verdict" not in rows:
        return lacking("no run finished")
    rows = rows.rows(rows["verdict"] != "inapplicable")
    violated = int(np.sum(rows["verdict"] == "violated"))
    tightness = (rows["bending"] / rows["bound"]).astype(float)
    return decide.inequality(len(rows), violated, "networks at the end of training", tightness)


def sphere_is_flat(result: Result) -> Finding:
    """Whether on the sphere the network with these logits is flat whatever the labels."""
    table = result.of(ClassifierRun).where(outcome="finished").table
    if not len(table):
        return lacking("no classifier was built")
    sharp, bound = table["sharpness"].astype(float), table["uniform_bound"].astype(float)
    beyond = sharp - table["sharpness_residual"] > bound * (1.0 + ROUNDING)
    found = decide.inequality(sharp.size, int(beyond.sum()), "classifiers on the sphere", sharp / bound)
    ratio = median(table["population_error"] / table["null_population"])
    return found.with_numbers({
        **found.numbers, "training loss, median": median(table["train_error"]),
        "excess risk over that of the best constant, median": ratio,
    })  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Draw rates and excess risks against step size and decay."""
    from stepscape.experiments.plane import shattering_logistic_figures as figures

    return {"rates": figures.rates(result), "risks": figures.risks(result)}


def numbers(result: Result) -> Table:
    """Medians over the runs of every step size and decay, and of the classifiers (step size 0)."""
    return medians(
        result.table, ("geometry", "weight_decay", "step_size"), NUMBERS, ("arrived", "at_edge"), every_run
    )


NUMBERS = (
    "train_error", "realized_noise", "design_error", "population_error", "population_error_equal_time",
    "population_error_held_out", "null_population", "linear_population", "sharpness", "edge_ratio",
    "dead_share", "live_rate", "smallest_live_rate", "path_rate", "live_path_rate",
    "live_path_rate_equal_time", "decay_time", "moved", "bending", "bound", "uniform_bound",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "n": 64,
    "dimension": 10,
    "width": 128,
    "amplitude": 6.0,
    "start_sharpness": 0.4,
    "step_sizes": (0.3, 1.0, 3.0),
    "weight_decays": (0.0, 0.01),
    "logit": 4.0,
    "steps": 1500,
    "moments": 4,
    "fresh": 500,
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="shattering-logistic",
    title="With the logistic loss neurons shatter too, and flat says even less",
    claim=(
        "Open question: do flat networks generalize in multivariate classification, where neurons can single "
        "out a few examples and confident predictions make the loss flat?"
    ),
    kind="open question",
    source=(
        "Qiao and Wang (2025), open question 1, multivariate logistic regression; Fazel and Wang, NeurIPS "
        "tutorial 'Training Instability', part 1"
    ),
    setup=(
        "As in `shattering`, with labels drawn from the logit 6·x_1 and a start of sharpness 0.4, below "
        "every threshold. In trials η = 7 killed most neurons. Without decay margins grow for ever "
        "and no run arrives: step sizes are compared at equal steps and at equal time. Sizes were tried on "
        "seeds 1000 to 1002."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 128,
        "width": 256,
        "weight_decays": (0.0, 0.003, 0.01),
        "steps": 6000,
        "moments": 7,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    work=work,
    parts=(
        Part(
            "shattered",
            "Do large step sizes leave neurons that hold few examples?",
            "Without decay, the share of the examples on which a live neuron is active, mean weighted by "
            "|w2|·‖w1‖, at the smallest minus at the largest step size, one value per seed, at the end and "
            "at equal training time. Each is a yes if its interval lies above 0, a no if it excludes "
            f"{{least:g}}; the two are simultaneous. {ALIVE}",
            is_shattered,
            {"least": 0.05},
            primary=True,
        ),
        Part(
            "memorized",
            "Do flat networks memorize noisy labels?",
            "At the largest step size without decay, among the runs with an edge ratio of at most {flat:g}: "
            "the decades by which the training loss lies below that of the truth, at most {floor:g}. Yes if "
            f"the interval of its mean lies above {{decades_below:g}}, no if below. {ALIVE}",
            is_memorized,
            {"decades_below": 1.0, "floor": 3.0, "flat": 0.5},
        ),
        Part(
            "large_steps_help",
            "Does a large step size reduce the excess risk?",
            "Without decay, log10 of the excess risk on fresh inputs at the smallest over that at the "
            "step size, one value per seed, at the end, at equal training time, and each at its best "
            "moment. Each is a yes if its interval lies above 0, a no if it excludes {least:g}; the three "
            f"are simultaneous. {ALIVE}",
            large_steps_help,
            {"least": 0.02},
        ),
        Part(
            "decay_helps",
            "Does weight decay keep the rates, and help?",
            "At the largest step size, with the largest decay: the path-weighted rate minus that without; "
            "and log10 of the excess risk without decay, and of that of the best constant, over this one, "
            "one value per seed. Each is a yes if its interval lies above 0, a no if it excludes "
            f"{{least_rate:g}} or {{least:g}}; the three are simultaneous. {ALIVE}",
            decay_helps,
            {"least": 0.05, "least_rate": 0.05},
        ),
        Part(
            "bound",
            "The weighted bending is bounded by the sharpness",
            "At the end of every run that finished the certificate `weighted` holds: the bending, with the "
            "weight of the inputs by their curvature, is at most (λ_max + ‖R‖)/(2D̄) − ½.",
            bound_holds,
            kind="inequality",
        ),
        Part(
            "sphere",
            "On the sphere a flat network can say anything",
            "The network with the logits y_i times a number at inputs on the unit sphere, whatever the "
            "labels: λ_max is at most ¼ + (2m + 1)√2/n with m = 0.2239, up to its residual.",
            sphere_is_flat,
            kind="inequality",
        ),
    ),
    draw=draw,
    premises={"live_neurons": "neurons that are active on some example: a dead network is flat for nothing"},
    numbers=numbers,
)
