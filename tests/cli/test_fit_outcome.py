"""The door to a fit of an outcome of two values: what it recognizes, writes, says and refuses."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from stepscape.cli import json_documents as documents
from stepscape.cli import main
from stepscape.cli.fit_lines import lines
from stepscape.estimators import fit_outcome
from stepscape.figures.fit_pictures import outcome_picture
from stepscape.figures.outcome import figures
from stepscape.problems.user.columns import Columns
from stepscape.report import draw, render
from stepscape.report.outcome import outcome_page
from stepscape.tables.records import plain

ROWS = 60
QUICK = ["--step-size", "0.5", "--out", "out"]


class Fitted(NamedTuple):
    """What one fit left behind."""

    said: str
    document: dict[str, Any]
    rows: list[list[str]]
    figures: list[str]
    html: str


def ages() -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.linspace(20.0, 80.0, ROWS)


def ill() -> list[bool]:
    """More often the older, and never separable."""
    chance = 1.0 / (1.0 + np.exp(-(ages() - 50.0) / 8.0))
    drawn = np.random.default_rng(0).uniform(size=ROWS) < chance
    drawn[[5, -5]] = [True, False]
    return [bool(one) for one in drawn]


def write(name: str, labels: list[str], x: str = "age", y: str = "state", more: str = "") -> None:
    with Path(name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([x, y])
        writer.writerows(zip(ages().tolist(), labels, strict=False))
        file.write(more)


def texts(no: str = "well", yes: str = "sick") -> list[str]:
    return [yes if one else no for one in ill()]


def fit(name: str, *more: str, x: str = "age", y: str = "state") -> int:
    return main(["fit", name, "--x", x, "--y", y, *QUICK, *more])


def predictions() -> list[list[str]]:
    with Path("out/predictions.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def result() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("out/result.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A table of texts, with rows that lack something: what its fit said, wrote and predicted."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("fitted"))
    try:
        write("t.csv", texts(), more="30,\n,sick\nold,well\n35,NA\n")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert fit("t.csv") == 0
        drawn = sorted(path.name for path in Path("out/figures").iterdir())
        html = Path("out/report.html").read_text(encoding="utf-8")
        return Fitted(said.getvalue(), result(), predictions(), drawn, html)
    finally:
        os.chdir(before)


def test_a_text_outcome_is_recognized(fitted: Fitted) -> None:
    said = " ".join(fitted.said.split())
    assert "state has two values, 'well' and 'sick': the fit is the probability of 'sick', with the" in said
    assert "(--event chooses the other, --loss square fits them as numbers)" in said
    for words in ("probability of state = 'sick'", "log-loss", "Brier score", "Cross-validation (log-loss"):
        assert words in said
    names = [f"{name}.{kind}" for name in ("calibration", "fit", "times") for kind in ("png", "svg")]
    assert fitted.figures == names


def test_predictions_are_probabilities_and_the_more_probable_value(fitted: Fitted) -> None:
    header, *rows = fitted.rows
    assert header == ["age", "prediction", "predicted_class"]
    assert [float(row[0]) for row in rows[:ROWS]] == ages().tolist()
    for _, probability, name in rows[:ROWS]:
        assert 0.0 < float(probability) < 1.0
        assert name == ("sick" if float(probability) > 0.5 else "well")


def test_the_document_says_what_the_numbers_are(fitted: Fitted) -> None:
    data, found = fitted.document["data"], fitted.document["fit"]
    assert data["classes"] == found["classes"] == ["well", "sick"]
    assert (found["loss"], found["positive"]) == ("logistic", "sick")
    assert found["class_rows"] == [ROWS - sum(ill()), sum(ill())]
    share = sum(ill()) / ROWS
    entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
    assert found["base_log_loss"] == pytest.approx(entropy, rel=1e-12)
    assert found["base_brier"] == pytest.approx(share * (1 - share), rel=1e-12)
    assert found["log_loss"] < entropy  # the old are ill more often
    assert found["brier"] < found["base_brier"]
    assert sum(row["rows"] for row in found["calibration"]) == pytest.approx(ROWS)
    assert {"uncertain", "weighted"} < set(found["certificates"])


def test_the_uncertain_rows_are_those_of_the_predictions(fitted: Fitted) -> None:
    found = fitted.document["fit"]["uncertain"]
    shares = [(float(x), float(p)) for x, p, _ in fitted.rows[1 : ROWS + 1]]
    inside = [x for x, p in shares if abs(math.log(p / (1.0 - p))) <= 1.0]
    assert found["rows"] == len(inside)
    assert found["hull"] == pytest.approx([inside[0], inside[-1]])
    assert all(any(low <= x <= high for low, high in found["intervals"]) for x in inside)


def test_rows_that_lack_something_are_counted_and_predicted_where_they_can_be(fitted: Fitted) -> None:
    assert f"{ROWS} of {ROWS + 4} rows used" in fitted.said
    assert "dropped 2: missing value\n" in fitted.said
    assert "dropped 1: missing value 'NA'\n" in fitted.said
    assert "dropped 1: not a number (first: 'old' in column 'age', line 64)" in fitted.said
    assert [bool(row[1]) for row in fitted.rows[-4:]] == [True, False, False, True]
    assert fitted.rows[-3] == ["", "", ""]


def test_one_row_is_one_row(fitted: Fitted) -> None:
    document = json.loads(json.dumps(fitted.document))
    document["fit"]["uncertain"] |= {"rows": 1, "hull": [50.0, 50.0]}
    said = "\n".join(lines(document))
    assert "1 row with a probability from 27 % to 73 %, at 50" in said


@pytest.mark.parametrize("step_size", [0.5, None])
def test_a_fit_of_the_whole_budget_says_what_ends_it(step_size: float | None) -> None:
    more = {"width": 10, "steps": 400, "step_sizes": [1.0, 0.5], "n_splits": 2, "n_jobs": 1}
    y = np.array(ill(), dtype=float)
    fitted = fit_outcome(ages(), y, step_size=step_size, stopping="budget", **more)
    columns = Columns(ages(), y, "age", "state", ROWS, {}, np.arange(ROWS), ("0", "1"))
    document = documents.fit_document(fitted, columns)
    rule = document["fit"]["stopping_rule"]
    assert rule.startswith(
        "a run ends after half, three quarters or all of its 400 steps, as soon as its loss"
    )
    assert "its gain over one probability for all rows changed by less than 1% at an edge ratio" in rule
    assert rule.endswith("once every label is fitted, only a loss below 5e-07 is level")
    document["data"] |= {"file": "t.csv", "recognized": []}
    drawings = [draw(figure, name) for name, figure in figures(outcome_picture(fitted)).items()]
    html = render(outcome_page(plain(document | {"warnings": []}), drawings, ""))
    assert ("nothing is known about rows that the fit has not seen" in html) is (step_size is not None)


def test_the_folds_are_folded_away_and_fit_on_paper(fitted: Fitted) -> None:
    html = fitted.html
    start = html.index("<summary>Each fold</summary>")
    assert html.rindex('<details class="fold">', 0, start) > html.rindex("</", 0, start)
    table = html[start : html.index("</details>", start)]
    assert "Each fold at each step size" in table
    assert 'class="scroll"' in table  # and no "screen", which print leaves out
    assert html.count("Each fold at each step size") == 2  # the caption, and its label for who cannot see


def test_the_values_are_only_names(fitted: Fitted, capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", texts("0", "1"))
    assert fit("t.csv", "--loss", "logistic", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["data"]["recognized"] == []  # it was asked for
    assert document["fit"]["positive"] == "1"
    rows = predictions()
    assert [row[1] for row in rows[1:]] == [row[1] for row in fitted.rows[1 : ROWS + 1]]
    assert {row[2] for row in rows[1:]} == {"0", "1"}


def test_numbers_of_two_values_may_be_fitted_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", texts("0", "1"))
    assert fit("t.csv", "--loss", "square") == 0
    assert "root mean square residual" in capsys.readouterr().out
    assert predictions()[0] == ["age", "prediction"]
    assert result()["fit"]["loss"] == "square"
    assert result()["data"]["recognized"] == []


def test_the_event_that_is_named_has_the_probability(capsys: pytest.CaptureFixture[str]) -> None:
    write("t.csv", texts())
    chances = []
    for event in ("sick", "well"):
        assert fit("t.csv", "--event", event, "--force") == 0
        assert f"the fit is the probability of '{event}'" in " ".join(capsys.readouterr().out.split())
        assert result()["fit"]["positive"] == event
        chances.append([float(row[1]) for row in predictions()[1:]])
    assert chances[0][-1] > 0.7  # the older are sick more often
    assert chances[1][-1] < 0.3


def test_classes_apart_and_hostile_names(capsys: pytest.CaptureFixture[str]) -> None:
    x, y, no, yes = "<b>x</b>", "$\\frac{$ `y`", "<script>no()</script>", "<script>yes()</script>"
    write("t.csv", [no] * 30 + [yes] * 30, x, y)
    assert fit("t.csv", x=x, y=y) == 0
    assert "separates the classes" in capsys.readouterr().err
    html = Path("out/report.html").read_text(encoding="utf-8")
    assert "separates the classes" in html
    assert "<script" not in html
    assert "&lt;script&gt;yes()&lt;/script&gt;" in html
    for drawn in Path("out/figures").glob("*.svg"):
        assert "<script" not in drawn.read_text(encoding="utf-8")
    assert {row[2] for row in predictions()[1:]} == {no, yes}


def test_characters_without_a_font_are_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from stepscape.figures import text

    monkeypatch.setattr(text, "_FALLBACKS", ())
    write("t.csv", texts("否", "是"), x="年龄")
    assert fit("t.csv", x="年龄") == 0  # a warning of matplotlib would be an error here
    said = [line for line in capsys.readouterr().err.splitlines() if "boxes" in line]
    assert said == [  # in the order of the names
        "stepscape: warning: figures show boxes for '年龄否是': no font on this machine has these "
        "characters; Noto Sans CJK has them"
    ]


def test_a_font_that_has_the_characters_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    from stepscape.figures import output, style, text

    rare = "\u1d81"  # comes with matplotlib, in another font than the usual one
    monkeypatch.setattr(text, "_FALLBACKS", ())
    assert text.unwritable(f"x{rare} {rare}y") == rare
    monkeypatch.setattr(text, "_FALLBACKS", ("No Such Font", "STIXGeneral"))
    assert text.unwritable(f"x{rare}") == ""
    drawn, axes = style.canvas()
    axes[0, 0].set_title(rare)
    assert output.png(drawn)
    assert axes[0, 0].title.get_fontfamily() == ["DejaVu Sans", "STIXGeneral"]


MUST = "column 'state' must hold "


@pytest.mark.parametrize(
    ("labels", "options", "says"),
    [
        (["sick"] * ROWS, [], MUST + "numbers or two values, got only 'sick' in all 60 usable rows"),
        (
            ["sick"] * ROWS,
            ["--loss", "logistic"],
            MUST + "two different values for the logistic loss, got only 'sick' in all 60 usable rows",
        ),
        (
            ["a", "b", "c"] * 20,
            [],
            MUST + "numbers or two values, got 3: 'a' (20 rows), 'b' (20), 'c' (20)",
        ),
        (
            ["0", "1", "2"] * 20,
            ["--loss", "logistic"],
            MUST
            + "two different values for the logistic loss, got 3: 0 (20 rows), 1 (20), 2 (20); numbers are",
        ),
        (
            [f"{i / 7}" for i in range(ROWS)],
            ["--loss", "logistic"],
            "got 60, such as 0, 0.1429 and 0.2857; numbers are for the square loss",
        ),
        (
            ["sick", "well"] * 30,
            ["--loss", "square"],
            "with a number in both 'age' and 'state', got 0 of 60; dropped: 60 × not a number (first: 'sick'",
        ),
        (
            ["sick", "well"] * 4,
            [],
            "at least 10 rows with a number in 'age' and a value in 'state', got 8 of",
        ),
        (["sick", "well"] * 30, ["--loss", "logistc"], "unknown loss 'logistc'; did you mean 'logistic'?"),
        (["sick", "well"] * 30, ["--step-size", "8"], "step_size must lie in (0, 8)"),
    ],
)
def test_a_wrong_outcome_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], labels: list[str], options: list[str], says: str
) -> None:
    write("t.csv", labels)
    assert fit("t.csv", *options) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("stepscape: ")
    assert printed.err.count("\n") == 1
    assert says in printed.err
    assert not Path("out").exists()
