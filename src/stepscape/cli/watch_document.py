"""A file of rows → the document from which a run is drawn, printed and reported."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from stepscape.errors import InputError

if TYPE_CHECKING:
    from stepscape.figures.monitored import MonitoredRun
    from stepscape.monitor.run_file import RunFile


def watch_document(file: str, run: RunFile) -> dict[str, Any]:
    """Say what a run has done so far: its story, a suggestion, its moments, its rows."""
    from stepscape.monitor.phases import phases
    from stepscape.monitor.spikes import spikes
    from stepscape.monitor.story import story
    from stepscape.monitor.suggestion import suggest

    return {
        "command": "watch",
        "file": file,
        "measurements": len(run.rows),
        "damage": run.damage,
        "story": story(run.rows),
        "suggestion": asdict(suggest(run.rows)),
        "phases": [asdict(each) for each in phases(run.rows)],
        "spikes": [asdict(each) for each in spikes(run.rows)],
        "rows": [asdict(row) for row in run.rows],
    }


def require_rows(document: dict[str, Any]) -> None:
    """Refuse a run of which there is nothing to report.

    Raises
    ------
    InputError
        There is no measurement yet.
    """
    if not document["rows"]:
        raise InputError(
            f"{document['file']!r} must hold a measurement, got none yet; wait for the first one"
        )


def monitored_run(document: dict[str, Any]) -> MonitoredRun:
    """Return what is drawn of a run."""
    import numpy as np

    from stepscape.figures.monitored import MonitoredRun

    def column(name: str) -> Any:
        return np.array([row[name] for row in document["rows"]], dtype=np.float64)  # None becomes nan

    known = [(spike["step"], spike["loss"]) for spike in document["spikes"] if np.isfinite(spike["loss"])]
    points = np.array(known, dtype=np.float64).reshape(-1, 2)
    return MonitoredRun(column("step"), column("edge_ratio"), column("loss"), points, document["story"][0])
