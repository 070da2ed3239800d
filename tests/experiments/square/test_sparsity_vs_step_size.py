"""The rule of `sparsity-vs-step-size` on synthetic tables that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.common.experiment import Result
from stepscape.experiments.square.sparsity_rule import judge, rank_correlation
from stepscape.tables import Table, Verdict

ETAS = (0.01, 0.1, 0.4, 0.8)
FALLING = (18.0, 12.0, 8.0, 5.0)
RISING = (5.0, 8.0, 12.0, 18.0)
FLAT = (9.0, 9.0, 9.0, 9.0)
ZIGZAG = (9.0, 5.0, 15.0, 8.0)  # lower at the end, no trend by ranks


def rows(arm: str = "a", seeds: int = 10, pieces: tuple[float, ...] = FALLING, **other: Any) -> Table:
    rng = np.random.default_rng(2)
    fixed = {"knots": 500.0, "tv": 20.0, "weighted_tv": 2.0, "bent_neurons": 400.0, "dead_neurons": 100.0,
             "features": 12.0, "participation": 8.0, "carriers": 40.0, "carriers_at_start": 300.0,
             "rearranged": 500.0, "pushed_out": 300.0, "pulled_in": 20.0, "pieces_truth": 4.0,
             "dead_checked": 7.0, "revived": 0.0, "dead_gradient": 0.0}  # fmt: skip
    out = []
    for seed in range(seeds):
        shift = rng.uniform(0.0, 2.0)
        for j, eta in enumerate(ETAS):
            row = {name: other.get(name, value) for name, value in fixed.items()}
            row = {name: value[j] if isinstance(value, tuple) else value for name, value in row.items()}
            for name, values in (("pieces", pieces), ("pieces_equal_time", other.get("in_time", pieces))):
                row[name] = values[j] + shift + 0.01 * rng.standard_normal()
            row["outcome"] = other.get("outcome", "finished")
            out.append({"arm": arm, "seed": seed, "step_size": eta, "width": 1000, **row})
    return Table.from_records(out)


def judged(table: Table) -> dict[str, Verdict]:
    return judge(Result("sparsity-vs-step-size", {"arms": ["a"]}, table))


@pytest.mark.parametrize(
    ("pieces", "word"),
    [(FALLING, "reproduced"), (ZIGZAG, "partly"), (RISING, "not_reproduced"), (FLAT, "not_reproduced")],
)
def test_pieces(pieces: tuple[float, ...], word: str) -> None:
    assert judged(rows(pieces=pieces))["a"].word == word
    expected = "undecided" if word == "not_reproduced" else word
    assert judged(rows(pieces=pieces, seeds=9))["a"].word == expected


def test_only_by_time() -> None:
    verdicts = judged(rows(in_time=FLAT))
    assert (verdicts["a"].word, verdicts["equal_time"].word) == ("reproduced", "not_reproduced")


def test_ranks() -> None:
    assert rank_correlation(rows(pieces=FALLING), "pieces").mean == pytest.approx(-1.0, abs=1e-12)
    assert rank_correlation(rows(pieces=RISING), "pieces").mean == pytest.approx(1.0, abs=1e-12)
    assert rank_correlation(rows(), "knots").mean == 0.0  # constant: no trend
    # Ranks 2, 3.5, 3.5, 1: Σ products with those of 1…4, both centered, is -1.5; norms √5 and √4.5.
    hump = rows(carriers=(9.0, 15.0, 15.0, 6.0))
    assert rank_correlation(hump, "carriers").mean == pytest.approx(-1.5 / np.sqrt(5 * 4.5), abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"tv": FALLING, "weighted_tv": FALLING}, "reproduced"), ({"tv": FALLING}, "partly"),
     ({}, "not_reproduced")],
)  # fmt: skip
def test_smoothness(changes: dict[str, Any], word: str) -> None:
    assert judged(rows(**changes))["smoothness"].word == word


def test_raw_knots() -> None:
    assert judged(rows())["raw_knots"].word == "not_reproduced"
    assert judged(rows(knots=FALLING))["raw_knots"].word == "reproduced"


@pytest.mark.parametrize(
    ("carriers", "start", "word"),
    [(40.0, 300.0, "reproduced"), (40.0, 40.0, "partly"), (200.0, 300.0, "partly"),
     (200.0, 100.0, "not_reproduced")],
)  # fmt: skip
def test_few_active_neurons(carriers: float, start: float, word: str) -> None:
    assert judged(rows(carriers=carriers, carriers_at_start=start))["few_active_neurons"].word == word


@pytest.mark.parametrize(
    ("out", "bent", "word"),
    [(300.0, FALLING, "reproduced"), (300.0, FLAT, "partly"), (10.0, RISING, "not_reproduced")],
)
def test_pushed_out(out: float, bent: tuple[float, ...], word: str) -> None:
    assert judged(rows(pushed_out=out, bent_neurons=bent))["pushed_out"].word == word


@pytest.mark.parametrize(
    ("changes", "word"),
    [({}, "reproduced"), ({"revived": 1.0}, "not_reproduced"), ({"dead_gradient": 1e-20}, "not_reproduced"),
     ({"dead_checked": 0.0}, "premise_not_met")],
)  # fmt: skip
def test_dead_stay_dead(changes: dict[str, Any], word: str) -> None:
    assert judged(rows(**changes))["dead_stay_dead"].word == word


@pytest.mark.parametrize("lost", [{"bent_neurons": 0.0, "dead_checked": 0.0}, {"outcome": "diverged"}])
def test_premise(lost: dict[str, Any]) -> None:
    assert {verdict.word for verdict in judged(rows(**lost)).values()} == {"premise_not_met"}
