"""Single neurons: the learned basis, neurons that die or come back, and errors beyond the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.common.arms import ARM_NAMES, ARMS
from stepscape.experiments.common.step_sizes import BENT, STEP_SIZES
from stepscape.experiments.frame import (
    Claim,
    Drawn,
    Effect,
    Finding,
    Part,
    Result,
    Says,
    decide,
    lacking,
    together,
)
from stepscape.experiments.frame.cells import ask, cells
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.intervals import wilson
from stepscape.experiments.frame.kinds import Answer
from stepscape.experiments.frame.levels import fraction
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import counted, of_runs, percent, sentence
from stepscape.experiments.square.family import ANSWERS, Array, everywhere
from stepscape.experiments.square.neuron_runs import METHOD_NAMES, METHODS, begin, grid, work
from stepscape.tables.records import Table

DESCENT = {"method": "descent"}
PROVED = ("descent", "weight_decay")  # methods with which a dead neuron never moves its knot
CARRIED = tuple(name for name in METHODS if name not in PROVED)
COLUMNS = ("rearranged", "kernel_change", "dead_at_start", "dead_at_end", "died", "ever_dead", "revived",
           "revived_for_good", "alive_beyond", "risk_grid", "risk_beyond", "risk_beyond_without_dead",
           "risk_beyond_without_died", "bent_neurons")  # fmt: skip
WHERE = (
    f" {ANSWERS} Asked of plain descent on every range and at every step size at which at least "
    f"{MOST:.0%} of the runs finish with {BENT}; intervals are simultaneous."
)
QUICK = {
    "truth": "tent",
    "n": 30,
    "noise": 0.5,
    "half_widths": (3.0,),
    "width": 100,
    "step_sizes": (0.05, 0.2),
    "steps": 1000,
    "watched": 60,
    "arms": tuple(ARMS),
    "methods": ("descent", "weight_decay", "heavy_ball", "nesterov"),
    "seeds": 4,
    "first_seed": 0,
}
FULL = {
    **QUICK,
    "half_widths": (3.0, 1.0),
    "width": 1000,
    "steps": 30_000,
    "watched": 300,
    "methods": tuple(METHODS),
    "seeds": 20,
    "first_seed": 100,
}


def of_seeds(rows: Table, column: str) -> Array:
    """Values of a column by seed, at the one step size of the rows; nan where a run does not count."""
    levels = np.unique(rows["step_size"])
    return np.asarray(STEP_SIZES.values(rows, column, levels)[:, 0])


LOST = "most runs diverge or lose nearly all neurons"
HARMLESS = "in most runs no dead neuron is active beyond the data"


def lacks(rows: Table) -> str:
    """Say that few runs count, at any of the step sizes of the rows; "" if most do."""
    levels, counts = np.unique(rows["step_size"]), STEP_SIZES.counts(rows)
    most = all(fraction(counts[rows["step_size"] == level]) >= MOST for level in levels)
    return "" if most else f"{LOST}: {STEP_SIZES.fates(rows)}"


def lacks_dead(rows: Table) -> str:
    """Say that few runs count, or that in most no dead neuron is active beyond the data; "" otherwise."""
    if reason := lacks(rows):
        return reason
    suspects = rows["alive_beyond"][STEP_SIZES.counts(rows)] > 0.0
    return "" if fraction(suspects) >= MOST else HARMLESS


def in_settings(
    found: Mapping[str, Table], contrast: Callable[[Table], Array], says: Says, what: str, least: float,
    at_once: int = 1, lacking_what: Callable[[Table], str] = lacks,
) -> Finding:  # fmt: skip
    """Ask in every setting that lacks nothing; see `family.everywhere`. What is left out is said."""
    asked = ask(found, contrast, lacking_what)
    if asked.missing is not None:
        return asked.missing
    whole = everywhere(asked.values, says, what, least, at_once)
    for reason in (LOST, HARMLESS):
        count = sum(each.startswith(reason) for each in asked.left_out.values())
        whole = in_part(whole, f"{reason} in {counted(count, 'other setting')}" if count else "")
    return whole


def by_setting(result: Result) -> dict[str, Table]:
    """Rows of every range and step size."""
    return cells(result.table, {"half_width": "[−{0:g}, {0:g}]", "step_size": "η = {:g}"})


def basis_is_learned(result: Result, share: float, change: float) -> Finding:
    """Whether most neurons end active on other inputs, and the tangent kernel has changed much."""
    questions = {
        "rearranged": (share, Says("most neurons", "end", "active on other inputs than at the start", True)),
        "kernel_change": (change, Says("the tangent kernel", "change", f"by {change:g} of its norm or more")),
    }
    return together({
        column: in_settings(
            by_setting(result), partial(_above, column=column, limit=limit), says,
            f"{column.replace('_', ' ')} minus {limit:g}", 0.0, len(questions),
        )
        for column, (limit, says) in questions.items()
    }, named=False)  # fmt: skip


def _above(rows: Table, column: str, limit: float) -> Array:
    return of_seeds(rows, column) - limit


def neurons_leave(result: Result, least: float) -> Finding:
    """Whether more neurons are dead at the end than at the start."""
    says = Says("neurons", "leave", "the data for good", plural=True)
    return in_settings(
        by_setting(result), lambda rows: of_seeds(rows, "died"), says, "share of the width", least
    )


def stay_dead(result: Result) -> Finding:
    """Whether any dead neuron became active with a method that cannot move its knot."""
    rows = result.table.where(outcome="finished")
    rows = rows.rows(np.isin(rows["method"], PROVED)) if len(rows) else rows
    if not len(rows) or not np.any(rows["ever_dead"] > 0.0):
        return lacking("no neuron was dead at any iterate")
    return decide.identity(rows["revived"], 0.0, "shares of neurons that came back")


def come_back(result: Result, rare: float) -> Finding:
    """Whether a dead neuron becomes active again with a method that carries it on, one method at a time."""
    tried = [name for name in CARRIED if name in result.settings["methods"]]
    found = {METHOD_NAMES[name]: _seen(result.table, name, rare) for name in tried}
    return together(found)


def _seen(table: Table, method: str, rare: float) -> Finding:
    rows = table.where(outcome="finished", method=method) if len(table) else table
    if not len(rows) or not np.any(rows["ever_dead"] > 0.0):
        return lacking("no neuron was dead at any iterate")
    seeds = np.unique(rows["seed"][rows["ever_dead"] > 0.0])
    flags = [bool(np.any(rows["revived"][rows["seed"] == seed] > 0.0)) for seed in seeds]
    size = wilson(sum(flags), seeds.size)
    answer: Answer = "yes" if any(flags) else "no" if size.high < rare else "undecided"
    says = Says("seeds with a dead neuron", "have", "a run in which one comes back", plural=True)
    text = f"{of_runs(sum(flags), seeds.size, says)}: {percent(size)}"
    largest = float(rows["revived"].max())
    return Finding(
        answer, sentence(text), Effect("share of seeds", size), {"largest share of the width": largest}
    )


def culprits(result: Result, least: float) -> Finding:
    """Whether the error beyond the data is smaller without the dead neurons."""
    says = Says("the network", "err", "less beyond the data without its dead neurons")

    def saved(rows: Table) -> Array:
        kinds = (of_seeds(rows, f"risk_beyond{name}") for name in ("", "_without_dead"))
        decades = np.asarray(np.subtract(*map(np.log10, kinds)))
        return np.where(of_seeds(rows, "alive_beyond") > 0.0, decades, np.nan)

    what = "decades of the error saved"
    return in_settings(by_setting(result), saved, says, what, least, lacking_what=lacks_dead)


def larger_steps(result: Result, least: float) -> Finding:
    """Whether the error beyond the data is smaller at the largest step size than at the smallest."""
    etas = np.unique(result.table["step_size"])[[0, -1]]
    rows = result.table
    ranges = cells(rows.rows(np.isin(rows["step_size"], etas)), {"half_width": "[−{0:g}, {0:g}]"})
    says = Says("the network", "err", "less beyond the data at the largest step size than at the smallest")

    def saved(rows: Table) -> Array:
        risk = STEP_SIZES.values(rows, "risk_beyond", etas)
        return np.asarray(np.log10(risk[:, 0]) - np.log10(risk[:, 1]))

    return in_settings(ranges, saved, says, "decades of the error, smallest η over largest", least)


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the basis before and after, and what became of dead neurons."""
    from stepscape.experiments.square import feature_learning_figures as figures

    return {"basis": figures.basis(result), "dead": figures.dead_neurons(result)}


def _part(name: str, words: str, rule: str, judge: Callable[..., Finding], **more: Any) -> Part:
    return Part(name, words, rule + WHERE, judge, where=DESCENT, by="arm", **more)


CLAIM = Claim(
    name="feature-learning",
    title="Feature learning: the basis, neurons that die, and what they do beyond the data",
    claim=(
        "Descent learns the basis: neurons are rearranged and pushed out of the support of the data; "
        "dead ones never recover, but are active beyond the data, where they are culprits of nonrobustness."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'only a few neurons are active!', 'pushing "
        "neurons out of data support', 'will never recover' and 'Culprits of nonrobustness'"
    ),
    setup=(
        "The tent with noise 0.5 at 30 inputs, three starts, five methods with the same step sizes: momentum "
        "is 0.9, weight decay 0.001. Iterates are looked at one by one at the beginning and the end, and at "
        "logarithmic steps between. Beyond the data means up to twice the range. Trials had the seed 1000."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        _part(
            "learned",
            "Descent learns the basis",
            "Two numbers must be exceeded: {share:g} of the width by the neurons that end active on other "
            "inputs than at the start, and {change:g} by ‖K_T − K_0‖/‖K_0‖, with K the tangent kernel of the "
            "inputs. An interval says yes if it lies above, no if below.",
            basis_is_learned,
            constants={"share": 0.5, "change": 0.5},
            primary=True,
        ),
        _part(
            "leave",
            "Neurons leave the data",
            "The share of the neurons that are active on some input at the start and on none at the end lies "
            "above 0; no if the interval excludes {least:.0%} of the width.",
            neurons_leave,
            constants={"least": 0.01},
        ),
        Part(
            "stay_dead",
            "With plain descent and with weight decay, dead neurons stay dead: an identity",
            "A dead neuron has no gradient; weight decay shrinks w1 and b1 by one factor, so that its knot "
            "stays where it is. So this tests the program: in no run is a neuron active at an iterate after "
            "one in which it was dead.",
            stay_dead,
            kind="identity",
            needs=nothing_finished,
        ),
        Part(
            "come_back",
            "Do dead neurons come back with momentum?",
            "For heavy ball, Nesterov, and heavy ball with weight decay: yes if in some run a neuron is "
            "active at an iterate after one in which it was dead; no if no seed has such a run, and the "
            "interval of their share, among the seeds that had a dead neuron, lies below {rare:g}.",
            come_back,
            {"rare": 0.2},
            kind="open question",
            needs=nothing_finished,
        ),
        _part(
            "culprits",
            "Are dead neurons the culprits beyond the data?",
            "log10 of the mean squared error beyond the data over the same without the dead neurons, which "
            "changes nothing at the inputs. Yes if it lies above 0, no if the interval excludes {least:g} "
            "decades. Only runs with dead neurons that are active beyond the data answer, and only settings "
            f"in which at least {MOST:.0%} of the runs are such.",
            culprits,
            constants={"least": 0.05},
            kind="open question",
        ),
        _part(
            "larger_steps",
            "Do larger steps err less beyond the data?",
            "log10 of the mean squared error beyond the data at the smallest over that at the largest step "
            "size; {least:g} decades count. A range is asked about only if most runs count at both.",
            larger_steps,
            constants={"least": 0.05},
            kind="open question",
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: otherwise no basis was learned",
        "ever_dead": "some neuron was dead at some iterate",
        "alive_beyond": "some dead neurons are active beyond the data",
    },
    numbers=lambda result: medians(
        result.table, ("half_width", "arm", "method", "step_size"), COLUMNS, (), STEP_SIZES.counts
    ),
    by="arm",
    names=ARM_NAMES,
)
