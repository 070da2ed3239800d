"""matplotlib as it comes, whatever a user has set for other pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def house() -> Iterator[None]:
    """Draw with matplotlib's own defaults, whatever the user has set for other pictures.

    As a decorator, ``@house()``, it holds for a whole function that draws.
    """
    import matplotlib

    with matplotlib.rc_context(), np.errstate(all="ignore"):  # ticks of numbers near the largest overflow
        matplotlib.rcdefaults()
        yield
