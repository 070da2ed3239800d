"""A plan: the runs that a sweep is to carry out, so that anyone can tell which are left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from stepscape import files
from stepscape.errors import OutputError, bad
from stepscape.lab import stored
from stepscape.lab.seal import Damage, Damaged, seal, unseal
from stepscape.lab.spec import IDENTITY


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
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Plan(_name(runs, title), title, created, len(runs), runs, source, tuple(notes))


def write(folder: Path, plan: Plan) -> None:
    """Keep a plan under its name; the same plan is kept once.

    Raises
    ------
    InputError
        It has more runs than any reader would accept.
    OutputError
        The system refused.
    """
    path = folder / f"{plan.name}.json"
    try:
        read(path)
    except OutputError:
        content = seal(msgspec.json.encode(plan))
        if len(content) > stored.MOST:
            raise bad("a sweep", "have at most 3 million runs", plan.total, "split it") from None
        stored.write(path, content)


def read(path: Path) -> Plan:
    """Read one plan, or raise `Damaged`."""
    try:
        plan = unseal(stored.read(path), Plan, "a plan")
    except OSError as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"it cannot be read: {files.reason(error)}") from None
    if flaw := _flaw(plan):
        raise Damaged(f"its content is not that of a plan: {flaw}")
    if path.stem != plan.name:
        raise Damaged("its name is not that of the plan in it")
    return plan


def read_all(folder: Path) -> tuple[list[Plan], list[Damage]]:
    """Every plan that can be read, oldest first; and the files that cannot."""
    plans, damage = [], []
    for path in stored.listing(folder, ".json"):
        try:
            plans.append(read(path))
        except Damaged as error:
            damage.append(Damage(stored.shown(path), str(error)))
    return sorted(plans, key=lambda plan: plan.created), damage


def _name(runs: tuple[str, ...], title: str) -> str:
    return hashlib.sha256(msgspec.json.encode([runs, title])).hexdigest()[:32]


def _flaw(plan: Plan) -> str:
    """Say what no plan written here has; nothing if it is sound."""
    if not all(map(IDENTITY.fullmatch, plan.identities)):
        return "a run has no identity"
    if not len(set(plan.identities)) == len(plan.identities) == plan.total:
        return f"it says {plan.total} runs and lists {len(set(plan.identities))}"
    if plan.name != _name(plan.identities, plan.title):
        return "its name is not that of its runs"
    try:
        datetime.fromisoformat(plan.created)
    except ValueError:
        return "its date is none"
    return ""
