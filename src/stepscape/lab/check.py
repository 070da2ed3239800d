"""Verify every file of a store, set aside what is damaged, remove what killed writers left behind.

A damaged segment moves to ``damaged/`` as it is: its runs are then no longer on record, so that the next
sweep computes them again.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from stepscape import files
from stepscape.errors import InputError, OutputError, printable
from stepscape.lab import data as tables
from stepscape.lab import plan, segment, stored
from stepscape.lab.seal import Damage, Damaged
from stepscape.lab.store import Store, mint, read_id, refuse_links

OLD = 3600.0  # seconds: an unfinished file this old belongs to no living writer
_IDENTITY = re.compile(rb'"identity":"([0-9a-f]{32})"')


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
        There is no store, or one of its folders is a symbolic link.
    OutputError
        The system refused to set something aside.
    """
    home = Path(path)
    refuse_links(home)
    damage = _restore_name(home)
    store = Store.open(home)
    sound, lost, broken = _segments(home)
    damage += broken
    damage += _verified(home, "plans", ".json", plan.read)
    damage += _verified(home, "data", ".npz", tables.read)
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
    folder = home / "segments"
    sound, lost, damage = 0, set[str](), []
    for manifest in stored.listing(folder, ".json"):
        flaw = _flaw(manifest)
        if flaw is None:
            sound += 1
        else:
            damage.append(flaw)
            lost |= _identities(manifest)
            _quarantine(manifest)
            _quarantine(manifest.with_suffix(".npz"))
    for npz in stored.listing(folder, ".npz"):
        if not segment.is_name(npz.stem):
            damage.append(Damage(stored.shown(npz), segment.MISNAMED))
            _quarantine(npz)
    return sound, lost, damage


def _flaw(manifest: Path) -> Damage | None:
    file = manifest
    try:
        content = segment.sound(file)
        if content.arrays is not None:
            file = manifest.with_suffix(".npz")
            segment.arrays_of(file, content.arrays)
    except OSError as error:
        return Damage(stored.shown(file), _wrong(error))
    return None


def _wrong(error: OSError) -> str:
    return str(error) if isinstance(error, Damaged) else f"it cannot be read: {files.reason(error)}"


def _identities(manifest: Path) -> set[str]:
    with contextlib.suppress(OSError):
        return {found.decode() for found in _IDENTITY.findall(stored.read(manifest))}
    return set()


def _verified(home: Path, folder: str, suffix: str, read: Callable[[Path], object]) -> list[Damage]:
    """Set aside the files that `read` refuses."""
    damage = []
    for file in stored.listing(home / folder, suffix):
        try:
            read(file)
        except OSError as error:
            damage.append(Damage(stored.shown(file), _wrong(error)))
            _quarantine(file)
    return damage


def _quarantine(file: Path) -> None:
    """Move what stands under this name, a link and not what it leads to, to a free name in damaged/."""
    home = file.parent if file.name == "store.json" else file.parent.parent
    damaged = home / "damaged"
    try:
        damaged.mkdir(exist_ok=True)
        os.rename(file, _free(damaged / file.name))
    except FileNotFoundError:
        pass  # an npz that is missing
    except OSError as error:
        what = f"{str(file)!r} is damaged and cannot be set aside"
        raise OutputError(f"{what}: {files.reason(error)}") from error


def _free(path: Path) -> Path:
    others = (path.with_name(f"{path.name}.{count}") for count in itertools.count(2))
    return next(name for name in itertools.chain([path], others) if not os.path.lexists(name))


def _leftovers(home: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove what killed writers left behind; name what may still be written: (removed, unfinished)."""
    removed, unfinished = [], []
    for file in _is_leftover(home):
        name = printable(file.relative_to(home).as_posix())
        with contextlib.suppress(FileNotFoundError):  # its writer has finished meanwhile
            found = file.lstat()
            if time.time() - found.st_mtime < OLD:
                unfinished.append(name)
            else:
                _remove(file)
                removed.append(name)
    return tuple(removed), tuple(unfinished)


def _remove(file: Path) -> None:
    try:
        file.unlink()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputError(f"{str(file)!r} cannot be removed: {files.reason(error)}") from error


def _is_leftover(home: Path) -> Iterator[Path]:
    for folder in (home, home / "segments", home / "plans", home / "data"):
        yield from sorted(folder.glob(".*.tmp"))
    for npz in stored.listing(home / "segments", ".npz"):
        if not os.path.lexists(npz.with_suffix(".json")):
            yield npz
