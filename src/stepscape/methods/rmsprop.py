"""RMSProp: descent whose gradient is divided by a running root mean square of itself."""

from __future__ import annotations

from dataclasses import dataclass

from stepscape.arguments import flag, nonnegative, positive
from stepscape.methods.clock import fraction, set_clock, two_over


@dataclass(frozen=True)
class RMSProp:
    """Full-batch RMSProp in the conventions of ``torch.optim.RMSprop``, or with one scale for all.

    With g = ∇L + weight_decay·mask·θ:

        v ← β2 v + (1 − β2) g²,    P = √v + ε,    θ ← θ − η g/P        (g² and 1/P by coordinate)

    v starts at 0 and is not corrected for that. With `scalar`, v is one number, a running mean of ‖g‖².

    Parameters
    ----------
    step_size, steps : as in `GradientDescent`.
    beta2 : float
        β2 in [0, 1), which PyTorch calls alpha.
    epsilon : float
        ε > 0.
    scalar : bool
        Whether all coordinates share one v.
    weight_decay : float
        λ ≥ 0, added to the gradient (not decoupled).
    """

    step_size: float
    steps: int
    beta2: float = 0.99
    epsilon: float = 1e-8
    scalar: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        set_clock(self)
        object.__setattr__(self, "beta2", fraction("beta2", self.beta2))
        object.__setattr__(self, "epsilon", positive("epsilon", self.epsilon))
        object.__setattr__(self, "scalar", flag("scalar", self.scalar))
        object.__setattr__(self, "weight_decay", nonnegative("weight_decay", self.weight_decay))

    def threshold(self, step_size: float | None = None) -> float:
        """Return 2/η, which λ_max of P^{-1/2} (H + λ·diag(mask)) P^{-1/2} must not exceed on a quadratic.

        P stands for the one after the update, taken as constant: v moves slowly as 1 − β2 is small.

        Source: Cohen et al. (2022), adaptive methods at the edge of stability.
        """
        return two_over(self.step_size if step_size is None else step_size)
