"""Every example runs as a user would run it, and prints and draws what it says."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

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


def missing(example: Path) -> bool:
    """Whether an example needs Transformers, of the extra `dev`, and that is not installed; never in CI."""
    needed = "import transformers" in example.read_text("utf-8")
    return needed and not importlib.util.find_spec("transformers") and not os.environ.get("CI")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_prints_and_draws(example: Path, tmp_path: Path) -> None:
    if missing(example):
        pytest.skip("Transformers is not installed")
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
    if example.stem == "monitor_digits":
        rises = [int(count) for count in re.findall(r"the loss rose in (\d+) of", printed)]
        assert rises[0] >= 10
        assert rises[1] <= 1
    if example.stem in ("monitor_gpt", "monitor_trainer"):
        ratios = [float(line.split()[2]) for line in printed.splitlines() if re.match(r" *\d+  \d", line)]
        assert len(ratios) == 12
        near, far = (0.6, 1.4) if example.stem == "monitor_gpt" else (0.05, 0.6)
        assert near < sorted(ratios)[6] < far
    if example.stem == "own_experiment":
        assert "reused=0, computed=32" in printed
        assert "reused=32, computed=0" in run(example, tmp_path)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short(example: Path) -> None:
    assert len(example.read_text("utf-8").splitlines()) < 70
