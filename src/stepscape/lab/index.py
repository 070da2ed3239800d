"""The index of a store: a disposable SQLite file that answers what is on record without reading segments.

It lies outside the store, one for each host and each path of a store. Whatever is wrong with it, it is thrown
away and made again from the manifests; where nothing can be written it is kept in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from stepscape import files
from stepscape.errors import OutputError
from stepscape.lab import segment, stored
from stepscape.lab.seal import Damage, Damaged
from stepscape.lab.spec import columns

Answer = TypeVar("Answer")
_VERSION = 3  # of the tables below
_PATIENCE = 30.0  # seconds to wait for another process
_CHUNK = 500  # SQLite limits the values of a query
_DECODER = msgspec.json.Decoder(list[dict[str, Any]])
_CONTAINERS = (list, tuple, dict)
# Of several records of a run one is the best: the first in order of segments, a failed one only without
# another. (With min() SQLite takes the other columns from the row that has the minimum.) The rest is hidden.
_TABLES = """
create table if not exists segments (
    name text primary key, stamp text, rows blob, crc integer, wrong text
);
create table if not exists runs (
    identity text, segment text, position integer, outcome text, primary key (identity, segment)
) without rowid;
create index if not exists by_segment on runs (segment);
create view if not exists best as
    select identity, outcome, segment, min((outcome = 'failed') || segment) as rank
    from runs group by identity;
create view if not exists hidden as
    select segment, position from runs
    where identity in (select identity from runs group by identity having count(*) > 1)
    and (identity, segment) not in (select identity, segment from best);
"""


class Index:
    """What the segments of one folder hold; safe to use from several threads and processes."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._file = _cache_file(folder, name)
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def counts(self) -> dict[str, int]:
        """How many runs ended in each way."""
        query = "select outcome, count(*) from best group by outcome"
        return self._ask(lambda db: dict(db.execute(query).fetchall()))

    def outcomes(self, identities: Iterable[str] | None = None) -> dict[str, str]:
        """How each of these runs (None: every run) ended."""
        return self._ask(lambda db: dict(_selected(db, "identity, outcome", identities)))

    def segments(self, identities: Iterable[str]) -> dict[str, str]:
        """Name of the segment that holds each of these runs."""
        return self._ask(lambda db: dict(_selected(db, "identity, segment", identities)))

    def locations(self) -> dict[str, tuple[str, str]]:
        """How every run ended, and the segment that holds it."""
        query = "select identity, outcome, segment from best"
        return self._ask(lambda db: {run: (outcome, name) for run, outcome, name in db.execute(query)})

    def row_documents(self, identities: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """Row of the table of each of these runs (None: every run, as committed)."""
        return self._ask(lambda db: _row_documents(db, identities))

    def damage(self) -> list[Damage]:
        """Every file that holds no segment although it stands where one belongs."""
        wrong = self._ask(lambda db: dict(db.execute("select name, wrong from segments where wrong != ''")))
        known = [Damage(f"segments/{name}.json", text) for name, text in sorted(wrong.items())]
        strangers = [path for path in stored.listing(self._folder, ".json") if not segment.is_name(path.stem)]
        return [*known, *(Damage(stored.shown(path), segment.MISNAMED) for path in strangers)]

    def close(self) -> None:
        """Let go of the file until the next question."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        with self._lock:
            for _ in range(2):
                try:
                    return self._refreshed(question)
                except sqlite3.DatabaseError as error:
                    self._discard(error)
            self._file = None
            return self._refreshed(question)

    def _refreshed(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        if self._open is None:
            self._open = _connect(self._file)
        _refresh(self._open, self._folder)
        return question(self._open)

    def _discard(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        if isinstance(error, sqlite3.OperationalError):  # busy, full: others may use the file
            self._file = None
        elif self._file is not None:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(f"{self._file}{suffix}")


def cache_directory() -> Path:
    """Where disposable files of this user go: ``$STEPSCAPE_CACHE``, or ``stepscape`` in the usual cache."""
    if chosen := os.environ.get("STEPSCAPE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "stepscape"


def _cache_file(folder: Path, name: str) -> Path | None:
    # A copy of a store has its name but not its segments: the path tells them apart.
    path = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:12]
    host = re.sub(r"[^\w.-]", "_", platform.node())[:64]
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return directory / f"index{_VERSION}-{name}-{path}-{host}.sqlite"


def _connect(file: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(file or ":memory:", timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=normal")
        db.executescript(_TABLES)
    except BaseException:
        db.close()
        raise
    return db


def _refresh(db: sqlite3.Connection, folder: Path) -> None:
    if not any(_news(db, folder)):
        return
    db.execute("begin immediate")
    try:
        vanished, changed = _news(db, folder)  # again: another process may have been faster
        for name in vanished:
            _forget(db, name)
        for name, stamp in changed.items():
            _add(db, folder, name, stamp)
        db.execute("commit")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("rollback")
        raise


def _news(db: sqlite3.Connection, folder: Path) -> tuple[set[str], dict[str, str]]:
    """Which segments have vanished, and the stamps of those that are new or changed."""
    # What is known is read first: a segment that another process adds meanwhile has not vanished.
    known = dict(db.execute("select name, stamp from segments"))
    present = _fingerprints(folder)
    return known.keys() - present.keys(), dict(present.items() - known.items())


def _fingerprints(folder: Path) -> dict[str, str]:
    """Name of every manifest → what tells whether it, or the size of its npz, has changed."""
    manifests: dict[str, str] = {}
    sizes: dict[str, int] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name, suffix = os.path.splitext(entry.name)
                if suffix not in (".json", ".npz"):  # drafts have another
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    if suffix == ".npz":
                        sizes[name] = status.st_size
                    elif segment.is_name(name):
                        manifests[name] = f"{status.st_size} {status.st_mtime_ns}"
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(f"cannot read {str(folder)!r}: {files.reason(error)}") from error
    # An npz that is renamed into place while its folder is listed may be missed: so ask for it.
    return {name: f"{stamp} {sizes.get(name) or _size(folder / name)}" for name, stamp in manifests.items()}


def _size(segment_path: Path) -> int:
    try:
        return segment_path.with_suffix(".npz").lstat().st_size
    except OSError:
        return 0


def _add(db: sqlite3.Connection, folder: Path, name: str, stamp: str) -> None:
    rows, wrong = [], ""
    try:
        manifest = segment.sound(folder / f"{name}.json")
        if manifest.arrays is not None and not stamp.endswith(f" {manifest.arrays.size}"):
            raise Damaged(f"its arrays have not the {manifest.arrays.size} bytes that were written")
        rows = manifest.rows
    except Damaged as error:
        wrong = str(error)  # known, but holds nothing: its runs count as not recorded
    except FileNotFoundError:
        return
    except OSError as error:
        wrong, stamp = f"it cannot be read: {files.reason(error)}", ""  # it may be readable next time
    _forget(db, name)
    document = msgspec.json.encode([flat(row) for row in rows])
    values = (name, stamp, document, zlib.crc32(document), wrong)
    db.execute("insert into segments values (?, ?, ?, ?, ?)", values)
    runs = ((row.identity, name, position, row.outcome) for position, row in enumerate(rows))
    db.executemany("insert into runs values (?, ?, ?, ?)", runs)


def _forget(db: sqlite3.Connection, name: str) -> None:
    db.execute("delete from segments where name = ?", (name,))
    db.execute("delete from runs where segment = ?", (name,))


def flat(row: segment.Row) -> dict[str, Any]:
    """Lay a run out as one row of a table; what is neither number nor text becomes its JSON text."""
    end = {"outcome": row.outcome, "reason": row.reason, "seconds": row.seconds}
    cells = {"identity": row.identity, "kind": row.spec["kind"], **columns(row.spec), **end, **row.numbers}
    for name, value in cells.items():
        if isinstance(value, _CONTAINERS):
            cells[name] = msgspec.json.encode(value).decode()
    return cells


def _selected(
    db: sqlite3.Connection, fields: str, identities: Iterable[str] | None
) -> Iterator[tuple[Any, ...]]:
    if identities is None:
        yield from db.execute(f"select {fields} from best")
        return
    wanted = iter(dict.fromkeys(identities))
    while chunk := list(islice(wanted, _CHUNK)):
        marks = ",".join("?" * len(chunk))
        yield from db.execute(f"select {fields} from best where identity in ({marks})", chunk)


def _row_documents(db: sqlite3.Connection, identities: Iterable[str] | None) -> dict[str, dict[str, Any]]:
    if identities is None:
        names, wanted = {name for (name,) in db.execute("select name from segments")}, None
    else:
        wanted = dict(_selected(db, "identity, segment", identities))
        names = set(wanted.values())
    hidden = set(db.execute("select segment, position from hidden"))
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(names):
        for position, row in enumerate(_rows(db, name)):
            if (wanted is None or row["identity"] in wanted) and (name, position) not in hidden:
                found[row["identity"]] = row
    return found


def _rows(db: sqlite3.Connection, name: str) -> list[dict[str, Any]]:
    document, crc = db.execute("select rows, crc from segments where name = ?", (name,)).fetchone()
    if zlib.crc32(document) != crc:
        raise sqlite3.DatabaseError("the rows of a segment do not match their checksum")
    return _DECODER.decode(document)
