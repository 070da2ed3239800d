"""Where a result comes from: versions, machine, time."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stepscape import __version__

_PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "matplotlib")


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
        "stepscape": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "started": clock.started.isoformat(timespec="seconds"),
        "seconds": round(clock.seconds, 2),
        "cpu_seconds": round(clock.cpu_seconds, 2),
    }


def colophon(record: dict[str, object]) -> str:
    """Word the last line of a report."""
    return (
        f"Made by stepscape {record['stepscape']} on {str(record['started'])[:10]} in "
        f"{record['seconds']:.0f} s ({record['cpu_seconds']:.0f} s of CPU time): Python "
        f"{record['python']}, NumPy {record['numpy']}, Numba {record['numba']}, {record['processor']}. "
        "The same versions on the same kind of processor give the same numbers; elsewhere they differ "
        "as rounding does."
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
