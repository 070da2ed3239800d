"""The rule of interpolation-is-sharp on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.frame import Finding, Result, Run, run
from stepscape.experiments.interpolation.interpolation_is_sharp import CLAIM, exponents
from stepscape.experiments.interpolation.runs import InterpolationRun, LimitRun

Row = dict[str, Any]
Change = Callable[[Row], Row]
TINY = {
    **CLAIM.quick, "sizes": (5, 8, 20), "limit_sizes": (8, 40, 200),
    "noises": (0.5, 2.0), "n": 8, "seeds": 4, "steps": 700, "records": 15,
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> Result:
    return run(CLAIM, TINY, workers=1)


def result(
    change: Change = dict, seeds: int = 5, case: str = "line jittered", limit: Change = dict
) -> Result:
    """λ − 1 ∝ σ n²: bound 1, least 1.5, flattest 1.51, spline 2, with a little noise that seeds share."""
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for seed in range(seeds):
        for n in (8, 16, 32):
            level = np.exp(0.02 * rng.standard_normal())
            rows += [
                row(seed, n, noise, level, name)
                for noise in ((1.0, 0.5, 2.0) if n == 16 else (1.0,))
                for name in ("flattest", "spline", "dots")
            ]
    truth, design = case.split()
    limits: list[Row] = [
        {
            "kind": "interpolation-limit/1", "n": n, "seed": seed, "outcome": "finished", "noise": 1.0,
            "bound": 1 + 0.07 * n**2, "over_limit": 1.0 - 2.0 / n + 0.01 * rng.standard_normal(),
            "interpolator": "",
        }
        for seed in range(seeds)
        for n in (30, 300, 3000)
    ]  # fmt: skip
    rows = [*map(change, rows), *map(limit, limits)]
    runs = tuple(Run({**each, "truth": truth, "design": design}) for each in rows)
    return Result(CLAIM.name, {"cases": (case,), "n": 16, "noise": 1.0}, runs)


def row(seed: int, n: int, noise: float, level: float, name: str) -> Row:
    size = noise * n**2 * level
    built = {"flattest": 1.51, "spline": 2.0, "dots": 2.0}[name] * size
    found = {
        "kind": "interpolation-is-sharp/1",
        "n": n, "noise": noise, "seed": seed, "interpolator": name, "detuning": 0.01, "outcome": "finished",
        "distinct": True, "interpolation_error": 1e-14, "knots_on_data": 5 if name == "dots" else 0,
        "hat_bound": 1 + 0.4 * size, "bound": 1 + size, "rounding": 1e-12,
        "sharpness": 1 + built, "sharpness_residual": 1e-12, "residual_norm": 1e-14,
        "one_sided_sharpness": 1.1 * (1 + built), "step_size_bound": 2 / (1 + size),
        "step_size": 2 / (1 + built), "factor_below": 0.99, "factor_above": 1.01, "distance_below": 1e-5,
        "distance_above": 1e5, "loss_below": 1e-20, "loss_above": 1e-3, "edge_ratio_below": 0.995,
        "edge_ratio_above": 0.999,
    }  # fmt: skip
    return {**found, "least": 1 + 1.5 * size} if name == "flattest" else found


def finding(part: str, change: Change = dict, **options: Any) -> Finding:
    return CLAIM.judge(result(change, **options))[part].finding


def word(part: str, change: Change = dict, **options: Any) -> str:
    return CLAIM.judge(result(change, **options))[part].word(CLAIM.kind)


def bent(each: Row, n_power: float = 0.0, noise_power: float = 0.0) -> Row:
    """Bend the growth of the data-only bound."""
    factor = each["n"] ** n_power * each["noise"] ** noise_power
    return {**each, "bound": 1 + (each["bound"] - 1) * factor, "hat_bound": 1.0}


def test_as_claimed() -> None:
    judged = CLAIM.judge(result())
    assert {part: each.word(CLAIM.kind) for part, each in judged.items()} == {
        "scaling": "consistent",
        "noise": "holds",
        "bound": "holds",
        "stability": "holds",
        "kinks": "reproduced",
        "tightness": "yes",
    }
    assert judged["bound"].finding.numbers["smallest λ/bound"] == pytest.approx(1.5, abs=0.01)
    assert judged["bound"].finding.numbers["bound ≤ λ: checks"] == 50
    assert judged["tightness"].finding.numbers["(least − 1)/(bound − 1), median"] == pytest.approx(1.5)
    assert judged["kinks"].finding.numbers["λ with knots counted as active over λ, median"] == pytest.approx(
        1.1
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda each: {**each, "hat_bound": each["bound"] + 1e-9},
        lambda each: {**each, "bound": each["sharpness"] + 1e-9} if each["n"] == 32 else each,
        lambda each: (
            {**each, "sharpness": 0.7 * each["sharpness"]} if each["interpolator"] == "spline" else each
        ),
    ],
    ids=["hat", "bound", "least"],
)
def test_one_violated_inequality_is_enough(change: Change) -> None:
    assert word("bound", change) == "false_as_stated"


def test_errors_of_the_numbers_are_no_violation() -> None:
    assert word("bound", lambda each: {**each, "bound": each["sharpness"] + 1.5e-12}) == "holds"
    assert word("bound", lambda each: {**each, "bound": each["sharpness"] + 2.5e-12}) == "false_as_stated"


def test_a_certificate_counts_for_every_interpolator_of_its_data_set_only() -> None:
    def flatter(each: Row) -> Row:
        """Let the flattest of seed 0 be flatter than certified; its spline is not."""
        if each["seed"] or each["interpolator"] != "flattest":
            return each
        return {**each, "least": each["sharpness"] * (1.0 + 1e-6)}

    found = finding("bound", flatter)
    assert found.numbers["certified least ≤ λ: violations"] == 5
    assert found.numbers["certified least ≤ λ: checks"] == 50
    assert word("bound", lambda each: {key: each[key] for key in each if key != "least"}) == "holds"


@pytest.mark.parametrize(
    "broken",
    [{"distinct": False}, {"interpolation_error": 1e-6}, {"knots_on_data": 3}, {"outcome": "failed"}],
)
def test_rows_that_miss_a_premise_do_not_count(broken: Row) -> None:
    for part in ("noise", "bound", "stability", "tightness"):
        found = word(part, lambda each: {**each, "bound": 2.0 * each["sharpness"], **broken})
        assert found == "premise_not_met", part


def at_limit(row: Row, ratio: float, n: int = 3000) -> Row:
    """Move the bound at one of the limit sizes."""
    return {**row, "over_limit": row["over_limit"] * ratio} if row["n"] == n else row


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(1.02, "consistent"), (0.955, "undecided"), (1.2, "consistent"), (0.8, "contradicted")],
)
def test_scaling_has_one_side(ratio: float, expected: str) -> None:
    """The claim is that λ_max is of the order n²σ or more: a bound above the limit agrees with it."""
    assert word("scaling", limit=lambda each: at_limit(each, ratio)) == expected


def test_scaling_is_of_the_largest_size() -> None:
    found = finding("scaling", limit=lambda each: at_limit(each, 0.1, 300))
    assert found.answer == "yes"
    assert str(found.numbers["n = 300: ratio to the limit"]).startswith("0.09")
    assert str(found.numbers["slope of the spline on log n"]).startswith(("1.9", "2.0"))
    assert "its ratio to the limit at n = 3000" in found.sentence


def test_scaling_needs_seeds_and_runs() -> None:
    assert word("scaling", seeds=2) == "undecided"
    assert word("scaling", limit=lambda each: {**each, "outcome": "failed"}) == "premise_not_met"


def test_noise_is_an_identity_where_the_truth_is_a_line() -> None:
    assert word("noise", lambda each: bent(each, 0.0, 1e-4)) == "false_as_stated"
    assert word("noise", lambda each: bent(each, 0.0, -1e-4)) == "false_as_stated"
    assert word("noise", lambda each: bent(each, 0.0, 1e-8)) == "holds"
    assert word("noise", case="tent jittered") == "premise_not_met"


NEITHER = {"distance_below": 0.011, "distance_above": 99.0}


@pytest.mark.parametrize("side", NEITHER)
def test_stability_needs_both_sides(side: str) -> None:
    stays = {side: NEITHER[side]}
    assert word("stability", lambda each: {**each, **stays}) == "false_as_stated"
    assert word("stability", lambda each: {**each, **NEITHER}) == "false_as_stated"
    just = {"distance_below": 0.0099, "distance_above": 101.0}
    assert word("stability", lambda each: {**each, **just}) == "holds"


@pytest.mark.parametrize("side", NEITHER)
def test_one_interpolator_that_breaks_an_identity_makes_it_false(side: str) -> None:
    """One of 400 runs: no share of the others outweighs it."""

    def change(each: Row) -> Row:
        alone = (each["seed"], each["n"], each["interpolator"]) == (7, 8, "spline")
        return {**each, side: NEITHER[side]} if alone else each

    assert word("stability", change, seeds=40) == "false_as_stated"
    assert word("stability", seeds=40) == "holds"


def test_nearly_all_is_95_percent_where_there_are_kinks() -> None:
    """With many seeds, of which a few do not come back: the share of runs decides."""

    def change(each: Row, lost: int) -> Row:
        return {**each, "distance_below": 1.0} if each["seed"] < lost else each

    assert word("kinks", lambda each: change(each, 2), seeds=40) == "reproduced"
    assert word("kinks", lambda each: change(each, 3), seeds=40) == "partly"


def test_stability_counts_seeds_and_not_runs() -> None:
    """Runs of a seed share their data: three seeds that all agree settle nothing, however many runs."""
    assert word("stability", seeds=3) == "undecided"
    assert word("stability", seeds=4) == "holds"


@pytest.mark.parametrize("part", ["stability", "kinks"])
def test_a_start_that_diverged_has_left_and_spoils_no_number(part: str) -> None:
    far = dict.fromkeys(["factor_above", "distance_above", "loss_above", "edge_ratio_above"])
    found = finding(part, lambda each: {**each, **far} if each["seed"] == 0 else each)
    assert found.answer == "yes"
    assert not any(number != number for number in found.numbers.values())
    assert "nan" not in found.sentence
    assert found.numbers["above 2/λ: final loss, median"] == 1e-3
    assert found.numbers["above 2/λ: largest difference from the prediction"] == pytest.approx(0.0, abs=1e-12)


def test_a_start_that_diverged_has_not_come_back() -> None:
    assert word("stability", lambda each: {**each, "distance_below": None}) == "false_as_stated"


def test_kinks() -> None:
    assert word("kinks", lambda each: {**each, "distance_below": 0.2}) == "partly"
    assert word("kinks", lambda each: {**each, "distance_below": 0.2, "distance_above": 1.0}) == (
        "not_reproduced"
    )
    assert word("kinks", lambda each: {**each, "interpolation_error": 1.0}) == "premise_not_met"
    assert word("kinks", lambda each: {**each, "knots_on_data": 0}) == "premise_not_met"


def test_tightness() -> None:
    def loose(each: Row) -> Row:
        return {**each, "bound": 1 + (each["bound"] - 1) / 3}

    def loosening(each: Row) -> Row:
        return {**each, "bound": 1 + (each["bound"] - 1) * (each["n"] / 8) ** -0.1}

    assert word("tightness", loose) == "it_depends"
    assert word("tightness", loosening) == "it_depends"
    assert word("tightness", lambda each: loose(loosening(each))) == "no"
    assert word("tightness", seeds=2) == "undecided"


def test_a_ratio_that_may_grow_is_not_said_to_stay() -> None:
    def unsteady(each: Row) -> Row:
        """Let the ratio grow with n in some seeds and fall in others."""
        return {**each, "bound": 1 + (each["bound"] - 1) * (each["n"] / 16) ** (0.06 * (-1) ** each["seed"])}

    found = finding("tightness", unsteady, seeds=6)
    assert "it is not settled whether the ratio stays bounded" in found.sentence


def test_nearly_all_data_sets_must_be_near_the_bound() -> None:
    def loose(each: Row, lost: int) -> Row:
        return {**each, "bound": 1 + (each["bound"] - 1) / 3} if each["seed"] < lost else each

    assert word("tightness", lambda each: loose(each, 2), seeds=40) == "yes"
    assert word("tightness", lambda each: loose(each, 3), seeds=40) == "it_depends"


def test_a_certificate_is_needed() -> None:
    assert word("tightness", lambda each: {**each, "least": None}) == "premise_not_met"


def test_every_run_has_its_row(tiny: Result) -> None:
    table = tiny.of(InterpolationRun).table
    assert len(tiny.of(LimitRun).runs) == 3 * 4  # sizes × seeds
    assert len(table) == 5 * 4 * 3  # (3 sizes + 2 noises) × seeds × interpolators
    assert (table["distinct"] == 1).all()
    assert (table["interpolation_rounding"] <= 1e4).all()
    assert ((table["knots_on_data"] > 0) == (table["interpolator"] == "dots")).all()
    assert table["knots_on_data"].max() == 18  # all but the first and last of 20
    assert (np.isfinite(table["least"]) == (table["interpolator"] == "flattest")).all()
    off = table["interpolator"] != "dots"
    assert (table["knot_distance"][off] > 0.009).all()
    drawn = tiny.drawn("curve", "steps_below", "steps_above", "distance_below", "distance_above")
    assert {(one["n"], one["noise"], one["seed"]) for one in drawn} == {(8, 1.0, 200)}
    assert len(drawn) == 3


def test_the_worse_of_the_two_sides_is_in_the_row(tiny: Result) -> None:
    for one in tiny.drawn("distance_below", "distance_above"):
        below, above = (one.arrays[f"distance_{side}"].reshape(-1, 2).T for side in ("below", "above"))
        assert one["distance_below"] == max(row[-1] / row[0] for row in below)
        assert one["distance_above"] == min(row[-1] / row[0] for row in above)


def test_what_comes_out_of_a_tiny_run(tiny: Result) -> None:
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(tiny).items()}
    assert (words["bound"], words["noise"]) == ("holds", "holds")
    assert (words["stability"], words["kinks"]) == ("holds", "partly")
    assert exponents(tiny, "bound", "noise") == pytest.approx([1.0] * 4, abs=1e-9)


def test_one_interpolator_alone() -> None:
    settings = {**TINY, "interpolators": ("dots",), "sizes": (5,), "noises": (1.0,), "seeds": 1, "steps": 50}
    found = run(CLAIM, settings, workers=1)
    words = {part: each.word(CLAIM.kind) for part, each in CLAIM.judge(found).items()}
    assert words["bound"] == words["tightness"] == "premise_not_met"
    assert set(CLAIM.draw(found)) == {"sharpness", "stability", "curves"}


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"seeds": "0"}, "seeds must be at least 1, got 0"),
        ({"sizes": "3,8"}, "sizes must be at least 4, got 3"),
        ({"limit_sizes": "3"}, "limit_sizes must be at least 4, got 3"),
        ({"steps": "5"}, "steps must be at least 10, got 5"),
        ({"interpolators": "splin"}, "unknown interpolator 'splin'; did you mean 'spline'"),
        ({"detuning": "2"}, "detuning must lie strictly between 0 and 2, got 2.0"),
        ({"cases": "line"}, "cases must be pairs of a truth and a design such as 'line jittered'"),
        ({"cases": "lin jittered"}, "unknown curve 'lin'"),
        ({"cases": "line jitterd"}, "design must be 'jittered', 'uniform' or 'equispaced'"),
        ({"noises": "-1"}, "noise must be finite and not negative, got -1.0"),
        ({"shift": "0.5"}, r"shift must lie in \[0, 0.5\), got 0.5"),
        ({"margin": "0"}, "margin must lie strictly between 0 and 0.5, got 0.0"),
        ({"offset": "0"}, "offset must be finite and positive, got 0.0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
