"""The rules of generalization-gap on rows that come out each way, and what its runs measure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.experiments.certificates.agnostic_runs import (
    LAWS,
    MIDDLE,
    AgnosticRun,
    ClassRun,
    begin,
    gap,
    grid,
    sample,
    work,
)
from stepscape.experiments.certificates.generalization_gap import CLAIM
from stepscape.experiments.frame import Result, Run
from stepscape.problems import Problem
from stepscape.theory import FlatClass

Row = dict[str, Any]
SIZES = (50, 200, 800)


def rows(upper: Callable[[float], float], own: Callable[[float], float], seeds: int = 6) -> list[Row]:
    rng, found = np.random.default_rng(0), []
    for law in ("parity", "branches"):
        for n in SIZES:
            for seed in range(seeds):
                top = upper(n) * np.exp(0.03 * rng.standard_normal())
                base = {"law": law, "n": n, "seed": seed, "outcome": "finished"}
                found.append({**base, "kind": "generalization-gap/1", "upper": 3 * top, "attained": top})
                for eta in (0.1, 0.4):
                    small = own(n) * np.exp(0.03 * rng.standard_normal())
                    found.append({
                        **base, "kind": "generalization-gap-descent/1", "step_size": eta, "gap": small,
                        "linear": small, "linear_bound": 2 * small, "rounding": 1e-12, "bent_neurons": 5,
                    })  # fmt: skip
    return found


def words(
    upper: Callable[[float], float] = lambda n: n**-0.5,
    own: Callable[[float], float] = lambda n: 0.5 / n,
    change: Callable[[Row], Row] = dict,
    seeds: int = 6,
) -> dict[str, str]:
    made = [Run(change(row)) for row in rows(upper, own, seeds)]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(made)))
    return {part: each.word(CLAIM.kind) for part, each in judged.items()}


def test_as_built() -> None:
    assert words() == {
        "supremum": "consistent",
        "faster": "yes",
        "descent": "consistent",
        "share": "no",
        "bounded": "holds",
    }


def test_other_words() -> None:
    slow = words(lambda n: n**-0.05, lambda n: 0.5 * n**-0.1)
    assert (slow["supremum"], slow["faster"], slow["descent"]) == ("contradicted", "no", "contradicted")
    exact = words(lambda n: n**-0.4)
    assert (exact["supremum"], exact["faster"]) == ("consistent", "no")
    # A logarithm contradicts nothing: at n = 50 it may flatten the slope by 1/ln 50 = 0.26.
    assert words(lambda n: n**-0.2)["supremum"] == "consistent"
    assert words(own=lambda n: 0.9 * n**-0.5)["share"] == "yes"
    few = words(seeds=2)
    assert {few[part] for part in ("supremum", "faster", "descent", "share")} == {"undecided"}
    over = words(change=lambda row: {**row, "linear_bound": 0.0} if "gap" in row else row)
    assert over["bounded"] == "false_as_stated"
    silent = words(change=lambda row: {**row, "linear_bound": None} if "gap" in row else row)
    assert silent["bounded"] == "premise_not_met"


def test_an_upper_bound_that_does_not_fall_contradicts_nothing() -> None:
    def loose(row: Row) -> Row:
        return {**row, "upper": 3.0} if "upper" in row else row

    found = words(change=loose)
    assert (found["supremum"], found["faster"]) == ("undecided", "undecided")


def test_one_noisy_step_size_does_not_contradict_the_gap_of_descent() -> None:
    def noisy(row: Row) -> Row:
        wild = row.get("step_size") == 0.4 and row["n"] == 800
        return {**row, "gap": 0.02 if row["seed"] % 2 else -0.02} if wild else row

    found = words(own=lambda n: 0.001 / n, change=noisy)
    assert found["descent"] == "undecided"


def test_gaps_of_dead_networks_do_not_count() -> None:
    dead = words(change=lambda row: {**row, "bent_neurons": 0} if "gap" in row else row)
    assert (dead["descent"], dead["share"]) == ("premise_not_met", "undecided")


def test_a_lost_size_is_not_replaced_by_the_next() -> None:
    made = [
        row for row in rows(lambda n: n**-0.5, lambda n: 0.9 * n**-0.5) if row["n"] < 800 or "upper" in row
    ]
    judged = CLAIM.judge(Result(CLAIM.name, CLAIM.quick, tuple(map(Run, made))))
    assert judged["share"].word(CLAIM.kind) == "premise_not_met"


def test_the_gap_is_that_of_fresh_pairs() -> None:
    """Simulated with a million fresh pairs, less the gap of the zero function."""
    rng = np.random.default_rng(3)
    for law in LAWS:
        run = AgnosticRun(law, 60, 5, 1.0, 0.1, 10, 0)
        problem = sample(run)

        def h(x: Any) -> Any:
            return 0.3 + np.abs(x - 0.1) - x

        x = rng.uniform(*MIDDLE, 1_000_000)
        y = LAWS[law](x, rng)
        inside = np.abs(problem.inputs) <= 0.5
        errors = [
            np.mean((f(x) - y) ** 2) - np.mean((f(problem.inputs) - problem.labels)[inside] ** 2)
            for f in (h, np.zeros_like)
        ]
        assert gap(problem, h) == pytest.approx(errors[0] - errors[1], abs=5e-3)


def test_labels_have_the_mean_0_and_the_sizes_of_their_laws() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 100_000)
    for law, size in (("parity", np.ones_like(x)), ("branches", 1 - np.abs(x) / 2)):
        y = LAWS[law](x, rng)
        np.testing.assert_allclose(np.abs(y), size, rtol=0, atol=1e-15)
        assert abs(np.mean(y * np.cos(3 * x))) < 0.01
    assert (LAWS["parity"](x, rng) == LAWS["parity"](x, np.random.default_rng(9))).all()


def test_the_suprema_bracket_each_other_and_every_network_keeps_to_its_class() -> None:
    settings = {**CLAIM.quick, "n_largest": 100, "seeds": 2, "steps": 200, "laws": ("branches",)}
    for spec in grid(settings):
        numbers = work(spec, lambda _: None).numbers
        if isinstance(spec, ClassRun):
            assert numbers["attained"] <= numbers["upper"]
            assert 0.0 <= numbers["solver_gap"] < 1e-6
            assert numbers["upper"] == pytest.approx(numbers["linear"] + 4.0 * numbers["signs"])
            flat = begin(spec)
            assert isinstance(flat, FlatClass)
            assert numbers["n_middle"] == int((np.abs(sample(spec).inputs) <= 0.5).sum())
        else:
            assert numbers["linear"] <= numbers["linear_bound"] + 1e-9


def test_random_signs_of_a_class_without_a_budget() -> None:
    """Then E sup (1/n) Σ s_i h_i is the height: h follows every sign."""
    run = ClassRun("parity", 40, 1e9, 4, 0)
    numbers = work(run, lambda _: None).numbers
    assert numbers["signs"] == pytest.approx(1.0)
    assert numbers["linear"] == pytest.approx(2.0)
    assert isinstance(sample(run), Problem)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"laws": "cauchy"}, "unknown law 'cauchy'"),
        ({"variation": "0"}, "variation must be finite and positive, got 0"),
        ({"n_smallest": "7"}, "n_smallest must be at least 8, got 7"),
    ],
)
def test_refused_before_the_first_run(overrides: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs(CLAIM.settings(overrides))
