"""Training on two processes, with gloo on the CPU: what a monitor on one of them, or on both, does to it."""

from __future__ import annotations

import datetime
import json
import os
import random
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch

from probed_models import mse, pair
from stepscape.monitor import Monitor, sharpness
from stepscape.monitor.fingerprint import fingerprint

nn = torch.nn
SECONDS = 60  # a hang is a failure, not a test that never ends
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
        reason="this PyTorch has no gloo",
    ),
]


def model() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2)
    return nn.Sequential(*layers)


def train(rank: int, watching: tuple[int, ...]) -> dict[str, Any]:
    """Five steps on shards of the data, with a monitor on some of the processes."""
    trained = nn.parallel.DistributedDataParallel(model())
    optimizer = torch.optim.AdamW(trained.parameters(), lr=0.01)
    torch.manual_seed(rank)
    np.random.seed(rank)  # noqa: NPY002
    random.seed(rank)
    monitor = Monitor(trained, mse, pair(), optimizer, every=2) if rank in watching else None
    for step in range(5):
        optimizer.zero_grad()
        mse(trained, pair(8, seed=2 * step + rank)).backward()
        optimizer.step()
        if monitor is not None:
            monitor.step(step)
    rows = [] if monitor is None else [(row.status, row.lambda_max, row.edge_ratio) for row in monitor.rows]
    end = {name: bits for name, bits in fingerprint(trained, optimizer).items() if "flags of" not in name}
    return {"rows": rows, "end": end, "last": sharpness(trained.module, mse, pair()).value}


def sharded() -> tuple[str, str]:
    """A model whose parameters lie on both processes."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (2,))
    trained = fully_shard(model(), mesh=mesh)
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        monitor = Monitor(trained, mse, pair(), optimizer, every=1)
        mse(trained, pair(8)).backward()
        optimizer.step()
        monitor.step(0)
    return monitor.rows[0].status, monitor.rows[0].reason


def process(rank: int, store: str) -> None:
    """Do everything on one of two processes, and print what came out."""
    torch.distributed.init_process_group(
        "gloo", f"file://{store}", datetime.timedelta(seconds=SECONDS), rank=rank, world_size=2
    )
    torch.set_num_threads(1)
    found = {name: train(rank, who) for name, who in {"none": (), "first": (0,), "all": (0, 1)}.items()}
    print(json.dumps({**found, "sharded": sharded()}))
    torch.distributed.destroy_process_group()


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    store = str(tmp_path_factory.mktemp("processes") / "store")
    command = [sys.executable, "-W", "ignore", __file__]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # where the tests are found
    both = [
        subprocess.Popen(
            [*command, str(rank), store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
        )
        for rank in (0, 1)
    ]
    try:
        said = [each.communicate(timeout=2 * SECONDS) for each in both]
    finally:
        for each in both:
            each.kill()
    assert [each.returncode for each in both] == [0, 0], said
    return [json.loads(out.splitlines()[-1]) for out, _ in said]


@pytest.mark.parametrize("watching", ["first", "all"])
def test_training_on_every_process_is_bit_identical(outcomes: list[dict[str, Any]], watching: str) -> None:
    for outcome in outcomes:
        assert outcome[watching]["end"] == outcome["none"]["end"]
    averaged = [name for name in outcomes[0]["none"]["end"] if name.startswith(("parameter", "optimizer"))]
    assert len(averaged) >= 6  # the processes have really trained one model
    assert all(outcomes[0]["none"]["end"][name] == outcomes[1]["none"]["end"][name] for name in averaged)


def test_the_first_process_measures_and_so_may_all(outcomes: list[dict[str, Any]]) -> None:
    first, both = outcomes[0]["first"], [outcome["all"] for outcome in outcomes]
    assert outcomes[1]["first"]["rows"] == []
    assert [status for status, _, _ in first["rows"]] == ["converged"] * 3
    assert first["rows"] == both[0]["rows"] == both[1]["rows"]  # they were given the same batch
    for outcome in outcomes:  # of the model that both train, as it is after the last step
        assert outcome["none"]["last"] == pytest.approx(first["rows"][-1][1], rel=1e-5)


def test_a_model_spread_over_processes_is_unsupported_in_one_sentence(outcomes: list[dict[str, Any]]) -> None:
    for outcome in outcomes:
        status, reason = outcome["sharded"]
        assert status == "unsupported"
        assert reason == (
            "a model with parameters of type DTensor shards its parameters over processes; only the critical "
            "step size needs no products; the monitor is off"
        )


if __name__ == "__main__":
    process(int(sys.argv[1]), sys.argv[2])
