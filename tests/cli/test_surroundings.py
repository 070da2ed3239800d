"""A user's matplotlib, a home that cannot be written: neither stops a command nor changes a picture."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import stepscape
from commands import said
from stepscape.cli import surroundings
from stepscape.figures import house, output, style
from stepscape.kernels import cache

HOME = Path(stepscape.__file__).parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs /dev/null")


def picture():
    with house.house():
        figure, axes = style.canvas()
        axes[0, 0].plot([0.0, 1.0], [0.0, 1.0])
        axes[0, 0].text(0.5, 0.5, "words")
    return output.svg(figure), output.png(figure)


@pytest.mark.parametrize(
    "settings",
    [
        {"text.usetex": True},
        {"font.size": 60.0, "lines.linewidth": 9.0},
        {"font.family": "No Such Font"},
        {"savefig.dpi": 7.0, "figure.dpi": 9.0, "savefig.bbox": "tight", "svg.fonttype": "none"},
        {"axes.prop_cycle": matplotlib.cycler(color=["pink"]), "axes.facecolor": "black", "axes.grid": True},
    ],
)
def test_no_setting_of_a_user_changes_a_picture(settings):
    plain = picture()
    with matplotlib.rc_context(settings):
        before = {name: matplotlib.rcParams[name] for name in settings}
        assert picture() == plain
        assert {name: matplotlib.rcParams[name] for name in settings} == before  # which stay the user's


# Draw and compile as a command does: what matplotlib and Numba need is found when they are first used.
SCRIPT = """
import sys
from stepscape.cli import surroundings
with surroundings.own_style():
    import matplotlib
    from stepscape.figures import output, style
    print(matplotlib.rcParams["font.size"], matplotlib.rcParams["text.usetex"])
    output.svg(style.canvas()[0])
from stepscape.kernels.compiler import EXACT
print(EXACT["cache"])
surroundings.warn_of_compiling()
"""


def child(package=HOME, **variables):
    own = ("NUMBA_CACHE_DIR", "MPLBACKEND", "MPLCONFIGDIR", "XDG_CACHE_HOME")
    clean = {name: value for name, value in os.environ.items() if name not in own}
    environment = clean | {"PYTHONPATH": str(package.parent)} | variables
    return subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("rc", "variables"),
    [
        (b"text.usetex: True\nfont.size: 60\n", {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}),
        (
            b"text.usetex: maybe\nno colon\n: x\nfont.family: caf\xe9\n",
            {"MPLBACKEND": "nonsense", "SOURCE_DATE_EPOCH": "yesterday"},
        ),
    ],
)
def test_a_settings_file_and_a_backend_of_the_user_are_not_read(rc, variables):
    Path("matplotlibrc").write_bytes(rc)
    Path("elsewhere").write_bytes(rc)
    done = child(MATPLOTLIBRC="elsewhere", **variables)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "10.0 False\nTrue\n")


@pytest.fixture
def read_only(tmp_path):
    """A package beside which nothing can be kept: permission bits do not stop a superuser, a file does."""
    package = tmp_path / "installed" / "stepscape"
    shutil.copytree(HOME, package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (package / "kernels" / "__pycache__").write_text("")
    return package


@POSIX
@pytest.mark.parametrize("home", ["/dev/null", "/dev/null/deeper"])
def test_without_a_home_kernels_and_fonts_are_kept_in_a_temporary_folder(read_only, tmp_path, home):
    (tmp_path / "tmp").mkdir()
    temporary = str(tmp_path / "tmp")
    done = child(read_only, HOME=home, NUMBA_CACHE_DIR=f"{home}/x", TMPDIR=temporary)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "10.0 False\nTrue\n")
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tmp").iterdir()}
    assert made == {f"stepscape-{what}-{os.getuid()}": 0o700 for what in ("numba", "matplotlib")}


@POSIX
def test_where_nothing_can_be_kept_the_command_works_and_names_the_variable(monkeypatch, capsys):
    monkeypatch.setattr(cache, "_numba_finds_one", lambda: False)
    monkeypatch.setattr(cache, "private_folder", lambda _: None)
    assert not cache.can_cache()
    from stepscape.kernels import compiler

    monkeypatch.setitem(compiler.EXACT, "cache", False)
    err = said(capsys, "list").err
    assert err.startswith("stepscape: warning: no folder can keep the compiled kernels")
    assert "the environment variable NUMBA_CACHE_DIR names one" in err
    surroundings.warn_of_compiling()


@POSIX
def test_a_folder_that_others_can_write_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"stepscape-numba-{os.getuid()}"
    assert cache.private_folder("numba") == str(folder)
    folder.chmod(0o777)
    assert cache.private_folder("numba") is None
    folder.rmdir()
    (tmp_path / "other").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "other")
    assert cache.private_folder("numba") is None
