"""A draft → its target: by one rename where the system can, else by several that are undone together."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import sys
from pathlib import Path

from stepscape import files
from stepscape.cli.drafts import NAMES, NEW, OLD, take_back

FIGURES = "figures"
CLAIMS = "claims"  # pages of the claims of a ledger
# What commands write at the top of a directory of results; anything else there is the user's, or a store.
RESULTS = {
    "report.html", "explorer.html", "result.json", "predictions.csv", "completed.csv", "filled.csv",
    "table.csv", "ledger.json", "certificate.json", "recheck.py", "flattest.npz", "nuclear.npz",
    FIGURES, CLAIMS,
}  # fmt: skip
_OURS = {FIGURES: (".svg", ".png", ".pdf"), CLAIMS: (".html",)}  # what commands write into folders
_EXCHANGE, _HERE = 2, -100  # Linux: RENAME_EXCHANGE and AT_FDCWD


def fits_beside(target: Path, whole: bool) -> bool:
    """Whether the whole target can be renamed: it is missing, or holds nothing but results to be replaced."""
    if not os.path.lexists(target):
        return True
    if os.path.ismount(target) or os.path.samefile(target, os.curdir):
        return False
    ours = not hasattr(os, "geteuid") or target.stat().st_uid == os.geteuid()
    left = set(os.listdir(target))
    replaced = left <= RESULTS and not any(_strangers(target / folder) for folder in _OURS)
    return ours and os.access(target.parent, os.W_OK) and (not left or (whole and replaced))


def publish(draft: Path, target: Path, force: bool, whole: bool) -> None:
    """Let the new results of a draft take the place of the target's.

    Parameters
    ----------
    draft : Path
        Beside the target, or in it.
    force : bool
        Older results may be replaced.
    whole : bool
        Older results that have no successor go too; otherwise only those of the same name do.

    Raises
    ------
    InputError
        The target was filled meanwhile, and `force` is false.
    OSError
        The system refused; the target is as it was.
    """
    if draft.parent == target:
        _replace_each(draft, target, whole)
        return
    if os.path.lexists(target):
        shutil.copymode(target, draft / NEW)
    try:
        _rename_directory(draft / NEW, target)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
            raise
        if not force and any(os.scandir(target)):
            raise files.not_empty(str(target)) from error
        if not _exchange(draft / NEW, target):
            inside = target / draft.name
            os.rename(draft, inside)
            try:
                _replace_each(inside, target, whole)
            finally:
                take_back(inside)


def _rename_directory(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)  # over an empty directory, too
    except FileExistsError:  # not on Windows
        target.rmdir()
        os.rename(source, target)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two directories in one step; False where the system has no such step."""
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(AttributeError, OSError):  # an old C library
        rename = ctypes.CDLL(None, use_errno=True).renameat2
        return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)
    return False


def _replace_each(draft: Path, target: Path, whole: bool) -> None:
    """Rename every result; `drafts.take_back` undoes a publication that did not come to its end."""
    for folder in _OURS:
        _keep_strangers(target / folder, draft / NEW / folder)
    names = sorted(os.listdir(draft / NEW))
    (draft / NAMES).write_text("\n".join(names), encoding="utf-8")
    (draft / OLD).mkdir()
    for name in sorted({*names, *(RESULTS if whole else ())}):
        if os.path.lexists(target / name):
            os.rename(target / name, draft / OLD / name)
    for name in names:
        os.rename(draft / NEW / name, target / name)
    (draft / NEW).rmdir()


def _keep_strangers(before: Path, after: Path) -> None:
    """Keep what a user put among the figures or the pages."""
    for name in _strangers(before):
        after.mkdir(exist_ok=True)
        if (before / name).is_dir():
            shutil.copytree(before / name, after / name, symlinks=True)
        else:
            shutil.copy2(before / name, after / name, follow_symlinks=False)


def _strangers(folder: Path) -> list[str]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [name for name in os.listdir(folder) if not name.endswith(_OURS[folder.name])]
