"""Claims whose runs need an extra, and whether it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from stepscape.errors import Unavailable

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim


def need(claim: Claim) -> str:
    """Say what a claim needs beyond the base installation; "" if nothing."""
    return f"needs {claim.extra}" if claim.extra else ""


def lacks(claim: Claim) -> bool:
    """Whether the extra that a claim needs is not installed; nothing is imported."""
    try:
        return bool(claim.extra) and find_spec(claim.extra) is None
    except ValueError:  # its module is there without a specification, as one that is switched off
        return True


def require(claim: Claim) -> None:
    """Refuse a claim whose extra is not installed.

    Raises
    ------
    Unavailable
        The sentence says how to install it.
    """
    if lacks(claim):
        raise Unavailable(f"{claim.name} needs {claim.extra}; pip install 'stepscape[{claim.extra}]'")
