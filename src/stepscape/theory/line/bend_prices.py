"""The price ω = g^α of a bend, 0 ≤ α ≤ 1: from the same price everywhere to that of a step size.

α = 1 is the weight g that a large step size puts on a bend, α = 0 the total variation of the slope, whose
penalized fit is the locally adaptive linear spline, and α = ½ lies between them.

    minimize ½ Σ v_i (f(x_i) − y_i)² + λ ∫|f''|ω      over all functions f on the line

is attained, or approached, by lines that bend at inputs only. Proof. Between two inputs g is the minimum of a
falling and a rising line (see `weight`), so concave, and not negative. t ↦ t^α is concave and does not fall
for t ≥ 0, so for a, b in the gap and 0 ≤ θ ≤ 1

    g((1 − θ) a + θ b)^α ≥ ((1 − θ) g(a) + θ g(b))^α ≥ (1 − θ) g(a)^α + θ g(b)^α,

and ω is concave in the gap. At the inputs a kink inside the gap equals 1 − θ of a kink at the left end plus θ
of one at the right end, up to a line; moved there, from inside, it costs no more. At an input a kink is had
for the least of ω there and its two limits, which is g̲^α because t^α does not fall. ∎

For α > 1 the second inequality fails, and kinks belong between inputs. At both outer inputs and beyond them
g = 0: for 0 < α a bend there costs nothing and changes no value at an input, so that the data leave it open;
for α = 0 it costs λ and none is made. In both cases f is continued by its first and its last piece. Near the
ends g falls like the cube of the share of the inputs outside, so that bends are nearly free there, and what
lies beyond hangs on few inputs, unless α = 0.

Source: derived here; α = 0 is Mammen and van de Geer (1997), Locally adaptive regression splines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stepscape.arguments import number
from stepscape.errors import bad
from stepscape.theory.line.distribution import FloatArray
from stepscape.theory.line.weight import weight_limits


def bend_prices(inputs: ArrayLike, weights: ArrayLike | None = None, alpha: float = 1.0) -> FloatArray:
    """Return g̲^α (m,), the least price of a bend at each distinct input; for α = 0 it is 1 at the ends, too.

    Parameters
    ----------
    inputs, weights : (n,); the weights are normalized, None means 1/n each.
    alpha : α in [0, 1].
    """
    power = number("alpha", alpha)
    if not 0.0 <= power <= 1.0:
        raise bad("alpha", "lie in [0, 1]", power)
    lowest = weight_limits(inputs, weights).lowest
    return np.asarray(lowest**power)
