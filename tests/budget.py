"""How many examples a property is tried on: a share of what the profile of hypothesis says."""

from __future__ import annotations

from hypothesis import settings


def examples(share: float) -> settings:
    """Settings for a property whose examples take long, or whose cases are many: ``@examples(1 / 4)``."""
    return settings(max_examples=round(share * settings.default.max_examples))
