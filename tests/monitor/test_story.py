"""What rows tell: phases of a run, spikes of the loss, failures, in sentences."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import row, rows
from stepscape.monitor.phases import LASTING, phases, places_of
from stepscape.monitor.spikes import spikes
from stepscape.monitor.story import MOST_SPIKES, story

RATIOS = st.lists(st.none() | st.floats(0.0, 3.0), max_size=20)
LOSSES = st.lists(st.floats(1e-6, 1e6), min_size=8, max_size=8)


def test_nothing_is_told_of_nothing() -> None:
    assert story([]) == [
        "Nothing was measured yet: with every='auto' the first measurement comes when the budget pays for "
        "it, "
        "with every=20 after the first step."
    ]


def test_why_there_is_no_edge_ratio() -> None:
    reason = "edge_ratio: no threshold is known for NAdam; give preconditioner=fn(optimizer, parameter)."
    told = story(rows([None] * 3, reason=reason))
    assert told[0] == f"No edge ratio was measured: {reason.removeprefix('edge_ratio: ')}"
    assert story(rows([None] * 3, reason="trace: no"))[0] == "No edge ratio was measured."


# ---- phases


@pytest.mark.parametrize(
    ("ratios", "places"),
    [
        ([0.899, 0.9], ["below", "at"]),
        ([0.9, 0.8, 0.799, 0.8], ["at", "at", "below", "below"]),
        ([1.2, 1.201, 0.8], ["at", "beyond", "at"]),
    ],
)
def test_places(ratios: list[float], places: list[str]) -> None:
    assert places_of(rows(ratios)) == places


@given(RATIOS)
def test_phases_follow_each_other_and_hold_what_was_measured(ratios: list[float | None]) -> None:
    found = phases(rows(ratios))
    known = [(100 * (i + 1), ratio) for i, ratio in enumerate(ratios) if ratio is not None]
    assert all(a.place != b.place for a, b in pairwise(found))
    assert [each.last is None for each in found] == [False] * (len(found) - 1) + [True] * bool(found)
    for each in found:
        assert len(each.ratios) >= LASTING
        end = math.inf if each.last is None else each.last
        assert each.ratios == tuple(ratio for step, ratio in known if each.first <= step <= end)
    for a, b in pairwise(found):
        assert a.last < b.first


@given(st.lists(st.sampled_from([0.3, 1.0, 2.0]), min_size=1, max_size=8), st.integers(0, 10**6))
def test_lasting_places_are_phases_whatever_single_jumps_do(levels: list[float], seed: int) -> None:
    draw = random.Random(seed)
    ratios, expected = [], []
    for level in levels:
        jump = draw.randrange(1, 6)  # not at an end, where it may be a beginning
        ratios += [draw.choice([0.3, 1.0, 2.0]) if i == jump else level for i in range(7)]
        place = {0.3: "below", 1.0: "at", 2.0: "beyond"}[level]
        if expected[-1:] != [place]:
            expected.append(place)
    assert [each.place for each in phases(rows(ratios))] == expected


@pytest.mark.parametrize(
    ("ratios", "firsts"),
    [
        ([0.1, 0.1, 0.1, 1.0, 1.0], [100]),
        ([0.1, 0.1, 0.1, 1.0, 1.0, 1.0], [100, 400]),
        ([0.1, 1.0, 1.0, 1.9, 1.0], [200]),
        ([1.9, 1.0, 1.0], []),
        ([1.9, 1.0, 1.0, 1.0], [200]),
    ],
)
def test_three_measurements_begin_a_phase(ratios: list[float], firsts: list[int]) -> None:
    assert [each.first for each in phases(rows(ratios))] == firsts


def test_at_the_edge_since_a_step() -> None:
    told = story(rows([0.2, 0.5, 0.8, 0.95, 1.02, 0.85, 1.01]))
    assert told[0] == (
        "The run has been at the edge since step 400: 4 measurements, median edge ratio 0.980."
    )


def test_where_a_run_stands_is_said_before_where_it_was() -> None:
    told = story(rows([0.2, 1.4, 1.5, 1.6, 0.3, 0.3, 0.2]))
    assert told[0] == "The run is below the edge again: its edge ratio is 0.20 at step 700."
    assert told[1] == "The run was beyond the edge from step 200 to 400, with a median edge ratio of 1.50."


def test_a_start_beyond_the_edge_is_not_yet_a_stay_at_it() -> None:
    told = story([row(20 * i, ratio) for i, ratio in enumerate([1.8, 0.9, 1.1, 1.1, 1.0])])
    assert told[:2] == [
        "The run has been at the edge since step 20: 4 measurements, median edge ratio 1.05.",
        "The largest edge ratio was 1.80, at step 0.",
    ]


def test_the_first_steps_of_an_adaptive_optimizer_are_told_as_such() -> None:
    start = [(0, 8000.0), (5, 600.0), (10, 80.0), (15, 9.0)]
    settled = [(step, 1.0) for step in (100, 200, 300, 400)]
    told = story([row(step, ratio, threshold=None) for step, ratio in [*start, *settled]])
    assert told[0].startswith(
        "The run has been at the edge since step 100: 4 measurements, median edge ratio 1."
    )
    assert told[1] == (
        "The run was beyond the edge from step 0 to 15, with a median edge ratio of 340, as in the first "
        "steps of "
        "adaptive optimizers."
    )
    told = story([row(step, ratio, threshold=None) for step, ratio in [*start[:1], *settled]])
    assert (
        told[1] == "The largest edge ratio was 8000, at step 0, as in the first steps of adaptive optimizers."
    )
    told = story([row(step, ratio) for step, ratio in [*start[:1], *settled]])
    assert told[1] == "The largest edge ratio was 8000, at step 0."


def test_a_run_that_leaves_the_edge_upward_is_beyond_it() -> None:
    told = story(rows([0.5, 0.9, 1.0, 1.1, 1.6, 2.5, 4.0]))
    assert (
        told[0] == "The run has been beyond the edge since step 500: 3 measurements, median edge ratio 2.50."
    )
    assert told[1] == "The run was at the edge from step 200 to 400, with a median edge ratio of 1."


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (3.0, "median edge ratio 1. The last one is beyond the edge, 3 at step 800."),
        (0.2, "median edge ratio 1. The last one is below the edge, 0.200 at step 800."),
        (0.85, "median edge ratio 1."),
    ],
)
def test_a_last_measurement_elsewhere_is_said(last: float, says: str) -> None:
    told = story(rows([0.5, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, last]))
    assert told[0].endswith(says)
    assert "The largest" not in " ".join(told)


@pytest.mark.parametrize(
    ("ratios", "says"),
    [
        ([1.8], "The run is beyond the edge: its edge ratio is 1.80 at step 100."),
        ([1.8, 0.9], "The run is at the edge: its edge ratio is 0.900 at step 200."),
        ([0.5, 0.85], "The run is below the edge: its edge ratio is 0.850 at step 200."),
        (
            [1.5, 0.85, 1.4, 0.5, 1.5],
            "The run has not settled: its edge ratio lies between 0.500 and 1.50, and is 1.50 at step 500.",
        ),
    ],
)
def test_what_is_not_yet_a_phase(ratios: list[float], says: str) -> None:
    assert story(rows(ratios))[0] == says


def test_a_last_measurement_at_the_edge_is_not_below_it() -> None:
    told = story(rows([1.3, 1.4, 1.3, 0.9, 0.6, 0.6, 0.7, 0.8, 0.98]))
    assert told[0] == (
        "The run has been below the edge since step 500: 5 measurements, median edge ratio 0.700. The last "
        "one is "
        "at the edge, 0.980 at step 900."
    )


def test_a_long_time_beyond_the_edge_is_no_beginning() -> None:
    run = [row(25 * i, ratio, threshold=None) for i, ratio in enumerate([1.5] * 6 + [0.3] * 3)]
    assert (
        story(run)[1] == "The run was beyond the edge from step 0 to 125, with a median edge ratio of 1.50."
    )
    short = [row(10 * i, ratio, threshold=None) for i, ratio in enumerate([1.5] * 6 + [0.3] * 3)]
    assert story(short)[1].endswith("ratio of 1.50, as in the first steps of adaptive optimizers.")


def test_many_visits() -> None:
    told = story(rows([0.1, 0.1, 0.1, 1.0, 1.0, 1.0] * 5 + [0.1] * 3))
    assert [sentence.partition(",")[0] for sentence in told[1:4]] == [
        f"The run was at the edge from step {first} to {last}"
        for first, last in ((2800, 3000), (2200, 2400), (1600, 1800))
    ]
    assert told[4] == "It had come to the edge twice before."
    assert "before." not in " ".join(story(rows([0.1, 0.1, 0.1, 1.0, 1.0, 1.0] * 3 + [0.1] * 3)))


def test_how_far_the_curvature_moved_below_the_edge() -> None:
    assert "λ_max rose from 2 to 10." in story(rows([0.1, 0.3, 0.5]))[0]
    assert "λ_max fell from 10 to 2." in story(rows([0.5, 0.3, 0.1]))[0]
    assert "λ_max" not in story(rows([0.5, 0.4, 0.4]))[0]


@pytest.mark.parametrize(
    ("last", "said"), [(0.24, True), (0.26, False), (0.98, False), (1.02, True)]
)  # of 0.5
def test_a_curvature_that_doubled_or_halved_is_told(last: float, said: bool) -> None:
    low = [0.5 * 0.5, 0.4 * 0.5, last * 0.5]
    assert ("λ_max" in story(rows(low))[0]) is said


def test_a_lower_bound_is_called_one() -> None:
    told = story(rows([0.3, 0.3, 0.4], status="budget"))
    assert (
        told[0] == "The edge ratio is at least 0.40 at step 300, where the search stopped before converging."
    )
    assert "All 3 measurements stopped before converging, with lower bounds only." in told
    told = story(rows([0.3], status="noise_floor"))
    assert (
        told[0]
        == "The edge ratio is at least 0.30 at step 100, where the search reached the limit of rounding."
    )
    assert "The only measurement reached the limit of rounding before the tolerance." in told
    told = story(rows([0.3, 0.3, 0.4], status="error", reason="trace: no"))
    assert told[0] == "The edge ratio is 0.40 at step 300, in a measurement of the status 'error'."


# ---- spikes


def test_a_spike_comes_with_the_largest_edge_ratio_on_the_way_up() -> None:
    run = rows([0.9, 1.0, 1.0, 1.9, 1.2, 1.0, 1.0], [0.5, 0.45, 0.4, 0.41, 3.0, 0.42, 0.3])
    (spike,) = spikes(run)
    assert (spike.step, spike.loss, spike.before, spike.edge_ratio, spike.last) == (500, 3.0, 0.43, 1.9, 500)
    assert "The loss spike at step 500 (from 0.430 to 3) came with an edge ratio of 1.9." in story(run)


def test_what_curvature_does_not_explain() -> None:
    told = story(rows([0.2] * 6, [0.5, 0.4, 0.3, 0.3, 2.0, 0.3]))
    assert (
        "The loss spike at step 500 (from 0.350 to 2) came with an edge ratio of 0.20: the curvature of this "
        "batch does not explain it."
    ) in told
    told = story(rows([None] * 6, [0.5, 0.4, 0.3, 0.3, 2.0, 0.3]))
    assert any("came with no edge ratio measured" in sentence for sentence in told)
    assert told[0] == "No edge ratio was measured."


def test_a_loss_that_was_as_high_a_moment_ago_is_not_a_spike() -> None:
    # The median of the last five is 2, their range 3.5: a spike begins beyond 5.5.
    falling = [4.0, 3.0, 2.0, 1.0, 0.5]
    assert spikes(rows([1.0] * 6, [*falling, 5.4])) == []
    assert [spike.step for spike in spikes(rows([1.0] * 6, [*falling, 5.6]))] == [600]
    flat = [2.0] * 5
    assert spikes(rows([1.0] * 6, [*flat, 3.9])) == []
    assert [spike.before for spike in spikes(rows([1.0] * 6, [*flat, 4.1]))] == [2.0]


def test_what_was_six_measurements_ago_does_not_hide_a_spike() -> None:
    assert [spike.step for spike in spikes(rows([1.0] * 7, [9.0, *[2.0] * 5, 4.1]))] == [700]


@pytest.mark.parametrize(("before", "count"), [(2, 0), (3, 1)])
def test_three_measurements_tell_how_large_the_loss_was(before: int, count: int) -> None:
    assert len(spikes(rows([1.0] * (before + 1), [1.0] * before + [9.0]))) == count


def test_a_loss_that_stays_up_is_one_spike() -> None:
    run = rows([1.0] * 7, [0.5, 0.4, 0.3, 2.0, 9.0, 8.0, 7.0])
    (spike,) = spikes(run)
    assert (spike.step, spike.before, spike.last) == (500, 0.4, None)
    assert any("the loss has not come back" in sentence for sentence in story(run))


def test_a_loss_that_is_not_finite_is_a_spike_and_said_first() -> None:
    run = rows([1.0, 1.3, 1.8, None, None], [0.5, 0.4, 0.6, None, None])
    run[3:] = [replace(each, status="nonfinite", reason="the loss is not finite") for each in run[3:]]
    assert [spike.loss for spike in spikes(run)] == [math.inf]
    told = story(run)
    assert told[:2] == [
        "The loss has not been finite since step 400.",
        "The last edge ratio before was 1.80 at step 300.",
    ]
    assert not any("came with" in sentence or "of 5" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([2.4, 2.3, 2.3, 2.3, 2.29], True),
        ([2.4, 2.3, 2.3, 2.29], False),
        ([2.4, 2.3, 2.2, 2.2, 2.27], False),
        ([2.4, 1.0, 1.0, 2.5, 2.5, 2.5], True),
        ([0.0, 0.0, 0.0, 0.0, 0.0], False),
    ],
)
def test_a_loss_that_has_not_come_down_is_told(losses: list[float], told: bool) -> None:
    last = f"{losses[-1]:.2f} at step {100 * len(losses)}"
    says = f"The loss has not come down: it was {losses[0]:.2f} at step 100 and is {last}."
    assert (says in story(rows([0.1] * len(losses), losses))) == told


def test_many_spikes_are_counted() -> None:
    losses = [1.0, 1.0, 1.0, *[5.0, 1.0] * 8]
    told = story(rows([1.0] * len(losses), losses))
    assert "The loss has not come down: it was 1 at step 100 and is 1 at step 1900." in told
    assert sum("The loss spike" in sentence for sentence in told) == MOST_SPIKES
    assert "3 more spikes of the loss followed." in told


@given(LOSSES, st.floats(1e-3, 1e3))
def test_spikes_do_not_depend_on_the_unit_of_the_loss(losses: list[float], unit: float) -> None:
    unit = 2.0 ** round(math.log2(unit))  # exact
    found = [spike.step for spike in spikes(rows([1.0] * 8, losses))]
    assert found == [spike.step for spike in spikes(rows([1.0] * 8, [unit * each for each in losses]))]


@given(st.lists(st.floats(0.5, 0.999), min_size=1, max_size=20))
def test_a_loss_that_falls_has_no_spike(factors: list[float]) -> None:
    losses = [math.prod(factors[: i + 1]) for i in range(len(factors))]
    assert spikes(rows([1.0] * len(losses), losses)) == []


# ---- failures


@pytest.mark.parametrize(
    ("status", "reason", "says"),
    [
        ("noise_floor", "", "2 of 4 measurements reached the limit of rounding before the tolerance."),
        ("oom", "memory did not suffice.", "2 of 4 measurements failed: memory did not suffice."),
        ("error", "", "2 of 4 measurements failed with the status 'error'."),
    ],
)  # fmt: skip
def test_what_was_not_measured_is_said(status: str, reason: str, says: str) -> None:
    failed = [row(i, None, status=status, reason=reason) for i in (1, 3)]
    assert says in story([row(0, 0.5), failed[0], row(2, 0.5), failed[1]])
