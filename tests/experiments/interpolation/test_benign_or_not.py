"""The rules of benign-or-not on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.interpolation.benign_or_not import CLAIM
from stepscape.experiments.interpolation.overfitting_runs import DESCENTS, begin, grid, work
from stepscape.problems.interpolants import INTERPOLANTS

Row = dict[str, Any]
Change = Callable[[Row], Row]
LEVELS: dict[str, Callable[[float], float]] = {
    "heavy_ball": lambda _: 0.7,
    "descent": lambda _: 0.65,
    "large_step": lambda _: 0.3,
    "singular_kernel": lambda n: n**-0.3,
    "steep_kernel": lambda _: 0.7,
    "dots": lambda _: 2 / 3,
    "nearest": lambda _: 1.0,
    "polynomial": lambda n: n**4.0,
}


def rows(seeds: int = 6) -> list[Row]:
    rng, found = np.random.default_rng(0), []
    for method, level in LEVELS.items():
        sizes = (12, 24, 48) if method in DESCENTS else (12, 24, 48, 200, 800)
        for n in sizes:
            for seed in range(seeds):
                excess = level(n) * np.exp(0.03 * rng.standard_normal())
                row: Row = {
                    "group": "descent" if method in DESCENTS else "textbook", "method": method, "n": n,
                    "seed": seed, "drawn": False, "outcome": "finished", "excess": excess,
                    "left": 0.02 if method != "large_step" else 0.7,
                }  # fmt: skip
                row["bent_neurons"] = 50 if method in DESCENTS else None
                found.append(row)
    return found


def judged(change: Change = dict, seeds: int = 6) -> dict[str, Any]:
    made = [change(row) for row in rows(seeds)]
    for row in made:
        row["log_excess"] = np.log10(row["excess"])
        row["over_dots"] = np.log10(row["excess"] / (2 / 3)) if row["group"] == "descent" else None
    return CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, made))))


def word(part: str, change: Change = dict, **more: Any) -> str:
    found: str = judged(change, **more)[part].word(CLAIM.kind)
    return found


def scaled(factor: Callable[[Row], float], *methods: str) -> Change:
    def change(row: Row) -> Row:
        return {**row, "excess": row["excess"] * factor(row)} if row["method"] in methods else row

    return change


def test_as_built() -> None:
    assert {part: each.word(CLAIM.kind) for part, each in judged().items()} == {
        "benign": "no",
        "like_the_dots": "yes",
        "taxonomy": "reproduced",
        "levels": "reproduced",
        "large_step": "yes",
    }
    assert judged()["benign"].rows["large_step"].answer == "premise_not_met"


def test_benign_other_words() -> None:
    falls = scaled(lambda row: row["n"] ** -0.5, "heavy_ball", "descent")
    # A fall that ends on the line's level is not benign.
    late = scaled(lambda row: (row["n"] / 48) ** -0.5, "heavy_ball", "descent")
    assert word("benign", late) == "no"
    assert word("benign", falls) == "yes"
    assert word("benign", scaled(lambda row: row["n"] ** -0.5, "heavy_ball")) == "it_depends"
    assert word("benign", lambda row: {**row, "left": 0.5}) == "premise_not_met"
    assert word("benign", lambda row: {**row, "bent_neurons": 0}) == "premise_not_met"
    assert word("benign", seeds=2) == "undecided"


def test_like_the_dots_other_words() -> None:
    assert word("like_the_dots", scaled(lambda _: 2.0, "heavy_ball")) == "no"
    assert word("like_the_dots", lambda row: {**row, "left": 0.5}) == "premise_not_met"
    uneven = scaled(lambda row: 2.0 if row["seed"] % 2 else 0.6, "heavy_ball")
    assert word("like_the_dots", uneven) == "undecided"


def test_a_fall_alone_is_no_part_of_being_benign() -> None:
    """The risk falls with n; whether it ends below the line depends on the seed."""
    fall = scaled(
        lambda row: (row["n"] / 48) ** -1.5 * (0.4 if row["seed"] % 2 else 1.8), "heavy_ball", "descent"
    )
    assert word("benign", fall) == "undecided"


def test_above_and_below_the_line_is_not_the_same_as_the_line() -> None:
    """Twice the risk at the smallest size and half at the largest have the mean of the line."""
    tilted = scaled(lambda row: {12: 2.0, 24: 1.0, 48: 0.5}[row["n"]], "heavy_ball")
    assert word("like_the_dots", tilted) == "it_depends"


def test_few_seeds_at_every_size_do_not_break_the_question() -> None:
    """Each seed nearly interpolates at three of six sizes, so that no size has most seeds."""
    made = [row for row in rows(12) if row["method"] == "heavy_ball" and row["n"] == 12]
    spread = [
        {**row, "n": n, "left": 0.02 if (n // 12 + row["seed"]) % 2 and row["seed"] < 8 else 0.5,
         "over_dots": 0.0, "log_excess": 0.0}
        for row in made
        for n in (12, 24, 36, 48, 60, 72)
    ]  # fmt: skip
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, spread))))
    assert judged["benign"].word(CLAIM.kind) == "premise_not_met"


def test_the_large_step_is_compared_where_small_steps_nearly_interpolate() -> None:
    def tired(row: Row) -> Row:
        late = row["method"] == "heavy_ball" and row["n"] == 48
        return {**row, "left": 0.5, "excess": 0.01} if late else row

    assert word("large_step", tired) == "yes"
    assert word("large_step", lambda row: {**row, "left": 0.5}) == "premise_not_met"
    assert word("large_step", lambda row: {**row, "left": 0.02}) == "premise_not_met"


def test_taxonomy_levels_and_the_large_step_other_words() -> None:
    assert word("taxonomy", scaled(lambda row: row["n"] ** 0.4, "singular_kernel")) == "partly"
    assert word("taxonomy", scaled(lambda row: row["n"] ** 0.4, "dots")) == "partly"
    assert word("levels", scaled(lambda _: 2.0, "dots", "nearest")) == "not_reproduced"
    assert word("large_step", scaled(lambda _: 4.0, "large_step")) == "no"
    assert word("large_step", lambda row: {**row, "outcome": "diverged"}) == "premise_not_met"


def test_runs_interpolate_and_measure_the_distance_to_the_truth() -> None:
    settings = {
        **CLAIM.quick,
        "sizes": (8,),
        "large_sizes": (30,),
        "picture_sizes": (8,),
        "seeds": 1,
        "steps": 60_000,
    }
    specs = grid(settings)
    assert {spec.method for spec in specs} == {*DESCENTS, *INTERPOLANTS}
    assert not any(spec.method == "polynomial" and spec.n > 64 for spec in grid(dict(CLAIM.full)))
    for spec in specs:
        record = work(spec, lambda _: None)
        problem = begin(spec)[0]
        assert record.numbers["excess"] > 0.0
        if spec.method in INTERPOLANTS:
            assert record.numbers["left"] == 0.0
        if spec.method == "heavy_ball":
            dots = next(
                each for each in specs if (each.method, each.n) == ("dots", spec.n) and not each.drawn
            )
            line = work(dots, lambda _: None).numbers["excess"]
            assert record.numbers["over_dots"] == pytest.approx(np.log10(record.numbers["excess"] / line))
        if spec.drawn:
            at = np.isin(record.arrays["grid"], problem.inputs)
            np.testing.assert_array_equal(record.arrays["fit"][at], problem.labels)
        if spec.method == "nearest" and spec.n == 30:  # on average σ² more than the truth
            assert 0.3 < record.numbers["excess"] < 3.0


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"sizes": "3"}, "sizes must be at least 4, got 3"),
        ({"noise": "0"}, "noise must be finite and positive, got 0"),
        ({"small_step_size": "-1"}, "step_size must be finite and positive, got -1"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
