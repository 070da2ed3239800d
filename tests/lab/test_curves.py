"""Arrays of runs as curves: every value beside its place, in Python and in files."""

from __future__ import annotations

import csv
import io
import math
import sys

import numpy as np
import pytest
from pyarrow import parquet

from stepscape.cli import main
from stepscape.errors import InputError, Unavailable
from stepscape.lab import Store, curve_table
from stepscape.lab import curves as module
from stepscape.lab.curves import curves_of
from stepscape.lab.spec import identity
from stepscape.lab.store import Entry
from stepscape.tables.records import Record
from store_cases import Case


def run(seed, **arrays):
    return Entry(Case(seed=seed), Record("finished", {"risk": seed / 3}, arrays), 0.1)


@pytest.fixture
def kept(tmp_path):
    store = Store.create(tmp_path / "store")
    steps = np.array([0, 5, 9])
    for seed in range(3):
        loss, x = np.array([1.0, np.nan, 1 / 3]) + seed, np.linspace(-1, 1, 4)
        store.commit([run(seed, at_steps=steps, loss=loss, curve_x=x, curve_y=x**2)], {})
    store.commit([run(3)], {})  # a run without arrays
    return store


def test_each_value_stands_beside_its_step_or_input(kept):
    found = list(kept.curves())
    assert [(curve.name, curve.axis) for curve in found] == [("loss", "at_steps"), ("curve_y", "curve_x")] * 3
    for curve in found:
        assert curve.at.shape == curve.values.shape
        if curve.name == "curve_y":
            assert np.array_equal(curve.values, curve.at**2)
    one = list(kept.curves("loss", identities=kept.table(seed=1)["identity"]))
    assert [curve.identity for curve in one] == [identity(Case(seed=1))]
    assert one[0].at.tolist() == [0, 5, 9]


def test_what_has_no_axis_is_numbered_and_text_is_no_curve():
    arrays = {
        "steps": np.arange(3), "image": np.arange(6).reshape(3, 2), "short": np.ones(2),
        "curve_free": np.ones(3), "word": np.array(["a", "b", "c"]), "bent": np.array([2, 1, 0]),
    }  # fmt: skip
    found = {curve.name: curve for curve in curves_of("r", arrays)}
    assert set(found) == {"image", "short", "curve_free", "bent"}
    assert found["bent"].axis == "steps"
    assert {found[name].axis for name in ("image", "short", "curve_free")} == {"position"}
    assert found["image"].values.tolist() == [0, 1, 2, 3, 4, 5]
    assert [curve.name for curve in curves_of("r", arrays, ["steps"])] == ["steps"]


def test_the_long_table_and_both_files_say_the_same(kept, tmp_path, capsys):
    table = curve_table(kept.curves())
    assert list(table.columns) == ["identity", "name", "axis", "at", "value"]
    assert len(table) == 3 * (3 + 4)
    for suffix in ("csv", "parquet"):
        assert main(["export", str(kept.path), "--curves", str(tmp_path / f"c.{suffix}")]) == 0
        assert "loss, curve_y of 4 runs, one row per value" in capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text())))
    typed = parquet.read_table(tmp_path / "c.parquet").to_pylist()
    for row, cells, record in zip(rows, typed, table.records(), strict=True):
        assert cells == record
        assert (row["identity"], row["name"]) == (record["identity"], record["name"])
        value = math.nan if row["value"] == "" else float(row["value"])
        assert repr(value) == repr(math.nan if record["value"] is None else record["value"])
        assert float(row["at"]) == record["at"]
    assert parquet.read_table(tmp_path / "c.parquet").schema.field("value").type == "double"


def test_where_chooses_the_runs_of_the_curves(kept, tmp_path):
    target = tmp_path / "one.csv"
    assert main(["export", str(kept.path), "--curves", str(target), "--where", "seed=2"]) == 0
    found = {row["identity"] for row in csv.DictReader(io.StringIO(target.read_text()))}
    assert found == {identity(Case(seed=2))}


def test_curves_are_refused_in_one_sentence(kept, tmp_path, capsys, monkeypatch):
    with pytest.raises(InputError, match=r"unknown curve 'los'; did you mean 'loss'\? known: at_steps"):
        list(kept.curves("los"))
    with pytest.raises(InputError, match="run abc is not on record"):
        list(kept.curves(identities=["abc"]))
    assert main(["export", str(kept.path), "--curves", str(tmp_path / "c.xlsx")]) == 2
    assert "must name a file that ends in .csv or .parquet, got" in capsys.readouterr().err
    assert main(["export", str(kept.path), "--curves", str(tmp_path / "c.csv"), "--where", "seed=3"]) == 2
    assert "must keep arrays to export curves" in capsys.readouterr().err
    monkeypatch.setattr(module, "MOST_POINTS", 6)
    with pytest.raises(InputError, match="at most 6 values together, got more; choose some of the runs"):
        curve_table(kept.curves())
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Unavailable, match=r"pip install 'stepscape\[export\]'"):
        module.to_parquet([])
    assert len(curve_table([])) == 0
