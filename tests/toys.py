"""Two toy claims in place of the experiments, and an empty committed ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import claims
from stepscape.cli import reference_ledger as reference_ledger
from stepscape.experiments.frame import ledger

RUNS = 12  # of a toy at quick size


def register(monkeypatch, module, claim):
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(CLAIM=claim))


def commit(monkeypatch, *entries, provenance=None):
    """Make these the committed ledger of every size, by default one of this very machine."""
    from stepscape.cli import verify
    from stepscape.cli.provenance import Clock
    from stepscape.cli.provenance import provenance as origin

    here = origin(Clock()) if provenance is None else provenance

    monkeypatch.setattr(verify, "reference_ledger", lambda size: ledger.Ledger(size, list(entries), here))


def made(directory="stepscape-ledger"):
    """The ledger of a directory."""
    return ledger.read(Path(directory, "ledger.json").read_bytes(), "ledger")


def calls():
    """How many runs were carried out since the last time."""
    count = len(claims.CALLS)
    claims.CALLS.clear()
    return count
