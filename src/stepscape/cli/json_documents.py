"""Results → documents: dictionaries that become JSON and from which reports are laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from stepscape.cli import console
from stepscape.cli.provenance import code
from stepscape.cli.reference_ledger import full_size
from stepscape.experiments.frame.reference import reference_ledger

if TYPE_CHECKING:
    from stepscape.cli.carry_out import Outcome
    from stepscape.estimators import FeaturesFit, OutcomeFit, TableFit
    from stepscape.experiments.frame import Claim
    from stepscape.experiments.frame.ledger import Entry
    from stepscape.problems.user.columns import Columns


def describe(claim: Claim) -> dict[str, Any]:
    """Return what a claim says of itself."""
    from stepscape.experiments.frame import ledger

    return dict(msgspec.to_builtins(ledger.describe(claim)))


def claim_document(claim: Claim, carried: Outcome, full: bool) -> dict[str, Any]:
    """Judge a result: its entry in a ledger, what the full size said where it is quick, and its table.

    With the settings of its size it is compared with the committed ledger.
    """
    from stepscape.experiments.frame.before import with_before
    from stepscape.report.changes import change_words

    made, other = entry(claim, carried, full), changed(claim, carried.result.settings, full)
    if not other:
        made = with_before(made, {"code": code()}, reference_ledger(made.size))
    return {
        **msgspec.to_builtins(made),
        "full_size": {} if full else full_size(claim, carried.result.settings),
        "changed": other,
        "differs": list(made.differs),
        "changes": change_words(made),
        "table": carried.result.table.records(),
    }


def changed(claim: Claim, settings: Mapping[str, Any], full: bool) -> dict[str, Any]:
    """Return the settings that are not those of their size, with what they are."""
    from stepscape.tables.records import plain

    here, size = plain(settings), plain(claim.full if full else claim.quick)
    return {name: value for name, value in here.items() if value != size[name]}


def entry(claim: Claim, carried: Outcome, full: bool, shared: Sequence[str] = ()) -> Entry:
    """Judge a result; `shared` names the claims that read some of its runs too."""
    from stepscape.experiments.frame.ledger import enter

    seconds = sum(carried.seconds.values())
    return enter(claim, carried.result, "full" if full else "quick", carried.failures, seconds, shared)


def label(title: str) -> str:
    """End a title with a colon, unless it is a question."""
    return title if title.endswith("?") else f"{title}:"


def verdict_lines(
    verdicts: Mapping[str, Any], full_size: Mapping[str, str], details: bool = True
) -> list[str]:
    """Print title, word, sentence and rows of each verdict, and with `details` its rule and numbers."""
    from stepscape.report.words import VERDICTS, number

    lines = []
    for part, verdict in verdicts.items():
        mark, word, _ = VERDICTS[verdict["word"]]
        primary = " (decides)" if verdict["primary"] else ""
        at_full = at_full_size(verdict["word"], full_size.get(part))
        lines.append(f"{mark} {label((verdict['words'] or part) + primary)} {word.upper()}{at_full}")
        lines.append(console.paragraph(verdict["sentence"], "    "))
        for name, row in verdict["rows"].items():
            at_full = at_full_size(row["word"], full_size.get(f"{part}: {name}"))
            found = f"{row['words']}: {VERDICTS[row['word']][1]}{at_full}. {row['sentence']}"
            lines.append(console.paragraph(found, "      "))
        if details and verdict["rule"]:
            lines.append(console.paragraph(f"Rule: {verdict['rule']}", "    "))
        if details:
            lines += console.columns(
                [(name, number(value)) for name, value in verdict["numbers"].items()], "      "
            )
    return lines


def at_full_size(word: str, full_size: str | None) -> str:
    """Say which word the full size has where it is another one."""
    from stepscape.report.words import VERDICTS, other_word

    other = other_word(word, full_size)
    return f" (full size: {VERDICTS[other][1]})" if other else ""


def cost_words(document: Mapping[str, Any]) -> str:
    """Say how many runs there were, how they ended and how long they took."""
    from stepscape.report.words import duration

    runs = document["runs"]
    ended = ", ".join(f"{count} {outcome}" for outcome, count in runs.items() if count)
    return f"{sum(runs.values())} runs ({ended}); total compute time {duration(document['seconds'])}"


def fit_document(fit: TableFit | OutcomeFit | FeaturesFit, columns: Columns) -> dict[str, Any]:
    """Say which rows were fitted, and what came of it."""
    data: dict[str, Any] = {
        "x": columns.x_name,
        "y": columns.y_name,
        "rows": columns.rows,
        "used": len(columns.x),
        "dropped": dict(columns.dropped),
        "range": [float(columns.x.min()), float(columns.x.max())],
    }
    if columns.classes:
        data["classes"] = list(columns.classes)
    summary = fit.summary()
    if columns.features:
        data["features"] = list(columns.features)
        ends = zip(
            columns.features, columns.x.min(axis=0).tolist(), columns.x.max(axis=0).tolist(), strict=True
        )
        data["range"] = {name: [low, high] for name, low, high in ends}
        for held in summary["shattering"]["held"]:
            held["line"] = int(columns.lines[held["row"]])
    return {"data": data, "fit": {**summary, "stopping_rule": stopping_rule(summary)}}


def stopping_rule(summary: Mapping[str, Any]) -> str:
    """Word the rule that ends every training run of a fit."""
    from stepscape.estimators.descent import EDGE, FLOOR, Schedule

    logistic = summary["loss"] == "logistic"
    if summary.get("stopping") == "cv" and summary["path"]:
        several = 1.0 if "shattering" in summary else None  # any scale: only whether there is one counts
        times = Schedule(steps=summary["budget"], scale=several).stopping_times()
        together = " together with the step size" if len(summary["path"]) > 1 else ""
        error = "log-loss" if logistic else "squared error"
        return (
            f"every fold is measured at several moments, from step {times[0]} to step {times[-1]} or until "
            f"its loss is level; the {error} of the rows left out decides which of them is used{together}"
        )
    usual = Schedule()
    what = "its gain over one probability for all rows" if logistic else "it"
    fitted = f"; once every label is fitted, only a loss below {0.5 * FLOOR:g} is level" if logistic else ""
    return (
        f"a run ends after half, three quarters or all of its {summary['budget']} steps, as soon as its loss "
        f"is level: over the last third {what} changed by less than {usual.tolerance:.0%} at an edge ratio "
        f"from {EDGE[0]:g} to {EDGE[1]:g}, or by less than {usual.tolerance / 100:.2%} at a smaller "
        f"one{fitted}"
    )
