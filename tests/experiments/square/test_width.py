"""The grid of `width`, and its rules on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.runs import grid
from stepscape.experiments.square.width import CLAIM, every_width, exponents, narrow

KS = (10, 30, 100, 300, 1000, 3000)
SAME = ("weighted_tv", "pieces", "risk_grid", "sharpness")


def test_every_width_has_every_start_and_step_size_as_a_grid_of_its_own() -> None:
    runs = every_width(CLAIM.full)
    assert len(runs) == 7 * 2 * 2 * 3 * 20
    assert {run.width for run in runs} == {10, 30, 100, 300, 1000, 3000, 10_000}
    assert all(run.smallest_step_size == run.step_size == run.largest_step_size for run in runs)


def test_its_runs_are_those_of_the_other_claims_on_step_sizes() -> None:
    """A claim with the same settings trains once with it in a common store."""
    settings = {**CLAIM.quick, "widths": (40,), "step_sizes": (0.4,)}
    assert every_width(settings) == grid({**settings, "width": 40})


def rows(seeds: int = 8, etas: tuple[float, ...] = (0.4,), **changes: Any) -> list[Run]:
    """Quantities that do not depend on the width, carriers that grow with it, and narrow nets that fit worse.

    A change is a value, or a function of the width.
    """
    rng = np.random.default_rng(2)
    base = {
        "outcome": "finished", "bent_neurons": lambda k: k, "edge_reached": True, "weighted_tv": 1.5,
        "pieces": 6.0, "risk_grid": 0.1, "sharpness": 5.0, "carriers": lambda k: 0.1 * k,
        "loss": lambda k: 0.1 + 0.2 * (k <= 30), "training_error": 0.1, "training_error_truth": 0.2,
    }  # fmt: skip
    given = {**base, **changes}
    return [
        Run({
            "arm": "warm_up", "half_width": 3.0, "seed": seed, "step_size": eta, "width": k,
            **{name: (x(k) if callable(x) else x) * (1.0 + 0.01 * rng.standard_normal())
               if name in (*SAME, "carriers", "loss") else x(k) if callable(x) else x
               for name, x in given.items()},
        })
        for eta in etas for seed in range(seeds) for k in KS
    ]  # fmt: skip


def judged(runs: list[Run]) -> dict[str, Judged]:
    return CLAIM.judge(Result("width", CLAIM.quick, tuple(runs)))


def words(**changes: Any) -> dict[str, str]:
    return {name: found.word(CLAIM.kind) for name, found in judged(rows(**changes)).items()}


def test_a_curve_that_the_width_does_not_change() -> None:
    assert words() == {
        "weighted_tv": "yes", "pieces": "yes", "risk": "yes", "sharpness": "yes", "carriers": "no",
        "narrow": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(("power", "word"), [(0.04, "yes"), (0.06, "no"), (-0.06, "no"), (0.05, "undecided")])
def test_five_hundredths_are_the_limit(power: float, word: str) -> None:
    found = words(weighted_tv=lambda k: k**power)
    assert (found["weighted_tv"], found["risk"]) == (word, "yes")


def test_exponents_are_those_of_a_power_law_from_a_hundred_neurons_on() -> None:
    """Below a hundred another power holds, and is not asked about."""
    table = Result("width", {}, tuple(rows(carriers=lambda k: k**0.5 if k >= 100 else 1e3 / k))).table
    assert exponents(table, "carriers", 100) == pytest.approx(0.5, abs=0.02)
    assert abs(exponents(table, "carriers", 10) - 0.5).min() > 0.1


def test_equal_values_have_no_slope() -> None:
    table = Result("width", {}, tuple(rows(knots=7.0))).table
    assert exponents(table, "knots", 100).tolist() == [0.0] * 8


def test_narrow_networks_compare_with_the_widest() -> None:
    table = Result("width", {}, tuple(rows())).table
    assert narrow(table) == pytest.approx(np.log10(3.0), abs=0.03)
    assert words(loss=0.1)["narrow"] == "no"
    assert words(loss=lambda k: 0.1 - 0.05 * (k <= 30))["narrow"] == "no"


def test_without_narrow_networks_there_is_nothing_to_ask() -> None:
    runs = [run for run in rows() if run["width"] > 30]
    found = judged(runs)["narrow"]
    assert found.word(CLAIM.kind) == "premise_not_met"
    assert found.finding.sentence == "No network of 30 neurons or fewer learns a curve."


def test_a_start_that_diverges_at_large_widths_is_not_asked() -> None:
    runs = [Run({**run.row, "outcome": "diverged"}) if run["width"] > 100 else run for run in rows()]
    found = judged(runs)
    assert found["weighted_tv"].word(CLAIM.kind) == "premise_not_met"
    assert "it diverges at 300, 1000, 3000" in found["weighted_tv"].finding.sentence
    assert found["narrow"].word(CLAIM.kind) == "it_depends"  # 10 against 100 neurons
    assert "do not work there: k = 300, 1000, 3000" in found["narrow"].finding.sentence


def test_a_step_size_that_disagrees_makes_it_depend() -> None:
    other = [
        Run({**run.row, "step_size": 0.05, "weighted_tv": run["weighted_tv"] * run["width"] ** 0.2})
        for run in rows()
    ]
    assert judged([*rows(), *other])["weighted_tv"].word(CLAIM.kind) == "it_depends"


def test_a_step_size_at_which_nothing_is_learned_leaves_a_yes_open() -> None:
    other = [Run({**run.row, "step_size": 0.05, "bent_neurons": 0}) for run in rows()]
    found = judged([*rows(), *other])["weighted_tv"]
    assert (found.finding.answer, found.word(CLAIM.kind)) == ("some", "it_depends")
    assert found.finding.sentence.endswith("runs work at too few widths in 1 other setting.")


def test_widths_at_which_networks_die_are_left_out_aloud() -> None:
    """From 100 to 1000 neurons the curve is the same; what is asked is the same at every width."""
    runs = [Run({**run.row, "bent_neurons": 0}) if run["width"] > 1000 else run for run in rows()]
    found = judged(runs)
    for name in ("weighted_tv", "pieces", "risk", "sharpness"):
        assert found[name].word(CLAIM.kind) == "it_depends"
        assert found[name].finding.sentence.endswith("most runs do not work there: k = 3000.")
    assert found["carriers"].word(CLAIM.kind) == "no"


def test_a_narrow_width_that_dies_is_not_asked_about() -> None:
    runs = [Run({**run.row, "bent_neurons": 0}) if run["width"] == 30 else run for run in rows()]
    found = judged(runs)
    assert (found["weighted_tv"].word(CLAIM.kind), found["narrow"].word(CLAIM.kind)) == ("yes", "yes")
