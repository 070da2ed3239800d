"""Where a result comes from: versions, machine, time."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape.lab.provenance import machine

if TYPE_CHECKING:
    from stepscape.lab.store import Store

_VERSIONS = {"stepscape": "stepscape", "python": "Python", "numpy": "NumPy", "numba": "Numba"}
MADE_BY = ("stepscape", "code", "python", "numpy", "scipy", "numba", "scikit-learn", "matplotlib")
_LOOKED_AT = 200  # manifests


class Clock:
    """A clock that starts with a command and tells wall and CPU time since then."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.perf_counter() - self._wall

    @property
    def cpu_seconds(self) -> float:
        """CPU time since the start, summed over threads."""
        return time.process_time() - self._cpu


def provenance(clock: Clock) -> dict[str, object]:
    """Record what the bits of a result depend on, and how long it took."""
    return {
        **machine(),
        "started": clock.started.isoformat(timespec="seconds"),
        "seconds": round(clock.seconds, 2),
        "cpu_seconds": round(clock.cpu_seconds, 2),
    }


def code() -> str:
    """Hash the files of this installation: other code may judge and draw the same records differently."""
    home = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(path for path in home.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        digest.update(str(file.relative_to(home)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def recorders(store: Store) -> list[str]:
    """Say which versions and machines the records of a store name; in a large store only some are read."""
    from stepscape.lab import segment, stored

    manifests = stored.listing(store.path / "segments", ".json")
    seen: Counter[str] = Counter()
    for path in manifests[:: max(1, -(-len(manifests) // _LOOKED_AT))]:
        try:
            origin = segment.read(path).origin
        except OSError:  # damaged: its runs are on record nowhere
            continue
        versions = ", ".join(f"{name} {origin[key]}" for key, name in _VERSIONS.items() if origin.get(key))
        seen[f"{versions}, {origin.get('processor', 'an unknown processor')}"] += 1
    return [found for found, _ in seen.most_common()]


def colophon(record: Mapping[str, Any]) -> str:
    """Word the last line of a report."""
    recorded = f" Runs recorded by {'; '.join(record['recorded_by'])}." if "recorded_by" in record else ""
    return (
        f"Made by stepscape {record['stepscape']} on {str(record['started'])[:10]} in "
        f"{record['seconds']:.0f} s ({record['cpu_seconds']:.0f} s of CPU time): Python "
        f"{record['python']}, NumPy {record['numpy']}, Numba {record['numba']}, {record['processor']}. "
        "The same versions on the same kind of processor give the same numbers; elsewhere they can differ, "
        f"because rounding does.{recorded}"
    )
