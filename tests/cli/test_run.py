"""The command run: answered from its directory, made again from its store, resumed where it stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import claims
from commands import said
from stepscape import experiments
from stepscape.cli import reference_ledger as reference_ledger
from stepscape.cli import run
from toys import RUNS, calls, register

pytestmark = pytest.mark.usefixtures("toys")


def result(directory="stepscape-toy"):
    return json.loads(Path(directory, "result.json").read_text())


def test_a_repeated_run_is_answered_from_its_directory(capsys, toys):
    first = said(capsys, "run", "toy", "--set", "seeds=1", "--json").out
    assert calls() == RUNS // 2
    toys.setattr(experiments, "get", pytest.fail)  # nothing is even looked up
    assert said(capsys, "run", "toy", "--set", "seeds=1", "--json").out == first
    assert "nothing to do" in said(capsys, "run", "toy", "--set", "seeds=1").out


@pytest.mark.parametrize(
    "file", ["report.html", "table.csv", "result.json", "figures/risk.png", "figures/risk.svg"]
)
def test_a_missing_file_is_made_again_from_the_store(capsys, file):
    said(capsys, "run", "toy")
    path = Path("stepscape-toy", file)
    before, table = path.read_bytes(), result()["table"]
    path.unlink()
    calls()
    if file == "result.json":  # whose other files are then somebody's
        assert "is not empty" in said(capsys, "run", "toy", status=2).err
        said(capsys, "run", "toy", "--force")
    else:
        said(capsys, "run", "toy")
    assert calls() == 0
    assert result()["table"] == table
    assert path.read_bytes() == before or file in ("report.html", "result.json")  # which tell their time


def test_another_code_draws_again_but_runs_nothing(capsys, toys):
    said(capsys, "run", "toy")
    calls()
    toys.setattr(run, "code", lambda: "another")
    assert "nothing to do" not in said(capsys, "run", "toy").out
    assert calls() == 0
    assert result()["provenance"]["code"] == "another"


def test_a_run_with_other_settings_needs_force_and_reuses_what_it_can(capsys):
    said(capsys, "run", "toy", "--set", "seeds=1")
    assert calls() == RUNS // 2
    err = said(capsys, "run", "toy", status=2).err
    assert "'stepscape-toy' holds results with other settings (seeds); name another or add --force" in err
    assert "holds results of toy" in said(capsys, "run", "other", "--out", "stepscape-toy", status=2).err
    said(capsys, "run", "toy", "--force")
    assert calls() == RUNS // 2
    assert len(result()["table"]) == RUNS


def test_the_same_settings_in_other_words_are_the_same(capsys):
    said(capsys, "run", "toy", "--set", "step_sizes=0.5,2")
    calls()
    said(capsys, "run", "toy", "--set", "step_sizes=0.50, 2.0")
    assert calls() == 0


def test_an_interrupted_run_goes_on(capsys, toys):
    def interrupt(_result):
        raise KeyboardInterrupt

    register(toys, "toy_one", claims.claim(draw=interrupt))
    err = said(capsys, "run", "toy", status=130).err
    assert "kept in 'stepscape-toy' (12 of 12 runs of toy); the same command resumes from there" in err
    calls()
    register(toys, "toy_one", claims.claim())
    said(capsys, "run", "toy")
    assert calls() == 0
    assert {"report.html", "store"} < {path.name for path in Path("stepscape-toy").iterdir()}


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["npz", "json"])
def test_what_a_damaged_segment_held_is_computed_again(capsys, kind):
    said(capsys, "run", "toy", "--executor", "serial")
    before = result()
    calls()
    damaged = sorted(Path("stepscape-toy/store/segments").glob(f"*.{kind}"))[0]
    flip(damaged)
    Path("stepscape-toy/report.html").unlink()
    said(capsys, "run", "toy")
    assert 0 < calls() <= RUNS
    assert result()["table"] == before["table"]
    assert result()["verdicts"] == before["verdicts"]


def test_a_store_that_is_gone_is_filled_again(capsys):
    said(capsys, "run", "toy")
    calls()
    shutil.rmtree("stepscape-toy/store")
    said(capsys, "run", "toy")
    assert calls() == RUNS


def test_too_few_seeds_for_any_difference_are_said_beforehand(capsys):
    assert (
        "seeds=1 leaves verdicts about differences undecided; they need at least 3"
        in said(capsys, "run", "toy", "--set", "seeds=1").err
    )
    assert "undecided" not in said(capsys, "run", "toy", "--set", "seeds=3", "--out", "three").err
