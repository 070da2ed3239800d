"""A few trials of every kind; `python tests/fuzz` makes many."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from trial import KINDS, carry_out

TRIALS = {
    "csv": 25,
    "parquet": 20,
    "toml": 30,
    "npz": 40,
    "measurements": 40,
    "recover": 8,
    "store": 25,
    "arguments": 25,
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_in_there_is_an_answer(kind: str, tmp_path: Path) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    for seed in range(TRIALS[kind]):
        folder = tmp_path / str(seed)
        folder.mkdir()
        assert carry_out(kind, seed, folder) == [], (
            f"python tests/fuzz --kind {kind} --first {seed} --trials 1"
        )
