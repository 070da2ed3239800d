"""A user's run: what is built from its spec, what is measured, the same bits anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import stepscape as ss
from run_cases import RESERVED, RUN, STEPS, bits, carried_out, replaced, silent
from stepscape.errors import InputError
from stepscape.lab.pool import run_all
from stepscape.lab.spec import columns, identity, stream
from stepscape.sweeps.runs import Run, build, work
from stepscape.tables.records import Record

PARTS_OF_RUN = ("problem", "network", "method", "measure")


@pytest.fixture(scope="module")
def record() -> Record:
    return work(RUN, silent)


@pytest.fixture(scope="module")
def trajectory() -> ss.Trajectory:
    problem, network, method = build(RUN)
    return ss.train(problem, network, method, record_every=20)


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
            ({"network_init": "hi"}, "init must be one of 'torch', 'he', 'mean_field', got 'hi'"),
            ({"method_steps": 0}, "steps must be at least 1, got 0"),
            ({"measure_records": 0}, "records must lie between 1 and 10000000, got 0"),
            ({"measure_curve_points": -1}, "curve_points must lie between 0 and 10000000, got -1"),
        ],
    )
    def test_refuses_in_the_words_of_the_constructors(self, changes: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InputError, match=f"^{sentence}"):
            build(replaced(RUN, **changes))

    def test_a_table_has_no_further_samples(self, motorcycle: Run, tmp_path: Path) -> None:
        sentence = "^held_out must be false for a table that trains on all its rows, got true; set held_out_"
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

    def test_fields_that_came_later_are_not_in_the_name_of_a_run_without_them(self) -> None:
        assert identity(RUN) == "23f89c058ffe588472a3bf39fa45643d"
        clipped = replaced(RUN, method_clip=0.5, method_decay_biases=False)
        assert columns(clipped).items() - columns(RUN).items() == {("clip", 0.5), ("decay_biases", False)}
        method = build(clipped)[2]
        assert (method.clip, method.decay_biases) == (0.5, False)
        assert build(RUN)[2].clip is None

    def test_every_field_of_every_part_decides_the_identity(self, motorcycle: Run) -> None:
        other = {str: "other", int: 77, float: 0.77}
        unset = {"clip": 0.77, "decay_biases": False, "biases": "none", "start_sharpness": 0.77}
        unset |= {"rates": True, "dimension": 77, "trace": True, "held_out_rows": 0.2, "kind": "sam"}
        unset |= {"batch_size": 7, "replacement": True}
        unset |= dict.fromkeys(("label_noise", "sam_radius", "trace_penalty"), 0.77)
        unset |= {"beta1": 0.77, "beta2": 0.77, "epsilon": 0.77, "scalar": True}
        for run in (RUN, motorcycle):
            names = {identity(run)}
            for part in PARTS_OF_RUN:
                for entry in msgspec.structs.fields(type(getattr(run, part))):
                    now = getattr(getattr(run, part), entry.name)
                    new = not now if isinstance(now, bool) else other.get(type(now), unset.get(entry.name))
                    names.add(identity(replaced(run, **{f"{part}_{entry.name}": new})))
            names.add(identity(msgspec.structs.replace(run, seed=77)))
            # Its kind has none, the original has one; what is not set is no column.
            fields = sum(len(msgspec.structs.fields(type(getattr(run, part)))) for part in PARTS_OF_RUN)
            assert len(names) == fields + 2


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
        risk = np.mean((trajectory.midpoint.predict(problem.inputs) - truth) ** 2)
        assert record.numbers["risk"] == pytest.approx(risk, rel=1e-12)

    def test_slacks_are_those_of_the_midpoint(self, record: Record, trajectory: ss.Trajectory) -> None:
        problem, *_ = build(RUN)
        certificates = ss.certify(problem, trajectory.midpoint)
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
        np.testing.assert_array_equal(record.arrays["curve_y"], trajectory.midpoint.predict(x))
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

    def test_median_edge_ratio_is_of_midpoints_over_the_last_half(self, record: Record) -> None:
        problem, network, method = build(RUN)
        ratios: dict[int, float] = {}

        def look(snapshot: ss.training.Snapshot) -> None:
            top = ss.sharpness(problem, snapshot.midpoint, weight_decay=1e-3).value
            ratios[snapshot.step] = top * (0.3 / 2.4)

        ss.train(problem, network, method, record_every=20, measure_sharpness=False, observe=look)
        late = [ratio for step, ratio in ratios.items() if step >= STEPS / 2]
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
            error = np.mean((snapshot.midpoint.predict(fresh.inputs) - fresh.labels) ** 2)
            truth = problem.truth(problem.inputs)  # type: ignore[misc]
            risk = np.mean((snapshot.midpoint.predict(problem.inputs) - truth) ** 2)
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
