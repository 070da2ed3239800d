"""The index: only news is read, and whatever is wrong with it, it is made again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from stepscape.errors import OutputError
from stepscape.lab import index, segment
from stepscape.lab.store import Store
from store_cases import entries, identities


def manifests(store):
    return sorted((store.path / "segments").glob("*.json"))


@pytest.fixture
def read(monkeypatch):
    """Count how many manifests are read."""
    calls = []
    genuine = segment.read
    monkeypatch.setattr(segment, "read", lambda data: calls.append(1) or genuine(data))
    return calls


def test_only_new_and_changed_manifests_are_read(store, read):
    for seed in range(4):
        store.commit(entries([seed]), {})
    assert len(store.outcomes()) == len(read) == 4
    assert len(Store.open(store.path).outcomes()) == len(read) == 4
    store.commit(entries([4]), {})
    assert len(store.outcomes()) == len(read) == 5
    os.utime(manifests(store)[0], ns=(0, 0))
    assert len(store.outcomes()) == 5
    assert len(read) == 6


def test_what_vanishes_or_loses_its_arrays_is_not_on_record(store):
    for seed in range(3):
        store.commit(entries([seed]), {})
    assert len(store.outcomes()) == 3
    first, second, _ = manifests(store)
    first.unlink()
    second.with_suffix(".npz").unlink()
    other = Store.open(store.path)
    for reader in (store, other):
        assert list(reader.outcomes()) == identities([2])
        assert len(reader.table()) == reader.counts()["finished"] == 1


def spoil_bytes(file):
    file.write_bytes(b"nonsense" * 1000)


def cut(file):
    with sqlite3.connect(file) as db:
        db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    os.truncate(file, file.stat().st_size // 2)


def spoil_rows(file):
    with sqlite3.connect(file) as db:
        db.execute("update segments set rows = cast(replace(cast(rows as text), '0.25', '0.26') as blob)")
    db.close()


@pytest.mark.parametrize("spoil", [spoil_bytes, cut, spoil_rows])
def test_a_spoiled_index_is_made_again(store, cache, read, spoil):
    for seed in range(40):
        store.commit(entries([seed]), {})
    want = store.rows()
    store._index.close()
    (file,) = cache.glob("*.sqlite")
    spoil(file)
    again = Store.open(store.path)
    assert again.rows() == want
    assert len(read) >= 80
    assert again.outcomes() == dict.fromkeys(identities(range(40)), "finished")


def test_without_a_place_to_write_the_index_is_in_memory(store, cache, read, monkeypatch):
    store.commit(entries([1, 2]), {})
    cache.rmdir()
    cache.write_text("not a directory")
    reader = Store.open(store.path)
    assert len(reader.table()) == len(reader.outcomes()) == 2
    assert len(read) == 1
    monkeypatch.delenv("STEPSCAPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "deeper"))
    assert len(Store.open(store.path).table()) == 2


def test_a_file_that_cannot_be_a_database_is_left_alone(store, cache):
    store.commit(entries([1]), {})
    store.outcomes()
    store._index.close()
    (file,) = cache.glob("*.sqlite")
    file.unlink()
    file.mkdir()
    assert len(Store.open(store.path).table()) == 1
    assert file.is_dir()


def test_a_copy_of_a_store_has_an_index_of_its_own(store, tmp_path, read):
    store.commit(entries([1]), {})
    shutil.copytree(store.path, tmp_path / "copy")
    copy = Store.open(tmp_path / "copy")
    assert copy.id == store.id
    copy.commit(entries([2]), {})
    assert [len(reader.outcomes()) for reader in 3 * (store, copy)] == [1, 2] * 3
    assert len(read) == 3


def test_a_busy_index_is_replaced_by_one_in_memory(store, cache, monkeypatch):
    store.outcomes()
    (file,) = cache.glob("*.sqlite")
    monkeypatch.setattr(index, "_PATIENCE", 0.1)
    blocker = sqlite3.connect(file, isolation_level=None)
    blocker.execute("begin immediate")
    store.commit(entries([1]), {})
    assert len(Store.open(store.path).outcomes()) == 1
    blocker.execute("rollback")
    blocker.close()
    assert len(Store.open(store.path).outcomes()) == 1
    assert file.exists()


def test_many_threads_and_stores_at_once(store):
    def commit_and_read(seed):
        mine = Store.open(store.path) if seed % 2 else store
        mine.commit(entries([seed]), {})
        return identities([seed])[0] in mine.outcomes()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(commit_and_read, range(64)))
    assert sorted(store.table()["seed"]) == list(range(64))


def test_a_folder_that_cannot_be_listed_says_so(store, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(index.os, "scandir", refuse)
    with pytest.raises(OutputError, match=r"cannot read .*segments': permission denied"):
        store.outcomes()
