"""Damaged files: none is read as if it were sound, each is named, and what it held can be computed again."""

from __future__ import annotations

import json
import os
import re
import shutil
import time

import numpy as np
import pytest

from stepscape.cli import main
from stepscape.errors import InputError, OutputError
from stepscape.lab import check as checking
from stepscape.lab.check import check
from stepscape.lab.seal import seal
from stepscape.lab.spec import identity
from stepscape.lab.store import Store
from store_cases import RUNS, bits, entries, everything, filled, identities


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store")


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
    assert "damaged/; the next sweep computes their runs again" in printed.err
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


def test_debris_is_not_read_and_goes_when_it_is_old(store, capsys):
    folder = store.path / "segments"
    (first, *_) = sorted(folder.glob("*.json"))
    (folder / ".0123456789abcdef.tmp").write_bytes(first.read_bytes())
    shutil.copy(first.with_suffix(".npz"), folder / "20000101T000000000000Z-000000000000.npz")
    (store.path / "plans" / ".fedcba9876543210.tmp").write_bytes(b"{")
    debris = {
        "segments/.0123456789abcdef.tmp",
        "segments/20000101T000000000000Z-000000000000.npz",
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
