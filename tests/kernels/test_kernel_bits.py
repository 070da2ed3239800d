"""The last bits do not depend on whether a process compiled the kernels or found them on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kernel_bits import reported


@pytest.fixture
def compiled(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Directory of kernels with the report of the process that compiled them.

    The one that did so at the beginning of the session, if it did, and otherwise one of our own.
    """
    home = Path(os.environ["NUMBA_CACHE_DIR"])
    said = home / "complete"
    found = json.loads(said.read_text() or "{}") if said.exists() else {}
    if found.get("loaded") == 0:
        return home, found
    return tmp_path, reported({**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}, tmp_path / "compiled")


def test_bits_are_the_same_compiled_here_and_loaded(
    tmp_path: Path, compiled: tuple[Path, dict[str, Any]]
) -> None:
    home, first = compiled
    second = reported({**os.environ, "NUMBA_CACHE_DIR": str(home)}, tmp_path / "loaded")
    assert first["loaded"] == 0 < first["compiled"]
    # Workers that save kernels at the same moment may lose an entry of the cache's index.
    assert second["compiled"] <= 2 < second["loaded"], "nothing was cached: both processes compiled"
    assert first["bits"] == second["bits"]
