"""The frame of experiments: what every claim shares, and nothing that only some of them need."""

from stepscape.experiments.frame.claim import Claim, Drawn, run
from stepscape.experiments.frame.finding import Effect, Finding, lacking, together
from stepscape.experiments.frame.kinds import KINDS, WORDS
from stepscape.experiments.frame.part import Judged, Part
from stepscape.experiments.frame.result import Result, Run
from stepscape.experiments.frame.sentences import Says
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep

__all__ = [
    "KINDS", "WORDS", "Claim", "Drawn", "Effect", "Finding", "Judged", "Part", "Result", "Run", "Says",
    "Settings", "at_least", "lacking", "run", "seeds", "sweep", "together",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
