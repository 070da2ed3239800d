"""Interpolants of clean labels, and the rules of `clean-labels` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.experiments.common.tangent import tangent_kernel
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.clean_labels import CLAIM, MISSED, members, variance, with_references
from stepscape.experiments.square.clean_runs import ReferenceRun, begin, grid, interpolants, work
from stepscape.experiments.square.lazy import lazy_interpolant
from stepscape.experiments.square.runs import StepSizeRun
from stepscape.experiments.square.runs import grid as descents
from stepscape.problems import curve

PROBLEM = curve("wave", n=12, noise=0.0, seed=2, half_width=1.0)
NETWORK = ss.TwoLayerReLU.random(60, scale=2.0, init="mean_field", seed=7)
ETAS = (0.02, 0.1, 0.4)


def test_every_interpolant_passes_through_the_labels() -> None:
    for name, values in interpolants(PROBLEM, NETWORK, PROBLEM.inputs).items():
        np.testing.assert_allclose(values, PROBLEM.labels, rtol=0, atol=1e-6, err_msg=name)


def test_between_two_inputs_the_dots_are_connected_by_a_line() -> None:
    x = np.sort(PROBLEM.inputs)
    middle = 0.5 * (x[3] + x[4])
    assert PROBLEM.truth is not None
    expected = 0.5 * (PROBLEM.truth(x[3:4]) + PROBLEM.truth(x[4:5]))
    np.testing.assert_allclose(interpolants(PROBLEM, NETWORK, np.array([middle]))["dots"], expected)


def test_the_spline_is_natural() -> None:
    """It has no curvature at the two outermost inputs: second differences vanish there."""
    x, h = np.sort(PROBLEM.inputs), 1e-4
    values = interpolants(PROBLEM, NETWORK, x[0] + h * np.arange(3))["spline"]
    inner = interpolants(PROBLEM, NETWORK, x[5] + h * np.arange(3))["spline"]
    assert abs(np.diff(values, 2)[0]) < 0.02 * abs(np.diff(inner, 2)[0])


def test_the_lazy_interpolant_is_where_linearized_descent_ends() -> None:
    """Descent on ½|f_0 + Jδ − y|² with a small step, J by the tangent kernel's own features."""
    x, y = PROBLEM.inputs, PROBLEM.labels
    at = np.linspace(-0.8, 0.8, 7)
    z, w = np.multiply.outer(np.r_[x, at], NETWORK.w1) + NETWORK.b1, NETWORK.w2
    outer = (z > 0.0) * w
    points = np.r_[x, at][:, None]
    jacobian = np.hstack([outer * points, outer, np.maximum(z, 0.0), np.ones((z.shape[0], 1))])
    gram = jacobian[:12] @ jacobian[:12].T
    np.testing.assert_allclose(tangent_kernel(NETWORK, x, x), gram, rtol=0, atol=1e-9)
    least = np.linalg.lstsq(jacobian[:12], y - NETWORK.predict(x), rcond=1e-9)[0]
    found = lazy_interpolant(NETWORK, x, y, at)
    np.testing.assert_allclose(found, NETWORK.predict(at) + jacobian[12:] @ least, rtol=0, atol=1e-5)


def test_runs_are_those_of_the_other_claims_and_references_of_every_sample() -> None:
    settings = {**CLAIM.full, "seeds": 2}
    runs = grid(settings)
    trained = [run for run in runs if isinstance(run, StepSizeRun)]
    others = [run for run in runs if isinstance(run, ReferenceRun)]
    assert (len(trained), len(others)) == (3 * 2 * 3 * 2 * 5, 3 * 2 * 3 * 2)
    assert trained[: len(trained) // 3] == descents({**settings, "truth": "tent", "noise": 0.0}, "clean")


def test_a_kernel_begins_where_descent_begins() -> None:
    settings = {**CLAIM.quick, "width": 20, "steps": 5, "seeds": 1, "arms": ("small_init",)}
    runs = grid(settings)
    (problem, network), (same, origin) = begin(runs[-1]), begin(runs[0])  # type: ignore[misc]
    np.testing.assert_array_equal(network.w1, origin.network.w1)
    np.testing.assert_array_equal(problem.labels, same.labels)
    row = work(runs[-1], lambda _: None).numbers
    x = np.linspace(problem.inputs.min(), problem.inputs.max(), 401)
    values = interpolants(problem, network, x)["spline"]
    assert row["risk_spline"] == pytest.approx(np.mean((values - problem.truth(x)) ** 2))


def rows(seeds: int = 8, etas: tuple[float, ...] = ETAS, **changes: Any) -> list[Run]:
    """Descent that interpolates, the better the larger its steps; the spline is best, the kernel worst.

    A change is a value, or a function of the step size.
    """
    rng = np.random.default_rng(1)
    base = {
        "risk_grid": lambda eta: 1e-4 * (0.02 / eta) ** 0.3, "risk_grid_equal_time": 1e-4,
        "training_error": 1e-7, "bent_neurons": 20, "interpolation_left": 4.0, "edge_reached": True,
        "risk_dots": 2e-4, "risk_spline": 1e-6, "risk_kernel": 1e-2,
    }  # fmt: skip
    given = {**base, **changes}
    outcome = given.pop("outcome", "finished")
    found = []
    for half_width in (3.0, 1.0):
        for seed in range(seeds):
            sample = {"truth": "tent", "half_width": half_width, "arm": "warm_up", "seed": seed}
            risks = {name: given[name] for name in given if name[5:] in ("dots", "spline", "kernel")}
            found.append(Run({"kind": "clean-reference/1", **sample, "outcome": "finished", **risks}))
            for eta in etas:
                own = {name: x(eta) if callable(x) else x for name, x in given.items() if name not in risks}
                for name in ("risk_grid", "risk_grid_equal_time"):
                    own[name] *= 1.0 + 0.02 * rng.standard_normal()
                found.append(
                    Run(
                        {
                            "kind": "step-size/2",
                            **sample,
                            "width": 100,
                            "step_size": eta,
                            "outcome": outcome,
                            **own,
                        }
                    )
                )
    return found


def judged(**changes: Any) -> dict[str, Judged]:
    return CLAIM.judge(Result("clean-labels", CLAIM.quick, tuple(rows(**changes))))


def words(**changes: Any) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(**changes).items()}


def test_larger_steps_that_find_the_better_interpolant() -> None:
    assert words() == {
        "larger_steps": "yes", "equal_time": "no", "beyond_the_bound": "premise_not_met", "kernel": "yes",
        "dots": "yes", "spline": "no",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "part", "word"),
    [
        ({"risk_grid": 1e-4}, "larger_steps", "no"),
        ({"risk_grid_equal_time": lambda eta: 1e-4 / eta}, "equal_time", "yes"),
        ({"risk_kernel": 1e-5}, "kernel", "no"),
        ({"risk_dots": 1e-5}, "dots", "no"),
        ({"risk_spline": 1.0}, "spline", "yes"),
        ({"training_error": 1e-4}, "larger_steps", "premise_not_met"),  # nothing interpolates
        ({"bent_neurons": 0}, "dots", "premise_not_met"),
        ({"outcome": "diverged"}, "spline", "premise_not_met"),
    ],
)
def test_each_way(changes: dict[str, Any], part: str, word: str) -> None:
    assert words(**changes)[part] == word


@pytest.mark.parametrize(
    ("error", "word"),
    [(lambda eta: 1e-4 if eta > 0.2 else 1e-7, "yes"), (1e-7, "no"), (1e-4, "premise_not_met")],
)
def test_steps_beyond_the_bound(error: Any, word: str) -> None:
    """λ = 10: the bound is 0.2, which the largest step size exceeds."""
    assert words(interpolation_left=10.0, training_error=error)["beyond_the_bound"] == word


def test_a_step_size_that_does_not_interpolate_does_not_count() -> None:
    """Its risk is large because it misses the labels."""
    changes = {
        "risk_grid": lambda eta: 1.0 if eta > 0.2 else 1e-4 * (0.02 / eta) ** 0.3,
        "training_error": lambda eta: 0.5 if eta > 0.2 else 1e-7,
    }
    assert words(**changes)["larger_steps"] == "yes"


def test_whether_a_run_interpolates_does_not_depend_on_its_risk() -> None:
    """The largest step is 10⁴ times better everywhere, at the inputs and between: it has arrived."""
    changes = {
        "risk_grid": lambda eta: 1e-8 if eta > 0.2 else 1e-4,
        "training_error": lambda eta: 5e-9 if eta > 0.2 else 1e-6,
    }
    assert words(**changes)["larger_steps"] == "yes"


@pytest.mark.parametrize(("share", "word"), [(0.99, "yes"), (1.01, "premise_not_met")])
def test_the_level_is_a_share_of_the_variance_of_the_truth(share: float, word: str) -> None:
    """The tent is −1/2 on half of the range; above, 2t − 1/2 with t uniform on [0, 1]: the variance is 5/12.

    E f = 0 by symmetry of the two pieces, −1/4 + 1/4; E f² = 1/8 + ½ (4/3 − 1 + 1/4) = 5/12.
    """
    assert variance("tent") == pytest.approx(5.0 / 12.0, rel=1e-3)
    assert words(training_error=share * MISSED * 5.0 / 12.0)["larger_steps"] == word


def test_references_belong_to_the_sample() -> None:
    runs = [
        Run({**run.row, "risk_dots": float(run["seed"])}) if run["kind"] == "clean-reference/1" else run
        for run in rows()
    ]
    table = with_references(Result("clean-labels", CLAIM.quick, tuple(runs)))
    np.testing.assert_array_equal(table["risk_dots"], table["seed"])


def test_members_are_truths_and_ranges() -> None:
    found = members(Result("clean-labels", CLAIM.quick, tuple(rows())))
    assert list(found) == ["[−1, 1]", "[−3, 3]"]
