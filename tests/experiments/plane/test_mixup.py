"""The rules of `mixup` on rows that come out each way, its runs, and the toy picture."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

import stepscape as ss
from stepscape.errors import InputError
from stepscape.experiments.frame import Result, Run
from stepscape.experiments.plane import mixed_runs, toy_runs
from stepscape.experiments.plane.mixed_runs import COPIES, MixedRun, augmented, begin_mixed
from stepscape.experiments.plane.mixup import CLAIM
from stepscape.experiments.plane.runs import samples
from stepscape.experiments.plane.spec import DEFAULTS
from stepscape.experiments.plane.toy_runs import (
    ToyRun,
    begin,
    pairs_of_classes,
    picture,
    probabilities,
    rings,
)

ALPHAS = (0.0, 0.001, 0.01, 0.1, 1.0)


def result(gain=0.2, rate=0.1, edges=(1.0, 1.4), distance=0.1, near=0.005, fits=-0.1, fresh=0.1):
    rng, runs = np.random.default_rng(6), []
    for law in ("sphere", "ball"):
        for d in (2, 5):
            for seed in range(20):
                spread = np.exp(0.02 * rng.standard_normal(3))
                errors = {"plain": 1.0, "fresh": 10.0**-gain, "fixed": 10.0 ** (fresh - gain)}
                for i, (arm, error) in enumerate(errors.items()):
                    runs.append(Run({
                        "kind": "plane-mixed/1", "geometry": law, "dimension": d, "seed": seed, "arm": arm,
                        "outcome": "finished", "live_neurons": 9, "population_error": error * spread[i],
                        "path_rate": 0.2 + rate * (arm == "fresh") + 0.01 * rng.standard_normal(),
                        "train_error": 0.3 + fits * (arm == "fresh") + 0.01 * rng.standard_normal(),
                        "edge_ratio": edges[0], "problem_edge_ratio": edges[1],
                    }))  # fmt: skip
    for seed in range(20):
        for alpha in ALPHAS:
            far = near + distance * alpha**0.5 if alpha else 0.0
            spread = np.exp(0.05 * rng.standard_normal())
            runs.append(Run({
                "kind": "plane-toy/1", "toy_alpha": alpha, "seed": seed, "outcome": "finished",
                "distance": far * spread,
            }))  # fmt: skip
    return Result(CLAIM.name, CLAIM.full, tuple(runs))


def words(**changes):
    return {name: found.word(CLAIM.kind) for name, found in CLAIM.judge(result(**changes)).items()}


def test_as_claimed():
    assert words() == {
        "population": "reproduced", "rate": "reproduced", "stable": "reproduced", "erm": "reproduced",
        "noise": "no", "fresh": "yes",
    }  # fmt: skip


def test_each_part_can_fail():
    found = words(gain=-0.2, rate=-0.1, edges=(0.7, 1.0), distance=-0.03, near=0.08, fits=0.1, fresh=-0.1)
    assert found == {
        "population": "not_reproduced", "rate": "not_reproduced", "stable": "not_reproduced",
        "erm": "not_reproduced", "noise": "yes", "fresh": "no",
    }  # fmt: skip


def test_a_set_on_the_edge_does_not_say_that_the_data_are_beyond_it():
    assert words(edges=(1.0, 1.0))["stable"] == "partly"
    assert words(near=0.1)["erm"] == "partly"


def mixed_run(**changes):
    fields = {
        "seed": 1000, "drawn": False, "n": 20, "dimension": 3, "width": 12, "steps": 60, "fresh": 30,
        "step_size": 0.3, "augmentation": "mixup", "strength": 1.0, "arm": "fresh",
    }  # fmt: skip
    return MixedRun(**{**DEFAULTS, **fields, **changes})


def test_a_fresh_run_takes_the_steps_of_a_plain_loop_and_is_measured_on_later_examples():
    run = mixed_run()
    setup, given = begin_mixed(run)
    problem, theta = setup.samples.problem, setup.start.parameters
    assert given.training.size == COPIES * problem.size
    for step in range(run.steps):
        gradient = ss.objectives.plane(given.examples(step), setup.start).gradient(theta)
        before, theta = theta, theta - run.step_size * gradient
    middle = setup.start.with_parameters(0.5 * (theta + before))
    found = mixed_runs.work(run, lambda _: None).numbers
    fresh = setup.samples.fresh
    error = np.mean((middle.predict(fresh.inputs) - fresh.truth(fresh.inputs)) ** 2)
    assert found["population_error"] == pytest.approx(error, rel=1e-9)
    sharp = ss.sharpness(given.training, middle).value
    assert found["edge_ratio"] == pytest.approx(0.5 * run.step_size * sharp, rel=1e-6)
    sharp = ss.sharpness(problem, middle).value
    assert found["problem_edge_ratio"] == pytest.approx(0.5 * run.step_size * sharp, rel=1e-3)
    later = given.examples(run.steps + 1)
    np.testing.assert_array_equal(given.training.inputs[20:40], later.inputs)


def test_the_fixed_set_is_the_set_on_which_fresh_pairs_are_measured():
    problem = samples(mixed_run()).problem
    fixed, fresh = (augmented(mixed_run(augmentation=kind), problem) for kind in ("fixed", "mixup"))
    assert fixed.examples is None
    np.testing.assert_array_equal(fixed.training.inputs, fresh.training.inputs)
    none = augmented(mixed_run(augmentation="none"), problem)
    assert none == (problem, None)
    with pytest.raises(InputError, match="unknown augmentation 'mixip'"):
        augmented(mixed_run(augmentation="mixip"), problem)


TOY = ToyRun(toy_alpha=0.5, toy_n=20, toy_width=12, toy_step_size=1.0, toy_steps=40, seed=1000, drawn=True)


def test_the_rings_are_where_they_should_be():
    problem = rings(400, 3)
    radius = np.linalg.norm(problem.inputs, axis=1)
    inner = radius[problem.labels < 0]
    assert inner.size == 200
    assert inner.max() <= 0.45 < 0.65 <= radius[problem.labels > 0].min()
    # Uniform on the disk: E r² = R²/2, with a standard error of 0.29 R²/√200.
    assert np.mean(inner**2) == pytest.approx(0.45**2 / 2, abs=4 * 0.29 * 0.45**2 / 200**0.5)
    points, inside = picture()
    assert inside.mean() == pytest.approx(np.pi / 4 * (40 / 41) ** 2, abs=0.01)
    assert np.abs(points).max() == 1.0


def test_the_loss_of_a_pair_is_cross_entropy_with_the_shares_of_both_labels():
    problem = rings(20, 1000)
    pairs = pairs_of_classes(problem, 0.5, 1000, 3)
    net = TOY and begin(TOY)[1]
    f = net.predict(pairs.inputs)
    share = pairs.weights / pairs.weights.sum()
    assert pairs.training_loss(f) == pytest.approx(share @ np.log1p(np.exp(-pairs.labels * f)))
    assert pairs.weights.sum() == pytest.approx(20.0)  # both labels of a pair weigh 1 together


def test_plain_training_is_at_no_distance_from_itself():
    found = toy_runs.work(replace(TOY, toy_alpha=0.0), lambda _: None)
    assert found.numbers["distance"] == 0.0
    mixed = toy_runs.work(TOY, lambda _: None)
    p, q = (probabilities(replace(TOY, toy_alpha=alpha))[1] for alpha in (0.0, 0.5))
    _, inside = picture()
    assert mixed.numbers["distance"] == pytest.approx(np.abs(p - q)[inside].mean())
    assert 0.0 < mixed.numbers["distance"] < 1.0
    np.testing.assert_array_equal(mixed.arrays["p"], q)


def test_it_is_the_probability_of_the_class_on_the_ring():
    _, p = probabilities(replace(TOY, toy_alpha=0.0, toy_steps=300))
    radius = np.linalg.norm(picture()[0], axis=1)
    assert p[radius < 0.2].max() < 0.5 < p[(radius > 0.8) & (radius < 1.0)].mean()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mixing_alpha": 0.0}, "mixing_alpha must be positive"),
        ({"toy_alphas": (0.0,)}, "toy_alphas must be positive"),
        ({"geometries": ("cube",)}, "unknown geometry 'cube'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        CLAIM.specs({**CLAIM.quick, **changes})


def test_a_toy_that_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="toy_n must be at least 4"):
        begin(replace(TOY, toy_n=3))
    with pytest.raises(InputError, match="toy_alphas must be positive"):
        begin(replace(TOY, toy_alpha=-1.0))
