"""Whether a plane separates two classes of inputs with several features: a linear program, and a witness.

The largest t with y_i (w·x_i + b) ≥ t over all inputs and |w_j| ≤ 1 is positive exactly where a plane
separates the classes strictly. What the solver returns is only a proposal: it counts if every example lies on
its side by more than the rounding of w·x + b.

Source: Mangasarian (1965); HiGHS through scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST = 2_000_000  # numbers of the inputs, beyond which no plane is looked for


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane w·x + b = 0, with the second class where w·x + b > 0.

    Attributes
    ----------
    weights : (d,), in units of the features.
    offset : b.
    """

    weights: Array
    offset: float

    def __repr__(self) -> str:
        return f"Plane({self.weights.size} features, offset={self.offset:.3g})"


def separating(x: Array, plus: NDArray[np.bool_], minus: NDArray[np.bool_]) -> tuple[Array, float] | None:
    """Find w (q,) and b with w·x_i + b > 0 where label +1 occurs and < 0 where -1 does; None without any.

    Parameters
    ----------
    x : (m, q), standardized.
    plus, minus : (m,), where either label occurs; an input with both cannot be separated.
    """
    if (plus & minus).any() or x.size > MOST:
        return None
    from scipy.optimize import linprog

    y = np.where(plus, 1.0, -1.0)
    q = x.shape[1]
    rows = np.column_stack([-y[:, None] * x, -y, np.ones(len(x))])
    bounds = [(-1.0, 1.0)] * q + [(None, None), (None, 1.0)]
    found = linprog(np.append(np.zeros(q + 1), -1.0), A_ub=rows, b_ub=np.zeros(len(x)), bounds=bounds)
    if found.status != 0 or found.x is None:
        return None
    w, b = found.x[:q], float(found.x[q])
    rounding = 2.0**-50 * (q + 2) * (np.abs(x) @ np.abs(w) + abs(b))
    return (w, b) if (y * (x @ w + b) > rounding).all() else None
