"""When to measure: every so many steps, or as often as a share of the training time allows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

MEMORY = 10  # measurements whose largest cost predicts the next one: one of them is a cold audit
TRIAL = 10.0  # training steps that a trial is taken to cost before it was made


class Schedule(Protocol):
    """What decides when to measure; it does not change, but returns what it is afterwards."""

    @property
    def due(self) -> bool:
        """Whether to measure now."""
        ...

    @property
    def trial_due(self) -> bool:
        """Whether to find out now what a measurement costs, by a part of one."""
        ...

    def after_step(self, seconds: float) -> Schedule:
        """Return the schedule after one more training step of so many seconds."""
        ...

    def after_use(self, seconds: float) -> Schedule:
        """Return the schedule after the monitor took so many seconds, for whatever it did."""
        ...

    def after_trial(self, predicted: float) -> Schedule:
        """Return the schedule after a trial predicted the seconds of a measurement."""
        ...

    def after_measurement(self, seconds: float) -> Schedule:
        """Return the schedule after a measurement of so many seconds."""
        ...

    def after_failure(self) -> Schedule:
        """Return the schedule after a measurement that found nothing, and tells nothing of the cost."""
        ...


@dataclass(frozen=True)
class EverySteps:
    """Measure after the first step and then every `period` steps, whatever that costs."""

    period: int
    steps: int = 0

    @property
    def due(self) -> bool:
        """Whether to measure now."""
        return self.steps % self.period == 1 % self.period

    @property
    def trial_due(self) -> bool:
        """Never: the cost does not matter."""
        return False

    def after_step(self, seconds: float) -> EverySteps:  # noqa: ARG002
        """Return the schedule after one more training step."""
        return replace(self, steps=self.steps + 1)

    def after_use(self, seconds: float) -> EverySteps:  # noqa: ARG002
        """Return the schedule itself."""
        return self

    def after_trial(self, predicted: float) -> EverySteps:  # noqa: ARG002
        """Return the schedule itself."""
        return self

    def after_measurement(self, seconds: float) -> EverySteps:  # noqa: ARG002
        """Return the schedule itself."""
        return self

    def after_failure(self) -> EverySteps:
        """Return the schedule itself."""
        return self


@dataclass(frozen=True)
class Budget:
    """Measure as often as a share of the training time pays for.

    A measurement is due when what was spent and what it is predicted to cost are together at most
    ``share · training``, and the training since the last measurement has paid for that one. So what is spent
    exceeds the share by no more than the error of one prediction, and a long pause of the training, such as
    a validation, pays for one measurement, not for many in a row.

    Before the first measurement nobody knows its price. When the budget pays for `TRIAL` average steps, a
    trial is due: a part of a measurement, which predicts the whole.

    Attributes
    ----------
    share : float
        Time of the monitor over time of training, strictly between 0 and 1.
    steps : int
        Training steps that were made.
    training, spent : float
        Seconds of training, and of the monitor.
    since : float
        Seconds of training since the last measurement.
    costs : tuple of float
        Seconds of the last measurements, at most `MEMORY`; before the first one, what the trial predicts.
    measurements : int
        How many were made.
    """

    share: float
    steps: int = 0
    training: float = 0.0
    spent: float = 0.0
    since: float = 0.0
    costs: tuple[float, ...] = ()
    measurements: int = 0

    @property
    def predicted(self) -> float:
        """Seconds that the next measurement is taken to cost; nan before the trial."""
        return max(self.costs, default=math.nan)

    @property
    def due(self) -> bool:
        """Whether the budget pays for a measurement now."""
        pays = self.spent + self.predicted <= self.share * self.training  # False for nan
        last = self.costs[-1] if self.measurements else 0.0
        return pays and last <= self.share * self.since

    @property
    def trial_due(self) -> bool:
        """Whether the budget pays for a trial, and none was made."""
        guess = TRIAL * self.training / max(1, self.steps)
        return not self.costs and 0.0 < guess <= self.share * self.training

    @property
    def wait(self) -> float:
        """Training steps between two measurements at the predicted cost; nan before the trial."""
        step = self.training / max(1, self.steps)
        return self.predicted / (self.share * step) if step > 0.0 else math.nan

    def after_step(self, seconds: float) -> Budget:
        """Return the schedule after one more training step of so many seconds."""
        return replace(
            self, steps=self.steps + 1, training=self.training + seconds, since=self.since + seconds
        )

    def after_use(self, seconds: float) -> Budget:
        """Return the schedule after the monitor took so many seconds, for whatever it did."""
        return replace(self, spent=self.spent + seconds)

    def after_trial(self, predicted: float) -> Budget:
        """Return the schedule after a trial predicted the seconds of a measurement."""
        return replace(self, costs=(predicted,))

    def after_measurement(self, seconds: float) -> Budget:
        """Return the schedule after a measurement; its seconds go to `after_use` as well."""
        known = self.costs if self.measurements else ()
        costs = (*known, seconds)[-MEMORY:]
        return replace(self, costs=costs, since=0.0, measurements=self.measurements + 1)

    def after_failure(self) -> Budget:
        """Return the schedule after a measurement that found nothing: the next one is as far away as ever."""
        return replace(self, since=0.0, measurements=self.measurements + 1)
