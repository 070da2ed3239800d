"""The command ``status``: how far the sweeps of a store are."""

from __future__ import annotations

import math
from typing import Any

from stepscape.cli import console
from stepscape.cli.damage import warn_of_damage
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import printable


def show_status(directory: str, as_json: bool, _unfinished: Unfinished) -> None:
    """Print one line per plan."""
    from stepscape.lab.status import status
    from stepscape.lab.store import Store

    store = Store.open(directory)
    warn_of_damage(store)
    plans = [vars(standing) for standing in status(store)]
    document = {"command": "status", "directory": directory, "plans": plans}
    console.answer(document, _lines(plans), as_json)


def _lines(plans: list[dict[str, Any]]) -> list[str]:
    if not plans:
        return ["no sweep was started here"]
    notes = dict.fromkeys(note for plan in plans for note in plan["notes"])
    return [*console.columns([_row(plan) for plan in plans], ""), *map(printable, notes)]


def _row(plan: dict[str, Any]) -> tuple[str, ...]:
    counts = [f"{plan[what]} {what}" for what in ("finished", "diverged", "failed", "missing")]
    name = printable(plan["title"] or plan["source"] or "sweep")
    return (name, f"{plan['total']} runs", *counts, _speed(plan))


def _speed(plan: dict[str, Any]) -> str:
    from stepscape.report.words import duration

    if not plan["missing"]:
        return "complete"
    if math.isfinite(plan["left"]):
        return f"{plan['rate']:.3g} per second, {duration(plan['left'])} left"
    if math.isfinite(plan["quiet"]):
        return f"nothing new for {duration(plan['quiet'])}"
    return "not started"
