"""Figures: tables and arrays in, matplotlib figures out; matplotlib is imported when drawing."""

__all__: list[str] = []


def __dir__() -> list[str]:
    return sorted(__all__)
