"""What the tests of commands share: a tiny experiment, a child process, what a refusal looks like."""

from __future__ import annotations

import csv
from pathlib import Path

from stepscape.cli import main

TINY = [
    word
    for pair in (
        "steps=60",
        "width=12",
        "seeds=1",
        "clean_seeds=0",
        "records=3",
        "step_sizes=0.1,0.2",
        "arms=warm_up",
        "half_widths=3",
    )
    for word in ("--set", pair)
]
LEAVE = "import sys; from stepscape.cli import main; sys.exit(main())"


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.reader(file))


def listing(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def refused(capsys, arguments, status=2):
    """The sentence with which a command is refused: alone, short, without traceback or box."""
    before = listing(Path.cwd())
    assert main(arguments) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("stepscape: ")
    assert printed.err.count("\n") == 1
    assert len(printed.err) <= 3 * 250
    for sign in ("Traceback", "╭", "│", "Usage:", "Error"):
        assert sign not in printed.err
    assert listing(Path.cwd()) == before
    return printed.err


def said(capsys, *arguments, status=0):
    """What a command prints."""
    capsys.readouterr()
    assert main(list(arguments)) == status
    return capsys.readouterr()
