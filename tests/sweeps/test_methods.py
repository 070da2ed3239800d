"""Methods other than descent in a sweep file: what they are, what refuses them, what is measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import stepscape as ss
from run_cases import RUN, bits, silent
from stepscape.cli import main
from stepscape.errors import InputError
from stepscape.lab.spec import columns, identity, stream
from stepscape.sweeps.method import Method, name_methods
from stepscape.sweeps.runs import Ball, Bernoulli, Curve, Measure, Run, build, work
from sweep_files import SMALL, TABLE, changed, read, refuse

CLOCK: dict[str, Any] = {"step_size": 0.1, "steps": 60}
MEASURE = Measure(records=6, trace=True)


def of(kind: str, **keys: Any) -> Run:
    small = msgspec.structs.replace(RUN, problem=Curve(truth="tent", n=6), measure=MEASURE)
    return msgspec.structs.replace(small, method=Method(kind=kind, **CLOCK, **keys))


SEED = stream(4, "batches")
MADE = [
    (of("sgd", batch_size=2, replacement=True), ss.methods.StochasticGradientDescent(0.1, 60, 2, True, SEED)),
    (of("sgd"), ss.methods.StochasticGradientDescent(0.1, 60, 1, False, SEED)),
    (of("sgd", momentum=0.5), ss.methods.StochasticGradientDescent(0.1, 60, 1, False, SEED, 0.5)),
    (of("label_noise", label_noise=0.3), ss.methods.LabelNoise(0.1, 60, 0.3, SEED)),
    (of("sam", sam_radius=0.2), ss.methods.SharpnessAware(0.1, 60, 0.2)),
    (of("trace_penalty"), ss.methods.TracePenalty(0.1, 60, 0.01)),
    (of("rmsprop", beta2=0.9, scalar=True), ss.methods.RMSProp(0.1, 60, 0.9, 1e-8, True)),
    (of("adam", beta1=0.5, epsilon=1e-3), ss.methods.Adam(0.1, 60, 0.5, 0.999, 1e-3)),
    (of("adamw", weight_decay=0.2), ss.methods.AdamW(0.1, 60, weight_decay=0.2)),
]
REACH = {"adam": 3.0, "adamw": 19.0 * (1.0 - 0.5 * 0.1 * 0.2)}  # threshold over 2/η


@pytest.mark.parametrize(("run", "method"), MADE, ids=lambda value: type(value).__name__)
def test_a_run_is_that_of_the_method(run: Run, method: Any) -> None:
    problem, network, made = build(run)
    assert made == method
    record = work(run, silent)
    last = ss.train(problem, network, method, measure_sharpness=False)
    assert record.numbers["loss"] == last.loss[-1]
    assert record.numbers["trace"] == ss.hessian_trace(problem, last.midpoint)
    reach = REACH.get(run.method.name, 1.0 + run.method.momentum)
    assert record.numbers["threshold"] == pytest.approx(20.0 * reach, rel=1e-14)
    assert record.numbers["time"] == pytest.approx(6.0 / (1.0 - run.method.momentum), rel=1e-14)
    assert not set(columns(run)) & set(record.numbers)
    assert columns(run)["method"] == run.method.kind
    assert bits(work(run, silent)) == bits(record)


def test_the_batch_ratio_is_the_median_over_the_last_half() -> None:
    run = MADE[0][0]
    problem, network, method = build(run)
    ratios = {}

    def look(snapshot: ss.training.Snapshot) -> None:
        found = ss.objectives.batch_sharpness(problem, snapshot.network, 2, 64, True, 4)
        ratios[snapshot.step] = 0.05 * found

    ss.train(problem, network, method, record_every=10, measure_sharpness=False, observe=look)
    assert work(run, silent).numbers["batch_ratio"] == pytest.approx(
        np.median([ratios[at] for at in (30, 40, 50, 60)]), rel=1e-14
    )


@pytest.mark.parametrize("loss", ["square", "logistic"])
@pytest.mark.parametrize("kind", ["rmsprop", "adam", "adamw"])
def test_an_adaptive_method_has_both_sharpnesses(kind: str, loss: str) -> None:
    """That of the loss, as for every method, and the preconditioned one, that edge ratios are of."""
    problem = Curve(truth="tent", n=6) if loss == "square" else Bernoulli(truth="tent", n=12)
    measure = Measure(records=6, trajectory=True)
    run = msgspec.structs.replace(of(kind), problem=problem, measure=measure)
    record, (given, net, method) = work(run, silent), build(run)
    last = ss.train(given, net, method, record_every=10)
    numbers, arrays = record.numbers, record.arrays
    assert numbers["sharpness"] == pytest.approx(ss.sharpness(given, last.midpoint).value, rel=1e-8)
    assert numbers["sharpness_last"] == pytest.approx(ss.sharpness(given, last.network).value, rel=1e-8)
    assert numbers["initial_sharpness"] == pytest.approx(ss.sharpness(given, net).value, rel=1e-8)
    assert numbers["preconditioned_sharpness"] == last.sharpness[-1]
    ratio = numbers["preconditioned_sharpness"] / numbers["threshold"]
    assert numbers["edge_ratio"] == pytest.approx(ratio, rel=1e-12)
    late = np.median(last.sharpness[3:]) / numbers["threshold"]
    assert numbers["median_edge_ratio"] == pytest.approx(late, rel=1e-12)
    assert abs(numbers["sharpness"] / numbers["preconditioned_sharpness"] - 1.0) > 0.1
    np.testing.assert_array_equal(arrays["preconditioned_sharpness"], last.sharpness)
    assert "sharpness" not in arrays


def test_methods_of_inputs_in_several_variables() -> None:
    ball = Ball(n=12, dimension=3)
    for kind in ("sgd", "label_noise", "sam", "adam"):
        run = msgspec.structs.replace(of(kind), problem=ball, measure=Measure(records=2))
        record, (problem, network, method) = work(run, silent), build(run)
        last = ss.train(problem, network, method, record_every=30)
        assert record.outcome == "finished"
        assert record.numbers["loss"] == last.loss[-1]
        assert ("batch_ratio" in record.numbers) == (kind == "sgd")
        assert record.numbers["decay_time"] == 0.0
    decayed = msgspec.structs.replace(of("adamw"), problem=ball, measure=Measure(records=1))
    assert work(decayed, silent).numbers["decay_time"] == pytest.approx(0.1 * 60 * 0.01, rel=1e-14)


def test_descent_is_the_same_run_with_and_without_its_name() -> None:
    named = Method(kind="descent", **CLOCK, momentum=0.2)
    assert named == Method(**CLOCK, momentum=0.2)
    assert identity(RUN) == "23f89c058ffe588472a3bf39fa45643d"
    assert "method" not in columns(RUN)
    rows: list[dict[str, Any]] = [
        {"seed": 0, "momentum": 0.0, "step_size": 0.1},
        {"method": "sgd", "step_size": 0.1},
    ]
    assert name_methods(rows)[0] == {"seed": 0, "momentum": 0.0, "method": "descent", "step_size": 0.1}
    assert name_methods(rows)[1] == rows[1]
    assert name_methods(rows[:1]) == rows[:1]
    assert name_methods([{"d1": 3}, rows[1]])[0] == {"d1": 3}  # it recovers a matrix


def test_what_is_left_out_is_what_the_classes_take() -> None:
    for run, plain in (
        (of("label_noise"), ss.methods.LabelNoise(0.1, 60, seed=SEED)),
        (of("sam"), ss.methods.SharpnessAware(0.1, 60)),
        (of("sgd"), ss.methods.StochasticGradientDescent(0.1, 60, seed=SEED)),
        (of("trace_penalty"), ss.methods.TracePenalty(0.1, 60)),
        (of("rmsprop"), ss.methods.RMSProp(0.1, 60)),
        (of("adam"), ss.methods.Adam(0.1, 60)),
        (of("adamw"), ss.methods.AdamW(0.1, 60)),
    ):
        assert run.method.make(4) == plain


def test_strengths_are_axes_beside_descent() -> None:
    text = changed("[method]", "[[method]]") + '[[method]]\nkind = "sgd"\nbatch_size = [1, 4]\nsteps = 5\n'
    specs: Any = read(text + "step_size = [0.1, 0.2]\n").specs
    assert len(specs) == 2 * (1 + 4)
    assert {run.method.batch_size for run in specs[1:5]} == {1, 4}
    both: Any = read(changed("steps = 10", 'steps = 10\nkind = ["descent", "sam"]')).specs
    assert [run.method.name for run in both] == ["descent", "sam"] * 2


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('kind = "sgdd"', "10: unknown kind 'sgdd'; did you mean 'sgd'? …"),
        (
            'kind = "sgd"\nweight_decay = 0.5',
            '11: weight_decay must be left out with kind = "sgd", got 0.5; it needs kind = "descent", '
            '"rmsprop", "adam" or "adamw"; kind = "sgd" takes step_size, steps, batch_size, '
            "replacement, momentum",
        ),
        (
            "batch_size = 2",
            '10: batch_size must be left out with kind = "descent", got 2; it needs kind = "sgd"; kind = '
            '"descent" takes step_size, steps, momentum, nesterov, weight_decay, warmup_steps, clip, …',
        ),
        (
            'kind = "sam"\nmomentum = 0.5',
            '11: momentum must be left out with kind = "sam", got 0.5; it needs kind = "descent" or "sgd"; …',
        ),
        ('kind = "sam"\nlabel_noise = 1', '11: label_noise must be left out with kind = "sam", got 1.0; …'),
        ('kind = "sgd"\nbatch_size = 0', "11: batch_size must be a whole number of at least 1, got 0"),
        (
            'kind = "sgd"\nbatch_size = [4, 31]',
            "11: batch_size must be at most 30, the number of examples that are trained on, got 31",
        ),
        ('kind = "sam"\nsam_radius = -1', "11: sam_radius must be finite and not negative, got -1.0"),
        (
            'kind = "label_noise"\nlabel_noise = nan',
            "11: label_noise must be finite and not negative, got nan",
        ),
        (
            'trace_penalty = -1\nkind = "trace_penalty"',
            "10: trace_penalty must be finite and not negative, …",
        ),
        ('kind = "adam"\nbeta1 = 1', "11: beta1 must lie in [0, 1), got 1.0"),
        ('kind = "rmsprop"\nbeta2 = [0.9, -0.1]', "11: beta2 must lie in [0, 1), got -0.1"),
        ('kind = "adamw"\nepsilon = 0', "11: epsilon must be finite and positive, got 0.0"),
        ('kind = "adam"\nweight_decay = -1', "11: weight_decay must be finite and not negative, got -1.0"),
        (
            'kind = "adamw"\nweight_decay = 20',
            "11: weight_decay must be less than 2/step_size = 20, …",
        ),
        (
            'kind = "rmsprop"\nbeta1 = 0.9',
            '11: beta1 must be left out with kind = "rmsprop", got 0.9; it needs kind = "adam" or "adamw"; '
            'kind = "rmsprop" takes step_size, steps, beta2, epsilon, scalar, weight_decay',
        ),
        (
            'kind = "adam"\nmomentum = 0.9',
            '11: momentum must be left out with kind = "adam", got 0.9; it needs kind = "descent" or …',
        ),
        (
            "beta2 = 0.9",
            '10: beta2 must be left out with kind = "descent", got 0.9; it needs kind = "rmsprop", …',
        ),
        ('kind = "sgd"\nradius = 1', "11: 'radius' belongs in [problem]"),
        ('kind = "adam"\nlr = 0.1', "11: unknown [method] key 'lr'; here it is step_size"),
        ('kind = "adam"\neps = 1e-8', "11: unknown [method] key 'eps'; here it is epsilon"),
        (
            'kind = "adam"\nbetas = [0.9, 0.99]',
            "11: unknown [method] key 'betas'; here it is beta1 and beta2",
        ),
        ("beta = 0.9", "10: unknown [method] key 'beta'; here it is momentum, or beta1 and beta2 with …"),
        (
            'kind = "rmsprop"\nalpha = 0.9',
            "11: unknown [method] key 'alpha'; here it is beta2, with kind = \"rmsprop\"",
        ),
        ('kind = "sgd"\nbatchsize = 1', "11: unknown [method] key 'batchsize'; did you mean 'batch_size'? …"),
    ],
)
def test_refused(keys: str, sentence: str) -> None:
    refuse(changed("steps = 10", "steps = 10\n" + keys), sentence)


@pytest.mark.parametrize(
    ("problem", "method", "sentence"),
    [
        (
            'kind = "ball"',
            'kind = ["sgd", "adam", "trace_penalty"]',
            '10: kind must be one of "descent", "sgd", "label_noise", "sam", "rmsprop", "adam", "adamw" with '
            'several input variables, got "trace_penalty"',
        ),
        (
            'kind = "bernoulli"\ntruth = "tent"',
            'kind = ["sam", "trace_penalty"]',
            '11: kind must be one of "descent", "sgd", "sam", "rmsprop", "adam", "adamw" with the logistic '
            'loss, got "trace_penalty"',
        ),
        (
            'kind = "mixup"\ndimension = 1\nfresh = true',
            'kind = "sgd"',
            '12: kind must be "descent" with fresh = true, got "sgd"; fresh pairs are a method of their own',
        ),
        (
            'data = "rope.csv"\nx = "time"\ny = "pull"\nheld_out_rows = 4',
            'kind = "sgd"\nbatch_size = 37',
            "14: batch_size must be at most 36, the number of examples that are trained on, got 37",
        ),
    ],
)
def test_refused_where_it_does_not_exist(tmp_path: Path, problem: str, method: str, sentence: str) -> None:
    (tmp_path / "rope.csv").write_text(TABLE)
    text = changed('truth = "tent"', problem).replace("steps = 10", "steps = 10\n" + method)
    refuse(text, sentence, tmp_path)


def test_a_run_of_python_is_refused_likewise() -> None:
    wrong = msgspec.structs.replace(MADE[0][0], method=Method(**CLOCK, sam_radius=0.1))
    with pytest.raises(InputError, match=r"^sam_radius must be left out with kind = \"descent\", got 0\.1"):
        build(wrong)


def test_a_run_that_diverges_is_told_what_the_method_has() -> None:
    run = of("sgd")
    wild = msgspec.structs.replace(run, method=msgspec.structs.replace(run.method, step_size=50.0))
    reason = work(wild, silent).reason
    assert reason.endswith("at step_size 50; lower step_size, shrink the initialization, or raise batch_size")


def test_shards_and_resumption_and_the_exported_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    text = SMALL.replace("[method]", "[[method]]") + '[[method]]\nkind = "sgd"\nsteps = 10\nstep_size = 0.1\n'
    Path("a.toml").write_text(text)
    done = []
    for more in (["--shard", "1/2"], []):
        assert main(["sweep", "a.toml", "--out", "a", "--workers", "1", "--json", *more]) == 0
        done.append(json.loads(capsys.readouterr().out))
    assert 0 < done[0]["computed"] == done[1]["reused"] == 4 - done[1]["computed"] < 4
    assert main(["export", "a", "--csv", "a.csv", "--where", "method=descent"]) == 0
    head, *rows = Path("a.csv").read_text().splitlines()
    assert len(rows) == 2
    at = head.split(",").index("method")
    assert [row.split(",")[at] for row in rows] == ["descent"] * 2
