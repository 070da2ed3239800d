"""The store: one directory that keeps the record of every run, written by any number of processes at once.

``store.json`` names it, ``segments/`` holds what was measured, ``plans/`` what sweeps were to do and
``data/`` their input. A committed file never changes. There is no server and no lock: writers only add
segments, and where a run is on record twice, one record counts.
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepscape import files
from stepscape.arguments import each_of, mapping, texts
from stepscape.arguments import path as file_path
from stepscape.errors import InputError, OutputError, expect, unknown
from stepscape.lab import plan as plans
from stepscape.lab import segment, stored
from stepscape.lab.curves import Curve, curves_of
from stepscape.lab.index import Index
from stepscape.lab.plan import Plan, new_plan
from stepscape.lab.seal import Damage, Damaged, seal, unseal
from stepscape.lab.segment import Entry
from stepscape.lab.spec import IDENTITY, Spec, identity
from stepscape.tables.records import Record, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["Entry", "Plan", "Store", "new_plan"]


class Gone(OutputError):
    """The directory of a store is no longer that store: it was removed, moved or replaced."""


FOLDERS = ("segments", "plans", "data", "damaged")


@dataclass(frozen=True, eq=False)
class Store:
    """A directory of records.

    Attributes
    ----------
    path : the directory.
    id : a random name that tells this store from any other.
    """

    path: Path
    id: str
    _index: Index = field(repr=False)
    _mark: tuple[int, ...] = field(repr=False)

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Store:
        """Open the store at `path`, made if there is nothing.

        Raises
        ------
        InputError
            Something else is there, or no directory can be made there.
        OutputError
            The system refused to write.
        """
        home = Path(file_path("path", path))
        if not os.path.lexists(home / "store.json"):
            _refuse_others(home)
            files.prepare_directory(home, force=True)
            mint(home)
        return cls.open(home)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Store:
        """Open the store at `path`.

        Raises
        ------
        InputError
            There is none, its ``store.json`` is damaged, or one of its folders is a symbolic link.
        """
        home = Path(file_path("path", path))
        refuse_links(home)
        try:
            name = read_id(home)
        except Damaged as error:
            file = str(home / "store.json")
            raise InputError(f"{file!r} is damaged: {error}; 'stepscape check {home}' mends it") from None
        return cls(home, name, Index(home / "segments", name), _mark_of(home))

    def commit(self, entries: Iterable[Entry], origin: Mapping[str, Any]) -> str:
        """Put a batch of runs on record, all or none, and return the name of its segment.

        Parameters
        ----------
        entries : the runs; of several with one spec the first that did not fail counts.
        origin : provenance; the host and the time are added.

        Raises
        ------
        InputError
            A number has the name of another column of the table; nothing is on record.
        Gone
            The directory is no longer this store: a segment would be on record nowhere.
        OutputError
            The system refused; nothing is on record.
        """
        entries = each_of("entries", entries, Entry)
        mapping("origin", origin)
        here = {"host": platform.node(), "committed": datetime.now(UTC).isoformat(timespec="seconds")}
        self.verify()
        folder = self._folder("segments")
        name = segment.write(folder, entries, {**here, **origin})
        try:
            self.verify()
        except BaseException:
            segment.remove(folder, name)
            raise
        return name

    def verify(self) -> None:
        """Raise `Gone` unless the directory still is this store."""
        if self._mark and _mark_of(self.path) == self._mark:
            return
        try:
            found, why = read_id(self.path), "another store stands there"
        except (InputError, Damaged) as error:
            found, why = "", str(error)
        if found != self.id:
            raise Gone(f"{str(self.path)!r} was removed, moved or replaced while it was in use: {why}")

    def outcomes(self, identities: Iterable[str] | None = None) -> dict[str, str]:
        """How each of these runs (None: every run) ended; those that are not on record are left out."""
        return self._index.outcomes(None if identities is None else texts("identities", identities))

    def locations(self) -> dict[str, tuple[str, str]]:
        """How every run on record ended, and the segment that holds it."""
        return self._index.locations()

    def damage(self) -> list[Damage]:
        """Every damaged segment and plan, as far as a look at it tells; `check` looks into all files."""
        return self._index.damage() + plans.read_all(self.path / "plans")[1]

    def counts(self) -> dict[str, int]:
        """How many runs on record ended in each way."""
        return self._index.counts()

    def records(self, identities: Sequence[str]) -> list[Record]:
        """Return the record of each run, in order, with its arrays; every checksum is verified.

        Raises
        ------
        InputError
            One is not on record.
        OutputError
            A file is damaged or cannot be read.
        """
        found: dict[str, Record] = {}
        identities = texts("identities", identities)
        for name, runs in self._segments_of(identities):
            found |= self._read(name, runs)
        return [found[run] for run in identities]

    def rows(self, specs: Iterable[Spec] | None = None, **where: object) -> list[dict[str, Any]]:
        """Rows of `table`: each with what its run has, None where something was not measured."""
        identities = None if specs is None else [identity(spec) for spec in each_of("specs", specs, Spec)]
        documents = self._index.row_documents(identities)
        rows = [documents[run] for run in identities or documents if run in documents]
        for name in where:
            if rows and not any(name in row for row in rows):
                raise unknown("column", name, dict.fromkeys(key for row in rows for key in row))
        for name, value in where.items():
            rows = [row for row in rows if row.get(name) == value]
        return rows

    def table(self, specs: Iterable[Spec] | None = None, **where: object) -> Table:
        """Return one row per run on record, in the order of `specs` (None: every run, as committed).

        Columns: ``identity``, ``kind``, those of the specs, ``outcome``, ``reason``, ``seconds``, the
        numbers. Keywords keep the rows whose columns equal the given values.
        """
        return Table.from_records(self.rows(specs, **where))

    def curves(self, *names: str, identities: Iterable[str] | None = None) -> Iterator[Curve]:
        """Yield the arrays of these runs (None: every run) as curves, in the order of their segments.

        Parameters
        ----------
        names : of arrays, such as "loss"; without, every array except the axes.
        identities : as a column of `table` holds them.

        Raises
        ------
        InputError
            No run has an array of one of the names, or one is not on record.
        OutputError
            As `records`.

        >>> for curve in store.curves("loss", identities=store.table(seed=0)["identity"]):  # doctest: +SKIP
        ...     plt.plot(curve.at, curve.values)
        """
        wanted = list(self._index.outcomes() if identities is None else texts("identities", identities))
        present: set[str] = set()
        for run, arrays in self._arrays(wanted):
            present.update(arrays)
            yield from curves_of(run, arrays, names)
        for name in names:
            if name not in present:
                raise unknown("curve", name, sorted(present))

    def plan(self, plan: Plan) -> None:
        """Keep the plan of a sweep; keeping the same plan again changes nothing."""
        expect("plan", plan, Plan)
        plans.write(self._folder("plans"), plan)

    def plans(self) -> list[Plan]:
        """Every plan, oldest first."""
        return plans.read_all(self.path / "plans")[0]

    def _segments_of(self, identities: Sequence[str]) -> list[tuple[str, set[str]]]:
        """Segments that hold these runs, oldest first, each with those of the runs that it holds."""
        places = self._index.segments(identities)
        if missing := [run for run in identities if run not in places]:
            raise InputError(f"run {missing[0]} is not on record in {str(self.path)!r}")
        held: dict[str, set[str]] = {}
        for run, name in places.items():
            held.setdefault(name, set()).add(run)
        return sorted(held.items())

    def _arrays(self, identities: Sequence[str]) -> Iterator[tuple[str, Mapping[str, NDArray[Any]]]]:
        """Arrays of each run, one segment in memory at a time."""
        for name, runs in self._segments_of(identities):
            for run, record in self._read(name, runs).items():
                yield run, record.arrays

    def _folder(self, name: str) -> Path:
        folder = self.path / name
        if not folder.is_dir():
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot write {str(folder)!r}: {files.reason(error)}") from error
            files.sync_directory(self.path)  # or a power failure takes the folder with all that is in it
        return folder

    def _read(self, name: str, wanted: set[str]) -> dict[str, Record]:
        folder = self.path / "segments"
        file = folder / f"{name}.json"
        arrays: Mapping[str, Mapping[str, NDArray[Any]]] = {}
        try:
            manifest = segment.read(file)
            if manifest.arrays is not None:
                file = folder / f"{name}.npz"
                arrays = segment.arrays_of(file, manifest.arrays, wanted)
        except Damaged as error:
            raise OutputError(
                f"{str(file)!r} is damaged: {error}; 'stepscape check {self.path}' sets it aside"
            ) from None
        except OSError as error:
            raise OutputError(f"cannot read {str(file)!r}: {files.reason(error)}") from error
        return {
            row.identity: Record(row.outcome, row.numbers, arrays.get(row.identity, {}), row.reason)
            for row in manifest.rows
            if row.identity in wanted
        }


def read_id(home: Path) -> str:
    """Read the name of a store.

    Raises
    ------
    InputError
        There is no store.
    Damaged
        Its file is.
    """
    try:
        found = unseal(stored.read(home / "store.json"), dict[str, str], "a store")
    except Damaged:
        raise
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "it holds no store.json" if home.is_dir() else "there is no such directory"
        if (home / "store" / "store.json").exists():  # what `run` and `verify` write
            what += f"; the store is {str(home / 'store')!r}"
        raise InputError(f"{str(home)!r} is not a store of stepscape: {what}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {str(home)!r}: {files.reason(error)}") from error
    if not IDENTITY.fullmatch(found.get("id", "")):
        raise Damaged("its content is not that of a store: it has no id")
    return found["id"]


def refuse_links(home: Path) -> None:
    """Refuse a store that leads out of its directory: what is written and moved would be elsewhere."""
    for name in FOLDERS:
        if os.path.islink(home / name):
            raise InputError(
                f"{str(home / name)!r} must not be a symbolic link, got one to "
                f"{os.readlink(home / name)!r}; link to the whole store instead, or move the folder into it"
            )


def _mark_of(home: Path) -> tuple[int, ...]:
    """Tell a directory from another that takes its place; nothing if the system does not tell."""
    try:
        found = os.lstat(home / "store.json")
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def mint(home: Path) -> None:
    """Make a directory a store; of several processes that try at once, one names it."""
    content = msgspec.json.encode({"id": secrets.token_hex(16)})
    with contextlib.suppress(FileExistsError):
        files.write_atomic(home / "store.json", seal(content), replace=False)
    files.sync_directory(home)


def _refuse_others(home: Path) -> None:
    with contextlib.suppress(OSError):  # whatever cannot be listed is refused by the next step
        others = [name for name in os.listdir(home) if name not in FOLDERS and not name.endswith(".tmp")]
        if others and "store.json" not in others:
            raise InputError(
                f"{str(home)!r} is not empty and not a store of stepscape (it holds {min(others)!r}); "
                "name another directory"
            )
