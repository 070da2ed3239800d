"""Where descent gets: every fate is reached, the rule both ways, tiny runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import stepscape as ss
from stepscape import experiments, theory
from stepscape.errors import InputError
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.confidence.arrival import (
    CERTIFIED,
    FATES,
    Standing,
    best_constant,
    fate,
    standings,
)
from stepscape.experiments.confidence.arrival_rule import judge, wilson
from stepscape.experiments.confidence.does_descent_get_there import EXPERIMENT, specs
from stepscape.experiments.logistic.runs import problem_of, start_of
from stepscape.figures import style
from stepscape.losses import divergence
from stepscape.objectives.relu_line_hessian import Hessian
from stepscape.tables import Table
from stepscape.training import Snapshot

PROBLEM = ss.problems.bernoulli("wave", n=60, amplitude=2.0, flip_rate=0.1, seed=1)
LOSS_TRUTH = PROBLEM.training_loss(PROBLEM.truth(PROBLEM.inputs))  # type: ignore[misc]


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def stand(network: ss.TwoLayerReLU) -> Standing:
    (at,) = standings(PROBLEM, [Snapshot(0, 0.0, network, network)], ignore)
    return at


@pytest.fixture(scope="module")
def trained() -> ss.TwoLayerReLU:
    start = ss.TwoLayerReLU.random(100, seed=3)
    return ss.train(PROBLEM, start, ss.GradientDescent(0.3, 3000), measure_sharpness=False).network


class TestFate:
    def test_certified_flat(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        assert fate(at, 2.0 / 0.3, LOSS_TRUTH, 50) == CERTIFIED

    def test_not_certified(self) -> None:
        """A rough network under a threshold that allows it: the bound allows fitting every label."""
        at = stand(ss.TwoLayerReLU.random(100, 8.0, seed=3))
        assert at.certificate.right > at.interpolant > 0.0
        assert fate(at, 1e9, 1e9, 50) == "not certified"

    def test_one_uncertain_input_is_not_certified(self) -> None:
        """With one uncertain input nothing bends between uncertain inputs: the least variation is 0."""
        steep = np.array([30.0, -30.0])
        at = stand(ss.TwoLayerReLU(steep, -steep * PROBLEM.inputs[7], steep))
        assert at.certificate.details["count"] == 1
        assert at.interpolant == 0.0
        assert not at.certified

    def test_underfits(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        assert fate(at, 2.0 / 0.3, 0.999 * at.loss, 50) == "underfits"

    def test_over_the_edge(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        value = np.linalg.eigvalsh(ss.hessian(PROBLEM, trained) @ np.eye(301)).max()
        assert fate(at, value * (1.0 + 1e-6), LOSS_TRUTH, 50) == CERTIFIED
        assert fate(at, value * (1.0 - 1e-6), LOSS_TRUTH, 50) == "over the edge"

    def test_interpolation_trap(self) -> None:
        """The explicit interpolator fits the flipped labels, too; at a large margin it is flat."""
        net = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 60.0)
        at = stand(net)
        assert at.sharpness < 1e-6
        assert fate(at, 2.0, LOSS_TRUTH, 50) == "interpolation trap"
        sharp = theory.flat_interpolator(PROBLEM.inputs, PROBLEM.labels, 2.0)
        assert fate(stand(sharp), 2.0, LOSS_TRUTH, 50) == "over the edge"

    def test_dead(self, trained: ss.TwoLayerReLU) -> None:
        assert fate(stand(trained), 2.0 / 0.3, LOSS_TRUTH, 0) == "dead"

    def test_a_record_stands_for_the_flatter_of_its_two_iterates(self) -> None:
        sharp, flat = (ss.TwoLayerReLU.random(20, scale, seed=0) for scale in (3.0, 0.5))
        pairs = [Snapshot(1, 0.0, sharp, flat), Snapshot(2, 0.0, flat, sharp)]
        assert [at.operator.network for at in standings(PROBLEM, pairs, ignore)] == [flat, flat]

    def test_the_bound_is_that_of_the_best_gamma(self, trained: ss.TwoLayerReLU) -> None:
        at = stand(trained)
        f = trained.predict(PROBLEM.inputs)
        value = np.linalg.eigvalsh(ss.hessian(PROBLEM, trained) @ np.eye(301)).max()
        reach = np.sqrt(1.0 + PROBLEM.x_max**2) * (1.0 - np.exp(-PROBLEM.training_loss(f)))
        best, gamma = min(
            ((value + reach) / (2.0 * np.mean(np.abs(f) <= g) / (4.0 * np.cosh(g / 2.0) ** 2)) - 0.5, g)
            for g in np.abs(f)
        )
        assert at.certificate.right == pytest.approx(best, rel=1e-6)
        some = np.sort(PROBLEM.inputs[np.abs(f) <= gamma])
        labels = gamma * PROBLEM.labels[np.argsort(PROBLEM.inputs)][np.isin(np.sort(PROBLEM.inputs), some)]
        slopes = np.diff(labels) / np.diff(some)
        around = [theory.weight(some[1:-1] + shift, some) for shift in (-1e-9, 0.0, 1e-9)]
        assert at.interpolant == pytest.approx(np.abs(np.diff(slopes)) @ np.min(around, axis=0), rel=1e-4)

    def test_best_constant(self) -> None:
        inside = PROBLEM.inputs > -0.2
        f0 = PROBLEM.truth(PROBLEM.inputs[inside])  # type: ignore[misc]
        found = minimize_scalar(lambda c: float(np.mean(divergence(f0, np.full(f0.size, c)))))
        assert best_constant(PROBLEM, inside) == pytest.approx(found.fun, rel=1e-6)

    def test_best_constant_where_there_is_none(self) -> None:
        sure = ss.Problem([-1.0, 1.0], [0, 1], loss="logistic", truth=lambda x: 0 * x + 800.0)
        none = theory.interior(sure.inputs, sure.inputs)
        assert not none.any()
        assert np.isnan(best_constant(sure, none))
        assert best_constant(sure, ~none) == 0.0

    def test_no_truth(self) -> None:
        bare = ss.Problem(np.array([0.0, 1.0]), np.array([-1.0, 1.0]), loss="logistic")
        with pytest.raises(InputError, match="truth must be given to measure an error to it, got None"):
            best_constant(bare, np.array([True, True]))


STARTS = (("torch", 0.1), ("torch", 1.0), ("torch", 4.0), ("mean_field", 1.0))
ETAS = (0.01, 0.1, 1.0, 4.0)


class Run(NamedTuple):
    init: str
    scale: float
    eta: float
    seed: int


Fate = Callable[[Run], str]


def rows(said: Fate, seeds: int = 10, **columns: Any) -> Table:
    """One row a start, step size and seed, with its fate and an excess risk that depends on the fate."""
    out = []
    for init, scale in STARTS:
        for eta in ETAS:
            for seed in range(seeds):
                word = said(Run(init, scale, eta, seed))
                row = {"init": init, "scale": scale, "step_size": eta, "seed": seed, "fate": word}
                row["outcome"] = "diverged" if word == "diverged" else "finished"
                if word != "diverged":
                    row |= {"bent_neurons": 0 if word == "dead" else 90, "flattest_edge_ratio": 0.9,
                            "reached_at_step": 100.0 if word == CERTIFIED else None,
                            "certified_late": float(word == CERTIFIED),
                            "excess_risk_interior": (0.02 if word == CERTIFIED else 0.06) + 0.001 * seed,
                            "excess_constant_interior": 0.1}  # fmt: skip
                    row |= {name: value(word) for name, value in columns.items()}
                out.append(row)
    return Table.from_records(out)


def judged(said: Fate, seeds: int = 10, **columns: Any) -> dict[str, Any]:
    return judge(Result("does-descent-get-there", {}, rows(said, seeds, **columns)))


def share(wanted: int, of: int = 10) -> Fate:
    """The same share of every seed: that many of each ten runs, counted through the grid."""
    return lambda run: CERTIFIED if (_place(run) + run.seed) % of < wanted else "underfits"


def _place(run: Run) -> int:
    return 4 * STARTS.index((run.init, run.scale)) + ETAS.index(run.eta)


class TestRule:
    @pytest.mark.parametrize(
        ("said", "word"),
        [(share(8), "reproduced"), (share(2), "not_reproduced"), (share(1, 2), "partly")],
    )
    def test_reached(self, said: Fate, word: str) -> None:
        verdicts = judged(said)
        assert verdicts["reached"].word == word
        assert judged(said, seeds=2)["reached"].word == "undecided"
        assert (
            verdicts["reached"].numbers["runs underfits"]
            == 160 - verdicts["reached"].numbers["runs certified flat"]
        )

    def test_the_default_start_is_judged_apart(self) -> None:
        verdicts = judged(lambda run: CERTIFIED if run[:2] == ("torch", 1.0) else "underfits")
        assert verdicts["reached"].word == "not_reproduced"
        assert verdicts["reached_by_default"].word == "reproduced"
        assert verdicts["reached_by_default"].sentence == (
            "40 of 40 runs end certified flat (certified flat 40)"
        )

    def test_no_default_start(self) -> None:
        table = rows(share(8))
        other = table.rows(table["scale"] != 1.0)
        verdict = judge(Result("", {}, other))["reached_by_default"]
        assert verdict.word == "premise_not_met"
        assert verdict.sentence == "the default start, torch at scale 1, is not on the grid"

    @pytest.mark.parametrize(
        ("certain", "word"),
        [((("torch", 0.1), ("torch", 1.0)), "reproduced"), ((("torch", 4.0),), "partly"),
         ((("mean_field", 1.0),), "partly"), ((), "not_reproduced"), (STARTS, "not_reproduced")],
    )  # fmt: skip
    def test_depends_on_initialization(self, certain: tuple[Any, ...], word: str) -> None:
        verdicts = judged(lambda run: CERTIFIED if run[:2] in certain else "dead")
        assert verdicts["depends_on_initialization"].word == word

    @pytest.mark.parametrize(
        ("certain", "word"),
        [((0.01,), "reproduced"), ((4.0, 1.0), "reproduced"), ((0.1, 1.0), "not_reproduced")],
    )
    def test_depends_on_step_size(self, certain: tuple[float, ...], word: str) -> None:
        for seeds, found in ((10, word), (5, word if word == "reproduced" else "undecided")):
            verdicts = judged(lambda run: CERTIFIED if run.eta in certain else "dead", seeds)
            assert verdicts["depends_on_step_size"].word == found

    @pytest.mark.parametrize("part", ["depends_on_initialization", "depends_on_step_size"])
    def test_seeds_are_paired_where_runs_failed(self, part: str) -> None:
        """What is compared is certified in the same seeds, so that no pair differs, whichever are lost."""
        table = rows(lambda run: CERTIFIED if run.seed % 2 else "dead")
        one, other = (0.1, 4.0) if part == "depends_on_initialization" else (0.01, 4.0)
        column = "scale" if part == "depends_on_initialization" else "step_size"
        lost = (table[column] == one) & (table["seed"] == 0) | (table[column] == other) & (table["seed"] == 9)
        verdict = judge(Result("", {}, table.rows(~lost)))[part]
        assert {str(number) for number in verdict.numbers.values()} == {"0 [0, 0]"}
        assert verdict.word == "undecided"  # eight pairs
        assert judge(Result("", {}, table.rows(table["seed"] < 9)))[part].word == "undecided"
        assert judge(Result("", {}, table))[part].word == "not_reproduced"

    def test_two_pairs_decide_nothing(self) -> None:
        table = rows(lambda run: CERTIFIED if run.eta < 1.0 else "dead")
        few = table.rows((table["seed"] < 2) | (table["step_size"] > 0.01))
        assert judge(Result("", {}, few))["depends_on_step_size"].word == "undecided"
        assert judge(Result("", {}, table))["depends_on_step_size"].word == "reproduced"

    def test_nothing_to_compare(self) -> None:
        one = rows(share(5)).where(init="torch", scale=0.1, step_size=0.01)
        verdicts = judge(Result("", {}, one))
        for part in ("depends_on_initialization", "depends_on_step_size"):
            assert verdicts[part].word == "premise_not_met"
            assert verdicts[part].sentence == "there is nothing to compare on this grid"

    @pytest.mark.parametrize(("kept", "word"), [(9, "reproduced"), (6, "partly"), (4, "not_reproduced")])
    def test_stays(self, kept: int, word: str) -> None:
        """Every run was certified once; so many of ten end so."""
        assert judged(share(kept), reached_at_step=lambda _: 7.0)["stays"].word == word

    def test_none_was_certified(self) -> None:
        verdict = judged(lambda *_: "underfits")["stays"]
        assert (verdict.word, verdict.sentence) == (
            "premise_not_met",
            "no run was certified flat at any record",
        )

    @pytest.mark.parametrize(
        ("certified", "others", "word"),
        [
            (0.02, 0.06, "reproduced"),
            (0.06, 0.02, "partly"),
            (0.2, 0.3, "partly"),
            (0.3, 0.2, "not_reproduced"),
        ],
    )
    def test_generalizes(self, certified: float, others: float, word: str) -> None:
        risks = {CERTIFIED: certified, "underfits": others}
        assert judged(share(5), excess_risk_interior=risks.get)["generalizes"].word == word

    def test_dead_networks_are_not_among_the_others(self) -> None:
        verdict = judged(lambda run: CERTIFIED if run.eta < 0.5 else "dead")["generalizes"]
        assert (verdict.word, verdict.sentence) == ("premise_not_met", "no seed has runs of both kinds")

    @pytest.mark.parametrize(("seeds", "word"), [(6, "reproduced"), (5, "partly"), (0, "not_reproduced")])
    def test_interpolation_trap(self, seeds: int, word: str) -> None:
        """So many of ten seeds of one cell end there."""
        trapped = {Run("mean_field", 1.0, 4.0, seed) for seed in range(seeds)}
        verdict = judged(lambda run: "interpolation trap" if run in trapped else CERTIFIED)[
            "interpolation_trap"
        ]
        assert verdict.word == word
        where = "mean-field 1 at η = 4" if word == "reproduced" else "nowhere"
        assert verdict.sentence == f"{seeds} of 160 runs end in it; most seeds from: {where}"

    def test_all_diverged(self) -> None:
        words = {part: verdict.word for part, verdict in judged(lambda *_: "diverged").items()}
        assert words == {
            "reached": "not_reproduced", "reached_by_default": "not_reproduced",
            "depends_on_initialization": "not_reproduced", "depends_on_step_size": "not_reproduced",
            "stays": "premise_not_met", "generalizes": "premise_not_met",
            "interpolation_trap": "not_reproduced",
        }  # fmt: skip

    def test_wilson(self) -> None:
        """(p + z²/2n ± z √(p(1 − p)/n + z²/4n²))/(1 + z²/n) with z = 1.96: for 3 of 10, .108 and .603."""
        assert wilson(3, 10) == "0.3 [0.108, 0.603]"


TINY = {"n": "20", "width": "40", "steps": "300", "records": "6", "seeds": "2", "step_sizes": "0.02,0.5"}


def tiny(**overrides: str) -> Result:
    return experiments.run(EXPERIMENT, resolve_settings(EXPERIMENT, {**TINY, **overrides}), workers=1)


@pytest.fixture(scope="module")
def result() -> Result:
    return tiny()


class TestRuns:
    def test_registered(self) -> None:
        assert experiments.get("does-descent-get-there") is EXPERIMENT
        assert set(EXPERIMENT.quick) == set(EXPERIMENT.full)
        assert len(EXPERIMENT.specs(EXPERIMENT.full)) == 490

    def test_columns_agree(self, result: Result) -> None:
        table = result.table
        assert len(table) == 16
        assert set(EXPERIMENT.premises) <= set(table.columns)
        assert set(table["fate"]) <= set(FATES)
        certified = table["fate"] == CERTIFIED
        assert (np.isfinite(table["reached_at_step"]) >= certified).all()
        assert ((table["certified_late"] > 0) >= certified).all()
        assert table["reached_at_time"] == pytest.approx(
            table["step_size"] * table["reached_at_step"], nan_ok=True
        )
        assert (table["flat"] == (table["flattest_edge_ratio"] <= 1.0)).all()
        assert (table["flat"][certified] & table["optimized"][certified]).all()
        assert (table["bound"][certified] < table["interpolant"][certified]).all()

    def test_the_end_is_that_of_the_flatter_iterate(self, result: Result) -> None:
        row = result.table.where(init="torch", scale=4.0, step_size=0.5, seed=1)
        problem = ss.problems.bernoulli("wave", n=20, amplitude=2.0, flip_rate=0.1, seed=1)
        wanted = ("torch", 4.0, 0.5, 1)
        (begin,) = (
            start_of(spec.run)
            for spec in specs(result.settings)
            if (spec.run.init, spec.run.scale, spec.run.step_size, spec.run.seed) == wanted
        )
        run = ss.train(problem, begin, ss.GradientDescent(0.5, 300), measure_sharpness=False)
        least = min(
            np.linalg.eigvalsh(ss.hessian(problem, net) @ np.eye(121)).max()
            for net in (run.network, run.network_before)
        )
        assert row["flattest_edge_ratio"][0] == pytest.approx(least * 0.25, rel=1e-6)
        of_truth = problem.training_loss(problem.truth(problem.inputs))  # type: ignore[misc]
        assert row["loss_truth"][0] == pytest.approx(of_truth, rel=1e-12)

    def test_reached_is_the_first_record_that_is_certified(self) -> None:
        found = tiny(n="60", width="60", steps="2000", records="9", scales="1", step_sizes="0.5", seeds="1")
        row, run = found.table.where(init="torch"), specs(found.settings)[0].run
        problem, snapshots = problem_of(run), list[Snapshot]()
        at = np.unique(np.geomspace(1, 2000, 9).astype(int)).tolist()
        ss.train(problem, start_of(run), ss.GradientDescent(0.5, 2000), 2000, False, snapshots.append,
                 record_at=at)  # fmt: skip
        said = [
            fate(each, 4.0, row["loss_truth"][0], 1) == CERTIFIED
            for each in standings(problem, snapshots, ignore)
        ]
        assert 1 < sum(said) < len(said)
        assert row["reached_at_step"][0] == [0, *at][said.index(True)]
        assert row["certified_late"][0] == np.mean([is_so for is_so, step in zip(said[1:], at, strict=True)
                                                    if step >= 200])  # fmt: skip
        x = problem.inputs
        inside = theory.weight(x, x) >= theory.weight(np.linspace(-1, 1, 20_001), x).max() / 10
        assert row["excess_constant_interior"][0] == best_constant(problem, inside)

    def test_it_ends_with_verdicts(self, result: Result) -> None:
        verdicts = EXPERIMENT.judge(result)
        assert set(verdicts) == {
            "reached", "reached_by_default", "depends_on_initialization", "depends_on_step_size", "stays",
            "generalizes", "interpolation_trap",
        }  # fmt: skip
        assert all(verdict.sentence for verdict in verdicts.values())

    def test_figures(self, result: Result) -> None:
        figures = EXPERIMENT.figures(result)
        assert set(figures) == {"fates", "times", "found"}
        for figure in figures.values():
            assert len(style.svg(figure)) < 1_000_000

    def test_every_fate_is_drawn_with_its_own_mark(self) -> None:
        order = iter(FATES * 100)
        table = rows(lambda *_: next(order), seeds=7, bound=lambda _: 9.0, variation=lambda _: 1.0,
                     interpolant=lambda _: 99.0, reached_at_time=lambda _: 5.0)  # fmt: skip
        figures = EXPERIMENT.figures(Result("", {}, table))
        legend = figures["fates"].legends[0]
        assert [text.get_text()[3:] for text in legend.get_texts()] == list(FATES)
        looks = {(patch.get_hatch(), patch.get_facecolor()) for patch in legend.get_patches()}
        assert len(looks) == len(FATES)
        for figure in figures.values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    def test_nothing_finishes(self) -> None:
        result = tiny(step_sizes="1e30", seeds="1")
        assert set(result.table["fate"]) == {"diverged"}
        assert {verdict.word for verdict in EXPERIMENT.judge(result).values()} <= {
            "undecided", "premise_not_met", "not_reproduced",
        }  # fmt: skip
        for figure in EXPERIMENT.figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
         ({"scales": "0"}, "scale must be finite and positive, got 0.0"),
         ({"seeds": "0"}, "seeds must be at least 1, got 0"),
         ({"flip_rate": "0.7"}, r"flip_rate must lie in \[0, 0.5\), got 0.7")],
    )  # fmt: skip
    def test_refused_before_the_first_run(self, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            tiny(**overrides)

    def test_a_standing_reads_the_operator(self) -> None:
        net = ss.TwoLayerReLU.random(10, seed=0)
        at = Standing(Hessian(PROBLEM, net), ss.Eigenpair(1.0, 0.25, np.empty(0), 0))
        assert at.sharpness == 1.25
        f = net.predict(PROBLEM.inputs)
        assert at.loss == pytest.approx(PROBLEM.training_loss(f), rel=1e-12)
        assert at.smallest_margin == pytest.approx((PROBLEM.labels * f).min(), rel=1e-10)
