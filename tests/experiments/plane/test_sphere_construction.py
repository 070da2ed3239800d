"""The constructed networks of `sphere-construction`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plane_rows import row
from stepscape.experiments.frame import Result
from stepscape.experiments.plane.sphere_construction import CLAIM
from stepscape.experiments.plane.sphere_runs import CapRun, SphereRun, work

SPHERE = {
    "part": "interpolator", "dimension": 4, "n": 25, "amplitude": 2.0, "noise": 1.0, "fresh": 400,
    "beside": 1e-4, "kept_steps": 200, "seed": 1000,
}  # fmt: skip


def done(run: Any) -> dict[str, Any]:
    return dict(work(run, lambda _: None).numbers)


def test_an_interpolator_is_measured_as_it_is_built() -> None:
    found = done(SphereRun(**SPHERE))
    assert found["off"] <= 1e-12
    assert found["most_active"] == 1
    assert found["train_error"] <= 1e-20
    assert found["design_error"] == pytest.approx(found["realized_noise"], rel=1e-9)
    for scale in ("best", "unit"):
        assert found[f"sharpness_{scale}"] == pytest.approx(found[f"formula_{scale}"], rel=1e-8)
        assert 1.0 < found[f"sharpness_{scale}"] <= found[f"bound_{scale}"]
    assert 0.0 < found["covered"] < 1.0
    assert found["kept"]
    assert found["train_error_kept"] < 1e-3 * found["realized_noise"]


def test_descent_from_far_away_does_not_come_back() -> None:
    far = done(SphereRun(**{**SPHERE, "beside": 0.5}))
    assert not far["kept"] or far["train_error_kept"] > 1e-3 * far["realized_noise"]


def test_caps_are_invisible_on_the_data() -> None:
    found = done(CapRun(part="caps", dimension=2, n=60, candidates=500, seed=1000))
    assert found["seen"] == 0.0
    assert found["sharpness_caps"] == pytest.approx(1.0, abs=1e-12)
    assert 0 < found["empty"] <= found["caps"]
    assert found["mean_square"] > 0.0


def result(
    slack: float = 0.5, gap: float = 0.0, growth: float = 0.0, kept: float = 0.0, train: float = 1e-9,
    power: float = 0.0,
) -> Result:  # fmt: skip
    """Rows as claimed, each number moved by one argument."""
    runs, rng = [], np.random.default_rng(5)
    for seed in range(8):
        for d in (3, 10):
            for n in (30, 100, 300):
                noise, bound = float(np.exp(0.01 * rng.standard_normal())), 1.0 + 8.0 / n
                sides = {
                    f"{name}_{scale}": value
                    for scale in ("best", "unit")
                    for name, value in (
                        ("sharpness", 1.0 + slack * 8.0 / n), ("formula", 1.0 + slack * 8.0 / n),
                        ("residual", 0.0), ("bound", bound),
                    )
                }  # fmt: skip
                runs.append(
                    row(
                        kind="sphere-interpolator/1", part="interpolator", dimension=d, n=n, seed=seed,
                        off=gap, most_active=1, covered=0.3, kept=True, train_error_kept=1e-6 + kept,
                        population_error=noise * n**growth, population_error_kept=noise * n**growth, **sides,
                    )
                )  # fmt: skip
            for n in (50, 200, 800):
                mean = float(np.exp(0.01 * rng.standard_normal())) * n ** (-2.0 / (d + 1) + power)
                runs.append(
                    row(
                        kind="empty-caps/1", part="caps", dimension=d, n=n, seed=seed, mean_square=mean,
                        sharpness_caps=1.0, seen=gap,
                    )
                )  # fmt: skip
            runs.append(row(geometry="sphere", dimension=d, n=300, seed=seed, train_error=train))
    return Result("sphere-construction", CLAIM.quick, tuple(runs))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_as_claimed() -> None:
    assert words(result()) == {
        "flat": "holds", "interpolates": "holds", "wrong": "reproduced", "kept": "reproduced",
        "reached": "yes", "caps": "reproduced",
    }  # fmt: skip


def test_each_part_can_fail() -> None:
    assert words(result(slack=1.1, gap=0.1, growth=-0.5, kept=1.0, train=0.9, power=-0.4)) == {
        "flat": "false_as_stated", "interpolates": "false_as_stated", "wrong": "not_reproduced",
        "kept": "not_reproduced", "reached": "no", "caps": "not_reproduced",
    }  # fmt: skip


def test_grid() -> None:
    specs = CLAIM.grid(CLAIM.quick)
    assert [type(run).__name__ for run in (specs[0], specs[-1])] == ["SphereRun", "PlaneRun"]
    assert {run.n for run in specs if type(run).__name__ == "PlaneRun"} == {max(CLAIM.quick["sizes"])}
