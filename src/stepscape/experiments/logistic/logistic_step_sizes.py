"""Logistic descent against the step size: the functions, their sharpness, their excess risk."""

from __future__ import annotations

from functools import partial

import numpy as np

from stepscape.experiments.common.moments import MOMENTS
from stepscape.experiments.common.step_sizes import STEP_SIZES
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.cells import Asked, cells
from stepscape.experiments.frame.contrasts import Array, sides_of_u
from stepscape.experiments.frame.intervals import Interval
from stepscape.experiments.frame.levels import fraction, median
from stepscape.experiments.frame.limits import EDGE, NEARLY_ALL
from stepscape.experiments.frame.sentences import interval
from stepscape.experiments.logistic.cells import (
    CELLS,
    REGIONS,
    WHEN,
    WHERE,
    asked,
    intervals,
    logarithmic,
    pooled,
    saved,
    share_at,
    signs,
    with_iterates,
    with_shares,
)
from stepscape.experiments.logistic.edge import (
    PREMISES,
    arrived,
    at_edge,
    on_line,
    started_beyond,
    where_most,
)
from stepscape.experiments.logistic.runs import FULL, QUICK, begin, grid, work
from stepscape.tables.records import Table

NEVER_THERE = "at too few step sizes do most runs start beyond the edge or come up to it"
NO_EDGE = "at too few step sizes do most runs end on the line 2/η"
SIMPLER = {
    "weighted_tv": "less weighted variation ∫|f''|g",
    "tv_interior": "less variation in the interior",
    "pieces": "fewer linear pieces",
}
RATIO = "log10 of a ratio, smallest over largest step size"
OVER_BEST = "log10 of a ratio, largest over best step size"
SIDES = ("smallest over best step size", "largest over best step size")


def edge(result: Result, low: float, high: float, least: int, nearly_all: float) -> Finding:
    """Whether the runs that could be on the line 2/η are on it."""
    table = result.table
    could = started_beyond(table) | arrived(table)
    at = [where_most(rows, started_beyond(rows) | arrived(rows)) for rows in cells(table, CELLS).values()]
    if max(map(len, at), default=0) < least:
        return lacking(NEVER_THERE)
    on, beyond, ratio = on_line(table, low, high), started_beyond(table), table["edge_ratio"]
    found = decide.share(on[could], Says("runs", "end", "on the line 2/η"), nearly_all, table["seed"][could])
    return found.with_numbers({
        "runs that start beyond 2/η": int(beyond.sum()),
        "of these, share that ends on it": fraction(on[beyond]),
        "of these, share that ends above it": fraction(ratio[beyond] > high),
        "runs that come up to it": int(arrived(table).sum()),
        "of these, share on it": fraction(on[arrived(table)]),
        "λ_max·η/2, median": median(ratio[could]),
        "directional smoothness·η/2, median": median(table["smoothness_ratio"][could]),
        **_by_octave(table, on),
    })  # fmt: skip


def _by_octave(table: Table, on: np.ndarray) -> dict[str, float]:
    """Share on the line of the runs that count, for each factor of 2 of the step size."""
    works, top = STEP_SIZES.counts(table), float(table["step_size"].max())
    octave = np.floor(np.log2(top / table["step_size"]) + 1e-9)
    return {
        f"share on it, η above {top / 2 ** (k + 1):.3g} up to {top / 2**k:.3g}": fraction(
            on[works & (octave == k)]
        )
        for k in np.unique(octave[works])
    }


def lacks_edge(rows: Table, least: int = 3) -> str:
    """Say that a cell has too few step sizes at the edge."""
    return STEP_SIZES.lacks(rows) or ("" if len(at_edge(rows)) >= least else NO_EDGE)


def simpler(result: Result, step_sizes: int, least: float) -> Finding:
    """Whether the function is simpler at the largest than at the smallest step size at the edge."""
    found = {
        words: signs(
            result.table, partial(_saved_at_edge, column=column),
            Says("larger steps", "give", words, plural=True), RATIO, least, len(SIMPLER),
            partial(lacks_edge, least=step_sizes),
        )
        for column, words in SIMPLER.items()
    }  # fmt: skip
    return together(found, named=False)


def _saved_at_edge(rows: Table, column: str) -> Array:
    return saved(rows, column, at_edge(rows))


def u_shape(result: Result, least: float) -> Finding:
    """Whether the excess risk falls and rises again, by region."""
    found = {WHERE[region]: _u(result.table, region, least) for region in REGIONS}
    return together(found, named=False)


def _u(table: Table, region: str, least: float) -> Finding:
    """Decide on the smaller side, seed by seed: a side in one cell and a side in another do not make a U."""
    column = f"excess_risk{REGIONS[region]}"
    says = Says("the excess risk", "be", f"U-shaped {WHERE[region]}")
    what = "log10 of a ratio to the best step size, the smaller side"
    found = signs(table, lambda rows: np.minimum(*over_best(rows, column)), says, what, least, len(REGIONS))
    sides = {name: asked(table, partial(_side, column=column, side=i)) for i, name in enumerate(SIDES)}
    return found.with_numbers({name: interval(pooled(each)) for name, each in sides.items()})


def _side(rows: Table, column: str, side: int) -> Array:
    return over_best(rows, column)[side]


def over_best(rows: Table, column: str) -> tuple[Array, Array]:
    """log10 of a column (seeds,) at the smallest and at the largest working step size over the best."""
    return sides_of_u(STEP_SIZES.values(logarithmic(rows, column), column))


def helps(result: Result, least: float) -> Finding:
    """Whether the largest step size has less excess risk in the interior at three moments."""
    found = {
        when: signs(
            result.table, partial(saved, column=f"excess_risk_interior{suffix}"),
            Says("large steps", "have", f"less excess risk {when}", plural=True), RATIO, least, len(WHEN),
        )
        for suffix, when in WHEN.items()
    }  # fmt: skip
    return together(found, named=False)


def averaging(result: Result, least: float) -> Finding:
    """Whether the excess risk of the mean of two iterates rises like that of one, by region."""
    table = with_iterates(result.table)
    found = {
        WHERE[region]: _survives(table, f"excess_risk{suffix}", WHERE[region], least)
        for region, suffix in REGIONS.items()
        if f"excess_risk{suffix}_iterates" in table
    }
    return together(found, named=False)


def _survives(table: Table, column: str, where: str, least: float) -> Finding:
    rise = Says("the excess risk of the mean of two iterates", "rise", where)
    alone = signs(table, lambda rows: over_best(rows, f"{column}_iterates")[1], rise, OVER_BEST, least, 1)
    if alone.answer != "yes":
        return lacking(f"the excess risk of the single iterates does not rise {where}")
    return signs(table, lambda rows: over_best(rows, column)[1], rise, OVER_BEST, least, len(REGIONS))


def boundary_share(result: Result, half: float, least: float) -> Finding:
    """Whether most of the excess risk lies outside the interior at large steps, and more than at small."""
    table = with_shares(result.table)
    large, small = (partial(share_at, end=end) for end in (-1, 0))
    ask = partial(signs, table, what="difference of shares", least=least, at_once=2)
    most = Says("most of the excess risk", "lie", "outside the interior at the largest step size")
    more = Says("a larger share of it", "lie", "there than at the smallest step size")
    found = {
        "more than half": ask(lambda rows: large(rows) - half, says=most),
        "a larger share": ask(lambda rows: large(rows) - small(rows), says=more),
    }
    shares = {"smallest": pooled(asked(table, small)), "largest": pooled(asked(table, large))}
    return together(found, named=False).with_numbers({
        "share of the inputs outside, median": median(table["outside_inputs"]),
        **{f"share at the {name} step size": interval(each) for name, each in shares.items()},
    })  # fmt: skip


def numbers(result: Result) -> Table:
    """Return what the largest step size saves at every moment, and at the edge in the end."""
    moments = [suffix for suffix in MOMENTS if f"excess_risk{suffix}" in result.table]
    rows = []
    for region in ("interior", "everywhere"):
        columns = {suffix: f"excess_risk{REGIONS[region]}{suffix}" for suffix in moments}
        for suffix, column in columns.items():
            found = asked(result.table, partial(saved, column=column))
            rows.append(
                {"moment": MOMENTS[suffix].words, "region": region, "step sizes": "all", **_row(found)}
            )
        found = asked(result.table, partial(_saved_at_edge, column=columns.get("", "")), lacks_edge)
        rows.append(
            {"moment": MOMENTS[""].words, "region": region, "step sizes": "at the edge", **_row(found)}
        )
    return Table.from_records(rows)


def _row(found: Asked) -> dict[str, float]:
    """Write the interval of the mean over the cells."""
    size = pooled(found)
    return {"saved": size.mean, "low": size.low, "high": size.high, "seeds": size.count}


def draw(result: Result) -> dict[str, Drawn]:
    """Draw functions, sharpness, loss, simplicity, excess risk, and what large steps save."""
    from stepscape.experiments.logistic import logistic_step_sizes_figures as figures

    return {
        "functions": figures.functions(result),
        "sharpness": figures.sharpness(result.table),
        **{name: figures.by_moment(result.table, name) for name in figures.BY_MOMENT},
        "excess-by-region": figures.regions(result.table),
        "iterates": figures.iterates(result.table),
        "help": figures.helped(help_intervals(result)),
    }


def help_intervals(result: Result) -> dict[str, dict[str, Interval]]:
    """Moment → cell → what the largest step size saves of the excess risk in the interior."""
    moments = [suffix for suffix in MOMENTS if f"excess_risk{suffix}" in result.table]
    found = {
        suffix: asked(result.table, partial(saved, column=f"excess_risk_interior{suffix}"))
        for suffix in moments
    }
    return {MOMENTS[suffix].words: intervals(each, len(WHEN)) for suffix, each in found.items()}


_CELLS = (
    "Every cell and the mean over the cells have intervals, paired by seed and simultaneous: yes if the "
    "mean lies above 0 and no cell below, no if the mean excludes "
)

CLAIM = Claim(
    name="logistic-step-sizes",
    title="Logistic loss: what a large step size does to the function and its excess risk",
    claim=(
        "Does gradient descent with a large step size prefer simple functions with the logistic loss too? "
        "'Empirically, kinda yes': λ_max settles at 2/η, the functions become simpler, and they have less "
        "excess risk inside the region where the truth is uncertain."
    ),
    kind="figure",
    source=(
        "Qiao and Wang (2025), Figure 2 and experiments; Fazel and Wang, NeurIPS tutorial 'Training "
        "Instability', part 2"
    ),
    setup=(
        "The paper prints 400 neurons, the default initialization and constant step sizes 0.01, 0.02, …, "
        "1.2; 100 jittered inputs on [−1, 1] and 30 000 steps are ours. The logit is a sine of amplitude 1, "
        "2 or 4, and labels are flipped with probability 0, 0.1 or 0.2: nine cells. The cells of a seed "
        "share inputs, uniform numbers and start. Excess risk refers to the law with flips. Step sizes "
        "within 10 % of the largest are pooled."
    ),
    quick=QUICK,
    full={
        **FULL,
        "amplitudes": (1.0, 2.0, 4.0),
        "flip_rates": (0.0, 0.1, 0.2),
        "step_sizes": tuple(float(eta) for eta in (np.arange(1, 121) / 100).round(2)),
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "edge",
            "λ_max ends on the line 2/η",
            "A run ends on the line if λ_max·η/2, averaged over both iterates and the records of the last "
            "half of its steps, lies between {low:g} and {high:g}. The rule asks about the runs that start "
            "beyond 2/η and those that come up to it in the first half of their steps, if in some cell most "
            "runs do so at {least:d} step sizes or more: yes if {nearly_all:.0%} of them end on the line, "
            "no if the interval of the share lies below one half.",
            edge,
            {"low": EDGE[0], "high": EDGE[1], "least": 3, "nearly_all": NEARLY_ALL},
            primary=True,
        ),
        Part(
            "simpler",
            "At the edge, larger steps give simpler functions",
            "A step size is at the edge if most of its runs end on the line; {step_sizes:d} such step sizes "
            "are needed. The value is log10 of ∫|f''|g, of the variation in the interior, or of the number "
            "of pieces, at the smallest step size at the edge over that at the largest. "
            + _CELLS
            + "{least:g} or more.",
            simpler,
            {"step_sizes": 3, "least": 0.05},
            reads=("weighted_tv", "tv_interior", "pieces"),
        ),
        Part(
            "u_shape",
            "The excess risk is U-shaped",
            "The two sides of the U are log10 of the excess risk at the end of training, at the smallest "
            "and at the largest step size over that at the best one, which is chosen for each seed on the "
            "other seeds. The value is the smaller side, seed by seed, because a U has both. "
            + _CELLS
            + "{least:g} or more. Asked by region.",
            u_shape,
            {"least": 0.05},
            reads=("excess_risk_interior", "excess_risk_boundary"),
        ),
        Part(
            "help",
            "Large steps have less excess risk in the interior",
            "The value is log10 of the excess risk in the interior at the smallest step size over that at "
            "the largest: at the end of training, at equal time, and with every run stopped at its best "
            "held-out moment. " + _CELLS + "{least:g} or more.",
            helps,
            {"least": 0.05},
            reads=("excess_risk_interior",),
        ),
        Part(
            "averaging",
            "The rise survives the mean of two iterates",
            "If the excess risk of the single iterates rises (its mean over all cells lies above 0 and no "
            "cell below), so does that of their mean. The value is log10 of the excess risk at the largest "
            "step size over that at the best. " + _CELLS + "{least:g} or more. Asked by region.",
            averaging,
            {"least": 0.05},
            reads=("excess_risk_last", "excess_risk_before"),
        ),
        Part(
            "boundary_share",
            "Most of the excess risk lies outside the interior",
            "Of the excess risk over all inputs at the end of training, more than {half:.0%} lies outside "
            "the interior at the largest step size, and a larger share than at the smallest. "
            + _CELLS
            + "{least:g} or more.",
            boundary_share,
            {"half": 0.5, "least": 0.1},
            reads=("interior_share",),
        ),
    ),
    draw=draw,
    premises={
        "bent_neurons": "some neurons bend among the data: a dead network is flat for a reason of its own",
        **PREMISES,
        "optimized_interior": (
            "the network fits the labels of the interior at least as well as the truth does"
        ),
        "largest_logit": "the logits stay bounded, as the theorem on the excess risk supposes",
    },
    numbers=numbers,
)
