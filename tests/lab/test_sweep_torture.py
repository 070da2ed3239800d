"""Processes of a sweep killed at random moments: what was committed stays, the end is as if nothing was."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import lab_work
from stepscape.lab.check import check
from stepscape.lab.executors import executor
from stepscape.lab.spec import identity
from stepscape.lab.store import Store
from stepscape.lab.sweeping import sweep

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

ROUNDS = 22
PATIENCE = 120  # seconds that a busy machine may take for what an idle one does in one
COUNT = 2400
DRIVER = [sys.executable, "-c", "import lab_work; lab_work.main()"]


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Record of every run of a sweep that nothing disturbed, to the last bit."""
    store = Store.create(tmp_path_factory.mktemp("uninterrupted") / "store")
    with executor("serial") as pool:
        sweep(store, lab_work.chores(COUNT), lab_work.work, pool)
    return contents(store)


def contents(store):
    specs = lab_work.chores(COUNT)
    rows = store.table(specs).records()
    for row in rows:
        row.pop("seconds")
    arrays = [
        {name: values.tobytes() for name, values in record.arrays.items()}
        for record in store.records([identity(spec) for spec in specs])
    ]
    return rows, arrays


def start(path, count=COUNT, **options):
    command = [*DRIVER, str(path), str(count)]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def members(group):
    """Processes of a group that still run, by id, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, its_group = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:3]
                if int(its_group) == group and state != "Z":
                    found[int(entry.name)] = entry.joinpath("cmdline").read_text()
            except OSError:
                continue
    return found


def workers(group):
    return sorted(pid for pid, command in members(group).items() if "spawn_main" in command)


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(group):
    """Wait until a group has no process any more: workers whose coordinator was killed end by themselves."""
    wait_until(lambda: not members(group))


def segments(store):
    """Digest of the files, and identities, of each segment."""
    found = {}
    for file in (store / "segments").glob("*.json"):
        content = file.read_bytes()
        npz = file.with_suffix(".npz")
        digest = hashlib.sha256(content + (npz.read_bytes() if npz.exists() else b"")).hexdigest()
        found[file.stem] = digest, {row["identity"] for row in json.loads(content)["content"]["rows"]}
    return found


def held(found):
    return [name for _, names in found.values() for name in names]


def on_record(store):
    """Identities of the runs of a store that may not exist yet."""
    return held(segments(store)) if store.exists() else []


def strike(process, rng):
    """Kill a worker or several, the coordinator, or all, in one of the orders in which that can happen."""
    group = process.pid
    victim = rng.choice(["coordinator", "all", "worker", "workers, then all", "worker, then coordinator"])
    if victim.startswith("worker"):
        alive = workers(group)
        for pid in alive if victim.startswith("workers") else alive[:1]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(rng.uniform(0.0, 0.7))
    if victim == "worker":
        return
    if victim.endswith("all"):
        os.killpg(group, signal.SIGKILL)
    else:
        os.kill(process.pid, signal.SIGKILL)


def test_killed_again_and_again_it_ends_as_if_nothing_had_been(tmp_path, uninterrupted, monkeypatch):
    rng = random.Random(3)
    path = tmp_path / "store"
    seen, struck = {}, 0
    monkeypatch.setenv("LAB_WORK_SECONDS", "0.01")
    for _ in range(ROUNDS):
        process = start(path)
        wanted = len(held(seen)) + rng.choice([0, 1, 20, 40])  # 0: it may be struck before it has begun
        wait_until(lambda wanted=wanted: len(on_record(path)) >= wanted)
        time.sleep(rng.uniform(0.0, 0.2))
        struck += process.poll() is None
        strike(process, rng)
        if process.poll() is None:
            time.sleep(rng.uniform(0.0, 0.3))
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        gone(process.pid)
        now = segments(path) if path.exists() else {}
        assert {name: now[name] for name in seen} == seen  # what was committed is as it was,
        new = held({name: now[name] for name in now.keys() - seen.keys()})
        assert not set(new) & set(held(seen))  # and was not carried out again
        seen = now
    assert struck == ROUNDS
    assert 0 < len(held(seen)) < COUNT  # every round found something to interrupt
    monkeypatch.setenv("LAB_WORK_SECONDS", "0")
    process = start(path)
    out, said = process.communicate(timeout=5 * PATIENCE)
    assert (process.returncode, said) == (0, "")
    summary = json.loads(out)
    assert summary["reused"] == len(held(seen))
    assert summary["computed"] == COUNT - len(held(seen))
    final = segments(path)
    assert len(held(final)) == len(set(held(final))) == COUNT
    store = Store.open(path)
    assert contents(store) == uninterrupted
    assert not check(store.path).damage


def test_a_worker_whose_coordinator_is_killed_commits_and_ends(tmp_path, monkeypatch):
    """No one sees from outside whether a worker has finished runs that are not on record: several tries."""
    monkeypatch.setenv("LAB_WORK_SECONDS", "0.02")
    path, came = tmp_path / "store", []
    while not any(came):
        assert len(came) < 20
        process, wanted = start(path), len(on_record(path)) + 20
        wait_until(lambda wanted=wanted: len(on_record(path)) >= wanted)
        time.sleep(0.06)
        before = len(on_record(path))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
        gone(process.pid)
        came.append(len(on_record(path)) - before)


def test_two_at_once_one_of_them_killed(tmp_path, uninterrupted, monkeypatch):
    monkeypatch.setenv("LAB_WORK_SECONDS", "0.003")
    path = tmp_path / "store"
    first, second = start(path), start(path)
    wait_until(lambda: len(on_record(path)) > 100)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate(timeout=PATIENCE)
    third = start(path)
    for process in (second, third):
        _, said = process.communicate(timeout=5 * PATIENCE)
        assert (process.returncode, said) == (0, "")
    store = Store.open(path)
    assert contents(store) == uninterrupted
    assert len(store.table()) == COUNT
    assert not check(store.path).damage


def test_a_limit_on_the_size_of_files_stops_with_a_sentence_and_can_be_lifted(tmp_path):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    path = tmp_path / "store"
    process = start(path, 60, preexec_fn=limit)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("stepscape.errors.OutputError: cannot write ")
    assert last.endswith("file too large")
    kept = held(segments(path))
    assert 0 < len(kept) < 60  # single runs fit, batches do not
    assert not list(path.rglob("*.tmp"))
    process = start(path, 60)
    out, _ = process.communicate(timeout=PATIENCE)
    assert json.loads(out)["reused"] == len(kept)
    assert len(held(segments(path))) == 60
