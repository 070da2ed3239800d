"""The commands sweep and status: what they answer and refuse, and what an interrupt leaves."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import LEAVE
from stepscape.cli import main
from stepscape.errors import OutputError
from stepscape.lab import throughput as pace
from stepscape.lab.check import check
from stepscape.lab.store import Entry, Store, new_plan
from stepscape.sweeps.runs import Curve, Method, Network, Run
from stepscape.tables.records import Record

GRID = """
title = "A grid"
seeds = 2
[problem]
truth = "tent"
[network]
width = 10
[method]
step_size = [0.05, 0.1, 0.2]
steps = 100
[measure]
records = 3
"""

PARTS = {
    "problem": Curve(truth="tent"),
    "network": Network(width=9),
    "method": Method(step_size=0.1, steps=5),
}


@pytest.fixture(autouse=True)
def _grid(here):
    (here / "grid.toml").write_text(GRID)
    os.mkfifo(here / "pipe")


def said(capsys, words, status=0):
    assert main(shlex.split(words)) == status
    return capsys.readouterr()


def document(capsys, words):
    printed = said(capsys, words + " --json")
    assert printed.err == ""
    return json.loads(printed.out)


def half_failing(run, _tick, data=""):  # noqa: ARG001
    if run.seed == 1:
        raise ValueError("seed 1 is out of luck")
    return Record("diverged" if run.method.step_size > 0.15 else "finished", {"seed_again": run.seed})


# ---- what is answered


def test_a_sweep_is_carried_out_once_and_status_tells(capsys):
    first = document(capsys, "sweep grid.toml --out runs")
    assert (first["schema"], first["command"], first["title"]) == (1, "sweep", "A grid")
    assert (first["total"], first["reused"], first["computed"], first["failed"]) == (6, 0, 6, 0)
    assert first["provenance"]["stepscape"]
    second = said(capsys, "sweep grid.toml --out runs")
    assert second.err == ""
    assert re.search(r"^6 runs: \d finished, \d diverged, 0 failed\n6 were on record, 0 were", second.out)
    assert "stepscape export runs --csv FILE" in second.out
    (plan,) = document(capsys, "status runs")["plans"]
    assert (plan["title"], plan["source"], plan["total"], plan["missing"]) == ("A grid", "grid.toml", 6, 0)
    assert plan["finished"] + plan["diverged"] == 6
    assert said(capsys, "status runs").out.endswith("0 failed  0 missing  complete\n")


def test_shards_together_are_the_sweep(capsys):
    parts = [document(capsys, f"sweep grid.toml --out runs --shard {i}/3") for i in (1, 2, 3)]
    assert [part["shard"] for part in parts] == [[1, 3], [2, 3], [3, 3]]
    assert sum(part["computed"] for part in parts) == sum(part["total"] for part in parts) == 6
    assert document(capsys, "sweep grid.toml --out runs")["reused"] == 6
    assert len(document(capsys, "status runs")["plans"]) == 1
    assert " in part 1/3: " in said(capsys, "sweep grid.toml --out runs --shard 1/3").out


def test_failed_runs_are_counted_with_their_reasons_and_the_sweep_is_complete(capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("stepscape.sweeps.file.work", half_failing)
        for _ in range(2):  # also when they were on record before
            out = said(capsys, "sweep grid.toml --out runs --executor serial").out
            assert out.startswith("6 runs: 2 finished, 1 diverged, 3 failed\n")
            assert (
                "The sweep is complete nevertheless; --retry-failed carries out the failed runs again:" in out
            )
            assert out.count("    ValueError: seed 1 is out of luck\n") == 3
        reasons = document(capsys, "sweep grid.toml --out runs")["reasons"]
        assert list(reasons.values()) == ["ValueError: seed 1 is out of luck"] * 3
    mended = document(capsys, "sweep grid.toml --out runs --retry-failed")
    assert (mended["reused"], mended["computed"], mended["failed"]) == (3, 3, 0)


def test_status_of_what_is_not_complete(capsys):
    assert document(capsys, "sweep grid.toml --out runs --shard 1/2")["total"] in range(1, 6)
    (plan,) = document(capsys, "status runs")["plans"]
    assert plan["missing"] > 0
    assert re.search(
        r"per second, .* left$|nothing new for [\d.]+ s$", said(capsys, "status runs").out.rstrip()
    )
    for file in Path("runs/segments").iterdir():
        file.unlink()
    assert said(capsys, "status runs").out.rstrip().endswith("6 missing  not started")
    for file in Path("runs/plans").iterdir():
        file.unlink()
    assert said(capsys, "status runs").out == "no sweep was started here\n"


def test_status_loads_nothing_heavy(capsys):
    said(capsys, "sweep grid.toml --out runs")
    script = (
        "import sys; from stepscape.cli import main; main(['status', 'runs']); "
        "heavy = ('numba', 'scipy', 'sklearn', 'matplotlib', 'torch', 'distributed', 'rich'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_progress_is_shown_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    printed = said(capsys, "sweep grid.toml --out runs")
    assert "sweep: 6 of 6 runs" in printed.err


def test_the_script_of_a_slurm_job_is_printed_and_nothing_done(capsys):
    pytest.importorskip("dask_jobqueue")
    Path("grid.toml").write_text(GRID + '[cluster]\nmemory = "4GB"\nqueue = "long"\n')
    out = said(capsys, "sweep grid.toml --scheduler slurm --job-script").out
    assert out.startswith("#!/usr/bin/env bash\n")
    assert "#SBATCH -p long\n" in out
    assert document(capsys, "sweep grid.toml --job-script")["job_script"].startswith("#!/usr/bin/env bash\n")
    assert not Path("runs").exists()


# ---- what is refused


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sweep", "the command needs FILE"),
        ("sweep grid.toml", "the command needs --out, the directory of the store"),
        ("sweep gird.toml --out runs", "there is no such file; did you mean 'grid.toml'?"),
        (
            "sweep grid.toml --out runs --executor thread",
            "unknown executor 'thread'; did you mean 'threads'?",
        ),
        ("sweep grid.toml --out runs --workers -1", "workers must be a whole number, at least 0, got -1"),
        ("sweep grid.toml --out runs --workers two", "workers must be a whole number, at least 0, got 'two'"),
        ("sweep grid.toml --out runs --workers 1e9", "workers must be a whole number, at least 0, got '1e9'"),
        ("sweep pipe --out runs", "cannot read 'pipe': it is a named pipe, not a file"),
        (
            "sweep grid.toml --out runs --scheduler http://x:8787",
            "of the form tcp://host:port, or slurm, got",
        ),
        ("export nowhere --csv t.csv --where seed", "--where must be of the form key=value, got 'seed'"),
        ("export nowhere --csv t.csv --where =0", "--where must be of the form key=value, got '=0'"),
        ("sweep grid.toml --out runs --shard 0/4", "shard must be i/N with 1 ≤ i ≤ N, got 0/4"),
        ("sweep grid.toml --out runs --shard 5/4", "shard must be i/N with 1 ≤ i ≤ N, got 5/4"),
        ("sweep grid.toml --out runs --shard x", "shard must be i/N with whole numbers, got 'x'"),
        ("sweep grid.toml --out runs --shard 1/2/3", "shard must be i/N with whole numbers, got '1/2/3'"),
        ("sweep grid.toml --out runs --executor serial --scheduler a:1", "--scheduler needs --executor dask"),
        ("sweep grid.toml --out runs --scheduler slurm", "workers must be at least 1 with Slurm"),
        ("sweep grid.toml --out grid.toml", "grid.toml"),
        ("status", "the command needs DIR"),
        ("status nowhere", "'nowhere' is not a store of stepscape: there is no such directory"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_nothing(capsys, words, says):
    before = sorted(os.listdir())
    printed = said(capsys, words, 2)
    assert printed.out == ""
    assert printed.err.startswith("stepscape: ")
    assert printed.err.count("\n") == 1
    assert says in printed.err
    assert sorted(os.listdir()) == before


def test_a_scheduler_out_of_reach_is_one_sentence(capsys, monkeypatch):
    cluster = pytest.importorskip("stepscape.lab.cluster")
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    printed = said(capsys, "sweep grid.toml --out runs --scheduler tcp://127.0.0.1:1", 1)
    assert printed.err.startswith("stepscape: cannot reach the Dask scheduler 'tcp://127.0.0.1:1': ")
    assert printed.err.count("\n") == 1
    assert not Path("runs").exists()


def test_without_dask_the_extra_is_named(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    printed = said(capsys, "sweep grid.toml --out runs --scheduler tcp://127.0.0.1:1", 2)
    assert printed.err == "stepscape: distributed is not installed; pip install 'stepscape[cluster]'\n"


def test_a_disk_that_is_full_says_what_is_kept_and_how_to_go_on(capsys, monkeypatch):
    commit, commits = Store.commit, []
    monkeypatch.setattr(pace, "TARGET", 1e-6)  # each run a batch

    def failing(self, entries, origin):
        commits.append(1)
        if len(commits) > 2:
            raise OutputError("cannot write 'runs/segments/x.npz': no space left on device")
        return commit(self, entries, origin)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", failing)
        printed = said(capsys, "sweep grid.toml --out runs --executor serial --shard 1/1", 1)
    assert printed.err == (
        "stepscape: cannot write 'runs/segments/x.npz': no space left on device; 2 of 6 runs are on record "
        "in 'runs'; resume with: stepscape sweep grid.toml --out runs --executor serial --shard 1/1\n"
    )
    assert document(capsys, "sweep grid.toml --out runs")["reused"] == 2


# ---- Ctrl-C


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("executor", ["threads", "processes", "serial"])
def test_ctrl_c_leaves_a_store_to_go_on_with_and_says_how(capsys, executor):
    Path("long.toml").write_text(GRID.replace("seeds = 2", "seeds = 5000"))
    words = f"sweep long.toml --out 'my runs' --executor {executor} --workers 2"
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVE, *shlex.split(words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list(Path("my runs").glob("segments/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert out == ""
    found = re.fullmatch(
        r"stepscape: interrupted; (\d+) of 15000 runs are on record in 'my runs'; resume with: (.*)\n", err
    )
    assert found, err
    kept = Store.open("my runs").outcomes()
    assert len(kept) >= 3
    assert int(found[1]) <= len(kept)  # what a worker has just committed the command may not know yet
    assert found[2].startswith("stepscape sweep long.toml --out 'my runs'")
    assert not check("my runs").damage
    # The command that it names goes on: here with a part that is nearly all on record.
    again = document(capsys, found[2].removeprefix("stepscape ") + " --shard 1/5000")
    assert again["total"] == again["finished"] + again["diverged"]
    assert len(Store.open("my runs").outcomes()) == len(kept) + again["computed"]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_when_all_is_done_changes_nothing():
    """The answer is out and the interpreter goes down: it takes a while, and must not end by the signal."""
    Store.create("runs").commit([Entry(Run(**PARTS), Record("finished", {"risk": 1.0}), 0.1)], {})
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVE, "export", "runs", "--csv", "t.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    out = process.stdout.readline()
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.001)
    # Before the command returns the signal is an interrupt, and says so; after that it is too late for one.
    assert process.returncode in (0, 130)
    err = process.stderr.read()
    assert "Traceback" not in err
    assert err.count("interrupted; ") == (process.returncode == 130)
    assert out.startswith("wrote t.csv: ")


def test_absurd_numbers_of_workers_are_a_warning(capsys):
    said(capsys, "sweep grid.toml --out runs")
    for asked in ("5000", "1000000000"):
        printed = said(capsys, f"sweep grid.toml --out runs --workers {asked}")
        assert re.fullmatch(rf"stepscape: warning: \d+ workers instead of {asked}: .*\n", printed.err)
        assert printed.out.startswith("6 runs: ")


def test_what_a_plan_says_acts_on_no_terminal(capsys):
    store = Store.create("runs")
    store.commit([Entry(Run(**PARTS), Record("failed", reason="\x1b]0;why\x07"), 0.1)], {})
    names = list(store.outcomes())
    store.plan(new_plan(names, "\x1b]0;title\x07", "\x1b[2Jgrid.toml", ["\x9b31mnote\u202e"]))
    for words in ("status runs", "status runs --json", "check runs", "export runs --csv t.csv"):
        printed = said(capsys, words)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", printed.out + printed.err)
    assert r"\x1b]0;title\x07" in said(capsys, "status runs").out
