"""What the steps of a method do to a parameter that receives no gradient."""

from __future__ import annotations

import numpy as np
from numba import njit

from stepscape.kernels.compiler import EXACT


@njit(**EXACT)
def coast(decay, rate, momentum, look, step_start, step_end, warmup, first, steps):
    """Return M (2, 2): a parameter and its velocity are (θ, v) now and M (θ, v) after `steps` steps.

    The step is v ← momentum·v + g, θ ← θ - rate·η·(look·g + (1 + look·(momentum - 1))·v) with g = decay·θ and
    the step sizes η of `relu_plane.descend`. Without momentum θ is multiplied by Π (1 - rate·η·decay);
    without decay and motion it stays.
    """
    ahead = 1.0 + look * (momentum - 1.0)
    out = np.eye(2)
    for step in range(steps):
        t = first + step
        eta = step_end if t >= warmup else step_start * (step_end / step_start) ** (t / warmup)
        for c in range(2):
            g = decay * out[0, c]
            v = momentum * out[1, c] + g
            out[1, c] = v if abs(v) > 1e-290 else 0.0
            moved = out[0, c] - rate * eta * (look * g + ahead * out[1, c])
            out[0, c] = moved if abs(moved) > 1e-290 else 0.0
    return out
