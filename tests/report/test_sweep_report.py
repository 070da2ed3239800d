"""The report of a user's sweep: from its store alone, grouped by what varies, honest about what was lost."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages import HOSTILE, outline
from stepscape.cli import main
from stepscape.figures.sweep import against_step_size
from stepscape.report import render
from stepscape.report.sweep import MOST_ROWS, sweep_page
from stepscape.tables.groups import groups, keys, settings

SWEEP = """
title = "A small & hostile <sweep>"
seeds = 2
[problem]
truth = "tent"
[network]
width = 12
[method]
steps = 60
step_size = [0.05, 0.1, 50.0]
momentum = [0.0, 0.5]
"""


def row(step_size=0.1, seed=0, outcome="finished", reason="", numbers=None, **others):
    run = {"identity": "0", "kind": "run/1", **others, "step_size": step_size, "seed": seed}
    return {**run, "outcome": outcome, "reason": reason, "seconds": 1.5, **(numbers or {})}


def page(rows, plans=(), drawings=()):
    return outline(
        render(sweep_page("A sweep", plans, rows, drawings, [("again", "repeats it")], "made here"))
    )


# ---- groups


def test_settings_are_the_columns_before_the_outcome():
    rows = [row(0.2, momentum=0.5, numbers={"loss": 1.0}), row(0.1, seed=1, momentum=0.5)]
    assert settings(rows) == {"momentum": [0.5], "step_size": [0.1, 0.2], "seed": [0, 1]}


def test_groups_are_told_apart_by_what_varies_besides_step_size_and_seed():
    rows = [row(eta, seed, width=12, momentum=m) for m in (0.5, 0.0) for eta in (0.1, 0.2) for seed in (0, 1)]
    assert list(groups(rows)) == ["momentum 0", "momentum 0.5"]
    assert {len(group) for group in groups(rows).values()} == {4}
    assert list(groups(rows[:4])) == ["all runs"]


def test_a_column_that_follows_the_step_size_is_no_choice_of_its_own():
    rows = [row(eta, steps=round(100 / eta)) for eta in (0.1, 0.2)]
    assert keys(rows) == []
    rows.append(row(0.1, steps=7))
    assert keys(rows) == ["steps"]


def test_a_column_that_only_some_runs_have_tells_them_apart():
    rows = [row(0.1, truth="tent"), row(0.1, data="abc")]
    assert set(groups(rows)) == {"truth tent", "data abc"}


def test_keys_of_a_method_stand_behind_it():
    rows = [row(0.1, method="descent"), row(0.1, method="sam", radius=0.1)]
    rows += [row(0.1, method="sgd", batch_size=size, replacement=False) for size in (16, 4)]
    assert list(groups(rows)) == [
        "method descent", "method sam", "method sgd, batch size 4", "method sgd, batch size 16"
    ]  # fmt: skip
    rows.append(row(0.1, method="sgd", batch_size=4, replacement=True))
    assert "method sgd, batch size 4, replacement True" in groups(rows)
    assert set(groups([row(0.1), row(0.1, clip=0.5)])) == {"clip –", "clip 0.5"}


cells = st.fixed_dictionaries(
    {"step_size": st.sampled_from([0.1, 0.2]), "seed": st.integers(0, 2)},
    optional={"momentum": st.sampled_from([0.0, 0.5]), "truth": st.sampled_from(["tent", "line"])},
)


@given(st.lists(cells, min_size=1))
def test_every_run_is_in_one_group_and_equal_names_mean_equal_settings(found):
    rows = [row(**cell) for cell in found]
    grouped = groups(rows)
    assert sorted(map(id, (r for group in grouped.values() for r in group))) == sorted(map(id, rows))
    by = keys(rows)
    for group in grouped.values():
        assert len({tuple(r.get(name) for name in by) for r in group}) == 1


# ---- the page


def test_medians_are_over_the_seeds_of_one_setting():
    losses = {(0.1, 0.0): [1.0, 2.0, 9.0], (0.1, 0.5): [3.0, 3.5, 4.0], (0.2, 0.0): [5.0, 6.0, 7.0]}
    rows = [
        row(eta, seed, momentum=m, numbers={"loss": loss})
        for (eta, m), values in losses.items()
        for seed, loss in enumerate(values)
    ]
    rows.append(row(0.2, 3, "diverged", "it grew", momentum=0.0))
    html = render(sweep_page("t", [], rows, [], [], ""))
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", line) for line in re.findall(r"<tr>.*?</tr>", html)]
    assert [line for line in cells if len(line) == 5][1:] == [
        ["0", "0.1", "3", "0", "2"],
        ["0", "0.2", "4", "1", "6"],
        ["0.5", "0.1", "3", "0", "3.5"],
    ]


def test_what_was_lost_is_told_once_for_each_reason():
    rows = [row(0.1), *[row(eta, 0, "diverged", f"diverged after {7 * eta} steps") for eta in (0.5, 0.7)]]
    rows.append(row(0.9, 0, "failed", HOSTILE))
    text = page(rows).text
    assert "1 finished, 2 diverged, 1 failed" in text
    assert "Diverged after 3.5 steps." in text
    assert "0.5, 0.7" in text
    assert "after 4.9" not in text
    assert "alert(1)" in text
    assert "None." in page(rows[:1]).text


def test_what_is_missing_is_said():
    plan = {"title": "n", "source": "s.toml", "created": "2026-01-02T03:04", "total": 9, "missing": 4}
    plan |= {"finished": 5, "diverged": 0, "failed": 0, "notes": ("state: 'sick' is 1, 'well' is 0",)}
    text = page([row()], [plan]).text
    assert "4 runs planned but not on record yet." in text
    assert "2026-01-02" in text
    assert "State: 'sick' is 1, 'well' is 0." in text
    assert "not on record yet" not in page([row()], [plan | {"missing": 0}]).text


def test_a_long_table_is_cut_and_says_so():
    rows = [row(0.001 * (i + 1)) for i in range(MOST_ROWS + 5)]
    assert "5 rows more with stepscape export" in page(rows).text
    assert f"({MOST_ROWS + 5} values)" in page(rows).text


# ---- the figure


def panels(figure):
    return {ax.get_ylabel() or ax.get_title(loc="left"): ax for ax in figure.axes if ax.get_visible()}


def test_a_panel_for_each_measure_that_there_is():
    rows = [row(eta, numbers={"loss": 1.0, "pieces": 3, "sharpness": None}) for eta in (0.1, 0.2)]
    assert set(panels(against_step_size({"all": rows}))) == {"training loss", "pieces"}
    assert against_step_size({"all": [row(numbers={"other": 1.0})]}) is None


@pytest.mark.parametrize(("factors", "lines"), [((2.0, 2.0), {2.0}), ((2.0, 3.0), {2.0, 3.0})])
def test_the_threshold_is_that_of_the_method(factors, lines):
    grouped = {
        f"group {i}": [row(eta, numbers={"sharpness": 1.0, "threshold": factor / eta}) for eta in (0.1, 0.2)]
        for i, factor in enumerate(factors)
    }
    (ax,) = panels(against_step_size(grouped)).values()
    dashed = [line for line in ax.lines if line.is_dashed() and len(line.get_xdata()) == 50]
    products = [np.asarray(line.get_xdata()) * np.asarray(line.get_ydata()) for line in dashed]
    assert {round(float(value), 9) for product in products for value in product} == lines


def test_the_sharpness_of_adaptive_methods_has_no_threshold_of_descent():
    """Theirs is about the preconditioned sharpness; 2/η spans the step sizes of descent alone."""
    adam = {"sharpness": 1.0, "preconditioned_sharpness": 30.0, "threshold": 38.0}
    adaptive = {"adam": [row(eta, numbers=adam) for eta in (0.001, 0.01)]}
    plain = {"gd": [row(eta, numbers={"sharpness": 1.0, "threshold": 2.0 / eta}) for eta in (0.1, 0.2)]}
    for grouped, ends in ((adaptive, []), (adaptive | plain, [(0.08, 0.25)])):
        (ax,) = panels(against_step_size(grouped)).values()
        dashed = [line.get_xdata() for line in ax.lines if line.is_dashed()]
        assert [(each[0], each[-1]) for each in dashed] == [pytest.approx(end) for end in ends]


def test_a_median_of_survivors_is_hollow():
    kept = [row(eta, seed, numbers={"loss": 1.0 + seed}) for eta in (0.1, 0.2) for seed in (0, 1, 2)]
    gone = [row(0.2, 3, "diverged", "too large"), row(0.4, 0, "diverged", "too large")]
    (ax,) = panels(against_step_size({"all": kept + gone})).values()
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in hollow] == [(0.2, 2.0)]


# ---- the command


@pytest.fixture
def swept(tmp_path, monkeypatch, capsys):
    """The store of a small sweep."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    Path("small.toml").write_text(SWEEP)
    assert main(["sweep", "small.toml", "--out", "my sweep"]) == 0
    capsys.readouterr()
    return Path("my sweep")


def test_the_report_of_a_sweep_comes_from_its_store_alone(swept, capsys):
    Path("small.toml").unlink()
    assert main(["report", str(swept), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["of"], document["runs"], document["schema"]) == ("sweep", 12, 1)
    html = (swept / "report.html").read_text(encoding="utf-8")
    text = outline(html).text
    for said in (
        "A small & hostile <sweep>", "12 runs on record: 8 finished, 4 diverged, 0 failed", "momentum",
        "0.05, 0.1, 50", "stepscape sweep small.toml --out 'my sweep'", "12 runs; total compute time",
        "stepscape export 'my sweep' --csv FILE", "Recorded by stepscape",
    ):  # fmt: skip
        assert said in text, said
    assert html.count("<svg") == 1
    assert (swept / "figures/step-size.png").is_file()
    assert main(["report", str(swept)]) == 0  # a second time, over the first
    assert main(["check", str(swept)]) == 0  # and the store is still whole


def test_an_empty_store_has_no_report(swept, capsys):
    for path in (swept / "segments").iterdir():
        path.unlink()
    assert main(["report", str(swept)]) == 2
    assert capsys.readouterr().err == "stepscape: nothing is on record in 'my sweep'\n"
