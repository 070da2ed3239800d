"""What the README and the page of the slides say is there is there, and no claim is missing from them."""

from __future__ import annotations

import re
from functools import reduce
from pathlib import Path

import pytest

import stepscape as ss
from stepscape import experiments

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SLIDES = ROOT / "docs" / "experiments" / "tutorial.md"
CONSTRAINTS = ROOT / "constraints.txt"


def rows(path: Path) -> list[list[str]]:
    """Cells of the body rows of every table of a page."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [i for i, row in enumerate(cells) if set("".join(row)) <= set("-:")]
    heads = {i - 1 for i in rules}
    return [row for i, row in enumerate(cells) if i not in rules and i not in heads]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_readme_names_every_claim_once() -> None:
    named = [name for _, commands in rows(README) for name in code(commands)]
    assert sorted(named) == sorted(experiments.names())


def test_the_page_of_the_slides_names_every_claim_and_nothing_else() -> None:
    shown = [name for row in rows(SLIDES) for cell in row[1:] for name in code(cell)]
    runs = {name.removeprefix("stepscape run ") for name in shown if name.startswith("stepscape run ")}
    assert runs == set(experiments.names())
    for name in shown:
        if name.startswith("ss."):
            assert callable(reduce(getattr, name.split(".")[1:], ss)), name


@pytest.mark.parametrize("path", [README, SLIDES], ids=lambda path: path.name)
def test_every_row_has_a_command_or_says_that_it_is_not_there_yet(path: Path) -> None:
    assert len(rows(path)) > 6
    for row in rows(path):
        assert bool(code(row[1])) != ("*not yet*" in row[1]), row


def test_the_scope_stands_in_the_third_line() -> None:
    third = README.read_text("utf-8").splitlines()[2]
    assert "one or several inputs" in third
    assert "two-layer ReLU networks" in third


def test_pins_do_not_hide_that_python_is_too_old() -> None:
    """Older pips resolve the pins first, and report a conflict of one of them."""
    pins = [line for line in CONSTRAINTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert pins
    assert all(line.endswith(' ; python_version >= "3.11"') for line in pins)
