"""Rows of a user's table that a run holds out: which they are, by the seed of the run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import bad
from stepscape.lab.spec import stream
from stepscape.network import generator

LEAST = 2  # rows that a network is trained on


def held_count(wanted: float, rows: int) -> int:
    """Count the rows that are held out: a share of them below 1, or a whole number.

    >>> held_count(0.25, 40), held_count(7.0, 40)
    (10, 7)
    """
    if not (0.0 < wanted < 1.0 or (1.0 <= wanted < math.inf and wanted == int(wanted))):
        must = "be a share of the rows, between 0 and 1, or a whole number of them"
        raise bad("held_out_rows", must, f"{wanted:g}")
    count = round(wanted * rows) if wanted < 1.0 else int(wanted)
    if count < 1:
        raise bad("held_out_rows", f"hold out at least one of the {rows} rows", f"{wanted:g}")
    if count > rows - LEAST:
        must = f"leave at least {LEAST} of the {rows} rows to train on"
        raise bad("held_out_rows", must, f"{wanted:g}, which is {count} rows")
    return count


def held_rows(classes: NDArray[np.float64], count: int, seed: int) -> NDArray[np.bool_]:
    """Return the mask (n,) of the rows that are held out, the same share of each class.

    Parameters
    ----------
    classes : (n,), the class of each row; equal numbers where there are none.
    count : so many rows.
    seed : of the run; the rows do not depend on anything else.
    """
    order = generator(stream(seed, "held out")).permutation(classes.size)
    # Within its class the r-th of m rows in random order stands at (r + ½)/m: the first `count` places of all
    # rows together have of each class its share, to within one row.
    place = np.empty(classes.size)
    for each in np.unique(classes):
        rows = order[classes[order] == each]
        place[rows] = (np.arange(rows.size) + 0.5) / rows.size
    held = np.zeros(classes.size, bool)
    held[order[np.argsort(place[order], kind="stable")[:count]]] = True
    return held
