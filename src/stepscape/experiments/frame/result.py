"""What the runs of a claim leave behind: rows with their arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import text
from stepscape.errors import bad, shown, unknown
from stepscape.experiments.frame.settings import Settings
from stepscape.lab.spec import Spec, columns
from stepscape.tables.records import Record, Table

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Run:
    """One run: its row (kind, fields of its spec, outcome, numbers) and its arrays, by plain names."""

    row: Mapping[str, Any]
    arrays: Arrays = field(default_factory=dict)

    def __getitem__(self, column: str) -> Any:
        if column not in self.row:
            raise unknown("column", column, self.row)
        return self.row[column]

    def is_(self, **wanted: object) -> bool:
        """Whether its row has these values."""
        return all(name in self.row and self.row[name] == value for name, value in wanted.items())


@dataclass(frozen=True, eq=False)
class Result:
    """What verdicts and figures read.

    Attributes
    ----------
    claim : name of the claim.
    settings : the settings it ran with, complete.
    runs : those that finished or diverged, in the order of their specs.
    """

    claim: str
    settings: Settings
    runs: tuple[Run, ...]

    @cached_property
    def table(self) -> Table:
        """One row per run."""
        return Table.from_records(run.row for run in self.runs)

    def where(self, **wanted: object) -> Result:
        """Keep the runs whose rows have these values."""
        return Result(self.claim, self.settings, tuple(run for run in self.runs if run.is_(**wanted)))

    def of(self, kind: type[Spec]) -> Result:
        """Keep the runs of one kind of spec."""
        if not (isinstance(kind, type) and issubclass(kind, Spec)):
            raise bad("kind", "be a class of specs", shown(kind))
        return self.where(kind=tag(kind))

    def drawn(self, *names: str, **wanted: object) -> list[Run]:
        """Return the runs with these values that have all of these arrays."""
        return [run for run in self.where(**wanted).runs if all(name in run.arrays for name in names)]

    def curves(self, name: str, **wanted: object) -> list[NDArray[Any]]:
        """Return the arrays of that name of the runs with these values."""
        return [run.arrays[text("name", name)] for run in self.drawn(text("name", name), **wanted)]

    def __repr__(self) -> str:
        return f"Result({self.claim}: {len(self.runs)} runs)"


def collect(claim: str, settings: Settings, specs: Sequence[Spec], records: Sequence[Record]) -> Result:
    """Assemble the result from the record of each spec, in order."""
    runs = []
    for spec, record in zip(specs, records, strict=True):
        line = row(spec, record)
        runs.append(Run(line, {plain_name(name, line): values for name, values in record.arrays.items()}))
    return Result(claim, settings, tuple(runs))


def row(spec: Spec, record: Record) -> dict[str, Any]:
    """One row of a table: what was run, how it ended, what was measured."""
    end = {"outcome": record.outcome, "diverged": record.outcome == "diverged", "reason": record.reason}
    return {"kind": tag(type(spec)), **columns(spec), **end, **record.numbers}


def tag(kind: type[Spec]) -> str:
    """Name and version of a kind of run."""
    return str(kind.__struct_config__.tag)


def plain_name(name: str, line: Mapping[str, Any]) -> str:
    """Take the run's own values out of the name of an array.

    Records of older versions name their arrays ``edge|small_init|0.4``, with values of the run's row after
    the name; other pieces stay. An array whose name held only values is called ``curve``.

    >>> line = {"arm": "small_init", "step_size": 0.4}
    >>> [plain_name(name, line) for name in ("edge|small_init|0.4", "steps|0.4|below", "f")]
    ['edge', 'steps_below', 'f']
    """
    if "|" not in name:
        return name
    kept = [piece for piece in name.split("|") if not _is_value(piece, line)]
    return "_".join(kept) or "curve"


def _is_value(piece: str, line: Mapping[str, Any]) -> bool:
    if piece in line.values():
        return True
    try:
        number = float(piece)
    except ValueError:
        return False
    numbers = [x for x in line.values() if isinstance(x, int | float) and not isinstance(x, bool)]
    return any(f"{x:g}" == piece or bool(np.isclose(x, number, rtol=1e-5, atol=0.0)) for x in numbers)
