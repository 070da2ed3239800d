"""The command ``export``: the records of a store as one table in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

from stepscape import files
from stepscape.cli import console, values
from stepscape.cli.damage import warn_of_damage
from stepscape.cli.interrupt import Unfinished
from stepscape.errors import InputError


def export(
    directory: str,
    csv: str | None,
    parquet: str | None,
    where: Sequence[str],
    force: bool,
    as_json: bool,
    _unfinished: Unfinished,
) -> None:
    """Write the table of a store to a file."""
    from stepscape.lab import export
    from stepscape.lab.store import Store

    if (csv is None) == (parquet is None):
        raise InputError("export needs either --csv FILE or --parquet FILE")
    target = str(csv if parquet is None else parquet)
    wanted = values.assignments(where, "--where")
    store = Store.open(directory)
    warn_of_damage(store)
    rows = store.rows()
    if not rows:
        raise InputError(f"nothing is on record in {directory!r}")
    chosen = export.select(rows, wanted)
    _refuse(target, force)
    files.remove_abandoned(os.path.dirname(target) or os.curdir)
    content = export.to_csv(chosen) if parquet is None else export.to_parquet(chosen)
    try:
        files.write_atomic(target, content, replace=force)
    except FileExistsError:
        _refuse(target, force=False)
    columns = export.names(chosen)
    document = {"command": "export", "file": target, "rows": len(chosen), "columns": columns}
    lines = [f"wrote {target}: {len(columns)} columns, one row for each of {len(chosen)} runs"]
    console.answer(document, lines, as_json)


def _refuse(target: str, force: bool) -> None:
    folder = os.path.dirname(target) or os.curdir
    if not os.path.isdir(folder):
        raise InputError(f"cannot write {target!r}: there is no directory {folder!r}")
    if os.path.isdir(target):
        raise InputError(f"cannot write {target!r}: it is a directory")
    if not force and os.path.lexists(target):
        raise InputError(f"{target!r} exists; name another file or add --force")
