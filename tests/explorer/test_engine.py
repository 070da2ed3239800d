"""The engine of the explorer, in Node and in Chromium, trains as stepscape does and measures the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from browser import browser
from stepscape.measures.measures import measure
from stepscape.objectives import Hessian, rough_sharpness
from stepscape.theory import weighted_tv

ROOT = Path(__file__).parents[2]
STEPS, EVERY = 50, 10
CLOSE = {"rtol": 1e-9, "atol": 1e-9}
ALIVE, LINEAR, DEAD, STUCK = range(4)
PAGE = """
window.converse = async (conversations) => {
  const found = [];
  for (const commands of conversations) {
    const worker = new Worker(URL.createObjectURL(new Blob([window.code])));
    const answers = [];
    for (const command of commands) await new Promise((done) => {
      worker.onmessage = ({ data }) => {
        answers.push(data);
        if (data.kind === "frame" || data.kind === "refused") done();
      };
      worker.postMessage(command);
    });
    worker.terminate();
    found.push(answers);
  }
  window.found = JSON.stringify(found, (_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value);
};
"""


@dataclass(frozen=True)
class Case:
    """A run of the explorer, and the same run in Python."""

    loss: str = "square"
    truth: str = "tent"
    n: int = 30
    arm: str = "printed"
    width: int = 100
    step_size: float = 0.1
    momentum: float = 0.0
    decay: float = 0.0
    warmup: int = 0
    noise: float = 0.5
    flips: float = 0.0

    @property
    def setup(self) -> dict[str, Any]:
        data = {
            "kind": "curve", "truth": self.truth, "n": self.n, "noise": self.noise, "flipRate": self.flips,
            "amplitude": 2.5, "halfWidth": 1.5, "seed": 3,
        }  # fmt: skip
        method = {
            "stepSize": self.step_size, "momentum": self.momentum, "weightDecay": self.decay,
            "warmupSteps": self.warmup,
        }  # fmt: skip
        start = {"arm": self.arm, "width": self.width, "seed": 4}
        return {"loss": self.loss, "data": data, "start": start, "method": method}

    @property
    def problem(self) -> ss.Problem:
        if self.loss == "square":
            return ss.problems.curve(self.truth, self.n, self.noise, seed=3, half_width=1.5)
        return ss.problems.bernoulli(self.truth, self.n, 2.5, self.flips, seed=3, half_width=1.5)

    def method(self, steps: int = STEPS) -> ss.GradientDescent:
        return ss.GradientDescent(
            self.step_size,
            steps,
            momentum=self.momentum,
            weight_decay=self.decay,
            warmup_steps=self.warmup,
        )


CASES = {
    "as printed": Case(),
    "wide, warm-up": Case(arm="large", width=400, step_size=0.3, warmup=40),
    "small start": Case(truth="doppler", n=200, arm="small", width=60, step_size=0.8),
    "momentum": Case(truth="steps", step_size=0.05, momentum=0.9),
    "momentum, decay, warm-up": Case("square", "wave", 200, "large", 50, 0.1, 0.5, 1e-2, 30),
    "decay alone": Case(truth="line", width=7, step_size=0.4, decay=0.05),
    "no truth to find": Case(truth="zero", width=1, step_size=0.1),
    "classes": Case("logistic", n=100, step_size=1.0),
    "classes, flips, momentum": Case("logistic", "wave", 200, "printed", 80, 0.5, 0.8, 1e-2, flips=0.2),
    "classes, warm-up": Case("logistic", n=30, arm="large", width=90, step_size=0.4, warmup=30),
}  # fmt: skip
MOVES: list[dict[str, Any]] = [{"kind": "step", "count": EVERY}] * (STEPS // EVERY)
CONVERSATIONS = [[{"kind": "begin", "setup": case.setup}, *MOVES] for case in CASES.values()]
REPEATED = [-1.0, -0.4, -0.4, -0.4, 0.3, 0.9, 0.9, 2.0], [1.0, 0.5, -0.5, 0.0, 1.5, -1.0, 2.0, 0.0]


def own(x: list[float], y: list[float]) -> dict[str, Any]:
    return {"kind": "own", "x": x, "y": y, "truth": None, "amplitude": 1, "flipRate": 0, "halfWidth": 1}


def node() -> str:
    found = shutil.which("node")
    if found is None:
        reason = "no node: the engine of the explorer is not compared with stepscape there"
        (pytest.fail if os.environ.get("STEPSCAPE_NEEDS_NODE") else pytest.skip)(reason)
    return str(found)


def asked(given: Any) -> Any:
    """What the engine answers in Node."""
    command = [node(), str(ROOT / "explorer" / "tests" / "converse.js")]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout)


@cache
def in_node() -> list[list[dict[str, Any]]]:
    return list(asked(CONVERSATIONS))


@pytest.fixture(scope="module")
def in_chromium(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What the worker of the package answers in a page."""
    folder = tmp_path_factory.mktemp("engine")
    code = (ROOT / "src" / "stepscape" / "explorer" / "built" / "worker.js").read_text(encoding="utf-8")
    page = folder / "page.html"
    page.write_text("<!doctype html><title>engine</title>", encoding="utf-8")
    with browser(folder / "profile") as tab:
        tab.open(page)
        tab.evaluate(f"window.code = {json.dumps(code)}; {PAGE}; converse({json.dumps(CONVERSATIONS)}); 0")
        while (found := tab.evaluate("window.found ?? null")) is None:
            pass
        assert tab.complaints() == []
    return list(json.loads(found))


@cache
def in_python(
    name: str, init: str, scale: float
) -> tuple[ss.TwoLayerReLU, dict[int, ss.training.Snapshot], ss.Trajectory]:
    """The start of a case, its snapshots and its trajectory in Python."""
    case = CASES[name]
    start = ss.TwoLayerReLU.random(case.width, scale, init, seed=4)
    snapshots: dict[int, ss.training.Snapshot] = {}
    run = ss.train(
        case.problem, start, case.method(), EVERY, observe=lambda shot: snapshots.update({shot.step: shot})
    )
    return start, snapshots, run


def judge(name: str, answers: list[dict[str, Any]]) -> None:
    """Compare all that a conversation said with Python."""
    case, (ready, *frames) = CASES[name], answers
    problem, (_, snapshots, run) = case.problem, in_python(name, ready["init"], ready["scale"])
    np.testing.assert_array_equal(ready["x"], problem.line.inputs)
    np.testing.assert_allclose(ready["y"], problem.line.labels, rtol=0, atol=4e-16)
    assert problem.truth is not None
    grid = np.array(ready["grid"])
    np.testing.assert_allclose(ready["truth"], problem.truth(grid), rtol=1e-12, atol=1e-14)
    assert [frame["step"] for frame in frames] == list(range(0, STEPS + 1, EVERY))
    for row, frame in enumerate(frames):
        shot = snapshots[frame["step"]]
        for key, values in (
            ("now", shot.network.predict(grid)),
            ("before", shot.network_before.predict(grid)),
            ("midpoint", shot.midpoint.predict(grid)),
        ):
            np.testing.assert_allclose(frame[key], values, **CLOSE)
        assert frame["loss"] == pytest.approx(run.loss[row], rel=1e-9)
        assert frame["time"] == pytest.approx(run.time[row] * (1 - case.momentum), rel=1e-12)
        assert frame["stepSize"] == pytest.approx(run.step_size[row], rel=1e-9)
        assert frame["threshold"] == pytest.approx(
            case.method().threshold(float(run.step_size[row])), rel=1e-9
        )
        assert frame["sharpness"] == pytest.approx(run.sharpness[row], rel=1e-9)
        assert 0.0 <= frame["residual"] <= 3e-8 * frame["sharpness"]
        judge_measures(problem, shot, frame)
        judge_neurons(problem, shot.network, frame["neurons"])


def judge_measures(problem: ss.Problem, shot: ss.training.Snapshot, frame: dict[str, Any]) -> None:
    middle, logistic = shot.midpoint, problem.loss == "logistic"
    found = measure(problem, shot.network, shot.network_before)
    operator = Hessian(problem, middle)
    certificate = ss.certify(problem, middle)["weighted" if logistic else "published"]
    parts = middle.w1, middle.b1, middle.w2, problem.line.inputs
    assert frame["trace"] == pytest.approx(operator.trace, rel=1e-9)
    assert frame["weightedTv"] == pytest.approx(weighted_tv(*parts, operator.curvature), rel=1e-9, abs=1e-12)
    if certificate.failed_premises:
        assert frame["bound"] is None
    else:
        assert frame["bound"] == pytest.approx(certificate.right, rel=1e-7)
    assert frame["pieces"] == found["pieces"]
    assert frame["risk"] == pytest.approx(found["excess_risk" if logistic else "risk"], rel=1e-8, abs=1e-12)


def judge_neurons(problem: ss.Problem, network: ss.TwoLayerReLU, neurons: dict[str, Any]) -> None:
    active = np.outer(problem.inputs, network.w1) + network.b1 > 0.0
    states, counts = np.array(neurons["states"]), active.sum(axis=0)
    np.testing.assert_array_equal(states == DEAD, counts == 0)
    np.testing.assert_array_equal(states == LINEAR, counts == problem.size)
    knots = -network.b1 / network.w1
    np.testing.assert_allclose(np.array(neurons["knots"]), knots, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(neurons["jumps"], network.w2 * np.abs(network.w1), **CLOSE)
    near = np.abs(knots[:, None] - problem.inputs).min(axis=1) <= 1e-3 * np.ptp(problem.inputs)
    bent = (counts > 0) & (counts < problem.size)
    np.testing.assert_array_equal(states == STUCK, bent & near)
    np.testing.assert_array_equal(states == ALIVE, bent & ~near)


@pytest.mark.parametrize("name", CASES)
def test_fifty_steps_in_node_are_those_of_python(name: str) -> None:
    judge(name, in_node()[list(CASES).index(name)])


@pytest.mark.parametrize("name", CASES)
def test_fifty_steps_in_chromium_are_those_of_python(
    name: str, in_chromium: list[list[dict[str, Any]]]
) -> None:
    judge(name, in_chromium[list(CASES).index(name)])


@pytest.mark.parametrize("name", CASES)
def test_a_run_begins_at_the_network_of_its_arm(name: str) -> None:
    case, ready = CASES[name], in_node()[list(CASES).index(name)][0]
    start, _, _ = in_python(name, ready["init"], ready["scale"])
    if not case.decay:
        assert ready["initialSharpness"] == pytest.approx(rough_sharpness(case.problem, start), rel=1e-12)
    if case.arm == "small":
        assert rough_sharpness(case.problem, start) <= 0.8 * 2.0 / case.step_size
    else:
        assert ready["scale"] == {"printed": 1.0, "large": 6.0}[case.arm]


def test_repeated_inputs_and_a_point_that_is_dragged_are_those_of_python() -> None:
    x, y = REPEATED
    moved = [*x[:4], -0.1, *x[5:]], [*y[:4], 3.0, *y[5:]]
    setup = {**Case(width=40).setup, "data": own(x, y)}
    drag = {"kind": "data", "data": own(*moved)}
    steps = {"kind": "step", "count": 25}
    answers = asked([[{"kind": "begin", "setup": setup}, steps, drag, steps]])[0]
    network = ss.TwoLayerReLU.random(40, seed=4)
    for given, frame in (((x, y), answers[2]), (moved, answers[5])):
        problem = ss.Problem(*given)
        run = ss.train(problem, network, ss.GradientDescent(0.1, 25), 25)
        network = run.network
        grid = np.array(answers[0]["grid"])
        np.testing.assert_allclose(frame["now"], network.predict(grid), **CLOSE)
        assert frame["loss"] == pytest.approx(run.loss[-1], rel=1e-9)
        assert frame["sharpness"] == pytest.approx(run.sharpness[-1], rel=1e-9)
        assert frame["risk"] is None
    assert answers[4]["step"] == 25
    assert answers[4]["loss"] == pytest.approx(ss.Problem(*moved).training_loss(
        ss.train(ss.Problem(x, y), ss.TwoLayerReLU.random(40, seed=4), ss.GradientDescent(0.1, 25), 25)
        .network.predict(moved[0])), rel=1e-9)  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 + 7, 2**53 - 1])
def test_random_numbers_are_those_of_numpy(seed: int) -> None:
    size = 1_000_000 if seed == 1 else 10_000
    found = asked({"seed": seed, "uniform": 100, "normal": size})
    rng = np.random.default_rng(seed)
    np.testing.assert_array_equal(found["uniform"], rng.uniform(0.0, 1.0, 100))
    normals, expected = np.array(found["normal"]), rng.standard_normal(size)
    tail = np.abs(expected) > 3.654152885361009
    np.testing.assert_array_equal(normals[~tail], expected[~tail])
    np.testing.assert_allclose(normals[tail], expected[tail], rtol=4e-16)  # these need log
