"""The command fit on a table of numbers: what it refuses, and what it writes."""

from __future__ import annotations

import csv
import html
import json
import os
from pathlib import Path

import numpy as np
import pytest

from commands import listing, read_csv, refused
from stepscape.cli import main
from table_files import WRONG_TABLES


@pytest.fixture
def table(here):
    """A clean table of 40 rows."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0.0, 10.0, 40))
    y = np.abs(x - 5.0) + 0.1 * rng.normal(size=40)
    lines = [f"{a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    path = here / "data.csv"
    path.write_text("depth,speed\n" + "\n".join(lines) + "\n")
    return path


# ---- wrong input


@pytest.mark.parametrize("case", WRONG_TABLES)
def test_a_wrong_table_is_refused(capsys, case):
    content, says = WRONG_TABLES[case]
    Path("t.csv").write_bytes(content)
    assert says in refused(capsys, ["fit", "t.csv", "--x", "x", "--y", "y", "--out", "out"])
    assert not Path("out").exists()


@pytest.mark.usefixtures("table")
def test_a_wrong_table_to_predict_is_refused_before_the_fit(capsys):
    Path("new.csv").write_text("deph\n1\n2\n")
    sentence = refused(capsys, ["fit", "data.csv", "--x", "depth", "--y", "speed", "--predict", "new.csv"])
    assert "unknown column 'depth'; did you mean 'deph'?" in sentence
    assert "(of 'new.csv')" in sentence


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--step-size", "-1"], "step_size must be finite and positive, got -1"),
        (["--step-size", "0"], "step_size must be finite and positive, got 0"),
        (["--step-size", "nan"], "step_size must be finite and positive, got nan"),
        (["--step-size", "inf"], "step_size must be finite and positive, got inf"),
        (["--step-size", "big"], "step_size must be finite and positive, got 'big'"),
        (["--step-size", "2.5"], "step_size must lie in (0, 2)"),
        (["--rule", "max"], "unknown rule 'max'; "),
        (["--loss", "hinge"], "unknown loss 'hinge'; "),
        (["--seed", "-1"], "seed must be a whole number, at least 0, got -1"),
        (["--seed", "x"], "seed must be a whole number, at least 0, got 'x'"),
        (["--predict", "nowhere.csv"], "cannot read 'nowhere.csv': there is no such file"),
        (["--x", "speed"], "x and y must be two columns, got 'speed' for both"),
        (["--out", "data.csv"], "'data.csv'"),
        (["--out", "data.csv/below"], "'data.csv/below'"),
        (["--out", "full"], "output directory 'full' is not empty; name another or add --force"),
        (["--out", "a\0b"], "cannot use"),
    ],
)
def test_a_wrong_option_of_fit_is_refused(capsys, arguments, says):
    Path("full").mkdir()
    Path("full/mine.txt").write_text("precious")
    assert says in refused(capsys, ["fit", "data.csv", "--x", "depth", "--y", "speed", *arguments])


@pytest.mark.usefixtures("table")
def test_a_directory_or_a_missing_file_is_refused(capsys):
    Path("folder").mkdir()
    assert "cannot read 'folder': is a directory" in refused(
        capsys, ["fit", "folder", "--x", "a", "--y", "b"]
    )
    sentence = refused(capsys, ["fit", "dat.csv", "--x", "a", "--y", "b"])
    assert "cannot read 'dat.csv': there is no such file; did you mean 'data.csv'?" in sentence


# ---- what it writes


@pytest.fixture
def fitted(table, capsys):
    """What a fit with a given step size prints."""
    assert table.exists()
    status = main(["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"])
    assert status == 0
    return capsys.readouterr()


def test_fit_writes_its_directory_and_says_what_it_did(table, fitted):
    assert listing(Path("out")) == [
        "figures/fit.png",
        "figures/fit.svg",
        "predictions.csv",
        "report.html",
        "result.json",
    ]
    for said in ("40 of 40 rows used", "step size", "0.3", "edge ratio", "stopping rule", "gauss_newton"):
        assert said in fitted.out
    rows, given = read_csv("out/predictions.csv")[1:], read_csv(table)[1:]
    assert [float(x) for x, _ in rows] == [float(x) for x, _ in given]
    errors = [float(a[1]) - float(b[1]) for a, b in zip(rows, given, strict=True)]
    assert np.sqrt(np.mean(np.square(errors))) < 0.5  # labels range over 5
    document = json.loads(Path("out/result.json").read_text())
    assert document["schema"] == 1
    assert document["fit"]["gain"]["verdict"] == "certified"  # the noise is small
    assert (
        "generalization: with probability 95 % the fit is closer to the truth than the mean of speed"
        in " ".join(fitted.out.split())
    )
    assert "Generalization: with probability" in Path("out/report.html").read_text(encoding="utf-8")
    assert document["fit"]["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))))
    assert document["fit"]["path"] is None


@pytest.mark.usefixtures("table")
def test_predictions_keep_the_order_and_the_rows_of_the_table_predicted(capsys):
    Path("new.csv").write_text("id,depth\na,9\nb,n/a\nc,1.5\nd,\ne,3,extra\nf,20\n")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--predict", "new.csv", "--json"]) == 0
    printed = capsys.readouterr()
    rows = read_csv("out/predictions.csv")
    assert rows[0] == ["depth", "prediction"]
    assert [row[0] for row in rows[1:]] == ["9.0", "", "1.5", "", "", "20.0"]
    assert [bool(row[1]) for row in rows[1:]] == [True, False, True, False, False, True]
    document = json.loads(printed.out)
    assert document["predictions"] == {
        "file": "predictions.csv",
        "table": "new.csv",
        "rows": 6,
        "predicted": 3,
        "outside": 1,
    }
    assert "1 of 3 predictions lie outside the data" in printed.err


def test_dropped_rows_are_counted_and_explained(table, capsys):
    with table.open("a") as file:
        file.write("oops,1\n,2\ninf,3\n")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "40 of 43 rows used" in out
    assert "dropped 1: not a number (first: 'oops' in column 'depth', line 42)" in out
    assert "dropped 1: missing value" in out
    assert "dropped 1: infinite" in out


def test_hostile_column_names_reach_every_file_harmless():
    x, y = "<script>alert(1)</script>", "$\\frac{$ & `y` =cmd"
    with Path("t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([x, y])
        writer.writerows([i, i % 5] for i in range(30))
    assert main(["fit", "t.csv", "--x", x, "--y", y, "--step-size", "0.5", "--out", "out"]) == 0
    html = Path("out/report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script" not in Path("out/figures/fit.svg").read_text(encoding="utf-8")
    assert read_csv("out/predictions.csv")[0] == [x, "prediction"]
    assert json.loads(Path("out/result.json").read_text(encoding="utf-8"))["data"]["y"] == y


@pytest.mark.usefixtures("table")
def test_force_replaces_what_it_writes_and_leaves_the_rest():
    Path("out").mkdir()
    Path("out/mine.txt").write_text("precious")
    Path("out/result.json").write_text("old")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--force"]) == 0
    assert Path("out/mine.txt").read_text() == "precious"
    assert json.loads(Path("out/result.json").read_text())["command"] == "fit"
    assert not [name for name in os.listdir("out") if name.startswith(".")]


@pytest.mark.usefixtures("table")
def test_one_column_to_predict_at_has_a_prediction_for_each_row(capsys):
    Path("new.csv").write_text('depth\n1.0\n""\n3.0\n\n""\n6.0\n\n')
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--predict", "new.csv", "--json"]) == 0
    rows = read_csv("out/predictions.csv")[1:]
    assert [row[0] for row in rows] == ["1.0", "", "3.0", "", "", "6.0"]
    assert [bool(row[1]) for row in rows] == [True, False, True, False, False, True]
    assert json.loads(capsys.readouterr().out)["predictions"]["rows"] == 6


def test_what_was_guessed_is_said_on_stderr_and_kept_in_the_result(capsys):
    lines = "".join(f"{i};{800 + 50 * i:,}\n".replace(",", ".") for i in range(15))
    Path("t.csv").write_text("Sales\nof tea\n\nt;größe\n" + lines, encoding="cp1252")
    arguments = ["fit", "t.csv", "--x", "t", "--y", "größe", "--step-size", "0.3", "--out", "out"]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    warnings = json.loads(Path("out/result.json").read_text(encoding="utf-8"))["warnings"]
    for guess in (
        "the table begins on line 4: the 2 lines above it, from 'Sales' on, were taken for titles",
        "'t.csv' was read as cp1252, which is a guess, and 'größe' depends on it",
        "column 'größe': '1.000' was read as 1000, with the point for a thousands separator",
    ):
        assert guess in said
        assert any(guess in warning for warning in warnings)
        assert guess[1:] in html.unescape(Path("out/report.html").read_text(encoding="utf-8"))


def test_a_loss_of_more_than_half_of_the_rows_is_a_warning(table, capsys):
    with table.open("a") as file:
        file.write("NA,1\n" * 50)
    Path("new.csv").write_text("depth\n" + "NA\n" * 3 + "1\n")
    arguments = ["fit", "data.csv", "--x", "depth", "--y", "speed", "--step-size", "0.3", "--out", "out"]
    assert main([*arguments, "--predict", "new.csv"]) == 0
    said = capsys.readouterr().err
    assert "warning: 50 of 90 rows were dropped: 50 × missing value 'NA'" in said
    assert "warning: 3 of 4 rows of 'new.csv' have no prediction: 3 × missing value 'NA'" in said
