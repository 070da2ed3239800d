"""The commands about a sweep with several input variables, from the file to its report."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest

from stepscape.cli import main

GRID = """
title = "Ball and table"
seeds = 2
[[problem]]
kind = "ball"
n = 20
dimension = 3
[[problem]]
data = "trial.csv"
x = "age,dose"
y = "gain"
[network]
width = 8
init = "he"
[method]
step_size = [0.1, 0.3]
steps = 40
[measure]
records = 4
rates = true
trajectory = true
"""


@pytest.fixture(autouse=True)
def _files(here):  # noqa: ARG001
    rows = [f"{i % 5},{i * i % 7},{i % 3}" for i in range(20)]
    Path("trial.csv").write_text("age,dose,gain\n" + "\n".join(rows) + "\n")
    Path("grid.toml").write_text(GRID)


def said(capsys, words, status=0):
    assert main(shlex.split(words)) == status
    return capsys.readouterr()


def document(capsys, words):
    return json.loads(said(capsys, words + " --json").out)


def rows(capsys, store):
    said(capsys, f"export {store} --csv {store}.csv")
    with open(f"{store}.csv", encoding="utf-8") as file:
        return {
            row["identity"]: {k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)
        }


def test_shards_and_resumed_sweeps_have_the_same_bits_for_any_number_of_workers(capsys):
    whole = document(capsys, "sweep grid.toml --out whole --workers 1")
    assert (whole["total"], whole["computed"], whole["failed"]) == (8, 8, 0)
    (table,) = whole["tables"]
    assert (table["x"], table["y"], table["used"]) == (["age", "dose"], "gain", 20)
    for i in (1, 2):
        said(capsys, f"sweep grid.toml --out parts --shard {i}/2 --workers 2")
    assert document(capsys, "sweep grid.toml --out parts")["reused"] == 8
    Path("half.toml").write_text(GRID.replace("[0.1, 0.3]", "[0.3]"))
    assert document(capsys, "sweep half.toml --out resumed --workers 2")["computed"] == 4
    assert document(capsys, "sweep grid.toml --out resumed --workers 2")["computed"] == 4
    first = rows(capsys, "whole")
    assert len(first) == 8
    assert rows(capsys, "parts") == rows(capsys, "resumed") == first
    ball = next(row for row in first.values() if row["problem"] == "ball")
    assert (ball["dimension"], ball["noise"], ball["data"]) == ("3", "1.0", "")
    table_row = next(row for row in first.values() if row["problem"] == "table")
    assert (table_row["dimension"], table_row["x"], table_row["risk"]) == ("2", "age,dose", "")
    assert "pieces" not in ball


def test_status_check_export_and_report(capsys):
    said(capsys, "sweep grid.toml --out runs")
    assert "gain against age and dose: 20 of 20 rows used" in said(capsys, "sweep grid.toml --out runs").out
    (plan,) = document(capsys, "status runs")["plans"]
    assert (plan["finished"], plan["missing"]) == (8, 0)
    assert document(capsys, "check runs")["damage"] == []
    said(capsys, "export runs --curves curves.csv --where problem=ball")
    with open("curves.csv", encoding="utf-8") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert {"rates", "paths", "loss", "edge_ratio"} <= names
    said(capsys, "report runs")
    page = Path("runs/report.html").read_text(encoding="utf-8")
    for words in ("path-weighted rate", "risk, fresh inputs", "risk of memorized labels", "dead share"):
        assert words in page
    figures = {path.name for path in Path("runs/figures").iterdir()}
    assert {"rates.svg", "step-size.svg", "training.svg"} <= figures
    assert "functions.svg" not in figures


def test_damaged_columns_are_found_and_written_again(capsys):
    said(capsys, "sweep grid.toml --out runs")
    (file,) = Path("runs/data").iterdir()
    content = file.read_bytes()
    file.write_bytes(content[:-30])
    assert said(capsys, "check runs", 1).out
    Path("grid.toml").write_text(GRID.replace("steps = 40", "steps = 41"))
    assert document(capsys, "sweep grid.toml --out runs")["failed"] == 0
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("dimension = 3", "dimension = 0", "line 7: dimension must lie between 1 and 10000000, got 0"),
        ('"age,dose"', '"age,gain"', "line 11: x must not name the column of labels, got 'gain' among 2"),
        ("rates = true", "curve_points = 9", "line 20: curve_points must be 0 with several input variables"),
        ('kind = "ball"', 'kind = "cube"', "line 5: unknown kind of problem 'cube'; "),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(capsys, old, new, sentence):
    Path("grid.toml").write_text(GRID.replace(old, new))
    told = said(capsys, "sweep grid.toml --out runs", 2).err
    assert sentence in told
    assert told.count("\n") == 1
    assert not Path("runs").exists()
