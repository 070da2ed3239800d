"""Runs shared by the claims on step sizes: features, neurons, checks, moments, identities."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common.arms import equal_time
from stepscape.experiments.square.columns import line
from stepscape.experiments.square.runs import StepSizeRun, begin, grid, problem_of, work
from stepscape.lab.spec import identity
from stepscape.measures.checks import Checks, check
from stepscape.measures.features import _neuron_gradient, active_sets, bent_mask, census, features
from stepscape.tables.records import Record
from stepscape.training import train

SHARING = ("curve-fitting", "risk-vs-step-size", "sparsity-vs-step-size", "weighted-tv")
LINE = ss.Problem(np.linspace(-1.0, 1.0, 21), np.linspace(0.0, 1.0, 21))


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def bends(*knots_and_jumps: tuple[float, float]) -> ss.TwoLayerReLU:
    """One neuron a knot with w1 = 1 and the given slope change."""
    knots, jumps = np.array(knots_and_jumps).T
    return ss.TwoLayerReLU(np.ones(knots.size), -knots, jumps, 0.0)


class TestFeatures:
    def test_equal_bends_count_each(self) -> None:
        found = features(LINE, bends((-0.5, 1.0), (0.1, -1.0), (0.5, 1.0)))
        assert (found["features"], found["carriers"]) == (3, 3)
        assert found["participation"] == pytest.approx(3.0)

    def test_neighbors_that_cancel_are_no_feature_but_neurons(self) -> None:
        """The pair lies in the cell [0.1, 0.12); it holds 10 of 11 in Σ |w1 w2|."""
        found = features(LINE, bends((-0.5, 1.0), (0.105, 5.0), (0.115, -5.0)))
        assert (found["features"], found["carriers"]) == (1, 2)
        assert found["participation"] == pytest.approx(1.0)

    def test_small_ones_are_not_counted(self) -> None:
        many = [(float(x), 1e-4) for x in np.linspace(-0.9, 0.9, 50)]
        found = features(LINE, bends((-0.51, 1.0), (0.11, 2.0), *many))
        assert (found["features"], found["carriers"]) == (2, 2)

    def test_carriers_hold_nine_tenths(self) -> None:
        """Of 10 equal ones 9 hold 90 %; with one that holds 90.9 % alone, it does."""
        ten = [(float(x), 1.0) for x in np.linspace(-0.9, 0.9, 10)]
        assert features(LINE, bends(*ten))["carriers"] in (9, 10)  # 9 up to rounding of the sum
        assert features(LINE, bends((0.05, 100.0), *ten))["carriers"] == 1

    def test_knots_outside_the_data_are_nothing(self) -> None:
        found = features(LINE, bends((-2.0, 1.0), (3.0, 1.0)))
        assert found == {"features": 0, "participation": 0.0, "carriers": 0}

    def test_bent_is_the_count_of_the_trajectory(self) -> None:
        net = ss.TwoLayerReLU.random(200, seed=3)
        run = ss.train(LINE, net, ss.GradientDescent(0.01, 1))
        assert bent_mask(LINE, net).sum() == run.bent_neurons[0]
        assert (~active_sets(LINE, net).any(axis=0)).sum() == run.dead_neurons[0]


class TestCensus:
    # In this order: bent then outside; outside then bent; dead; unchanged.
    first = ss.TwoLayerReLU([1.0, 1.0, 1.0, 1.0], [0.0, 2.0, -2.0, 0.33], np.ones(4))
    last = ss.TwoLayerReLU([1.0, 1.0, 1.0, 1.0], [2.0, 0.0, -2.0, 0.33], np.ones(4))

    def test_who_went_where(self) -> None:
        found = census(LINE, [self.first, self.last])
        assert (found.pushed_out, found.pulled_in, found.rearranged) == (1, 1, 2)
        assert (found.dead_at_start, found.dead_checked, found.revived) == (1, 2, 0)
        assert found.dead_gradient == 0.0

    def test_a_return_is_seen_even_between(self) -> None:
        awake = ss.TwoLayerReLU(np.ones(4), [0.0, 2.0, 0.5, 0.33], np.ones(4))
        assert census(LINE, [self.first, awake]).revived == 1
        assert census(LINE, [self.first, awake, self.last]).revived == 1
        assert census(LINE, [awake, self.first]).revived == 0

    def test_only_dead_neurons_have_no_slope(self) -> None:
        slopes = _neuron_gradient(LINE, self.first)
        assert (slopes > 0).tolist() == [True, True, False, True]


class TestChecks:
    def test_counts_and_least_slack(self) -> None:
        sides = Checks(
            np.array([1.0, 2.0, 9.0]),
            np.array([1.5, 1.9, 1.0]),
            np.array([True, True, False]),
            np.array([False, True, False]),
        )
        assert sides.counted() == {"checks": 2, "violations": 1, "least_slack": pytest.approx(-0.1)}
        none = Checks(sides.left, sides.right, np.zeros(3, bool), np.zeros(3, bool))
        assert none.counted() == {"checks": 0, "violations": 0, "least_slack": None}

    def test_every_certificate_at_every_network(self) -> None:
        problem = ss.problems.tent(n=12, seed=1)
        nets = [ss.TwoLayerReLU.random(30, seed=seed) for seed in range(3)]
        found = check(problem, nets, ignore)
        for i, net in enumerate(nets):
            for name, certificate in ss.certify(problem, net).items():
                assert found[name].left[i] == certificate.left
                assert found[name].right[i] == certificate.right
                assert found[name].applies[i] == (certificate.verdict != "inapplicable")
        assert not found["interpolation"].applies.any()


def a_run(**changes: object) -> StepSizeRun:
    fields = {"truth": "tent", "n": 15, "noise": 0.5, "half_width": 1.0, "width": 50, "steps": 400,
              "records": 8, "arm": "warm_up", "labels": "noisy", "seed": 4, "step_size": 0.3,
              "smallest_step_size": 0.01, "largest_step_size": 0.6, "drawn": True}  # fmt: skip
    return StepSizeRun(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def record() -> Record:
    return work(a_run(), ignore)


class TestMoments:
    @pytest.mark.parametrize("arm", ["small_init", "warm_up"])
    @pytest.mark.parametrize("eta", [0.01, 0.05, 0.3, 0.6])
    def test_equal_time_is_reached_at_its_step_and_not_before(self, arm: str, eta: float) -> None:
        """Counted by training both step sizes and looking at their times."""
        run = a_run(arm=arm, step_size=eta)
        problem, origin = begin(run)
        stop = equal_time(problem, origin, run.step_size, run.smallest_step_size, run.steps)
        times = {
            each: train(
                problem, origin.network, origin.method(each, run.steps), 1, measure_sharpness=False
            ).time
            for each in {eta, run.smallest_step_size}
        }
        target = times[run.smallest_step_size][-1]
        assert times[eta][stop] >= target * (1.0 - 1e-8)
        assert times[eta][stop - 1] < target

    def test_columns_of_the_moments(self, record: Record) -> None:
        numbers = record.numbers
        assert numbers["steps_equal_time"] < numbers["steps_made"] == 400
        assert 1 <= numbers["steps_held_out"] <= 400
        for moment in ("equal_time", "held_out"):
            for name in ("risk", "risk_last", "risk_interior_grid", "pieces", "carriers", "loss"):
                assert numbers[f"{name}_{moment}"] >= 0.0

    def test_clean_and_noisy_labels_share_their_inputs(self, record: Record) -> None:
        clean = work(a_run(labels="clean"), ignore).arrays
        assert np.array_equal(record.arrays["inputs"], clean["inputs"])
        assert not np.array_equal(record.arrays["labels"], clean["labels"])

    def test_the_smallest_step_size_has_its_equal_time_at_the_end(self) -> None:
        numbers = work(a_run(step_size=0.01), ignore).numbers
        same = [name for name in numbers if f"{name}_equal_time" in numbers]
        assert len(same) > 10
        assert [numbers[name] for name in same] == [numbers[f"{name}_equal_time"] for name in same]

    def test_the_best_moment_is_not_worse_than_any_record(self) -> None:
        """Held out: another draw of the labels; early steps are among the records."""
        numbers = work(a_run(steps=2000), ignore).numbers
        assert numbers["risk_held_out"] < numbers["risk"]


class TestMeasures:
    def test_training_errors(self, record: Record) -> None:
        problem = problem_of(a_run())
        noise = problem.labels - problem.truth(problem.inputs)  # type: ignore[misc]
        assert record.numbers["training_error_truth"] == pytest.approx(np.mean(noise**2))
        inside = np.isin(problem.inputs, problem.inputs[ss.theory.interior(problem.inputs, problem.inputs)])
        assert record.numbers["training_error_interior_truth"] == pytest.approx(np.mean(noise[inside] ** 2))
        better = record.numbers["training_error_interior"] <= record.numbers["training_error_interior_truth"]
        assert record.numbers["fits_interior"] == better

    def test_neurons_add_up(self, record: Record) -> None:
        n = record.numbers
        assert n["bent_neurons"] == n["bent_at_start"] - n["pushed_out"] + n["pulled_in"]
        assert n["revived"] == 0

    def test_sides_of_the_line(self, record: Record) -> None:
        """1/η − ½ + x_max √(2L) at the end; the left side is the weighted variation."""
        n, problem = record.numbers, problem_of(a_run())
        assert n["line_left"] == n["published_left"] == pytest.approx(n["weighted_tv"])
        loss = 0.5 * n["training_error"]
        assert n["line_right"] == pytest.approx(1 / 0.3 - 0.5 + problem.x_max * np.sqrt(2 * loss))
        # Where λ_max ≤ 2/η the published right side is the smaller one.
        gap = n["line_right"] - n["published_right"]
        assert gap == pytest.approx(1 / 0.3 - 0.5 * n["sharpness"], abs=1e-5)
        assert n["line_checks"] <= n["records_checked"] == n["published_checks"]

    def test_the_line_is_claimed_where_the_sharpness_allows_it(self) -> None:
        """A start at twice the threshold and one at half of it; the line lies below a large variation."""
        problem, net = LINE, ss.TwoLayerReLU.random(30, seed=1)
        top = ss.sharpness(problem, net).value
        for eta, inside in ((1.0 / top, True), (4.0 / top, False)):
            start = train(problem, net, ss.GradientDescent(eta, 1), measure_sharpness=True)
            variation = np.array([1e9, 0.0])
            found = line(problem, start, variation, np.array([0.5, 0.0]))
            assert found.applies[0] == inside
            assert found.violated.tolist() == [inside, False]
            assert found.left is variation
            assert found.right[0] == pytest.approx(1.0 / eta - 0.5 + problem.x_max)

    def test_certificates_speak_of_the_midpoint(self) -> None:
        """Computed again from the two iterates of the end, between which descent swings."""
        run = a_run(step_size=0.9, largest_step_size=0.9, steps=1000)
        found = work(run, ignore)
        problem, origin = begin(run)
        last = train(problem, origin.network, origin.method(run.step_size, run.steps), run.steps)
        known, of_the_iterate = (ss.certify(problem, net) for net in (last.midpoint, last.network))
        for name in ("gauss_newton", "published"):
            assert found.numbers[f"{name}_left"] == pytest.approx(known[name].left, rel=1e-6)
            assert found.numbers[f"{name}_left"] != pytest.approx(of_the_iterate[name].left, rel=1e-3)
        assert found.arrays["solution"] == pytest.approx(last.midpoint.predict(found.arrays["grid"]))

    def test_arrays_over_time(self, record: Record) -> None:
        arrays = record.arrays
        assert arrays["tv_side"].size == record.numbers["records_checked"]
        assert (arrays["tv_function"] <= arrays["tv_side"] * (1 + 1e-12)).all()
        assert arrays["right_published"][-1] == record.numbers["published_right"]
        assert not work(a_run(drawn=False), ignore).arrays


@pytest.mark.parametrize("name", SHARING)
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"step_sizes": (0.1, -1.0)}, "step_size must be finite and positive, got -1.0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"seeds": 0}, "seeds must be at least 1, got 0"),
        ({"records": 0}, "records must be at least 1, got 0"),
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"n": 1}, "n must be at least 2, got 1"),
        ({"noise": -1.0}, "noise must be finite and not negative, got -1.0"),
        ({"arms": ("as_prnted",)}, "unknown arm 'as_prnted'; did you mean 'as_printed'"),
    ],
)
def test_refused_before_the_first_run(name: str, changes: dict[str, object], sentence: str) -> None:
    claim = experiments.get(name)
    with pytest.raises(InputError, match=sentence):
        claim.specs({**claim.quick, **changes})


def test_clean_seeds_may_be_none_but_not_fewer() -> None:
    claim = experiments.get("curve-fitting")
    assert {run.labels for run in claim.grid({**claim.quick, "clean_seeds": 0})} == {"noisy"}
    with pytest.raises(InputError, match="clean_seeds must be at least 0, got -1"):
        claim.specs({**claim.quick, "clean_seeds": -1})


class TestSharing:
    def test_the_full_ledger_trains_once(self) -> None:
        """Three claims have equal runs; they are the noisy ones of curve-fitting."""
        runs = {name: {identity(s) for s in self.every(name)} for name in SHARING}
        assert runs["risk-vs-step-size"] == runs["sparsity-vs-step-size"] == runs["weighted-tv"]
        noisy = {identity(s) for s in self.every("curve-fitting") if s.labels == "noisy"}
        assert noisy == runs["risk-vs-step-size"]

    @staticmethod
    def every(name: str) -> list[StepSizeRun]:
        claim = experiments.get(name)
        return list(claim.grid(claim.full))

    def test_full_size(self) -> None:
        full = experiments.get("risk-vs-step-size").full
        assert len(full["step_sizes"]) == 9
        assert full["seeds"] >= 20
        assert len(grid(full)) == 2 * 3 * 20 * 9
