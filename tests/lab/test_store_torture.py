"""The store under attack: damaged files, refused writes, killed and rivaling writers.

Whatever happens, no wrong value is returned, nothing committed is lost, nothing counts twice, and what was
damaged is named and can be computed again.
"""

from __future__ import annotations

import errno
import json
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
from stepscape.cli import main
from stepscape.errors import InputError, OutputError
from stepscape.lab import check as checking
from stepscape.lab import segment
from stepscape.lab.check import check
from stepscape.lab.seal import seal
from stepscape.lab.spec import identity
from stepscape.lab.store import Store, new_plan
from store_cases import Case, bits, entries, identities

RUNS = range(12)
HERE = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def store(tmp_path):
    """Three segments of four runs, and a plan of all twelve."""
    made = Store.create(tmp_path / "store")
    made.plan(new_plan(identities(RUNS)))
    for first in RUNS[::4]:
        made.commit(entries(range(first, first + 4)), {})
    return made


def everything(store):
    return store.table([Case(seed=seed) for seed in RUNS]).records(), bits(store.records(identities(RUNS)))


def listing(store):
    return sorted(path.relative_to(store.path).as_posix() for path in store.path.rglob("*"))


# Damaged files.


def cut(data, rng):
    return data[: rng.integers(len(data))]


def flip(data, rng):
    spoiled = bytearray(data)
    spoiled[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(spoiled)


def blank(data, rng):
    at = rng.integers(len(data))
    return data[:at] + b"\0" * len(data[at : at + 512]) + data[at + 512 :]


def extend(data, rng):
    return data + rng.bytes(rng.integers(1, 9))


def swap(data, rng):
    at = rng.integers(len(data) - 16)
    return data[:at] + data[at + 8 : at + 16] + data[at : at + 8] + data[at + 16 :]


@pytest.mark.parametrize("suffix", ["json", "npz"])
@pytest.mark.parametrize("spoil", [cut, flip, blank, extend, swap])
def test_damage_is_never_returned_and_always_named(store, cache, spoil, suffix):
    want = everything(store)
    rng = np.random.default_rng(0)
    for turn in range(15):
        file = rng.choice(sorted((store.path / "segments").glob(f"*.{suffix}")))
        name = f"segments/{file.name}"
        inside = json.loads(file.with_suffix(".json").read_text())["content"]["rows"]
        hit = {row["identity"] for row in inside}
        before, data = file.stat(), file.read_bytes()
        file.write_bytes(spoil(data, rng))
        if file.read_bytes() == data:
            continue
        if turn % 3 == 0:  # silently: sizes and times may tell nothing
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        if turn % 2:
            shutil.rmtree(cache)
        store = Store.open(store.path)
        on_record = store.outcomes(identities(RUNS))
        assert set(identities(RUNS)) - hit <= on_record.keys()
        for run, bit in zip(identities(RUNS), want[1], strict=True):
            if run not in on_record:
                with pytest.raises(InputError, match=f"run {run} is not on record"):
                    store.records([run])
            elif run in hit:
                sentence = f"{name}' is damaged: .*; 'stepscape check .*' sets it aside"
                with pytest.raises(OutputError, match=sentence):
                    store.records([run])
            else:
                assert bits(store.records([run])) == [bit]
        assert all(row in want[0] for row in store.table().records())

        report = check(store.path)
        assert [damage.file for damage in report.damage] == [name]
        assert (report.segments, report.records) == (2, 8)
        assert set(report.recompute) <= hit
        assert suffix == "json" or set(report.recompute) == hit
        assert (store.path / "damaged" / file.name).exists()

        left = [made for made in entries(RUNS) if identity(made.spec) not in store.outcomes()]
        assert {identity(made.spec) for made in left} == hit
        store.commit(left, {})
        assert everything(store) == want
        assert check(store.path).damage == ()


def test_damaged_segments_of_any_length(store):
    (first, *_) = sorted((store.path / "segments").glob("*.json"))
    for file in (first, first.with_suffix(".npz")):
        data = file.read_bytes()
        for length in {0, 1, 2, 10, 64, 100, 200, len(data) // 2, len(data) - 2, len(data) - 1}:
            file.write_bytes(data[:length])
            assert len(store.outcomes()) == len(Store.open(store.path).table()) == 8
        file.write_bytes(data)
        assert len(store.outcomes()) == 12


def resealed(change):
    def spoil(data):
        content = json.loads(data)["content"]
        change(content)
        return seal(json.dumps(content).encode())

    return spoil


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (
            lambda data: data.replace(b'"schema":1', b'"schema":2'),
            "it has schema 2, where this version reads 1",
        ),
        (lambda _: b"", "it is empty"),
        (lambda _: b"\0" * 300, "it is cut short or no longer JSON"),
        (lambda _: b"[1, 2]", "its content does not match its checksum"),
        (
            resealed(lambda content: content.pop("rows")),
            "not that of a manifest: .*missing required field `rows`",
        ),
        (resealed(lambda content: content["rows"][0].update(outcome="fine")), "Invalid enum value 'fine'"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(store, spoil, sentence, capsys):
    (first, *_) = sorted((store.path / "segments").glob("*.json"))
    first.write_bytes(spoil(first.read_bytes()))
    assert main(["check", str(store.path)]) == 1
    printed = capsys.readouterr()
    assert f"segments/{first.name}: " in printed.out
    assert re.search(sentence, printed.out)
    assert "on record: 8, in sound segments: 2" in printed.out
    assert f"{str(store.path)!r} had 1 damaged file, now in its folder damaged/" in printed.err
    assert "the next sweep computes their runs again" in printed.err
    assert main(["check", str(store.path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["sound"], document["records"]) == (1, True, 8)


def test_lost_arrays_lost_plans_and_lost_data_are_named(store):
    first, second, _ = sorted((store.path / "segments").glob("*.npz"))
    first.unlink()
    os.truncate(second, 1000)
    (plan,) = (store.path / "plans").iterdir()
    plan.write_bytes(b"{}")
    (store.path / "data").mkdir()
    (store.path / "data" / f"{'0' * 32}.npz").write_bytes(b"PK")
    size = json.loads(second.with_suffix(".json").read_text())["content"]["arrays"]["size"]
    report = check(store.path)
    wrong = {damage.file: damage.wrong for damage in report.damage}
    assert wrong[f"segments/{first.name}"] == "it cannot be read: no such file or directory"
    assert wrong[f"segments/{second.name}"] == f"it has 1000 bytes where {size} were written"
    assert wrong[f"plans/{plan.name}"] == "its content does not match its checksum"
    assert f"data/{'0' * 32}.npz" in wrong
    assert len(wrong) == 4
    assert report.recompute == tuple(sorted(identities(range(8))))
    assert sorted(path.name for path in (store.path / "damaged").iterdir()) == sorted(
        [first.with_suffix(".json").name, second.name, second.with_suffix(".json").name, plan.name,
         f"{'0' * 32}.npz"]
    )  # fmt: skip


def test_what_another_segment_holds_is_not_computed_again(store):
    store.commit(entries([0, 1]), {})
    (first, *_) = sorted((store.path / "segments").glob("*.npz"))
    first.write_bytes(b"")
    assert check(store.path).recompute == tuple(sorted(identities([2, 3])))
    assert store.table()["seed"].tolist() == [4, 5, 6, 7, 8, 9, 10, 11, 0, 1]


def test_a_damaged_identity_is_not_taken_for_a_run(store):
    (first, *_) = sorted((store.path / "segments").glob("*.json"))
    run = identities([0])[0]
    other = f"{int(run, 16) ^ 1:032x}"
    first.write_bytes(first.read_bytes().replace(run.encode(), other.encode()))
    assert check(store.path).recompute == tuple(sorted(identities([1, 2, 3])))


def test_damage_that_cannot_be_set_aside_is_an_error(store, capsys):
    (first, *_) = sorted((store.path / "segments").glob("*.npz"))
    first.write_bytes(b"")
    (store.path / "damaged").write_text("in the way")
    assert main(["check", str(store.path)]) == 1
    assert "is damaged and cannot be set aside: file exists" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check"], ["export", "--csv", "t.csv"]])
def test_commands_refuse_what_is_no_store(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    for name, sentence in {".": "holds no store.json", "no": "there is no such directory"}.items():
        assert main([command[0], name, *command[1:]]) == 2
        printed = capsys.readouterr()
        assert sentence in printed.err
        assert printed.out == ""
    assert os.listdir(tmp_path) == []


# What killed writers leave.


def test_debris_is_not_read_and_goes_when_it_is_old(store, capsys):
    folder = store.path / "segments"
    (first, *_) = sorted(folder.glob("*.json"))
    (folder / ".0123456789abcdef.tmp").write_bytes(first.read_bytes())
    shutil.copy(first.with_suffix(".npz"), folder / "20000101T000000000000Z-0.npz")
    (store.path / "plans" / ".fedcba9876543210.tmp").write_bytes(b"{")
    debris = {
        "segments/.0123456789abcdef.tmp",
        "segments/20000101T000000000000Z-0.npz",
        "plans/.fedcba9876543210.tmp",
    }
    assert len(store.outcomes()) == 12
    report = check(store.path)
    assert (set(report.unfinished), report.removed, report.damage) == (debris, (), ())
    now = time.time()
    for name in debris:
        os.utime(store.path / name, (now, now - checking.OLD - 60))
    assert main(["check", str(store.path)]) == 0
    assert capsys.readouterr().out.count("removed, because its writer was killed") == 3
    assert not any((store.path / name).exists() for name in debris)
    assert len(store.outcomes()) == 12


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
    genuine = Path.read_bytes
    bad = sorted((store.path / "segments").glob("*.json"))[1]

    def read(self):
        if self == bad:
            raise OSError(errno.EIO, "Input/output error")
        return genuine(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read)
        assert set(store.outcomes()) == {*identities(range(4)), *identities(range(8, 12))}
    assert set(store.outcomes()) == set(identities(RUNS))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", read)
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


def test_unpacking_names_every_array(store):
    (first, *_) = sorted((store.path / "segments").glob("*.json"))
    manifest = segment.read(first.read_bytes())
    arrays = segment.unpack(first.with_suffix(".npz").read_bytes(), manifest.arrays)
    assert {run: set(found) for run, found in arrays.items()} == {
        run: {"curve", "at|steps/all"} for run in identities(range(4))
    }
