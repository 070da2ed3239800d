from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

# Before numpy or torch is imported: tests run side by side, and one thread each is fastest and reproducible.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "stepscape",
    max_examples=60,
    deadline=None,  # the first example of a test may compile a kernel
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
# pytest --hypothesis-profile=nightly
settings.register_profile(
    "nightly", parent=settings.get_profile("stepscape"), max_examples=1200, derandomize=False
)
settings.load_profile("stepscape")


# Workers and commands keep what Python compiles, whatever the surroundings say: hundreds of them start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


# A shell makes its background deaf to Ctrl-C, and so would be the commands that tests interrupt.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled kernels in a directory named after the kernels' source.

    Numba's disk cache does not notice a change in a jitted function of another file, so that a test could
    pass on stale machine code. The name changes with any byte of any kernel; workers of a session share it.
    """
    cache = getattr(config, "cache", None)
    name = f"numba-{_kernel_digest()}"
    if hasattr(config, "workerinput"):
        return  # a worker inherits the directory
    home = cache.mkdir(name) if cache is not None else Path(tempfile.mkdtemp(prefix=name))
    os.environ["NUMBA_CACHE_DIR"] = str(home)
    if config.getoption("numprocesses", None) and not (home / COMPLETE).exists():
        config.add_cleanup(_compile_beside(home).wait)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole files as far as possible: what a file fits once is then fitted once."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


COMPLETE = "complete"  # written by tests/kernel_bits.py when it has compiled the kernels of the line


def _compile_beside(home: Path) -> subprocess.Popen[bytes]:
    """Compile while the workers collect, instead of once in each of them."""
    script = Path(__file__).parent / "kernel_bits.py"
    return subprocess.Popen([sys.executable, str(script), str(home / COMPLETE)])


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Let a worker wait for the kernels, for a while; without them it compiles its own."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        complete, end = Path(os.environ["NUMBA_CACHE_DIR"], COMPLETE), time.monotonic() + 120
        while not complete.exists() and time.monotonic() < end:
            time.sleep(0.1)


def _kernel_digest() -> str:
    spec = importlib.util.find_spec("stepscape")
    assert spec is not None
    assert spec.origin is not None
    digest = hashlib.sha256(importlib.metadata.version("numba").encode())
    for file in sorted((Path(spec.origin).parent / "kernels").glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
