"""Pictures of the good and the bad minimum; they read a table and measure nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stepscape.experiments.frame import Drawn, Result, Run
from stepscape.experiments.illustrations.swiss_roll import fitting
from stepscape.figures.colors import COLORS, CONTRAST, MEASURED
from stepscape.figures.style import DOUBLE, SECONDARY, canvas, label
from stepscape.figures.titles import finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOTH = {"good": MEASURED, "bad": CONTRAST}
MINIMA = (
    "Above: what the network predicts over the plane of the inputs (orange and sky) at the good "
    "minimum, left, and at the bad one, which is that of a loss with wrong labels of other points, right; "
    "squares and disks are the training points of the two classes. Below: "
    "log10 of "
    "the training loss on a plane through each of them (at the cross), in two random directions that are as "
    "long as the weights into each unit; dark is low, one scale for both. First seed. Repeat it with "
    "“stepscape run swiss-roll --full”."
)
PROFILES = (
    "log10 of the training loss along ten random directions through each of them, in units of the weights "
    "into each unit; left, the good one (blue), right, the bad one (vermilion), one scale for both. "
    "First seed. Repeat it with “stepscape run swiss-roll --full”."
)


def minima(result: Result) -> Drawn:
    """Boundaries above, landscapes below; good on the left, bad on the right."""
    figure, axes = canvas(2, 2, (7.2, 6.6))
    runs = result.drawn("slice_good")
    if runs:
        arrays = runs[0].arrays
        low = min(float(arrays[f"slice_{name}"].min()) for name in BOTH)
        high = max(float(arrays[f"slice_{name}"].max()) for name in BOTH)
        for column, name in enumerate(BOTH):
            _plane(axes[0, column], runs[0], name)
            _slice(axes[1, column], runs[0], name, low, high)
    for column, name in enumerate(BOTH):
        label(axes[0, column], "first input", "second input", f"the {name} minimum")
        label(axes[1, column], "first direction", "second direction", "training loss, dark is low")
    said = _finding(result)
    finding(figure, said)
    return Drawn(figure, f"{said} {MINIMA}")


def _plane(ax: Axes, run: Run, name: str) -> None:
    side, points, labels = (run.arrays[key] for key in ("side", "points", "labels"))
    levels = [-1e300, 0.0, 1e300]
    ax.contourf(
        side, side, run.arrays[f"plane_{name}"], levels, colors=[COLORS["orange"], COLORS["sky"]], alpha=0.5
    )
    for sign, marker in ((1.0, "o"), (-1.0, "s")):
        ax.plot(
            *points[labels == sign].T, marker, color="black", ms=3.5, mec="white", mew=0.4, linestyle="none"
        )
    ax.set_aspect("equal")


def _slice(ax: Axes, run: Run, name: str, low: float, high: float) -> None:
    at = run.arrays["moves"]
    ax.imshow(
        run.arrays[f"slice_{name}"], cmap="cividis", origin="lower", extent=(at[0], at[-1], at[0], at[-1]),
        vmin=low, vmax=high, interpolation="nearest",
    )  # fmt: skip
    ax.plot(0.0, 0.0, "x", color="white", ms=7.0, mew=1.6)


def profiles(result: Result) -> Drawn:
    """Losses along random directions, good on the left, bad on the right."""
    figure, axes = canvas(1, 2, DOUBLE, sharey=True)
    for ax, (name, look) in zip(axes[0], BOTH.items(), strict=True):
        for run in result.drawn(f"profiles_{name}")[:1]:
            for profile in run.arrays[f"profiles_{name}"]:
                ax.plot(run.arrays["moves"], profile, lw=SECONDARY, color=look.color, alpha=0.7)
        label(ax, "length of the move", "" if name == "bad" else "log loss", f"the {name} minimum")
    axes[0, 0].set_ylabel(r"$\log_{10}$ of the training loss")
    said = _moved(result)
    finding(figure, said)
    return Drawn(figure, f"{said} {PROFILES}")


def _finding(result: Result) -> str:
    rows = fitting(result.table)
    if not len(rows):
        return "In 0 runs both minima fit every label."
    good, other = (float(np.mean(rows[f"test_{name}"])) for name in BOTH)
    return (
        f"In {len(rows)} of {len(result.table)} runs both minima fit all labels; the good one is right for "
        f"{100 * good:.0f} % of fresh points, the bad one for {100 * other:.0f} %."
    )


def _moved(result: Result) -> str:
    rows = fitting(result.table)
    if not len(rows):
        return "In 0 runs both minima fit every label."
    good, other = (float(np.mean(rows[f"moved_{name}"])) for name in BOTH)
    return (
        f"After moves of a tenth of its weights the good one still fits {100 * good:.0f} % of its labels, "
        f"the bad one {100 * other:.0f} %, where both fit all before."
    )
