"""The sections of a sweep file → grids of values → parts of runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple, get_args

import msgspec

from stepscape.errors import InputError, bad, unknown
from stepscape.lab import data as tables
from stepscape.problems.user.column_names import column_names
from stepscape.problems.user.columns import Columns, select_columns
from stepscape.problems.user.file import read_table
from stepscape.problems.user.outcomes import meaning
from stepscape.problems.user.table import RawTable
from stepscape.sweeps.clouds import Ball, Cloud, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.grid import one, shown, spread
from stepscape.sweeps.key_lines import Path
from stepscape.sweeps.location import Location, located
from stepscape.sweeps.matrices import Matrix, Solver
from stepscape.sweeps.method import ELSEWHERE, Method
from stepscape.sweeps.part import either
from stepscape.sweeps.parts import AnyProblem, Bernoulli, Curve, Measure, Network, Table
from stepscape.sweeps.slips import path_advice
from stepscape.sweeps.trials import trial

MOST_SEEDS = 1_000_000
MOST_TRIED = 100_000  # rows of a table that are dealt out on trial, over all seeds together
ABOVE = ("title", "seeds")
NETWORKS, MATRICES = ("problem", "network", "method"), ("matrix", "solver")  # what a sweep is about
SECTIONS = (*NETWORKS, "measure", *MATRICES, "cluster")
KIND = "kind"  # the key that tells parts of one section apart
AnyPart = AnyProblem | Network | Method | Matrix | Solver


class Key(NamedTuple):
    """The type of a key, and whether its section must give it."""

    kind: type
    required: bool


def keys_of(part: type[msgspec.Struct]) -> dict[str, Key]:
    """Keys of a section: the fields of the part of a run that it describes."""
    found = {entry.name: Key(_set(entry.type), entry.required) for entry in msgspec.structs.fields(part)}
    if part is Table:  # the file says
        del found["n"], found["dimension"]
    return found


def _set(kind: Any) -> Any:
    """Type of the values of a field that may also be left unset."""
    return next((one for one in get_args(kind) if one is not msgspec.UnsetType), kind)


# What each section may describe.
PARTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "problem": (Curve, Bernoulli, Ball, Sphere, Radial, Subspaces, Mixup, Table),
    "network": (Network,),
    "method": (Method,),
    "measure": (Measure,),
    "matrix": (Matrix,),
    "solver": (Solver,),
}


@dataclass(frozen=True)
class Grid:
    """One section: the values of each key that it gives, in its order."""

    path: Path
    part: type[AnyPart]
    values: Mapping[str, list[Any]]

    @property
    def size(self) -> int:
        """Number of combinations."""
        return math.prod(map(len, self.values.values()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Every combination, the last key fastest."""
        for combination in product(*self.values.values()):
            yield dict(zip(self.values, combination, strict=True))


@dataclass
class Reader:
    """Reads sections; keeps the tables that it meets, and what 0 and 1 stand for in each, in order.

    `sizes` are the numbers of examples that the tables train on: repeated inputs count as one.
    """

    document: Mapping[str, Any]
    place: Location
    folder: str
    data: dict[str, Columns] = field(default_factory=dict)
    files: dict[str, RawTable] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    sizes: dict[AnyProblem, int] = field(default_factory=dict)

    def title(self) -> str:
        """Read the title; without one, nothing."""
        with self.place.at("title"):
            return str(one("title", str, self.document.get("title", "")))

    def refuse_unknown(self) -> None:
        """Refuse what does not stand at the top of a sweep file, or beside the sections that do."""
        for key in self.document:
            with self.place.at(key):
                _known("", key, (*ABOVE, *SECTIONS))
                if self.of_matrices and key in (*NETWORKS, "measure"):
                    raise bad(
                        "a sweep of matrices", "have the sections [matrix] and [solver]", f"[{key}], too"
                    )

    @property
    def of_matrices(self) -> bool:
        """Whether the runs recover matrices, and train no networks."""
        return any(section in self.document for section in MATRICES)

    def seeds(self) -> list[int]:
        """Read ``seeds = 5``, a list, or ``{ first = 0, count = 5 }``."""
        given = self.document.get("seeds", 1)
        if isinstance(given, list):
            return self._list(("seeds",), int, given, _seed)
        with self.place.at("seeds"):
            if not isinstance(given, Mapping):
                return list(range(_count(given)))
            for key in given:
                if key not in ("first", "count"):
                    raise unknown("key of seeds", key, ("first", "count"))
            if "count" not in given:
                raise bad("seeds", "give count", shown(given))
            first = one("first", int, given.get("first", 0))
            _seed(first)
            return list(range(first, first + _count(given["count"])))

    def measure(self) -> Measure:
        """Read what is to be measured: one value per key."""
        given = self.document.get("measure", {})
        if not isinstance(given, Mapping):
            raise self._no_section("measure", given)
        known, found = keys_of(Measure), {}
        for key, value in given.items():
            with self.place.at("measure", key):
                _known("measure", key, known)
                found[key] = one(key, known[key].kind, value)
                Measure(**{key: found[key]}).check(Curve(truth="line"))
        return Measure(**found)

    def grids(self, section: str) -> list[Grid]:
        """Read a section that may stand several times."""
        given = self.document.get(section, {} if section == "solver" else None)
        if given is None:
            raise located(self.place.name, 1, f"the file must have a section [{section}]")
        single = isinstance(given, Mapping)
        if not single and not (given and isinstance(given, list)):
            raise self._no_section(section, given)
        found = []
        for index, values in enumerate([given] if single else given):
            if not isinstance(values, Mapping):
                raise self._no_section(section, given)
            found.append(self._grid(section, (section,) if single else (section, index), values))
        return found

    def expand(self, grid: Grid) -> Iterator[AnyPart]:
        """Make the part of each combination, and refuse those whose values do not go together."""
        for values in grid:
            if grid.part is Table:
                yield self._table(grid.path, values)
                continue
            with self.place.at_first_word(*grid.path):
                part = grid.part(**values)
                if isinstance(part, Method):
                    part.make(0)
                if isinstance(part, Cloud | Network | Matrix | Solver):
                    part.check()
            yield part

    def _grid(self, section: str, path: Path, given: Mapping[str, Any]) -> Grid:
        part = self._part(section, path, given)
        known = keys_of(part)
        kinds = [KIND] if len(PARTS[section]) > 1 else []
        for key in given:
            with self.place.at(*path, key):
                _known(section, key, [*kinds, *(name for one in PARTS[section] for name in keys_of(one))])
        given = {key: value for key, value in given.items() if key not in kinds}
        for key in given:
            with self.place.at(*path, key):
                if key not in known:
                    raise _mixed(key, part)
        with self.place.at(*path):
            for key, (_, required) in known.items():
                if required and key not in given:
                    raise _require(section, key, part)
        values = {
            key: self._values((*path, key), known[key].kind, value, trial(part, key))
            for key, value in given.items()
        }
        return Grid(path, part, values)  # type: ignore[arg-type]

    def _part(self, section: str, path: Path, given: Mapping[str, Any]) -> type[msgspec.Struct]:
        """Tell what a section describes: by its kind, or else by its having the file of a table."""
        parts = PARTS[section]
        if KIND not in given or len(parts) == 1:
            return parts[-1 if "data" in given else 0]
        tags = {str(part.__struct_config__.tag): part for part in parts}
        with self.place.at(*path, KIND):
            name = one(KIND, str, given[KIND])
            if name not in tags:
                raise unknown(f"{KIND} of {section}", name, tags)
        return tags[name]

    def _values(self, path: Path, kind: type, given: Any, check: Callable[[Any], object]) -> list[Any]:
        if isinstance(given, list):
            return self._list(path, kind, given, check)
        key = str(path[-1])
        with self.place.at(*path):
            found = spread(key, kind, given) if isinstance(given, Mapping) else [one(key, kind, given)]
            for value in found:
                check(value)
        return found

    def _list(self, path: Path, kind: type, given: list[Any], check: Callable[[Any], object]) -> list[Any]:
        key, found = str(path[-1]), dict[Any, None]()
        with self.place.at(*path):
            if not given:
                raise bad(key, "list at least one value", "[]")
        for index, item in enumerate(given):
            with self.place.at(*path, index):
                value = one(key, kind, item)
                check(value)
                if value in found:
                    raise bad(key, "list different values", f"{shown(value)} twice")
                found[value] = None
        return list(found)

    def _table(self, path: Path, values: dict[str, Any]) -> Table:
        name, words, y = (values[key] for key in ("data", "x", "y"))
        with self.place.at(*path, "data"):
            if name not in self.files:
                self.files[name] = self._read(name)
        file = self.files[name]
        with self.place.at(*path, "x"):
            names = column_names(file, "x", words)
        x = names[0] if len(names) == 1 else names
        with self.place.at(*path, _blamed(file, names, y)):
            columns = select_columns(file, x, y, values.get("loss", "square"))
        digest = tables.digest(columns.x, columns.y)
        several: dict[str, Any] = {"dimension": len(names)} if len(names) > 1 else {}
        table = Table(**{**values, "data": digest, "n": len(columns.x)}, **several)
        with self.place.at(*path, "data" if table.held_out_rows is msgspec.UNSET else "held_out_rows"):
            self._try(table, columns)
        if columns.classes or digest not in self.data:
            self.data[digest] = columns
        if columns.classes not in ((), ("0", "1")):  # the same numbers may stand for other values elsewhere
            self.notes[meaning(columns.y_name, columns.classes)] = None
        self.notes |= dict.fromkeys((*columns.readings, *columns.notes))
        return table

    def _try(self, table: Table, columns: Columns) -> None:
        """Make the problem of the table, which refuses what cannot be trained on, and keep its size.

        Which rows are held out depends on the seed: of a large table the first seeds are tried.
        """
        seeds = self.seeds()[: max(1, MOST_TRIED // table.n)]
        each = seeds if table.held_out_rows is not msgspec.UNSET else seeds[:1]
        self.sizes[table] = min(table.problem(columns.x, columns.y, seed)[0].size for seed in each)

    def _read(self, name: str) -> RawTable:
        try:
            return read_table(os.path.join(self.folder, name))
        except InputError as error:
            raise InputError(f"{error}{path_advice(name)}") from None

    def _no_section(self, section: str, given: object) -> InputError:
        with self.place.at(section):
            raise bad(section, f"be a section, [{section}]", shown(given))


def _blamed(file: RawTable, names: Sequence[str], y: str) -> str:
    """Return the key whose line a refusal of the columns is about."""
    if any(name not in file.names for name in names) or len({*names}) < len(names) > 1:
        return "x"
    return "y" if y not in file.names or y in names else "data"


def refuse_too_many(place: Location, seeds: list[int], grids: list[list[Grid]], most: int) -> None:
    """Refuse a sweep of too many runs before they are made, at its longest list."""
    total = len(seeds) * math.prod(sum(grid.size for grid in section) for section in grids)
    lengths: dict[Path, int] = {("seeds",): len(seeds)}
    for grid in (grid for section in grids for grid in section):
        lengths |= {(*grid.path, key): len(values) for key, values in grid.values.items()}
    with place.at(*max(lengths, key=lambda path: lengths[path])):
        if total > most:
            raise bad("a sweep", f"have at most {most} runs", total, "thin out its lists or split it")


def _known(section: str, key: str, known: Any) -> None:
    """Refuse an unknown key, and say where it belongs if that is elsewhere."""
    if key in known:
        return
    if key in ABOVE:
        raise InputError(f"{key!r} belongs at the top of the file, above the first section")
    if section == "method" and key in ELSEWHERE:
        raise InputError(f"unknown [method] key {key!r}; here it is {ELSEWHERE[key]}")
    for other, parts in PARTS.items():
        if key != KIND and any(key in keys_of(part) for part in parts):
            raise InputError(f"{key!r} belongs in [{other}]")
    raise unknown(f"[{section}] key" if section else "key or section", key, dict.fromkeys(known))


def _mixed(key: str, part: type[msgspec.Struct]) -> InputError:
    """Word the refusal of a key that belongs to another kind of problem than that of the section."""
    if part is Table:
        return InputError(f"{key!r} does not go with 'data', the file of a table")
    tag = f'{KIND} = "{part.__struct_config__.tag}"'
    if key == "data":
        return InputError(f"{key!r} describes a table and does not go with {tag}")
    kinds = [f'"{one.__struct_config__.tag}"' for one in PARTS["problem"] if key in keys_of(one)]
    if kinds == ['"table"']:
        return InputError(f"{key!r} describes a table and needs 'data', its file")
    return InputError(f"{key!r} does not go with {tag}; it needs {KIND} = {either(kinds)}")


def _require(section: str, key: str, part: type[msgspec.Struct]) -> InputError:
    curve = ", the name of a curve" if key == "truth" else ""
    more = f"{curve}, or 'data', the file of a table" if part is Curve else curve
    return InputError(f"[{section}] must give {key!r}{more}")


def _seed(value: int) -> None:
    if value < 0:
        raise bad("seeds", "not be negative", value)


def _count(given: object) -> int:
    count = int(one("seeds", int, given))
    if not 1 <= count <= MOST_SEEDS:
        raise bad("the number of seeds", f"lie between 1 and {MOST_SEEDS}", count)
    return count
