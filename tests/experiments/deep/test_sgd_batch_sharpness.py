"""The rules of `sgd-batch-sharpness` on rows that come out each way, and one run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.deep.sgd_batch_sharpness import CLAIM
from stepscape.experiments.deep.sgd_runs import REPLACED, SHUFFLED, begin, grid, work
from stepscape.experiments.frame import Result, Run

CELLS = ((64, SHUFFLED), (16, SHUFFLED), (16, REPLACED), (4, SHUFFLED), (4, REPLACED))
EDGE = {64: 1.0, 16: 0.8, 4: 0.5}
AS_CLAIMED = {"batch_ratio": 1.0, "typical_ratio": 0.8, "edge_change": 0.0, "batch_change": 0.0}


def result(seeds: int = 6, one_way: bool = False, lost: int = 0, **more: Any) -> Result:
    """Runs as the claim has them; `more` changes a column, `B=4:column` only for that size or drawing."""
    runs = []
    for size, drawing in CELLS:
        if one_way and drawing == REPLACED:
            continue
        for seed in range(seeds):
            row = {
                "n": 64, "labels": "exact labels", "batch_size": size, "drawing": drawing, "seed": seed,
                "outcome": "finished", "start_inside": True, "edge_ratio": EDGE[size],
                "trace_ratio": 2.0 * EDGE[size], "batch_span": 0.0, **AS_CLAIMED,
            }  # fmt: skip
            for key, value in more.items():
                cell, _, column = key.rpartition(":")
                if cell in ("", f"B={size}", drawing):
                    row[column] = value
            if size == 4 and drawing == SHUFFLED and seed < lost:
                row = {key: row[key] for key in row if "ratio" not in key and "change" not in key}
                row["outcome"] = "diverged"
            wiggle = 1.0 + 1e-3 * (-1) ** seed
            runs.append(Run({
                key: value * wiggle if isinstance(value, float) else value for key, value in row.items()
            }))  # fmt: skip
    return Result("sgd-batch-sharpness", {**CLAIM.quick, "noises": (0.0,)}, tuple(runs))


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("falls", {}, "reproduced"),
        ("falls", {"edge_ratio": 1.0}, "not_reproduced"),
        ("falls", {"B=4:edge_ratio": 0.9}, "partly"),  # from 16 to 4 it rises
        ("falls", {"B=4:edge_change": 0.1}, "partly"),  # it is still catching up
        ("falls", {"edge_change": 0.1}, "reproduced"),  # all move alike
        ("falls", {"lost": 1}, "partly"),
        ("falls", {"lost": 3}, "partly"),
        ("falls", {"outcome": "diverged"}, "not_reproduced"),
        ("falls", {"start_inside": False}, "premise_not_met"),
        ("falls", {"seeds": 2}, "undecided"),
        ("trace", {}, "yes"),
        ("trace", {"trace_ratio": 2.0}, "no"),
        ("trace", {"B=4:trace_ratio": 1.9}, "it_depends"),
        ("settles", {}, "yes"),
        ("settles", {"batch_ratio": 0.8}, "no"),
        ("settles", {"batch_ratio": 1.3}, "no"),
        ("settles", {"B=4:batch_ratio": 0.6}, "it_depends"),
        ("settles", {"batch_ratio": 0.8, "batch_change": 0.1}, "undecided"),
        ("settles", {"batch_ratio": 1.3, "batch_change": -0.1}, "undecided"),
        ("settles", {"batch_ratio": 0.8, "batch_change": -0.1}, "no"),  # it moves away
        ("settles", {"outcome": "diverged"}, "no"),
        ("definitions", {}, "yes"),
        ("definitions", {"typical_ratio": 1.0}, "no"),
        ("definitions", {"typical_ratio": 1.2}, "no"),
        ("definitions", {f"{REPLACED}:typical_ratio": 1.2}, "it_depends"),
        ("drawing", {}, "yes"),
        ("drawing", {f"{REPLACED}:edge_ratio": 0.2}, "no"),
        ("drawing", {"one_way": True}, "premise_not_met"),
        ("jumps", {}, "no"),
        ("jumps", {"batch_span": 0.9}, "yes"),
        ("jumps", {"B=4:batch_span": 0.9}, "no"),
        ("jumps", {"B=64:outcome": "diverged", "batch_span": 0.9}, "no"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert CLAIM.judge(result(**change))[part].word(CLAIM.kind) == expected


def test_the_effect_is_the_share_that_is_lost() -> None:
    """From 1 to 0.8 a fifth is lost."""
    effect = CLAIM.judge(result())["falls"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(0.2, abs=1e-12)


def test_runs_that_diverge_are_named() -> None:
    found = CLAIM.judge(result(lost=1))["falls"].finding.sentence
    assert "at B = 16 to 4 without replacement 1 of 6 seeds have a run that did not finish" in found


def test_noise_that_makes_the_opposite_of_the_rest_is_seen() -> None:
    """Labels with noise on which λ_max rises are not hidden by exact ones."""
    other = [
        Run({**run.row, "labels": "labels with noise 0.3", "edge_ratio": 2.0 - run.row["edge_ratio"]})
        for run in result().runs
    ]
    both = Result("sgd-batch-sharpness", {**CLAIM.quick, "noises": (0.0, 0.3)}, (*result().runs, *other))
    judged = CLAIM.judge(both)["falls"]
    assert judged.word(CLAIM.kind) == "partly"
    assert judged.word(CLAIM.kind, "labels with noise 0.3") == "not_reproduced"


SETTINGS = {**CLAIM.quick, "width": 3, "n": 8, "steps": 40, "records": 4, "seeds": 1, "noises": (0.3,)}


def test_a_run_measures_what_dense_hessians_give() -> None:
    """At B = 1 without replacement an epoch is every example once, so that both averages are exact."""
    settings = {**SETTINGS, "batch_sizes": (1,), "measured_batches": 8}
    (run,) = [each for each in grid(settings) if (each.batch_size, each.drawing) == (1, SHUFFLED)]
    made = work(run, lambda _: None)
    objective, theta, method = begin(run)
    slopes = np.array([objective.batch_gradient(theta, np.array([i])) for i in range(8)])
    bent = [objective.batch_hessian(theta, np.array([i])).product(g) for i, g in enumerate(slopes)]
    along, sizes = np.sum(slopes * bent, axis=1), np.sum(slopes**2, axis=1)
    half = 0.5 * run.step_size
    assert made.arrays["batch"][0] == pytest.approx(half * along.sum() / sizes.sum(), rel=1e-12)
    dense = np.array([objective.hessian(theta).product(row) for row in np.eye(theta.size)])
    assert made.numbers["start_ratio"] == pytest.approx(half * np.linalg.eigvalsh(dense)[-1], rel=1e-5)
    for rows in method.batches(0, 40, 8):
        before, theta = theta, theta - run.step_size * objective.batch_gradient(theta, rows)
    middle = objective.hessian(0.5 * (before + theta))
    trace = half * sum(middle.product(row)[at] for at, row in enumerate(np.eye(theta.size)))
    assert made.numbers["trace_ratio"] == pytest.approx(trace, rel=1e-9)
    edge, batch = made.arrays["edge"], made.arrays["batch"]
    assert made.numbers["edge_ratio"] == np.median(edge[2:])
    assert made.numbers["edge_change"] == np.median(edge[3:]) - edge[2]
    assert made.numbers["batch_span"] == np.ptp(batch[2:])


def test_all_examples_are_one_batch_whose_averages_are_one_number() -> None:
    run = grid(SETTINGS)[0]
    numbers = work(run, lambda _: None).numbers
    assert (run.batch_size, run.drawing) == (8, SHUFFLED)
    assert numbers["batch_ratio"] == pytest.approx(numbers["typical_ratio"], rel=1e-12)
    noise = begin(run)[0].problem.labels - np.cos(4 * np.arccos(np.linspace(-1.0, 1.0, 8)))
    assert 0.1 < noise.std() < 0.6


def test_a_run_that_diverges_is_an_outcome() -> None:
    made = work(grid({**SETTINGS, "step_size": 90.0})[0], lambda _: None)
    assert made.outcome == "diverged"
    assert made.numbers["start_inside"] is False


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(InputError, match=r"batch_sizes must lie from 1 to 7, below the 8 examples, got 8"):
        CLAIM.specs({**SETTINGS, "batch_sizes": (8,)})
    with pytest.raises(InputError, match=r"noises must be 0 or larger, got -0.1"):
        CLAIM.specs({**SETTINGS, "noises": (-0.1,)})
