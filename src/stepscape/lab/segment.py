"""A segment: what one batch of runs left, as a manifest of numbers and an npz of arrays beside it.

``<name>.json`` is the manifest, sealed; ``<name>.npz`` holds the arrays under ``<identity>/<array name>`` and
is absent where no run left any. The manifest names the size and the SHA-256 of the npz and is written last:
a segment is committed when its manifest is there, and neither file changes afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import zipfile
from collections import Counter
from collections.abc import Container, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepscape import files
from stepscape.errors import InputError, bad, printable
from stepscape.lab import arrays, stored
from stepscape.lab.seal import Damaged, seal, unseal
from stepscape.lab.spec import Spec, canonical, columns, identity, identity_of
from stepscape.tables.records import Outcome, Record, plain

Arrays = Mapping[str, NDArray[Any]]
TIME = "%Y%m%dT%H%M%S%fZ"  # at which the name of a segment begins
OWN = ("identity", "kind", "outcome", "reason", "seconds")  # columns of every table


@dataclass(frozen=True)
class Entry:
    """A run that was carried out: its spec, its record and the seconds it took."""

    spec: Spec
    record: Record
    seconds: float


class Row(msgspec.Struct, frozen=True):
    """What a manifest says about one run; the spec is its canonical form."""

    identity: str
    spec: dict[str, Any]
    outcome: Outcome
    reason: str
    seconds: float
    numbers: dict[str, Any]


class ArraysFile(msgspec.Struct, frozen=True):
    """The npz that belongs to a manifest."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """The content of a manifest; `arrays` is None where there is no npz."""

    origin: dict[str, Any]
    arrays: ArraysFile | None
    rows: list[Row]


MISNAMED = "its name is not that of a segment"
_DEEPEST = 32
_NAME = re.compile("(19[7-9]|2[0-9][0-9])[0-9]{5}T[0-9]{12}Z-[0-9a-f]{12}")


def write(folder: Path, entries: Iterable[Entry], origin: Mapping[str, Any]) -> str:
    """Commit one segment and return its name; whatever goes wrong, nothing of it stays.

    Raises
    ------
    InputError
        Two columns of the table would bear one name.
    OutputError
        The system refused.
    """
    best: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: entry.record.outcome == "failed"):
        best.setdefault(identity(entry.spec), entry)
    if not best:
        raise bad("a segment", "hold at least one run", "none")
    name = f"{datetime.now(UTC):{TIME}}-{secrets.token_hex(6)}"
    npz = _pack(best)
    file = ArraysFile(len(npz), hashlib.sha256(npz).hexdigest()) if npz else None
    manifest = seal(msgspec.json.encode(Manifest(plain(origin), file, [_row(*run) for run in best.items()])))
    if len(manifest) > stored.MOST:
        raise bad("the numbers of the runs of a batch", "fit in 128 MiB", f"{len(manifest)} bytes")
    try:
        if npz:
            files.write_atomic(folder / f"{name}.npz", npz)
        files.write_atomic(folder / f"{name}.json", manifest)
        files.sync_directory(folder)
    except BaseException:
        remove(folder, name)
        raise
    return name


def remove(folder: Path, name: str) -> None:
    """Take back a segment, or what there is of it."""
    for suffix in ("json", "npz"):  # the manifest first: without it there is no segment
        with contextlib.suppress(OSError):
            os.unlink(folder / f"{name}.{suffix}")


def read(path: Path) -> Manifest:
    """Read a manifest that `sound` has seen.

    Raises
    ------
    Damaged
        It is not what was written.
    OSError
        The system refused.
    """
    return unseal(stored.read(path), Manifest, "a manifest")


def sound(path: Path) -> Manifest:
    """Read a manifest and check all that its readers rely on, whoever wrote it; raises as `read`."""
    if not (is_name(path.stem) and _is_dated(path.stem)):
        raise Damaged(MISNAMED)
    manifest = read(path)
    try:
        for row in manifest.rows:
            _check(row)
    except InputError as error:
        raise Damaged(f"its content is not that of a manifest: {printable(str(error))}") from None
    if len({row.identity for row in manifest.rows}) < len(manifest.rows):
        raise Damaged("its content is not that of a manifest: it has a run twice")
    return manifest


def is_name(name: str) -> bool:
    """Whether a file may be called so as a segment: the time of its commit and a random number."""
    return _NAME.fullmatch(name) is not None


def committed(name: str) -> float:
    """Time at which a segment was committed, in seconds since 1970; `ValueError` if its name tells none."""
    return datetime.strptime(name.partition("-")[0], TIME).replace(tzinfo=UTC).timestamp()


def _is_dated(name: str) -> bool:
    try:
        return committed(name) >= 0.0
    except ValueError:  # the 30th of February
        return False


def arrays_of(path: Path, file: ArraysFile, wanted: Container[str] | None = None) -> dict[str, Arrays]:
    """Read the npz of a manifest: arrays of the wanted runs (None: all) by identity and name.

    Raises
    ------
    Damaged
        It is not what was written.
    OSError
        The system refused.
    """
    data = stored.read(path, file.size)
    verify(data, file)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    members = arrays.unpack(data, lambda name: wanted is None or name.partition("/")[0] in wanted)
    for member, values in members.items():
        run, _, name = member.removesuffix(".npy").partition("/")
        found.setdefault(run, {})[name] = values
    return dict(found)


def verify(data: bytes, file: ArraysFile) -> None:
    """Raise `Damaged` unless these are the bytes of the npz that was written."""
    if len(data) != file.size:
        raise Damaged(f"it has {len(data)} bytes where {file.size} were written")
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise Damaged("its content does not match its checksum")


def _check(row: Row) -> None:
    """Refuse, when it is written and when it is read, what its readers could not use."""
    if any(_nested(part, _DEEPEST) for part in (row.spec, row.numbers)):
        raise bad("the numbers and fields of a run", f"be nested at most {_DEEPEST} deep", "more")
    if row.identity != identity_of(row.spec):
        raise bad("the identity of a run", "be that of its spec", repr(row.identity))
    if not isinstance(row.spec.get("kind"), str):
        raise bad("a spec", "have a kind", repr(row.spec.get("kind")))
    if row.seconds < 0.0:
        raise bad("the seconds of a run", "not be negative", row.seconds)
    _refuse_twins([*OWN, *columns(row.spec), *row.numbers])


def _row(name: str, entry: Entry) -> Row:
    _, spec = msgspec.json.decode(canonical(entry.spec))
    record = entry.record
    row = Row(name, spec, record.outcome, plain(record.reason), float(entry.seconds), dict(record.numbers))
    _check(row)
    return row


def _nested(value: object, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return any(levels == 0 or _nested(item, levels - 1) for item in items)


def _refuse_twins(names: list[str]) -> None:
    """Refuse a run before it is on record whose table nobody could read: a name must tell a column."""
    if len(set(names)) < len(names):
        [(twice, _)] = Counter(names).most_common(1)
        must = "have names that neither its spec nor every table has"
        raise bad("the numbers and fields of a run", must, f"{twice!r} twice")


def _pack(entries: Mapping[str, Entry]) -> bytes:
    named = {
        f"{run}/{_name(name)}.npy": values
        for run, entry in entries.items()
        for name, values in entry.record.arrays.items()
    }
    if not named:
        return b""
    stream, headers = io.BytesIO(), dict[Hashable, bytes]()
    with zipfile.ZipFile(stream, "w") as archive:
        for member, values in named.items():
            # A member made from its name alone is dated 1980: equal arrays are equal bytes.
            archive.writestr(zipfile.ZipInfo(member), _npy(values, headers))
    return stream.getvalue()


def _npy(values: NDArray[Any], headers: dict[Hashable, bytes]) -> bytes:
    """Write one array; the arrays of a batch share few headers, and making one costs more than the rest."""
    order: Literal["C", "F"] = "F" if values.flags.fnc else "C"
    key = (values.dtype, values.shape, order)
    if key not in headers:
        content = io.BytesIO()
        np.lib.format.write_array(content, values, allow_pickle=False)
        headers[key] = content.getvalue()[: content.tell() - values.nbytes]
    return headers[key] + values.tobytes(order)


def _name(name: str) -> str:
    if "\0" in name or len(name.encode("utf-8", "surrogatepass")) > 60_000 or plain(name) != name:
        raise bad("the name of an array", "be text of at most 60000 bytes without NUL", repr(name)[:80])
    return name
