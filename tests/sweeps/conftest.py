"""A run on the motorcycle data, kept in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepscape.lab import data as tables
from stepscape.problems.user.example import load_example
from stepscape.sweeps.runs import Measure, Method, Network, Run, Table


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
