"""The command ``export``: the records of a store as one table in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepscape.cli import console, values
from stepscape.cli.damage import warn_of_damage
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.one_file import check_target, write_target
from stepscape.errors import InputError

if TYPE_CHECKING:
    from stepscape.lab.export import Rows
    from stepscape.lab.store import Store


def export(
    directory: str,
    csv: str | None,
    parquet: str | None,
    curves: str | None,
    where: Sequence[str],
    force: bool,
    as_json: bool,
    _unfinished: Unfinished,
) -> None:
    """Write the table of a store, or its curves, to a file."""
    from stepscape.lab import export
    from stepscape.lab.store import Store
    from stepscape.sweeps.method import name_methods

    targets = [name for name in (csv, parquet, curves) if name is not None]
    if len(targets) != 1:
        raise InputError("export needs one of --csv FILE, --parquet FILE and --curves FILE")
    [target] = targets
    if curves is not None:
        _suffix(curves)
    wanted = values.assignments(where, "--where")
    store = Store.open(directory)
    warn_of_damage(store)
    rows = store.rows()
    if not rows:
        raise InputError(f"nothing is on record in {directory!r}")
    chosen = export.select(name_methods(rows), wanted)
    check_target(target, force)
    document: dict[str, Any] = {"command": "export", "file": target}
    if curves is None:
        content = export.to_csv(chosen) if parquet is None else export.to_parquet(chosen)
        document |= {"rows": len(chosen), "columns": export.names(chosen)}
        line = f"wrote {target}: {len(document['columns'])} columns, one row for each of {len(chosen)} runs"
    else:
        content, found = _curves(store, chosen, curves)
        document |= {"runs": len(chosen), "curves": found}
        line = f"wrote {target}: {', '.join(found)} of {len(chosen)} runs, one row per value"
    write_target(target, content, force)
    console.answer(document, [line], as_json)


def _curves(store: Store, rows: Rows, target: str) -> tuple[bytes, list[str]]:
    """Write the curves of these runs; return the names of the arrays, too."""
    from stepscape.lab import curves

    found = list(store.curves(identities=[row["identity"] for row in rows]))
    if not found:
        must = "the runs must keep arrays to export curves, got none"
        raise InputError(f"{must}; a sweep file keeps them with trajectory = true or curve_points = 101")
    write = curves.to_csv if _suffix(target) == ".csv" else curves.to_parquet
    return write(found), list(dict.fromkeys(curve.name for curve in found))


def _suffix(target: str) -> str:
    suffix = os.path.splitext(target)[1].lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(f"--curves must name a file that ends in .csv or .parquet, got {target!r}")
    return suffix
