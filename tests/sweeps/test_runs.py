"""A user's run: what is built from its spec, what is measured, the data of tables, the same bits anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import stepscape as ss
from stepscape.errors import InputError, OutputError
from stepscape.lab import data as tables
from stepscape.lab.pool import run_all
from stepscape.lab.spec import columns, identity, stream
from stepscape.problems.user.columns import load_example
from stepscape.sweeps.runs import Bernoulli, Curve, Measure, Method, Network, Run, Table, build, work
from stepscape.tables.records import Record

STEPS = 400
RUN = Run(
    problem=Curve(truth="tent", n=12, noise=0.6, half_width=2.0, design="uniform"),
    network=Network(width=30, scale=0.4),
    method=Method(step_size=0.3, steps=STEPS, momentum=0.2, weight_decay=1e-3),
    measure=Measure(records=20, held_out=True, curve_points=7, trajectory=True),
    seed=4,
)
RESERVED = {"identity", "outcome", "diverged", "reason", "seconds"}  # columns of every table


def silent(fraction: float) -> None:
    assert 0.0 <= fraction <= 1.0


def carried_out(run: Run, **changes: Any) -> Record:
    return work(replaced(run, **changes), silent)


def replaced(run: Run, **changes: Any) -> Run:
    """Replace fields of parts: ``measure_records=5``."""
    for name, value in changes.items():
        part, _, key = name.partition("_")
        new = msgspec.structs.replace(getattr(run, part), **{key: value})
        run = msgspec.structs.replace(run, **{part: new})
    return run


def bits(record: Record) -> tuple[Any, ...]:
    held = {name: (values.dtype.str, values.tobytes()) for name, values in record.arrays.items()}
    return record.outcome, json.dumps(record.numbers, sort_keys=True), held, record.reason


@pytest.fixture(scope="module")
def record() -> Record:
    return work(RUN, silent)


@pytest.fixture(scope="module")
def trajectory() -> ss.Trajectory:
    problem, network, method = build(RUN)
    return ss.train(problem, network, method, record_every=20)


@pytest.fixture
def motorcycle(tmp_path: Path) -> Run:
    data = load_example()
    digest = tables.save(tmp_path, data.x, data.y)
    return Run(
        problem=Table(data=digest, x=data.x_name, y=data.y_name, n=data.x.size),
        network=Network(width=20, scale=0.3),
        method=Method(step_size=0.2, steps=300),
        measure=Measure(records=3, curve_points=5),
    )


class TestBuild:
    def test_is_what_the_public_names_make(self) -> None:
        problem, network, method = build(RUN)
        drawn = ss.problems.tent(n=12, noise=0.6, seed=4, half_width=2.0, design="uniform")
        np.testing.assert_array_equal(problem.inputs, drawn.inputs)
        np.testing.assert_array_equal(problem.labels, drawn.labels)
        assert (problem.noise, problem.truth, problem.loss) == (drawn.noise, drawn.truth, "square")
        same = ss.TwoLayerReLU.random(30, 0.4, "torch", seed=stream(4, "network"))
        np.testing.assert_array_equal(network.parameters, same.parameters)
        assert method == ss.GradientDescent(0.3, STEPS, momentum=0.2, weight_decay=1e-3)

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"problem_n": 0}, "n must lie between 1 and 10000000, got 0"),
            ({"problem_truth": "tant"}, "unknown curve 'tant'; did you mean 'tent'"),
            ({"problem_loss": "logistic"}, "loss must be 'square', got 'logistic'"),
            ({"network_width": 10**9}, "width must lie between 1 and 10000000, got 1000000000"),
            ({"network_init": "he"}, "init must be 'torch' or 'mean_field', got 'he'"),
            ({"method_steps": 0}, "steps must be at least 1, got 0"),
            ({"measure_records": 0}, "records must lie between 1 and 10000000, got 0"),
            ({"measure_curve_points": -1}, "curve_points must lie between 0 and 10000000, got -1"),
        ],
    )
    def test_refuses_in_the_words_of_the_constructors(self, changes: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError, match=f"^{sentence}"):
            build(replaced(RUN, **changes))

    def test_a_table_has_no_further_samples(self, motorcycle: Run, tmp_path: Path) -> None:
        sentence = "^held_out must be false for a table, got true; only a curve has further samples$"
        with pytest.raises(InputError, match=sentence):
            build(replaced(motorcycle, measure_held_out=True), tmp_path)


class TestColumns:
    def test_words_of_the_vocabulary(self) -> None:
        assert columns(RUN) == {
            "problem": "curve",
            "truth": "tent",
            "n": 12,
            "noise": 0.6,
            "half_width": 2.0,
            "design": "uniform",
            "loss_name": "square",
            "width": 30,
            "scale": 0.4,
            "init": "torch",
            "step_size": 0.3,
            "steps": STEPS,
            "momentum": 0.2,
            "nesterov": False,
            "weight_decay": 1e-3,
            "warmup_steps": 0,
            "records": 20,
            "measure_sharpness": True,
            "held_out": True,
            "curve_points": 7,
            "trajectory": True,
            "seed": 4,
        }

    def test_none_is_also_measured(self, record: Record, motorcycle: Run, tmp_path: Path) -> None:
        assert not set(columns(RUN)) & set(record.numbers)
        assert not set(columns(motorcycle)) & set(work(motorcycle, silent, tmp_path).numbers)
        assert not (set(columns(RUN)) | set(columns(motorcycle)) | set(record.numbers)) & RESERVED

    def test_every_field_of_every_part_decides_the_identity(self, motorcycle: Run) -> None:
        other = {str: "other", int: 77, float: 0.77}
        for run in (RUN, motorcycle):
            names = {identity(run)}
            for part in ("problem", "network", "method", "measure"):
                for entry in msgspec.structs.fields(type(getattr(run, part))):
                    now = getattr(getattr(run, part), entry.name)
                    new = not now if isinstance(now, bool) else other[type(now)]
                    names.add(identity(replaced(run, **{f"{part}_{entry.name}": new})))
            names.add(identity(msgspec.structs.replace(run, seed=77)))
            assert len(names) == len(columns(run))  # its kind has none, the original has one


class TestWork:
    def test_the_end_is_that_of_training(self, record: Record, trajectory: ss.Trajectory) -> None:
        problem, *_ = build(RUN)
        assert record.outcome == "finished"
        assert record.reason == ""
        assert record.numbers["steps_made"] == STEPS
        assert record.numbers["loss"] == trajectory.loss[-1]
        assert record.numbers["edge_ratio"] == trajectory.edge_ratio[-1]
        assert record.numbers["initial_sharpness"] == trajectory.sharpness[0]
        assert record.numbers["threshold"] == pytest.approx(2.4 / 0.3, rel=1e-15)
        truth = problem.truth(problem.inputs)  # type: ignore[misc]
        risk = np.mean((trajectory.predict(problem.inputs) - truth) ** 2)
        assert record.numbers["risk"] == pytest.approx(risk, rel=1e-12)

    def test_slacks_are_those_of_the_last_iterate(self, record: Record, trajectory: ss.Trajectory) -> None:
        problem, *_ = build(RUN)
        certificates = ss.certify(problem, trajectory.network)
        for name, certificate in certificates.items():
            found = record.numbers[f"slack_{name}"]
            if certificate.verdict == "inapplicable":
                assert found is None
            else:
                assert found == certificate.right - certificate.left
        assert record.numbers["slack_sharpness"] > 0.0

    def test_records_are_kept(self, record: Record, trajectory: ss.Trajectory) -> None:
        for name in ("at_steps", "time", "loss", "sharpness", "edge_ratio"):
            np.testing.assert_array_equal(record.arrays[name], getattr(trajectory, name))
        assert record.arrays["at_steps"].tolist() == list(range(0, STEPS + 1, 20))

    def test_the_curve_is_kept(self, record: Record, trajectory: ss.Trajectory) -> None:
        problem, *_ = build(RUN)
        x = record.arrays["curve_x"]
        assert (x.size, x[0], x[-1]) == (7, problem.inputs.min(), problem.inputs.max())
        np.testing.assert_array_equal(record.arrays["curve_y"], trajectory.predict(x))
        np.testing.assert_array_equal(record.arrays["curve_truth"], ss.problems.tent().truth(x / 2.0))  # type: ignore[misc]

    def test_nothing_is_kept_that_was_not_asked_for(self) -> None:
        least = carried_out(RUN, measure_curve_points=0, measure_trajectory=False, measure_held_out=False)
        assert least.arrays == {}
        assert not [name for name in least.numbers if "held_out" in name]

    def test_without_sharpness(self, record: Record) -> None:
        numbers = carried_out(RUN, measure_sharpness=False).numbers
        assert numbers["sharpness"] is numbers["edge_ratio"] is numbers["initial_sharpness"] is None
        assert numbers.keys() - record.numbers.keys() == set()
        gone = record.numbers.keys() - numbers.keys()
        assert gone == {"median_edge_ratio", *(name for name in record.numbers if name.startswith("slack"))}
        assert numbers["risk"] == record.numbers["risk"]

    def test_median_edge_ratio_is_of_both_phases_over_the_last_half(self, record: Record) -> None:
        problem, network, method = build(RUN)
        pairs: dict[int, float] = {}

        def look(snapshot: ss.training.Snapshot) -> None:
            both = (snapshot.network, snapshot.network_before)
            pairs[snapshot.step] = np.mean(
                [ss.sharpness(problem, net, weight_decay=1e-3).value for net in both]
            ) * (0.3 / 2.4)

        ss.train(problem, network, method, record_every=20, measure_sharpness=False, observe=look)
        late = [ratio for step, ratio in pairs.items() if step >= STEPS / 2]
        assert len(late) == 11
        assert record.numbers["median_edge_ratio"] == pytest.approx(np.median(late), rel=1e-6)

    def test_held_out_is_the_record_of_least_error_on_a_new_sample(self, record: Record) -> None:
        problem, network, method = build(RUN)
        fresh = ss.problems.tent(
            n=12, noise=0.6, seed=stream(4, "held out"), half_width=2.0, design="uniform"
        )
        assert not np.isin(fresh.labels, problem.labels).any()
        errors: dict[int, tuple[float, float, float]] = {}

        def look(snapshot: ss.training.Snapshot) -> None:
            error = np.mean((snapshot.predict(fresh.inputs) - fresh.labels) ** 2)
            truth = problem.truth(problem.inputs)  # type: ignore[misc]
            risk = np.mean((snapshot.predict(problem.inputs) - truth) ** 2)
            errors[snapshot.step] = (float(error), snapshot.loss, float(risk))

        ss.train(problem, network, method, record_every=20, measure_sharpness=False, observe=look)
        best = min((step for step in errors if step), key=lambda step: errors[step][0])
        assert record.numbers["steps_held_out"] == best
        assert record.numbers["time_held_out"] == pytest.approx(best * 0.3 / 0.8, rel=1e-12)
        assert record.numbers["loss_held_out"] == errors[best][1]
        assert record.numbers["risk_held_out"] == pytest.approx(errors[best][2], rel=1e-12)
        assert record.numbers["pieces_held_out"] >= 1
        assert 0 < best < STEPS, "the setup shows a moment that is not the end"

    def test_a_run_that_diverges_is_a_result(self) -> None:
        record = carried_out(RUN, method_step_size=30.0)
        assert record.outcome == "diverged"
        assert record.reason.startswith("diverged within ")
        assert set(record.numbers) == {"steps_made", "threshold", "initial_sharpness"}
        assert record.arrays["loss"].size == record.arrays["at_steps"].size
        assert np.isfinite(record.arrays["loss"]).all()

    def test_ticks_and_stops_between(self) -> None:
        class Enough(Exception):
            pass

        def tick(fraction: float) -> None:
            if fraction > 0.5:
                raise Enough

        with pytest.raises(Enough):
            work(RUN, tick)

    @pytest.mark.parametrize("steps", [1, 2, 3])
    def test_the_shortest_runs(self, steps: int) -> None:
        record = carried_out(RUN, method_steps=steps, problem_n=1, network_width=1)
        assert record.numbers["steps_made"] == steps
        assert np.isfinite(record.numbers["median_edge_ratio"])


class TestSameBits:
    def test_in_memory_on_threads_and_through_json(self, record: Record) -> None:
        text = msgspec.json.encode(RUN)
        back = msgspec.json.decode(text, type=Run)
        assert back == RUN
        assert identity(back) == identity(RUN)
        seeds = [msgspec.structs.replace(back, seed=seed) for seed in (4, 5, 6, 4)]
        found = run_all(work, seeds, 3, lambda _: None)
        assert bits(found[0]) == bits(found[3]) == bits(record)
        assert bits(found[1]) != bits(found[0])

    def test_in_another_process(self, record: Record, tmp_path: Path) -> None:
        code = (
            "import sys, msgspec, numpy as np, json; from stepscape.sweeps.runs import Run, work\n"
            "record = work(msgspec.json.decode(sys.argv[1], type=Run), lambda _: None)\n"
            "np.savez(sys.argv[2], **record.arrays); print(json.dumps(record.numbers))"
        )
        file = tmp_path / "arrays.npz"
        said = subprocess.run(
            [sys.executable, "-c", code, msgspec.json.encode(RUN).decode(), str(file)],
            env={**os.environ, "PYTHONHASHSEED": "7"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        with np.load(file, allow_pickle=False) as arrays:
            again = Record("finished", json.loads(said), dict(arrays))
        assert bits(again) == bits(record)


class TestTables:
    @given(
        arrays(float, 5, elements=st.floats(-9, 9)),
        arrays(float, 5, elements=st.floats(-9, 9)),
        st.integers(0, 4),
    )
    def test_a_digest_tells_columns_apart(self, x: Any, y: Any, index: int) -> None:
        name = tables.digest(x, y)
        assert name == tables.digest(x.copy(), y + 0.0)
        bumped = y.copy()
        bumped[index] = np.nextafter(y[index], np.inf) if y[index] else 1.0
        assert tables.digest(x, bumped) != name
        assert (tables.digest(y, x) == name) == np.array_equal(x, y)

    def test_what_was_saved_is_read(self, tmp_path: Path) -> None:
        x, y = np.array([3.0, 1.0, -0.0]), np.array([1e-300, np.pi, 2.0])
        name = tables.save(tmp_path / "a" / "data", x, y)
        assert name == tables.digest(x, y)
        back = tables.load(tmp_path / "a" / "data", name)
        np.testing.assert_array_equal(back, [x, y])
        assert not np.signbit(back[0][2])

    def test_is_written_once_and_mended(self, tmp_path: Path) -> None:
        x = np.arange(9.0)
        name = tables.save(tmp_path, x, x)
        [file] = tmp_path.iterdir()
        content, before = file.read_bytes(), file.stat().st_mtime_ns
        assert tables.save(tmp_path, x, x) == name
        assert file.stat().st_mtime_ns == before
        file.write_bytes(content[:-40])
        with pytest.raises(OutputError, match=r"^cannot read '.*npz': "):
            tables.load(tmp_path, name)
        tables.save(tmp_path, x, x)
        assert file.read_bytes() == content

    def test_numbers_of_another_table_are_not_taken(self, tmp_path: Path) -> None:
        x = np.arange(9.0)
        name, other = tables.save(tmp_path, x, x), tables.save(tmp_path, x, x + 1.0)
        (tmp_path / f"{other}.npz").rename(tmp_path / f"{name}.npz")
        with pytest.raises(OutputError, match=r"npz' is damaged: its numbers are not those of its name$"):
            tables.load(tmp_path, name)

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        x = np.arange(9.0)
        with pytest.raises(OutputError, match=r"^cannot make '.*file/data': "):
            tables.save(tmp_path / "file" / "data", x, x)

    def test_standardized_as_fit_does(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        problem, *_ = build(motorcycle, tmp_path)
        mean, spread = data.x.mean(), data.x.std()
        np.testing.assert_allclose(
            problem.inputs, (np.unique(data.x) - mean) / spread, rtol=1e-12, atol=1e-14
        )
        at, weights = 0, problem.averaging * data.x.size
        first = data.y[data.x == np.unique(data.x)[at]]
        assert weights[at] == pytest.approx(first.size)
        assert problem.labels[at] == pytest.approx((first.mean() - data.y.mean()) / data.y.std(), rel=1e-12)
        assert problem.truth is None

    def test_as_it_stands(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        problem, *_ = build(replaced(motorcycle, problem_standardize=False), tmp_path)
        np.testing.assert_array_equal(problem.inputs, data.x)
        np.testing.assert_array_equal(problem.labels, data.y)
        assert problem.weights is None

    def test_its_curve_is_in_the_units_of_the_table(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        record = work(motorcycle, silent, tmp_path)
        x, y = record.arrays["curve_x"], record.arrays["curve_y"]
        np.testing.assert_allclose(x[[0, -1]], [data.x.min(), data.x.max()], rtol=1e-12)
        problem, network, method = build(motorcycle, tmp_path)
        trained = ss.train(problem, network, method, record_every=100)
        standard = trained.predict((x - data.x.mean()) / data.x.std())
        np.testing.assert_allclose(y, data.y.mean() + data.y.std() * standard, rtol=1e-9)
        assert "curve_truth" not in record.arrays
        assert "risk" not in record.numbers

    def test_the_work_may_carry_its_folder(self, motorcycle: Run, tmp_path: Path) -> None:
        found = run_all(partial(work, data=str(tmp_path)), [motorcycle] * 2, 2, lambda _: None)
        assert bits(found[0]) == bits(found[1]) == bits(work(motorcycle, silent, tmp_path))

    def test_data_that_are_not_there(self, motorcycle: Run) -> None:
        with pytest.raises(InputError, match=r"^the data '[0-9a-f]{32}' of a run are not in 'nowhere'; run"):
            build(motorcycle, "nowhere")


class TestTwoClasses:
    """Labels of two classes: drawn around a curve, and of a table."""

    RUN = Run(
        problem=Bernoulli(truth="wave", n=40, amplitude=3.0, flip_rate=0.1, half_width=2.0),
        network=Network(width=30, scale=0.4),
        method=Method(step_size=1.0, steps=STEPS),
        measure=Measure(records=20, held_out=True, curve_points=5),
        seed=4,
    )

    def test_is_what_the_public_names_make(self) -> None:
        problem, network, _ = build(self.RUN)
        drawn = ss.problems.bernoulli("wave", 40, 3.0, 0.1, seed=4, half_width=2.0)
        np.testing.assert_array_equal(problem.labels, drawn.labels)
        assert (problem.loss, problem.truth) == ("logistic", drawn.truth)
        same = ss.TwoLayerReLU.random(30, 0.4, "torch", seed=stream(4, "network"))
        np.testing.assert_array_equal(network.parameters, same.parameters)

    def test_every_field_decides_the_identity(self) -> None:
        names = {identity(self.RUN)}
        for entry in msgspec.structs.fields(Bernoulli):
            now = getattr(self.RUN.problem, entry.name)
            new = {str: "other", int: 77, float: 0.77}[type(now)]
            names.add(identity(replaced(self.RUN, **{f"problem_{entry.name}": new})))
        assert len(names) == 1 + len(msgspec.structs.fields(Bernoulli))
        assert columns(self.RUN)["problem"] == "bernoulli"
        assert columns(self.RUN)["loss_name"] == "logistic"

    def test_measures_are_those_of_the_loss(self) -> None:
        problem, network, method = build(self.RUN)
        found = work(self.RUN, silent)
        run = ss.train(problem, network, method, record_every=20)
        assert found.numbers["excess_risk"] == problem.excess_risk(run.predict(problem.inputs))
        assert "risk" not in found.numbers
        assert not set(columns(self.RUN)) & set(found.numbers)
        assert not set(found.numbers) & RESERVED
        assert found.numbers["slack_weighted"] == ss.certify(problem, run.network)["weighted"].slack
        assert problem.truth is not None
        np.testing.assert_array_equal(found.arrays["curve_truth"], problem.truth(found.arrays["curve_x"]))

    def test_held_out_is_the_record_of_least_log_loss_on_a_new_sample(self) -> None:
        problem, network, method = build(self.RUN)
        sample = ss.problems.bernoulli("wave", 40, 3.0, 0.1, stream(4, "held out"), 2.0)
        seen: list[tuple[float, int, float]] = []

        def observe(snapshot: Any) -> None:
            margins = sample.labels * snapshot.predict(sample.inputs)
            error = float(np.mean(np.log1p(np.exp(-margins))))
            excess = problem.excess_risk(snapshot.predict(problem.inputs))
            seen.append((error, snapshot.step, excess))

        ss.train(problem, network, method, record_every=20, observe=observe)
        _, step, excess = min(seen[1:])
        numbers = work(self.RUN, silent).numbers
        assert numbers["steps_held_out"] == step
        assert numbers["excess_risk_held_out"] == pytest.approx(excess, rel=1e-12)
        assert "excess_risk_interior_held_out" in numbers

    def test_the_refusals_of_the_constructors(self) -> None:
        for changes, sentence in (
            ({"problem_flip_rate": 0.5}, r"^flip_rate must lie in \[0, 0.5\), got 0.5"),
            (
                {"problem_loss": "square"},
                "^loss must be 'logistic' for labels of two classes, got 'square'; num",
            ),
            ({"problem_n": 0}, "^n must lie between 1 and 10000000, got 0"),
        ):
            with pytest.raises(InputError, match=sentence):
                build(replaced(self.RUN, **changes))
        with pytest.raises(
            InputError, match=r'^loss must be .* two classes around a curve are kind = "bernoulli"$'
        ):
            build(replaced(RUN, problem_loss="logistic"))

    @pytest.mark.parametrize("standardize", [True, False])
    def test_a_table_standardizes_its_inputs_alone(self, tmp_path: Path, standardize: bool) -> None:
        x = np.repeat(np.arange(20.0) ** 1.5, 2)
        y = (np.arange(40) * 7 % 5 > 2).astype(float)
        table = Table(
            data=tables.save(tmp_path, x, y),
            x="age",
            y="sick",
            n=40,
            standardize=standardize,
            loss="logistic",
        )
        run = Run(
            problem=table, network=Network(width=10), method=Method(step_size=0.2, steps=50),
            measure=Measure(records=3, curve_points=4),
        )  # fmt: skip
        problem = build(run, tmp_path)[0]
        assert problem.loss == "logistic"
        assert set(problem.labels) == {-1.0, 1.0}
        if standardize:
            model = ss.StepSizeClassifier(0.2, steps=10, stopping="budget", width=3).fit(x, y)
            np.testing.assert_array_equal(problem.inputs, model.problem_.inputs)
            np.testing.assert_array_equal(problem.labels, model.problem_.labels)
            np.testing.assert_allclose(problem.averaging, model.problem_.averaging)
        else:
            np.testing.assert_array_equal(problem.inputs, x)
        record = work(run, silent, tmp_path)
        np.testing.assert_allclose(record.arrays["curve_x"][[0, -1]], [x.min(), x.max()])
        grid = np.linspace(problem.inputs.min(), problem.inputs.max(), 4)
        logits = ss.train(problem, *build(run, tmp_path)[1:]).predict(grid)
        np.testing.assert_allclose(record.arrays["curve_y"], logits)  # they have no unit
        with pytest.raises(InputError, match="labels"):
            table.problem(x, y + 1.0 + y)
