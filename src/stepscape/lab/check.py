"""Verify every file of a store, set aside what is damaged, remove what killed writers left behind.

A damaged segment moves to ``damaged/`` as it is: its runs are then no longer on record, so that the next
sweep computes them again.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stepscape import files
from stepscape.errors import InputError, OutputError
from stepscape.lab import data as tables
from stepscape.lab import plan, segment
from stepscape.lab.seal import Damaged
from stepscape.lab.store import Store, mint, read_id

OLD = 3600.0  # seconds: an unfinished file this old belongs to no living writer
_IDENTITY = re.compile(rb'"identity":"([0-9a-f]{32})"')


@dataclass(frozen=True)
class Damage:
    """A file that does not hold what was written to it."""

    file: str
    wrong: str


@dataclass(frozen=True)
class Report:
    """What a check found.

    Attributes
    ----------
    segments, records : sound segments, and runs on record in them.
    damage : every damaged file, relative to the store, and what is wrong with it; all were set aside.
    recompute : identities of damaged records that no other segment holds, as far as they can be told.
    removed : what killed writers left behind.
    unfinished : files so young that a living writer may be about to commit them.
    """

    segments: int
    records: int
    damage: tuple[Damage, ...]
    recompute: tuple[str, ...]
    removed: tuple[str, ...]
    unfinished: tuple[str, ...]


def check(path: str | os.PathLike[str]) -> Report:
    """Check the store at `path`.

    Raises
    ------
    InputError
        There is no store.
    OutputError
        The system refused to set something aside.
    """
    home = Path(path)
    damage = _restore_name(home)
    store = Store.open(home)
    sound, lost, broken = _segments(home)
    damage += broken
    damage += _verified(home, "plans", ".json", plan.read)
    damage += _verified(home, "data", ".npz", lambda file: tables.load(file.parent, file.stem))
    removed, unfinished = _leftovers(home)
    held = store.outcomes()
    # The identities in a damaged manifest may themselves be damaged: a plan tells.
    planned = {run for known in store.plans() for run in known.identities}
    recompute = tuple(sorted((lost & planned if planned else lost) - held.keys()))
    return Report(sound, len(held), tuple(damage), recompute, removed, unfinished)


def _restore_name(home: Path) -> list[Damage]:
    """Give a new name to a store whose own file is damaged: only the index uses that name."""
    try:
        read_id(home)
    except Damaged as error:
        _quarantine(home / "store.json")
        mint(home)
        return [Damage("store.json", str(error))]
    except InputError:
        if not (home / "segments").is_dir():
            raise
        mint(home)
        return [Damage("store.json", "it is missing")]
    return []


def _segments(home: Path) -> tuple[int, set[str], list[Damage]]:
    """Count the sound segments; say what the others may have held, and what is wrong with them."""
    sound, lost, damage = 0, set[str](), []
    for manifest in sorted((home / "segments").glob("*.json")):
        flaw = _flaw(manifest)
        if flaw is None:
            sound += 1
        else:
            damage.append(flaw)
            lost |= _identities(manifest)
            _quarantine(manifest)
            _quarantine(manifest.with_suffix(".npz"))
    return sound, lost, damage


def _flaw(manifest: Path) -> Damage | None:
    file = manifest
    try:
        content = segment.read(file.read_bytes())
        if content.arrays is not None:
            file = manifest.with_suffix(".npz")
            segment.verify(file.read_bytes(), content.arrays)
    except Damaged as error:
        return Damage(f"segments/{file.name}", str(error))
    except OSError as error:
        return Damage(f"segments/{file.name}", f"it cannot be read: {files.reason(error)}")
    return None


def _identities(manifest: Path) -> set[str]:
    with contextlib.suppress(OSError):
        return {found.decode() for found in _IDENTITY.findall(manifest.read_bytes())}
    return set()


def _verified(home: Path, folder: str, suffix: str, read: Callable[[Path], object]) -> list[Damage]:
    """Set aside the files that `read` refuses."""
    damage = []
    for file in sorted((home / folder).glob(f"*{suffix}")):
        try:
            read(file)
        except OutputError as error:
            damage.append(Damage(f"{folder}/{file.name}", str(error)))
            _quarantine(file)
    return damage


def _quarantine(file: Path) -> None:
    home = file.parent if file.name == "store.json" else file.parent.parent
    damaged = home / "damaged"
    try:
        damaged.mkdir(exist_ok=True)
        os.replace(file, damaged / file.name)
    except FileNotFoundError:
        pass  # an npz that is missing
    except OSError as error:
        what = f"{str(file)!r} is damaged and cannot be set aside"
        raise OutputError(f"{what}: {files.reason(error)}") from error


def _leftovers(home: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what killed writers left behind; name files that may still be written: (removed, unfinished)."""
    removed, unfinished = [], []
    for file in _is_leftover(home):
        name = file.relative_to(home).as_posix()
        with contextlib.suppress(FileNotFoundError):  # its writer has finished meanwhile
            if time.time() - file.stat().st_mtime < OLD:
                unfinished.append(name)
            else:
                file.unlink()
                removed.append(name)
    return tuple(removed), tuple(unfinished)


def _is_leftover(home: Path) -> Iterator[Path]:
    for folder in (home, home / "segments", home / "plans", home / "data"):
        yield from sorted(folder.glob(".*.tmp"))
    for npz in sorted((home / "segments").glob("*.npz")):
        if not npz.with_suffix(".json").exists():
            yield npz
