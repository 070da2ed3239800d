"""What is left of a run once its start is over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def after_transient(path: Mapping[str, Array]) -> dict[str, Array]:
    """Return the records after the last whose ``loss_mean`` is not below that of the start.

    A step size far above the threshold of the start makes the network overshoot first, certain of wrong
    labels.
    """
    above = np.flatnonzero(path["loss_mean"] >= path["loss_mean"][0])
    return {name: values[above[-1] + 1 :] for name, values in path.items()}
