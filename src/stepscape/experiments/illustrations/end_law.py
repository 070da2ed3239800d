"""Whether runs end on the law 1/(γ²ηt): a limit, judged by its distance from 1 and not by a local slope."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAR = 0.03  # decades, 7 %: who is closer than that need not have come closer
LEFT = 0.9  # largest share of the earlier distance that may be left


def on_the_law(off: ArrayLike, earlier: ArrayLike, factor: float) -> NDArray[np.bool_]:
    """Whether γ²ηtL lies within a factor of 1, and by a tenth nearer to 1, in the logarithm, than before.

    A constant distance is thus another law. More than a tenth cannot be asked for: the direction of w comes
    to that of the largest margin as 1/log t, and with it γ²ηtL to 1.

    Parameters
    ----------
    off, earlier : log10 of γ²ηtL at the end, and at a moment before a tenth of the time.
    """
    last, before = np.abs(np.asarray(off, np.float64)), np.abs(np.asarray(earlier, np.float64))
    return np.asarray((last <= np.log10(factor)) & (last <= np.maximum(LEFT * before, NEAR)))
