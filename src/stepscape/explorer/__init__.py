"""The explorer: one offline page on which the step size is a slider, while a network trains."""

from stepscape.explorer.pages import page

__all__ = ["page"]


def __dir__() -> list[str]:
    return sorted(__all__)
