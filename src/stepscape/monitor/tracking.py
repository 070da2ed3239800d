"""The largest eigenvalue followed along training, from measurement to measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from stepscape.arguments import whole
from stepscape.errors import expect
from stepscape.monitor.krylov import TensorOperator, require_operator
from stepscape.monitor.lanczos import RitzPair, largest


@dataclass(frozen=True, eq=False)
class Track:
    """What one measurement of the largest eigenvalue hands to the next.

    Attributes
    ----------
    vectors : tensor (k, size), optional
        Ritz vectors of the largest Ritz values; None before the first measurement.
    measured : int
        Measurements so far.
    """

    vectors: Any = None
    measured: int = 0

    def start(self, size: int) -> Any:
        """Sum of the Ritz vectors (size,), or None where there are none of this size.

        Not the first alone: from it, an eigenvalue that overtakes the first is missed nearly always, because
        the old vector is an eigenvector still and its residual is small at once.
        """
        fits = self.vectors is not None and self.vectors.shape[1] == size
        return self.vectors.sum(dim=0) if fits else None


@dataclass(frozen=True, eq=False)
class Followed:
    """A measurement along training.

    Attributes
    ----------
    pair : RitzPair
        The larger of the two where there was an audit; its products are those of both.
    track : Track
        For the next measurement.
    audited : bool
        Whether a second search began at a random vector.
    crossing : bool
        Whether it found more than the tolerance above what the tracked vectors had led to.
    """

    pair: RitzPair
    track: Track
    audited: bool = False
    crossing: bool = False


def follow(
    operator: TensorOperator, track: Track, *, audit_every: int = 10, kept: int = 3, **settings: Any
) -> Followed:
    """Find the largest eigenvalue from the vectors of the last measurement; audit every tenth time.

    Parameters
    ----------
    operator : TensorOperator
    track : Track
        ``Track()`` at first.
    audit_every : int
        The measurements numbered by its multiples begin at a random vector too; 0 for never.
    kept : int
        Ritz vectors to track.
    **settings
        Of `largest`: tolerance, max_products, rows.

    Raises
    ------
    InputError, Unmeasured
        As `largest` says.
    """
    require_operator("operator", operator)
    expect("track", track, Track)
    whole("audit_every", audit_every)
    number, start = track.measured, track.start(operator.size)
    pair = largest(operator, start, kept=kept, seed=number, **settings)
    after = Track(pair.vectors, number + 1)
    if start is None or not audit_every or number % audit_every:
        return Followed(pair, after)
    cold = largest(operator, kept=kept, seed=number, **settings)
    best = cold if cold.value > pair.value else pair
    found = replace(best, products=pair.products + cold.products)
    crossing = cold.value - pair.value > settings.get("tolerance", 1e-3) * abs(cold.value)
    return Followed(found, Track(best.vectors, number + 1), audited=True, crossing=crossing)
