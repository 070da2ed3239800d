"""When to measure: every so many steps, or as often as a share of the training time allows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

MEMORY = 10  # measurements whose largest cost predicts the next one: one of them is a cold audit
TRIAL = 2.0  # training steps that the first trial is taken to cost before it was made
HORIZON = 2000  # steps after which the share is kept, and before which a dear measurement can be made up for
RESERVE = 2.2  # times the predicted cost that must be paid for by then: costs vary by 2, and grow by a tenth


class Schedule(Protocol):
    """What decides when to measure; it does not change, but returns what it is afterwards."""

    @property
    def due(self) -> bool:
        """Whether to measure now."""
        ...

    @property
    def trial_due(self) -> bool:
        """Whether to find out now what measurements cost."""
        ...

    def after_step(self, seconds: float) -> Schedule:
        """Return the schedule after one more training step of so many seconds."""
        ...

    def after_use(self, seconds: float) -> Schedule:
        """Return the schedule after the monitor took so many seconds, for whatever it did."""
        ...

    def after_trial(self, predicted: float) -> Schedule:
        """Return the schedule after a trial predicted the seconds of what is due next."""
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
    ``share · training``, when `RESERVE` times as much would be paid for after `HORIZON` steps none of which
    is shorter than the shortest so far, and when the training since the last measurement has paid for that
    one. So a measurement that costs at most `RESERVE` times the largest of the last ten never makes the
    monitor spend more than its share of a run of `HORIZON` steps or more. A long pause of the training, such
    as a validation, pays for one measurement, not for many in a row.

    Before the first measurement nobody knows its price. When the budget pays for `TRIAL` average steps, a
    trial is due. It predicts what is to come: a longer trial, which is then due like a measurement, or the
    measurement.

    Attributes
    ----------
    share : float
        Time of the monitor over time of training, strictly between 0 and 1.
    steps : int
        Training steps that were made.
    training, spent : float
        Seconds of training, and of the monitor.
    shortest : float
        Seconds of the shortest step that took any.
    since : float
        Seconds of training since the last measurement.
    costs : tuple of float
        Seconds of the last measurements, at most `MEMORY`; before the first one, what a trial predicts.
    measurements : int
        How many were made.
    """

    share: float
    steps: int = 0
    training: float = 0.0
    spent: float = 0.0
    shortest: float = math.inf
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
        last = self.costs[-1] if self.measurements else 0.0
        reserve = self.spent + RESERVE * self.predicted <= self.share * self._by_horizon
        return reserve and self._pays(self.predicted) and last <= self.share * self.since

    @property
    def _by_horizon(self) -> float:
        """Seconds of training after `HORIZON` steps, at least."""
        left = HORIZON - self.steps
        return self.training + (left * self.shortest if left > 0 else 0.0)

    @property
    def trial_due(self) -> bool:
        """Whether the budget pays for a trial, and none was made."""
        guess = TRIAL * self.training / max(1, self.steps)
        return not self.costs and 0.0 < guess <= self.share * self.training

    @property
    def price(self) -> float:
        """Predicted cost in training steps; nan before the trial."""
        return self.share * self._steps(self.predicted)

    @property
    def first(self) -> float:
        """Number of the step after which the first measurement is made, about; nan before the trial."""
        early = self._steps(self.spent + self.predicted)
        late = self._steps(self.spent + RESERVE * self.predicted)
        return early if late <= HORIZON else late

    def _steps(self, seconds: float) -> float:
        """Training steps that pay for so many seconds of the monitor."""
        step = self.training / max(1, self.steps)
        return seconds / (self.share * step) if step > 0.0 else math.nan

    def _pays(self, seconds: float) -> bool:
        """Whether the training so far pays for so many seconds more; False for nan."""
        return self.spent + seconds <= self.share * self.training

    def after_step(self, seconds: float) -> Budget:
        """Return the schedule after one more training step of so many seconds."""
        return replace(
            self, steps=self.steps + 1, training=self.training + seconds, since=self.since + seconds,
            shortest=min(self.shortest, seconds or math.inf),
        )  # fmt: skip

    def after_use(self, seconds: float) -> Budget:
        """Return the schedule after the monitor took so many seconds, for whatever it did."""
        return replace(self, spent=self.spent + seconds)

    def after_trial(self, predicted: float) -> Budget:
        """Return the schedule after a trial predicted the seconds of what is due next."""
        return replace(self, costs=(predicted,))

    def after_measurement(self, seconds: float) -> Budget:
        """Return the schedule after a measurement; its seconds go to `after_use` as well."""
        known = self.costs if self.measurements else ()
        costs = (*known, seconds)[-MEMORY:]
        return replace(self, costs=costs, since=0.0, measurements=self.measurements + 1)

    def after_failure(self) -> Budget:
        """Return the schedule after a measurement that found nothing: the next one is as far away as ever."""
        return replace(self, since=0.0, measurements=self.measurements + 1)
