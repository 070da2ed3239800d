"""Logistic runs: the grid, the moments, what is measured of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.logistic.columns import truth, variation
from stepscape.experiments.logistic.logistic_step_sizes import CLAIM
from stepscape.experiments.logistic.runs import (
    LogisticRun,
    equal_time,
    grid,
    method_of,
    problem_of,
    start_of,
    work,
)
from stepscape.experiments.logistic.uncertain_regions import is_empty
from stepscape.lab.spec import stream
from stepscape.measures.classification import confidence
from stepscape.methods import GradientDescent
from stepscape.tables import Record, Table
from stepscape.training import train


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def a_run(**changes: Any) -> LogisticRun:
    fields = {
        "n": 40,
        "width": 60,
        "steps": 1500,
        "seed": 3,
        "step_size": 0.5,
        "flip_rate": 0.1,
        "drawn": True,
    }
    return LogisticRun(**{**fields, **changes})


@pytest.fixture(scope="module")
def record() -> Record:
    return work(a_run(), ignore)


@pytest.fixture(scope="module")
def trained() -> ss.training.Trajectory:
    """The same run again, without any record on the way."""
    run = a_run()
    return train(problem_of(run), start_of(run), method_of(run), record_every=run.steps)


class TestGrid:
    def test_drawn_are_the_first_seed_and_the_shown(self) -> None:
        drawn = {(run.seed, run.step_size) for run in grid(CLAIM.full) if run.drawn}
        assert drawn == {(100, 0.01), (100, 0.1), (100, 0.4), (100, 1.2)}

    def test_more_fields_vary_slowest_or_are_fixed(self) -> None:
        runs = grid(CLAIM.quick, n=(55, 44), weight_decay=1e-3)
        assert {run.weight_decay for run in runs} == {1e-3}
        assert [run.n for run in runs] == [55] * 20 + [44] * 20

    def test_cells_of_a_seed_share_inputs_uniforms_and_start(self) -> None:
        """Labels are monotone in the probability of +1; more flips bring it nearer to ½."""
        loud, quiet = problem_of(a_run(amplitude=4.0, flip_rate=0.0)), problem_of(a_run(amplitude=1.0))
        assert np.array_equal(loud.inputs, quiet.inputs)
        changed = loud.labels != quiet.labels
        assert changed.any()
        assert (np.sign(loud.truth(loud.inputs))[changed] == loud.labels[changed]).all()  # type: ignore[misc]
        one, other = start_of(a_run(step_size=0.1)), start_of(a_run(amplitude=4.0))
        assert np.array_equal(one.parameters, other.parameters)

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
            ({"steps": "0"}, "steps must be at least 1, got 0"),
            ({"n": "1"}, "n must be at least 2, got 1"),
            ({"flip_rates": "0.1,0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
            ({"amplitudes": "-1"}, "amplitude must be finite and not negative, got -1.0"),
            ({"truth": "wav"}, "unknown curve 'wav'; did you mean 'wave'"),
            ({"init": "torhc"}, "init must be one of 'torch', 'he', 'mean_field', got 'torhc'"),
            ({"weight_decay": "-1"}, "weight_decay must be finite and not negative, got -1.0"),
        ],
    )
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            CLAIM.specs(CLAIM.settings(overrides))


class TestMoments:
    @pytest.mark.parametrize(("eta", "steps"), [(0.01, 1000), (0.02, 500), (0.3, 33), (1.2, 8), (20.0, 1)])
    def test_equal_time(self, eta: float, steps: int) -> None:
        assert equal_time(a_run(steps=1000, step_size=eta)) == steps

    def test_columns_of_the_moments(self, record: Record) -> None:
        n = record.numbers
        assert (n["steps_100"], n["steps_1000"], n["steps_equal_time"]) == (100, 1000, 30)
        assert "excess_risk_10000" not in n
        assert n["time_1000"] == 500.0
        for moment in ("100", "1000", "equal_time", "held_out"):
            for name in ("excess_risk_interior", "excess_risk_boundary", "pieces", "weighted_tv", "norm"):
                assert n[f"{name}_{moment}"] >= 0.0

    def test_records_are_moments_quarters_and_even_in_the_logarithm(self, record: Record) -> None:
        by_log = {int(step) for step in np.geomspace(1, 1500, 7)}
        quarters = {375, 750, 1125, 1500}
        assert set(record.arrays["steps"]) == {0, 30, 100, 1000, *quarters, *by_log}

    def test_the_smallest_step_size_has_its_equal_time_at_the_end(self) -> None:
        n = work(a_run(step_size=0.01, steps=300), ignore).numbers
        same = [
            name for name in n if f"{name}_equal_time" in n and name not in ("edge_ratio", "edge_ratio_last")
        ]
        assert len(same) > 30
        assert [n[name] for name in same] == [n[f"{name}_equal_time"] for name in same]

    def test_held_out_is_the_best_record_on_another_sample(self, record: Record) -> None:
        run, losses = a_run(), {}
        fresh = problem_of(run, stream(run.seed, "held out"))
        assert not np.array_equal(fresh.labels, problem_of(run).labels)

        def observe(snapshot: ss.training.Snapshot) -> None:
            margins = fresh.labels * snapshot.midpoint.predict(fresh.inputs)
            losses[snapshot.step] = np.mean(np.log1p(np.exp(-margins)))

        stops = record.arrays["steps"][1:].astype(int).tolist()
        train(problem_of(run), start_of(run), method_of(run), run.steps, record_at=stops, observe=observe)
        del losses[0]
        assert record.numbers["steps_held_out"] == min(losses, key=losses.__getitem__)


class TestMeasures:
    def test_excess_risk_and_losses(self, record: Record, trained: ss.training.Trajectory) -> None:
        problem = problem_of(a_run())
        x, n = problem.inputs, record.numbers
        f, f0 = trained.midpoint.predict(x), problem.truth(x)  # type: ignore[misc]
        p, q = 1 / (1 + np.exp(-f0)), 1 / (1 + np.exp(-f))
        each = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        inside = ss.theory.interior(x, x)
        assert n["excess_risk"] == pytest.approx(each.mean())
        assert n["excess_risk_interior"] == pytest.approx(each[inside].mean())
        loss = {name: np.log1p(np.exp(-problem.labels * g)) for name, g in (("f", f), ("truth", f0))}
        assert n["loss_midpoint"] == pytest.approx(loss["f"].mean())
        assert n["loss_truth"] == pytest.approx(loss["truth"].mean())
        assert n["optimized"] == (loss["f"].mean() <= loss["truth"].mean())
        assert n["optimized_interior"] == (loss["f"][inside].mean() <= loss["truth"][inside].mean())

    def test_share_of_the_interior(self, record: Record) -> None:
        x = problem_of(a_run()).inputs
        assert record.numbers["interior_share"] == pytest.approx(ss.theory.interior(x, x).mean())

    def test_uncertain_hull(self, record: Record, trained: ss.training.Trajectory) -> None:
        x, n = problem_of(a_run()).inputs, record.numbers
        unsure = np.sort(x[np.abs(trained.midpoint.predict(x)) <= 1.0])
        assert (n["uncertain_low"], n["uncertain_high"]) == (unsure[0], unsure[-1])
        assert n["uncertain_share"] == pytest.approx(unsure.size / x.size)

    def test_variation_of_the_interior(self, record: Record, trained: ss.training.Trajectory) -> None:
        x, net = problem_of(a_run()).inputs, trained.midpoint
        knots = -net.b1 / net.w1
        inside = ss.theory.interior(knots, x)
        assert record.numbers["tv_interior"] == pytest.approx(np.abs(net.w1 * net.w2)[inside].sum())
        assert record.numbers["tv_interior"] < record.numbers["tv"]

    def test_the_edge_ratio_is_that_of_the_midpoint(self, record: Record) -> None:
        run = a_run(steps=100)
        short = train(problem_of(run), start_of(run), method_of(run), record_every=100)
        for name, network in (("edge_ratio", short.midpoint), ("edge_ratio_last", short.network)):
            value = ss.sharpness(problem_of(run), network).value
            assert record.numbers[f"{name}_100"] == pytest.approx(value * run.step_size / 2, rel=1e-4), name

    def test_what_moved_after_half_of_the_steps(self, record: Record) -> None:
        """The midpoints after 750 and 1500 steps, at the inputs."""
        run, n = a_run(), record.numbers
        problem, (early, late) = problem_of(run), [
            train(problem_of(run), start_of(run), GradientDescent(run.step_size, steps), record_every=steps)
            for steps in (750, 1500)
        ]  # fmt: skip
        one, other = (path.midpoint.predict(problem.inputs) for path in (early, late))
        rms = np.sqrt(np.mean((other - one) ** 2) / np.mean(other**2))
        assert 0.0 < n["function_moved"] == pytest.approx(rms)
        assert n["edge_moved"] == pytest.approx(abs(late.edge_ratio[-1] - early.edge_ratio[-1]), abs=1e-4)

    def test_a_run_at_its_minimum_has_arrived(self) -> None:
        decay = work(a_run(weight_decay=0.1, steps=4000, amplitude=0.5), ignore).numbers
        assert max(decay["function_moved"], decay["edge_moved"]) < 1e-3

    def test_the_line_is_judged_over_the_last_half(self, record: Record) -> None:
        late = record.arrays["steps"] >= 750
        ratio = record.arrays["edge_ratio"]
        assert late.sum() >= 3
        assert record.numbers["edge_ratio"] == pytest.approx(ratio[late].mean())
        first = record.numbers["edge_reached_at_step"]
        assert first == record.arrays["steps"][ratio >= 0.95][0]
        assert record.numbers["edge_reached"] is True

    def test_step_a_is_checked_at_every_record(self, record: Record, trained: ss.training.Trajectory) -> None:
        """κ = KL(Ber(s(1)) ‖ Ber(s(2))) is the least divergence of a point with |f0| ≤ 1 < 2 < |f|."""
        problem, n = problem_of(a_run()), record.numbers
        f, f0 = trained.midpoint.predict(problem.inputs), problem.truth(problem.inputs)  # type: ignore[misc]
        p, q = 1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(-2.0))
        kappa = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        assert n["overlap_checks"] == record.arrays["steps"].size
        assert n["overlap_violations"] == 0
        assert n["overlap_left"] == pytest.approx(np.mean((np.abs(f0) <= 1) & (np.abs(f) > 2)))
        assert n["overlap_right"] == pytest.approx(n["excess_risk"] / kappa)

    def test_certificates_of_the_end(self, record: Record, trained: ss.training.Trajectory) -> None:
        found = ss.certify(problem_of(a_run()), trained.midpoint)
        for name in ("gauss_newton", "weighted", "uncertain", "uncertain_best"):
            assert record.numbers[f"{name}_left"] == pytest.approx(found[name].left)
            assert record.numbers[f"{name}_right"] == pytest.approx(found[name].right, rel=1e-5)
            assert record.numbers[f"{name}_checks"] == 1
            assert record.numbers[f"{name}_violations"] == 0

    def test_curves(self, record: Record, trained: ss.training.Trajectory) -> None:
        arrays = record.arrays
        assert np.allclose(arrays["f"][-1], trained.midpoint.predict(arrays["grid"]))
        assert arrays["f"].shape == (arrays["steps"].size, arrays["grid"].size)
        assert arrays["excess_risk"][-1] == record.numbers["excess_risk"]
        assert not work(a_run(steps=120, drawn=False), ignore).arrays

    def test_a_run_that_diverges(self) -> None:
        lost = work(a_run(step_size=1e12, steps=200), ignore)
        assert lost.outcome == "diverged"
        assert set(lost.numbers) == {"initial_sharpness", "steps_made"}
        assert "step_size" in lost.reason

    @pytest.mark.parametrize(("amplitude", "half_width"), [(1.0, 1.0), (4.0, 3.0)])
    def test_variation_of_a_wave(self, amplitude: float, half_width: float) -> None:
        """|f''| of A sin(2πx/w) has the integral 16πA/w; g of many inputs is nearly the uniform law's."""
        law = a_run(amplitude=amplitude, half_width=half_width, flip_rate=0.0, n=2000)
        found = variation(problem_of(law), half_width)
        assert found["truth_variation"] == pytest.approx(16.0 * np.pi * amplitude / half_width, rel=1e-5)
        x = np.linspace(-half_width, half_width, 20_001)
        bends = (2.0 * np.pi / half_width) ** 2 * amplitude * np.abs(np.sin(2.0 * np.pi * x / half_width))
        g = half_width * ss.theory.population_weight(x / half_width)
        if half_width == 1.0:
            expected = np.mean(bends * g) * 2.0
            assert found["truth_weighted_variation"] == pytest.approx(expected, rel=0.01)

    def test_flips_make_a_truth_vary_less(self) -> None:
        quiet, loud = (
            variation(problem_of(a_run(amplitude=4.0, flip_rate=rate)), 1.0)["truth_variation"]
            for rate in (0.3, 0.0)
        )
        assert quiet < 0.7 * loud

    def test_a_truth_that_is_uncertain_everywhere_is_so_whatever_its_rounding(self) -> None:
        numbers = work(a_run(n=30, amplitude=0.5, steps=3, drawn=False), ignore).numbers
        assert 1.0 - 1e-12 < numbers["uncertain_share_truth"] < 1.0
        assert is_empty(Table.from_records([dict(numbers)]))

    def test_no_share_is_above_one(self) -> None:
        """Sums of n times 1/n miss 1 on either side; the first network is uncertain everywhere."""
        for n in range(90, 130):
            problem = problem_of(a_run(n=n, amplitude=0.1))
            share = confidence(problem, start_of(a_run(scale=0.01)))["uncertain_share"]
            assert 1.0 - 1e-12 < max(share, truth(problem)["uncertain_share_truth"]) <= 1.0
