"""What rows tell: stays at the edge, spikes of the loss, failures, in sentences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import row, rows
from stepscape.monitor.moments import spikes, stays
from stepscape.monitor.story import MOST_SPIKES, story

RATIOS = st.lists(st.none() | st.floats(0.0, 3.0), max_size=20)
LOSSES = st.lists(st.floats(1e-6, 1e6), min_size=8, max_size=8)


def test_nothing_is_told_of_nothing() -> None:
    assert story([]) == [
        "Nothing was measured yet: with every='auto' the first measurement comes when the budget pays for it, "
        "with every=20 after the first step."
    ]


def test_why_there_is_no_edge_ratio() -> None:
    reason = "edge_ratio: no threshold is known for NAdam; give preconditioner=fn(optimizer, parameter)."
    told = story(rows([None] * 3, reason=reason))
    assert told[0] == f"No edge ratio was measured: {reason.removeprefix('edge_ratio: ')}"
    assert story(rows([None] * 3, reason="trace: no"))[0] == "No edge ratio was measured."


@given(RATIOS)
def test_a_stay_begins_at_nine_tenths_and_ends_below_eight(ratios: list[float | None]) -> None:
    found = stays(rows(ratios))
    inside = set()
    for stay in found:
        end = stay.last if stay.last is not None else 100 * len(ratios)
        inside |= set(range(stay.first, end + 1, 100))
        assert ratios[stay.first // 100 - 1] >= 0.9
        assert min(stay.ratios) >= 0.8
    for i, ratio in enumerate(ratios, 1):
        if ratio is not None and ratio >= 0.9:
            assert 100 * i in inside
        if ratio is not None and ratio < 0.8:
            assert 100 * i not in inside
    assert all(stay.last is not None for stay in found[:-1])


@pytest.mark.parametrize(
    ("ratios", "first", "last"),
    [([0.899, 0.9], 200, None), ([0.9, 0.8], 100, None), ([0.9, 0.799], 100, 100)],
)
def test_the_ends_of_a_stay(ratios: list[float], first: int, last: int | None) -> None:
    (stay,) = stays(rows(ratios))
    assert (stay.first, stay.last) == (first, last)


def test_at_the_edge_since_a_step() -> None:
    told = story(rows([0.2, 0.5, 0.8, 0.95, 1.02, 0.85, 1.01]))
    assert told[0] == (
        "The run has been at the edge since step 400: 4 measurements, median edge ratio 0.980."
    )


def test_where_a_run_stands_is_said_before_where_it_was() -> None:
    told = story(rows([0.2, 1.4, 1.5, 0.3, 0.3, 0.2]))
    assert told[0] == "The run is below the edge again: its edge ratio is 0.20 at step 600."
    assert told[1] == "The run was beyond the edge from step 200 to 300, with a median edge ratio of 1.45."


def test_one_visit_and_many() -> None:
    assert story(rows([0.1, 1.0]))[0] == "The run was at the edge at step 200, with an edge ratio of 1."
    told = story(rows([0.1, 1.0] * 5 + [0.1]))
    assert [sentence.partition(",")[0] for sentence in told[1:4]] == [
        f"The run was at the edge at step {step}" for step in (1000, 800, 600)
    ]
    assert told[4] == "It had come to the edge 2 times before."


def test_how_far_the_curvature_moved_below_the_edge() -> None:
    assert "λ_max rose from 2 to 10." in story(rows([0.1, 0.3, 0.5]))[0]
    assert "λ_max fell from 10 to 2." in story(rows([0.5, 0.3, 0.1]))[0]
    assert "λ_max" not in story(rows([0.5, 0.4, 0.4]))[0]


def test_a_lower_bound_is_called_one() -> None:
    told = story(rows([0.3, 0.3, 0.4], status="budget"))
    assert told[0] == "The edge ratio is at least 0.40 at step 300: its status is 'budget'."
    assert "All 3 measurements stopped before converging, with lower bounds only." in told


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
    assert told[0] == "The loss has not been finite since step 400."
    assert not any("came with" in sentence or "of 5" in sentence for sentence in told)


def test_many_spikes_are_counted() -> None:
    losses = [1.0, 1.0, 1.0, *[5.0, 1.0] * 8]
    told = story(rows([1.0] * len(losses), losses))
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
