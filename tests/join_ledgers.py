"""Add the claims of a ledger to the committed one: python tests/join_ledgers.py DIR/ledger.json."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from stepscape import experiments
from stepscape.cli import console
from stepscape.experiments.frame import ledger

DATA = Path(__file__).parents[1] / "src/stepscape/data"


def committed(size: ledger.Size) -> Path:
    """Return the file of the committed ledger."""
    return DATA / f"ledger-{size}.json"


def content(book: ledger.Ledger) -> str:
    """Write a ledger as `stepscape verify` does."""
    return console.to_json(msgspec.to_builtins(book))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ledger", type=Path, help="ledger.json of a directory of `stepscape verify`")
    asked = parser.parse_args().ledger
    new = ledger.read(asked.read_bytes(), str(asked))
    path = committed(new.size)
    whole = ledger.joined(ledger.read(path.read_bytes(), str(path)), new, list(experiments.names()))
    path.write_text(content(whole), encoding="utf-8")
