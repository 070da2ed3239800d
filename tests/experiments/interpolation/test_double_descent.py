"""The rules of double-descent on rows that come out each way, and the formulas of its runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.interpolation.descent_curve_runs import (
    LeastSquaresRun,
    WidthRun,
    coefficients,
    grid,
    known_mean,
    least_norm,
    work,
)
from stepscape.experiments.interpolation.double_descent import CLAIM, hump

Row = dict[str, Any]
CASES = ("isotropic, noise 0.1", "relu_features, noise 1")
RATIOS = (0.1, 0.5, 1.0, 2.0, 20.0)
CURVE = dict(zip(RATIOS, (-1.0, -0.5, 2.0, 0.0, -0.5), strict=True))  # log10 of the risk


def rows(features: Callable[[float], float], network: Callable[[int], float], seeds: int = 6) -> list[Row]:
    rng, found = np.random.default_rng(0), []
    for seed in range(seeds):
        for case in CASES:
            for ratio in RATIOS:
                log = features(ratio) + 0.02 * rng.standard_normal()
                found.append({
                    "kind": "double-descent/1", "case": case, "ratio": ratio, "noise": 0.1, "seed": seed,
                    "outcome": "finished", "risk": 10**log, "log_risk": log,
                    "formula": 10 ** features(ratio) if abs(ratio - 1.0) > 0.1 else None,
                })  # fmt: skip
        for arm in ("small_init", "warm_up"):
            for eta in (0.05, 0.6):
                for width in (2, 6, 20, 100):
                    log = network(width) + 0.02 * rng.standard_normal()
                    found.append({
                        "kind": "double-descent-width/1", "arm": arm, "step_size": eta, "width": width,
                        "seed": seed, "outcome": "finished", "risk": 10**log, "log_risk": log,
                        "bent_neurons": 1,
                    })  # fmt: skip
    return found


def falling(width: int) -> float:
    return -0.4 * np.log10(width)


def humped(width: int) -> float:
    return {2: -1.0, 6: 0.0, 20: -0.5, 100: -1.2}[width]


def words(features: Callable[[float], float] = CURVE.__getitem__, network: Any = falling, **more: Any) -> Row:
    result = Result(CLAIM.name, CLAIM.quick, tuple(map(Run, rows(features, network, **more))))
    return {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(result).items()}


def test_as_built() -> None:
    assert words() == {
        "doubles": "reproduced",
        "second_lower": "no",
        "formula": "reproduced",
        "networks": "no",
        "widest": "no",
    }


def test_other_words() -> None:
    lower = words({**CURVE, 20.0: -1.5}.__getitem__, humped)
    assert (lower["second_lower"], lower["networks"], lower["widest"]) == ("yes", "yes", "no")
    rising = words({**CURVE, 20.0: 3.0}.__getitem__, lambda width: -falling(width))
    assert (rising["doubles"], rising["networks"], rising["widest"]) == ("not_reproduced", "no", "yes")
    few = words(seeds=2)
    assert (few["doubles"], few["second_lower"], few["networks"]) == ("undecided",) * 3
    assert (
        words(lambda ratio: CURVE[ratio] + 0.05)["formula"] == "reproduced"
    )  # rows and formula move together
    empty = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, ()))
    assert empty["formula"].word(CLAIM.kind) == "premise_not_met"


def test_a_peak_elsewhere_than_at_n_is_not_double_descent() -> None:
    early = {0.1: -1.0, 0.5: 2.0, 1.0: 0.0, 2.0: -0.5, 20.0: -0.7}
    assert words(early.__getitem__)["doubles"] == "not_reproduced"


def test_errors_of_opposite_sign_do_not_make_a_formula_right() -> None:
    off = [
        {**row, "risk": row["risk"] * (1.1 if row["case"] == CASES[0] else 0.9)} if "case" in row else row
        for row in rows(CURVE.__getitem__, falling)
    ]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, off))))
    assert judged["formula"].word(CLAIM.kind) == "not_reproduced"


def test_a_fall_without_a_settled_rise_is_not_a_part_of_a_peak() -> None:
    """The risk falls from 6 neurons on; whether it rises before depends on the seed."""
    unsettled = []
    for row in rows(CURVE.__getitem__, {2: 0.5, 6: 0.5, 20: 0.0, 100: -0.5}.__getitem__):
        wild = 0.6 * (-1) ** row["seed"] if row.get("width") == 2 else 0.0
        unsettled.append({**row, "log_risk": row["log_risk"] + wild})
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, unsettled))))
    assert judged["networks"].word(CLAIM.kind) == "undecided"


def test_dead_networks_make_no_peak() -> None:
    dead = [
        {**row, "log_risk": 1.0, "risk": 10.0, "bent_neurons": 0} if row.get("width") == 20 else row
        for row in rows(CURVE.__getitem__, falling)
    ]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, dead))))
    assert judged["networks"].word(CLAIM.kind) == "no"


def test_a_simulation_that_is_off_contradicts_its_formula() -> None:
    off = [{**row, "risk": 1.1 * row["risk"]} for row in rows(CURVE.__getitem__, falling)]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, off))))
    assert judged["formula"].word(CLAIM.kind) == "not_reproduced"


def test_the_levels_of_a_hump_are_chosen_on_the_other_seeds() -> None:
    """Noise has no hump on average; chosen on its own seed it would have one of over a deviation."""
    values = np.random.default_rng(0).standard_normal((4000, 6))
    for side in hump(values):
        assert abs(side.mean()) < 0.08
    rises, falls = hump(np.array([[1.0, 0.0, 3.0, 2.0]] * 3))
    assert rises.tolist() == [3.0] * 3
    assert falls.tolist() == [1.0] * 3
    assert np.isnan(hump(np.zeros((3, 2)))).all()


def run(family: str, p: int, n: int = 12, noise: float = 0.5) -> LeastSquaresRun:
    return LeastSquaresRun(family, f"{family}, noise {noise:g}", p / n, p, n, noise, 2, 0)


@pytest.mark.parametrize(
    ("family", "p"), [("isotropic", 5), ("isotropic", 20), ("isotropic", 40), ("misspecified", 5)]
)
def test_the_formula_is_the_trace_of_wishart_matrices(family: str, p: int) -> None:
    """E |b − β|² = noise·E tr (XᵀX)⁺ + |β|² (1 − min(n/p, 1)); the trace by simulation."""
    one, rng = run(family, p), np.random.default_rng(1)
    beta, tail = coefficients(family, p)
    traces = []
    for _ in range(4000):
        singular = np.linalg.svd(rng.standard_normal((one.n, p)), compute_uv=False)
        traces.append((singular**-2.0).sum())
    noise = one.noise**2 + tail
    exact = noise * np.mean(traces) + (beta @ beta) * (1.0 - min(1.0, one.n / p)) + tail
    assert known_mean(one) == pytest.approx(exact, rel=0.05)
    assert beta @ beta + tail == pytest.approx(1.0)


def test_no_formula_near_n_and_for_random_features() -> None:
    assert [known_mean(run("isotropic", p)) for p in (11, 12, 13)] == [None] * 3
    assert known_mean(run("relu_features", 4)) is None


def test_least_norm_is_the_pseudoinverse() -> None:
    rng = np.random.default_rng(0)
    for p in (3, 20):
        x, y = rng.standard_normal((8, p)), rng.standard_normal(8)
        np.testing.assert_allclose(least_norm(x, y), np.linalg.pinv(x) @ y, rtol=0, atol=1e-10)


def test_runs_have_the_mean_that_is_known() -> None:
    settings = {**CLAIM.quick, "ratios": (0.25, 4.0), "seeds": 3, "draws": 60, "widths": (3,), "steps": 50}
    specs = grid(settings)
    off: dict[tuple[str, int], list[float]] = {}
    for one in specs:
        if isinstance(one, LeastSquaresRun) and one.family != "relu_features":
            numbers = work(one, lambda _: None).numbers
            off.setdefault((one.case, one.p), []).append(numbers["risk"] / numbers["formula"] - 1.0)
    assert len(off) == 2 * 2 * 2  # families, noises, numbers of features
    for each in off.values():
        assert abs(np.mean(each)) < 0.12
    assert any(isinstance(s, WidthRun) for s in specs)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"families": "cubic"}, "unknown family 'cubic'"),
        ({"ratios": "0.1,0.1001"}, "ratios must give different numbers of features"),
        ({"noises": "0"}, "noises must be finite and positive, got 0"),
        ({"widths": "0"}, "widths must be at least 1, got 0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
