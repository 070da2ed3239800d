"""The rules of `residual-and-batch-norm` on rows that come out each way, one run, and life without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import refused
from stepscape.curvature import largest_eigenpair
from stepscape.errors import InputError
from stepscape.experiments.deep.architecture_runs import GRID, begin, grid, work
from stepscape.experiments.deep.normalization import predict, with_lengths_of
from stepscape.experiments.deep.residual_and_batch_norm import CLAIM, EQUAL_TIME, HELD_OUT, counts, decades
from stepscape.experiments.deep.slopes import total_variation
from stepscape.experiments.frame import Result, Run

SIMPLER = {"tv": 50.0, "risk": 0.4}  # at the large step size, where the small one has 100 and 0.5


def result(
    seeds: int = 6, architectures: tuple[str, ...] = ("mlp", "residual", "batch-norm"), **more: Any
) -> Result:
    """Runs of which larger steps are simpler and better; `more` changes a column, `NAME:column` of one."""
    runs = []
    for name in architectures:
        for seed in range(seeds):
            for eta in (0.1, 0.3):
                row = _row(name, seed, eta)
                for key, value in more.items():
                    who, _, column = key.rpartition(":")
                    hit = {"": True, name: True, "large": eta > 0.2, "first": seed == 0}.get(who, False)
                    if hit or (who == f"first of {name}" and seed == 0):
                        row[column] = value
                runs.append(Run(row))
    return Result("residual-and-batch-norm", {**CLAIM.quick, "architectures": architectures}, tuple(runs))


def _row(name: str, seed: int, eta: float) -> dict[str, Any]:
    wiggle = 1.0 + 1e-3 * (seed % 3)
    known = {"tv": 100.0, "risk": 0.5} if eta < 0.2 else SIMPLER
    row: dict[str, Any] = {
        "architecture": name, "normalized": name.startswith("batch-norm"), "seed": seed, "step_size": eta,
        "outcome": "finished", "edge_ratio": wiggle, "growth_equal_time": 0.3 * wiggle,
    }  # fmt: skip
    for moment in ("", EQUAL_TIME, HELD_OUT):
        scale = wiggle if eta < 0.2 else 1.0
        row |= {f"{key}{moment}": value * scale for key, value in known.items()}
        row |= {f"edge_reached{moment}": True, f"explained{moment}": 0.8}
    return row


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("simpler", {}, "yes"),
        ("simpler", {"tv_equal_time": 70.0}, "no"),
        ("simpler", {"large:tv_equal_time": 200.0}, "no"),
        ("simpler", {"tv": 70.0}, "yes"),  # the end is another part
        ("simpler", {"residual:tv_equal_time": 70.0}, "it_depends"),
        ("simpler", {"residual:edge_reached_equal_time": False}, "it_depends"),  # a row is lost
        ("simpler", {"edge_reached_equal_time": False}, "premise_not_met"),
        ("simpler", {"explained_equal_time": 0.05}, "premise_not_met"),
        ("simpler", {"large:outcome": "diverged"}, "premise_not_met"),
        ("simpler", {"first:outcome": "diverged"}, "it_depends"),
        ("simpler", {"seeds": 2}, "undecided"),
        ("simpler_at_the_end", {}, "yes"),
        ("simpler_at_the_end", {"tv": 70.0}, "no"),
        ("simpler_at_the_end", {"edge_reached": False}, "premise_not_met"),
        ("better", {}, "yes"),
        ("better", {"risk_held_out": 0.45}, "it_depends"),
        ("better", {"risk_equal_time": 0.45}, "it_depends"),
        ("better", {"risk_equal_time": 0.45, "risk_held_out": 0.45}, "no"),
        ("better", {"edge_reached_held_out": False}, "yes"),  # stopped before the edge, which came later
        ("better", {"edge_reached": False}, "yes"),  # equal time alone
        ("changed", {}, "no"),
        ("changed", {"residual:tv_equal_time": 70.0}, "it_depends"),
        ("changed", {"mlp:tv_equal_time": 70.0}, "yes"),
        ("changed", {"first of residual:edge_reached_equal_time": False}, "no"),
        ("changed", {"mlp:edge_reached_equal_time": False}, "premise_not_met"),
        ("changed", {"architectures": ("residual", "batch-norm")}, "premise_not_met"),
        ("at_edge", {}, "yes"),
        ("at_edge", {"edge_ratio": 0.7}, "no"),
        ("at_edge", {"large:edge_ratio": 1.2}, "it_depends"),
        ("at_edge", {"batch-norm:edge_ratio": 1.2}, "it_depends"),
        ("at_edge", {"edge_reached": False}, "premise_not_met"),
        ("at_edge", {"large:edge_reached": False}, "it_depends"),
        ("hidden", {}, "yes"),
        ("hidden", {"growth_equal_time": 0.01}, "no"),  # less than counts
        ("hidden", {"large:growth_equal_time": -0.2}, "no"),
        ("hidden", {"architectures": ("mlp",)}, "premise_not_met"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert CLAIM.judge(result(**change))[part].word(CLAIM.kind) == expected


def test_the_effect_is_in_decades() -> None:
    """From 100 to 50, and 1/1000 of wiggle: log10 2."""
    effect = CLAIM.judge(result())["simpler"].finding.effect
    assert effect is not None
    assert effect.interval.mean == pytest.approx(np.log10(2.0) + np.log10(1.001 * 1.002) / 3.0, rel=1e-12)


def test_a_seed_is_lost_if_one_of_its_runs_is() -> None:
    rows = result(architectures=("mlp",), **{"first:outcome": "diverged"}).table
    assert np.isnan(decades(rows, "tv", EQUAL_TIME)).tolist() == [True] + 5 * [False]
    said = CLAIM.judge(result(**{"first:outcome": "diverged"}))["simpler"].rows["mlp"].sentence
    assert said.endswith("5 of 6 seeds count.")


@pytest.mark.parametrize(("share", "counted"), [(0.1, True), (0.0999, False)])
def test_a_run_counts_from_a_tenth_of_the_variance_on(share: float, counted: bool) -> None:
    rows = result(architectures=("mlp",), seeds=1, explained_equal_time=share).table
    assert counts(rows, EQUAL_TIME).tolist() == [counted] * 2


def test_what_the_architecture_changes_is_measured_against_the_same_biases() -> None:
    """The plain networks differ by log10 2; batch norm without biases is as plain without them."""
    names = ("mlp", "mlp-no-bias", "batch-norm-no-bias")
    lost = {f"{name}:tv_equal_time": 70.0 for name in names[1:]}
    found = CLAIM.judge(result(architectures=names, **lost))["changed"].finding
    sizes = {name.partition(":")[0]: text for name, text in found.numbers.items()}
    assert sizes.keys() == {"plain, no bias against plain", "batch norm, no bias against plain, no bias"}
    assert sizes["plain, no bias against plain"].startswith("−0.30")
    assert sizes["batch norm, no bias against plain, no bias"].startswith("0 ")


SETTINGS = {
    **CLAIM.quick, "architectures": ("batch-norm",), "n": 8, "width": 4, "steps": 60, "warmup_steps": 20,
    "records": 5, "seeds": 1,
}  # fmt: skip


@pytest.mark.parametrize("eta", [0.2, 0.4])
def test_a_run_measures_what_steps_by_hand_give(eta: float) -> None:
    (run,) = [each for each in grid(SETTINGS) if each.step_size == eta]
    made = work(run, lambda _: None)
    problem, loss, _ = begin(run)
    start = theta = loss.parameters
    first = min(eta, 1.0 / largest_eigenpair(loss.hessian(theta), tolerance=1e-4).value)
    time, middles = 0.0, {}
    for step in range(60):
        size = first * (eta / first) ** min(1.0, step / 20)
        before, theta = theta, theta - size * loss.gradient(theta)
        was, time = time, time + size
        middles[step + 1] = 0.5 * (before + theta)
        if was < run.time <= time * (1.0 + 1e-9):
            moment = step + 1
    assert run.time == pytest.approx(0.2 * 40)
    x = np.linspace(-1.0, 1.0, GRID)
    f = predict(loss, middles[moment], problem.points, x[:, None])
    numbers = made.numbers
    fit = made.arrays["fit"]
    np.testing.assert_allclose(fit, f, rtol=0, atol=1e-9)  # rounding of η grows in 60 steps at the edge
    assert numbers["tv_equal_time"] == total_variation(x, fit)
    assert numbers["risk_equal_time"] == pytest.approx(np.sqrt(np.mean((f - (2 * x**2 - 1)) ** 2)), rel=1e-9)
    assert numbers["loss"] == pytest.approx(loss.loss(middles[60]), rel=1e-8)
    share = 1.0 - 2.0 * loss.loss(middles[60]) / np.var(problem.labels)
    assert numbers["explained"] == pytest.approx(share, rel=1e-8)
    dense = [_largest(loss, each) for each in (start, middles[moment], middles[60])]
    assert numbers["start_ratio"] == pytest.approx(0.5 * eta * dense[0], rel=1e-4)
    assert made.arrays["edge"][-1] == pytest.approx(0.5 * eta * dense[2], rel=1e-3)
    longer = _largest(loss, with_lengths_of(loss, middles[moment], start))
    assert numbers["growth_equal_time"] == pytest.approx(np.log10(longer / dense[1]), abs=1e-3)
    ratios, steps = made.arrays["edge"], sorted({0, 12, 24, 36, 48, 60, moment})
    late = [ratio for ratio, step in zip(ratios, steps, strict=True) if step >= 30]
    assert numbers["edge_ratio"] == np.median(late)
    rng = np.random.default_rng((run.seed, run.n, 1))
    held = rng.uniform(-1.0, 1.0, run.n)[:, None]
    labels = 2.0 * held[:, 0] ** 2 - 1.0 + run.noise * rng.standard_normal(run.n)
    errors = {
        step: np.mean((predict(loss, middles[step], problem.points, held) - labels) ** 2)
        for step in steps[1:]
    }
    f = predict(loss, middles[min(errors, key=errors.__getitem__)], problem.points, x[:, None])
    risk = np.sqrt(np.mean((f - (2 * x**2 - 1)) ** 2))
    assert numbers["risk_held_out"] == pytest.approx(risk, rel=1e-9)


@pytest.mark.parametrize("ratio", [0.95, 0.949])
@pytest.mark.parametrize("at", [0, 6, 12, 36, 40, 42, 60])
def test_the_edge_is_reached_between_a_fifth_of_the_steps_and_the_moment(
    at: int, ratio: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 60 steps: at one record the edge ratio is `ratio`, at all others less."""
    run = grid({**SETTINGS, "records": 10, "step_sizes": (0.2, 0.3)})[1]
    moment = 40  # at which 0.3 has the time that 0.2 has after 60 steps without its warm-up
    steps = np.array(sorted({0, *range(6, 61, 6), moment}))

    def ratios(_: Any, middles: list[np.ndarray], *_more: Any) -> np.ndarray:
        assert len(middles) == len(steps)
        return np.where(steps == at, ratio, 0.9)

    monkeypatch.setattr("stepscape.experiments.deep.architecture_runs._edge_ratios", ratios)
    numbers = work(run, lambda _: None).numbers
    assert numbers["edge_reached"] is (ratio == 0.95 and at >= 12)
    assert numbers["edge_reached_equal_time"] is (ratio == 0.95 and 12 <= at <= moment)


def _largest(loss: Any, theta: np.ndarray) -> float:
    hessian = loss.hessian(theta)
    return float(np.linalg.eigvalsh(np.array([hessian.product(unit) for unit in np.eye(theta.size)]))[-1])


def test_total_variation_is_that_of_the_slopes() -> None:
    """∫|f''| = 2 (b − a) for x² on [a, b], less a step of the grid; none for a line; 2 for a kink of |x|."""
    x = np.linspace(-1.0, 1.0, 201)
    assert total_variation(x, x**2) == pytest.approx(4.0 - 2 * 0.01, rel=1e-10)
    assert total_variation(x, 3.0 * x - 1.0) == pytest.approx(0.0, abs=1e-10)
    assert total_variation(x, np.abs(x)) == pytest.approx(2.0, rel=1e-10)


def test_a_run_that_diverges_is_an_outcome() -> None:
    run = grid({**SETTINGS, "architectures": ("mlp",), "step_sizes": (50.0, 60.0), "warmup_steps": 0})[0]
    made = work(run, lambda _: None)
    assert made.outcome == "diverged"
    assert set(made.numbers) == {"start_ratio"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"step_sizes": (0.2, 0.2)}, r"step_sizes must be two or more different positive numbers, got"),
        ({"step_sizes": (0.0, 0.2)}, r"step_sizes must be two or more different positive numbers, got"),
        ({"warmup_steps": 60}, r"warmup_steps must be below the 60 steps, got 60"),
        ({"noise": -0.5}, r"noise must be 0 or larger, got -0.5"),
        ({"architectures": ("mlpp",)}, r"unknown architecture 'mlpp'; did you mean 'mlp'"),
        ({"layers": 1}, r"layers must be at least 2, got 1"),
    ],
)
def test_what_cannot_be_run_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        CLAIM.specs({**SETTINGS, **change})


def test_without_torch_it_is_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    for command in (["run"], ["verify"]):
        said = refused(capsys, [*command, CLAIM.name])
        assert f"{CLAIM.name} needs torch; pip install 'stepscape[torch]'" in said


def test_without_torch_it_can_be_read_about() -> None:
    """Its grid and what it claims; `stepscape list` marks it."""
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from stepscape.cli import main\n"
        "from stepscape import experiments\n"
        "claim = experiments.get('residual-and-batch-norm')\n"
        "assert len(claim.grid(claim.full)) == 240\n"
        "main(['list', claim.name])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "(needs torch)" in done.stdout.partition("\n")[0]
