"""No bit of a trajectory changes, on any x86 processor: digests of whole runs against the committed ones."""

from __future__ import annotations

import json
import platform
import sys

import numba
import pytest

from trajectories import GOLDEN, RUNS, portable_digests

STORED = json.loads(GOLDEN.read_text())


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the digests are of x86-64 Linux"
)
@pytest.mark.skipif(
    numba.__version__ != STORED["numba"],
    reason=f"the digests are of Numba {STORED['numba']}: it sets the bits",
)
def test_trajectories_have_the_bits_they_had():
    assert portable_digests() == STORED


def test_the_digests_are_of_every_run_and_all_differ():
    assert STORED["runs"].keys() == RUNS.keys()
    assert len({run["sha256"] for run in STORED["runs"].values()}) == len(RUNS)
    assert sum(run["outcome"] == "diverged" for run in STORED["runs"].values()) <= 2
