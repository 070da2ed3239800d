"""The rules of when-certificates-speak on rows that come out each way, and what its runs leave behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.certificates.runs import REGIONS, begin, sizes
from stepscape.experiments.certificates.when_certificates_speak import CLAIM, first_sizes, savings
from stepscape.experiments.frame import Finding, Result, Run, run

Row = dict[str, Any]
Change = Callable[[Row], Row]
SETTINGS = {**CLAIM.quick, "n_smallest": 50, "n_largest": 3200}


def rows(seeds: int = 6) -> list[Row]:
    """Error 0.01, constant 0.2, bound 0.2·(n0/n)^½ with n0 400 in the middle and 800 everywhere, over η."""
    rng, found = np.random.default_rng(0), []
    for loss in ("square", "logistic"):
        for eta in CLAIM.quick[f"{loss}_step_sizes"]:
            for n in sizes(SETTINGS):
                for seed in range(seeds):
                    row: Row = {
                        "loss": loss,
                        "step_size": eta,
                        "n": n,
                        "seed": seed,
                        "outcome": "finished",
                        "bent_neurons": 20,
                    }
                    for i, region in enumerate(REGIONS):
                        first = 400 * 2**i * (0.1 / eta) ** 0.25 * np.exp(0.05 * rng.standard_normal())
                        bound = 0.2 * np.sqrt(first / n)
                        row |= {
                            f"bound_{region}": bound, f"noise_{region}": 0.9 * bound,
                            f"error_{region}": 0.01, f"constant_{region}": 0.2, f"rounding_{region}": 1e-12,
                        }  # fmt: skip
                    found.append(row)
    return found


def result(change: Change = dict, seeds: int = 6) -> Result:
    return Result(CLAIM.name, SETTINGS, tuple(Run(change(row)) for row in rows(seeds)))


def finding(part: str, change: Change = dict, **options: Any) -> Finding:
    return CLAIM.judge(result(change, **options))[part].finding


def word(part: str, change: Change = dict, **options: Any) -> str:
    return CLAIM.judge(result(change, **options))[part].word(CLAIM.kind)


def scaled(factor: float, *names: str, power: float = 0.0, **where: Any) -> Change:
    """Multiply columns by factor·n^power in the rows that are meant."""

    def change(row: Row) -> Row:
        if any(row[key] != value for key, value in where.items()):
            return row
        return {
            key: value * factor * row["n"] ** power if key.startswith(names) else value
            for key, value in row.items()
        }

    return change


def test_as_built() -> None:
    judged = CLAIM.judge(result())
    assert {part: each.word(CLAIM.kind) for part, each in judged.items()} == {
        "speaks": "yes",
        "silent": "yes",
        "region": "yes",
        "step_size": "yes",
        "rate": "consistent",
        "bound": "holds",
    }
    square = judged["speaks"].rows["square"]
    assert square.effect is not None
    assert square.effect.interval.mean == pytest.approx(400 * 2**0.5 * 4**-0.125, rel=0.05)
    assert str(square.numbers["η = 0.1, middle: first n"]).startswith("4")


def test_the_first_size_is_the_crossing_in_log_n() -> None:
    at = [100, 200, 400, 800]
    ratios = np.array([
        [0.3, 0.1, -0.1, -0.2],  # half way from 200 to 400
        [-0.1, 0.1, -0.3, -0.2],  # the last crossing counts
        [-0.1, -0.1, -0.1, -0.2],
        [0.3, 0.1, 0.1, 0.0],
        [0.3, 0.1, -0.1, np.nan],
        [0.3, np.nan, -0.3, -0.2],
    ])  # fmt: skip
    expected = [200 * 2**0.5, 200 * 2**0.25, 100, np.nan, np.nan, 100 * 4**0.5]
    assert 10 ** first_sizes(ratios, at) == pytest.approx(expected, nan_ok=True)


def test_it_must_speak_in_every_cell_and_for_both_losses() -> None:
    assert word("speaks", scaled(10.0, "bound", power=0.5)) == "no"  # the bound falls no more
    assert word("speaks", scaled(10.0, "bound", loss="square")) == "it_depends"
    assert word("speaks", scaled(4.0, "bound_everywhere")) == "it_depends"
    assert word("speaks", seeds=2) == "undecided"
    assert word("speaks", lambda row: {**row, "bound_middle": None}) == "premise_not_met"


def test_dead_networks_are_certified_and_say_nothing() -> None:
    for bent in (0, 2):
        judged = CLAIM.judge(result(lambda row, bent=bent: {**row, "bent_neurons": bent}))
        assert {name: each.word(CLAIM.kind) for name, each in judged.items()} == {
            **dict.fromkeys(("speaks", "silent", "region", "step_size", "rate"), "premise_not_met"),
            "bound": "vacuous",
        }


def test_seeds_are_aligned_where_a_step_size_lacks_some() -> None:
    """A run that failed is a row less; it shifts no other seed against its own at another step size."""
    found = result(seeds=8)
    kept = [
        run
        for run in found.runs
        if not (run["seed"] == 0 and run["step_size"] == 0.4 and run["loss"] == "square")
    ]
    judged = CLAIM.judge(Result(found.claim, found.settings, tuple(kept)))
    assert judged["step_size"].rows["square"].effect.interval.count == 7  # type: ignore[union-attr]
    assert judged["rate"].finding.answer == "yes"


def test_silence_at_the_largest_size_is_no_while_nothing_falls_any_more() -> None:
    """The bound is the constant's at 400·100 examples and more, and falls like n^(−1/2) up to 3200."""
    found = finding("speaks", scaled(10.0, "bound"))
    assert word("speaks", scaled(10.0, "bound")) == "undecided"
    rows = CLAIM.judge(result(scaled(10.0, "bound")))["speaks"].rows
    assert (
        "not up to n = 3200, but the bound over the constant may still fall, by 0.1"
        in rows["square"].sentence
    )
    assert found.answer == "undecided"
    flat = CLAIM.judge(result(scaled(10.0, "bound", power=0.5)))["speaks"].rows["square"].sentence
    assert "the bound over the constant does not fall any more" in flat


def test_few_examples() -> None:
    assert word("silent", scaled(0.1, "bound")) == "no"
    assert word("silent", scaled(0.6, "bound", n=100)) == "it_depends"
    assert word("silent", lambda row: {**row, "n": 8 * row["n"]}) == "premise_not_met"


def test_region_and_step_size_can_come_out_the_other_way() -> None:
    assert word("region", scaled(0.4, "bound_everywhere")) == "no"
    assert word("step_size", scaled(1.6, "bound", step_size=0.4)) == "it_depends"
    assert word("step_size", lambda row: scaled(1.6, "bound")(row) if row["step_size"] > 0.3 else row) == (
        "it_depends"
    )
    assert CLAIM.judge(result(scaled(1.6, "bound", step_size=0.4)))["step_size"].rows["square"].answer == "no"
    one = Result(CLAIM.name, SETTINGS, tuple(each for each in result().runs if each["step_size"] == 0.4))
    assert CLAIM.judge(one)["step_size"].word(CLAIM.kind) == "premise_not_met"


def test_a_side_that_is_silent_or_always_speaks_gives_a_lower_bound() -> None:
    """The middle speaks from 300 on, everywhere not up to 3200: more than a decade is saved."""
    found = CLAIM.judge(result(scaled(10.0, "bound_everywhere")))["region"].rows["square"]
    assert found.answer == "yes"
    assert "it saves this much at least: in 12 comparisons one side is silent" in found.sentence
    mute = CLAIM.judge(result(scaled(10.0, "bound")))["region"].rows["square"]
    assert mute.answer == "undecided"
    assert mute.sentence == "The certificate speaks in too few runs up to n = 3200 to compare them."
    both = CLAIM.judge(result(scaled(0.01, "bound")))["region"].rows["square"]
    assert both.answer == "undecided"


def test_what_is_larger_than_it_seems_is_not_too_small() -> None:
    at = [100, 200, 400]
    saved, hidden = savings(np.array([[0.3, 0.2, 0.1]]), np.array([[0.3, 0.2, -0.001]]), at)
    assert 0.0 < saved[0] < 0.05
    assert hidden.all()
    assert np.isnan(savings(np.array([[-0.1] * 3]), np.array([[-0.2] * 3]), at)[0]).all()


def test_rate() -> None:
    assert word("rate", scaled(1.0, "noise", power=0.4)) == "contradicted"
    assert word("rate", scaled(1.0, "noise", power=0.2)) == "undecided"
    assert word("rate", scaled(1.0, "noise", power=0.05)) == "consistent"
    assert word("rate", scaled(1.0, "noise_everywhere", power=0.5)) == "consistent"
    found = finding("rate")
    assert str(found.numbers["square loss: power of n"]).startswith(("−0.49", "−0.50"))


def test_a_logarithm_contradicts_no_rate_up_to_logarithms() -> None:
    """n^(−2/5) log n has a local slope of −0.4 + 1/log n, which is flatter than −2/5 at every n."""

    def with_log(row: Row) -> Row:
        return {**row, "noise_middle": row["n"] ** -0.4 * np.log(row["n"]) * (1.0 + 0.001 * row["seed"])}

    assert word("rate", with_log) == "undecided"
    assert "a logarithm can slow the fall by" in finding("rate", with_log).sentence


def test_one_violation_is_enough() -> None:
    worse = {"error_middle": 0.2 * 3.0}
    assert word("bound", lambda row: {**row, **worse} if row["n"] == 3200 else row) == "false_as_stated"


def test_what_comes_out_of_tiny_runs() -> None:
    settings = {**CLAIM.quick, "n_largest": 100, "steps": 100, "seeds": 2}
    found = run(CLAIM, settings, workers=1)
    table = found.table
    assert len(table) == 2 * 2 * 3 * 2  # losses, step sizes, sizes, seeds
    for region in REGIONS:
        assert (table[f"error_{region}"] <= table[f"bound_{region}"]).all()
        assert (table[f"attained_{region}"] <= table[f"noise_{region}"] + 1e-9).all()
        gap = table[f"noise_{region}"] - table[f"attained_{region}"]
        assert gap.max() <= 1e-6
    assert CLAIM.judge(found)["bound"].word(CLAIM.kind) == "holds"


def test_sizes_are_halves_of_the_largest() -> None:
    assert sizes({"n_smallest": 50, "n_largest": 400}) == [50, 100, 200, 400]
    assert sizes({"n_smallest": 60, "n_largest": 400}) == [100, 200, 400]
    assert sizes({"n_smallest": 800, "n_largest": 400}) == [400]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"n_smallest": "7"}, "n_smallest must be at least 8, got 7"),
        ({"n_largest": "7"}, "n_largest must be at least 8, got 7"),
        ({"truth": "wav"}, "unknown curve 'wav'"),
        ({"flip_rate": "0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
        ({"noise": "-1"}, "noise must be finite and not negative, got -1.0"),
        ({"square_step_sizes": "0"}, "step_size must be finite and positive, got 0.0"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
    assert begin(CLAIM.specs(CLAIM.settings())[0])[0].size == 25
