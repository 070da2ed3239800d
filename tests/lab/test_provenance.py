"""Where a result comes from."""

from __future__ import annotations

from pathlib import Path

from lab_work import chores
from stepscape.cli.provenance import colophon, recorders
from stepscape.lab.store import Entry, Store
from stepscape.tables import Record

JUDGED = {
    "stepscape": "2.0", "started": "2026-01-02T03:04:05", "seconds": 1.0, "cpu_seconds": 2.0,
    "python": "3.11", "numpy": "2.4", "numba": "0.68", "processor": "P",
}  # fmt: skip


def test_records_name_who_made_them_not_who_judges_them(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    for spec, version in zip(chores(3), ("1.0", "1.1", "1.1"), strict=True):
        store.commit([Entry(spec, Record("finished"), 1.0)], {"stepscape": version, "processor": "Q"})
    assert recorders(store) == ["stepscape 1.1, Q", "stepscape 1.0, Q"]
    (store.path / "segments").joinpath("damaged.json").write_bytes(b"{")
    assert len(recorders(store)) == 2
    said = colophon({**JUDGED, "recorded_by": recorders(store)})
    assert "Made by stepscape 2.0" in said
    assert said.endswith("Runs recorded by stepscape 1.1, Q; stepscape 1.0, Q.")
    assert "recorded" not in colophon(JUDGED)
