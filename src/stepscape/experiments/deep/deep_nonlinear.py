"""Deep nonlinear networks: whether large steps still select simpler functions, and what depth changes."""

from __future__ import annotations

from functools import partial

from stepscape.experiments.deep.depth_effects import (
    HELD_OUT,
    STILL,
    Array,
    arrived,
    by_layer,
    in_cells,
    left_out,
    of_decay,
    of_step_size,
)
from stepscape.experiments.deep.nonlinear_runs import FLAT, FULL, QUICK, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide
from stepscape.experiments.frame.cells import Asked
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import EDGE, MOST
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.tables.records import Table


def decided(asked: Asked, says: Says, what: str, least: float) -> Finding:
    """Decide on the mean over the cells, and say which were left out."""
    if asked.missing:
        return asked.missing
    return in_part(decide.signs(asked.values, says, what, least=least), left_out(asked.left_out))


def falls(result: Result, column: str, what: str, least: float) -> Finding:
    """Whether a column falls from the smallest to the largest step size."""
    asked = in_cells(result.table, partial(of_step_size, column=column))
    says = Says("larger steps", "lower", what, plural=True)
    return decided(asked, says, f"log of {what}, smallest over largest step size", least)


def strengthens(result: Result, least: float) -> Finding:
    """Whether the effect on the variation grows from layer to layer."""
    asked = by_layer(result.table, partial(of_step_size, column="variation"))
    says = Says("the effect of the step size on ∫|f''|", "grow", "with depth")
    return decided(asked, says, "change of the effect per layer", least)


def spreads(result: Result, least: float) -> Finding:
    """Whether the step size makes more neurons carry the function, the deeper the network is."""

    def effect(rows: Table) -> Array:
        return -of_step_size(rows, "participation")

    asked = by_layer(result.table, effect)
    says = Says("the effective share of neurons under large steps", "grow", "with depth")
    return decided(asked, says, "log of share, largest over smallest step size, per layer", least)


def concentrates(result: Result, least: float) -> Finding:
    """Whether weight decay makes fewer neurons carry the function, the deeper the network is."""
    asked = by_layer(result.table, partial(of_decay, column="participation"))
    says = Says("the concentration on few neurons by weight decay", "grow", "with depth")
    return decided(asked, says, "log of share, without over with decay, per layer", least)


def numbers(result: Result) -> Table:
    """One row per activation, depth, step size and decay: medians over the runs that have arrived."""
    return medians(
        result.table, ("activation", "depth", "edge_share", "decay"),
        ("step_size", "edge_ratio", "loss_rise", "variation", "pieces", "risk", "risk_held_out",
         "participation"),
        ("edge_reached", "alive", "diverged"), arrived,
    )  # fmt: skip


def draw(result: Result) -> dict[str, Drawn]:
    """Functions, effects by depth, and the effective share of the neurons."""
    from stepscape.experiments.deep import deep_nonlinear_figures as figures

    return {
        "functions": figures.functions(result),
        "effects": figures.effects(result),
        "participation": figures.shares(result),
    }


_RUNS = (
    "Runs of one seed have the same start, and the same time Σ η. A run counts if it finishes, its function "
    f"is not constant (its standard deviation is at least {FLAT:g} of that of the labels), and it has "
    f"arrived: λ_max at the midpoint reaches {EDGE[0]:g} of 2/η after the first fifth of the steps, or the "
    "labels are fitted at least as well as by the truth. With the largest step size it must reach the edge. "
)
_CELLS = (
    "Cells are the pairs of an activation and a depth. Yes if the mean over the cells lies above 0 and no "
    "cell below it, no if the mean excludes {least:g} or more and no cell shows one. "
)
_SLOPES = (
    "Its slope over the depths, per layer, for every activation. Yes if the mean over the activations lies "
    "above 0 and none below it, no if the mean excludes {least:g} or more and none shows one. "
)
_STILL = (
    f"With decay it has arrived if f moves by at most {STILL:.0%} of its root mean square in the last "
    "quarter of the steps. "
)
_LEFT = f"A cell that fewer than {MOST:.0%} of the seeds have is left out; a yes then holds in part."

CLAIM = Claim(
    name="deep-nonlinear",
    title="Do large steps select simpler functions in deep nonlinear networks?",
    claim=(
        "For linear networks of depth L flat minima prefer a small ‖·‖ with exponent 2 − 2/L, denser with "
        "depth, and weight decay one with exponent 2/L, sparser with depth. What happens with nonlinear "
        "activations?"
    ),
    kind="open question",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', 'What happens with nonlinear activations? "
        "k > 2?'; Gatmiry et al. (2023) on deep linear networks"
    ),
    setup=(
        "Noisy tent, 20 points on [−1, 1]; networks of 2, 3 and 4 layers of weights with 20 neurons in every "
        "hidden layer. A step size is a share of the one at which the start would be at the edge, so that "
        "every run begins below 2/η and all depths are compared at equal edge. Pilots on seeds from 1000 on."
    ),
    quick=QUICK,
    full=FULL,
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "simpler",
            "Does a larger step size select a function with less variation ∫|f''|?",
            "The logarithm of ∫|f''| of the midpoint network at the smallest step size over that at the "
            "largest, for each seed. " + _CELLS + _RUNS + _LEFT,
            partial(falls, column="variation", what="∫|f''|"),
            {"least": 0.1},
            primary=True,
            needs=nothing_finished,
        ),
        Part(
            "risk",
            "Does it select a function with a smaller risk?",
            "The same of the mean squared error to the truth on a grid. " + _CELLS + _RUNS + _LEFT,
            partial(falls, column="risk", what="the risk"),
            {"least": 0.1},
            needs=nothing_finished,
        ),
        Part(
            "stopped",
            "Is the risk smaller, too, where each run is stopped at its best held-out moment?",
            "The same at the recorded moment whose midpoint fits 200 further examples best. Runs count that "
            "finish with a function that is not constant; they need not have arrived. " + _CELLS + _LEFT,
            partial(falls, column="risk" + HELD_OUT, what="the risk at the best held-out moment"),
            {"least": 0.1},
            needs=nothing_finished,
        ),
        Part(
            "depth",
            "Is the effect of the step size on ∫|f''| stronger in deeper networks?",
            "The effect of the first part. " + _SLOPES + _RUNS + _LEFT,
            strengthens,
            {"least": 0.05},
            needs=nothing_finished,
        ),
        Part(
            "denser",
            "Do large steps spread the function over more neurons as depth grows?",
            "The effective share of the neurons of a layer is (Σ c)²/(k Σ c²), c being the root mean "
            "square change of f when a neuron is held at its mean. The logarithm of its mean over the hidden "
            "layers, at the largest step size over that at the smallest. " + _SLOPES + _RUNS + _LEFT,
            spreads,
            {"least": 0.05},
            needs=nothing_finished,
        ),
        Part(
            "sparser",
            "Does weight decay concentrate the function on fewer neurons as depth grows?",
            "The logarithm of the same share without decay over that with it, at one step size and averaged "
            "over the decays. " + _SLOPES + _RUNS + _STILL + _LEFT,
            concentrates,
            {"least": 0.05},
            needs=nothing_finished,
        ),
    ),
    draw=draw,
    premises={
        "alive": "the function is not constant",
        "edge_reached": "the sharpness comes to the edge, so that the step size acts",
    },
    numbers=numbers,
    by="activation",
)
