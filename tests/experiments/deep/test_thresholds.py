"""The rules of `thresholds` on rows that come out each way, and one run of a method."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from stepscape.errors import InputError
from stepscape.experiments.deep.optimizers import LONG_MEMORY, OPTIMIZERS, optimizer
from stepscape.experiments.deep.threshold_runs import _settled as settled
from stepscape.experiments.deep.threshold_runs import begin, work
from stepscape.experiments.deep.thresholds import CLAIM
from stepscape.experiments.deep.thresholds_figures import paths
from stepscape.experiments.frame import Result, Run

CELLS = (("descent", 0.1), ("adam", 0.1), ("adam", 0.2), (LONG_MEMORY, 0.1))
HELD = {"edge_ratio": 0.8, "edge_reached": False}


def rows(seeds: int = 6, **more: Any) -> list[Run]:
    """Runs that settle; `more` changes a column of all, of a method, or of the last seeds from 11 on."""
    out = []
    for method, eta in CELLS:
        for seed in range(seeds):
            row = {
                "method": method, "step_size": eta, "seed": seed, "outcome": "finished",
                "edge_ratio": 1.0 + 0.01 * (-1) ** seed, "edge_reached": True,
                "plain_ratio": 50.0 * eta + 0.01 * seed, "adaptive": method == "adam",
                "ratio_growth": 1.0, "loss_rises": True, "loss_fall": 0.0, "start_ratio": 0.5,
            }  # fmt: skip
            for key, value in more.items():
                who, _, column = key.rpartition(":")
                if who in ("", method) or (who == "last" and seed >= 11):
                    row[column] = value
            out.append(Run(row))
    return out


def word(part: str, **more: Any) -> str:
    return CLAIM.judge(Result("thresholds", CLAIM.quick, tuple(rows(**more))))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("own_threshold", {}, "reproduced"),
        ("own_threshold", {"adam:edge_ratio": 0.88}, "partly"),
        ("own_threshold", {"edge_ratio": 1.12}, "not_reproduced"),
        ("own_threshold", {"edge_reached": False, "ratio_growth": 1.1}, "premise_not_met"),
        ("own_threshold", {"adam:edge_reached": False, "adam:ratio_growth": 1.1}, "partly"),
        ("own_threshold", {"outcome": "diverged"}, "not_reproduced"),
        ("own_threshold", {"seeds": 20, "last:outcome": "diverged"}, "not_reproduced"),
        ("own_threshold", {"seeds": 20, "last:edge_reached": False, "last:ratio_growth": 1.1}, "partly"),
        (
            "own_threshold",
            {"seeds": 20, "last:edge_reached": False, "last:edge_ratio": 0.5},
            "undecided",
        ),
        ("own_threshold", HELD, "not_reproduced"),
        ("own_threshold", {f"adam:{key}": value for key, value in HELD.items()}, "partly"),
        ("own_threshold", {**HELD, "loss_rises": False}, "premise_not_met"),
        ("own_threshold", {**HELD, "loss_rises": False, "loss_fall": 0.02}, "not_reproduced"),
        ("own_threshold", {"seeds": 2}, "undecided"),
        ("not_plain", {}, "reproduced"),
        ("not_plain", {"plain_ratio": 5.0}, "not_reproduced"),
        ("not_plain", {"plain_ratio": 1.0}, "not_reproduced"),
        ("not_plain", {"seeds": 20, "last:outcome": "diverged"}, "partly"),
        ("not_plain", {"step_size": 0.1}, "premise_not_met"),
        ("long_memory", {}, "yes"),
        ("long_memory", {f"{LONG_MEMORY}:edge_ratio": 0.7}, "no"),
        ("long_memory", {"edge_reached": False, "ratio_growth": 1.1}, "no"),
        ("long_memory", {"method": "descent"}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert word(part, **change) == expected


def test_the_picture_says_how_many_methods_end_at_their_thresholds_and_begin_above() -> None:
    ways = {
        "descent": [0.5, 1.0, 1.0, 1.0, 1.0],
        "adam": [12.0, 1.05, 0.95, 1.0, 1.0],
        "adamw": [0.9] + 4 * [0.5],
    }
    at_steps = np.arange(5.0)
    runs = [
        Run(
            {"method": name, "step_size": 0.1, "outcome": "finished"},
            {"path": np.array(way), "at_steps": at_steps},
        )
        for name, way in ways.items()
    ]
    caption = paths(Result("thresholds", CLAIM.quick, tuple(runs))).caption
    assert caption.startswith(
        "2 of 3 methods end within 10 % of their own thresholds; 1 begins above, Adam at 12 "
    )
    caption = paths(Result("thresholds", CLAIM.quick, (runs[0],))).caption
    assert caption.startswith("1 of 1 methods end within 10 % of their own thresholds; none begins above.")


def test_thresholds_in_words_are_those_of_the_methods() -> None:
    eta, decay = 0.2, 0.1
    for each in OPTIMIZERS.values():
        words = each.threshold.replace("/η", f"/{eta}").replace("λη", f"{decay * eta}").replace(" (", "*(")
        assert each.make(eta, 1).threshold() == pytest.approx(eval(words.replace("−", "-")), rel=1e-12)


def test_a_run_measures_the_preconditioned_and_the_plain_sharpness() -> None:
    settings = {**CLAIM.quick, "width": 5, "n": 8, "steps": 60, "records": 12, "seeds": 1}
    runs = {run.method: run for run in CLAIM.specs(settings)}
    for name in ("descent", "adam"):
        made = work(runs[name], lambda _: None)
        numbers = made.numbers
        assert made.outcome == "finished"
        assert numbers["low_ratio"] <= numbers["edge_ratio"] <= numbers["high_ratio"]
        assert made.arrays["path"][0] == numbers["start_ratio"]
        objective, theta, method = begin(runs[name])
        gradient = objective.gradient(theta)
        h = np.array([objective.hessian(theta).product(row) for row in np.eye(theta.size)])
        # The first P of Adam: (1 − β1)(|g| + ε).
        p = np.ones(theta.size) if name == "descent" else 0.1 * (np.abs(gradient) + 1e-8)
        top = np.linalg.eigvals(h / p[:, None]).real.max()
        assert numbers["start_ratio"] == pytest.approx(top / method.threshold(), rel=1e-5)
    plain = work(runs["descent"], lambda _: None).numbers
    assert plain["plain_ratio"] == pytest.approx(plain["edge_ratio"], rel=0.05)


def test_how_a_run_moves_in_the_end() -> None:
    """Nine records: the ratios of the last quarter are twice those of the one before; the loss rises once."""
    ratio = np.array([9.0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.8, 0.8, 0.8])
    loss = np.array([8.0, 5.0, 6.0, 4.0, 3.0, 2.0, 2.5, 2.0, 1.0])
    path = SimpleNamespace(edge_ratio=ratio, at_steps=np.arange(9) * 10, loss=loss)
    found = settled(path)
    assert (found["ratio_growth"], found["loss_fall"], found["loss_rises"]) == (2.0, (3.0 - 1.0) / 8.0, True)
    assert (found["largest_ratio"], found["edge_reached"], found["edge_ratio"]) == (0.8, False, 0.8)
    path.loss = np.array([8.0, 5.0, 6.0, 4.0, 3.0, 2.0, 1.5, 1.4, 1.3])  # rises before the last half only
    assert not settled(path)["loss_rises"]


@pytest.mark.parametrize(("step", "reached"), [(10, False), (20, True)])
def test_the_edge_counts_as_reached_after_the_first_fifth_of_the_steps(step: int, reached: bool) -> None:
    steps = np.arange(9) * 10
    path = SimpleNamespace(edge_ratio=np.where(steps == step, 0.96, 0.5), at_steps=steps, loss=np.ones(9))
    assert settled(path)["edge_reached"] is reached


def test_a_run_that_diverges_says_what_it_was() -> None:
    settings = {**CLAIM.quick, "width": 5, "n": 8, "steps": 60, "records": 12, "seeds": 1}
    lost = work(replace(CLAIM.specs(settings)[0], step_size=1e3), lambda _: None)
    assert lost.outcome == "diverged"
    assert not lost.numbers["adaptive"]
    assert lost.numbers["start_ratio"] > 1.0


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(InputError, match=r"unknown method 'adan'; did you mean 'adam'"):
        optimizer("adan")
    with pytest.raises(InputError, match=r"algorithm_step_sizes must hold one number for each of the 7 m"):
        CLAIM.specs({**CLAIM.quick, "algorithm_step_sizes": (0.1,)})
