"""A model that really is compiled and trained: measured as the plain one, and training stays as it is.

The compiler takes a quarter of a minute, so that `.ci/run` has these tests in a step beside others.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
import torch

from probed_models import mse, pair
from stepscape.monitor import Monitor, sharpness

nn = torch.nn
COMPILER = next(filter(shutil.which, (os.environ.get("CXX", "g++"), "clang++")), None)
pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C++ compiler at hand, which inductor needs"),
    pytest.mark.skipif(
        "STEPSCAPE_COMPILES" not in os.environ, reason="slow; set STEPSCAPE_COMPILES=1 to compile models"
    ),
    pytest.mark.filterwarnings("default"),  # what the compiler warns of is not ours
]


def train(watched: bool) -> tuple[nn.Module, Any, tuple[Any, ...], int]:
    """Five steps of AdamW of a compiled network; how many graphs were compiled in all."""
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(8)
    model = nn.Sequential(nn.Linear(3, 8, bias=False), norm, nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2))
    compiled = torch.compile(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    monitor = Monitor(compiled, mse, pair(), optimizer, every=2) if watched else None
    for step in range(5):
        optimizer.zero_grad()
        mse(compiled, pair(8, seed=step)).backward()
        optimizer.step()
        if monitor is not None:
            monitor.step(step)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    return model, optimizer, () if monitor is None else monitor.rows, graphs


def test_compiled_training_is_bit_identical_and_measured_as_the_plain_model() -> None:
    (plain, _, _, once), (model, optimizer, rows, graphs) = train(False), train(True)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])
    assert graphs == once == 1  # it was compiled, and no measurement made it compile again
    assert [row.status for row in rows] == ["converged"] * 3
    assert rows[-1].lambda_max == pytest.approx(sharpness(model, mse, pair()).value, rel=1e-6)
    assert optimizer.state[model[0].weight]["step"] == 5
