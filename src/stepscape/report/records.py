"""The whole table of a run as content: constants once, then columns to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Choice, Facts, Paragraph
from stepscape.report.words import counted

MOST_SHOWN = 12  # columns that are shown before anybody chooses
# What a reader looks for first; others follow in the order of the table.
_FIRST = (
    "arm", "step_size", "seed", "outcome", "reason", "sharpness", "edge_ratio", "median_edge_ratio", "loss",
    "risk", "excess_risk", "pieces", "bent_neurons",
)  # fmt: skip


def records_blocks(records: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Lay out every measurement: what all runs share as facts, the rest as a table of chosen columns.

    Rows are numbered in the order of the records; the file table.csv of an experiment has the same order.
    """
    if not records:
        return [Paragraph("No run is on record.")]
    names = list(dict.fromkeys(name for record in records for name in record))
    same = {name: records[0].get(name) for name in names if _is_constant(name, records)}
    empty = [name for name, value in same.items() if value is None]
    shared = [(name, value) for name, value in same.items() if value is not None]
    varied = [name for name in names if name not in same]
    blocks: list[Block] = []
    if shared or empty:
        missing = [("not measured", ", ".join(empty))] if empty else []
        blocks += [Paragraph("In every row:", "aside"), Facts([*shared, *missing], columns=2)]
    if varied:
        rows = [[i, *(record.get(name) for name in varied)] for i, record in enumerate(records, 1)]
        caption = f"{counted(len(records), 'row')}; – means not measured"
        blocks.append(Choice(caption, ["row", *varied], [True, *_chosen(varied)], rows))
    return blocks


def _is_constant(name: str, records: Sequence[Mapping[str, Any]]) -> bool:
    return len(records) > 1 and all(record.get(name) == records[0].get(name) for record in records)


def _chosen(names: Sequence[str]) -> list[bool]:
    known = [name for name in _FIRST if name in names]
    shown = [*known, *(name for name in names if name not in known)][:MOST_SHOWN]
    return [name in shown for name in names]
