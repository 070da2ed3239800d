"""The sharpness up to which a method is linearly stable.

Near a minimum with Hessian H a method with a constant step size stays near exactly when λ_max(H) is at most

    gradient descent       2 / η
    heavy ball             (2 + 2β) / η                x ← x − η v,           v ← β v + ∇L(x)
    Nesterov               (2 + 2β) / ((1 + 2β) η)     x ← x − η (∇L + β v),  v ← β v + ∇L(x)

(the conventions of torch.optim.SGD with dampening 0). Each comes from the root −1 of z² − (trace) z +
(determinant) of the two-step recursion on an eigenvector.

Weight decay λ adds λ·x to the gradient on the decayed coordinates only. What must stay below the same
threshold is then λ_max(H + λ·diag(mask)), mask 1 on the decayed coordinates and 0 on the others (the
output bias is not decayed): not λ_max(H), and not λ_max(H) + λ.

Source: Cohen et al. (2021), appendix on momentum; Mulayoff et al. (2021), Lemma 1.
"""

from __future__ import annotations

import math

from stepscape.arguments import flag, nonnegative, number, positive
from stepscape.errors import bad
from stepscape.methods.gradient_descent import stable_product


def threshold(step_size: float, momentum: float = 0.0, nesterov: bool = False) -> float:
    """Return the largest linearly stable sharpness; with weight decay, of H + λ·diag(mask)."""
    eta = positive("step_size", step_size)
    return _stable_product(momentum, nesterov) / eta


def largest_stable_step_size(sharpness: float, momentum: float = 0.0, nesterov: bool = False) -> float:
    """Return the largest step size at which this sharpness is linearly stable; infinite at sharpness 0."""
    value = nonnegative("sharpness", sharpness, "be finite and nonnegative")
    return _stable_product(momentum, nesterov) / value if value > 0.0 else math.inf


def _stable_product(momentum: float, nesterov: bool) -> float:
    """Return the largest stable η·λ."""
    share = number("momentum", momentum, "lie in [0, 1)")
    if not 0.0 <= share < 1.0:
        raise bad("momentum", "lie in [0, 1)", share)
    return stable_product(share, flag("nesterov", nesterov))
