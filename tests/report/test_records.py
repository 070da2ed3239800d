"""The table of every measurement: constants once, columns to choose from, rows of one height."""

from __future__ import annotations

from pages import HOSTILE, outline
from stepscape.report import Choice, Facts, Fold, Page, Paragraph, Section, render
from stepscape.report.records import MOST_SHOWN, records_blocks

REASON = "diverged within 7 steps at step_size 3; the initial sharpness is too large for it: lower step_size"


def table(count=40, rows=3):
    return [
        {"n": 30, "nothing": None, "seed": i, "reason": REASON if i else "", "risk": 0.1 * i}
        | {f"column_{k}": i + k for k in range(count)}
        for i in range(rows)
    ]


def page(blocks):
    return outline(render(Page("t", "l", [Section("Every measurement", [Fold("Open", blocks)])])))


def test_what_all_rows_share_stands_above_the_table_once():
    _, facts, choice = records_blocks(table())
    assert isinstance(facts, Facts)
    assert facts.pairs == [("n", 30), ("not measured", "nothing")]
    assert isinstance(choice, Choice)
    assert not {"n", "nothing"} & set(choice.columns)
    assert choice.columns[0] == "row"
    assert [row[0] for row in choice.rows] == [1, 2, 3]


def test_every_number_of_the_records_is_in_the_page():
    records = table()
    _, facts, choice = records_blocks(records)
    found = [dict(facts.pairs) | dict(zip(choice.columns, row, strict=True)) for row in choice.rows]
    for record, row in zip(records, found, strict=True):
        assert all(row[name] == value for name, value in record.items() if value is not None)


def test_what_a_reader_looks_for_is_shown_first():
    *_, choice = records_blocks(table())
    shown = [name for name, there in zip(choice.columns, choice.shown, strict=True) if there]
    assert len(shown) == 1 + MOST_SHOWN
    assert {"row", "seed", "reason", "risk"} <= set(shown)


def test_a_single_row_has_no_constants():
    (choice,) = records_blocks(table(rows=1))
    assert isinstance(choice, Choice)


def test_no_row_is_one_sentence():
    assert records_blocks([]) == [Paragraph("No run is on record.")]


def test_each_column_has_a_box_and_a_rule_that_hides_it_when_the_box_is_empty():
    blocks = records_blocks(table())
    html = render(Page("t", "l", [Section("Every measurement", [Fold("Open", blocks)])]))
    boxes = [a["class"] for tag, a in outline(html).tags if tag == "input"]
    assert boxes == ["all", *(f"c{i}" for i in range(2, len(blocks[-1].columns) + 1))]
    for name in boxes[1:]:
        assert f".choice:has(.{name}:not(:checked))" in html
    assert "<script" not in html


def test_a_long_text_is_folded_and_a_hostile_one_escaped():
    read = page(records_blocks([{"seed": i, "reason": (3 + i) * HOSTILE} for i in range(2)]))
    assert ("details", {"class": "cell"}) in read.tags
    assert "script" not in {tag for tag, _ in read.tags}
