"""Runs keep their identities, so that a store of one version is read by the next.

A change that is meant (another setting, a new tag because a run records something else) is committed with
``python tests/experiments/test_identities.py``, which writes the file again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stepscape import experiments
from stepscape.lab.spec import identity

FILE = Path(__file__).parents[1] / "golden" / "identities.json"
GOLDEN = json.loads(FILE.read_bytes())


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("size", ["quick", "full"])
def test_runs_are_those_of_before(name: str, size: str) -> None:
    before = GOLDEN[name][size]
    settings = {key: tuple(x) if isinstance(x, list) else x for key, x in before["settings"].items()}
    assert summary(name, settings) == before


def test_no_claim_is_missing() -> None:
    assert list(GOLDEN) == experiments.names()


def summary(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings and the identities of their runs, in order: how many, the first, the last, all."""
    # The grid alone: what `specs` tries on the first seed takes longer.
    found = [identity(run) for run in experiments.get(name).grid(settings)]
    return {
        "settings": {key: list(x) if isinstance(x, tuple) else x for key, x in settings.items()},
        "runs": len(found),
        "sha256": hashlib.sha256("\n".join(found).encode()).hexdigest(),
        "first": found[:3],
        "last": found[-1],
    }


def main() -> None:
    """Write the identities of all claims at both sizes."""
    claims = {name: experiments.get(name) for name in experiments.names()}
    entries = []
    for name, claim in claims.items():
        sizes = {"quick": summary(name, claim.quick), "full": summary(name, claim.full)}
        lines = [f"  {json.dumps(size)}: {json.dumps(found)}" for size, found in sizes.items()]
        joined = ",\n".join(lines)
        entries.append(f" {json.dumps(name)}: {{\n{joined}\n }}")
    FILE.write_text("{\n" + ",\n".join(entries) + "\n}\n")


if __name__ == "__main__":
    main()
