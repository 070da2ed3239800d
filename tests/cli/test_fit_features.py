"""The command fit with several columns of inputs: what it writes, says and refuses."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from commands import listing, read_csv, refused
from features_cases import hinge, two_classes
from figure_checks import faults
from stepscape.cli import main
from stepscape.estimators import fit_features
from stepscape.figures import of_fit
from stepscape.report.captions import caption

NAMES = ("age", "dose, mg", "c")
X = 'age,"dose, mg",c'


def write(name, rows, labels, header=(*NAMES, "y")):
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([*row, label] for row, label in zip(rows.tolist(), labels, strict=True))


@pytest.fixture
def table(here):
    x, y = hinge(40)
    write("t.csv", x, y.tolist())
    return here


FIT = ["fit", "t.csv", "--x", X, "--y", "y", "--step-size", "0.3", "--out", "out"]


def strict(text):
    """Read JSON that holds no NaN."""

    def refuse(word):
        raise AssertionError(word)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.usefixtures("table")
def test_what_a_fit_of_several_columns_writes(capsys):
    Path("new.csv").write_text('"dose, mg",id,c,age\n1,a,0.2,0.5\n1,b,,0.5\n1,c,0.2,99\n')
    assert main([*FIT, "--predict", "new.csv", "--json"]) == 0
    printed = capsys.readouterr()
    document = strict(printed.out)
    assert listing(Path("out")) == [
        *sorted(f"figures/{name}.{kind}" for name in ("features", "observed", "shattering", "times")
                for kind in ("png", "svg")),
        "predictions.csv", "report.html", "result.json",
    ]  # fmt: skip
    rows = read_csv("out/predictions.csv")
    assert rows[0] == [*NAMES, "prediction"]
    assert [row[0] for row in rows[1:]] == ["0.5", "", "99.0"]
    assert [bool(row[3]) for row in rows[1:]] == [True, False, True]
    assert document["predictions"]["outside"] == 1
    assert "1 of 2 predictions are for inputs with a feature outside its range" in printed.err
    assert document["data"]["features"] == list(NAMES)
    fit = document["fit"]
    assert fit["x"] == list(NAMES)
    assert fit["loss"] == "square"
    assert sum(fit["shattering"]["neurons_active_on"].values()) == fit["shattering"]["neurons"] == 200
    assert fit["held_out_rmse"] > fit["rmse"]
    saved = strict(Path("out/result.json").read_text())
    assert saved["fit"]["shattering"] == fit["shattering"]
    page = Path("out/report.html").read_text(encoding="utf-8")
    for heading in ("What each feature does", "Rows that neurons hold alone", "Certificates"):
        assert heading in page


@pytest.mark.usefixtures("here")
def test_two_values_are_an_outcome_here_too(capsys):
    x, y = two_classes(40)
    write("t.csv", x, ["sick" if one else "well" for one in y])
    assert main(FIT) == 0
    assert "log-loss, rows left out" in capsys.readouterr().out
    rows = read_csv("out/predictions.csv")
    assert rows[0] == [*NAMES, "prediction", "predicted_class"]
    for row in rows[1:]:
        assert row[4] == ("sick" if float(row[3]) > 0.5 else "well")
    fit = strict(Path("out/result.json").read_text())["fit"]
    assert (fit["positive"], fit["loss"]) == ("sick", "logistic")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--x", "age,nowhere"], "unknown column 'nowhere'"),
        (["--x", "age,,c"], "x must name a column before and after each comma, got 'age,,c'"),
        (["--x", "age,age"], "x must name different columns, got 'age' twice"),
        (["--x", "age,y"], "x must not name the column of labels, got 'y' among 2 columns"),
        (["--x", "age,c", "--step-size", "2.5"], "step_size must lie in (0, 2)"),
        (["--x", 'age,"c'], "names that hold a comma in double quotes"),
    ],
)
def test_wrong_words_are_refused(capsys, arguments, says):
    assert says in refused(capsys, [*FIT, *arguments])


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (
            ["red", "blue"] * 10,
            "column 'c' must hold numbers, got text such as 'red' in 20 of 20 rows; write",
        ),
        ([""] * 15 + ["1"] * 5, "got 5 of 20; dropped: 15 × missing value"),
        (["inf"] * 15 + ["1"] * 5, "got 5 of 20; dropped: 15 × infinite"),
    ],
)
@pytest.mark.usefixtures("here")
def test_wrong_columns_are_refused(capsys, column, says):
    with Path("t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "c", "y"], *([i, cell, i] for i, cell in enumerate(column))])
    assert says in refused(capsys, ["fit", "t.csv", "--x", "a,c", "--y", "y", "--out", "out"])


@pytest.fixture(scope="module", params=["square", "logistic"])
def fitted(request):
    x, y = hinge(50) if request.param == "square" else two_classes(50)
    known = {"loss": "logistic", "classes": ("well", "sick")} if request.param == "logistic" else {}
    names = ("age", "dose $x$, a name that is very long for an axis", "c")
    return fit_features(
        x,
        y,
        x_names=names,
        y_name="y",
        **known,
        width=30,
        steps=200,
        step_sizes=[0.9, 0.3],
        n_splits=3,
        n_jobs=1,
    )


def test_figures_keep_to_the_style(fitted):
    drawn = of_fit(fitted)
    first = "calibration" if fitted.classes else "observed"
    assert list(drawn) == [first, "shattering", "features", "path", "times"]
    for name, figure in drawn.items():
        assert not faults(figure, caption("features", name), name), name


def test_the_summary_is_plain_and_finite(fitted):
    text = json.dumps(fitted.summary(), allow_nan=False)
    assert json.loads(text)["y"] == "y"
    assert repr(fitted).startswith("FeaturesFit(y")


def test_partial_views_are_means_of_predictions(fitted):
    from stepscape.figures.fit_pictures import partial_views

    view = partial_views(fitted)[0]
    column = fitted.x_names.index(view.name)
    changed = fitted.x.copy()
    changed[:, column] = view.values[3]
    assert view.means[3] == pytest.approx(fitted.predict(changed).mean(), rel=1e-9)
    spread = [np.ptp(one.means) for one in partial_views(fitted)]
    assert spread == sorted(spread, reverse=True)
    assert math.isfinite(spread[0])
