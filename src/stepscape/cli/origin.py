"""Where a result comes from: versions, machine, time."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

from stepscape.lab.origin import machine


class Clock:
    """Started when a command starts; tells wall and CPU time since."""

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
    """Name the sources of this installation: another code may judge and draw the same records otherwise."""
    home = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for file in sorted(home.rglob("*.py")):
        digest.update(str(file.relative_to(home)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def colophon(record: dict[str, object]) -> str:
    """Word the last line of a report."""
    return (
        f"Made by stepscape {record['stepscape']} on {str(record['started'])[:10]} in "
        f"{record['seconds']:.0f} s ({record['cpu_seconds']:.0f} s of CPU time): Python "
        f"{record['python']}, NumPy {record['numpy']}, Numba {record['numba']}, {record['processor']}. "
        "The same versions on the same kind of processor give the same numbers; elsewhere they differ "
        "as rounding does."
    )
