"""The store under attack: refused writes, killed and rivaling writers, reads that fail.

Whatever happens, no wrong value is returned, nothing committed is lost and nothing counts twice.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from stepscape import files
from stepscape.errors import OutputError
from stepscape.lab import stored
from stepscape.lab.check import check
from stepscape.lab.store import Store
from store_cases import RUNS, bits, entries, everything, filled, identities, listing

HERE = Path(__file__).parents[1]


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store")


# What killed writers leave.

WRITER = """
import sys
from store_cases import entries
from stepscape.lab.store import Store
store = Store.open(sys.argv[1])
for first in range(0, 10_000, 2):
    store.commit(entries(range(first, first + 2)), {})
    print(first, flush=True)
"""


def started(program, store, *words, **options):
    command = [sys.executable, "-c", program, str(store.path), *words]
    return subprocess.Popen(command, cwd=HERE, text=True, **options)


def test_what_a_killed_writer_had_committed_stays(tmp_path):
    rng = np.random.default_rng()
    for turn in range(5):
        store = Store.create(tmp_path / f"store{turn}")
        with started(WRITER, store, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
            written = [0, *map(int, writer.stdout.read().split())]
        seeds = [seed for first in written for seed in (first, first + 1)]
        assert bits(store.records(identities(seeds))) == bits([made.record for made in entries(seeds)])
        assert len(store.outcomes()) in (len(seeds), len(seeds) + 2)
        assert check(store.path).damage == ()


RIVAL = """
import sys, time
from store_cases import entries
from stepscape.lab.store import Store
store = Store.create(sys.argv[1])
while time.time() < float(sys.argv[2]):
    pass
for first in range(0, 60, 3):
    store.commit(entries(range(first, first + 3)), {})
    store.outcomes()
"""


def test_rivals_that_write_the_same_runs_at_once_leave_each_once(tmp_path):
    store = Store.create(tmp_path / "store")
    start = str(time.time() + 1.5)
    rivals = [started(RIVAL, store, start) for _ in range(2)]
    assert [rival.wait() for rival in rivals] == [0, 0]
    assert sorted(store.table()["seed"]) == list(range(60))
    assert store.counts() == {"finished": 60}
    assert bits(store.records(identities(range(60)))) == bits([made.record for made in entries(range(60))])
    report = check(store.path)
    assert (report.segments, report.records, report.damage, report.unfinished) == (40, 60, (), ())


# Writes that fail.


def refuse_from(monkeypatch, owner, name, turn, failure):
    """Let the call number `turn` of a function fail, and say how often it was called."""
    genuine, calls = getattr(owner, name, open), []

    def call(*words, **options):
        calls.append(words)
        if len(calls) == turn:
            raise failure
        return genuine(*words, **options)

    monkeypatch.setattr(owner, name, call, raising=False)
    return calls


FAILURES = [
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.EROFS, "Read-only file system"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
@pytest.mark.parametrize(("owner", "name"), [(files, "open"), (os, "fsync"), (os, "replace"), (os, "open")])
def test_a_refused_write_leaves_nothing_of_its_segment(store, monkeypatch, owner, name, failure):
    before, held = listing(store), everything(store)
    expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else OutputError
    for turn in count(1):
        with monkeypatch.context() as patch:
            calls = refuse_from(patch, owner, name, turn, failure)
            try:
                store.commit(entries([20, 21]), {})
            except expected as error:
                said = str(error)
            else:
                assert len(calls) < turn
                break
        assert expected is KeyboardInterrupt or failure.strerror.lower() in said
        assert expected is KeyboardInterrupt or str(store.path / "segments") in said
        assert listing(store) == before
        assert everything(store) == held
        assert store.outcomes(identities([20])) == {}
    assert turn > 1
    assert store.outcomes(identities([20, 21])) == dict.fromkeys(identities([20, 21]), "finished")


def test_a_write_that_stops_in_the_middle_leaves_nothing(store, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    before = listing(store)
    monkeypatch.setattr(files, "open", lambda *words: Full(open(*words)), raising=False)  # noqa: SIM115
    with pytest.raises(OutputError, match=r"cannot write .*segments/.*npz': no space left on device"):
        store.commit(entries([20]), {})
    assert listing(store) == before


def test_a_file_system_that_cannot_sync_directories_is_good_enough(store, monkeypatch):
    genuine = os.fsync

    def sync(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        genuine(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    store.commit(entries([20]), {})
    assert len(store.outcomes()) == 13


def test_a_folder_that_cannot_be_made_says_so(store):
    shutil.rmtree(store.path / "segments")
    (store.path / "segments").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*segments': file exists"):
        store.commit(entries([1]), {})


LIMITED = """
import resource, sys
import numpy as np
from store_cases import Case
from stepscape.errors import OutputError
from stepscape.lab.store import Entry, Store
from stepscape.tables.records import Record
store = Store.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
record = Record("finished", {str(i): i / 7 for i in range(999)}, {"few": np.ones(2)})
try:
    store.commit([Entry(Case(seed=20), record, 0.0)], {})
except OutputError as error:
    print(error)
"""


@pytest.mark.parametrize(("limit", "suffix"), [(100, "npz"), (1000, "json")])
def test_a_limit_on_the_size_of_files_is_worded(store, limit, suffix):
    before = listing(store)
    with started(LIMITED, store, str(limit), stdout=subprocess.PIPE) as limited:
        said = limited.stdout.read()
    assert re.fullmatch(rf"cannot write '.*/segments/\S+\.{suffix}': file too large\n", said)
    assert listing(store) == before
    assert len(store.outcomes()) == 12


# Reads that fail.


def test_a_manifest_that_cannot_be_read_now_may_be_read_later(store, monkeypatch):
    genuine = stored.read
    bad = sorted((store.path / "segments").glob("*.json"))[1]

    def read(path, *most):
        if path == bad:
            raise OSError(errno.EIO, "Input/output error")
        return genuine(path, *most)

    with monkeypatch.context() as patch:
        patch.setattr(stored, "read", read)
        assert set(store.outcomes()) == {*identities(range(4)), *identities(range(8, 12))}
    assert set(store.outcomes()) == set(identities(RUNS))
    with monkeypatch.context() as patch:
        patch.setattr(stored, "read", read)
        with pytest.raises(OutputError, match=r"cannot read .*json': input/output error"):
            store.records(identities(RUNS))


def test_an_npz_that_a_listing_misses_is_asked_for(store, monkeypatch):
    genuine = os.scandir

    @contextmanager
    def listed(folder):
        with genuine(folder) as found:
            yield [entry for entry in found if not entry.name.endswith(".npz")]

    monkeypatch.setattr(os, "scandir", listed)
    assert len(store.outcomes()) == 12
