"""Recovery: matrices of low rank from a part of their entries."""

from stepscape.recovery.completion import Completion, complete

__all__ = ["Completion", "complete"]


def __dir__() -> list[str]:
    return sorted(__all__)
