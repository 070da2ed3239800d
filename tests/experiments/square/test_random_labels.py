"""The rules of `random-labels` on rows that come out each way, and its labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape import problems, theory
from stepscape.experiments.frame import Judged, Result, Run
from stepscape.experiments.square.random_labels import CLAIM, compared, ends_at_the_bound, largest_fits
from stepscape.experiments.square.runs import problem_of, work
from stepscape.tables.records import Table

OVER = (0.05, 0.2, 0.45, 0.8, 2.0, 8.0)  # step sizes over the bound
END = (0.0, 0.0, 0.005, 0.02, 0.2, 0.6)  # what is left of the noise: the fit ends between 0.45 and 0.8


def judged(*args: Any, **more: Any) -> dict[str, Judged]:
    return CLAIM.judge(Result("random-labels", CLAIM.quick, tuple(rows(*args, **more))))


def rows(
    left: Any = END, seeds: int = 8, sharpness: float = 10.0, over: tuple[float, ...] = OVER, **more: Any
) -> list[Run]:
    """One run per seed and step size, with labels whose mean square differs between the seeds."""
    return [
        Run({
            "arm": "warm_up", "half_width": 3.0, "labels": "noisy",
                "n": n, "seed": seed, "step_size": 2.0 * times / sharpness,
            "outcome": "finished", "bent_neurons": 9, "interpolation_left": sharpness, "edge_reached": True,
            "training_error": share * (1.0 + seed), "training_error_truth": 1.0 + seed,
            "interpolation_right": 2.0 * sharpness, "interpolation_checks": 3, "interpolation_violations": 0,
            **more,
        })
        for n, shares in (left if isinstance(left, dict) else {5: left}).items()
        for seed in range(seeds)
        for times, share in zip(over, shares, strict=True)
    ]  # fmt: skip


def words(*args: Any, **changes: Any) -> tuple[str, ...]:
    """Words of small steps, large steps and where the fit ends."""
    found = judged(*args, **changes)
    return tuple(
        found[name].word(CLAIM.kind) for name in ("small_steps", "beyond_the_bound", "where_it_ends")
    )


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (END, ("reproduced", "reproduced", "yes")),
        ((0.0,) * 6, ("reproduced", "not_reproduced", "no")),  # every step size fits
        ((0.5,) * 6, ("not_reproduced", "premise_not_met", "premise_not_met")),  # none does
        ((0.0, 0.02, 0.02, 0.02, 0.2, 0.6), ("undecided", "premise_not_met", "premise_not_met")),  # a third
        (
            (0.0, 0.0, 0.02, 0.02, 0.2, 0.6),
            ("undecided", "reproduced", "no"),
        ),  # two thirds; a fifth of the bound
    ],
)
def test_each_way(left: Any, expected: tuple[str, ...]) -> None:
    assert words(left) == expected


def test_a_hundredth_of_the_noise_may_be_left() -> None:
    assert words((0.009,) * 3 + (0.011,) * 3) == words(END)
    assert words((0.011,) * 6)[0] == "not_reproduced"


def test_sizes_that_were_not_given_the_time_leave_a_yes_open() -> None:
    found = judged({5: END, 30: (0.5,) * 6})
    assert found["small_steps"].word(CLAIM.kind) == "partly"
    assert found["beyond_the_bound"].word(CLAIM.kind) == "partly"
    sentence = found["beyond_the_bound"].finding.sentence
    assert sentence.startswith("With 5 points: all 16 runs beyond the bound")
    assert sentence.endswith(
        "left out with 30 points: within the budget, small steps do not fit the noise either."
    )


def test_a_range_in_which_nothing_is_learned_leaves_a_yes_open() -> None:
    alive, dead = (
        [Run(dict(run.row)) for run in rows(half_width=x, bent_neurons=y)] for x, y in ((3.0, 9), (1.0, 0))
    )
    found = CLAIM.judge(Result("random-labels", CLAIM.quick, (*alive, *dead)))["beyond_the_bound"]
    assert (found.finding.answer, found.word(CLAIM.kind)) == ("some", "partly")
    assert found.finding.sentence.endswith("left out on [−1, 1]: runs work at too few step sizes.")


class TestWhereItEnds:
    @pytest.mark.parametrize(
        ("largest", "word"), [(1.2, "premise_not_met"), (3.1, "no"), (0.9, "premise_not_met")]
    )
    def test_a_grid_that_fits_throughout_shows_no_end(self, largest: float, word: str) -> None:
        """An end within a factor of 3 is not seen; beyond 3 times the bound it is too far, wherever it is."""
        over = tuple(largest * x for x in (0.02, 0.04, 0.1, 0.2, 0.5, 1.0))
        assert judged((0.0,) * 6, over=over)["where_it_ends"].word(CLAIM.kind) == word

    def test_a_seed_whose_fit_does_not_end_in_the_grid_does_not_count(self) -> None:
        """Five seeds end at 0.4 times the bound; three fit throughout, up to 1.2 times."""
        over = np.array([0.1, 0.2, 0.4, 1.2])
        rows = [
            {"seed": seed, "over_bound": x, "left": 0.0 if x < 1.0 or seed > 4 else 0.5}
            for seed in range(8)
            for x in over
        ]
        found = ends_at_the_bound(Table.from_records(rows), fits=0.01, below=0.5, factor=3.0)
        assert found.effect is not None
        assert (found.answer, found.effect.interval.count) == ("yes", 5)
        assert found.effect.interval.mean == pytest.approx(np.log10(0.4))
        assert found.numbers["seeds that do not show an end"] == 3


class TestMorePoints:
    ETAS = (0.02, 0.1, 0.2, 0.4, 0.8)

    def table(self, ends: dict[int, float], seeds: int = 6) -> list[Run]:
        """Labels whose bound is 1.2; each number of points is fitted up to a step size of its own."""
        over = tuple(eta / 1.2 for eta in self.ETAS)
        left = {n: tuple(0.0 if eta <= end else 0.5 for eta in self.ETAS) for n, end in ends.items()}
        return rows(left, seeds=seeds, over=over, sharpness=2.0 / 1.2)

    def judge(self, ends: dict[int, float]) -> Judged:
        return CLAIM.judge(Result("random-labels", CLAIM.quick, tuple(self.table(ends))))["points"]

    def test_the_end_of_the_fit_and_the_bound_by_sample(self) -> None:
        runs = self.table({5: 0.4, 10: 0.2, 20: 0.8})
        found = largest_fits(compared(Result("", {}, tuple(runs)).table), fits=0.01, below=0.5)
        assert len(found) == 18
        assert found["bound"] == pytest.approx(1.2)
        assert found.where(n=5)["largest"] == pytest.approx(0.4)
        assert found.where(n=10)["largest"] == pytest.approx(0.2)
        assert np.isnan(found.where(n=20)["largest"]).all()  # fits throughout: the end is not seen

    def test_a_power_law_has_its_exponent(self) -> None:
        effect = self.judge({5: 0.4, 10: 0.2, 20: 0.1}).rows["warm_up"].effect
        assert effect is not None
        assert effect.interval.mean == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("ends", "word"),
        [
            ({5: 0.4, 10: 0.2}, "yes"),
            ({5: 0.2, 10: 0.2}, "no"),
            ({5: 0.2, 10: 0.4}, "no"),
            ({5: 0.4}, "undecided"),  # one number of points has no exponent
            ({5: 0.8, 10: 0.8}, "premise_not_met"),  # the grid shows no end
            ({5: 0.0, 10: 0.0}, "premise_not_met"),  # nothing fits
        ],
    )
    def test_each_way(self, ends: dict[int, float], word: str) -> None:
        assert self.judge(ends).word(CLAIM.kind) == word


def test_two_reasons_why_small_steps_do_not_fit() -> None:
    late = judged((0.5,) * 6)["beyond_the_bound"].finding.sentence
    assert late == "Within the budget, small steps do not fit the noise either."
    sharp = judged((0.0, 0.0, 0.5, 0.5, 0.5, 0.5), over=(0.6, 1.0, 2.0, 4.0, 6.0, 8.0))["beyond_the_bound"]
    assert sharp.finding.sentence == "No step size of the grid is as small as 0.5 times the bound."


def test_a_size_at_which_large_steps_fit_makes_it_partly() -> None:
    assert words({5: END, 8: (0.0,) * 6})[1] == "partly"


@pytest.mark.parametrize(
    ("checks", "violations", "word"), [(3, 0, "holds"), (3, 1, "false_as_stated"), (0, 0, "premise_not_met")]
)
def test_the_certificate(checks: int, violations: int, word: str) -> None:
    found = judged(interpolation_checks=checks, interpolation_violations=violations)
    assert found["certificate"].word(CLAIM.kind) == word


def test_labels_are_the_noise_and_the_bound_is_that_of_the_theory() -> None:
    spec = CLAIM.grid({**CLAIM.quick, "width": 40, "steps": 50, "arms": ("small_init",)})[-1]
    problem = problem_of(spec)
    tent = problems.curve("tent", n=spec.n, noise=1.0, seed=spec.seed, half_width=3.0)
    assert problem.labels == pytest.approx(tent.labels - tent.truth(tent.inputs))  # type: ignore[misc]
    row = CLAIM.collect(CLAIM.quick, [spec], [work(spec, lambda _: None)])
    found, bound = compared(row.table), theory.interpolation_bound(problem.inputs, problem.labels)
    assert found["over_bound"] == pytest.approx(spec.step_size / bound.step_size)
    assert found["training_error_truth"] == pytest.approx(np.mean(problem.labels**2))
