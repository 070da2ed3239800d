"""The largest margin by which a plane through 0 separates labeled inputs, with a proof from both sides.

With z_i = y_i x_i it is γ = max_{‖u‖ = 1} min_i z_i·u, which equals the distance of 0 from the convex hull of
the z_i. A unit vector gives a lower bound, a convex combination an upper one, and neither depends on how it
was found.

Source: duality of the margin and the nearest point of the hull; the problem is solved as the least-distance
problem of Lawson and Hanson (1974), Chapter 23.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import reals
from stepscape.errors import NotConverged, bad
from stepscape.losses import signs

Array = NDArray[np.float64]
GAP = 1e-8  # of the largest ‖x_i‖, between the two bounds


@dataclass(frozen=True, eq=False)
class MaxMargin:
    """The largest margin, between two bounds that can be checked by hand.

    Attributes
    ----------
    value : min_i y_i x_i·u for the direction u: a lower bound that is attained, positive.
    upper : ‖Σ λ_i y_i x_i‖: no direction has a larger margin.
    direction : u (d,), a unit vector.
    weights : λ (n,) nonnegative, of sum 1; positive for the support vectors only.
    """

    value: float
    upper: float
    direction: Array
    weights: Array

    def __repr__(self) -> str:
        return f"MaxMargin({self.value:.6g}, at most {self.upper - self.value:.2g} more)"


def max_margin(inputs: ArrayLike, labels: ArrayLike) -> MaxMargin:
    """Find the plane through 0 with the largest margin.

    Parameters
    ----------
    inputs : (n, d).
    labels : (n,), ±1 or 0/1.

    Raises
    ------
    InputError
        If no plane through 0 separates the labels; a column of ones among the inputs gives it an offset.
    NotConverged
        If the two bounds differ by more than 1e-8 of the longest input.
    """
    return margin_of(signed(inputs, labels))


def signed(inputs: ArrayLike, labels: ArrayLike) -> Array:
    """Check inputs (n, d) and labels (n,); return the rows y_i x_i."""
    x, y = reals("inputs", inputs), reals("labels", labels)
    if x.ndim != 2 or not x.size:
        raise bad("inputs", "have shape (n, d)", x.shape)
    if y.shape != x.shape[:1]:
        raise bad("inputs and labels", "have the same length", f"{x.shape} and {y.shape}")
    for name, values in (("inputs", x), ("labels", y)):
        if not np.isfinite(values).all():
            raise bad(name, "be finite", f"{values[~np.isfinite(values)][0]} in it")
    return signs(y)[:, None] * x


def margin_of(z: Array) -> MaxMargin:
    """Return the largest margin of rows y_i x_i (n, d); see `max_margin`."""
    from scipy.optimize import nnls

    longest = float(np.linalg.norm(z, axis=1).max())
    if longest == 0.0:
        raise _inseparable("inputs that are all 0")
    # min ‖w‖ with z_i·w ≥ 1 has the dual min ‖(Zᵀv, 1ᵀv) − (0, 1)‖ over v ≥ 0; w is its residual, rescaled.
    scaled = z / longest
    system = np.vstack([scaled.T, np.ones(len(z))])
    found, _ = nnls(system, np.append(np.zeros(z.shape[1]), 1.0))
    weights = found / found.sum()
    nearest = weights @ scaled
    size = float(np.linalg.norm(nearest))
    if size <= 16.0 * np.finfo(float).eps * len(z):
        raise _inseparable("a convex combination of y_i x_i that is 0")
    direction = nearest / size
    lower = float((scaled @ direction).min())
    if not size - lower <= GAP:
        raise NotConverged(
            f"the largest margin lies between {lower * longest:.6g} and {size * longest:.6g}; rescale "
            f"the inputs"
        )
    if lower <= 0.0:
        raise _inseparable(f"a largest margin of at most {size * longest:.2g}")
    return MaxMargin(lower * longest, size * longest, direction, weights)


def _inseparable(came: str) -> Exception:
    must = "be separated by a plane through 0"
    return bad("labels", must, came, "give the inputs a column of ones for an offset")
