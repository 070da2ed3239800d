"""A plan: the runs that a sweep is to carry out, so that anyone can tell which are left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from stepscape import files
from stepscape.errors import OutputError
from stepscape.lab.seal import Damaged, seal, unseal


class Plan(msgspec.Struct, frozen=True):
    """The runs of one sweep.

    Attributes
    ----------
    name : made from title and identities, and that of its file: a sweep that grew is another plan.
    title : for people.
    created : when the sweep was first started: ISO 8601, UTC.
    total : how many runs.
    identities : of the runs, sorted.
    source : where the sweep was described.
    notes : what a reader must know about its data, in sentences.
    """

    name: str
    title: str
    created: str
    total: int
    identities: tuple[str, ...]
    source: str = ""
    notes: tuple[str, ...] = ()


def new_plan(identities: Iterable[str], title: str = "", source: str = "", notes: Iterable[str] = ()) -> Plan:
    """Plan these runs, now."""
    runs = tuple(sorted(set(identities)))
    name = hashlib.sha256(msgspec.json.encode([runs, title])).hexdigest()[:32]
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Plan(name, title, created, len(runs), runs, source, tuple(notes))


def write(folder: Path, plan: Plan) -> None:
    """Keep a plan under its name; the same plan is kept once."""
    path = folder / f"{plan.name}.json"
    try:
        read(path)
    except OutputError:
        files.write_atomic(path, seal(msgspec.json.encode(plan)))
        files.sync_directory(folder)


def read(path: Path) -> Plan:
    """Read one plan, or raise `Damaged`."""
    try:
        return msgspec.json.decode(unseal(path.read_bytes()), type=Plan)
    except OutputError:
        raise
    except OSError as error:
        raise Damaged(f"it cannot be read: {files.reason(error)}") from None
    except ValueError as error:
        raise Damaged(f"its content is not that of a plan: {error}") from None


def read_all(folder: Path) -> list[Plan]:
    """Every plan that can be read, oldest first."""
    plans = []
    for path in sorted(folder.glob("*.json")):
        try:
            plans.append(read(path))
        except OutputError:
            continue
    return sorted(plans, key=lambda plan: plan.created)
