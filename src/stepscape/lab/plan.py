"""A plan: what a sweep meant to do, so that anyone can tell what is left."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from stepscape import files
from stepscape.errors import OutputError
from stepscape.lab.seal import Damaged, seal, unseal


class Plan(msgspec.Struct, frozen=True):
    """The runs of one sweep.

    Attributes
    ----------
    name : of the sweep.
    created : when it was first started, as text.
    total : how many runs the whole sweep has.
    identities : of the runs meant here.
    source : where the sweep was described.
    """

    name: str
    created: str
    total: int
    identities: tuple[str, ...]
    source: str = ""


def write(folder: Path, plan: Plan) -> None:
    """Keep a plan under a name made from its content, but for the time: the same plan is kept once."""
    content = msgspec.json.encode(msgspec.structs.replace(plan, created=""))
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.json"
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
        raise Damaged(f"it cannot be read: {(error.strerror or str(error)).lower()}") from None
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
