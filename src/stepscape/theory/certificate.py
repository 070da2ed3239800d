"""A theorem applied to one network: both sides of its inequality, its premises, its source.

What is measured has two sides as well: λ_max lies between a Rayleigh quotient and an upper bound. All
theorems here grow with λ_max on the right, so an inequality is certain to hold if it does with the lower
one, and to fail if it fails with the upper one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, repr=False)
class Certificate:
    """The inequality left ≤ right at one network.

    Attributes
    ----------
    left, right : the two sides; a right side that holds λ_max uses the lower bound on it.
    assumptions : what the theorem supposes, one sentence for each premise.
    source : paper and theorem.
    name : short name, the key under which the certificate is listed.
    statement : the inequality as a formula.
    failed_premises : the premises that are not met here; if there is any, the certificate is inapplicable.
    scale : sum of the magnitudes that entered both sides; rounding is forgiven up to 64·eps·scale.
    details : further numbers of interest, by name.
    right_upper : the right side with the upper bound on λ_max, infinite if there is none; by default `right`.
    """

    left: float
    right: float
    assumptions: tuple[str, ...]
    source: str
    name: str = ""
    statement: str = ""
    failed_premises: tuple[str, ...] = ()
    scale: float = 0.0
    details: Mapping[str, float] = field(default_factory=dict, hash=False)
    right_upper: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.right_upper):
            object.__setattr__(self, "right_upper", self.right)

    @property
    def slack(self) -> float:
        """Right minus left."""
        return self.right - self.left

    @property
    def tolerance(self) -> float:
        """What rounding may have done to the two sides: 64·eps·scale."""
        return 64.0 * EPS * self.scale

    @property
    def verdict(self) -> str:
        """Say "holds", "violated", "undecided" or "inapplicable" (a premise fails, or a side is not finite).

        Undecided: the inequality fails with the lower bound on λ_max, but not with the upper one.
        """
        if self.failed_premises or not (math.isfinite(self.left) and math.isfinite(self.right)):
            return "inapplicable"
        if self.left <= self.right + self.tolerance:
            return "holds"
        return "violated" if self.left > self.right_upper + self.tolerance else "undecided"

    def record(self) -> dict[str, Any]:
        """Return both sides, the verdict, the premises and the source by name."""
        return {
            "statement": self.statement,
            "left": self.left,
            "right": self.right,
            "right_upper": self.right_upper,
            "slack": self.slack,
            "verdict": self.verdict,
            "assumptions": self.assumptions,
            "failed_premises": self.failed_premises,
            "source": self.source,
            "details": dict(self.details),
        }

    def __repr__(self) -> str:
        sign = {"violated": ">", "undecided": "?"}.get(self.verdict, "≤")
        said = f"{self.left:.4g} {sign} {self.right:.4g}, slack {self.slack:.3g}"
        if self.verdict == "undecided":
            said = f"{self.left:.4g} lies between the right sides {self.right:.4g} and {self.right_upper:.4g}"
        elif self.verdict == "inapplicable":
            failed = ", ".join(self.failed_premises)
            why = f"not met: {failed}" if failed else "a side is not finite"
            said = f"it says nothing about this network ({why}); sides {self.left:.4g} and {self.right:.4g}"
        return f"Certificate({self.name} {self.verdict}: {said}; {self.statement}; {self.source})"
