"""The budget is kept, whatever steps and measurements cost: a simulator with a clock of its own."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepscape.monitor.schedule import Budget, EverySteps, Schedule

Cost = Callable[[int], float]  # number of a measurement → its seconds
EPS = 1e-12


class Simulation:
    """Training with a schedule: what was spent, and when something was measured."""

    def __init__(self, schedule: Schedule, cost: Cost, trial: Callable[[float], float]) -> None:
        self.schedule, self.cost, self.trial = schedule, cost, trial
        self.training = self.spent = 0.0
        self.measured: list[int] = []
        self.trial_cost: float | None = None  # a tenth of a measurement unless said otherwise
        self.excess = 0.0  # largest error of a prediction: what the budget may be exceeded by

    def run(self, steps: Iterable[float]) -> Simulation:
        for number, seconds in enumerate(steps):
            self.schedule = self.schedule.after_step(seconds)
            self.training += seconds
            if self.schedule.trial_due:
                price = self.cost(0)
                self._spend(0.1 * price if self.trial_cost is None else self.trial_cost)
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


@given(SHARES, st.floats(5.0, 60.0), st.lists(st.floats(0.0, 2.2), min_size=1, max_size=40), STEP_TIMES)
@settings(max_examples=40)
def test_costs_up_to_more_than_twice_the_prediction_keep_the_share_of_two_thousand_steps(
    share: float, price: float, ratios: list[float], scatter: list[float]
) -> None:
    """Whatever they cost within that, in every order; no step is shorter than the first."""
    steps = [1.0, *(1.0 + seconds for seconds in scatter)]
    made = Simulation(
        Budget(share), lambda i: ratios[i % len(ratios)] * made.schedule.predicted, lambda _: price
    )
    made.trial_cost = 2.0
    made.run(itertools.islice(itertools.cycle(steps), 1999))
    for seconds in itertools.islice(itertools.cycle(steps), 500):
        made.run([seconds])
        assert made.spent <= share * made.training * (1 + EPS)


LUCK = st.lists(st.sampled_from([1.0, 1.5, 2.0]), min_size=2, max_size=30)


@given(st.floats(3.0, 44.0), st.floats(0.0, 0.1), LUCK)
@settings(max_examples=50)
def test_five_per_cent_over_two_thousand_steps_where_costs_vary_by_two_and_grow(
    price: float, growth: float, luck: list[float]
) -> None:
    """Prices in training steps, as measured on real networks; the trial knows the least of them."""
    cost: Cost = lambda i: price * (1.0 + growth) ** i * luck[i % len(luck)]  # noqa: E731
    made = Simulation(Budget(0.05), cost, lambda _: price).run([1.0] * 2000)
    assert made.spent <= 0.05 * made.training
    for _ in range(1000):
        made.run([1.0])
        assert made.spent <= 0.05 * made.training


@pytest.mark.parametrize("price", [3.0, 10.0, 17.0, 30.0])
def test_five_per_cent_with_the_first_measurement_and_audits(price: float) -> None:
    """Every tenth costs double; the first comes as soon as it is paid for."""
    cost: Cost = lambda i: price * (2.0 if i % 10 == 9 else 1.0)  # noqa: E731
    made = Simulation(Budget(0.05), cost, lambda price: 1.2 * price).run([1.0] * 2000)
    assert made.spent <= 0.05 * made.training
    assert 20 * 1.3 * price - 2 <= made.measured[0] <= 20 * 1.3 * price + 1


def test_a_measurement_too_dear_to_be_made_up_for_waits() -> None:
    made = Simulation(Budget(0.05), lambda _: 69.0, lambda price: price).run([1.0] * 3000)
    assert made.measured == []  # (6.9 + 2.2·69)/0.05 = 3174 steps
    assert made.schedule.first == pytest.approx(3174.0)
    assert made.run([1.0] * 200).measured == [173]


@pytest.mark.parametrize("seed", range(4))
def test_the_budget_is_used(seed: int) -> None:
    # Costs that drift slowly, steps that scatter: what is spent comes within the reserve and one measurement
    # of the budget, but for the time from when a measurement is paid to the end of that step.
    draw = random.Random(seed)
    share, price, drift = draw.uniform(0.02, 0.2), draw.uniform(5.0, 20.0), draw.uniform(0.0, 0.02)
    steps = [draw.uniform(0.5, 1.5) for _ in range(4000)]
    made = Simulation(Budget(share), lambda i: price * (1 + drift * i), lambda price: price).run(steps)
    rounding = 1.5 * share * len(made.measured)
    assert share * made.training - made.spent <= 3.2 * price * (1 + drift * len(made.measured)) + rounding


def test_the_first_measurement_waits_and_so_does_the_trial() -> None:
    schedule = Budget(0.05)
    for _ in range(39):
        schedule = schedule.after_step(1.0)
        assert not schedule.trial_due
        assert not schedule.due
    schedule = schedule.after_step(1.0)
    assert schedule.trial_due  # two steps are paid for
    assert not schedule.due  # nobody knows its price
    schedule = schedule.after_use(4.0).after_trial(16.0)
    assert not schedule.trial_due
    assert not schedule.due  # 4 + 16 > 0.05·40
    assert schedule.first == pytest.approx(400.0)
    for _ in range(359):
        schedule = schedule.after_step(1.0)
        assert not schedule.due
    assert schedule.after_step(1.0).due  # at 400 steps


@pytest.mark.parametrize(("price", "first"), [(43.6, 952), (43.7, 2003)])
def test_a_measurement_is_early_where_two_thousand_steps_pay_for_more_than_twice_its_price(
    price: float, first: int
) -> None:
    # 4 + 2.2·43.6 ≤ 0.05·2000 < 4 + 2.2·43.7
    schedule, count = Budget(0.05).after_step(1.0).after_use(4.0).after_trial(price), 1
    assert schedule.first == pytest.approx(first, abs=1.0)
    while not schedule.due:
        schedule, count = schedule.after_step(1.0), count + 1
    assert count == first


def test_a_pause_pays_for_one_measurement() -> None:
    made = Simulation(Budget(0.05), lambda _: 1.0, lambda price: price).run([1.0] * 300)
    before = len(made.measured)
    made.run([10_000.0, *[1.0] * 19])
    assert len(made.measured) == before + 1


def test_a_dear_measurement_is_remembered_until_ten_others_were_made() -> None:
    schedule = Budget(0.05).after_step(1.0).after_trial(99.0).after_measurement(7.0)
    assert schedule.predicted == 7.0  # the trial has served
    for _ in range(9):
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
    assert schedule.first != schedule.first


@given(st.integers(1, 20), st.integers(1, 100))
def test_every_so_many_steps_costs_what_it_costs(period: int, count: int) -> None:
    made = Simulation(EverySteps(period), lambda _: 1e9, lambda price: price).run(
        itertools.repeat(1.0, count)
    )
    assert made.measured == list(range(0, count, period))
