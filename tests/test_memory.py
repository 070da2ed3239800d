"""Memory is predicted before it is taken; machines, containers and limits are pretended."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from stepscape import memory
from stepscape.errors import InputError

MEMINFO = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def files(monkeypatch):
    """What the system's files hold; those not named are not there."""
    held = {"/proc/meminfo": MEMINFO}
    monkeypatch.setattr(memory, "_text", lambda path: held.get(path, ""))
    monkeypatch.setattr(memory, "_process", lambda: float("inf"))
    return held


@pytest.mark.usefixtures("files")
def test_what_does_not_fit_is_refused_in_one_sentence():
    assert memory.free_memory() == 8.192e9
    memory.require_memory("n", 10**9, 8.1e9)
    said = r"^n must fit in memory, got 1e9, which needs 9 GB where 8.2 GB are free; give a smaller n$"
    with pytest.raises(InputError, match=said):
        memory.require_memory("n", "1e9", 9e9)
    with pytest.raises(InputError, match=r"got 1e300, which needs 8e\+282 EB .* free; record less often"):
        memory.require_memory("steps", "1e300", 8e300, "record less often")


@pytest.mark.parametrize(
    ("own", "group", "limit", "used"),
    [
        ("0::/a/b\n", "/sys/fs/cgroup/a", "memory.max", "memory.current"),
        ("0::/\n", "/sys/fs/cgroup", "memory.max", "memory.current"),
        (
            "3:cpu:/x\n4:memory,hugetlb:/a\n",
            "/sys/fs/cgroup/memory/a",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
    ],
)
def test_a_container_leaves_its_limit_less_what_is_held(files, own, group, limit, used):
    files |= {"/proc/self/cgroup": own, f"{group}/{limit}": "5000\n", f"{group}/{used}": "3000\n"}
    assert memory.free_memory() == 2000.0
    files[f"{group}/memory.stat"] = "anon 1\ninactive_file 500\n"  # files in the cache can go
    assert memory.free_memory() == 2500.0
    files[f"{group}/{used}"] = "9000\n"
    assert memory.free_memory() == 0.0
    files[f"{group}/{limit}"] = "max\n"
    assert memory.free_memory() == 8.192e9


def test_a_machine_that_does_not_tell_has_its_physical_memory_or_an_address_space(files, monkeypatch):
    del files["/proc/meminfo"]
    assert memory.free_memory() > 1e8
    monkeypatch.delattr("os.sysconf")
    assert memory.free_memory() == float(sys.maxsize)


def test_the_limit_on_a_process_counts_what_it_holds():
    code = (
        "import resource; from stepscape.memory import free_memory;"
        "resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.RLIM_INFINITY)); print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2**29 < float(done.stdout) < 2**31
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2**31


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (999.6, "1 kB"), (99600, "100 kB"), (2.4e13, "24 TB")],
)
def test_sizes_are_words(size, words):
    assert memory.in_words(size) == words
