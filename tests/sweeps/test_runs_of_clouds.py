"""Runs with inputs in R^d: what is measured, on which examples, and the same bits anywhere."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

import stepscape as ss
from run_cases import RESERVED, bits, silent
from stepscape.lab.pool import run_all
from stepscape.lab.spec import columns, stream
from stepscape.sweeps.material import FRESH
from stepscape.sweeps.runs import Ball, Measure, Method, Network, Run, build, work
from stepscape.tables.records import Record
from sweep_clouds import LAWS, SHARED, STEPS, run_on

OF_A_LINE = {"pieces", "knots", "jumps", "tv", "weighted_tv"}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [work(run_on(part), silent) for part in LAWS]


def trained(run: Run) -> ss.Trajectory:
    problem, network, method = build(run)
    return ss.train(problem, network, method, record_every=10)


def test_columns_are_finite_and_none_is_of_a_line(records: list[Record]) -> None:
    for part, record in zip(LAWS, records, strict=True):
        assert record.outcome == "finished"
        names, line = set(record.numbers), part.dimension == 1
        assert not names & (set(columns(run_on(part))) | RESERVED)
        lines = {name for name in names if name in OF_A_LINE or "_interior" in name or "_grid" in name}
        assert bool(lines) == line
        unknown = {name for name, value in record.numbers.items() if value is None}
        assert all(name.startswith("slack_") for name in unknown), unknown
        assert {"dead_share", "path_rate", "trace", "decay_time", "bent_neurons"} <= names
        assert ("risk" in names) == ("risk_population" in names) == (part.loss == "square")
        assert ("excess_risk" in names) == ("excess_risk_population" in names) == (part.loss == "logistic")


@pytest.mark.parametrize("at", [0, 1, 3])
def test_the_end_is_that_of_training(records: list[Record], at: int) -> None:
    run, numbers = run_on(LAWS[at]), records[at].numbers
    problem, trajectory = build(run)[0], trained(run)
    last = trajectory.midpoint
    assert numbers["loss"] == trajectory.loss[-1]
    assert numbers["sharpness"] == trajectory.sharpness[-1]
    assert numbers["trace"] == pytest.approx(ss.hessian_trace(problem, last), rel=1e-12)
    found = ss.measures.activity(problem, last)
    assert (numbers["dead_share"], numbers["live_rate"]) == (found.dead, found.live_mean)
    assert numbers["path_rate"] == found.path_weighted
    assert numbers["mean_rate"] == pytest.approx(found.rates.mean(), rel=1e-12)
    z = problem.points @ last.w1.T + last.b1 > 0.0
    assert numbers["bent_neurons"] == np.sum(z.any(axis=0) & ~z.all(axis=0))
    assert numbers["active_neurons"] == np.sum(z.any(axis=0)) == 12 - numbers["dead_neurons"]
    assert numbers["decay_time"] == pytest.approx(0.01 * 0.3 * STEPS, rel=1e-12)
    f, y = last.predict(problem.inputs), problem.labels
    error = np.mean((f - y) ** 2) if at != 1 else np.mean(np.log1p(np.exp(-y * f)))
    assert numbers["training_error"] == pytest.approx(error, rel=1e-12)
    for name, certificate in ss.certify(problem, last).items():
        told = None if certificate.verdict == "inapplicable" else certificate.right - certificate.left
        assert numbers[f"slack_{name}"] == told


@pytest.mark.parametrize("at", [0, 1, 4, 5])
def test_errors_are_to_the_truth_on_the_design_and_on_fresh_inputs(records: list[Record], at: int) -> None:
    part, numbers = LAWS[at], records[at].numbers
    run = run_on(part)
    problem = part.draw(4)  # of mixed examples, those that were mixed
    training, network, method = build(run)
    fresh_pairs = getattr(part, "fresh", False)
    examples = (
        (lambda step: ss.problems.mixup(problem, 1.0, 1, stream(4, f"pairs of step {step}")))
        if fresh_pairs
        else None
    )
    last = ss.train(training, network, method, record_every=10, examples=examples).midpoint
    other = part.again(4, FRESH, "population")
    for suffix, where in (("", problem), ("_population", other)):
        f, f0 = last.predict(where.inputs), where.truth(where.inputs)
        if part.loss == "square":
            assert numbers[f"risk{suffix}"] == pytest.approx(np.mean((f - f0) ** 2), rel=1e-11)
        else:
            p = 1.0 / (1.0 + np.exp(-f0))
            excess = p * np.log1p(np.exp(-f)) + (1 - p) * np.log1p(np.exp(f))
            least = p * np.log1p(np.exp(-f0)) + (1 - p) * np.log1p(np.exp(f0))
            assert numbers[f"excess_risk{suffix}"] == pytest.approx(np.mean(excess - least), rel=1e-9)
    assert numbers["path_rate"] == ss.measures.activity(problem, last).path_weighted


def test_what_an_error_has_to_be_compared_with(records: list[Record]) -> None:
    problem, numbers = LAWS[0].draw(4), records[0].numbers
    f0, y = problem.truth(problem.inputs), problem.labels
    design = np.column_stack([problem.points, np.ones(problem.size)])
    straight = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert numbers["null_risk"] == pytest.approx(np.mean((f0 - y.mean()) ** 2), rel=1e-12)
    assert numbers["least_squares_risk"] == pytest.approx(np.mean((straight - f0) ** 2), rel=1e-9)
    assert numbers["realized_noise"] == pytest.approx(np.mean((y - f0) ** 2), rel=1e-12)
    assert not {"null_risk", "realized_noise"} & set(records[1].numbers)


def test_sharpness_is_that_of_the_mixed_set(records: list[Record]) -> None:
    mixed, network, method = build(run_on(LAWS[4]))
    run = ss.train(mixed, network, method, record_every=10)
    assert mixed.size == 3 * SHARED["n"]
    assert records[4].numbers["sharpness"] == run.sharpness[-1]
    fixed = work(run_on(msgspec.structs.replace(LAWS[5], fresh=False)), silent)
    assert fixed.numbers["loss"] != records[5].numbers["loss"]


def test_arrays_are_of_the_neurons(records: list[Record]) -> None:
    for part, record in zip(LAWS, records, strict=True):
        assert record.arrays["rates"].shape == record.arrays["paths"].shape == (12,)
        last = trained(run_on(part)).midpoint if not getattr(part, "fresh", False) else None
        if last is not None:
            rows = last.w1.reshape(12, -1)
            np.testing.assert_allclose(
                record.arrays["paths"], np.abs(last.w2) * np.linalg.norm(rows, axis=1), rtol=1e-12
            )
            share = ss.measures.activity(part.draw(4), last).rates
            np.testing.assert_array_equal(record.arrays["rates"], share)
    bare = work(run_on(LAWS[0], measure=Measure(records=2)), silent)
    assert not bare.arrays


def test_held_out_is_the_record_of_least_error_on_further_examples(records: list[Record]) -> None:
    problem, network, method = build(run_on(LAWS[0]))
    fresh = LAWS[0].again(4, SHARED["n"], "held out")
    errors: dict[int, tuple[float, float]] = {}

    def look(snapshot: ss.training.Snapshot) -> None:
        f = snapshot.midpoint.predict(fresh.inputs)
        f0 = problem.truth(problem.inputs)  # type: ignore[misc]
        risk = np.mean((snapshot.midpoint.predict(problem.inputs) - f0) ** 2)
        errors[snapshot.step] = float(np.mean((f - fresh.labels) ** 2)), float(risk)

    ss.train(problem, network, method, record_every=10, observe=look)
    best = min((step for step in errors if step), key=lambda step: errors[step][0])
    assert records[0].numbers["steps_held_out"] == best
    assert records[0].numbers["risk_held_out"] == pytest.approx(errors[best][1], rel=1e-11)
    assert not {"pieces_held_out", "risk_interior_held_out"} & set(records[0].numbers)


@pytest.mark.parametrize("biases", ["both", "output", "none"])
def test_a_start_may_have_no_biases_and_a_sharpness(biases: str) -> None:
    network = Network(width=12, init="he", biases=biases, start_sharpness=3.0)
    problem, start, _ = build(run_on(LAWS[0], network=network))
    assert ss.sharpness(problem, start).value == pytest.approx(3.0, rel=2e-3)
    assert (
        start.trainable
        == {
            "both": ("w1", "b1", "w2", "b2"),
            "output": ("w1", "w2", "b2"),
            "none": ("w1", "w2"),
        }[biases]
    )
    drawn = ss.TwoLayerReLU.random(12, 1.0, "he", stream(4, "network"), dimension=3)
    ratios = start.w1 / drawn.w1
    np.testing.assert_allclose(ratios, ratios[0, 0], rtol=1e-12)


def test_a_run_that_diverges_is_a_result_and_dead_neurons_are_no_nan() -> None:
    lost = work(run_on(LAWS[0], method=Method(step_size=1e6, steps=50)), silent)
    assert lost.outcome == "diverged"
    assert set(lost.numbers) == {"steps_made", "threshold", "initial_sharpness"}
    dead = Ball(n=2, dimension=2, truth="zero", noise=0.0)
    start = Network(width=1, scale=1e-9)
    found = [
        work(run_on(dead, network=start, method=Method(step_size=0.1, steps=2), seed=seed), silent)
        for seed in range(8)
    ]
    assert any(record.numbers["dead_share"] == 1.0 for record in found)
    for record in found:
        assert all(value is None or value == value for value in record.numbers.values())


def test_the_same_bits_in_any_number_of_workers(records: list[Record]) -> None:
    runs = [run_on(part) for part in LAWS]
    decoded = [msgspec.json.decode(msgspec.json.encode(run), type=Run) for run in runs]
    for workers in (1, 2):
        found = run_all(work, decoded, workers, lambda _: None)
        assert [bits(record) for record in found] == [bits(record) for record in records]


def test_fields_that_are_not_set_leave_the_identity_of_older_runs_alone() -> None:
    run = run_on(Ball(), measure=Measure())
    told: dict[str, Any] = columns(run)
    assert not {"biases", "start_sharpness", "rates"} & set(told)
