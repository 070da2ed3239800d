"""Runs on labels of two classes: drawn around a curve, and of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import stepscape as ss
from run_cases import RESERVED, RUN, STEPS, replaced, silent
from stepscape.errors import InputError
from stepscape.lab import data as tables
from stepscape.lab.spec import columns, identity, stream
from stepscape.sweeps.runs import Bernoulli, Measure, Method, Network, Run, Table, build, work


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
        assert found.numbers["excess_risk"] == problem.excess_risk(run.midpoint.predict(problem.inputs))
        assert "risk" not in found.numbers
        assert not set(columns(self.RUN)) & set(found.numbers)
        assert not set(found.numbers) & RESERVED
        assert found.numbers["slack_weighted"] == ss.certify(problem, run.midpoint)["weighted"].slack
        assert problem.truth is not None
        np.testing.assert_array_equal(found.arrays["curve_truth"], problem.truth(found.arrays["curve_x"]))

    def test_held_out_is_the_record_of_least_log_loss_on_a_new_sample(self) -> None:
        problem, network, method = build(self.RUN)
        sample = ss.problems.bernoulli("wave", 40, 3.0, 0.1, stream(4, "held out"), 2.0)
        seen: list[tuple[float, int, float]] = []

        def observe(snapshot: Any) -> None:
            margins = sample.labels * snapshot.midpoint.predict(sample.inputs)
            error = float(np.mean(np.log1p(np.exp(-margins))))
            excess = problem.excess_risk(snapshot.midpoint.predict(problem.inputs))
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
        logits = ss.train(problem, *build(run, tmp_path)[1:]).midpoint.predict(grid)
        # They have no unit; training rounds the ends of the data by up to 2⁻²¹.
        np.testing.assert_allclose(record.arrays["curve_y"], logits, rtol=0, atol=2.0**-20)
        with pytest.raises(InputError, match="labels"):
            table.problem(x, y + 1.0 + y)
