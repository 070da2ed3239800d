"""Smoothness against confidence: measures against other computations, the rule both ways, tiny runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import stepscape as ss
from stepscape import experiments, theory
from stepscape.errors import InputError
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.confidence.smoothness_measures import (
    at_levels,
    crossing,
    followed,
    growth,
    margins,
    margins_of_truth,
    of_truth,
    turned_around,
)
from stepscape.experiments.confidence.smoothness_or_confidence import EXPERIMENT, FollowedRun, MarginRun
from stepscape.experiments.confidence.smoothness_rule import judge, parted
from stepscape.figures import style
from stepscape.measures.transient import after_transient
from stepscape.objectives import sharpness
from stepscape.tables import Table
from stepscape.training import Snapshot

ETAS = (0.01, 0.1, 0.4, 1.2)
FALLING = (4.0, 3.0, 2.0, 1.0)
RISING = (1.0, 2.0, 3.0, 4.0)
FLAT = (2.0, 2.0, 2.0, 2.0)
LEVELS = ("half", "truth", "twice")


def problem_of(seed: int = 0, amplitude: float = 4.0) -> ss.Problem:
    return ss.problems.bernoulli("wave", n=40, amplitude=amplitude, seed=seed)


def snapshot_of(seed: int, scale: float) -> Snapshot:
    last, before = (ss.TwoLayerReLU.random(30, scale, seed=s) for s in (seed, seed + 100))
    return Snapshot(1, 0.0, last, before)


def mean_network(snapshot: Snapshot) -> ss.TwoLayerReLU:
    """One network whose function is the mean of the two."""
    pair = (snapshot.network, snapshot.network_before)
    w1, b1 = (np.concatenate([getattr(net, name) for net in pair]) for name in ("w1", "b1"))
    w2 = np.concatenate([0.5 * net.w2 for net in pair])
    return ss.TwoLayerReLU(w1, b1, w2, 0.5 * (pair[0].b2 + pair[1].b2))


class TestMeasures:
    @pytest.mark.parametrize(("seed", "scale"), [(0, 1.0), (1, 3.0), (2, 6.0)])
    def test_they_are_those_of_the_mean_function(self, seed: int, scale: float) -> None:
        problem, snapshot = problem_of(seed), snapshot_of(seed, scale)
        net, x = mean_network(snapshot), problem.inputs
        f = net.predict(x)
        inside = theory.weight(x, x) >= theory.weight(np.linspace(-1, 1, 20_001), x).max() / 10
        ends = np.abs(x - (x.max() + x.min()) / 2) >= 0.4 * (x.max() - x.min())
        curvature = 1.0 / (4.0 * np.cosh(f / 2.0) ** 2)
        probability = 1.0 / (1.0 + np.exp(-problem.truth(x)))  # type: ignore[misc]
        risk = probability * np.log1p(np.exp(-f)) + (1 - probability) * np.log1p(np.exp(f))
        least = -probability * np.log(probability) - (1 - probability) * np.log1p(-probability)
        whole, part = ((float(at.min()), float(at.max())) for at in (x, x[inside]))
        w = (net.w1, net.b1, net.w2)
        wanted = {
            "confidence": np.median(np.abs(f)),
            "confidence_interior": np.median(np.abs(f[inside])),
            "largest": np.abs(f).max(),
            "largest_ends": np.abs(f[ends]).max(),
            "largest_inside": np.abs(f[~ends]).max(),
            "smallest_margin": (problem.labels * f).min(),
            "loss_mean": np.mean(np.log1p(np.exp(-problem.labels * f))),
            "weighted_tv": theory.weighted_tv(*w, x),
            "tv": theory.total_variation(*w, whole),
            "tv_interior": theory.total_variation(*w, part),
            "curvature": curvature.mean(),
            "curved_tv": theory.weighted_tv(*w, x, curvature),
            "excess_risk": np.mean(risk - least),
            "excess_interior": np.mean((risk - least)[inside]),
        }
        path = followed(problem, [snapshot, snapshot])
        assert path.keys() == wanted.keys()
        for name, value in wanted.items():
            assert path[name] == pytest.approx([value, value], rel=1e-10), name

    @pytest.mark.parametrize("seed", range(5))
    def test_curvature_times_variation_is_below_the_largest_eigenvalue(self, seed: int) -> None:
        """The inequality whose two sides the lower planes draw, at one network."""
        problem, net = problem_of(seed), ss.TwoLayerReLU.random(30, 1.0 + seed, seed=seed)
        path = followed(problem, [Snapshot(0, 0.0, net, net)])
        left = path["curvature"][0] * (1.0 + 2.0 * path["curved_tv"][0])
        right = sharpness(problem, net, gauss_newton=True)
        assert 0.0 < left <= right.value + right.residual

    @pytest.mark.parametrize("amplitude", [1.0, 4.0])
    def test_the_truth(self, amplitude: float) -> None:
        """f0 = A sin 2πx: ∫|f0''|g by the rule of rectangles on |f0''| = 4π² A |sin 2πx|."""
        problem = problem_of(3, amplitude)
        x, found = problem.inputs, of_truth(problem)
        t = np.linspace(x.min(), x.max(), 200_001)
        bend = 4.0 * np.pi**2 * amplitude * np.abs(np.sin(2.0 * np.pi * t)) * (t[1] - t[0])
        inside = x[theory.interior(x, x)]
        assert found["weighted_tv"] == pytest.approx(bend @ theory.weight(t, x), rel=1e-3)
        assert found["tv"] == pytest.approx(bend.sum(), rel=1e-3)
        assert found["tv_interior"] == pytest.approx(
            bend[(t > inside.min()) & (t < inside.max())].sum(), rel=1e-2
        )
        size = np.abs(amplitude * np.sin(2.0 * np.pi * x))
        assert found["confidence"] == pytest.approx(np.median(size), rel=1e-12)

    def test_margins_are_those_of_the_mean_function(self) -> None:
        problem, snapshot = problem_of(1), snapshot_of(1, 3.0)
        f = mean_network(snapshot).predict(problem.inputs)
        found = margins(problem, [snapshot])
        assert found["margin"] == pytest.approx([np.median(problem.labels * f)], rel=1e-10)
        assert found["margin_share"] == pytest.approx(found["margin"] / np.median(np.abs(f)), rel=1e-10)
        assert -1.0 < found["margin_share"][0] < 0.9  # labels are missed

    def test_the_margin_of_a_fit_of_every_label_is_its_size(self) -> None:
        problem = problem_of(2)
        net = theory.flat_interpolator(problem.inputs, problem.labels, 3.0)
        found = margins(problem, [Snapshot(0, 0.0, net, net)])
        assert found["margin"] == pytest.approx([3.0])
        assert found["margin_share"] == pytest.approx([1.0])

    def test_a_network_that_is_nowhere_sure_has_no_share(self) -> None:
        none = ss.TwoLayerReLU(np.ones(1), np.zeros(1), np.zeros(1))
        assert np.isnan(margins(problem_of(), [Snapshot(0, 0.0, none, none)])["margin_share"][0])

    def test_margins_of_the_truth(self) -> None:
        problem = problem_of(3)
        logit = 4.0 * np.sin(2.0 * np.pi * problem.inputs)
        found = margins_of_truth(problem)
        assert found["margin"] == pytest.approx(np.median(problem.labels * logit))
        assert found["margin_share"] == pytest.approx(found["margin"] / np.median(np.abs(logit)))

    def test_no_truth(self) -> None:
        bare = ss.Problem(np.array([0.0, 1.0]), np.array([-1.0, 1.0]), loss="logistic")
        with pytest.raises(InputError, match="truth must be given to compare with it, got None"):
            of_truth(bare)

    def test_a_level_is_where_the_path_last_rises_through_it(self) -> None:
        at, values = np.array([0.0, 3.0, 1.0, 2.0, 4.0, 5.0]), np.array([0.0, 1.0, 2.0, 10.0, 20.0, 0.0])
        assert crossing(at, 2.5, values) == pytest.approx(12.5)  # a quarter of the way from 10 to 20
        assert crossing(at, 1.5, values) == pytest.approx(6.0)
        assert np.isnan(crossing(at, 6.0, values))
        assert np.isnan(crossing(at[::-1], 4.5, values))  # it only falls through that
        assert np.isnan(crossing(at[:0], 1.0, values[:0]))

    def test_levels_are_those_of_the_truth(self) -> None:
        line = np.linspace(0.0, 10.0, 11)
        path = dict.fromkeys(("confidence", "confidence_interior"), line)
        path |= dict.fromkeys(("weighted_tv", "tv", "tv_interior"), 3.0 * line)
        truth = {
            "confidence": 2.0,
            "confidence_interior": 1.0,
            "weighted_tv": 6.0,
            "tv": 9.0,
            "tv_interior": 60,
        }
        found = at_levels(path, truth)
        assert len(found) == 18
        assert [found[f"weighted_tv_when_confidence_{level}"] for level in LEVELS] == pytest.approx(
            [3, 6, 12]
        )
        assert [found[f"confidence_when_weighted_tv_{level}"] for level in LEVELS] == pytest.approx([1, 2, 4])
        assert [found[f"tv_interior_when_confidence_interior_{level}"] for level in LEVELS] == pytest.approx(
            [1.5, 3, 6]
        )
        assert found["confidence_interior_when_tv_interior_half"] == pytest.approx(10.0)
        assert np.isnan(found["confidence_interior_when_tv_interior_truth"])

    def test_what_is_overshot_is_left_out(self) -> None:
        path = {"loss_mean": np.array([0.7, 0.6, 5.0, 0.71, 0.5, 0.4]), "tv": np.arange(6.0)}
        assert after_transient(path)["tv"].tolist() == [4.0, 5.0]
        assert after_transient({"loss_mean": np.array([0.7, 0.8])})["loss_mean"].size == 0

    def test_growth_is_the_slope_of_its_decade(self) -> None:
        steps = np.array([1, 10, 30, 100, 150, 300, 1000])
        values = np.where(steps <= 100, np.log10(steps), 2.0 + 7.0 * (np.log10(steps) - 2.0))
        assert growth(steps, values) == pytest.approx(7.0)
        assert growth(steps, values, 1) == pytest.approx(1.0)
        assert np.isnan(growth(steps[:1], values[:1]))

    def test_turning_around_is_what_was_lost_and_one_record_does_not_count(self) -> None:
        up, down = np.linspace(0.0, 10.0, 21), np.linspace(10.0, 6.0, 21)
        hill = np.concatenate([up, np.full(5, 10.0), down, np.full(5, 6.0)])
        assert turned_around(hill) == pytest.approx(0.4)
        assert turned_around(up) == 0.0
        spike = np.full(21, 1.0)
        spike[10] = 50.0
        assert turned_around(spike) == 0.0
        assert np.isnan(turned_around(up[:0]))
        assert np.isnan(turned_around(0.0 * up))

    def test_a_network_that_is_sure_of_every_input_has_no_curvature(self) -> None:
        """s(−|f|) is 0 in floating point from |f| = 746 on."""
        sure = ss.TwoLayerReLU(np.ones(1), np.array([2.0]), np.array([900.0]))
        path = followed(problem_of(), [Snapshot(0, 0.0, sure, sure)])
        assert path["curvature"][0] == 0.0
        assert np.isnan(path["curved_tv"][0])
        assert np.isfinite(path["weighted_tv"][0])


def rows(seeds: int = 10, cells: tuple[float, ...] = (1.0, 4.0), **columns: Any) -> Table:
    """One row a cell, seed and step size, with noise that no interval takes for an effect.

    A tuple holds a value for each step size.
    """
    levels = [f"{one}_when_{two}_{level}" for level in LEVELS for one, two in (
        ("weighted_tv", "confidence"), ("confidence", "weighted_tv"), ("tv", "confidence"),
        ("tv_interior", "confidence_interior"), ("weighted_tv", "margin"))]  # fmt: skip
    fixed: dict[str, Any] = dict.fromkeys(levels, FLAT)
    fixed |= {"weighted_tv_equal_time": FLAT, "confidence_growth": 0.0, "largest_growth": 0.0}
    fixed["weighted_tv_growth"] = 0.3
    fixed |= {f"margin_share_when_confidence_{level}": 0.8 for level in LEVELS}
    fixed |= dict.fromkeys(("confidence", "tv", "weighted_tv", "excess_risk", "excess_interior"), 1.0)
    fixed |= dict.fromkeys(("edge_ratio", "budget_used", "margin", "margin_share", "smallest_margin"), 1.0)
    fixed |= {"weighted_tv_lost": 0.02, "largest_ends": 3.0, "largest_inside": 3.0, "bent_neurons": 90}
    out = []
    for amplitude in cells:
        for seed in range(seeds):
            for j, eta in enumerate(ETAS):
                row: dict[str, Any] = {
                    name: value[j] if isinstance(value, tuple) else value
                    for name, value in {**fixed, **columns, **columns.get(f"at_{amplitude:g}", {})}.items()
                    if not isinstance(value, dict)
                }
                for name, value in row.items():
                    if isinstance(value, float):
                        row[name] = value + 0.01 * (j + 1) * (-1) ** seed
                out.append({"amplitude": amplitude, "flip_rate": 0.0, "seed": seed, "step_size": eta,
                            "outcome": "finished", **row})  # fmt: skip
    return Table.from_records(out)


def judged(table: Table, with_margins: Table | None = None) -> dict[str, Any]:
    """Judge; runs with margins are others, told by their column."""
    own = [{**row, "margins": "logistic/1"} for row in (with_margins or table).records()]
    both = Table.from_records([*table.records(), *own])
    return judge(Result("smoothness-or-confidence", {}, both))


def levels_of(one: str, two: str, value: Any) -> dict[str, Any]:
    return {f"{one}_when_{two}_{level}": value for level in LEVELS}


SMOOTHER = {
    "smoother": ("weighted_tv", "confidence"),
    "smoother_interior": ("tv_interior", "confidence_interior"),
    "smoother_unweighted": ("tv", "confidence"),
}


class TestRule:
    @pytest.mark.parametrize("part", SMOOTHER)
    @pytest.mark.parametrize(
        ("values", "word"), [(FALLING, "reproduced"), (RISING, "not_reproduced"), (FLAT, "not_reproduced")]
    )
    def test_smoother(self, part: str, values: tuple[float, ...], word: str) -> None:
        changed = levels_of(*SMOOTHER[part], values)
        assert judged(rows(**changed))[part].word == word
        few = "undecided" if values == FLAT else word  # the opposite needs no ten seeds
        assert judged(rows(seeds=5, **changed))[part].word == few

    def test_each_plane_has_its_own_columns(self) -> None:
        verdicts = judged(rows(**levels_of("tv", "confidence", FALLING)))
        assert [verdicts[part].word for part in SMOOTHER] == [
            "not_reproduced",
            "not_reproduced",
            "reproduced",
        ]

    def test_one_level_or_one_cell_is_part(self) -> None:
        assert judged(rows(weighted_tv_when_confidence_truth=FALLING))["smoother"].word == "partly"
        here = levels_of("weighted_tv", "confidence", FALLING)
        assert judged(rows(at_4=here))["smoother"].word == "partly"

    def test_a_level_that_one_step_size_reaches_is_not_asked_about(self) -> None:
        lonely = (np.nan, np.nan, np.nan, 9.0)
        changed = {
            **levels_of("weighted_tv", "confidence", FALLING),
            "weighted_tv_when_confidence_twice": lonely,
        }
        verdict = judged(rows(**changed))["smoother"]
        assert verdict.word == "reproduced"
        assert "twice" not in verdict.sentence
        none = judged(rows(**levels_of("weighted_tv", "confidence", lonely)))["smoother"]
        assert (none.word, none.sentence) == ("premise_not_met", "no level is reached at two step sizes")

    def test_a_level_that_one_cell_reaches_is_asked_there(self) -> None:
        far = {"weighted_tv_when_confidence_twice": (np.nan,) * 4}
        verdict = judged(rows(**levels_of("weighted_tv", "confidence", FALLING), at_1=far))["smoother"]
        assert verdict.word == "reproduced"
        assert "less rough where median |f| is twice the truth's: yes" in verdict.sentence

    def test_step_sizes_that_do_not_come_there_are_not_compared(self) -> None:
        """Of the step sizes that come to a level, 0.01 is the best and 0.4 the worst."""
        changed = levels_of("weighted_tv", "confidence", (1.0, 2.0, 3.0, np.nan))
        assert judged(rows(**changed))["smoother"].word == "not_reproduced"

    @pytest.mark.parametrize(("values", "word"), [(RISING, "reproduced"), (FALLING, "not_reproduced")])
    def test_more_confident(self, values: tuple[float, ...], word: str) -> None:
        assert judged(rows(**levels_of("confidence", "weighted_tv", values)))["more_confident"].word == word

    @pytest.mark.parametrize(("values", "word"), [(FALLING, "reproduced"), (RISING, "not_reproduced")])
    def test_equal_time(self, values: tuple[float, ...], word: str) -> None:
        assert judged(rows(weighted_tv_equal_time=values))["smoother_at_equal_time"].word == word

    @pytest.mark.parametrize(
        ("grows", "moves", "word"),
        [(0.5, 0.0, "reproduced"), (0.5, 0.3, "partly"), (0.5, -0.3, "partly"), (0.0, 0.0, "partly"),
         (-0.5, 0.3, "not_reproduced")],
    )  # fmt: skip
    def test_confidence_outlives_smoothness(self, grows: float, moves: float, word: str) -> None:
        changed: dict[str, Any] = {"confidence_growth": grows, "weighted_tv_growth": moves}
        changed["largest_growth"] = grows
        assert judged(rows(**changed))["confidence_outlives_smoothness"].word == word

    def test_only_the_largest_step_size_is_asked_what_outlives(self) -> None:
        late = (-1.0, -1.0, -1.0, 1.0)
        changed: dict[str, Any] = {"confidence_growth": late, "largest_growth": late}
        changed["weighted_tv_growth"] = (1.0, 1.0, 1.0, 0.0)
        assert judged(rows(**changed))["confidence_outlives_smoothness"].word == "reproduced"

    def test_the_largest_alone_may_grow(self) -> None:
        verdict = judged(rows(largest_growth=1.0, confidence_growth=-1.0))["confidence_outlives_smoothness"]
        assert verdict.word == "partly"
        assert "largest |f| still grows: yes in all 2 cells" in verdict.sentence

    @pytest.mark.parametrize(("lost", "word"), [(0.2, "reproduced"), (0.09, "not_reproduced")])
    def test_smoothness_returns(self, lost: float, word: str) -> None:
        assert judged(rows(weighted_tv_lost=lost))["smoothness_returns"].word == word

    @pytest.mark.parametrize(
        ("ends", "word"),
        [(9.0, "reproduced"), (1.0, "not_reproduced"), ((1.0, 1.0, 1.0, 9.0), "partly"),
         ((9.0, 1.0, 1.0, 1.0), "partly")],
    )  # fmt: skip
    def test_confident_at_the_ends(self, ends: Any, word: str) -> None:
        assert judged(rows(largest_ends=ends))["confident_at_the_ends"].word == word

    def test_seeds_that_had_been_seen_do_not_judge_the_ends(self) -> None:
        """Seeds 0 to 2 say yes, the others no."""
        table = rows(largest_ends=9.0)
        seen = table.rows(table["seed"] <= 2).records()
        rest = rows(largest_ends=1.0)
        mixed = Table.from_records([*seen, *rest.rows(rest["seed"] > 2).records()])
        verdict = judged(mixed)["confident_at_the_ends"]
        assert verdict.word == "not_reproduced"
        assert verdict.numbers["seeds"] == 7.0
        none = judged(rows(seeds=3, largest_ends=9.0))["confident_at_the_ends"]
        assert (none.word, none.sentence) == ("undecided", "every seed was looked at before this was asked")

    @pytest.mark.parametrize(
        ("values", "word"), [(FALLING, "reproduced"), (RISING, "not_reproduced"), (FLAT, "not_reproduced")]
    )
    def test_smoother_at_equal_margin(self, values: tuple[float, ...], word: str) -> None:
        own = rows(**levels_of("weighted_tv", "margin", values))
        assert judged(rows(), own)["smoother_at_equal_margin"].word == word

    def test_margins_are_asked_of_their_own_runs_alone(self) -> None:
        changed = levels_of("weighted_tv", "margin", FALLING) | levels_of(
            "weighted_tv", "confidence", FALLING
        )
        here, there = judged(rows(**changed), rows()), judged(rows(), rows(**changed))
        assert (here["smoother"].word, here["smoother_at_equal_margin"].word) == (
            "reproduced",
            "not_reproduced",
        )
        assert (there["smoother"].word, there["smoother_at_equal_margin"].word) == (
            "not_reproduced",
            "reproduced",
        )
        beside = [name for name in there["smoother_at_equal_margin"].numbers if name.startswith("not judged")]
        assert len(beside) == 3 * 3  # levels × (cells and all together)
        assert all("median |f|" in name for name in beside)

    @pytest.mark.parametrize(
        ("share", "word"),
        [((0.8, 0.8, 0.8, 0.85), "reproduced"), ((0.8, 0.8, 0.8, 0.75), "reproduced"),
         ((0.8, 0.8, 0.8, 0.95), "partly"), ((0.8, 0.8, 0.8, 0.65), "partly")],
    )  # fmt: skip
    def test_margin_follows_confidence(self, share: tuple[float, ...], word: str) -> None:
        """One of the two sides always holds: not more by a tenth, or not less."""
        own = rows(**levels_of("margin_share", "confidence", share))
        assert judged(rows(), own)["margin_follows_confidence"].word == word

    def test_without_such_runs_nothing_is_said_of_margins(self) -> None:
        found = judge(Result("smoothness-or-confidence", {}, rows()))
        assert found["smoother"].word == "not_reproduced"
        assert found["smoother_at_equal_margin"].word == "premise_not_met"
        assert found["margin_follows_confidence"].word == "premise_not_met"

    def test_which_step_sizes_are_compared_is_told(self) -> None:
        changed = levels_of("weighted_tv", "confidence", (1.0, 2.0, 3.0, np.nan))
        numbers = judged(rows(**changed))["smoother"].numbers
        key = "amplitude 1, flips 0: compared where median |f| is the truth's"
        assert numbers[key] == "η = 0.01 with 0.4, 10 seeds"

    def test_medians_stand_beside(self) -> None:
        numbers = judged(rows(tv=(5.0, 6.0, 7.0, 8.0)))["smoother_unweighted"].numbers
        key = "amplitude 4, flips 0: ∫|f''| at the end, medians at η = 0.01, 0.1, 0.4, 1.2"
        assert numbers[key] == "5, 6, 7, 8"

    @pytest.mark.parametrize("lost", [{"bent_neurons": 0}, {"outcome": "diverged"}])
    def test_premise(self, lost: dict[str, Any]) -> None:
        assert {verdict.word for verdict in judged(rows(**lost)).values()} == {"premise_not_met"}


PARTS = {
    *SMOOTHER, "more_confident", "smoother_at_equal_time", "confidence_outlives_smoothness",
    "smoothness_returns", "confident_at_the_ends", "smoother_at_equal_margin", "margin_follows_confidence",
}  # fmt: skip
TINY = {"n": "20", "width": "40", "amplitudes": "1,4", "steps": "300", "records": "8", "seeds": "2",
        "margin_steps": "300", "margin_seeds": "2", "margin_step_sizes": "0.02,0.2,1"}  # fmt: skip


def tiny(**overrides: str) -> Result:
    settings = resolve_settings(EXPERIMENT, {**TINY, "step_sizes": "0.02,0.2,1", **overrides})
    return experiments.run(EXPERIMENT, settings, workers=1)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


class TestRuns:
    def test_registered(self) -> None:
        assert experiments.get("smoothness-or-confidence") is EXPERIMENT
        assert set(EXPERIMENT.quick) == set(EXPERIMENT.full)
        kinds = [type(spec) for spec in EXPERIMENT.specs(EXPERIMENT.full)]
        assert (kinds.count(FollowedRun), kinds.count(MarginRun)) == (180, 90)

    def test_seeds_with_margins_are_others(self) -> None:
        for settings in (EXPERIMENT.quick, EXPERIMENT.full):
            specs = EXPERIMENT.specs(settings)
            seen = {spec.run.seed for spec in specs if isinstance(spec, FollowedRun)}
            assert not seen & {spec.margins.seed for spec in specs if isinstance(spec, MarginRun)}

    def test_columns(self, result: Result) -> None:
        assert len(result.table) == 24
        table, with_margins = parted(result.table)
        assert len(table) == len(with_margins) == 12
        assert set(with_margins["seed"]) == {100, 101}
        assert np.isnan(table["margin"]).all()
        assert (np.abs(with_margins["margin"]) <= with_margins["largest"]).all()
        share = with_margins["margin"] / with_margins["confidence"]
        assert with_margins["margin_share"] == pytest.approx(share)
        assert set(table["outcome"]) == {"finished"}
        assert set(EXPERIMENT.premises) <= set(table.columns)
        first = table.where(step_size=0.02)
        assert np.array_equal(first["confidence"], first["confidence_equal_time"])
        assert table["largest"] == pytest.approx(np.maximum(table["largest_ends"], table["largest_inside"]))

    def test_equal_time(self, result: Result) -> None:
        """The largest step size has a fiftieth of the steps: its record there is the sixth of 300."""
        steps = result.arrays["steps|1|0|1|0"]
        here = parted(result.table)[0].where(amplitude=1.0, step_size=1.0, seed=0)
        path = result.arrays["weighted_tv|1|0|1|0"]
        assert here["weighted_tv_equal_time"][0] == path[list(steps).index(6.0)]

    def test_it_ends_with_verdicts(self, result: Result) -> None:
        verdicts = EXPERIMENT.judge(result)
        assert set(verdicts) == PARTS
        assert all(verdict.sentence for verdict in verdicts.values())

    def test_figures(self, result: Result) -> None:
        figures = EXPERIMENT.figures(result)
        assert set(figures) == {"planes", "margins", "over-time", "equal-levels"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 1_000_000
        lower = figures["planes"].axes[2]
        slopes: list[NDArray[Any]] = [
            np.diff(np.log(each.get_data()), axis=1)[:, 0]  # type: ignore[arg-type]
            for each in lower.lines
            if len(each.get_xdata()) == 2  # type: ignore[arg-type]
        ]
        assert slopes
        assert all(rise == pytest.approx(run) for run, rise in slopes)

    def test_one_step_is_a_run(self) -> None:
        for figure in EXPERIMENT.figures(tiny(steps="1", seeds="1", amplitudes="4")).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    def test_nothing_finishes(self) -> None:
        huge = {"step_sizes": "1e30,1e31", "margin_step_sizes": "1e30,1e31"}
        result = tiny(**huge, seeds="1", first_seed="5", margin_seeds="1")
        assert set(result.table["outcome"]) == {"diverged"}
        assert {verdict.word for verdict in EXPERIMENT.judge(result).values()} == {"premise_not_met"}
        for figure in EXPERIMENT.figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
         ({"seeds": "0"}, "seeds must be at least 1, got 0"),
         ({"margin_seeds": "0"}, "seeds must be at least 1, got 0"),
         ({"n": "4"}, "n must be at least 5, got 4"),
         ({"amplitudes": "-1"}, "amplitude must be finite and not negative, got -1.0"),
         ({"flip_rates": "0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
         ({"truth": "wafe"}, "unknown curve 'wafe'; did you mean 'wave'")],
    )  # fmt: skip
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            tiny(**overrides)
