"""One thread per worker for libraries with their own threads: the bits then do not depend on the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
VARIABLES = (*_LIBRARIES, "NUMBA_NUM_THREADS")


def keep_to_one_thread() -> None:
    """Hold this process, or this thread of it, to one thread for good: for processes that do nothing else."""
    # Numba refuses another number once its threads run, and reads the variable when it is imported.
    names = _LIBRARIES if "numba" in sys.modules else VARIABLES
    os.environ.update(dict.fromkeys(names, "1"))
    limit_loaded()


def limit_loaded() -> None:
    """Limit the libraries loaded already; what OpenMP counts by the thread, for the calling thread."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold this process to one thread while the block runs, libraries loaded meanwhile included.

    Numba's number is not touched: no kernel here is compiled to run on several threads, and Numba does not
    let it change back.
    """
    from threadpoolctl import threadpool_limits

    before = {name: os.environ.get(name) for name in _LIBRARIES}
    os.environ.update(dict.fromkeys(_LIBRARIES, "1"))
    try:
        with threadpool_limits(1):
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
