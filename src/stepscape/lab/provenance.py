"""Where bits come from: versions and the machine. Provenance stands beside a record, never in its name."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("stepscape", "numpy", "scipy", "numba", "scikit-learn", "matplotlib")


@cache
def machine() -> dict[str, object]:
    """Versions, processor and system: what the bits of a result depend on besides its spec."""
    return {
        **{name: _version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
    }


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
