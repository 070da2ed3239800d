"""What becomes of dead neurons: counts and errors by hand, and the rules of `ood-neurons`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import stepscape as ss
from plane_rows import row
from stepscape.errors import InputError
from stepscape.experiments.frame import Result
from stepscape.experiments.plane.ood_neurons import CLAIM
from stepscape.experiments.plane.ood_runs import _afterlife, dead, grid, start, without, work
from stepscape.problems import Problem

TINY = {
    **CLAIM.quick,
    "n": 20,
    "width": 16,
    "dimension": 3,
    "steps": 40,
    "records": 4,
    "seeds": 1,
    "probes": 50,
}


def network(*biases: float) -> ss.TwoLayerReLU:
    """One neuron for each bias, max(x_1 + b, 0), on inputs in R²."""
    k = len(biases)
    return ss.TwoLayerReLU(np.tile([1.0, 0.0], (k, 1)), np.array(biases), np.ones(k))


def test_dead_neurons_and_a_network_without_them() -> None:
    points = np.array([[-1.0, 0.0], [1.0, 5.0]])
    net = network(0.0, -2.0, 3.0, -1.0)
    gone = dead(points, net)
    assert gone.tolist() == [False, True, False, True]
    far = np.array([[10.0, 0.0]])
    assert net.predict(far) == pytest.approx(10 + 8 + 13 + 9)
    assert without(net, gone).predict(far) == pytest.approx(10 + 13)
    np.testing.assert_array_equal(without(net, gone).predict(points), net.predict(points))


def test_neurons_that_come_back_are_counted() -> None:
    problem = Problem(np.array([[0.0, 0.0], [0.5, 0.0]]), np.zeros(2))
    # Dead at a bias of at most −0.5: the first neuron comes back and stays, the second one stays dead.
    states = [network(0.0, -9.0), network(-1.0, -9.0), network(1.0, -9.0), network(2.0, -9.0)]
    seen: Any = SimpleNamespace(snapshots=[SimpleNamespace(network=each) for each in states])
    found = _afterlife(seen, problem)
    # First neuron: dead at record 1, so seen at records 2 and 3, alive at both. Second: seen three times.
    assert found == {"observed": 5, "returned": 2, "recovered_neurons": 1}


def test_a_run_asks_the_network_of_its_end() -> None:
    run = next(each for each in grid(TINY) if each.arm == "plain")
    numbers = work(run, lambda _: None).numbers
    setup = start(run)
    problem = setup.samples.problem
    net = ss.train(problem, setup.start, setup.method, record_every=8).midpoint
    gone = dead(problem.points, net)
    assert numbers["dead_share"] == pytest.approx(gone.mean())
    assert numbers["changed"] == 0.0
    assert numbers["returned"] == 0
    rng = np.random.default_rng(0)
    x = rng.standard_normal((20_000, 3))
    x *= 5.0 / np.linalg.norm(x, axis=1)[:, None]
    error = np.sqrt(np.mean((net.predict(x) - 3.0 * x[:, 0]) ** 2))
    assert numbers["error_5"] == pytest.approx(error, rel=0.2)


def test_arms() -> None:
    by_arm = {run.arm: run for run in grid(TINY)}
    assert by_arm["momentum"].momentum == 0.9
    assert start(by_arm["momentum"]).method.momentum == 0.9
    assert [name for name, run in by_arm.items() if run.altered] == ["decay", "momentum"]
    assert by_arm["matched"].start == "matched"
    assert {run.weight_decay for name, run in by_arm.items() if name != "decay"} == {0.0}
    with pytest.raises(InputError, match="radii must be positive, got -1"):
        grid({**TINY, "radii": (1.0, -1.0)})


def result(
    awake: float = 0.9, harm: float = 2.0, better: float = 1.0, returned: int = 0, **changes: Any
) -> Result:
    """Dead neurons of which a share is awake, and errors that are `harm` times those without them."""
    runs, rng = [], np.random.default_rng(3)
    for arm in ("plain", "decay", "momentum", "matched"):
        for seed in range(8):
            noise = float(np.exp(0.01 * rng.standard_normal()))
            line = {
                "kind": "plane-ood/1", "arm": arm, "altered": arm in ("decay", "momentum"), "seed": seed,
                "dead_share": 0.7, "observed": 100, "returned": returned, "recovered_neurons": returned,
                "changed": 0.0, "awake_fresh": 0.1, "awake_5": awake + 0.01 * noise,
                "error_5": 10.0 * harm * noise if arm != "decay" else 10.0 * better,
                "pruned_5": 10.0, **changes,
            }  # fmt: skip
            runs.append(row(**line))
    return Result("ood-neurons", {**CLAIM.quick, "radii": (5.0,)}, tuple(runs))


def words(found: Result) -> dict[str, str]:
    return {name: judged.word(CLAIM.kind) for name, judged in CLAIM.judge(found).items()}


def test_as_claimed() -> None:
    assert words(result(better=3.0, returned=0)) == {
        "awake": "reproduced", "harmful": "reproduced", "free": "holds", "never_recover": "holds",
        "comes_back": "no", "enough": "yes",
    }  # fmt: skip


def test_each_part_can_fail() -> None:
    assert words(result(awake=0.1, harm=0.8, better=0.2, returned=3, changed=0.1)) == {
        "awake": "not_reproduced", "harmful": "not_reproduced", "free": "false_as_stated",
        "never_recover": "false_as_stated", "comes_back": "yes", "enough": "no",
    }  # fmt: skip


def test_without_dead_neurons_there_is_nothing_to_ask() -> None:
    found = words(result(observed=0, awake_5=None))
    assert found["awake"] == "premise_not_met"
    assert found["comes_back"] == "premise_not_met"
