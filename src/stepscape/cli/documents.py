"""Results → documents: dictionaries that become JSON and from which reports are laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepscape.estimators import TableFit
    from stepscape.experiments import Experiment, Result
    from stepscape.problems.tables import Columns


def describe(experiment: Experiment) -> dict[str, Any]:
    """Return what an experiment says of itself."""
    fields = ("name", "title", "claim", "kind", "source", "setup")
    return {field: getattr(experiment, field) for field in fields}


def judged(experiment: Experiment, result: Result, full: bool) -> dict[str, Any]:
    """Judge a result: the experiment, its settings, its verdicts, its table."""
    verdicts = {
        subject: {"word": verdict.word, "sentence": verdict.sentence, "numbers": dict(verdict.numbers)}
        for subject, verdict in experiment.judge(result).items()
    }
    return {
        "experiment": describe(experiment),
        "size": "full" if full else "quick",
        "settings": dict(result.settings),
        "verdicts": verdicts,
        "table": result.table.records(),
    }


def fitted(fit: TableFit, columns: Columns) -> dict[str, Any]:
    """Say which rows were fitted, and what came of it."""
    data = {
        "x": columns.x_name,
        "y": columns.y_name,
        "rows": columns.rows,
        "used": int(columns.x.size),
        "dropped": dict(columns.dropped),
        "range": [float(columns.x.min()), float(columns.x.max())],
    }
    return {"data": data, "fit": {**fit.summary(), "stopping_rule": stopping_rule()}}


def stopping_rule() -> str:
    """Word the rule that ends every training run of a fit."""
    from stepscape.estimators.descent import EDGE, Schedule

    usual = Schedule()
    return (
        f"a run ends at half, three quarters or all of its {usual.steps} steps, as soon as its loss is "
        f"level: over the last third it changed by less than {usual.tolerance:.0%} with an edge ratio from "
        f"{EDGE[0]:g} to {EDGE[1]:g}, or by less than {usual.tolerance / 100:.2%} below that"
    )
