"""Rates: a network against the kernels on the hardest sequence of targets, and on a fixed one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.certificates.rate_runs import METHODS, QUICK, begin, grid, work
from stepscape.experiments.frame import Claim, Drawn, Finding, Part, Result, Says, decide, lacking, together
from stepscape.experiments.frame.contrasts import slopes
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.levels import Levels, fraction
from stepscape.experiments.frame.limits import MOST
from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.experiments.frame.sentences import listed
from stepscape.tables.number import short
from stepscape.tables.records import Table

Array = NDArray[np.float64]
KERNELS = {"ntk": "its own tangent kernel", "spline": "the cubic spline"}
SIZES = Levels("n", "sizes", "n")
NAMES = {"bump": "the hardest sequence", "tent": "a fixed tent"}


def by_size(table: Table, column: str) -> tuple[Array, Array]:
    """Values (seeds, sizes) of a column, and the sizes."""
    if column not in table:
        return np.empty((0, 0)), np.empty(0)
    every = np.unique(table["n"]).astype(float)
    return SIZES.values(table, column, every), every


def is_ahead(result: Result, least: float, column: str = "ratio") -> Finding:
    """Whether the network has less risk than both kernels at the largest size."""
    found = {}
    for kernel, words in KERNELS.items():
        values, sizes = by_size(result.table, f"{column}_{kernel}")
        if not sizes.size:
            return lacking("no run finished")
        if fraction(np.isfinite(values[:, -1])) < MOST:
            return lacking(f"most runs diverge at the largest size, n = {sizes[-1]:g}")
        says = Says("the network", "have", f"less risk than {words}")
        what = f"decades, kernel over network, n = {sizes[-1]:g}"
        found[kernel] = decide.sign(values[:, -1], says, what, least, at_once=len(KERNELS))
    return together(found, named=False)


def grows(result: Result, least: float) -> Finding:
    """Whether the ratio of the risks grows with n."""
    found = {}
    for kernel, words in KERNELS.items():
        values, sizes = by_size(result.table, f"ratio_{kernel}")
        if not sizes.size:
            return lacking("no run finished")
        rates = slopes(10.0**values, sizes)
        says = Says(f"the risk of {words} over that of the network", "grow", "with n")
        found[kernel] = decide.sign(rates, says, "power of n", least, at_once=len(KERNELS))
    return together(found, named=False)


def kernels_are_slow(result: Result, power: float, until: float) -> Finding:
    """Whether the risk of the kernels falls no faster than n^power."""
    found = {}
    for kernel, words in KERNELS.items():
        values, sizes = by_size(result.table, f"risk_{kernel}")
        if not sizes.size:
            return lacking("no run finished")
        says = Says(f"the risk of {words}", "fall", f"no faster than n^({short(power)})")
        found[kernel] = decide.slope(
            slopes(values, sizes), power, says, "power of n", until=until, at_once=len(KERNELS)
        )
    return together(found, named=False)


def network_is_fast(result: Result, power: float, logs: float) -> Finding:
    """Whether the risk of the network falls like n^power or faster, where it fits as the theorem supposes."""
    table = result.table
    if "risk_network" not in table:
        return lacking("no run finished")
    fits = table["fits"].astype(float) == 1.0
    if fraction(fits) < MOST:
        return lacking("most networks fit the labels of the interior worse than the truth does")
    every = np.unique(table["n"])
    short_of = [n for n in every if fraction(fits[table["n"] == n]) < MOST]
    values, sizes = by_size(table.rows(fits & ~np.isin(table["n"], short_of)), "risk_network")
    says = Says("the risk of the network", "fall", f"like n^({short(power)}) or faster")
    beyond = power + logs / np.log(sizes[0])
    found = decide.slope(slopes(values, sizes), power, says, "power of n", beyond=beyond)
    left_out = f"left out n = {listed(short_of)}, where most networks fit worse than the truth"
    found = in_part(found, left_out if short_of else "")
    return found.with_numbers({"share of networks that fit as well as the truth": fraction(fits)})


def numbers(result: Result) -> Table:
    """Medians of the risks, as tuned and with the best tuning in hindsight."""
    columns = [f"{kind}_{name}" for kind in ("risk", "best") for name in METHODS]
    return medians(
        result.table, ("target", "n"), (*columns, "zero", "step_size"), shares=("fits", "tuned_to_end")
    )


def draw(result: Result) -> dict[str, Drawn]:
    """Draw the three risks against n."""
    from stepscape.experiments.certificates import rates_figures as figures

    return {"risks": figures.risks(result)}


_BUMP: dict[str, Any] = {"where": {"target": "bump"}, "needs": nothing_finished}
_LEAST = {"least": 0.05}
CLAIM = Claim(
    name="rates",
    title="Does a network beat every kernel?",
    claim=(
        "Flat networks learn functions of bounded variation at the rate n^(−4/5) in the interior; kernel "
        "ridge regression with any kernel needs n^(−3/4), and so flat networks are provably stronger than "
        "their tangent kernel."
    ),
    kind="figure",
    source=(
        "Fazel and Wang, NeurIPS tutorial 'Training Instability', part 2, 'Kernel ridge regression (any "
        "RKHS)' and 'Provably stronger than NTK'; Qiao et al. (2024); Donoho, Liu and MacGibbon (1990)"
    ),
    setup=(
        "A bump of height and width n^(−1/4) at a random place, and a fixed tent. Step size and stopping "
        "time of the network, and the penalties of both kernels, are chosen by the same folds. Looks used "
        "seeds 9100 to 9103, with 20 000 to 200 000 steps and five starts."
    ),
    quick=QUICK,
    full={
        **QUICK,
        "sizes": (64, 128, 256, 512, 1024),
        "width": 100,
        "steps": 100_000,
        "folds": 4,
        "seeds": 40,
        "first_seed": 100,
    },
    grid=grid,
    begin=begin,
    work=work,
    parts=(
        Part(
            "ahead",
            "On the hardest sequence the network is ahead of both kernels",
            "Log10 of the risk of each kernel over that of the network on the same labels, at the largest "
            "size, if most networks finish there: yes if both intervals lie above 0, no if one excludes "
            "{least:g} decades or more and the other does not lie above 0.",
            is_ahead,
            _LEAST,
            primary=True,
            **_BUMP,
        ),
        Part(
            "grows",
            "There the risk of the kernels over that of the network grows with n",
            "Slope of the logarithm of that ratio on log n, per seed: yes if both lie above 0; a growth of "
            "{least:g} or more counts.",
            grows,
            _LEAST,
            **_BUMP,
        ),
        Part(
            "fixed",
            "On a fixed target it is ahead, too",
            "As on the hardest sequence, with a tent that is the same for all n; {least:g} decades count.",
            is_ahead,
            _LEAST,
            where={"target": "tent"},
            needs=nothing_finished,
        ),
        Part(
            "hindsight",
            "With the best tuning in hindsight, is it ahead on the hardest sequence?",
            "As on the hardest sequence, with the tuning of each method that has the least risk on this "
            "sample; {least:g} decades count.",
            partial(is_ahead, column="best_ratio"),
            _LEAST,
            kind="open question",
            **_BUMP,
        ),
        Part(
            "kernels",
            "Kernels fall no faster than n^(−3/4) on the hardest sequence",
            "Slope of log risk on log n, per seed: consistent if both intervals lie above {until:g}, the "
            "parametric rate, and neither lies wholly below {power:g}; contradicted if one does.",
            kernels_are_slow,
            {"power": -0.75, "until": -1.0},
            kind="one-sided rate",
            **_BUMP,
        ),
        Part(
            "network",
            "The network falls like n^(−4/5) or faster there",
            "Of the runs that fit the labels of the interior at least as well as the truth, if these are "
            "most, at the sizes at which they are, the slope of log risk on log n: contradicted if the "
            "interval lies wholly above {power:g} plus {logs:g}/ln(smallest n), which a logarithm can add; "
            "consistent if not, wholly below 0, and no size is left out.",
            network_is_fast,
            {"power": -0.8, "logs": 1.0},
            kind="one-sided rate",
            **_BUMP,
        ),
    ),
    draw=draw,
    premises={"fits": "the network fits the labels of the interior at least as well as the truth does"},
    numbers=numbers,
    by="target",
    names=NAMES,
)  # fmt: skip
