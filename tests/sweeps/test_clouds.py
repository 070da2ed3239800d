"""The parts of a run with inputs in R^d: what they draw, and what they refuse."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

import stepscape as ss
from run_cases import replaced
from stepscape.errors import InputError
from stepscape.lab.spec import columns, identity, stream
from stepscape.problems.baselines import baselines
from stepscape.sweeps.clouds import Ball, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.parts import Measure, Network, dimension_of
from stepscape.sweeps.runs import Run, build
from sweep_clouds import LAWS, SHARED, run_on

SQUARE = {**SHARED, "seed": 4}
DRAWN = (
    lambda: ss.problems.ball(**SQUARE, scale=2.0, radius=1.5, noise=0.3),
    lambda: ss.problems.bernoulli_labels(ss.problems.sphere(**SQUARE, truth="norm"), 3.0, 0.1, seed=4),
    lambda: ss.problems.radial(**SQUARE, alpha=4.0, noise=0.2),
    lambda: ss.problems.subspaces(**SQUARE, count=4, inner=2, noise=0.1),
    lambda: ss.problems.mixup(ss.problems.radial(**SQUARE, alpha=2.0), 0.5, 3, seed=4),
    lambda: ss.problems.mixup(
        ss.problems.bernoulli_labels(ss.problems.sphere(**SQUARE), seed=4), 1.0, 2, seed=4
    ),
    lambda: ss.problems.ball(n=24, dimension=1, seed=4),
)


def same(found: ss.Problem, wanted: ss.Problem) -> None:
    np.testing.assert_array_equal(found.inputs, wanted.inputs)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_array_equal(found.averaging, wanted.averaging)
    assert (found.loss, found.noise, found.truth is None) == (
        wanted.loss,
        wanted.noise,
        wanted.truth is None,
    )


@pytest.mark.parametrize(("part", "drawn"), [*zip(LAWS, DRAWN, strict=True)])
def test_a_run_trains_on_what_the_public_names_draw(part: Any, drawn: Any) -> None:
    problem, network, _ = build(run_on(part))
    same(problem, drawn())
    start = ss.TwoLayerReLU.random(12, 0.5, "he", stream(4, "network"), dimension=problem.dimension)
    np.testing.assert_array_equal(network.parameters, start.parameters)


@pytest.mark.parametrize("part", LAWS)
def test_further_examples_are_of_the_same_law_and_truth(part: Any) -> None:
    problem, other = part.draw(4), part.again(4, 500, "fresh")
    assert (other.size, other.dimension, other.loss) == (500, problem.dimension, problem.loss)
    np.testing.assert_array_equal(other.truth(problem.inputs), problem.truth(problem.inputs))
    assert not np.isin(other.points, problem.points).any()
    assert not np.array_equal(part.again(4, 500, "else").points, other.points)
    if other.loss == "square":
        found = baselines(other.inputs, other.labels, other.truth(other.inputs)).noise
        assert found == pytest.approx(other.noise**2, rel=0.3)
    else:
        chance = 1.0 / (1.0 + np.exp(-other.truth(other.inputs)))
        assert np.mean(other.labels > 0.0) == pytest.approx(chance.mean(), abs=0.08)


@pytest.mark.parametrize("law", [Subspaces, Mixup])
def test_further_examples_lie_on_the_subspaces_of_the_run(law: Any) -> None:
    own = {"law": "subspaces"} if law is Mixup else {}
    part = law(n=300, dimension=5, count=3, inner=2, noise=0.0, radius=2.0, truth="norm", **own)
    bases = ss.problems.geometry.subspaces(1, 5, 3, 2, seed=7).bases
    for seed, rows in ((7, part.draw(7).points), (7, part.again(7, 300, "fresh").points)):
        lengths = np.linalg.norm(np.einsum("cmd,nd->ncm", bases, rows), axis=2).max(axis=1)
        np.testing.assert_allclose(lengths, np.linalg.norm(rows, axis=1), rtol=1e-12, err_msg=str(seed))
        assert np.linalg.norm(rows, axis=1).max() <= 2.0
        assert np.mean(np.linalg.norm(rows, axis=1) ** 2) == pytest.approx(4.0 * 2 / 4, rel=0.12)
    fresh = part.again(7, 300, "fresh")
    np.testing.assert_allclose(fresh.labels, np.linalg.norm(fresh.points, axis=1), rtol=1e-12)


def test_what_belongs_to_another_loss_or_law_is_no_column() -> None:
    assert "noise" in columns(run_on(LAWS[0]))
    assert not {"amplitude", "flip_rate"} & set(columns(run_on(LAWS[0])))
    assert not {"noise"} & set(columns(run_on(LAWS[1])))
    row = columns(run_on(LAWS[4]))
    assert (row["problem"], row["law"], row["law_alpha"], row["alpha"]) == ("mixup", "radial", 2.0, 0.5)
    assert not {"count", "inner"} & set(row)
    assert (row["truth_scale"], row["scale"]) == (1.0, 0.5)
    assert Ball().noise == 1.0
    assert Subspaces().truth == "norm"
    assert (Mixup(loss="logistic").amplitude, Mixup(law="subspaces").count) == (2.0, 20)


@pytest.mark.parametrize("part", LAWS)
def test_every_field_decides_the_identity(part: Any) -> None:
    run = run_on(part)
    other = {str: "other", int: 77, float: 0.77, bool: True}
    names = {identity(run)}
    for entry in msgspec.structs.fields(type(part)):
        now = getattr(part, entry.name)
        if now is msgspec.UNSET or entry.name in ("loss", "law"):
            continue
        new = not now if isinstance(now, bool) else other[type(now)]
        before = len(names)
        names.add(identity(replaced(run, **{f"problem_{entry.name}": new})))
        assert len(names) == before + 1, entry.name
    assert identity(msgspec.json.decode(msgspec.json.encode(run), type=Run)) == identity(run)


def test_a_truth_of_ones_own_is_sealed_in_the_ball() -> None:
    part = Ball(**SHARED, truth="numpy:count_nonzero", noise=0.0)
    assert part.truth.startswith("numpy:count_nonzero#")
    assert np.all(part.draw(0).labels == 3.0)
    assert Ball(**SHARED, truth=part.truth).truth == part.truth
    with pytest.raises(InputError, match=r"^truth numpy:max must have the values that it was sealed with"):
        Ball(**SHARED, truth="numpy:max#0123456789ab").draw(0)
    seals = {
        Ball(**{**SHARED, **more}, truth="numpy:max").truth
        for more in ({}, {"radius": 2.0}, {"dimension": 4})
    }
    assert len(seals) == 3


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (lambda: Ball(loss="hinge"), "unknown loss 'hinge'; known: square, logistic"),
        (lambda: Ball(amplitude=1.0).draw(0), 'amplitude must be left out with loss = "square", got 1.0'),
        (lambda: Ball(loss="logistic", noise=1.0).draw(0), 'noise must be left out with loss = "logistic"'),
        (lambda: Mixup(law="cube"), "unknown law 'cube'; known: ball, sphere, radial, subspaces"),
        (lambda: Mixup(law_alpha=1.0).draw(0), 'law_alpha must be left out with law = "ball", got 1.0'),
        (lambda: Mixup(law="radial", inner=1).draw(0), 'inner must be left out with law = "radial", got 1'),
        (lambda: Subspaces(dimension=2, inner=3).draw(0), "inner must be at most dimension = 2, got 3"),
        (lambda: Subspaces(count=0).draw(0), "count must lie between 1 and 10000000, got 0"),
        (lambda: Sphere(dimension=0).draw(0), "dimension must lie between 1 and 10000000, got 0"),
        (lambda: Radial(n=0).draw(0), "n must lie between 1 and 10000000, got 0"),
        (lambda: Radial(alpha=0.0).draw(0), "alpha must be finite and positive, got 0.0"),
        (lambda: Ball(truth="tent").draw(0), "unknown truth 'tent'; known: linear, norm, zero"),
        (lambda: Mixup(copies=0).mixed(Ball().draw(0), 0), "copies must lie between 1 and 10000000, got 0"),
        (lambda: Network(width=3, biases="some").check(), "unknown biases 'some'; "),
        (
            lambda: Network(width=3, start_sharpness=0.0).check(),
            "start_sharpness must be finite and positive",
        ),
        (
            lambda: Network(width=3, start_sharpness=2.0, scale=0.5).check(),
            "scale must be left out with start_sharpness, which chooses it, got 0.5",
        ),
        (
            lambda: Network(width=3, start_sharpness=1.0).check_for(Ball()),
            "start_sharpness must be above 1, that of the output bias alone with the square loss, got 1.0",
        ),
        (
            lambda: Measure(curve_points=5).check(Ball()),
            "curve_points must be 0 with several input variables, got 5; rates = true keeps where",
        ),
    ],
)
def test_refused(part: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        part()


def test_counts_of_input_variables() -> None:
    assert [dimension_of(part) for part in (Ball(dimension=7), LAWS[6])] == [7, 1]
    Measure(curve_points=5).check(LAWS[6])
    Network(width=3, start_sharpness=1.0, biases="none").check_for(Ball())
    Network(width=3, start_sharpness=0.3).check_for(LAWS[1])
