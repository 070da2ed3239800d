"""Steps that adapt to the loss, as many as a multiple of 1/γ², with the margin γ that the data have."""

from __future__ import annotations

from math import ceil

from stepscape.experiments.illustrations import runs
from stepscape.experiments.illustrations.runs import LogisticRun
from stepscape.experiments.illustrations.separable_data import data
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record

SMALLEST = 1e-3  # margin; data with a smaller one get the steps of this


class AdaptiveRun(Spec, frozen=True, tag="logistic-adaptive/1"):
    """Steps of a rule that adapts to the loss, from 0: `adaptive_rounds`/γ² of them, γ the certified margin.

    margin : the one that the data are drawn with, which some of them only have about, or not at all.
    """

    data: str
    margin: float
    method: str
    factor: float
    adaptive_rounds: float
    seed: int
    drawn: bool


def begin(run: AdaptiveRun) -> LogisticRun:
    """Return the descent of so many steps; wrong settings are refused."""
    same = {name: getattr(run, name) for name in ("data", "margin", "method", "factor", "seed", "drawn")}
    runs.begin(LogisticRun(**same, unit="plain", steps=1))
    margin = max(data(run.data, run.margin, run.seed).margin.value, SMALLEST)
    return LogisticRun(**same, unit="plain", steps=ceil(run.adaptive_rounds / margin**2))


def work(run: AdaptiveRun, tick: Tick) -> Record:
    """Carry out the descent."""
    return runs.work(begin(run), tick)
