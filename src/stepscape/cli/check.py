"""The command ``check``: verify a store, name what is damaged and set it aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.cli import console
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import OutputError

if TYPE_CHECKING:
    from stepscape.lab.check import Report
    from stepscape.lab.seal import Damage


def check(directory: str, as_json: bool, _unfinished: Unfinished) -> None:
    """Check a store; raises `OutputError` when something was damaged."""
    from stepscape.lab.check import check
    from stepscape.report.words import counted

    report = check(directory)
    document = {
        "command": "check",
        "directory": directory,
        "sound": not report.damage,
        "segments": report.segments,
        "records": report.records,
        "damage": [{"file": damage.file, "wrong": damage.wrong} for damage in report.damage],
        "recompute": report.recompute,
        "removed": report.removed,
        "unfinished": report.unfinished,
    }
    console.answer(document, _lines(report), as_json)
    if report.damage:
        again = "; the next sweep computes their runs again" if any(map(_held_runs, report.damage)) else ""
        found = counted(len(report.damage), "damaged file")
        raise OutputError(f"{directory!r} had {found}, now in its folder damaged/{again}")


def _held_runs(damage: Damage) -> bool:
    return damage.file.startswith("segments/")


def _lines(report: Report) -> list[str]:
    lines = [f"damaged: {damage.file}: {damage.wrong}" for damage in report.damage]
    lines += [f"{file}: removed, because its writer was killed" for file in report.removed]
    lines += [f"{file}: unfinished, perhaps still being written" for file in report.unfinished]
    if report.recompute:
        lines.append(f"to be computed again: {len(report.recompute)}")
    return [*lines, f"on record: {report.records}, in sound segments: {report.segments}"]
