"""Exports of a store: every digit, the rows that were asked for, refusals in one sentence."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import sys

import pytest
from pyarrow import parquet

from stepscape.cli import main
from stepscape.errors import Unavailable
from stepscape.lab.export import to_csv, to_parquet
from store_cases import entries, entry


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
        ("seed=2.0",): ["2"],
        ("seed=0.0",): ["0"],
        ("seed=2e0", "share= 0.5 "): ["2"],
        ("seed=2.5",): None,
        ("flag=1.0",): ["0", "2"],
        ("seed=two",): None,
        ("seed=",): None,
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
    assert "export needs one of --csv FILE, --parquet FILE and --curves FILE" in refused(store.path)
    assert "needs one of" in refused(store.path, "--csv", target, "--parquet", target)
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
