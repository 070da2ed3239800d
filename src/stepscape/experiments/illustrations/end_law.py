"""Whether runs end on the law 1/(γ²ηt): a limit, judged by its distance from 1 and not by a local slope."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.frame import Finding, Says, decide
from stepscape.tables.records import Table

NEAR = 0.005  # decades: closer than that is no further approach


def on_the_law(table: Table, before: str, factor: float, says: Says) -> Finding:
    """Share of rows whose γ²ηtL lies within a factor of 1 and nearer to 1, in the logarithm, than before.

    before : column of its log10 at an earlier moment.
    """
    off, earlier = np.abs(table["law"]), np.abs(table[before])
    flags = (off <= np.log10(factor)) & (off < np.maximum(earlier, NEAR))
    middle = float(10.0 ** np.median(table["law"])) if len(table) else float("nan")
    return decide.share(flags, says, groups=table["seed"]).with_numbers({"γ²ηtL, median": middle})
