"""Whether predicted probabilities match observed shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.errors import bad
from stepscape.problems.problem import column
from stepscape.problems.user.merging import bin_inputs
from stepscape.tables.records import Table

Array = NDArray[np.float64]
FEWEST, MOST, ROWS = 3, 10, 8  # bins where none are asked for, and how many rows each should have
_NORMAL = 1.959963984540054  # quantile of the normal law: 95 % two-sided


def calibration_curve(
    probabilities: ArrayLike, outcomes: ArrayLike, weights: ArrayLike | None = None, bins: int | None = None
) -> Table:
    """Predicted probability against the observed share, in at most `bins` bins of equal weight.

    Parameters
    ----------
    probabilities : (n,)
        In [0, 1]; of rows that the fit has not seen. Equal ones are never split.
    outcomes : (n,)
        0 or 1.
    weights : (n,), optional
        Positive.
    bins : int, optional
        When absent one for every 8 rows, from 3 to 10: a share of fewer rows says little.

    Returns
    -------
    Table
        One row per bin, in increasing order: predicted (mean probability), observed (share of outcome 1), low
        and high (95 % interval of Wilson for the share), rows (effective number).

    Notes
    -----
    A weighted bin counts as its share of (Σ w)²/Σ w² rows, the effective number of Kish. scikit-learn's
    function of that name knows neither weights nor intervals.

    Source: Wilson (1927).
    """
    p, y = column("probabilities", probabilities), column("outcomes", outcomes)
    w = np.ones(p.size) if weights is None else column("weights", weights)
    if not p.size == y.size == w.size > 0:
        raise bad(
            "probabilities, outcomes and weights",
            "have the same length, at least 1",
            f"{p.size}, {y.size}, {w.size}",
        )
    if p.min() < 0.0 or p.max() > 1.0 or not np.isin(y, (0.0, 1.0)).all():
        raise bad("probabilities and outcomes", "lie in [0, 1], outcomes at its ends", "others")
    if w.min() <= 0.0:
        raise bad("weights", "be positive", f"a minimum of {w.min():g}")
    w = w / w.max()  # relative ones: squares of given ones may overflow, or vanish
    most = min(MOST, max(FEWEST, p.size // ROWS)) if bins is None else bins
    predicted, observed, weight = bin_inputs(p, y, most, w)
    rows = weight * (w.sum() / (w @ w))
    low, high = wilson(observed, rows)
    return Table({"predicted": predicted, "observed": observed, "low": low, "high": high, "rows": rows})


def wilson(shares: Array, rows: Array) -> tuple[Array, Array]:
    """95 % interval of a probability of which a share came true in so many rows."""
    square = _NORMAL**2
    middle = (shares + 0.5 * square / rows) / (1.0 + square / rows)
    half = _NORMAL * np.sqrt(shares * (1.0 - shares) / rows + 0.25 * square / rows**2) / (1.0 + square / rows)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
