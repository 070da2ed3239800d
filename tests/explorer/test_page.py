"""The page that Python writes: nothing of a user acts in it, and its data are what a fit would train on."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from pages import HOSTILE, outline
from stepscape.errors import InputError
from stepscape.experiments.frame.reference import reference_ledger
from stepscape.explorer import page_data, tables
from stepscape.explorer.page_data import PageData
from stepscape.explorer.pages import page, page_of
from stepscape.explorer.rendering import render
from stepscape.explorer.setups import setup, truth_of
from stepscape.explorer.tables import table_of_columns, table_of_problem, thinned
from stepscape.explorer.verdicts import verdicts
from stepscape.problems.user.columns import Columns
from stepscape.report.words import VERDICTS

SOURCES = Path(__file__).parents[2] / "explorer" / "source"
FETCHED = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}


def columns(x, y, classes=(), name="x"):
    lines = np.arange(len(x)) + 2
    return Columns(np.asarray(x, float), np.asarray(y, float), name, "y", len(x), {}, lines, classes)


def elements(html):
    """Text of the scripts of a page by their id, "" for the one that runs."""
    found = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.DOTALL)
    return {"".join(re.findall(r'id="(\w+)"', attributes)): text for attributes, text in found}


def data_of(html):
    return json.loads(elements(html)["given"])


# ---- what a browser reads


def test_the_policy_names_the_one_script_that_runs_and_nothing_is_requested():
    html = page()
    read = outline(html)
    (policy,) = [a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy"]
    digest = base64.b64encode(hashlib.sha256(elements(html)[""].encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}' blob:" in policy
    assert "unsafe-eval" not in policy
    assert policy.count("unsafe-inline") == policy.count("style-src 'unsafe-inline'") == 1
    for tag, attributes in read.tags:
        for name in FETCHED & set(attributes):
            assert attributes[name].startswith(("#", "data:")), (tag, attributes[name])
        assert not [name for name in attributes if name.startswith("on")]
    style = "".join(re.findall(r"<style>(.*?)</style>", html, re.DOTALL))
    assert "@import" not in style
    assert re.findall(r"url\((?![#\"']?data:)", style) == []
    assert len(html.encode()) < 1_000_000


@given(
    st.text(max_size=30) | st.sampled_from([HOSTILE, "</script", "<!--", "<!--<script>", "]]>", "\u2028\0"])
)
def test_any_text_is_data_and_nothing_else(text):
    table = table_of_problem(ss.problems.tent(n=3), "x", "y")
    some = msgspec.structs.replace(table, source=text, x_name=text, y_name=text, notes=[text])
    try:
        html = page_of(setup(some), some)
    except UnicodeEncodeError:
        pytest.fail("a page must be writable as UTF-8")
    html.encode()
    found = elements(html)
    assert set(found) == {"given", "worker", ""}
    assert html.count("<script") == html.count("</script>") == 3
    assert "<!--" not in html
    assert found["given"].isascii()
    assert json.loads(found["given"])["table"]["notes"] == [text]


def test_controls_become_the_replacement_character():
    problem = ss.Problem([0.0, 1.0], [0.0, 1.0], name="a\0b\x1b]0;\ud800")
    html = page(problem, x_name="\x9bx")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html)
    table = data_of(html)["table"]
    assert (table["source"], table["xName"]) == ("a\ufffdb\ufffd]0;\ufffd", "\ufffdx")


def test_a_long_name_is_shortened_in_the_title():
    html = page(ss.Problem([0.0, 1.0], [0.0, 1.0], name="n" * 400))
    assert f"<title>{'n' * 59}…" in html
    assert data_of(html)["table"]["source"] == "n" * 400


def test_numbers_are_written_exactly():
    problem = ss.Problem(np.array([0.1 + 0.2, 1e-300, -1e300]), np.array([1 / 3, 5e-324, -0.0]))
    data = data_of(page(problem))
    assert data["table"]["x"] == sorted(problem.inputs.tolist())
    assert data["table"]["y"] == problem.line.labels.tolist()
    assert data["setup"]["data"]["x"] == data["table"]["x"]


def test_the_types_are_those_of_the_contract():
    text = (SOURCES / "types.js").read_text("utf-8")
    kinds = ("Table", "CurveData", "OwnData", "Start", "Method", "Setup", "Verdict", "Unit")
    for here, there in {"PageData": "Given", **{name: name for name in kinds}}.items():
        (body,) = re.findall(rf"@typedef {{object}} {there}\b(.*?)(?:@typedef|\*/)", text, re.DOTALL)
        fields = re.findall(r"@property \{.*\} (\w+)", body)
        assert set(getattr(page_data, here).__struct_encode_fields__) == set(fields), there


# ---- a user's columns


def test_columns_are_standardized_as_a_fit_standardizes_them():
    rng = np.random.default_rng(0)
    x, y = np.repeat(rng.normal(50.0, 7.0, 20), 2), rng.normal(3.0, 0.2, 40)
    model = ss.StepSizeRegressor(0.003, width=5, steps=200).fit(x, y)
    table = table_of_columns(columns(x, y), "t.csv", ["A note."])
    assert np.unique(table.x).tolist() == np.unique(model.problem_.inputs).tolist()
    means = [
        np.mean([b for a, b in zip(table.x, table.y, strict=True) if a == at]) for at in np.unique(table.x)
    ]
    np.testing.assert_allclose(means, model.problem_.labels, atol=2.0**-20)
    restored = table.units.y.center + table.units.y.scale * np.array(table.y)
    np.testing.assert_allclose(restored, y, atol=2.0**-20)
    assert table.notes[0] == "A note."
    assert table.notes[1].startswith(f"The page trains on (x - {x.mean():.6g})/{x.std():.6g} and (y - ")


def test_outcomes_are_plus_and_minus_one_and_keep_their_names():
    x, y = np.arange(10.0), np.array([0.0, 1.0] * 5)
    table = table_of_columns(columns(x, y, ("well", "sick")), "t.csv")
    assert (table.loss, table.labels, table.units.y) == ("logistic", ["well", "sick"], None)
    assert table.y == [-1.0, 1.0] * 5
    assert "and the event 'sick', standardized" in table.notes[-1]
    assert setup(table).method.step_size > 1.0
    assert setup(table).start.arm == "large"


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=2, max_size=60), st.integers(2, 50))
def test_thinning_keeps_both_ends_and_every_class_in_its_share(rows, most):
    x, y = np.array([float(a) for a, _ in rows]), np.array([float(b) for _, b in rows])
    kept = thinned(x, y, most)
    assert kept.size == min(most, x.size)
    assert (np.diff(kept) > 0).all()
    assert set(y[kept]) == set(y)
    assert abs(y[kept].mean() - y.mean()) <= 1.5 / kept.size
    assert x[kept][y[kept] == y.min()].min() == x[y == y.min()].min()
    assert x[kept][y[kept] == y.max()].max() == x[y == y.max()].max()


def test_too_many_rows_are_thinned_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(tables, "MOST", 25)
    x = np.arange(100.0)
    table = table_of_columns(columns(x, x % 7), "t.csv")
    assert len(table.x) == len(table.y) == 25
    assert table.notes[-1].startswith("The page shows 25 of the 100 rows, evenly in the order of the inputs")
    full = table_of_columns(columns(x[:25], x[:25] % 7), "t.csv")
    assert len(full.notes) == 1


# ---- a problem


def test_a_problem_is_taken_as_it_is_with_its_truth():
    problem = ss.problems.tent(n=20, noise=0.5, seed=3, half_width=2.0)
    data = data_of(page(problem, x_name="depth", y_name="speed"))
    assert (data["table"]["x"], data["table"]["y"]) == (problem.inputs.tolist(), problem.labels.tolist())
    assert (data["table"]["xName"], data["table"]["yName"]) == ("depth", "speed")
    assert data["table"]["units"] is None
    begun = data["setup"]["data"]
    assert (begun["kind"], begun["truth"], begun["halfWidth"]) == ("own", "tent", 2.0)


@pytest.mark.parametrize(
    ("problem", "known"),
    [
        (ss.problems.wave(half_width=3.0), ("wave", 3.0, 1.0, 0.0)),
        (ss.problems.bernoulli("line", amplitude=3.0, flip_rate=0.1), ("line", 1.0, 3.0, 0.1)),
        (ss.problems.curve(np.sin), None),
        (ss.problems.tent(low=0.0, high=1.0), None),
        (ss.problems.bernoulli(np.sin), None),
        (ss.Problem([0.0, 1.0], [1.0, 2.0]), None),
    ],
)
def test_a_truth_is_known_where_the_page_has_its_curve(problem, known):
    assert truth_of(problem) == known


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (ss.Problem([[0.0, 1.0], [1.0, 2.0]], [0.0, 1.0]), "inputs must have shape"),
        (
            ss.Problem([0.0, 1.0], [0.0, 1.0], weights=[1.0, 2.0]),
            "problem must have no weights, got weights; ",
        ),
        (ss.Problem([1.5, 1.5], [0.0, 1.0]), "problem must have two distinct inputs or more, got 1.5 alone"),
        ("tent", "problem must be a Problem, got a str"),
    ],
)
def test_other_problems_are_refused(problem, says):
    with pytest.raises(InputError, match=re.escape(says)):
        page(problem)


def test_without_a_problem_the_page_begins_by_itself():
    data = data_of(page())
    assert (data["version"], data["table"], data["setup"]) == (ss.__version__, None, None)


# ---- verdicts


def test_every_claim_has_the_verdict_of_the_ledger_in_words_of_the_reports():
    found = verdicts()
    for entry in reference_ledger("full").entries:
        mine = found[entry.experiment.name]
        decides = entry.headline
        assert decides is not None
        assert mine.kind == decides.word
        assert (mine.mark, mine.word) == VERDICTS[decides.word][:2]
        assert mine.title == entry.experiment.title
        assert re.search(r"[.?!]$", mine.sentence)


def test_every_preset_is_about_a_claim_of_the_ledger():
    names = re.findall(r'\bclaim: "([^"]+)"', (SOURCES / "presets.js").read_text("utf-8"))
    assert len(names) >= 7
    assert set(names) <= set(verdicts())


def test_a_missing_ledger_is_no_obstacle(monkeypatch):
    from stepscape.experiments.frame import ledger
    from stepscape.explorer import verdicts as home

    monkeypatch.setattr(home, "reference_ledger", lambda size: ledger.Ledger(size, [], {}))
    assert home.verdicts() == {}
    assert data_of(render(PageData("1", None, None, {})))["verdicts"] == {}
