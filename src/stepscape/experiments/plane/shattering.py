"""Large steps leave neurons that hold few examples, and these memorize; weight decay prevents it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, seeds
from stepscape.experiments.frame.contrasts import rank_correlations
from stepscape.experiments.frame.finding import together
from stepscape.experiments.frame.levels import median
from stepscape.experiments.frame.limits import EDGE
from stepscape.experiments.frame.medians import medians
from stepscape.experiments.frame.settings import Settings
from stepscape.experiments.plane.pairs import COUNTS, Array, Mask, counted, decades, fewer, of_seeds
from stepscape.experiments.plane.runs import begin, plane_sweep, work
from stepscape.experiments.plane.spec import PlaneRun
from stepscape.experiments.plane.starts import START_WORDS
from stepscape.tables.records import Table

CLIP = 50.0  # gradients of the starts above the edge: without it their first steps diverge
MOMENTS = {"": "at the end", "_equal_time": "at equal time", "_held_out": "at the best held-out moment"}


def grid(settings: Settings) -> list[PlaneRun]:
    """Every step size without decay from every start, and with decay from the matched one."""
    etas = sorted(settings["step_sizes"])
    plain = [{"start": start, "clip": 0.0 if start == "matched" else CLIP} for start in settings["starts"]]
    runs = partial(
        plane_sweep, PlaneRun, settings, step_size=etas, common_time=etas[0] * settings["steps"],
        seed=seeds(settings),
    )  # fmt: skip
    decays = [decay for decay in settings["weight_decays"] if decay > 0.0]
    return [*runs(arm=plain, weight_decay=0.0), *runs(start="matched", clip=0.0, weight_decay=decays)]


def plain(table: Table, start: str = "matched") -> Table:
    """Return the runs of a start without decay."""
    return table.where(start=start, weight_decay=0.0)


def levels(table: Table, column: str) -> tuple[Array, Array]:
    """Return the step sizes and the values (seeds, step sizes) of the runs that count."""
    etas = np.unique(table["step_size"])
    return etas, np.column_stack([of_seeds(table, column, {"step_size": eta}) for eta in etas])


def is_shattered(result: Result, least: float) -> Finding:
    """Whether live neurons hold fewer examples at the largest step size, and along all step sizes."""
    etas, rates = levels(result.table, "live_path_rate")
    change = rates[:, 0] - rates[:, -1]
    ends = f"η = {etas[0]:g} and {etas[-1]:g}"
    if lacks := fewer(change, f"at both {ends}"):
        return lacking(lacks)
    at_once = 2 * len(result.settings["starts"])
    found = {
        "ends": decide.sign(
            change, Says("the path-weighted rate of the live neurons", "fall", f"between {ends}"),
            "rate at the smallest minus at the largest step size", least, at_once=at_once,
        ),
        "trend": decide.sign(
            -rank_correlations(rates, etas), Says("the rate", "fall", "along the step sizes"),
            "rank correlation with the sign turned", at_once=at_once,
        ),
    }  # fmt: skip
    return together(found, named=False).with_numbers({
        f"η = {eta:g}: path-weighted rate, median": median(column)
        for eta, column in zip(etas, rates.T, strict=True)
    })  # fmt: skip


def largest(table: Table) -> Table:
    """Return the runs at the largest step size."""
    return table.where(step_size=table["step_size"].max())


def is_memorized(result: Result, decades_below: float, floor: float) -> Finding:
    """Whether at the largest step size the labels are memorized, at the edge of stability."""
    rows = largest(result.table)
    ratio = of_seeds(rows, "train_error", {}) / of_seeds(rows, "realized_noise", {})
    edge = of_seeds(rows, "edge_ratio", {})
    below = -np.log10(np.clip(ratio, 10.0**-floor, None))
    flat = np.where((edge >= EDGE[0]) & (edge <= EDGE[1]), below, np.nan)
    if lacks := fewer(flat, f"and end at the edge at η = {rows['step_size'][0]:g}"):
        return lacking(lacks)
    says = Says("networks at the edge", "memorize", "their labels", plural=True)
    what = f"decades by which the training error lies below the noise, {floor:g} at most"
    found = decide.at_least(flat, decades_below, says, what, at_once=len(result.settings["starts"]))
    return found.with_numbers({"edge ratio, median": median(edge)})


def large_steps_help(result: Result, least: float) -> Finding:
    """Whether the population error is smaller at the largest step size, at each of three moments."""
    found = {}
    for suffix, when in MOMENTS.items():
        etas, errors = levels(result.table, f"population_error{suffix}")
        gain = decades(errors[:, 0], errors[:, -1])
        if lacks := fewer(gain, f"at both η = {etas[0]:g} and {etas[-1]:g}"):
            return lacking(lacks)
        says = Says(f"{when} the largest step size", "have", "less population error")
        what = "log10 of the error at the smallest over that at the largest"
        found[when] = decide.sign(gain, says, what, least, at_once=len(MOMENTS))
    return together(found, named=False)


def keeps_rates(result: Result, least: float) -> Finding:
    """Whether at the largest step size neurons hold more examples with decay than without."""
    rows = largest(result.table)
    decay = float(rows["weight_decay"].max())
    change = of_seeds(rows, "live_path_rate", {"weight_decay": decay}) - of_seeds(
        rows, "live_path_rate", {"weight_decay": 0.0}
    )
    if lacks := fewer(change, f"with decay {decay:g} and without"):
        return lacking(lacks)
    says = Says(f"decay {decay:g}", "keep", "neurons on more examples")
    return decide.sign(change, says, "path-weighted rate, with minus without decay", least)


def learns(result: Result, least: float) -> Finding:
    """Whether with decay the population error is below that without, and below that of a constant."""
    rows = largest(result.table)
    decay = float(rows["weight_decay"].max())
    error = of_seeds(rows, "population_error", {"weight_decay": decay})
    if lacks := fewer(error, f"with decay {decay:g}"):
        return lacking(lacks)
    others = {
        "the same step size without decay": of_seeds(rows, "population_error", {"weight_decay": 0.0}),
        "the best constant": of_seeds(rows, "null_population", {"weight_decay": decay}),
    }
    found = {
        name: decide.sign(
            decades(other, error), Says(f"decay {decay:g}", "have", f"less error than {name}"),
            "log10 of that error over this one", least, at_once=len(others),
        )
        for name, other in others.items()
    }  # fmt: skip
    straight = of_seeds(rows, "linear_population", {"weight_decay": decay})
    numbers = {"error over that of least squares, median": median(error / straight)}
    return together(found, named=False).with_numbers(numbers)


def dies_in_a_catapult(result: Result, least: float) -> Finding:
    """Whether at the largest step size starts above the edge leave more dead neurons than the matched one."""
    rows = largest(result.table.where(weight_decay=0.0))
    starts = [start for start in result.settings["starts"] if start != "matched"]
    dead = {
        start: of_seeds(rows, "dead_share", {"start": start}, _finished) for start in (*starts, "matched")
    }
    found = {START_WORDS[start]: dead[start] - dead["matched"] for start in starts}
    if not found or (lacks := fewer(np.mean(list(found.values()), axis=0), "from every start")):
        return lacking(lacks if found else "there is one start only")
    says = Says("starts above the edge", "leave", "more dead neurons", plural=True)
    return decide.signs(found, says, "dead share minus that of the matched start", least).with_numbers({
        f"{START_WORDS[start]}: dead share, median": median(values) for start, values in dead.items()
    })  # fmt: skip


def _finished(table: Table) -> Mask:
    return np.asarray(table["outcome"] == "finished")


def draw(result: Result) -> dict[str, Drawn]:
    """Rates against step size and decay, the activation histogram, and the errors."""
    from stepscape.experiments.plane import shattering_figures as figures

    return {
        "rates": figures.rates(result),
        "histogram": figures.histogram(result),
        "errors": figures.errors(result),
    }


NUMBERS = (
    "train_error", "realized_noise", "design_error", "population_error", "population_error_equal_time",
    "population_error_held_out", "null_population", "linear_population", "sharpness", "edge_ratio",
    "dead_share", "live_rate", "smallest_live_rate", "path_rate", "live_path_rate", "decay_time",
)  # fmt: skip
QUICK: dict[str, Any] = {
    "n": 64,
    "dimension": 10,
    "width": 128,
    "amplitude": 3.0,
    "noise": 1.0,
    "start_sharpness": 2.0,
    "starts": ("matched", "torch", "he"),
    "step_sizes": (0.2, 0.5, 0.9),
    "weight_decays": (0.0, 0.03),
    "steps": 1500,
    "moments": 4,
    "fresh": 500,
    "seeds": 4,
    "first_seed": 200,
}

CLAIM = Claim(
    name="shattering",
    title="At large step sizes neurons hold few examples, and memorize them",
    claim=(
        "In high dimension networks at the edge of stability are flat and still memorize noisy labels: their "
        "neurons are pushed to where each singles out a few examples (neural shattering), which weight decay "
        "prevents."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 1, 'Neural shattering'; Liang, Qiao, "
        "Wang and Parhi (2025)"
    ),
    setup=(
        "Uniform inputs in the ball, a linear truth three times as large as the published one, so that there "
        "is something to learn. The matched start has a sharpness of 2, below every threshold, and so no "
        "catapult; the other two have gradients clipped at 50. Decay is 0.03 at most: 0.1 shrinks the "
        "network to nothing at this dimension. Sizes were tried on seeds 1000 to 1002."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "n": 128,
        "width": 256,
        "step_sizes": (0.1, 0.2, 0.5, 0.9),
        "weight_decays": (0.0, 0.01, 0.03),
        "steps": 6000,
        "moments": 7,
        "fresh": 2000,
        "seeds": 20,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "shattered",
            "Large step sizes leave neurons that hold few examples",
            "Without decay, from each start, the mean share of the examples on which a live neuron is "
            "active, weighted by |w2|·‖w1‖: at the smallest minus at the largest step size, and its rank "
            "correlation with the step size, one value per seed. Yes if both intervals say that it falls, no "
            f"if the first excludes {{least:g}}. Intervals are simultaneous over starts. {COUNTS}",
            is_shattered,
            {"least": 0.05},
            primary=True,
            where={"weight_decay": 0.0},
            by="start",
            literal="torch",
        ),
        Part(
            "memorized",
            "Flat networks memorize noisy labels",
            "From each start, at the largest step size without decay, among the runs with an edge ratio from "
            f"{EDGE[0]:g} to {EDGE[1]:g}: the decades by which the training error lies below the mean of ε², "
            "at most {floor:g}. Yes if the interval of its mean lies above {decades_below:g}, no if below. "
            f"Intervals are simultaneous over starts. {COUNTS}",
            is_memorized,
            {"decades_below": 1.0, "floor": 3.0},
            where={"weight_decay": 0.0},
            by="start",
            literal="torch",
        ),
        Part(
            "large_steps_help",
            "Does a large step size reduce the error?",
            "From the matched start without decay, log10 of the population error at the smallest over that "
            "at the largest step size, one value per seed, at the end, at equal training time, and each at "
            "its best held-out moment. Each is a yes if its interval lies above 0, a no if it excludes "
            f"{{least:g}}; the three are simultaneous. {COUNTS}",
            large_steps_help,
            {"least": 0.02},
            kind="open question",
            where={"start": "matched", "weight_decay": 0.0},
        ),
        Part(
            "decay_keeps_rates",
            "Weight decay keeps neurons on many examples",
            "From the matched start at the largest step size, the path-weighted rate of the live neurons "
            "with the largest decay minus that without, one value per seed: yes if its interval lies above "
            f"0, no if it excludes {{least:g}}. {COUNTS}",
            keeps_rates,
            {"least": 0.05},
            where={"start": "matched"},
        ),
        Part(
            "decay_learns",
            "With weight decay the network learns",
            "From the matched start at the largest step size, log10 of the population error without decay, "
            "and of that of the best constant, over that with the largest decay, one value per seed. Each is "
            "a yes if its interval lies above 0, a no if it excludes {least:g}; the two are simultaneous. "
            f"{COUNTS}",
            learns,
            {"least": 0.05},
            where={"start": "matched"},
        ),
        Part(
            "catapult",
            "Dead neurons are the work of the start",
            "At the largest step size without decay, the share of dead neurons from each start above the "
            "edge minus that from the matched start, one value per seed: yes if the interval of the mean "
            "the starts lies above 0, and no start below, no if it excludes {least:g}. Every run that "
            "finished counts.",
            dies_in_a_catapult,
            {"least": 0.1},
        ),
    ),
    draw=draw,
    premises={
        "arrived": "λ_max and the predictions have stopped moving, and decay has had the time to act",
        "live_neurons": "neurons that are active on some example: a dead network is flat for nothing",
    },
    numbers=lambda result: medians(
        result.table, ("start", "weight_decay", "step_size"), NUMBERS, ("arrived", "at_edge"), counted
    ),
    by="start",
    names=START_WORDS,
)
