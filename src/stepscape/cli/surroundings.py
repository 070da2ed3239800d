"""What a command needs from its surroundings and may not find: a sound matplotlib, a writable home."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from stepscape.cli import console


@contextmanager
def own_style() -> Iterator[None]:
    """Draw in the block with the defaults of the house, whatever a user has set for pictures of their own."""
    _import_matplotlib()
    from stepscape.figures.house import house

    with house():
        yield


def warn_of_compiling() -> None:
    """Say what slows every command down, if compiled kernels cannot be kept."""
    compiler = sys.modules.get("stepscape.kernels.compiler")
    if compiler is not None and not compiler.EXACT["cache"]:
        console.warn(
            "no folder can keep the compiled kernels, so that every command compiles them again; the "
            "environment variable NUMBA_CACHE_DIR names one"
        )


def _import_matplotlib() -> None:
    """Import it as it comes: a settings file that is broken, or a backend that is not here, stops it."""
    if "matplotlib" in sys.modules:
        return
    found = find_spec("matplotlib")
    home = Path(str(found.origin)).parent if found is not None else Path()
    os.environ["MATPLOTLIBRC"] = str(home / "mpl-data" / "matplotlibrc")
    os.environ["MPLBACKEND"] = "agg"
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # our figures have no date, and nonsense stops matplotlib
    _keep_fonts()
    log = logging.getLogger("matplotlib")
    before, folder = log.level, _working_directory()
    log.setLevel(logging.ERROR)
    try:
        os.chdir(home)  # matplotlib looks for settings in the working directory first
        import matplotlib.font_manager  # noqa: F401
    finally:
        log.setLevel(before)
        if folder is not None:
            os.chdir(folder)


def _working_directory() -> str | None:
    with contextlib.suppress(OSError):  # it may be gone
        return os.getcwd()
    return None


def _keep_fonts() -> None:
    """Give matplotlib a folder for its list of fonts, if its own cannot be written."""
    from stepscape.kernels.cache import private_folder

    home = os.environ.get("MPLCONFIGDIR") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "matplotlib"
    )
    with contextlib.suppress(OSError):
        os.makedirs(home, exist_ok=True)
        if os.access(home, os.W_OK):
            return
    if folder := private_folder("matplotlib"):
        os.environ["MPLCONFIGDIR"] = folder
