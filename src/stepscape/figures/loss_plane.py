"""A slice of the loss through the parameters of a model: a curve, or contours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad, shown
from stepscape.figures.colors import COLORS, marks
from stepscape.figures.house import house
from stepscape.figures.references import DASHES, THEORY
from stepscape.figures.style import DOUBLE, MAIN, NAMES, SECONDARY, SMALL, canvas
from stepscape.figures.titles import finding
from stepscape.tables.number import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
SQUARE = (5.4, 4.6)
LEVELS = 12  # contours of the loss
AXIS = "along a random direction, in lengths of the weights"
RISE, TWICE = 2.0, "twice the loss"  # the contour where it is so many times that at the parameters


class Slice(Protocol):
    """What is drawn: a `LossSlice` of the monitor, or anything with its arrays."""

    @property
    def offsets(self) -> Array:
        """(m,), ascending, with 0 in the middle."""
        ...

    @property
    def loss(self) -> Array:
        """(m,), or (m, m) with rows along the second direction."""
        ...


@house()
def loss_slice_figure(found: Slice) -> Figure:
    """Draw what `stepscape.monitor.loss_slice` found: a curve, or contours on a plane.

    The parameters are in the middle; dashes are where the loss is twice that there. Darker is lower.

    Parameters
    ----------
    found : LossSlice

    Raises
    ------
    InputError
        For anything else, and where the loss is not finite at the parameters.
    """
    offsets, loss = _read(found)
    flat = loss.ndim == 1
    figure, axes = canvas(size=DOUBLE if flat else SQUARE)
    ax = axes[0, 0]
    (_curve if flat else _plane)(ax, offsets, loss)
    ax.set_xlabel(AXIS, fontsize=NAMES)
    finding(figure, loss_slice_finding(offsets, loss))
    return figure


def _read(found: Slice) -> tuple[Array, Array]:
    offsets, loss = (getattr(found, name, None) for name in ("offsets", "loss"))
    if not isinstance(offsets, np.ndarray) or not isinstance(loss, np.ndarray):
        raise bad("found", "be a LossSlice", shown(found), "give what stepscape.monitor.loss_slice returns")
    middle = loss[(len(offsets) // 2,) * loss.ndim]
    if not np.isfinite(middle):
        raise bad("the loss of the slice", "be finite at the parameters", middle)
    return offsets, loss


def loss_slice_finding(offsets: Array, loss: Array) -> str:
    """Say how far from the parameters the loss first doubles, and whether it is lower elsewhere."""
    center = len(offsets) // 2
    middle = loss[(center,) * loss.ndim]
    distance = _distance(offsets, loss)
    beyond = distance[~(loss < RISE * middle)]
    nearest = float(beyond.min()) if beyond.size else np.inf
    verb, reach = ("doubles", nearest) if np.isfinite(nearest) else ("does not double", float(offsets[-1]))
    said = f"The loss {verb} within {short(float(f'{100 * reach:.2g}'))} % of the length of the weights"
    lower = np.nanmin(np.where(np.isfinite(loss), loss, np.nan))
    if lower < 0.999 * middle:
        said += f", and falls to {short(float(f'{100 * lower / middle:.2g}'))} % of its value elsewhere"
    return said


def _distance(offsets: Array, loss: Array) -> Array:
    return np.abs(offsets) if loss.ndim == 1 else np.hypot(*np.meshgrid(offsets, offsets))


def _curve(ax: Axes, offsets: Array, loss: Array) -> None:
    center = len(offsets) // 2
    ax.plot(offsets, loss, color=COLORS["blue"], lw=MAIN)
    ax.plot(0.0, loss[center], **{**marks(COLORS["blue"]), "ls": "none"})
    ax.axhline(RISE * loss[center], **THEORY)
    at = (float(offsets[0]), RISE * loss[center])
    ax.annotate(TWICE, at, (0, 3), textcoords="offset points", fontsize=SMALL, va="bottom")
    ax.set_yscale("log" if (loss > 0.0).all() else "linear")
    ax.set_title("loss", fontsize=NAMES, loc="left")


def _plane(ax: Axes, offsets: Array, loss: Array) -> None:
    center = len(offsets) // 2
    middle = loss[center, center]
    shown = np.where(np.isfinite(loss), loss, np.nan)
    positive = bool(np.nanmin(shown) > 0.0)
    height = np.log(shown) if positive else shown
    ax.contourf(offsets, offsets, height, LEVELS, cmap="cividis")
    twice = ax.contour(
        offsets, offsets, shown, [RISE * middle], colors=["white"], linewidths=SECONDARY, linestyles=[DASHES]
    )
    corners = np.vstack([np.asarray(path.vertices) for path in twice.get_paths()] or [np.empty((0, 2))])
    if len(corners):
        top = tuple(corners[corners[:, 1].argmax()])
        ax.annotate(
            TWICE, top, (0, 4), textcoords="offset points", fontsize=SMALL, ha="center", color="white"
        )
    ax.plot(0.0, 0.0, marker="+", color="white", ms=9, mew=SECONDARY, linestyle="none")
    ax.set_ylabel("along another one", fontsize=NAMES)
    ax.set_aspect("equal")
