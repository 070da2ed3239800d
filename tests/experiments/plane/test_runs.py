"""The shared runs in R^d: their data, their starts, and what is measured on them, against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.plane.data import GEOMETRIES, TARGETS, samples
from stepscape.experiments.plane.references import references
from stepscape.experiments.plane.runs import begin, carry_out, plane_sweep, settling, work
from stepscape.experiments.plane.spec import DEFAULTS, PlaneRun
from stepscape.experiments.plane.starts import BIASES, STARTS
from stepscape.measures.rates import paths, rates
from stepscape.problems import Problem
from stepscape.problems.baselines import baselines
from stepscape.training.matched_start import CLOSE

SMALL = {"n": 40, "width": 24, "dimension": 4, "steps": 60, "fresh": 300, "step_size": 0.5}


def spec(**changes: Any) -> PlaneRun:
    return PlaneRun(**{**DEFAULTS, **SMALL, "seed": 1000, "drawn": False, **changes})


def done(run: PlaneRun) -> dict[str, Any]:
    return dict(work(run, lambda _: None).numbers)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_design_and_fresh_inputs_share_law_and_truth(geometry: str) -> None:
    run = spec(geometry=geometry, n=3000, fresh=3000, target="norm", noise=0.0, count=2)
    drawn = samples(run)
    lengths = [np.linalg.norm(each.points, axis=1) for each in (drawn.problem, drawn.fresh)]
    assert lengths[0].mean() == pytest.approx(lengths[1].mean(), abs=0.03)
    assert not np.array_equal(drawn.problem.points, drawn.fresh.points)
    for each, length in zip((drawn.problem, drawn.fresh), lengths, strict=True):
        np.testing.assert_allclose(each.labels, length, rtol=1e-15)


def test_fresh_inputs_lie_on_the_subspaces_of_the_design() -> None:
    drawn = samples(spec(geometry="subspaces", count=5, inner=1, dimension=6))
    units = [each.points / np.linalg.norm(each.points, axis=1)[:, None] for each in _both(drawn)]
    np.testing.assert_allclose(np.abs(units[1] @ units[0].T).max(axis=1), 1.0, rtol=0, atol=1e-12)


def _both(drawn: Any) -> tuple[Problem, Problem]:
    return drawn.problem, drawn.fresh


def test_a_shift_moves_the_truth_along() -> None:
    plain, moved = (samples(spec(shift=shift)).problem for shift in (0.0, 1.5))
    np.testing.assert_allclose(moved.points - plain.points, [[0, 0, 0, 1.5]] * 40, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(moved.labels, plain.labels)


def test_labels_have_the_noise_that_the_spec_says() -> None:
    many = samples(spec(n=20_000, noise=0.7, amplitude=3.0)).problem
    residual = many.labels - 3.0 * many.points[:, 0]
    assert residual.std() == pytest.approx(0.7, rel=0.02)
    coin = samples(spec(n=20_000, loss="logistic", amplitude=2.0, target="bend")).problem
    logit = 2.0 * np.abs(coin.points[:, 0])
    assert (coin.labels > 0).mean() == pytest.approx((1 / (1 + np.exp(-logit))).mean(), abs=0.01)


@pytest.mark.parametrize("biases", BIASES)
@pytest.mark.parametrize(("loss", "wanted"), [("square", 1.9), ("logistic", 0.4)])
def test_a_matched_start_has_its_sharpness_and_the_directions_of_he(
    biases: str, loss: str, wanted: float
) -> None:
    run = spec(biases=biases, loss=loss, start_sharpness=wanted)
    setup = begin(run)
    found = ss.sharpness(setup.samples.problem, setup.start).value
    assert found == pytest.approx(wanted, rel=2 * CLOSE)
    he = STARTS["he"](run, setup.samples.problem)
    scale = np.linalg.norm(setup.start.w1) / np.linalg.norm(he.w1)
    np.testing.assert_allclose(setup.start.w1, scale * he.w1, rtol=1e-12)
    np.testing.assert_allclose(setup.start.w2, scale * he.w2, rtol=1e-12)
    assert not setup.start.b1.any()
    assert setup.start.b2 == 0.0
    assert setup.start.trainable == BIASES[biases]


def test_starts_do_not_depend_on_what_follows() -> None:
    one, other = (begin(spec(step_size=eta, steps=steps)) for eta, steps in ((0.1, 5), (0.9, 9)))
    np.testing.assert_array_equal(one.start.parameters, other.start.parameters)
    np.testing.assert_array_equal(one.samples.problem.labels, other.samples.problem.labels)


def test_rates_by_hand() -> None:
    points = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    problem = Problem(points, np.zeros(4))
    w1 = np.array([[3.0, 4.0], [0.0, 1.0], [1.0, 0.0]])
    net = ss.TwoLayerReLU(w1, np.array([0.0, -1.0, -5.0]), np.array([-2.0, 3.0, 7.0]))
    np.testing.assert_allclose(paths(net), [10.0, 3.0, 7.0])
    assert rates(problem, net) == pytest.approx({
        "dead_share": 1 / 3, "mean_rate": 0.25, "live_rate": 0.375, "smallest_live_rate": 0.25,
        "path_rate": (10 * 0.5 + 3 * 0.25) / 20, "live_path_rate": (10 * 0.5 + 3 * 0.25) / 13,
    })  # fmt: skip
    dead = rates(problem, ss.TwoLayerReLU(w1, np.full(3, -99.0), np.ones(3)))
    assert dead["dead_share"] == 1.0
    assert dead["path_rate"] == 0.0
    assert np.isnan([dead["live_rate"], dead["smallest_live_rate"], dead["live_path_rate"]]).all()


def test_a_problem_of_the_library_is_that_of_the_run_with_its_seed() -> None:
    found = ss.problems.ball(40, dimension=4, noise=1.0, seed=1000, scale=3.0)
    problem = samples(spec(amplitude=3.0)).problem
    np.testing.assert_array_equal(problem.points, found.points)
    np.testing.assert_array_equal(problem.labels, found.labels)


def test_references_are_the_baselines() -> None:
    drawn = samples(spec(amplitude=2.0))
    problem = drawn.problem
    found = references(problem, drawn.fresh)
    base = baselines(problem.points, problem.labels, 2.0 * problem.points[:, 0])
    assert found["null"] == pytest.approx(base.null, rel=1e-10)
    assert found["linear"] == pytest.approx(base.least_squares, rel=1e-10)
    assert found["realized_noise"] == pytest.approx(base.noise, rel=1e-10)
    mean = problem.labels.mean()
    null = np.mean((mean - 2.0 * drawn.fresh.points[:, 0]) ** 2)
    assert found["null_population"] == pytest.approx(null, rel=1e-10)
    with pytest.raises(InputError, match="truth must be given"):
        references(Problem(problem.points, problem.labels), drawn.fresh)


def test_references_of_the_logistic_loss() -> None:
    """Against Newton's method without a ridge."""
    drawn = samples(spec(loss="logistic", amplitude=3.0, n=400))
    found = references(drawn.problem, drawn.fresh)
    x, y = np.column_stack([drawn.problem.points, np.ones(400)]), drawn.problem.labels
    w = np.zeros(5)
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve(x.T @ ((p * (1 - p))[:, None] * x), x.T @ (p - (y + 1) / 2))
    logits = np.column_stack([drawn.fresh.points, np.ones(300)]) @ w
    assert found["linear_population"] == pytest.approx(drawn.fresh.excess_risk(logits), rel=0.02)
    share = (y > 0).mean()
    constant = np.full(400, np.log(share / (1 - share)))
    assert found["null"] == pytest.approx(drawn.problem.excess_risk(constant), rel=1e-3)


@pytest.mark.parametrize("loss", ["square", "logistic"])
def test_a_row_says_what_a_run_of_the_library_does(loss: str) -> None:
    run = spec(loss=loss, weight_decay=0.01, start_sharpness=1.5 if loss == "square" else 0.4)
    setup, row = begin(run), done(run)
    problem, fresh = setup.samples.problem, setup.samples.fresh
    seen = ss.train(problem, setup.start, ss.GradientDescent(0.5, 60, weight_decay=0.01), record_every=48)
    last = seen.midpoint
    f, f0 = last.predict(problem.inputs), problem.points[:, 0]
    if loss == "square":
        assert row["train_error"] == pytest.approx(np.mean((f - problem.labels) ** 2), rel=1e-9)
        assert row["design_error"] == pytest.approx(np.mean((f - f0) ** 2), rel=1e-9)
        g = last.predict(fresh.inputs)
        assert row["population_error"] == pytest.approx(np.mean((g - fresh.points[:, 0]) ** 2), rel=1e-9)
    else:
        assert row["train_error"] == pytest.approx(np.mean(np.log1p(np.exp(-problem.labels * f))), rel=1e-9)
        assert row["design_error"] == pytest.approx(problem.excess_risk(f), rel=1e-9)
    assert row["edge_ratio"] == pytest.approx(seen.edge_ratio[-1], rel=1e-6)
    assert row["decay_time"] == pytest.approx(0.5 * 60 * 0.01)
    assert row["live_neurons"] == round(run.width * (1 - row["dead_share"]))


def test_a_run_that_stands_still_has_arrived() -> None:
    still = done(spec(noise=0.0, steps=6000))
    assert still["train_error"] < 1e-3 * still["null"]
    assert still["arrived"]
    assert still["moved"] < 0.05
    young = done(spec(noise=0.0, steps=6000, weight_decay=1e-9))
    assert young["moved"] < 0.05
    assert not young["arrived"], "decay has had no time to act"
    assert not done(spec(steps=3))["arrived"]


def test_training_on_other_examples_measures_on_those_of_the_run() -> None:
    run = spec()
    setup = begin(run)
    problem = setup.samples.problem
    half = Problem(problem.inputs[::2], problem.labels[::2])
    found = carry_out(run, setup, lambda _: None, half).numbers
    seen = ss.train(half, setup.start, ss.GradientDescent(0.5, 60), record_every=48)
    f = seen.midpoint.predict(problem.inputs)
    assert found["train_error"] == pytest.approx(np.mean((f - problem.labels) ** 2), rel=1e-9)
    assert found["sharpness"] == pytest.approx(seen.sharpness[-1], rel=1e-6)


def test_moments_of_a_run() -> None:
    run = spec(moments=4, common_time=6.0)
    setup, row = begin(run), done(run)
    assert row["steps_equal_time"] == 12.0
    assert row["steps_held_out"] in {1, 3, 15, 48, 60, 12}
    problem, fresh = setup.samples.problem, setup.samples.fresh
    judged = {}
    for steps in (1, 3, 12, 15, 48, 60):
        net = ss.train(problem, setup.start, ss.GradientDescent(0.5, steps), steps).midpoint
        judged[steps] = np.mean((net.predict(fresh.inputs[::2]) - fresh.labels[::2]) ** 2)
    assert row["steps_held_out"] == min(judged, key=judged.__getitem__)
    for moment in ("held_out", "equal_time"):
        steps = int(row[f"steps_{moment}"])
        net = ss.train(problem, setup.start, ss.GradientDescent(0.5, steps), steps).midpoint
        off = net.predict(fresh.inputs) - fresh.points[:, 0]
        assert row[f"population_error_{moment}"] == pytest.approx(np.mean(off**2), rel=1e-9)
    with pytest.raises(InputError, match="common_time must be 0 with a warm-up"):
        begin(spec(common_time=6.0, warmup_steps=5))


def test_a_drawn_run_keeps_its_curves() -> None:
    record = work(spec(drawn=True, records=3), lambda _: None)
    assert record.arrays["rates"].shape == record.arrays["paths"].shape == (24,)
    steps = record.arrays["steps"]
    assert set(steps) >= {0, 20, 40, 48, 60}
    assert all(record.arrays[name].shape == steps.shape for name in ("edge", "path_rates", "dead_shares"))
    assert settling(60) in steps


def test_a_sweep_takes_what_it_is_not_told_from_the_defaults() -> None:
    runs = plane_sweep(PlaneRun, {"n": 32, "first_seed": 7}, step_size=(0.1, 0.9), seed=(7, 8))
    assert [(run.step_size, run.seed, run.drawn) for run in runs] == [
        (0.1, 7, True), (0.1, 8, False), (0.9, 7, True), (0.9, 8, False),
    ]  # fmt: skip
    assert {(run.n, run.width) for run in runs} == {(32, DEFAULTS["width"])}
    with pytest.raises(InputError, match="width must be at least 1"):
        plane_sweep(PlaneRun, {"width": 0}, seed=(1,))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"geometry": "cube"}, "geometry"),
        ({"target": "none"}, "target"),
        ({"loss": "hinge"}, "loss"),
        ({"start": "zero"}, "start"),
        ({"biases": "some"}, "biases"),
        ({"fresh": 1}, "fresh must be at least 2"),
        ({"clip": -1.0}, "clip must not be negative"),
        ({"start_sharpness": 0.9}, "start_sharpness must be above 1"),
        ({"start_sharpness": 1e6, "loss": "logistic"}, "start_sharpness must be one that some scale"),
    ],
)
def test_what_is_impossible_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        begin(spec(**changes))


def test_targets_are_functions_of_rows() -> None:
    x = np.array([[-3.0, 4.0], [1.0, 0.0]])
    expected = {"first": [-3.0, 1.0], "norm": [5.0, 1.0], "bend": [3.0, 1.0]}
    assert {name: h(x).tolist() for name, h in TARGETS.items()} == expected
