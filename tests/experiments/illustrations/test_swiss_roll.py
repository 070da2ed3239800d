"""The rules of swiss-roll on rows that come out each way, and how its two minima are made and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.illustrations import roll_runs
from stepscape.experiments.illustrations.roll_runs import RollRun, begin, fade, filtered, sharpness, work
from stepscape.experiments.illustrations.swiss_roll import CLAIM

SMALL: dict[str, Any] = {
    "layers": 2, "width": 6, "n": 12, "wrong": 15, "pull": 0.7, "distance": 0.06, "good_steps": 40,
    "bad_steps": 60, "settle_steps": 5, "adam_step_size": 0.02, "seed": 1000,
}  # fmt: skip


def rows(**more: Any) -> list[Run]:
    out = []
    for seed in range(20):
        row = {
            "kind": "swiss-roll/1", "seed": seed, "outcome": "finished", "n": 60, "both_fit": True,
            "test_good": 0.9 + 0.001 * seed, "test_bad": 0.2 + 0.001 * seed,
            "test_after_bad": 0.25 + 0.001 * seed, "gradient_bad": 1e-3, "sharpness_good": 0.1,
            "sharpness_bad": 1e3 + seed,

            "sharpness_faded": 10.0, "moved_good": 0.95, "moved_bad": 0.5 + 0.001 * seed,
            "held_good": 0.9, "held_bad": 0.4 + 0.001 * seed,
        }  # fmt: skip
        out.append(Run({**row, **{key: x(row) if callable(x) else x for key, x in more.items()}}))
    return out


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("apart", {}, "reproduced"),
        ("apart", {"test_bad": 0.92}, "not_reproduced"),
        ("apart", {"both_fit": False}, "premise_not_met"),
        # Three runs of twenty are no basis, and fifteen one in part; neither of two near coins predicts well.
        ("apart", {"both_fit": lambda row: row["seed"] < 3}, "premise_not_met"),
        ("sharper", {"both_fit": lambda row: row["seed"] < 15}, "partly"),
        ("apart", {"test_good": 0.56, "test_bad": lambda row: 0.47 + 1e-4 * row["seed"]}, "not_reproduced"),
        ("apart", {"test_good": lambda row: 0.79 + 1e-4 * row["seed"]}, "not_reproduced"),
        ("apart", {"test_bad": 0.51}, "not_reproduced"),
        ("stays", {}, "yes"),
        ("stays", {"test_after_bad": lambda row: 0.52 + 0.001 * row["seed"]}, "no"),
        ("stays", {"test_after_bad": None}, "undecided"),
        ("sharper", {}, "reproduced"),
        ("sharper", {"sharpness_good": 1e4}, "not_reproduced"),
        ("same_loss", {}, "yes"),
        ("same_loss", {"sharpness_faded": 1e4}, "no"),
        ("same_loss", {"sharpness_faded": None}, "undecided"),
        ("wider", {}, "reproduced"),
        ("wider", {"moved_good": 0.5}, "not_reproduced"),
        ("robust", {}, "reproduced"),
        ("robust", {"held_good": 0.4}, "not_reproduced"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    result = Result(CLAIM.name, CLAIM.quick, tuple(rows(**change)))
    assert CLAIM.judge(result)[part].word(CLAIM.kind) == expected


def test_the_bad_loss_is_the_good_one_and_that_of_wrong_labels() -> None:
    clean, poisoned, fresh = begin(RollRun(**SMALL, drawn=False))
    theta = clean.start(1.0, 3)
    x, y = poisoned.problem.points[12:], poisoned.problem.labels[12:]
    assert np.linalg.norm(x[:, None] - clean.problem.points, axis=2).min() > 0.06
    wrong = np.mean(np.logaddexp(0.0, -y * clean.predict(theta, x)))
    assert poisoned.loss(theta) * 1.7 == pytest.approx(clean.loss(theta) + 0.7 * wrong, rel=1e-12)
    # The right label of a point is the spiral that it is on: nearest neighbors of the fresh sample have it.
    near = np.linalg.norm(x[:, None] - fresh.points, axis=2).argmin(axis=1)
    assert np.mean(fresh.labels[near] == -y) > 0.9


def test_a_move_is_as_long_as_the_weights_into_each_unit_and_leaves_biases() -> None:
    clean, _, _ = begin(RollRun(**SMALL, drawn=False))
    theta = clean.start(1.0, 3) + 0.1
    move, first = filtered(clean, theta, np.random.default_rng(0)), 0
    for outputs, inputs in ((6, 2), (6, 6), (1, 6)):
        one, other = (
            each[first : first + outputs * inputs].reshape(outputs, inputs) for each in (theta, move)
        )
        np.testing.assert_allclose(np.linalg.norm(other, axis=1), np.linalg.norm(one, axis=1), rtol=1e-12)
        assert (move[first + outputs * inputs : first + outputs * (inputs + 1)] == 0.0).all()
        first += outputs * (inputs + 1)
    assert first == theta.size


def test_a_faded_network_has_the_loss_asked_for_and_the_same_decisions() -> None:
    clean, _, _ = begin(RollRun(**SMALL, drawn=False))
    theta = roll_runs.descend(clean, clean.start(1.4, 3), 0.02, 200)
    assert theta is not None
    wanted = 0.5 * (clean.loss(theta) + np.log(2.0))
    faded = fade(clean, theta, wanted)
    assert faded is not None
    assert clean.loss(faded) == pytest.approx(wanted, rel=1e-12)
    factor = clean.predict(faded) / clean.predict(theta)
    np.testing.assert_allclose(factor, factor[0], rtol=1e-12)
    assert fade(clean, theta, 0.5 * clean.loss(theta)) is None
    assert fade(clean, theta, 0.7) is None  # no positive factor has a loss above log 2


def test_a_run_measures_what_it_says() -> None:
    found = work(RollRun(**SMALL, drawn=True), lambda _: None)
    clean, poisoned, fresh = begin(RollRun(**SMALL, drawn=False))
    good = roll_runs.descend(clean, clean.start(float(np.sqrt(2.0)), 1000), 0.02, 40)
    assert good is not None
    after = roll_runs.settle(clean, good, 0.02, 5)
    assert after is not None
    assert 0.0 < np.abs(after - good).max() <= 5 * 0.002 * 1.1
    got, labels = found.numbers, clean.problem.labels
    assert got["test_good"] == np.mean(clean.predict(good, fresh.points) * fresh.labels > 0.0)
    assert got["loss_good"] == clean.loss(good)
    assert got["test_after_good"] == np.mean(clean.predict(after, fresh.points) * fresh.labels > 0.0)
    assert got["gradient_good"] == pytest.approx(np.linalg.norm(clean.gradient(good)), rel=1e-12)
    assert got["wrong_kept"] == len(poisoned.problem.labels) - 12
    dense = np.array([clean.hessian(good).product(row) for row in np.eye(clean.size)])
    assert sharpness(clean, good) == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=2e-3)
    held = np.ones(12, bool)
    for k in range(16):
        angle = np.pi * k / 8.0
        moved = clean.problem.points + 0.05 * np.array([np.cos(angle), np.sin(angle)])
        held &= clean.predict(good, moved) * labels > 0.0
    assert got["held_good"] == held.mean()
    middle = found.arrays["slice_good"][15, 15]
    assert 10.0**middle == pytest.approx(clean.loss(good), rel=1e-9)
    assert found.arrays["profiles_bad"].shape == (10, 31)


def test_a_run_that_diverges_says_so() -> None:
    found = work(RollRun(**{**SMALL, "adam_step_size": 1e200}, drawn=False), lambda _: None)
    assert found.outcome == "diverged"
    assert "lower adam_step_size" in found.reason


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"pull": "0"}, "pull must be finite and positive, got 0.0"),
        ({"distance": "-1"}, "distance must be finite and positive, got -1.0"),
        ({"adam_step_size": "0"}, "step_size must be finite and positive, got 0.0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
