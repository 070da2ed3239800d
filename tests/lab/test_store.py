"""The store: what is committed comes back to the last bit, once, however it is asked for."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stepscape import files
from stepscape.cli import main
from stepscape.errors import InputError
from stepscape.lab.spec import Spec, identity
from stepscape.lab.store import Entry, Plan, Store, new_plan
from stepscape.tables.records import Record
from store_cases import Case, Data, Nested, bits, entries, entry, identities

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
