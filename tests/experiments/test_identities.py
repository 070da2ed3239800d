"""No run has another identity than before the frame: the settings of then give the runs of then, in order."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from stepscape import experiments
from stepscape.lab.spec import identity

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "identities.json").read_bytes())


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("size", ["quick", "full"])
def test_runs_are_those_of_before(name: str, size: str) -> None:
    before = GOLDEN[name][size]
    claim: Any = experiments.get(name)
    grid = getattr(claim, "grid", None) or claim.specs  # what is tried on the first seed takes longer
    found = [identity(run) for run in grid({key: _value(x) for key, x in before["settings"].items()})]
    assert (len(found), found[:3], found[-1]) == (before["runs"], before["first"], before["last"])
    assert hashlib.sha256("\n".join(found).encode()).hexdigest() == before["sha256"]


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
