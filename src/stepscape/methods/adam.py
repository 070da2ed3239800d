"""Adam, and AdamW, whose weight decay is decoupled from the gradient."""

from __future__ import annotations

from dataclasses import dataclass

from stepscape.arguments import nonnegative, positive
from stepscape.errors import bad
from stepscape.methods.clock import fraction, set_clock


@dataclass(frozen=True)
class Adam:
    """Full-batch Adam in the conventions of ``torch.optim.Adam``.

    With g = ∇L + weight_decay·mask·θ and t the number of this step, from 1:

        m ← β1 m + (1 − β1) g,    v ← β2 v + (1 − β2) g²,
        P = (1 − β1^t) (√(v/(1 − β2^t)) + ε),    θ ← θ − η m/P

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    beta1, beta2 : float
        β1 and β2 in [0, 1).
    epsilon : float
        ε > 0.
    weight_decay : float
        λ ≥ 0, added to the gradient; `AdamW` decouples it.
    """

    step_size: float
    steps: int
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check(self)

    def threshold(self, step_size: float | None = None) -> float:
        """Return (2 + 2β1)/((1 − β1) η), 38/η for β1 = 0.9.

        λ_max of P^{-1/2} (H + λ·diag(mask)) P^{-1/2} must not exceed it on a quadratic, P being the one after
        the update and taken as constant: v moves slowly as 1 − β2 is small.

        Source: Cohen et al. (2022), adaptive methods at the edge of stability; companion matrices in the
        tests.
        """
        return 2.0 * reach(self.beta1) / _rate(self, step_size)


@dataclass(frozen=True)
class AdamW:
    """Full-batch AdamW in the conventions of ``torch.optim.AdamW``: first θ ← θ − ηλ·mask·θ, then `Adam`.

    Parameters
    ----------
    step_size, steps, beta1, beta2, epsilon : as in `Adam`.
    weight_decay : float
        λ ≥ 0 with ηλ < 2: more would reverse the weights by more than their length.
    """

    step_size: float
    steps: int
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check(self)
        if not self.step_size * self.weight_decay < 2.0:
            must = f"be less than 2/step_size = {2.0 / self.step_size:g}"
            raise bad("weight_decay", must, self.weight_decay)

    def threshold(self, step_size: float | None = None) -> float:
        """Return (1 + β1) (2 − ηλ)/((1 − β1) η), which λ_max of P^{-1/2} H P^{-1/2} must not exceed.

        On a quadratic whose coordinates all decay, and with P as in `Adam`. Decay shrinks the weights apart
        from the gradient, so that it lowers the threshold and is not part of the curvature.
        """
        eta = _rate(self, step_size)
        return reach(self.beta1) * max(0.0, 2.0 - eta * self.weight_decay) / eta


def _check(method: Adam | AdamW) -> None:
    set_clock(method)
    for name in ("beta1", "beta2"):
        object.__setattr__(method, name, fraction(name, getattr(method, name)))
    object.__setattr__(method, "epsilon", positive("epsilon", method.epsilon))
    object.__setattr__(method, "weight_decay", nonnegative("weight_decay", method.weight_decay))


def reach(beta1: float) -> float:
    """(1 + β)/(1 − β): by how much a running mean of gradients raises the threshold."""
    return (1.0 + beta1) / (1.0 - beta1)


def _rate(method: Adam | AdamW, step_size: float | None) -> float:
    return method.step_size if step_size is None else positive("step_size", step_size)
