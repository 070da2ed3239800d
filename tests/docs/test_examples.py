"""Every example runs as a user would run it, and prints and draws what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(example: Path, directory: Path) -> str:
    places = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_prints_and_draws(example: Path, tmp_path: Path) -> None:
    printed = run(example, tmp_path)
    assert len(printed.splitlines()) >= 4
    assert "nan" not in printed
    text = example.read_text("utf-8")
    drawn = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    assert drawn == re.findall(r"Writes (\S+)\.\n", text)
    kept = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert kept == re.findall(r"in the directory (\S+)\.\n", text)
    for name in drawn:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    if example.stem == "counterexample":
        assert "5.000 ≤ 4.936: False" in printed
        assert "5.000 ≤ 5.175: True" in printed
    if example.stem == "own_experiment":
        assert "reused=0, computed=32" in printed
        assert "reused=32, computed=0" in run(example, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(example: Path) -> None:
    assert len(example.read_text("utf-8").splitlines()) < 70
