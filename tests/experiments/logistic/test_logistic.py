"""Logistic runs and the experiments on them: specs, measures, rules on synthetic tables, tiny runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import stepscape as ss
from stepscape import experiments
from stepscape.errors import InputError
from stepscape.experiments.common.experiment import Result, resolve_settings
from stepscape.experiments.logistic import (
    logistic_step_sizes_rule,
    noise_robustness_rule,
    uncertain_regions_rule,
)
from stepscape.experiments.logistic.boundary_share import with_shares
from stepscape.experiments.logistic.columns import truth
from stepscape.experiments.logistic.edge import arrived, at_edge, edges, started_beyond
from stepscape.experiments.logistic.grid import (
    TOGETHER,
    around,
    asked,
    cells,
    decades,
    drop,
    together,
    word_at_once,
    word_of,
)
from stepscape.experiments.logistic.logistic_step_sizes import intervals_of
from stepscape.experiments.logistic.runs import (
    LogisticRun,
    equal_time,
    grid,
    method_of,
    problem_of,
    start_of,
    work,
)
from stepscape.figures import style
from stepscape.lab.spec import identity, stream
from stepscape.measures.classification import confidence
from stepscape.tables import Record, Table, Verdict
from stepscape.tables.interval import Interval, mean_interval
from stepscape.training import train

NAMES = ("logistic-step-sizes", "uncertain-regions", "noise-robustness")
TINY = {"n": "25", "width": "30", "steps": "300", "seeds": "3", "records": "5"}


def ignore(_: float) -> None:
    """Progress that nobody watches."""


def tiny(name: str, **overrides: str) -> Result:
    experiment = experiments.get(name)
    settings = resolve_settings(experiment, {**TINY, **overrides})
    return experiments.run(experiment, settings, lambda *_: None)


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


class TestSpecs:
    def test_full_sizes(self) -> None:
        full = experiments.get("logistic-step-sizes").full
        assert list(full["step_sizes"]) == [round(0.01 * i, 2) for i in range(1, 121)]
        assert (full["width"], full["steps"], full["n"]) == (400, 30_000, 100)
        assert len(every("logistic-step-sizes")) == 120 * 3 * 3 * 5
        noise = every("noise-robustness")
        assert (len(noise), {run.steps for run in noise}) == (10 * 3 * 20, {100_000})

    def test_a_common_store_trains_once(self) -> None:
        whole, regions = ({identity(run) for run in every(name)} for name in NAMES[:2])
        assert regions < whole
        assert len(regions) == 4 * 3 * 3 * 5

    def test_drawn_are_the_first_seed_and_the_shown(self) -> None:
        drawn = {(run.seed, run.step_size) for run in every("logistic-step-sizes") if run.drawn}
        assert drawn == {(0, 0.01), (0, 0.1), (0, 0.4), (0, 1.2)}

    def test_fixed_fields_have_one_value(self) -> None:
        runs = grid(experiments.get("logistic-step-sizes").quick, n=55, weight_decay=1e-3)
        assert {(run.n, run.weight_decay) for run in runs} == {(55, 1e-3)}

    def test_cells_of_a_seed_share_inputs_uniforms_and_start(self) -> None:
        """Labels are monotone in the probability of +1; more flips bring it nearer to ½."""
        loud, quiet = problem_of(a_run(amplitude=4.0, flip_rate=0.0)), problem_of(a_run(amplitude=1.0))
        assert np.array_equal(loud.inputs, quiet.inputs)
        changed = loud.labels != quiet.labels
        assert changed.any()
        assert (np.sign(loud.truth(loud.inputs))[changed] == loud.labels[changed]).all()  # type: ignore[misc]
        one, other = start_of(a_run(step_size=0.1)), start_of(a_run(amplitude=4.0))
        assert np.array_equal(one.parameters, other.parameters)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize(
        ("overrides", "sentence"),
        [
            ({"step_sizes": "0.1,-1"}, "step_size must be finite and positive, got -1.0"),
            ({"steps": "0"}, "steps must be at least 1, got 0"),
            ({"seeds": "0"}, "seeds must be at least 1, got 0"),
            ({"records": "0"}, "records must be at least 1, got 0"),
            ({"width": "0"}, "width must be at least 1, got 0"),
            ({"n": "1"}, "n must be at least 2, got 1"),
            ({"flip_rates": "0.1,0.5"}, r"flip_rate must lie in \[0, 0.5\), got 0.5"),
            ({"amplitudes": "-1"}, "amplitude must be finite and not negative, got -1.0"),
            ({"truth": "wav"}, "unknown curve 'wav'; did you mean 'wave'"),
            ({"init": "torhc"}, "init must be 'torch' or 'mean_field', got 'torhc'"),
            ({"weight_decay": "-1"}, "weight_decay must be finite and not negative, got -1.0"),
        ],
    )
    def test_refused_before_the_first_run(self, name: str, overrides: dict[str, str], sentence: str) -> None:
        with pytest.raises(InputError, match=sentence):
            tiny(name, **overrides)


def every(name: str) -> list[LogisticRun]:
    experiment = experiments.get(name)
    return list(experiment.specs(experiment.full))  # type: ignore[arg-type]


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

    def test_the_smallest_step_size_has_its_equal_time_at_the_end(self) -> None:
        n = work(a_run(step_size=0.01, steps=300), ignore).numbers
        same = [name for name in n if f"{name}_equal_time" in n and name != "edge_ratio"]
        assert len(same) > 30
        assert [n[name] for name in same] == [n[f"{name}_equal_time"] for name in same]

    def test_held_out_is_the_best_record_on_another_sample(self, record: Record) -> None:
        run, losses = a_run(), {}
        fresh = problem_of(run, stream(run.seed, "held out"))
        assert not np.array_equal(fresh.labels, problem_of(run).labels)

        def observe(snapshot: ss.training.Snapshot) -> None:
            margins = fresh.labels * snapshot.predict(fresh.inputs)
            losses[snapshot.step] = np.mean(np.log1p(np.exp(-margins)))

        stops = record.arrays["steps|2|0.1|0.5"][1:].astype(int).tolist()
        train(problem_of(run), start_of(run), method_of(run), run.steps, record_at=stops, observe=observe)
        del losses[0]
        assert record.numbers["steps_held_out"] == min(losses, key=losses.__getitem__)


class TestMeasures:
    def test_excess_risk_and_losses(self, record: Record, trained: ss.training.Trajectory) -> None:
        problem = problem_of(a_run())
        x, n = problem.inputs, record.numbers
        f, f0 = trained.predict(x), problem.truth(x)  # type: ignore[misc]
        p, q = 1 / (1 + np.exp(-f0)), 1 / (1 + np.exp(-f))
        each = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        inside = ss.theory.interior(x, x)
        assert n["excess_risk"] == pytest.approx(each.mean())
        assert n["excess_risk_interior"] == pytest.approx(each[inside].mean())
        loss = {name: np.log1p(np.exp(-problem.labels * g)) for name, g in (("f", f), ("truth", f0))}
        assert n["loss_mean"] == pytest.approx(loss["f"].mean())
        assert n["loss_truth"] == pytest.approx(loss["truth"].mean())
        assert n["optimized"] == (loss["f"].mean() <= loss["truth"].mean())
        assert n["optimized_interior"] == (loss["f"][inside].mean() <= loss["truth"][inside].mean())

    def test_share_outside_the_interior(self, record: Record, trained: ss.training.Trajectory) -> None:
        """Worked out from three mean excess risks, and here from the inputs."""
        problem = problem_of(a_run())
        x = problem.inputs
        p, q = (1 / (1 + np.exp(-f)) for f in (problem.truth(x), trained.predict(x)))  # type: ignore[misc]
        each = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        outside = ~ss.theory.interior(x, x)
        found = with_shares(Table.from_records([dict(record.numbers)]))
        assert found["outside_share"][0] == pytest.approx(each[outside].sum() / each.sum())
        assert found["outside_inputs"][0] == pytest.approx(outside.mean())

    def test_uncertain_hull(self, record: Record, trained: ss.training.Trajectory) -> None:
        x, n = problem_of(a_run()).inputs, record.numbers
        unsure = np.sort(x[np.abs(trained.predict(x)) <= 1.0])
        assert (n["uncertain_low"], n["uncertain_high"]) == (unsure[0], unsure[-1])
        assert n["uncertain_share"] == pytest.approx(unsure.size / x.size)

    def test_variation_of_the_interior(self, record: Record, trained: ss.training.Trajectory) -> None:
        x, net = problem_of(a_run()).inputs, trained.network
        knots = -net.b1 / net.w1
        inside = ss.theory.interior(knots, x)
        assert record.numbers["tv_interior"] == pytest.approx(np.abs(net.w1 * net.w2)[inside].sum())
        assert record.numbers["tv_interior"] < record.numbers["tv"]

    def test_edge_ratio_is_the_mean_of_both_iterates(self, record: Record) -> None:
        run = a_run(steps=100)
        short = train(problem_of(run), start_of(run), method_of(run), record_every=100)
        pair = [ss.sharpness(problem_of(run), net).value for net in (short.network, short.network_before)]
        assert record.numbers["edge_ratio_100"] == pytest.approx(np.mean(pair) * run.step_size / 2, rel=1e-4)

    def test_the_line_is_judged_over_the_last_half(self, record: Record) -> None:
        late = record.arrays["steps|2|0.1|0.5"] >= 750
        ratio = record.arrays["edge_ratio|2|0.1|0.5"]
        assert late.sum() >= 3
        assert record.numbers["edge_ratio"] == pytest.approx(ratio[late].mean())
        first = record.numbers["edge_reached_at_step"]
        assert first == record.arrays["steps|2|0.1|0.5"][ratio >= 0.95][0]
        assert record.numbers["edge_reached"] is True

    def test_step_a_is_checked_at_every_record(self, record: Record, trained: ss.training.Trajectory) -> None:
        """κ = KL(Ber(s(1)) ‖ Ber(s(2))) is the least divergence of a point with |f0| ≤ 1 < 2 < |f|."""
        problem, n = problem_of(a_run()), record.numbers
        f, f0 = trained.predict(problem.inputs), problem.truth(problem.inputs)  # type: ignore[misc]
        p, q = 1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(-2.0))
        kappa = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        assert n["overlap_checks"] == record.arrays["steps|2|0.1|0.5"].size
        assert n["overlap_violations"] == 0
        assert n["overlap_left"] == pytest.approx(np.mean((np.abs(f0) <= 1) & (np.abs(f) > 2)))
        assert n["overlap_right"] == pytest.approx(n["excess_risk"] / kappa)

    def test_certificates_of_the_end(self, record: Record, trained: ss.training.Trajectory) -> None:
        found = ss.certify(problem_of(a_run()), trained.network)
        for name in ("gauss_newton", "weighted", "uncertain", "uncertain_best"):
            assert record.numbers[f"{name}_left"] == pytest.approx(found[name].left)
            assert record.numbers[f"{name}_right"] == pytest.approx(found[name].right, rel=1e-5)
            assert record.numbers[f"{name}_checks"] == 2
            assert record.numbers[f"{name}_violations"] == 0

    def test_curves(self, record: Record, trained: ss.training.Trajectory) -> None:
        arrays = record.arrays
        assert np.allclose(arrays["f|2|0.1|0.5"][-1], trained.predict(arrays["grid|2|0.1"]))
        assert arrays["f|2|0.1|0.5"].shape == (arrays["steps|2|0.1|0.5"].size, arrays["grid|2|0.1"].size)
        assert arrays["excess_risk|2|0.1|0.5"][-1] == record.numbers["excess_risk"]
        assert not work(a_run(steps=120, drawn=False), ignore).arrays

    def test_a_run_that_diverges(self) -> None:
        lost = work(a_run(step_size=1e12, steps=200), ignore)
        assert lost.outcome == "diverged"
        assert set(lost.numbers) == {"initial_sharpness", "steps_made"}
        assert "step_size" in lost.reason


ETAS = (0.01, 0.1, 0.4, 1.2)
FALLING, RISING, FLAT, U = (0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4), (0.2,) * 4, (0.4, 0.1, 0.2, 0.5)
EVERYWHERE = ("", "_100", "_equal_time", "_held_out")


def rows(cell: tuple[float, float] = (2.0, 0.1), seeds: int = 10, **levels: Any) -> list[dict[str, Any]]:
    """One row a seed and step size; seeds differ by a factor that pairing removes, and a little noise.

    `levels` by column; a plain name is meant for all moments unless that moment is given, too.
    """
    rng = np.random.default_rng(7)
    columns = {"interior": FLAT, "everywhere": FLAT, "boundary": FLAT, **levels}
    out = []
    for seed in range(seeds):
        factor = rng.uniform(1.0, 2.0)
        for j, eta in enumerate(ETAS):
            noisy = factor * (1.0 + 0.01 * rng.standard_normal())
            row: dict[str, Any] = {
                "amplitude": cell[0], "flip_rate": cell[1], "seed": seed, "step_size": eta, "steps": 1000,
                "outcome": levels.get("outcome", "finished"), "bent_neurons": levels.get("bent", 9),
                "edge_ratio": levels.get("ratio", (0.5, 1.0, 1.0, 1.0))[j], "smoothness_ratio": 1.0,
                "edge_reached_at_step": levels.get("reached_at", (np.nan, 100.0, 0.0, 0.0))[j],
                "optimized_interior": levels.get("optimized", 1),
                "initial_sharpness": levels.get("start", 9.0),
            }  # fmt: skip
            for suffix in EVERYWHERE:
                for region, name in (
                    ("interior", "_interior"),
                    ("everywhere", ""),
                    ("boundary", "_boundary"),
                ):
                    values = columns.get(f"{region}{suffix}", columns[region])
                    row[f"excess_risk{name}{suffix}"] = values[j] * noisy
            iterates = columns.get("iterates", columns["everywhere"])
            row["excess_risk_last"] = row["excess_risk_before"] = iterates[j] * noisy
            for name in ("interior", "boundary"):
                if f"iterates_{name}" in columns:
                    single = columns[f"iterates_{name}"][j] * noisy
                    row[f"excess_risk_{name}_last"] = row[f"excess_risk_{name}_before"] = single
            for name in ("weighted_tv", "tv_interior", "pieces"):
                row[name] = columns.get(name, FALLING)[j] * noisy
            out.append(row)
    return out


def judged(rule: Any, *parts: list[dict[str, Any]]) -> dict[str, Verdict]:
    table = Table.from_records([row for part in parts for row in part])
    return rule.judge(Result("any", {}, table))  # type: ignore[no-any-return]


def steps_judged(*parts: list[dict[str, Any]]) -> dict[str, Verdict]:
    return judged(logistic_step_sizes_rule, *parts)


class TestQuestions:
    table = Table.from_records(rows(interior=FALLING))

    def test_step_sizes_near_the_end_are_repetitions(self) -> None:
        doubled = [{**row, "step_size": 1.1, "excess_risk": 9.0} for row in rows() if row["step_size"] == 1.2]
        table = Table.from_records([*rows(), *doubled])
        single, known = self.at(Table.from_records(rows()), 1.2), self.at(table, 1.2)
        assert known == pytest.approx(0.5 * (single + 9.0))
        assert self.at(table, 0.4) == pytest.approx(self.at(Table.from_records(rows()), 0.4))

    @staticmethod
    def at(table: Table, eta: float) -> np.ndarray:
        return around(table, "excess_risk", eta)

    def test_differences_and_factors(self) -> None:
        column = "excess_risk_interior"
        one, other = (self.table.where(step_size=eta)[column] for eta in (0.01, 1.2))
        assert drop(self.table, column) == pytest.approx(one - other)
        assert decades(self.table, column) == pytest.approx(np.log10(one / other))
        assert decades(self.table, column, (0.4, 1.2)) == pytest.approx(np.log10(0.2 / 0.1), abs=0.03)

    def test_at_the_edge_is_where_most_runs_end(self) -> None:
        assert at_edge(self.table) == [0.1, 0.4, 1.2]
        some = [{**row, "edge_ratio": 1.0 if row["seed"] < 5 else 1.11} for row in rows()]
        assert at_edge(Table.from_records(some)) == []

    def test_to_start_beyond_the_edge_is_not_to_be_at_it(self) -> None:
        table = Table.from_records(rows(start=1e4, reached_at=(0.0,) * 4, ratio=(0.94, 1.0, 1.1, 1.3)))
        assert started_beyond(table).all()
        assert not arrived(table).any()
        assert at_edge(table) == [0.1, 0.4]
        assert edges(table)["η = 1.2: share that starts beyond 2/η"] == 1.0
        assert edges(table)["η = 1.2: share that ends on it"] == 0.0

    @pytest.mark.parametrize(("start", "beyond"), [(1.66, False), (1.67, True)])
    def test_beyond_is_above_2_over_the_step_size(self, start: float, beyond: bool) -> None:
        assert started_beyond(Table.from_records(rows(start=start))).any() == beyond

    def test_a_cell_is_an_amplitude_and_a_flip_rate(self) -> None:
        table = Table.from_records([*rows((2.0, 0.1)), *rows((1.0, 0.0))])
        assert list(cells(table)) == [(1.0, 0.0), (2.0, 0.1)]

    @pytest.mark.parametrize(
        ("levels", "seeds", "word"),
        [
            ((9, 9, 9), 5, "reproduced"), ((9, 9, 0), 5, "partly"), ((9, 0, 0), 5, "partly"),
            ((9, 9, -9), 5, "partly"), ((3, 3, -6), 5, "partly"), ((3, 3, -6), 10, "partly"),
            ((6, -3, -3), 5, "undecided"), ((6, -3, -3), 10, "not_reproduced"),
            ((3, 0, -3), 5, "undecided"), ((3, 0, -3), 10, "not_reproduced"),
            ((0, 0, -9), 5, "not_reproduced"), ((3, 3, -30), 5, "not_reproduced"),
            ((0, 0, 0), 5, "undecided"), ((0, 0, 0), 10, "not_reproduced"),
        ],
    )  # fmt: skip
    def test_words(self, levels: tuple[int, ...], seeds: int, word: str) -> None:
        """Differences around these levels; those around 0 alternate."""
        assert word_of({"so": self.intervals(levels, seeds)}) == word

    @pytest.mark.parametrize(
        ("one", "other", "word"),
        [
            ((9, 9, 9), (9, 9, 9), "reproduced"), ((9, 9, 9), (-9, -9, -9), "partly"),
            ((9, 9, 9), (0, 0, 0), "partly"), ((0, 0, 0), (-9, -9, -9), "not_reproduced"),
            ((0, 0, 0), (9, 9, 0), "partly"), ((0, 0, 0), (0, 0, 0), "undecided"),
        ],
    )  # fmt: skip
    def test_words_of_two_questions(self, one: tuple[int, ...], other: tuple[int, ...], word: str) -> None:
        assert word_of({"so": self.intervals(one, 5), "and so": self.intervals(other, 5)}) == word

    @pytest.mark.parametrize(
        ("falls", "rises", "word"),
        [
            ((9, 9), (9, 9), "reproduced"), ((9, 0), (9, 9), "partly"), ((9, -9), (9, 9), "undecided"),
            ((9, 0), (0, 9), "undecided"), ((9, 9, -18), (9, 9, 9), "partly"),
            ((-9, 0), (9, 9), "not_reproduced"),
        ],
    )  # fmt: skip
    def test_words_at_once(self, falls: tuple[int, ...], rises: tuple[int, ...], word: str) -> None:
        assert word_at_once({"falls": self.intervals(falls, 5), "rises": self.intervals(rises, 5)}) == word

    @staticmethod
    def intervals(levels: tuple[int, ...], seeds: int) -> dict[str, Interval]:
        two = {(float(i), 0.0): {"": level + np.resize([1.0, -1.0], seeds)} for i, level in enumerate(levels)}
        return together(two, dict.fromkeys(two, np.arange(seeds)))[""]

    @pytest.mark.parametrize("shared", [0.0, 0.7])
    def test_chance_alone_hardly_says_partly(self, shared: float) -> None:
        """Nine cells, two questions, five seeds, nothing to find; cells of a seed are correlated."""
        rng, at, said = np.random.default_rng(4), [(float(i), 0.0) for i in range(9)], []
        for _ in range(300):
            common, own = rng.standard_normal((2, 1, 5)), rng.standard_normal((2, 9, 5))
            values = np.sqrt(shared) * common + np.sqrt(1.0 - shared) * own
            found = {cell: {"so": values[0, i], "and so": values[1, i]} for i, cell in enumerate(at)}
            said.append(word_of(together(found, dict.fromkeys(at, np.arange(5)))))
        assert said.count("partly") + said.count("reproduced") < 0.1 * len(said)
        assert said.count("undecided") > 0.8 * len(said)

    def test_weak_cells_may_say_it_together(self) -> None:
        """Opposite noise in two cells cancels in their mean."""
        table = Table.from_records([*rows((1.0, 0.0)), *rows((2.0, 0.0))])
        wobble = np.resize([1.0, -1.0], 10)
        verdict = asked(table, lambda part: {"so": 0.1 + wobble * (1 if 1.0 in part["amplitude"] else -1)})
        assert verdict.word == "partly"
        assert verdict.sentence == "so: yes in none, over all together yes"
        assert f"{TOGETHER}: so" in verdict.numbers

    @pytest.mark.parametrize(
        "lost", [[((1.0, 0.0), 4)], [((1.0, 0.0), 0), ((2.0, 0.0), 9)], [((1.0, 0.0), 0), ((1.0, 0.0), 3)]]
    )
    def test_cells_are_paired_by_seed_where_runs_failed(self, lost: list[tuple[Any, int]]) -> None:
        """The effect of a seed has one sign in one cell and the other in the other: their mean is 0.1."""
        two, rng = [(1.0, 0.0), (2.0, 0.0)], np.random.default_rng(1)
        effect = rng.standard_normal(10)
        kept = [row for cell in two for row in rows(cell) if (cell, row["seed"]) not in lost]

        def ask(part: Table) -> dict[str, np.ndarray]:
            sign = 1.0 if 1.0 in part["amplitude"] else -1.0
            return {"so": 0.1 + sign * effect[np.unique(part["seed"])]}

        verdict = asked(Table.from_records(kept), ask)
        assert verdict.numbers[f"{TOGETHER}: so"] == "0.1 [0.1, 0.1]"
        assert verdict.word == "partly"

    def test_seeds_that_one_cell_lacks_do_not_count_together(self) -> None:
        found = {(1.0, 0.0): {"so": np.array([1.0, 2.0, 3.0])}, (2.0, 0.0): {"so": np.array([5.0, 7.0])}}
        seeds = {(1.0, 0.0): np.array([1, 2, 3]), (2.0, 0.0): np.array([0, 3])}
        intervals = together(found, seeds)["so"]
        assert [interval.count for interval in intervals.values()] == [3, 2, 1]
        assert intervals[TOGETHER].mean == 5.0

    def test_figure_of_the_intervals_where_runs_failed(self) -> None:
        kept = [row for row in rows() if row["seed"]] + [row for row in rows((4.0, 0.0)) if row["seed"] != 9]
        found = intervals_of(Result("", {}, Table.from_records(kept)))["at_the_end"]
        assert [interval.count for interval in found.values()] == [9, 9, 8]

    def test_a_question_that_does_not_arise(self) -> None:
        verdict = asked(self.table, lambda _: None, "nothing to ask")
        assert (verdict.word, verdict.sentence) == ("premise_not_met", "nothing to ask")


class TestStepSizes:
    def test_help_each_way(self) -> None:
        assert (
            steps_judged(rows(interior=FALLING, everywhere=FALLING))["help_at_the_end"].word == "reproduced"
        )
        half = steps_judged(rows(interior=FALLING, everywhere=RISING))["help_at_the_end"]
        assert half.word == "partly"
        assert "interior: yes; everywhere: no, the opposite" in half.sentence
        assert steps_judged(rows(interior=RISING))["help_at_the_end"].word == "not_reproduced"
        assert steps_judged(rows(seeds=5))["help_at_the_end"].word in ("undecided", "not_reproduced")

    @pytest.mark.parametrize(
        ("suffix", "part"),
        [("_100", "after_100_steps"), ("_equal_time", "at_equal_time"), ("_held_out", "stopped_early")],
    )
    def test_moments_apart(self, suffix: str, part: str) -> None:
        there = {f"interior{suffix}": FALLING, f"everywhere{suffix}": FALLING}
        verdicts = steps_judged(rows(interior=RISING, everywhere=RISING, **there))
        helped = [
            name for name, verdict in verdicts.items() if verdict.word == "reproduced" and "help" in name
        ]
        assert helped == [f"help_{part}"]
        assert "help_after_1000_steps" not in verdicts  # no such column

    def test_help_at_the_edge_leaves_out_the_others(self) -> None:
        hump = (0.1, 0.4, 0.3, 0.2)
        verdicts = steps_judged(rows(interior=hump, everywhere=hump))
        assert verdicts["help_at_the_end"].word == "not_reproduced"
        assert verdicts["help_at_the_edge"].word == "reproduced"
        assert verdicts["help_at_the_edge"].numbers["amplitude 2, flips 0.1: compared"] == "0.1 with 1.2"
        away = steps_judged(rows(interior=hump, ratio=(0.5, 1.0, 1.0, 1.2)))
        assert {away[name].word for name in ("help_at_the_edge", "simpler")} == {"premise_not_met"}
        assert away["edge"].word == "partly"

    def test_help_at_the_edge_leaves_out_those_beyond(self) -> None:
        bent, ratio = (0.3, 0.3, 0.2, 0.9), (1.0, 1.0, 1.0, 1.2)
        verdict = steps_judged(rows(interior=bent, everywhere=bent, ratio=ratio))["help_at_the_edge"]
        assert verdict.word == "reproduced"
        found = verdict.numbers["amplitude 2, flips 0.1: everywhere, at the largest step size of all"]
        assert str(found).startswith("-0.4")

    def test_saved_as_a_difference_too(self) -> None:
        numbers = steps_judged(rows(interior=FALLING))["help_at_the_end"].numbers
        table = Table.from_records(rows(interior=FALLING))
        ends = (table.where(step_size=eta)["excess_risk_interior"] for eta in (0.01, 1.2))
        said = numbers["amplitude 2, flips 0.1: excess risk saved in the interior, as a difference"]
        assert said == str(mean_interval(np.subtract(*ends)))

    @pytest.mark.parametrize("region", ["interior", "everywhere", "boundary"])
    def test_u(self, region: str) -> None:
        verdicts = steps_judged(rows(**{region: U}))
        assert verdicts[region].word == "reproduced"
        others = {"interior", "everywhere", "boundary"} - {region}
        assert not {verdicts[name].word for name in others} & {"reproduced", "undecided"}
        assert verdicts[region].numbers["intervals are of"] == "log10 of a ratio"

    @pytest.mark.parametrize("half", [FALLING, RISING, FLAT])
    def test_half_a_u_is_none(self, half: tuple[float, ...]) -> None:
        verdict = steps_judged(rows(everywhere=half))["everywhere"]
        assert verdict.word == "not_reproduced"
        assert "all of it in none" in verdict.sentence
        assert steps_judged(rows(everywhere=half, seeds=4))["everywhere"].word != "partly"

    def test_halves_in_different_cells_are_none(self) -> None:
        verdict = steps_judged(rows((2.0, 0.0), everywhere=FALLING), rows((2.0, 0.1), everywhere=RISING))
        assert verdict["everywhere"].word == "not_reproduced"

    def test_some_cells_with_a_u(self) -> None:
        verdict = steps_judged(rows((2.0, 0.0), everywhere=U), rows((2.0, 0.1), everywhere=FLAT))[
            "everywhere"
        ]
        assert verdict.word == "partly"
        assert "all of it in 1 of 2 (amplitude 2, flips 0)" in verdict.sentence

    def test_simpler(self) -> None:
        assert steps_judged(rows())["simpler"].word == "reproduced"
        assert steps_judged(rows(pieces=RISING))["simpler"].word == "partly"
        rising = dict.fromkeys(("weighted_tv", "tv_interior", "pieces"), RISING)
        assert steps_judged(rows(**rising))["simpler"].word == "not_reproduced"

    def test_averaging(self) -> None:
        assert steps_judged(rows(everywhere=U))["averaging"].word == "reproduced"
        assert steps_judged(rows(everywhere=FALLING, iterates=U))["averaging"].word == "not_reproduced"
        verdict = steps_judged(rows(everywhere=FALLING))["averaging"]
        assert verdict.word == "premise_not_met"
        assert "single iterates rises in no cell" in verdict.sentence

    def test_averaging_by_region(self) -> None:
        """Where the runs have the iterates of a region, it is asked there, too."""
        apart = {"iterates_interior": U, "iterates_boundary": U, "interior": FALLING, "boundary": U}
        verdict = steps_judged(rows(everywhere=U, **apart))["averaging"]
        assert verdict.word == "partly"
        assert (
            "iterates, interior: no, the opposite" in verdict.sentence or "interior: open" in verdict.sentence
        )
        assert "iterates, boundary: yes" in verdict.sentence
        assert "interior" not in steps_judged(rows(everywhere=U))["averaging"].sentence

    @pytest.mark.parametrize(
        ("ratio", "word"),
        [(1.0, "reproduced"), (0.94, "not_reproduced"), (1.11, "not_reproduced"), (1.09, "reproduced")],
    )
    def test_edge(self, ratio: float, word: str) -> None:
        verdict = steps_judged(rows(ratio=(0.5, ratio, ratio, ratio)))["edge"]
        assert verdict.word == word
        assert (verdict.numbers["started beyond 2/η"], verdict.numbers["runs"]) == (20.0, 40.0)

    def test_edge_of_those_from_beyond_and_from_below(self) -> None:
        """At 0.1 all come up from below and stay; at 0.4 and 1.2 they start beyond, and stay there."""
        numbers = steps_judged(rows(ratio=(0.5, 1.0, 1.2, 1.2)))["edge"].numbers
        assert (numbers["of these end on it, share"], numbers["of these end above it, share"]) == (0.0, 1.0)
        assert numbers["came up to it from below in the first half of their steps"] == 10.0
        assert numbers["of these end on it"] == 10.0
        assert numbers["share on the line"] == pytest.approx(1 / 3)
        assert numbers["η above 0.6 up to 1.2: share above it"] == 1.0
        assert numbers["η above 0.075 up to 0.15: share on the line"] == 1.0

    def test_a_late_arrival_is_no_counterexample(self) -> None:
        late = {"start": 0.1, "ratio": (0.5,) * 4}
        early, later = rows((1.0, 0.0)), rows((2.0, 0.0), reached_at=(900.0,) * 4, **late)
        assert steps_judged(early, later)["edge"].word == "reproduced"
        part = steps_judged(early, rows((2.0, 0.0), reached_at=(np.nan, 100.0, 100.0, 100.0), **late))["edge"]
        assert part.word == "partly"
        assert part.numbers["share on the line"] == 0.5

    def test_late_arrivals_alone_say_nothing(self) -> None:
        verdict = steps_judged(rows(reached_at=(900.0,) * 4, start=0.1))["edge"]
        assert verdict.word == "premise_not_met"
        assert "do most runs start beyond the edge or come up to it" in verdict.sentence

    def test_boundary_share(self) -> None:
        """Half of the inputs are inside: Ex = (Ex_interior + Ex_boundary)/2."""
        inside, outside = (0.3, 0.2, 0.1, 0.1), (0.1, 0.2, 0.3, 0.3)
        both = tuple(0.5 * (a + b) for a, b in zip(inside, outside, strict=True))
        verdict = steps_judged(rows(interior=inside, boundary=outside, everywhere=both))["boundary_share"]
        assert verdict.word == "reproduced"
        cell = "amplitude 2, flips 0.1"
        for which, share, above in (
            ("smallest", "0.25 [0.25, 0.25]", 0),
            ("largest", "0.75 [0.75, 0.75]", 10),
        ):
            name = f"share outside the interior at the {which} step size"
            assert verdict.numbers[f"{cell}: {name}"] == share
            assert verdict.numbers[f"runs in which it is above one half, {name}"] == f"{above} of 10"
        assert verdict.numbers["share of the inputs outside the interior, median"] == pytest.approx(0.5)
        fewer = steps_judged(rows(interior=outside, boundary=inside, everywhere=both))["boundary_share"]
        assert fewer.word == "not_reproduced"

    @pytest.mark.parametrize(("share", "word"), [(1, "reproduced"), (0, "not_reproduced")])
    def test_optimized(self, share: int, word: str) -> None:
        assert steps_judged(rows(optimized=share))["optimized"].word == word

    @pytest.mark.parametrize("lost", [{"bent": 0}, {"outcome": "diverged"}])
    def test_premise(self, lost: dict[str, Any]) -> None:
        verdicts = steps_judged(rows(**lost))
        assert {verdict.word for verdict in verdicts.values()} == {"premise_not_met"}
        assert "too few step sizes" in verdicts["interior"].sentence
        few = steps_judged(rows(seeds=2))
        assert few["help_at_the_end"].word == "undecided"


def regional(cell: tuple[float, float] = (4.0, 0.0), **levels: Any) -> list[dict[str, Any]]:
    """Rows with uncertain shares, overlaps and the sides of the inequalities."""
    rng, out = np.random.default_rng(3), []
    for row in rows(cell, levels.get("seeds", 10)):
        j, noise = ETAS.index(row["step_size"]), 0.005 * rng.standard_normal()
        for column in ("uncertain_overlap", "uncertain_share"):
            for suffix in EVERYWHERE:
                row[f"{column}{suffix}"] = levels.get(f"{column}{suffix}", FLAT)[j] + noise
                noise = 0.005 * rng.standard_normal()
        row["uncertain_share_truth"] = levels.get("truth", 0.3)
        for name in ("overlap", *uncertain_regions_rule.FLAT):
            row |= {f"{name}_left": 0.1, f"{name}_right": levels.get("right", 0.2), f"{name}_checks": 3}
            row[f"{name}_violations"] = levels.get("violations", {}).get(name, 0)
        out.append(row)
    return out


def regions_judged(*parts: list[dict[str, Any]]) -> dict[str, Verdict]:
    return judged(uncertain_regions_rule, *parts)


class TestRegions:
    def test_inequalities(self) -> None:
        verdicts = regions_judged(regional())
        assert (verdicts["step_a"].word, verdicts["flat_bounds"].word) == ("consistent", "consistent")
        assert verdicts["step_a"].sentence == "holds in all 120 checks"
        assert verdicts["step_a"].numbers["overlap: left/right at the end, median"] == 0.5
        broken = regions_judged(regional(violations={"overlap": 1}))
        assert (broken["step_a"].word, broken["flat_bounds"].word) == ("not_reproduced", "consistent")
        broken = regions_judged(regional(violations={"weighted": 1}))
        assert (broken["step_a"].word, broken["flat_bounds"].word) == ("consistent", "not_reproduced")
        assert broken["flat_bounds"].sentence == "violated in 40 of 480 checks"

    def test_a_bound_above_what_there_is_says_nothing(self) -> None:
        assert regions_judged(regional(right=0.31))["step_a"].word == "vacuous"
        assert regions_judged(regional(right=0.29))["step_a"].word == "consistent"

    def test_moves(self) -> None:
        early = {"uncertain_overlap_100": (0.1,) * 4}
        assert regions_judged(regional(**early))["moves"].word == "reproduced"
        assert regions_judged(regional(uncertain_overlap_100=(0.1, 0.2, 0.2, 0.3)))["moves"].word == "partly"
        verdict = regions_judged(regional(**early), regional((1.0, 0.0), truth=1.0, **early))["moves"]
        assert verdict.numbers["cells judged"] == "1 of 2"
        assert regions_judged(regional(truth=1.0))["moves"].word == "premise_not_met"

    def test_a_truth_that_is_uncertain_everywhere_is_so_whatever_its_rounding(self) -> None:
        share = work(a_run(n=30, amplitude=0.5, steps=3, drawn=False), ignore).numbers[
            "uncertain_share_truth"
        ]
        assert 1.0 - 1e-12 < share < 1.0
        verdict = regions_judged(regional(truth=share, uncertain_overlap_100=(0.1,) * 4))["moves"]
        assert verdict.word == "premise_not_met"

    def test_no_share_is_above_one(self) -> None:
        """Sums of n times 1/n miss 1 on either side; the first network is uncertain everywhere."""
        for n in range(90, 130):
            problem = problem_of(a_run(n=n, amplitude=0.1))
            share = confidence(problem, *[start_of(a_run(scale=0.01))] * 2)["uncertain_share"]
            assert 1.0 - 1e-12 < max(share, truth(problem)["uncertain_share_truth"]) <= 1.0

    def test_shrinks(self) -> None:
        assert regions_judged(regional(uncertain_share_100=(0.9,) * 4))["shrinks"].word == "reproduced"
        assert regions_judged(regional(uncertain_share_100=(0.1,) * 4))["shrinks"].word == "not_reproduced"

    def test_keeps_asks_once_where_the_truth_is_uncertain_everywhere(self) -> None:
        """There the overlap is the share: what the share says would count twice."""
        parts = (
            regional((4.0, 0.0), uncertain_share=RISING),
            regional((1.0, 0.0), truth=1.0, uncertain_overlap=RISING),
        )
        verdict = regions_judged(*parts)["large_steps_keep"]
        assert "amplitude 4, flips 0: large steps overlap more" in verdict.numbers
        assert "amplitude 1, flips 0: large steps overlap more" not in verdict.numbers
        assert "amplitude 1, flips 0: large steps keep more uncertain" in verdict.numbers
        assert verdict.numbers["η = 0.4: share that starts beyond 2/η"] == 1.0

    @pytest.mark.parametrize(
        ("suffix", "part"), [("", ""), ("_equal_time", "_at_equal_time"), ("_held_out", "_stopped_early")]
    )
    def test_keeps(self, suffix: str, part: str) -> None:
        more = {f"uncertain_overlap{suffix}": RISING, f"uncertain_share{suffix}": RISING}
        verdicts = regions_judged(regional(**more))
        assert verdicts[f"large_steps_keep{part}"].word == "reproduced"
        assert sum(v.word == "reproduced" for name, v in verdicts.items() if "keep" in name) == 1
        less = {f"uncertain_overlap{suffix}": FALLING, f"uncertain_share{suffix}": FALLING}
        assert regions_judged(regional(**less))[f"large_steps_keep{part}"].word == "not_reproduced"

    def test_nothing_finished(self) -> None:
        lost = [{**row, "outcome": "diverged"} for row in regional()]
        assert {verdict.word for verdict in regions_judged(lost).values()} == {"premise_not_met"}


HELPS, HURTS = FALLING, RISING


def noisy(levels: dict[float, Any], seeds: int = 10, overlap: Any = None) -> list[dict[str, Any]]:
    """Rows at each flip rate with interior excess risks by step size; `overlap` by flip rate."""
    rng, out = np.random.default_rng(5), []
    for rate, values in levels.items():
        for row in rows((2.0, rate), seeds, interior=values):
            level = (overlap or {}).get(rate, 0.7)
            out.append({**row, "uncertain_overlap": level + 0.01 * rng.standard_normal()})
    return out


def noise_judged(*args: Any, **options: Any) -> dict[str, Verdict]:
    return judged(noise_robustness_rule, noisy(*args, **options))


class TestNoise:
    def test_breaks_at_the_first_rate_that_does_not_help(self) -> None:
        verdict = noise_judged({0.0: HELPS, 0.1: HELPS, 0.2: FLAT, 0.3: HELPS})["at_the_end"]
        assert verdict.word == "reproduced"
        assert "0.01 against 1.2, amplitude 2: below flip rate 0.2, again at 0.3" in verdict.sentence
        assert len([name for name in verdict.numbers if "amplitude 2: flips" in name]) == 3 * 4

    def test_never_breaks(self) -> None:
        verdict = noise_judged({0.0: HELPS, 0.4: HELPS})["at_the_end"]
        assert verdict.word == "reproduced"
        assert "at every flip rate up to 0.4" in verdict.sentence

    def test_at_no_noise(self) -> None:
        verdict = noise_judged({0.0: FLAT, 0.4: HURTS})["at_the_end"]
        assert verdict.word == "not_reproduced"
        assert "not even at the lowest noise, the opposite at 0.4" in verdict.sentence
        assert noise_judged({0.0: FLAT, 0.4: HURTS}, seeds=5)["at_the_end"].word == "undecided"

    def test_some_comparisons_help(self) -> None:
        """The largest does better than the second largest alone."""
        some = (0.2, 0.2, 0.4, 0.2)
        assert noise_judged({0.0: some, 0.4: some})["at_the_end"].word == "partly"

    def test_overlap(self) -> None:
        levels = {0.0: FLAT, 0.2: FLAT, 0.4: FLAT}
        falls = noise_judged(levels, overlap={0.0: 0.9, 0.2: 0.6, 0.4: 0.4})["overlap"]
        assert (falls.word, falls.sentence.endswith("below flip rate 0.4, the opposite at 0.4")) == (
            "reproduced",
            True,
        )
        grows = noise_judged(levels, overlap={0.0: 0.4, 0.2: 0.6, 0.4: 0.9})["overlap"]
        assert grows.word == "not_reproduced"
        assert "not even at the lowest noise, again at 0.2, 0.4, the opposite at 0" in grows.sentence

    def test_factors_and_differences(self) -> None:
        """Both metrics stand beside each other, and once more for the first five seeds."""
        made = noisy({0.0: HELPS, 0.4: HELPS})
        numbers = judged(noise_robustness_rule, made)["at_the_end"].numbers
        table = Table.from_records(made)
        risk = [
            [table.where(flip_rate=rate, step_size=eta)["excess_risk_interior"] for eta in (0.4, 1.2)]
            for rate in (0.0, 0.4)
        ]
        ratio, saved = (
            np.log10(risk[1][0] / risk[1][1]),
            np.mean([one - other for one, other in risk], axis=0),
        )
        name = "amplitude 2, flips 0.4: 0.4 against 1.2, log10 of the ratio"
        assert numbers[name] == str(mean_interval(ratio))
        few = "amplitude 2, flips 0.4: 0.4 against 1.2, first 5 seeds, log10 of the ratio"
        assert numbers[few] == str(mean_interval(ratio[:5]))
        assert numbers[f"{TOGETHER}: 0.4 against 1.2, difference"] == str(mean_interval(saved))
        assert "amplitude 2, flips 0.4: 0.4 against 1.2, difference" not in numbers  # the rule's own interval
        medians = [f"{np.median(pair[1]):.2g}" for pair in risk]
        assert numbers["η = 1.2: excess risk, interior, median at each flip rate"] == ", ".join(medians)
        assert numbers["η = 0.1: share that ends on it"] == 1.0

    def test_premises(self) -> None:
        verdicts = noise_judged({0.1: HELPS})
        assert {verdict.word for verdict in verdicts.values()} == {"premise_not_met"}
        assert verdicts["overlap"].sentence == "descent learns a curve at fewer than two flip rates"
        few = noise_judged({0.0: HELPS, 0.1: HELPS}, seeds=2)
        assert {verdict.word for verdict in few.values()} == {"undecided"}
        assert few["overlap"].sentence == "2 seeds give no usable interval; at least 3 are needed"


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Tiny results; two of the experiments have equal quick runs."""
    first, last = tiny(NAMES[0]), tiny(NAMES[2], flip_rates="0,0.3", steps="120")
    second = Result(NAMES[1], first.settings, first.table, first.arrays)
    return dict(zip(NAMES, (first, second, last), strict=True))


class TestRuns:
    @pytest.mark.parametrize("name", NAMES)
    def test_ends_with_verdicts_and_figures(self, name: str, results: dict[str, Result]) -> None:
        experiment, result = experiments.get(name), results[name]
        verdicts = experiment.judge(result)
        assert verdicts
        for figure in experiment.figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")
        for column in experiment.premises:
            assert column in result.table

    @pytest.mark.parametrize("name", NAMES)
    def test_nothing_finished(self, name: str) -> None:
        result = tiny(name, step_sizes="1e12,1e13,1e14", steps="50", seeds="2")
        experiment = experiments.get(name)
        assert {verdict.word for verdict in experiment.judge(result).values()} == {"premise_not_met"}
        for figure in experiment.figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    def test_one_step_is_a_run(self) -> None:
        """One record after the start: nothing to shade between, and figures all the same."""
        result = tiny("uncertain-regions", steps="1", seeds="1")
        for figure in experiments.get("uncertain-regions").figures(result).values():
            assert style.png(figure, 40).startswith(b"\x89PNG")

    def test_certificates_hold(self, results: dict[str, Result]) -> None:
        verdicts = experiments.get("uncertain-regions").judge(results["uncertain-regions"])
        assert verdicts["flat_bounds"].word == "consistent"
        assert verdicts["step_a"].word in ("consistent", "vacuous")
