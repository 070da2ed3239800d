"""Advice on the step size: true where the truth is known, refused where the rows do not support any."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import row, rows
from stepscape.monitor.row import Row
from stepscape.monitor.suggestion import MOST, SAFE, suggest


def descent(curvature: np.ndarray, step_size: float, steps: int = 200) -> float:
    """Largest |x| after gradient descent on ½ Σ h x² from ones, over that of the start."""
    return float(np.abs((1.0 - step_size * curvature) ** steps).max())


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=5), st.floats(0.05, 5.0))
def test_on_a_quadratic_the_step_size_is_below_the_edge(curvature: list[float], ratio: float) -> None:
    h = np.array(curvature)
    step_size = ratio * 2.0 / h.max()
    run = rows([ratio] * 4, step_sizes=(step_size,))
    found = suggest(run)
    assert found.step_sizes is not None
    assert found.factor == pytest.approx(min(SAFE / ratio, MOST))
    assert found.step_sizes[0] == pytest.approx(found.factor * step_size)
    assert found.step_sizes[0] * h.max() / 2.0 <= SAFE * (1.0 + 1e-9)
    assert descent(h, found.step_sizes[0]) <= 1.0  # and not by a mere bound: the descent is run
    if ratio > 1.01:
        assert descent(h, step_size) > 1.0


def test_groups_keep_their_ratio() -> None:
    found = suggest(rows([1.6] * 3, step_sizes=(0.1, 0.02), threshold=None))
    assert found.step_sizes == pytest.approx((0.05, 0.01))
    assert found.reason == (
        "The step sizes 0.05 and 0.01 would be below the edge: the largest edge ratio of the last 3 "
        "measurements is 1.6 at the present step sizes; λ_max can rise again after a change."
    )


def test_a_step_size_with_room_above_it() -> None:
    found = suggest(rows([0.1, 0.3, 0.5, 0.5]))
    assert found.step_sizes == pytest.approx((0.16,))
    assert str(found).startswith("The step size could be 0.16 and stay below the edge: ")
    assert suggest(rows([0.02, 0.02, 0.02])).step_sizes == pytest.approx((0.2,))  # twice, not forty times


def test_a_schedule_of_step_sizes_is_accounted_for() -> None:
    # The same curvature 10 at a step size that decays: the largest edge ratio is that of an old step size.
    run = [row(i, 10.0 * eta, step_sizes=(eta,), threshold=2.0) for i, eta in enumerate([0.2, 0.1, 0.05])]
    found = suggest(run)
    assert found.step_sizes == pytest.approx((0.08,))
    assert found.factor == pytest.approx(1.6)


def test_the_first_steps_of_an_adaptive_optimizer_do_not_count() -> None:
    settled = rows([0.5] * 4, threshold=None)
    early = [row(step, ratio, threshold=None) for step, ratio in ((1, 600.0), (10, 40.0), (19, 5.0))]
    assert suggest([*early, *settled]) == suggest(settled)
    assert suggest([*early, row(20, 0.5, threshold=None), *settled[:2]]).factor == pytest.approx(1.6)
    says = "has fallen by a factor of 1200 since step 1, and has not settled"
    assert says in refusal([*early, *settled[:2]])  # too few later ones: all count


FALL = [30.0, 12.0, 5.0, 2.5, 1.6, 1.2, 1.1, 1.0, 1.0]


def test_where_the_curvature_has_come_down_the_rows_since_then_count() -> None:
    found = suggest(rows(FALL, threshold=None))
    assert found.factor == pytest.approx(0.8 / 1.6)
    assert (
        "the largest edge ratio of the last 5 measurements is 1.6 at the present step size, down from 30 at "
        "step "
        "100; λ_max can rise again"
    ) in found.reason
    assert suggest(rows([30.0, 1.0, 1.0, 1.0], threshold=None)).factor == pytest.approx(0.8)
    assert "jumps: its largest" in refusal(rows([1.0, 30.0, *[1.1] * 3, 1.0, 1.0], threshold=None))
    assert "has not settled" in refusal(rows([30.0, 1.0, 0.5, 0.2, 0.1], threshold=None))
    assert suggest(rows([9.0, 1.0, 1.0, 1.0])).factor == pytest.approx(0.8 / 9.0)  # no jump: all rows count


def test_a_preconditioner_that_grows_is_no_collapse_of_the_curvature() -> None:
    run = rows([200.0, *[1.0] * 11], threshold=None)
    assert "the curvature has fallen to 0.50 %" in refusal(run)
    assert suggest([replace(each, lambda_max=7.0) for each in run]).factor == pytest.approx(0.8)


def test_a_curvature_that_collapsed_in_the_first_steps_has_collapsed() -> None:
    # A network whose units died: λ_max falls for good at once.
    assert "has fallen to 1 % of its largest" in refusal([row(0, 2.0), *rows([0.02] * 6)])


def test_a_schedule_that_lowered_the_step_size_is_told() -> None:
    run = [
        row(100 * i, 5.0 * eta, step_sizes=(eta,), threshold=None) for i, eta in enumerate([0.2, 0.1, 0.05])
    ]
    assert (
        "at the present step size; the schedule has lowered the step size from 0.2 meanwhile"
        in suggest(run).reason
    )
    assert "schedule" not in suggest(run[:2] + run[1:2]).reason


def test_old_measurements_do_not_count() -> None:
    assert suggest(rows([9.0] * 5 + [1.0] * 10)).factor == pytest.approx(0.8)
    assert suggest(rows([4.0] + [1.0] * 9)).factor == pytest.approx(0.2)  # the last ten do


# ---- refusals


def refusal(run: list[Row]) -> str:
    found = suggest(run)
    assert found.step_sizes is None
    assert found.factor is None
    assert str(found) == found.reason
    assert found.reason.startswith("No step size can be suggested: ")
    return found.reason


@pytest.mark.parametrize(
    ("ratios", "says"),
    [
        ([], "3 measurements are needed, and there is none."),
        ([1.0], "3 measurements are needed, and there is 1."),
        ([1.0, 1.0], "3 measurements are needed, and there are 2."),
    ],
)
def test_too_few_rows(ratios: list[float | None], says: str) -> None:
    assert says in refusal(rows(ratios))


def test_measurements_that_failed() -> None:
    assert (
        "none of the last 4 measurements has an edge ratio that can be trusted: the status is 'budget' at "
        "step 400."
    ) in refusal(rows([1.0] * 4, status="budget"))
    mixed = [*rows([1.0] * 2), row(300, 1.0, status="budget"), row(400, 1.0, status="budget")]
    assert "only 2 of the last 4 measurements have an edge ratio that can be trusted" in refusal(mixed)
    reason = "no threshold is known for Lion; give preconditioner=fn(optimizer, parameter)."
    assert f"can be trusted: {reason}" in refusal(rows([None] * 3, reason=f"edge_ratio: {reason}"))


def test_groups_that_changed_their_ratio() -> None:
    run = [
        row(i, 1.0, step_sizes=sizes, threshold=None)
        for i, sizes in enumerate([(0.1, 0.1)] * 5 + [(0.1, 0.2)] * 2)
    ]
    assert "the ratio of the step sizes of the groups changed too recently" in refusal(run)


@pytest.mark.parametrize(("left", "named"), [(2.5, True), (1.5, False)])
def test_two_per_cent_of_the_largest_curvature_are_a_collapse(left: float, named: bool) -> None:
    assert (suggest(rows([100.0] * 5 + [left] * 10)).step_sizes is not None) is named


def test_a_curvature_that_collapsed() -> None:
    says = "the curvature has fallen to 0.50 % of its largest value, which limits no step size"
    assert says in refusal(rows([1.0] * 10 + [0.005] * 10))


def test_a_curvature_that_is_still_rising() -> None:
    says = "the curvature is still rising, by a factor of 2.5 within 3 measurements"
    assert says in refusal(rows([0.1, 0.2, 0.4, 0.5]))
    assert suggest(rows([0.1, 0.3, 0.4, 0.5])).step_sizes is not None


def test_a_curvature_that_jumps() -> None:
    says = "the curvature that the optimizer sees jumps: its largest value of late is 20 times its median"
    assert says in refusal(rows([1.0, 1.0, 20.0, 1.0, 1.0]))
    assert suggest(rows([1.0, 1.0, 9.0, 1.0, 1.0])).factor == pytest.approx(0.8 / 9.0)
    lost = rows([1.0, 1.0, 1.1, 30.0])
    assert "29 times its median; an edge ratio of 30 at step 400 asks for a smaller one." in refusal(lost)
    rising = rows([0.2, 0.4, 1.5])
    assert "within 3 measurements; an edge ratio of 1.5 at step 300 asks for a smaller one." in refusal(
        rising
    )


def test_spikes_below_the_edge_are_not_the_fault_of_the_step_size() -> None:
    says = "the loss rose at step 500 although the edge ratio was only 0.30: something else than this"
    assert says in refusal(rows([0.3] * 6, [1.0, 0.9, 0.8, 0.8, 5.0, 0.7]))
    assert suggest(rows([1.3] * 6, [1.0, 0.9, 0.8, 0.8, 5.0, 0.7])).factor == pytest.approx(0.8 / 1.3)


def test_minibatches_that_are_at_their_edge() -> None:
    run = rows([0.4] * 4, batch_sharpness=22.0)
    says = "the batch sharpness is 1.1 of the threshold at step 400, λ_max only 0.40: minibatches limit"
    assert says in refusal(run)
    assert suggest([replace(each, batch_sharpness=2.0) for each in run]).step_sizes is not None


def test_a_run_that_diverged_is_judged_by_what_came_before() -> None:
    run = rows([1.0, 1.5, 2.0, None, None], [1.0, 1.0, 1.0, None, None])
    run[3:] = [replace(each, status="nonfinite") for each in run[3:]]
    assert suggest(run).factor == pytest.approx(0.4)
    # The factor is about the step size now, whatever it was when something was last measured.
    run[4] = replace(run[4], step_sizes=(0.05,))
    assert suggest(run).step_sizes == pytest.approx((0.04,))
    assert suggest(run).factor == pytest.approx(0.8)


def test_a_run_that_diverged_at_once_asks_for_a_smaller_step_size() -> None:
    lost = [replace(each, status="nonfinite") for each in rows([None] * 4, [None] * 4)]
    said = suggest([row(0, 16_775.0), *lost]).reason
    assert said.endswith("and there is 1; an edge ratio of 16\u202f775 at step 0 asks for a smaller one.")
    assert suggest([row(0, 0.5), *lost]).reason.endswith("and there is 1.")


def test_a_step_size_of_zero_names_nothing() -> None:
    run = [row(i, 0.0, step_sizes=(0.0,)) for i in range(4)]
    assert "suggested: the step size is 0 at step 3." in refusal(
        [replace(each, edge_ratio=0.1) for each in run]
    )


@pytest.mark.parametrize(("ratio", "shown"), [(0.0, "0"), (-0.5, "−0.50")])
def test_a_loss_that_curves_nowhere_upward_limits_no_step_size(ratio: float, shown: str) -> None:
    says = (
        f"the edge ratio is {shown} at step 400: no direction curves upward, and none limits the step size."
    )
    assert says in refusal(rows([ratio] * 4))


def test_rows_without_groups_are_no_measurements() -> None:
    lost = [
        row(i, None, status="unsupported", reason="no second derivative", step_sizes=(0.0,)) for i in range(4)
    ]
    assert "can be trusted: no second derivative." in refusal([replace(each, step_sizes=()) for each in lost])
    assert "the step size is not known at step 3" in refusal(
        [replace(row(i, 1.0), step_sizes=()) for i in range(4)]
    )
