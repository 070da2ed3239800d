"""Figures of the claim `flows`; they read its rows and arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stepscape.experiments.edge.flows import counts, errors_of
from stepscape.experiments.edge.follow_runs import FLOWS
from stepscape.experiments.edge.small_networks import NETWORKS
from stepscape.experiments.frame import Drawn, Result
from stepscape.experiments.frame.result import Arrays
from stepscape.figures.animation import Animation, Track
from stepscape.figures.colors import COLORS, Look
from stepscape.figures.legends import shared_legend
from stepscape.figures.references import theory_level
from stepscape.figures.style import DOUBLE, MAIN, SECONDARY, canvas, label
from stepscape.figures.ticks import number_ticks, round_ticks
from stepscape.figures.titles import finding
from stepscape.tables.number import short
from stepscape.tables.records import Table

Array = NDArray[np.float64]
LOOKS = {
    "gradient": Look(FLOWS["gradient"], COLORS["gray"], "x"),
    "rod": Look(FLOWS["rod"], COLORS["purple"], "v"),
    "rods": Look(FLOWS["rods"], COLORS["purple"], "^"),
    "central": Look(FLOWS["central"], COLORS["green"], "s"),
    "mirror": Look(FLOWS["mirror"], COLORS["vermilion"], "o"),
    "twin": Look("descent, start changed by 1e-6", COLORS["black"], "_"),
}
LEAST = 0.01  # percent of the way: what is less is drawn there
FRAMES = 160  # steps of the animation


def errors(result: Result) -> Drawn:
    """Draw the error of every flow in every run, by network, and the floor."""
    figure, axes = canvas(1, 1, DOUBLE)
    ax, table = axes[0, 0], result.table
    keep, networks = counts(table), list(dict.fromkeys(table["network"]))
    for number, (flow, look) in enumerate(LOOKS.items()):
        place = np.array([networks.index(name) for name in table["network"][keep]], float)
        values = np.maximum(100.0 * _shown(table.rows(keep), flow), LEAST)
        shift = (number - 2.5) * 0.13
        marker = {"marker": look.marker, "ms": 4.5, "linestyle": "none", "alpha": 0.6, "mew": 1.2}
        ax.plot(place + shift, values, color=look.color, label=look.words, **marker)
    ax.set_xticks(range(len(networks)), [NETWORKS[name].replace(", ", "\n", 1) for name in networks])
    ax.set_xlim(-0.6, len(networks) - 0.4)
    number_ticks(ax)
    label(ax, "", "error, % of the way")
    shared_legend(figure, axes, columns=3)
    middle = {
        flow: float(np.median(_shown(table.rows(keep), flow)))
        for flow in ("gradient", "mirror")
        if keep.any()
    }
    said = (
        f"The mirror flow is {100 * middle['mirror']:.1f} % of the way from descent, gradient flow "
        f"{100 * middle['gradient']:.0f} %, in the median." if len(middle) == 2 else "No run counts."
    )  # fmt: skip
    finding(figure, said)
    return Drawn(figure, (
        f"{said} Every mark is a run that counts: the mean distance of a flow from descent, both averaged "
        f"over {short(result.settings['window'])} steps, over the largest move of descent. Black dashes are "
        "descent from a start that differs by 1e-6: no flow is expected to be closer. Flows that could not "
        f"be solved stand at 100 %, errors below {LEAST:g} % there. The medians are over the runs of all "
        f"networks. Repeat it with “stepscape run {result.claim} --full”."
    ))  # fmt: skip


def _shown(table: Table, flow: str) -> Array:
    """Error run by run, 1 where the flow could not be solved."""
    return np.nan_to_num(errors_of(table, flow), nan=1.0)


def over_time(result: Result) -> Drawn:
    """Draw sharpness, mean loss and distance of the flows over the steps of the first run that was drawn."""
    figure, axes = canvas(1, 3, DOUBLE)
    runs = result.drawn("descent_loss")
    if runs:
        arrays, places = runs[0].arrays, runs[0].arrays["places"]
        for flow in ("gradient", "rod", "central", "mirror", "twin"):
            look, name = LOOKS[flow].line, LOOKS[flow].words.partition(",")[0]
            if f"{flow}_gap" not in arrays:
                continue
            axes[0, 2].plot(np.maximum(100.0 * arrays[f"{flow}_gap"], LEAST), lw=SECONDARY, **look)
            if flow == "twin":  # it has the sharpness and the loss of descent, up to its gap
                continue
            axes[0, 0].plot(places, arrays[f"{flow}_ratio"], lw=SECONDARY, label=name, **look)
            axes[0, 1].plot(arrays[f"{flow}_loss"], lw=SECONDARY, **look)
        black = {"color": COLORS["black"], "lw": MAIN, "zorder": 1.5}
        axes[0, 0].plot(places, arrays["descent_ratio"], label="descent", **black)
        axes[0, 1].plot(arrays["descent_loss"], **black)
        number_ticks(axes[0, 1])
        number_ticks(axes[0, 2])
    theory_level(axes[0, 0], 1.0, r"$2/\eta$", at=0.98, above=False)
    label(axes[0, 0], "step", r"$\lambda_{\max}\,\eta/2$ of the middle")
    label(axes[0, 1], "step", "mean loss")
    label(axes[0, 2], "step", "distance, % of way")
    if runs:
        shared_legend(figure, axes, columns=5)
    name = NETWORKS[runs[0]["network"]] if runs else "no run"
    last = {flow: float(runs[0].arrays[f"{flow}_gap"][-1]) for flow in ("mirror", "gradient")
            if runs and f"{flow}_gap" in runs[0].arrays}  # fmt: skip
    said = (
        f"After {short(result.settings['steps'])} steps the mirror flow is {100 * last['mirror']:.1f} % of "
        f"the way from descent, gradient flow {100 * last['gradient']:.0f} %."
        if len(last) == 2 else "No run was drawn."
    )  # fmt: skip
    finding(figure, said)
    return Drawn(figure, (
        f"{said} First seed, {name}. Left: λ_max·η/2 at the middle of the swing of descent (black) and "
        "along the flows, with 2/η as a dashed line. Middle: the loss averaged over the swing and over a "
        "window; that of gradient flow has no swing. Right: distance from descent over its largest move; "
        f"black is descent from a start that differs by 1e-6. Distances below {LEAST:g} % are drawn there. "
        f"Steps are counted from just before the edge. Repeat it with “stepscape run {result.claim} "
        "--full”."
    ), _motion(runs[0].arrays) if last else None)  # fmt: skip


def _motion(arrays: Arrays) -> Animation:
    """Show descent, its middle and the flows, in the plane of way and swing."""
    way, swing = arrays["descent_plane"], arrays["descent_swing"]
    long = np.flatnonzero(np.linalg.norm(swing, axis=1) > 0.2 * np.linalg.norm(swing, axis=1).max())
    first = max(0, min(int(long[0]) - FRAMES // 3 if long.size else 0, len(way) - FRAMES))
    shown = slice(first, first + FRAMES)
    known = [flow for flow in ("gradient", "rod", "central", "mirror") if f"{flow}_plane" in arrays]
    flows = [
        Track(FLOWS[flow].partition(",")[0], arrays[f"{flow}_plane"][shown], LOOKS[flow].color)
        for flow in known
    ]
    middle = Track("middle of the swing of descent", way[shown], COLORS["blue"])
    tracks = (*flows, middle, Track("descent", (way + swing)[shown], COLORS["black"], jumps=True))
    every = np.concatenate([track.points for track in tracks])
    return Animation(
        tracks,
        ("distance along the way of descent", "distance along its swing"),
        f"{len(way[shown])} steps at the edge: descent swings about its middle, which flows are to follow, "
        "and gradient flow knows of no swing",
        ticks=(round_ticks(every[:, 0]), round_ticks(every[:, 1])),
    )
