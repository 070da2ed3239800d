"""The rules of chaotic-descent on rows that come out each way, and what its runs compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from stepscape import GradientDescent, dynamics, objectives
from stepscape.errors import InputError, NotConverged
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.illustrations.chaotic_descent import CLAIM, DOUBLINGS, FEIGENBAUM, ORBITS, RIPPLES
from stepscape.experiments.illustrations.chaotic_runs import (
    DoublingsRun,
    OrbitsRun,
    RippleRun,
    bins,
    doubling,
    gibbs,
    work,
)


def rows(**more: Any) -> list[Run]:
    """Runs of the three kinds; `more` changes them all."""
    out: list[dict[str, Any]] = [
        {**DOUBLINGS, "outcome": "finished", "ratio": 4.668, "ratio_before": 4.66, "accumulation": 1.3023}
    ]
    for seed in range(20):
        every = {"seed": seed, "outcome": "finished"}
        out.append(
            {
                **ORBITS,
                **every,
                "highest": 1.5,
                "onset": 1.3025 + 1e-5 * seed,
                "chaotic_beyond": 0.8 + 0.001 * seed,
            }
        )
        for landscape in ("bowl", "wells"):
            for eta in (0.05, 0.1, 0.3):
                where = {**RIPPLES, **every, "landscape": landscape, "step_size": eta}
                distance = 0.2 * eta * (1.0 + 0.01 * seed)
                share = 0.5 + 0.001 * (seed - 9.5)
                out += [
                    {**where, "total_variation": distance, "other_well": share, "other_well_at_half": 0.0}
                ]
    return [Run({**row, **{key: _value(x, row) for key, x in more.items() if key in row}}) for row in out]


def _value(x: Any, row: dict[str, Any]) -> Any:
    return x(row) if callable(x) else x


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("bowl", {}, "reproduced"),
        (
            "bowl",
            {"total_variation": lambda row: 0.5 * row["step_size"] + 1e-5 * row["seed"]},
            "not_reproduced",
        ),
        ("bowl", {"total_variation": lambda row: 0.01 + 1e-5 * row["seed"]}, "not_reproduced"),
        ("bowl", {"outcome": "diverged"}, "premise_not_met"),
        ("within", {}, "reproduced"),
        ("within", {"total_variation": lambda row: 2.0 * row["step_size"]}, "not_reproduced"),
        ("wells", {}, "yes"),
        ("wells", {"other_well": 0.0}, "no"),
        # What is on its way to ½ is not a no.
        (
            "wells",
            {"other_well": lambda row: 0.41 + 1e-4 * row["seed"], "other_well_at_half": 0.3},
            "undecided",
        ),
        ("wells", {"other_well": 0.41, "other_well_at_half": 0.41}, "no"),
        ("wells", {"other_well": lambda row: 0.0 if row["step_size"] < 0.1 else 0.5}, "it_depends"),
        ("doublings", {}, "reproduced"),
        ("doublings", {"ratio": 4.6}, "not_reproduced"),
        ("doublings", {"ratio_before": FEIGENBAUM}, "not_reproduced"),
        ("onset", {}, "reproduced"),
        ("onset", {"onset": 1.31}, "not_reproduced"),
        ("onset", {"chaotic_beyond": 0.3}, "not_reproduced"),
        ("onset", {"onset": None}, "not_reproduced"),
        (
            "onset",
            {
                "onset": lambda row: None if row["seed"] < 17 else 1.3025,
                "chaotic_beyond": lambda row: None if row["seed"] < 17 else 0.8,
            },
            "not_reproduced",
        ),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    result = Result(CLAIM.name, CLAIM.quick, tuple(rows(**change)))
    assert CLAIM.judge(result)[part].word(CLAIM.kind) == expected


def test_the_law_of_gibbs_has_the_areas_of_its_density() -> None:
    edges = bins("wells", 0.2)
    density = lambda w: np.exp(-4.0 * 0.25 * (w * w - 1.0) ** 2 / 0.2)  # noqa: E731
    whole = quad(density, edges[0], edges[-1], limit=200, points=[-1.0, 1.0])[0]
    for i in (5, 16, 30, 43):
        area = quad(density, edges[i], edges[i + 1])[0] / whole
        assert gibbs("wells", 0.2, edges)[i] == pytest.approx(area, rel=1e-4, abs=1e-12)
    # On the bowl it is the normal law of variance η/4.
    edges = bins("bowl", 0.1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    assert gibbs("bowl", 0.1, edges) @ middle**2 == pytest.approx(0.025, rel=5e-3)


def test_narrow_ripples_nearly_have_that_law_and_stay_in_their_well_at_small_steps() -> None:
    fields: dict[str, Any] = {
        "ripple": 1e-6,
        "ripple_starts": 500,
        "ripple_steps": 300,
        "seed": 1000,
        "drawn": True,
    }
    bowl = work(RippleRun(landscape="bowl", step_size=0.1, **fields), lambda _: None)
    wells = work(RippleRun(landscape="wells", step_size=0.1, **fields), lambda _: None)
    # The law at half of the steps is that of a run of half as many, which the histogram does not change.
    early = work(
        RippleRun(landscape="bowl", step_size=0.1, **{**fields, "ripple_steps": 110}), lambda _: None
    )
    assert bowl.numbers["other_well_at_half"] == early.numbers["other_well"]
    law = gibbs("bowl", 0.1, bins("bowl", 0.1))
    assert bowl.numbers["total_variation"] == pytest.approx(
        0.5 * np.abs(bowl.arrays["share"] - law).sum(), abs=1e-4
    )
    assert bowl.numbers["total_variation"] < 0.03
    assert wells.numbers["total_variation"] < 0.06
    assert wells.numbers["other_well"] < 0.02 < 0.4 < bowl.numbers["other_well"] < 0.6
    assert work(RippleRun(landscape="wells", step_size=0.999, **fields), lambda _: None).outcome == "diverged"


def test_the_period_two_doubles_where_it_is_derived_to() -> None:
    assert doubling(2, 1.05, 1.3) == pytest.approx(np.sqrt(5.0) - 1.0, abs=1e-12)
    with pytest.raises(NotConverged, match="the period 2 does not double below the step size"):
        doubling(2, 1.05, 1.2)


def test_doublings_are_where_orbits_split() -> None:
    found = work(DoublingsRun(doublings=6), lambda _: None)
    places = found.arrays["doublings"]
    for k in (2, 3):  # period 2^k before, 2^(k + 1) behind
        for eta, period in ((places[k] - 1e-3, 2**k), (places[k] + 1e-3, 2 ** (k + 1))):
            w = 0.7
            for _ in range(40_000):
                w -= eta * (w**3 - w)
            orbit = [w]
            for _ in range(32):
                w -= eta * (w**3 - w)
                orbit.append(w)
            again = min(p for p in (1, 2, 4, 8, 16, 32) if abs(orbit[p] - orbit[0]) < 1e-7)
            assert again == period
    distances = np.diff(places)
    assert found.numbers["ratio"] == pytest.approx(distances[-2] / distances[-1])
    assert found.numbers["accumulation"] == pytest.approx(1.302283, abs=2e-6)


def test_exponents_are_those_of_the_derivative() -> None:
    run = OrbitsRun(lowest=1.1, highest=1.4, diagram_levels=2, orbit_steps=2000, seed=3, drawn=True)
    found = work(run, lambda _: None)
    for eta, exponent in zip(found.arrays["step_sizes"], found.arrays["exponents"], strict=True):
        method = GradientDescent(float(eta), 4000)
        other = dynamics.lyapunov(objectives.double_well(), [0.7], method, skip=2000)
        assert exponent == pytest.approx(other, abs=0.03)
    assert found.numbers["onset"] == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"bowl_step_sizes": "1"}, "bowl_step_sizes and wells_step_sizes must lie strictly between 0 and 1"),
        (
            {"narrow_ripple": "0.1"},
            "narrow_ripple must be positive and at most a thousandth of the step sizes",
        ),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
