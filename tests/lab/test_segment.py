"""A segment on disk: readable with NumPy and JSON alone, equal bytes for equal arrays, names that sort."""

from __future__ import annotations

import hashlib
import io
import json
import string
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from stepscape.errors import InputError
from stepscape.lab import segment
from stepscape.lab.store import Entry
from stepscape.tables.records import Record
from store_cases import (
    Case,
    entries,
    filled,
    identities,
)

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


def test_names_of_segments_sort_by_time_and_suit_any_file_system(store):
    names = [store.commit(entries([seed]), {}) for seed in range(20)]
    assert names == sorted(names)
    assert len(set(names)) == 20
    assert not set("".join(names)) - set(string.ascii_letters + string.digits + "-")


def test_unpacking_names_every_array(tmp_path):
    store = filled(tmp_path / "filled")
    (first, *_) = sorted((store.path / "segments").glob("*.json"))
    arrays = segment.arrays_of(first.with_suffix(".npz"), segment.read(first).arrays)
    assert {run: set(found) for run, found in arrays.items()} == {
        run: {"curve", "at|steps/all"} for run in identities(range(4))
    }
