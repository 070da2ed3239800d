"""The report of a store that was changed by hand or comes from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hostile_stores import ODD, first
from stepscape.cli import main
from stepscape.lab.segment import TIME
from stepscape.lab.store import Entry, Store
from stepscape.sweeps.runs import Curve, Method, Network, Run
from stepscape.tables.records import Record

NUMBERS = {"sharpness": 3.0, "loss": 0.1, "edge_ratio": 0.9, "threshold": 20.0, "pieces": 4}


@pytest.fixture
def store():
    made = Store.create("s")
    for seed in range(len(ODD) + 2):
        parts = {
            "problem": Curve(truth="tent"),
            "network": Network(width=9),
            "method": Method(step_size=0.1, steps=5),
        }
        made.commit([Entry(Run(seed=seed, **parts), Record("finished", NUMBERS), 0.5)], {})
    return made


def test_runs_that_no_sweep_describes_are_drawn_as_far_as_they_can_be(store, capsys):
    for number, spoil in enumerate(ODD.values()):
        file = first(store.path)
        spoil(store.path)
        os.rename(
            file, file.with_name(f"29990101T{number:012d}Z-0123456789ab.json")
        )  # the next one is the first
    assert TIME.startswith("%Y%m%dT")
    assert store.damage() == []
    assert main(["report", "s"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"s: report.html and figures/ of {len(ODD) + 2} runs\n"
    says = "warning: damaged: 10 runs without a step size: it must be finite and positive, got 0\n"
    assert printed.err == f"stepscape: {says}"
    assert Path("s/report.html").read_text().count("<svg") == 1
    for command in (["status", "s"], ["export", "s", "--csv", "t.csv"], ["check", "s"]):
        assert main(command) == 0
        assert capsys.readouterr().err == ""
