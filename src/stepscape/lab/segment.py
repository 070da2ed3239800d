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
import secrets
import zipfile
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from stepscape import files
from stepscape.errors import bad
from stepscape.lab.seal import Damaged, seal, unseal
from stepscape.lab.spec import Spec, canonical, columns, identity
from stepscape.tables.records import Outcome, Record, plain

Arrays = Mapping[str, NDArray[Any]]
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


_DECODER = msgspec.json.Decoder(Manifest)


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
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(6)}"
    npz = _pack(best)
    arrays = ArraysFile(len(npz), hashlib.sha256(npz).hexdigest()) if npz else None
    manifest = Manifest(plain(origin), arrays, [_row(*item) for item in best.items()])
    try:
        if npz:
            files.write_atomic(folder / f"{name}.npz", npz)
        files.write_atomic(folder / f"{name}.json", seal(msgspec.json.encode(manifest)))
        files.sync_directory(folder)
    except BaseException:
        for suffix in ("json", "npz"):  # the manifest first: without it there is no segment
            with contextlib.suppress(OSError):
                os.unlink(folder / f"{name}.{suffix}")
        raise
    return name


def read(data: bytes) -> Manifest:
    """Read a manifest, or raise `Damaged`."""
    try:
        return _DECODER.decode(unseal(data))
    except ValueError as error:
        raise Damaged(f"its content is not that of a manifest: {error}") from None


def verify(data: bytes, file: ArraysFile) -> None:
    """Raise `Damaged` unless these are the bytes of the npz that was written."""
    if len(data) != file.size:
        raise Damaged(f"it has {len(data)} bytes where {file.size} were written")
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise Damaged("its content does not match its checksum")


def unpack(data: bytes, file: ArraysFile) -> dict[str, dict[str, NDArray[Any]]]:
    """Read an npz: arrays by identity and name. Raises `Damaged`."""
    verify(data, file)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as npz:
        for member in npz.zip.namelist():
            run, _, name = member.removesuffix(".npy").partition("/")
            # By the name in the archive: without its ending, "a.npy" would be the array "a".
            found.setdefault(run, {})[name] = npz[member]
    return found


def _row(name: str, entry: Entry) -> Row:
    _, spec = msgspec.json.decode(canonical(entry.spec))
    record = entry.record
    _refuse_twins([*OWN, *columns(spec), *record.numbers])
    return Row(name, spec, record.outcome, plain(record.reason), float(entry.seconds), dict(record.numbers))


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
