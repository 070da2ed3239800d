"""What is left out of a question: where fewer than nearly all count, a yes holds in part only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stepscape.experiments.frame import Finding
from stepscape.experiments.frame.finding import in_part
from stepscape.experiments.frame.limits import NEARLY_ALL


def unless_nearly_all(found: Finding, counts: ArrayLike, what: str) -> Finding:
    """Qualify a finding where fewer than nine in ten count; the sentence says how many do.

    what : the plural noun of what was looked at with its verb, such as "runs are long enough".
    """
    mask = np.asarray(counts, bool)
    few = mask.size and mask.mean() < NEARLY_ALL
    return in_part(found, f"only {int(mask.sum())} of {mask.size} {what}" if few else "")
