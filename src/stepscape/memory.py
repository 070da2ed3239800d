"""Memory: how much is free, and the refusal of a number that asks for more, before anything is taken."""

from __future__ import annotations

import os
import sys

from stepscape.errors import bad

SMALL = 2**26  # bytes that are taken without a look at the machine
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
_CGROUP = "/sys/fs/cgroup"


def require_memory(name: str, value: object, needs: float, then: str = "") -> None:
    """Refuse an argument whose arrays would not fit into the memory that is free.

    Parameters
    ----------
    name, value : str, object
        The argument, and what was given for it.
    needs : float
        Bytes that are held at the same time when it is used: the peak, not the result alone.
    then : str, optional
        What to do; "give a smaller {name}" by default.

    Raises
    ------
    InputError
        More is needed than `free_memory` finds. The caller has taken nothing yet.
    """
    if needs <= SMALL:
        return
    free = free_memory()
    if needs > free:
        came = f"{value}, which needs {in_words(needs)} where {in_words(free)} are free"
        raise bad(name, "fit in memory", came, then or f"give a smaller {name}")


def free_memory() -> float:
    """Bytes that this process can still take: the least of what machine, container and user limits leave.

    Linux: MemAvailable, the limits of the control groups above this process, RLIMIT_AS. Elsewhere the
    physical memory, or half the address space if the system does not tell.
    """
    return max(0.0, min(_machine(), _container(), _process()))


def in_words(size: float) -> str:
    """Write a number of bytes with two digits and a decimal unit.

    >>> in_words(8e9), in_words(2**20), in_words(3e25)
    ('8 GB', '1 MB', '3e+07 EB')
    """
    power = 0
    while size >= 999.5 and power < len(UNITS) - 1:
        size, power = size / 1000.0, power + 1
    number = f"{size:.0f}" if 99.5 <= size < 999.5 else f"{size:.2g}"
    return f"{number} {UNITS[power]}"


def _machine() -> float:
    for line in _text("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return 1024.0 * int(line.split()[1])
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # no such call on Windows
        return float(sys.maxsize)


def _container() -> float:
    """Return the least that a limit on this control group, or on one above it, leaves; both versions."""
    left = [float("inf")]
    for line in _text("/proc/self/cgroup").splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds == "":
            root, limit, used = _CGROUP, "memory.max", "memory.current"
        elif "memory" in kinds.split(","):
            root, limit, used = f"{_CGROUP}/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        parts = [part for part in path.split("/") if part]
        groups = ("/".join([root, *parts[:depth]]) for depth in range(len(parts) + 1))
        left += [_left(group, limit, used) for group in groups]
    return min(left)


def _left(group: str, limit: str, used: str) -> float:
    most, taken = _text(f"{group}/{limit}").strip(), _text(f"{group}/{used}").strip()
    if not (most.isdigit() and taken.isdigit()):  # "max", or no limit here
        return float("inf")
    stat = dict(line.split(" ", 1) for line in _text(f"{group}/memory.stat").splitlines())
    return float(int(most) - int(taken) + int(stat.get("inactive_file", 0)))  # cached files can go


def _process() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return float("inf")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    held = _text("/proc/self/statm").split()
    return float(limit - int(held[0]) * resource.getpagesize()) if held else float(limit)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
