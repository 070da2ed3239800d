"""The rules of `sparsity-vs-step-size` on rows that come out each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.sparsity_vs_step_size import CLAIM

ETAS = (0.01, 0.1, 0.4, 0.8)
FALLING, RISING, FLAT = (18.0, 12.0, 8.0, 5.0), (5.0, 8.0, 12.0, 18.0), (9.0,) * 4
ZIGZAG = (9.0, 5.0, 15.0, 7.0)  # lower at the end, no trend by ranks
FIXED: dict[str, Any] = {
    "arm": "warm_up", "half_width": 3.0, "labels": "noisy",
                "width": 1000, "outcome": "finished", "edge_reached": True, "pieces": FALLING,
    "tv": 20.0, "weighted_tv": 2.0, "knots": 500.0, "bent_neurons": 400.0, "carriers": 40.0,
    "carriers_at_start": 300.0, "pushed_out": 300.0, "pulled_in": 20.0, "dead_checked": 7, "revived": 0,
    "dead_gradient": 0.0,
}  # fmt: skip


def judged(seeds: int = 8, **changes: Any) -> dict[str, Judged]:
    """Runs of one arm: a value, or one for each step size; seeds differ by a shift, and a little noise."""
    rng = np.random.default_rng(2)
    values = {**FIXED, **changes}
    values.setdefault("pieces_equal_time", values["pieces"])
    runs = []
    for seed in range(seeds):
        shift = rng.uniform(0.0, 2.0)
        for j, eta in enumerate(ETAS):
            row = {name: x[j] if isinstance(x, tuple) else x for name, x in values.items()}
            for name in ("pieces", "pieces_equal_time"):
                row[name] += shift + 0.01 * rng.standard_normal()
            runs.append(Run({**row, "seed": seed, "step_size": eta}))
    return CLAIM.judge(Result("sparsity-vs-step-size", CLAIM.quick, tuple(runs)))


def word(part: str, **changes: Any) -> str:
    return judged(**changes)[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [(FALLING, "reproduced"), (ZIGZAG, "partly"), (RISING, "not_reproduced"), (FLAT, "not_reproduced")],
)
def test_pieces(pieces: Any, expected: str) -> None:
    assert word("pieces", pieces=pieces) == expected
    assert word("pieces", pieces=pieces, seeds=2) == "undecided"


@pytest.mark.parametrize(("lost", "expected"), [(1.2, "reproduced"), (0.8, "partly")])
def test_less_than_one_piece_does_not_count(lost: float, expected: str) -> None:
    """The trend is there in both; the ends differ."""
    assert word("equal_time", pieces_equal_time=(9.0 + lost, 9.0, 9.0, 9.0)) == expected


@pytest.mark.parametrize("part", ["smoothness", "pushed_out"])
def test_ends_without_a_trend_are_partly(part: str) -> None:
    """Knots and bent neurons that are fewer at the end, with a rise on the way."""
    zigzag = tuple(80.0 * x for x in ZIGZAG)
    values = dict.fromkeys(("tv", "weighted_tv", "knots", "bent_neurons"), zigzag)
    assert word(part, **values) == "partly"
    steady = dict.fromkeys(values, tuple(40.0 * x for x in FALLING))
    assert word(part, **steady) == "reproduced"


def test_a_weak_trend_is_one() -> None:
    """Ranks 2, 4, 3, 1 have Σ d² = 14 from 1, 2, 3, 4: Spearman's correlation is 1 − 6·14/60 = −0.4."""
    found = judged(pieces=(9.0, 15.0, 13.0, 6.0))["pieces"]
    assert found.word(CLAIM.kind) == "reproduced"
    assert "falls along the step sizes: 0.400 [0.400, 0.400]" in found.finding.sentence


@pytest.mark.parametrize(
    ("fall", "expected"),
    [(("tv", "weighted_tv", "knots"), "reproduced"), (("tv",), "partly"), ((), "not_reproduced")],
)
def test_smoothness(fall: Any, expected: str) -> None:
    assert word("smoothness", **dict.fromkeys(fall, FALLING)) == expected


@pytest.mark.parametrize(("factor", "expected"), [(1.13, "reproduced"), (1.11, "partly")])
def test_less_than_a_twentieth_of_a_decade_does_not_count(factor: float, expected: str) -> None:
    """10^0.05 = 1.122."""
    values = dict.fromkeys(("tv", "weighted_tv", "knots"), (factor, 1.0, 1.0, 1.0))
    assert word("smoothness", **values) == expected


@pytest.mark.parametrize(("gone", "expected"), [(60.0, "reproduced"), (40.0, "partly")])
def test_fewer_than_a_twentieth_of_the_width_do_not_count(gone: float, expected: str) -> None:
    bent = (800.0 + gone, 800.0, 800.0, 800.0)
    assert word("pushed_out", pushed_out=gone, pulled_in=0.0, bent_neurons=bent) == expected


@pytest.mark.parametrize(
    ("carriers", "start", "expected"),
    [(40.0, 300.0, "reproduced"), (40.0, 40.0, "partly"), (200.0, 300.0, "partly"),
     (200.0, 100.0, "not_reproduced"), (99.0, 300.0, "reproduced"), (101.0, 300.0, "partly")],
)  # fmt: skip
def test_few_active_neurons(carriers: float, start: float, expected: str) -> None:
    assert word("few_active_neurons", carriers=carriers, carriers_at_start=start) == expected


@pytest.mark.parametrize(
    ("out", "bent", "expected"),
    [(300.0, (900.0, 800.0, 700.0, 600.0), "reproduced"), (300.0, (700.0,) * 4, "partly"),
     (10.0, (600.0, 700.0, 800.0, 900.0), "not_reproduced")],
)  # fmt: skip
def test_pushed_out(out: float, bent: Any, expected: str) -> None:
    assert word("pushed_out", pushed_out=out, bent_neurons=bent) == expected


def test_shares_are_of_the_width() -> None:
    found = judged()
    effects = {name: found[name].finding.effect for name in ("few_active_neurons", "pushed_out")}
    assert effects["few_active_neurons"].interval.mean == pytest.approx(0.1 - 0.04)  # type: ignore[union-attr]
    assert effects["pushed_out"].interval.mean == pytest.approx(0.28)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, "holds"), ({"revived": 1}, "false_as_stated"), ({"dead_gradient": 1e-20}, "false_as_stated"),
     ({"dead_checked": 0}, "premise_not_met")],
)  # fmt: skip
def test_dead_stay_dead(changes: dict[str, Any], expected: str) -> None:
    assert word("dead_stay_dead", **changes) == expected


def test_dead_neurons_are_counted_over_all_runs() -> None:
    sentence = judged()["dead_stay_dead"].finding.sentence
    assert sentence.startswith(
        "224 observations of a dead neuron in 32 runs: the largest gradient was 0, and none"
    )
