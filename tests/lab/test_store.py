"""The store: what is committed comes back to the last bit, once, however it is asked for."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import shutil
import sqlite3
import string
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyarrow import parquet

from stepscape import files
from stepscape.cli import main
from stepscape.errors import InputError, OutputError, Unavailable
from stepscape.lab import index, segment
from stepscape.lab.export import to_csv, to_parquet
from stepscape.lab.spec import Spec, identity
from stepscape.lab.store import Entry, Plan, Store, new_plan
from stepscape.tables.records import Record
from store_cases import Case, Data, Nested, bits, entries, entry, identities


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def manifests(store):
    return sorted((store.path / "segments").glob("*.json"))


# What is committed comes back.

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES |= st.sampled_from(["a", "a.npy", "a.npy.npy", "a/b", "../a", "/", "", "file", "a|b", "ü\n\\"])
NUMBERS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
DTYPES = hnp.scalar_dtypes() | hnp.unicode_string_dtypes() | hnp.byte_string_dtypes()
ARRAYS = DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
RECORDS = st.builds(
    Record,
    st.sampled_from(["finished", "diverged", "failed"]),
    st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in ("kind", "seed")), NUMBERS, max_size=4
    ),
    st.dictionaries(NAMES, ARRAYS, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
)


@settings(max_examples=150)
@given(st.lists(RECORDS, min_size=1, max_size=3))
def test_what_is_committed_comes_back_to_the_last_bit(tmp_path_factory, records):
    store = Store.create(tmp_path_factory.mktemp("s") / "store")
    runs = [Case(seed=seed) for seed in range(len(records))]
    store.commit([Entry(run, record, 0.5) for run, record in zip(runs, records, strict=True)], {})
    names = [identity(run) for run in runs]
    assert bits(store.records(names)) == bits(records)
    assert bits(store.records(names[::-1])) == bits(records[::-1])
    assert store.outcomes(names) == dict(zip(names, (r.outcome for r in records), strict=True))
    for row, record in zip(store.rows(runs), records, strict=True):
        kept = {name: row[name] for name in record.numbers}
        assert repr(kept) == repr(dict(record.numbers))


ALONE = """
import hashlib, json, pathlib, sys
import numpy as np
for path in sorted(pathlib.Path(sys.argv[1]).glob("segments/*.json")):
    manifest = json.loads(path.read_text())["content"]
    file = path.with_suffix(".npz")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == manifest["arrays"]["sha256"]
    arrays = np.load(file, allow_pickle=False)
    for row in manifest["rows"]:
        curve = arrays[row["identity"] + "/curve"]
        print(json.dumps([row["spec"]["seed"], row["outcome"], row["numbers"]["risk"], curve.tolist()]))
assert not any(name.startswith("stepscape") for name in sys.modules)
"""


def test_a_store_is_read_with_numpy_and_json_alone(store):
    store.commit(entries(range(3)), {})
    command = [sys.executable, "-c", ALONE, str(store.path)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    for (seed, outcome, risk, curve), made in zip(rows, entries(range(3)), strict=True):
        assert (seed, outcome, risk) == (made.spec.seed, "finished", made.record.numbers["risk"])
        assert curve == made.record.arrays["curve"].tolist()


def test_a_manifest_says_where_its_numbers_come_from(store):
    name = store.commit(entries([1]), {"processor": "abacus", "versions": {"numpy": "2"}})
    content = json.loads((store.path / "segments" / f"{name}.json").read_text())["content"]
    assert content["origin"] == {**content["origin"], "processor": "abacus", "versions": {"numpy": "2"}}
    assert {"host", "committed"} <= content["origin"].keys()
    form = json.dumps([1, content["rows"][0]["spec"]], sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(form.encode()).hexdigest()[:32] == content["rows"][0]["identity"]


def test_equal_arrays_are_equal_files_and_no_arrays_no_file(store):
    first, second = store.commit(entries([1, 2]), {}), store.commit(entries([1, 2]), {})
    folder = store.path / "segments"
    assert first < second
    assert (folder / f"{first}.npz").read_bytes() == (folder / f"{second}.npz").read_bytes()
    bare = store.commit([Entry(Case(seed=5), Record("failed", reason="why"), 0.0)], {})
    assert not (folder / f"{bare}.npz").exists()
    assert store.records(identities([5]))[0].reason == "why"


def test_arrays_of_every_layout_are_files_that_numpy_would_write(store):
    square = np.arange(12.0).reshape(3, 4)
    arrays = {
        "c": square, "f": np.asfortranarray(square), "t": square.T, "every second": square[::2, ::3],
        "row": square[:1], "column": np.asfortranarray(square[:, :1]), "big": square.astype(">f8"),
        "none": square[:0], "scalar": np.float32(2), "pair": np.zeros(2, [("é", "i4"), ("b", "U3")]),
    }  # fmt: skip
    name = store.commit([Entry(Case(seed=1), Record("finished", {}, arrays), 0.0)], {})
    with zipfile.ZipFile(store.path / "segments" / f"{name}.npz") as archive:
        for key, values in arrays.items():
            stream = io.BytesIO()
            np.save(stream, values)
            assert archive.read(f"{identities([1])[0]}/{key}.npy") == stream.getvalue()


def test_nothing_on_disk_is_a_pickle(store):
    store.commit(entries([1]), {})
    for file in (store.path / "segments").glob("*.npz"):
        with np.load(file, allow_pickle=False) as arrays:
            assert [arrays[name].dtype.hasobject for name in arrays] == [False, False]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 70_000])
def test_names_that_no_archive_can_hold_are_refused(store, name):
    made = Entry(Case(seed=1), Record("finished", {}, {name: np.ones(1)}), 0.0)
    with pytest.raises(InputError, match="the name of an array must be text of at most 60000 bytes without"):
        store.commit([made], {})
    assert not store.outcomes()
    with pytest.raises(InputError, match="a segment must hold at least one run, got none"):
        store.commit([], {})


# One record a run.


@pytest.mark.parametrize("order", sorted(set(permutations(["failed", "finished", "failed", "diverged"]))))
def test_of_several_records_the_first_that_did_not_fail_counts(store, order):
    for i, outcome in enumerate(order):
        store.commit([entry(1, outcome, at=i), entry(100 + i)], {})
    best = next(i for i, outcome in enumerate(order) if outcome != "failed")
    assert store.outcomes(identities([1])) == {identities([1])[0]: order[best]}
    assert store.records(identities([1]))[0].numbers["at"] == best
    for table in (store.table(), store.table([Case(seed=1)])):
        rows = table.where(identity=identities([1])[0])
        assert (len(rows), rows["at"][0], rows["outcome"][0]) == (1, best, order[best])
    assert len(store.table()) == 5
    assert store.counts() == {"finished": 4 + (order[best] == "finished")} | (
        {"diverged": 1} if order[best] == "diverged" else {}
    )


def test_among_failed_records_the_first_counts_and_within_a_batch_too(store):
    store.commit([entry(1, "failed", at=0), entry(1, "failed", at=1)], {})
    store.commit([entry(1, "failed", at=2)], {})
    assert store.table()["at"].tolist() == [0]
    store.commit([entry(1, "failed", at=3), entry(1, "diverged", at=4), entry(1, at=5)], {})
    assert store.table()["at"].tolist() == [4]


# Tables.


def test_a_table_has_the_columns_of_specs_ends_and_numbers(store):
    store.commit(entries([3, 1]), {})
    table = store.table([Case(seed=1), Case(seed=2), Case(seed=3)])
    assert list(table.columns) == [
        "identity", "kind", "seed", "step_size", "outcome", "reason", "seconds", "risk", "knots", "nothing",
    ]  # fmt: skip
    assert table["seed"].tolist() == [1, 3]
    assert store.table()["seed"].tolist() == [3, 1]
    assert table["risk"].tolist() == [made.record.numbers["risk"] for made in entries([1, 3])]
    assert np.isnan(table["nothing"]).all()
    assert set(table["seconds"]) == {0.25}
    assert store.table(seed=3)["knots"].tolist() == [3]
    assert store.table(seed=3, knots=4).columns == {}
    assert len(store.table(nothing=None)) == 2
    assert len(store.table([])) == 0
    with pytest.raises(InputError, match="unknown column 'sed'; did you mean 'seed'"):
        store.table(seed=99, sed=3)


def test_nested_specs_are_flat_and_what_is_no_cell_is_text(store):
    store.commit([Entry(Nested(data=Data(n=5)), Record("finished", {"found": [1, 2.5]}), 1.0)], {})
    (row,) = store.rows()
    assert {**row, "identity": ""} == {
        "identity": "", "kind": "nested/2", "data": "table", "n": 5, "layers": "[3,1]",
        "outcome": "finished", "reason": "", "seconds": 1.0, "found": "[1,2.5]",
    }  # fmt: skip


class Twins(Spec, frozen=True, tag="twins/1"):
    data: Data
    n: int = 1


class Own(Spec, frozen=True, tag="own/1"):
    reason: str = "mine"


@pytest.mark.parametrize(
    ("spec", "numbers", "twice"),
    [
        (Case(seed=0), {"seed": 1}, "seed"),
        *((Case(seed=0), {name: 1.0}, name) for name in ("identity", "kind", "outcome", "reason", "seconds")),
        (Own(), {}, "reason"),
        (Twins(data=Data(n=5)), {}, "n"),
    ],
)
def test_what_would_hide_a_column_is_refused_and_spoils_nothing(store, spec, numbers, twice):
    store.commit(entries([1]), {})
    with pytest.raises(InputError, match=f"a (run|spec) must have .*names.*, got '{twice}' twice$"):
        store.commit([entry(2), Entry(spec, Record("finished", numbers), 1.0)], {})
    assert [row["seed"] for row in store.rows()] == [1]
    assert list(store.outcomes()) == identities([1])


def test_a_run_that_is_not_on_record_has_no_record(store):
    with pytest.raises(InputError, match=f"run {identities([8])[0]} is not on record in"):
        store.records(identities([8]))
    assert store.records([]) == []
    assert store.outcomes(identities([8])) == {}


# Plans.


def test_the_same_plan_is_kept_once_however_often_it_is_made(store):
    first = new_plan(identities([2, 1, 2]), "A", "a.toml")
    store.plan(Plan(first.name, first.title, "2026-01-01", first.total, first.identities, first.source))
    store.plan(new_plan(identities([1, 2]), "A", "b.toml"))
    store.plan(new_plan(identities([1]), "A", "a.toml"))
    assert [(plan.total, plan.created > "2026-01-02") for plan in store.plans()] == [(2, False), (1, True)]
    assert set(store.plans()[0].identities) == set(identities([1, 2]))


def test_a_damaged_plan_is_not_read_and_is_written_again(store):
    plan = new_plan(identities([1]))
    store.plan(plan)
    (file,) = (store.path / "plans").iterdir()
    for content in (b"", file.read_bytes()[:-9]):
        file.write_bytes(content)
        assert store.plans() == []
    store.plan(plan)
    assert store.plans() == [plan]


# The index.


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


# Making and opening.


def test_a_store_is_made_once_and_opened_again(store):
    assert Store.create(store.path).id == Store.open(store.path).id == store.id
    shutil.rmtree(store.path / "segments", ignore_errors=True)
    assert Store.open(store.path).outcomes() == {}
    store.commit(entries([1]), {})
    assert len(store.table()) == 1


def test_a_new_folder_is_forced_to_disk_once(store, monkeypatch):
    synced, genuine = [], files.sync_directory
    monkeypatch.setattr(files, "sync_directory", lambda path: (synced.append(path), genuine(path)))
    for seed in range(2):
        store.commit(entries([seed]), {})
    segments = store.path / "segments"
    assert synced == [store.path, segments, segments]


def test_of_many_who_make_a_store_at_once_one_names_it(tmp_path):
    barrier = threading.Barrier(8)

    def make(_):
        barrier.wait()
        return Store.create(tmp_path / "deep" / "store").id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


def test_what_is_not_a_store_is_not_opened(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    Store.create(tmp_path / "ledger" / "store")
    for name, sentence in {
        "ledger": "it holds no store.json; the store is '.*ledger/store'",
        "nowhere": "is not a store of stepscape: there is no such directory",
        "full": "is not a store of stepscape: it holds no store.json",
        "full/thesis.tex": "is not a store of stepscape: there is no such directory",
    }.items():
        with pytest.raises(InputError, match=sentence):
            Store.open(tmp_path / name)
    with pytest.raises(InputError, match=r"is not empty and not a store .*'thesis.tex'\); name another dir"):
        Store.create(tmp_path / "full")
    with pytest.raises(InputError, match="as output directory: it is a file"):
        Store.create(tmp_path / "full" / "thesis.tex")
    with pytest.raises(InputError, match=r"cannot read .*embedded null byte"):
        Store.open("a\0b")
    assert os.listdir(tmp_path / "full") == ["thesis.tex"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"{", "it is cut short or no longer JSON"),
        (b'"\xff"', "it is cut short or no longer JSON"),
        (b"{}", "its content does not match its checksum"),
        (b'{"schema": 2}', "it has schema 2, where this version reads 1"),
    ],
)
def test_a_damaged_name_is_mended_by_check(store, content, sentence):
    store.commit(entries([1]), {})
    (store.path / "store.json").write_bytes(content)
    for way in (Store.open, Store.create):
        with pytest.raises(
            InputError, match=f"store.json' is damaged: {sentence}; 'stepscape check .*' mends"
        ):
            way(store.path)
    assert main(["check", str(store.path)]) == 1
    assert len(Store.open(store.path).table()) == 1
    (store.path / "store.json").unlink()
    assert main(["check", str(store.path)]) == 1
    assert main(["check", str(store.path)]) == 0


# Export.


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_export_keeps_every_digit(store, tmp_path, capsys):
    risks = [1 / 3, 5e-324, -0.0, 1e22, None, math.pi]
    store.commit([entry(i, risk=risk, big=2**60 + i, odd=[i]) for i, risk in enumerate(risks)], {})
    store.commit([entry(9, "failed", note='a "quoted",\nline')], {})
    assert main(["export", str(store.path), "--csv", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 7
    rows = read_csv(tmp_path / "t.csv")
    assert [repr(float(row["risk"])) if row["risk"] else None for row in rows[:6]] == [
        None if risk is None else repr(risk) for risk in risks
    ]
    assert [row["big"] for row in rows] == [*(str(2**60 + i) for i in range(6)), ""]
    assert rows[6]["note"] == 'a "quoted",\nline'
    assert main(["export", str(store.path), "--parquet", str(tmp_path / "t.parquet")]) == 0
    table = parquet.read_table(tmp_path / "t.parquet")
    assert table.column_names == list(rows[0])
    assert repr(table["risk"].to_pylist()) == repr([*risks, None])
    assert table["big"].to_pylist() == [*(2**60 + i for i in range(6)), None]
    assert table["outcome"].to_pylist() == ["finished"] * 6 + ["failed"]


def test_a_column_of_several_types_is_text_and_whole_numbers_join_numbers():
    rows = [{"a": 1, "b": True, "c": 2**70, "d": 1, "e": True}, {"a": 0.5, "b": 1, "c": 1, "d": "x"}]
    table = parquet.read_table(io.BytesIO(to_parquet(rows)))
    assert table.to_pylist() == [
        {"a": 1.0, "b": "True", "c": str(2**70), "d": "1", "e": True},
        {"a": 0.5, "b": "1", "c": "1", "d": "x", "e": None},
    ]
    assert to_csv(rows).decode() == f"a,b,c,d,e\n1,True,{2**70},1,True\n0.5,1,1,x,\n"


def test_export_selects_by_number_text_and_truth(store, tmp_path):
    made = [entry(i, flag=i % 2 == 0, word="ab"[i % 2], share=i / 4) for i in range(4)]
    store.commit(made, {})
    for where, seeds in {
        ("seed=2",): ["2"],
        ("seed=2.0",): None,
        ("share=0.50",): ["2"],
        ("flag=yes",): ["0", "2"],
        ("flag=False", "word=b"): ["1", "3"],
    }.items():
        words = [word for pair in where for word in ("--where", pair)]
        status = main(["export", str(store.path), "--force", "--csv", str(tmp_path / "t.csv"), *words])
        assert status == (2 if seeds is None else 0)
        if seeds:
            assert [row["seed"] for row in read_csv(tmp_path / "t.csv")] == seeds


def test_export_refuses_in_one_sentence(store, tmp_path, capsys, monkeypatch):
    def refused(*words, status=2):
        assert main(["export", *map(str, words)]) == status
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        return printed.err

    target = tmp_path / "t.csv"
    assert "nothing is on record in" in refused(store.path, "--csv", target)
    store.commit(entries(range(12)), {})
    assert "needs either --csv FILE or --parquet FILE" in refused(store.path)
    assert "needs either" in refused(store.path, "--csv", target, "--parquet", target)
    assert "unknown column 'sed'; did you mean 'seed'?" in refused(
        store.path, "--csv", target, "--where", "sed=1"
    )
    assert "no record has seed=77; there are 0, 1, 2, 3, 4, 5, 6, 7, …" in refused(
        store.path, "--csv", target, "--where", "seed=77"
    )
    assert "no record has nothing=x; there are nothing" in refused(
        store.path, "--csv", target, "--where", "nothing=x"
    )
    assert "--where must be of the form key=value, got 'seed'" in refused(
        store.path, "--csv", target, "--where", "seed"
    )
    assert "is not a store of stepscape" in refused(tmp_path, "--csv", target)
    assert "there is no directory" in refused(store.path, "--csv", tmp_path / "no" / "t.csv")
    assert "it is a directory" in refused(store.path, "--csv", tmp_path, "--force")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'stepscape[export]'" in refused(store.path, "--parquet", target)
    with pytest.raises(Unavailable, match="Parquet needs pyarrow"):
        to_parquet([])
    assert not target.exists()
    target.write_text("mine")
    assert "exists; name another file or add --force" in refused(store.path, "--csv", target)
    assert target.read_text() == "mine"
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    assert "no space left on device" in refused(store.path, "--csv", target, "--force", status=1)
    assert target.read_text() == "mine"


def test_an_export_that_appears_meanwhile_is_not_overwritten(store, tmp_path, monkeypatch, capsys):
    store.commit(entries([1]), {})
    target = tmp_path / "t.csv"
    genuine = to_csv

    def slow(rows):
        target.write_text("another's")
        return genuine(rows)

    monkeypatch.setattr("stepscape.lab.export.to_csv", slow)
    assert main(["export", str(store.path), "--csv", str(target)]) == 2
    assert "exists; name another file" in capsys.readouterr().err
    assert target.read_text() == "another's"


def test_names_of_segments_sort_by_time_and_suit_any_file_system(store):
    names = [store.commit(entries([seed]), {}) for seed in range(20)]
    assert names == sorted(names)
    assert len(set(names)) == 20
    assert not set("".join(names)) - set(string.ascii_letters + string.digits + "-")
