"""The budget is kept, whatever steps and measurements cost: a simulator with a clock of its own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.monitor.schedule import MEMORY, TRIAL, Budget, EverySteps, Schedule

Cost = Callable[[int], float]  # number of a measurement → its seconds
EPS = 1e-12


class Simulation:
    """Training with a schedule: what was spent, and when something was measured."""

    def __init__(self, schedule: Schedule, cost: Cost, trial: Callable[[float], float]) -> None:
        self.schedule, self.cost, self.trial = schedule, cost, trial
        self.training = self.spent = 0.0
        self.measured: list[int] = []
        self.excess = 0.0  # largest error of a prediction: what the budget may be exceeded by

    def run(self, steps: Iterable[float]) -> Simulation:
        for number, seconds in enumerate(steps):
            self.schedule = self.schedule.after_step(seconds)
            self.training += seconds
            if self.schedule.trial_due:
                price = self.cost(0)
                self._spend(0.1 * price)
                self.schedule = self.schedule.after_trial(self.trial(price))
            if self.schedule.due:
                self._measure(number)
        return self

    def _measure(self, number: int) -> None:
        seconds = self.cost(len(self.measured))
        if isinstance(self.schedule, Budget):
            before = self.schedule
            assert before.spent + before.predicted <= before.share * before.training * (1 + EPS)
            self.excess = max(self.excess, seconds - before.predicted)
        self._spend(seconds)
        self.schedule = self.schedule.after_measurement(seconds)
        self.measured.append(number)

    def _spend(self, seconds: float) -> None:
        self.spent += seconds
        self.schedule = self.schedule.after_use(seconds)


SHARES = st.floats(0.01, 0.5)
STEP_TIMES = st.lists(st.floats(1e-4, 1e3), min_size=1, max_size=400)
COSTS = st.lists(st.floats(0.0, 1e4), min_size=1, max_size=30)


@given(SHARES, STEP_TIMES, COSTS, st.floats(0.3, 3.0))
def test_no_more_is_spent_than_the_budget_and_the_error_of_a_prediction(
    share: float, steps: list[float], costs: list[float], error: float
) -> None:
    made = Simulation(Budget(share), lambda i: costs[i % len(costs)], lambda price: error * price).run(steps)
    if not made.measured:
        return
    assert made.spent <= share * made.training * (1 + EPS) + made.excess


@pytest.mark.parametrize("seed", range(4))
def test_the_budget_is_used(seed: int) -> None:
    # Costs that drift slowly, steps that scatter: what is spent comes within two measurements of the budget,
    # but for the time from when a measurement is paid to the end of that step.
    draw = random.Random(seed)
    share, price, drift = draw.uniform(0.02, 0.2), draw.uniform(5.0, 20.0), draw.uniform(0.0, 0.02)
    steps = [draw.uniform(0.5, 1.5) for _ in range(2000)]
    made = Simulation(Budget(share), lambda i: price * (1 + drift * i), lambda price: price).run(steps)
    rounding = 1.5 * share * len(made.measured)
    assert share * made.training - made.spent <= 2.0 * price * (1 + drift * len(made.measured)) + rounding


@pytest.mark.parametrize("price", [3.0, 10.0, 17.0, 30.0, 69.0])
def test_five_per_cent_over_two_thousand_steps_with_the_first_measurement(price: float) -> None:
    # Prices in training steps, as measured on real networks; every tenth costs double, as an audit does.
    cost: Cost = lambda i: price * (2.0 if i % 10 == 9 else 1.0)  # noqa: E731
    made = Simulation(Budget(0.05), cost, lambda price: 1.2 * price).run([1.0] * 2000)
    assert made.measured
    assert made.spent <= 0.05 * made.training
    assert made.measured[0] >= TRIAL / 0.05 - 1


def test_the_first_measurement_waits_and_so_does_the_trial() -> None:
    schedule = Budget(0.05)
    for _ in range(199):
        schedule = schedule.after_step(1.0)
        assert not schedule.trial_due
        assert not schedule.due
    schedule = schedule.after_step(1.0)
    assert schedule.trial_due
    assert not schedule.due  # nobody knows its price
    schedule = schedule.after_use(4.0).after_trial(16.0)
    assert not schedule.trial_due
    assert not schedule.due  # 4 + 16 > 0.05·200
    assert schedule.wait == pytest.approx(320.0)
    for _ in range(199):
        schedule = schedule.after_step(1.0)
        assert not schedule.due
    assert schedule.after_step(1.0).due  # at 400 steps


def test_a_pause_pays_for_one_measurement() -> None:
    made = Simulation(Budget(0.05), lambda _: 1.0, lambda price: price).run([1.0] * 300)
    before = len(made.measured)
    made.run([10_000.0, *[1.0] * 19])
    assert len(made.measured) == before + 1


def test_a_dear_measurement_is_remembered_until_ten_others_were_made() -> None:
    schedule = Budget(0.05).after_step(1.0).after_trial(99.0).after_measurement(7.0)
    assert schedule.predicted == 7.0  # the trial has served
    for _ in range(MEMORY - 1):
        schedule = schedule.after_measurement(2.0)
        assert schedule.predicted == 7.0
    assert schedule.after_measurement(2.0).predicted == 2.0


def test_a_failure_costs_as_much_patience_as_a_measurement() -> None:
    schedule = Budget(0.05).after_step(1000.0).after_measurement(7.0).after_use(7.0).after_failure()
    assert schedule.predicted == 7.0
    assert not schedule.after_step(139.0).due
    assert schedule.after_step(140.0).due
    assert EverySteps(3).after_failure() == EverySteps(3)


def test_steps_without_time_measure_nothing() -> None:
    schedule = Budget(0.05).after_step(0.0)
    assert not schedule.trial_due
    assert not schedule.due
    assert schedule.wait != schedule.wait


@given(st.integers(1, 20), st.integers(1, 100))
def test_every_so_many_steps_costs_what_it_costs(period: int, count: int) -> None:
    made = Simulation(EverySteps(period), lambda _: 1e9, lambda price: price).run(
        itertools.repeat(1.0, count)
    )
    assert made.measured == list(range(0, count, period))
