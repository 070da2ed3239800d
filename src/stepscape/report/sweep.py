"""Turn a user's sweep into content: what was run, how it ended, and what was measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from stepscape.report.content import (
    Block,
    Commands,
    Drawing,
    Facts,
    Fold,
    Grid,
    Page,
    Paragraph,
    Section,
)
from stepscape.report.words import counted, duration, number, sentence
from stepscape.tables.groups import REPEATED, groups, keys, settings

Row = Mapping[str, Any]
MOST_ROWS = 400  # of a table that somebody reads
MOST_VALUES = 12  # of a setting that are listed one by one
_MEASURED = {
    "median_edge_ratio": "edge ratio",
    "sharpness": "sharpness",
    "preconditioned_sharpness": "preconditioned sharpness",
    "loss": "loss",
    "risk": "risk",
    "excess_risk": "excess risk",
    "test_error": "error on held-out rows",
    "test_error_held_out": "its least over the run",
    "batch_ratio": "batch sharpness over threshold",
    "trace": "trace",
    "pieces": "pieces",
    "training_error": "training error",
    "risk_population": "risk, fresh inputs",
    "excess_risk_population": "excess risk, fresh inputs",
    "null_risk": "risk of a constant",
    "least_squares_risk": "risk of a straight fit",
    "realized_noise": "risk of memorized labels",
    "path_rate": "path-weighted rate",
    "live_rate": "rate of live neurons",
    "dead_share": "dead share",
    "bent_neurons": "bent neurons",
    "recovered": "recovered",
    "error": "error",
    "ratio": "ratio",
}


def sweep_page(
    title: str,
    plans: Sequence[Mapping[str, Any]],
    rows: Sequence[Row],
    drawings: Sequence[Drawing],
    commands: Sequence[tuple[str, str]],
    origin: str,
) -> Page:
    """Lay out a sweep.

    Parameters
    ----------
    title : of the page.
    plans : of each sweep: name, source, created, total, finished, diverged, failed, missing, notes.
    rows : of the store.
    drawings : figures.
    commands : how to repeat the sweep, and how to continue it.
    origin : versions and machines that the records name.
    """
    ended = Counter(row["outcome"] for row in rows)
    told = ", ".join(f"{ended[outcome]} {outcome}" for outcome in ("finished", "diverged", "failed"))
    lead = f"{counted(len(rows), 'run')} on record: {told}."
    sections = [
        Section("What was run", [*_missing(plans), *_plans(plans), *_grid(rows)]),
        Section("What came out", [*_figures(drawings), _medians(rows)]),
        Section("Runs that diverged or failed", _failure_rows(rows)),
        Section("How to repeat it", [Commands(commands)]),
    ]
    return Page(title, lead, sections, origin)


def _missing(plans: Sequence[Mapping[str, Any]]) -> list[Block]:
    missing = sum(plan["missing"] for plan in plans)
    if not missing:
        return []
    return [Paragraph(f"{counted(missing, 'run')} planned but not on record yet.", "warning")]


def _plans(plans: Sequence[Mapping[str, Any]]) -> list[Block]:
    columns = ("source", "begun", "runs", "finished", "diverged", "failed", "missing")
    rows = [
        (plan["source"] or "–", plan["created"][:10], plan["total"], *(plan[name] for name in columns[3:]))
        for plan in plans
    ]
    notes = dict.fromkeys(note for plan in plans for note in plan["notes"])
    told = [Paragraph(sentence(note)) for note in notes]
    return [Grid("Every sweep of this store", columns, rows), *told] if rows else []


def _grid(rows: Sequence[Row]) -> list[Block]:
    values = settings(rows)
    varied = [(name, _listed(found)) for name, found in values.items() if len(found) > 1]
    fixed = [(name, _listed(found)) for name, found in values.items() if len(found) == 1]
    blocks: list[Block] = [Facts(varied)] if varied else []
    return [*blocks, Fold("Settings common to all runs", [Facts(fixed)])] if fixed else blocks


def _listed(values: Sequence[Any]) -> str:
    words = [_word(value) for value in values]
    if len(words) <= MOST_VALUES:
        return ", ".join(words)
    return f"{words[0]}, {words[1]}, … {words[-1]} ({len(words)} values)"


def _word(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else number(value)


def _figures(drawings: Sequence[Drawing]) -> list[Block]:
    return list(drawings) or [
        Paragraph("Nothing was measured against a step size, so there is no figure.", "aside")
    ]


def _medians(rows: Sequence[Row]) -> Block:
    """One row per group and step size: how many runs there were, how many were lost, medians of the rest."""
    by, shown = (
        keys(rows),
        {name: word for name, word in _MEASURED.items() if any(name in row for row in rows)},
    )
    cells = [
        (*(_cell(group[0].get(name)) for name in by), eta, *_counts(here), *_middle(here, shown))
        for group in groups(rows).values()
        for eta, here in _by_step_size(group)
    ]
    more = len(cells) - MOST_ROWS
    rest = f"; {counted(more, 'row')} more with `stepscape export`" if more > 0 else ""
    columns = (*(name.replace("_", " ") for name in by), "step size", "runs", "lost", *shown.values())
    return Grid(f"Medians over seeds; – means not measured{rest}", columns, cells[:MOST_ROWS])


def _cell(value: Any) -> Any:
    return _word(value) if isinstance(value, bool) else value


def _by_step_size(rows: Sequence[Row]) -> list[tuple[Any, list[Row]]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row.get(REPEATED[0]), []).append(row)
    return sorted(found.items(), key=lambda item: (item[0] is None, item[0]))


def _counts(rows: Sequence[Row]) -> tuple[int, int]:
    return len(rows), sum(row["outcome"] != "finished" for row in rows)


def _middle(rows: Sequence[Row], names: Mapping[str, str]) -> list[float | None]:
    known = [[row[name] for row in rows if row.get(name) is not None] for name in names]
    return [float(median(values)) if values else None for values in known]


def _failure_rows(rows: Sequence[Row]) -> list[Block]:
    """One row per reason; reasons that differ only in their numbers count as one, worded as the first."""
    reasons: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["outcome"] != "finished":
            reasons.setdefault((row["outcome"], re.sub(r"[\d.]+", "", row["reason"])), []).append(row)
    if not reasons:
        return [Paragraph("None.")]
    cells = [
        (outcome, sentence(lost[0]["reason"]) if reason else "–", len(lost), _listed(_etas(lost)))
        for (outcome, reason), lost in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
    shown = cells[:MOST_ROWS]
    return [
        Grid(
            "Why (first of each kind), and at which step sizes",
            ("outcome", "reason", "runs", "step sizes"),
            shown,
            (14, 46, 10, 30),
        )
    ]


def _etas(rows: Sequence[Row]) -> list[Any]:
    return sorted({row["step_size"] for row in rows if row.get("step_size") is not None})


def cost(rows: Sequence[Row]) -> str:
    """Say how long the runs took."""
    return f"{counted(len(rows), 'run')}; total compute time {duration(sum(row['seconds'] for row in rows))}"
