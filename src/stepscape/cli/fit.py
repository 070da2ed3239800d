"""The command ``fit``: a user's table → a fit, its certificates, its directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stepscape import files
from stepscape.cli import artifacts, console, values
from stepscape.cli import json_documents as documents
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.fit_lines import lines
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import output_directory
from stepscape.cli.provenance import Clock, colophon, provenance
from stepscape.cli.surroundings import own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from stepscape.estimators import FeaturesFit, OutcomeFit, TableFit
    from stepscape.problems.user.columns import Columns, Inputs
    from stepscape.problems.user.table import RawTable
    from stepscape.report import Page

RULES = ("min", "1se")
LOSSES = ("auto", "square", "logistic")
AnyFit: TypeAlias = "TableFit | OutcomeFit | FeaturesFit"


@dataclass(frozen=True)
class Request:
    """What the command line asks for, checked."""

    file: str
    x: str
    y: str
    out: str
    step_size: float | None
    rule: str
    predict: str | None
    loss: str
    event: str | None
    seed: int

    @classmethod
    def parse(
        cls,
        file: str,
        x: str,
        y: str,
        out: str | None,
        step_size: str | None,
        rule: str,
        predict: str | None,
        loss: str,
        event: str | None,
        seed: str,
    ) -> Request:
        """Check the words of the command line that need no file."""
        return cls(
            file,
            x,
            y,
            out or f"{Path(file).name.partition('.')[0] or 'table'}-fit",
            None if step_size is None else values.positive("step_size", step_size),
            values.choice("rule", rule, RULES),
            predict,
            values.choice("loss", loss, LOSSES),
            event,
            values.whole("seed", seed),
        )


@dataclass(frozen=True)
class Source:
    """The tables of a request as numbers: the names of the inputs, what to fit, and where to predict."""

    names: tuple[str, ...]
    columns: Columns
    predicted: RawTable
    inputs: Inputs


def fit(
    request: Request, force: bool, as_json: bool, unfinished: Unfinished, pictures: Pictures = DESIGNED
) -> None:
    """Fit a table and write its directory."""
    from stepscape.tables.csv_text import csv_text

    clock = Clock()
    source = read(request)
    with output_directory(request.out, force, unfinished) as directory:
        with console.progress("fit") as progress:
            fitted = _fitted(request, source.columns, progress)
        columns = fitted.predictions(source.inputs.x)
        with own_style():
            document = _document(request, source, fitted) | {"provenance": provenance(clock)}
            _write(directory, document, fitted, pictures)
        rows = prediction_rows(source.predicted, source.inputs, columns)
        files.write_atomic(directory / "predictions.csv", csv_text((*source.names, *columns), rows))
    for warning in document["warnings"]:
        console.warn(warning)
    console.answer(document, lines(document), as_json)


def _fitted(request: Request, columns: Columns, progress: console.Progress) -> AnyFit:
    from stepscape.estimators import fit_features, fit_outcome, fit_table

    shared: dict[str, Any] = {
        "y_name": request.y,
        "step_size": request.step_size,
        "rule": request.rule,
        "seed": request.seed,
        "progress": progress,
    }
    if columns.features:
        known: dict[str, Any] = {"loss": "logistic", "classes": columns.classes} if columns.classes else {}
        return fit_features(columns.x, columns.y, x_names=columns.features, **shared, **known)
    shared["x_name"] = columns.x_name
    if not columns.classes:
        return fit_table(columns.x, columns.y, **shared)
    negative, positive = columns.classes
    return fit_outcome(columns.x, columns.y, classes=(negative, positive), **shared)


def read(request: Request) -> Source:
    """Read and check every table before anything is computed."""
    from stepscape.problems.user.column_names import column_names
    from stepscape.problems.user.columns import select_columns, select_inputs
    from stepscape.problems.user.file import read_table

    table = read_table(request.file)
    names = column_names(table, "x", request.x)
    x = names[0] if len(names) == 1 else names
    columns = select_columns(table, x, request.y, request.loss, request.event)
    predicted = table if request.predict is None else read_table(request.predict)
    return Source(names, columns, predicted, select_inputs(predicted, x, columns.decimal))


def prediction_rows(
    table: RawTable, inputs: Inputs, columns: Mapping[str, Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """One row for each row of the table, in its order; empty cells where the input could not be read."""
    cells = inputs.x.reshape(len(inputs.x), -1)
    made = dict(
        zip(inputs.lines.tolist(), zip(*cells.T.tolist(), *columns.values(), strict=True), strict=True)
    )
    empty = (None,) * (cells.shape[1] + len(columns))
    return [made.get(line, empty) for line in sorted([*table.lines, *table.ragged])]


def _document(request: Request, source: Source, fitted: AnyFit) -> dict[str, Any]:
    document = documents.fit_document(fitted, source.columns)
    outside = fitted.outside_warning(source.inputs.x)
    document["data"]["file"] = request.file
    document["data"]["recognized"] = outcome_notice(request.loss, source.columns)
    return {
        "command": "fit",
        **document,
        "predictions": {
            "file": "predictions.csv",
            "table": request.predict or request.file,
            "rows": source.inputs.rows,
            "predicted": len(source.inputs.x),
            "outside": int(fitted.outside(source.inputs.x).sum()),
        },
        "warnings": [
            *filter(None, (*_guesses(request, source), *fitted.warnings, outside, _boxes(source.columns)))
        ],
        "directory": request.out,
    }


def _guesses(request: Request, source: Source) -> list[str]:
    """Say what was guessed in the two tables, each sentence once, and that most rows have no prediction."""
    from stepscape.problems.user.dropped import listed

    columns, inputs = source.columns, source.inputs
    missing = inputs.rows - len(inputs.x)
    lost = f"{missing} of {inputs.rows} rows of {source.predicted.source!r} have no prediction: "
    without = [lost + listed(inputs.dropped)] if request.predict and 2 * missing > inputs.rows else []
    return list(dict.fromkeys([*columns.notes, columns.doubt, *inputs.notes, *without]))


def _boxes(columns: Columns) -> str:
    """Say that figures cannot show some characters of the names."""
    from stepscape.figures.text import unwritable

    lost = unwritable("".join((columns.x_name, *columns.features, columns.y_name, *columns.classes)))
    return (
        f"figures show boxes for {lost!r}: no font on this machine has these characters; Noto Sans CJK has "
        "them"
        if lost
        else ""
    )


def outcome_notice(loss: str, columns: Columns) -> list[str]:
    """Say that the labels were taken for an outcome, how to have it otherwise, and which spellings it has."""
    from stepscape.problems.user.outcomes import shown

    if not columns.classes or loss != "auto":
        return [*columns.readings]
    one, other = map(shown, columns.classes)
    return [
        *columns.readings,
        f"the column {columns.y_name} has two values, {one} and {other}: the fit is the probability of "
        f"{other}, with the logistic loss (--event chooses the other, --loss square fits them as numbers)",
    ]


def _write(directory: Path, document: dict[str, Any], fitted: AnyFit, pictures: Pictures) -> None:
    from stepscape.report import draw, render
    from stepscape.tables.records import plain

    captioned, drawn, lay_out = _pictured(fitted)
    drawings = [draw(figure, name, captioned(name)) for name, figure in drawn.items()]
    page = lay_out(plain(document), drawings, colophon(document["provenance"]))
    write_figures(directory, drawn, drawings, pictures)
    artifacts.write_result(directory, document, render(page))


def _pictured(
    fitted: AnyFit,
) -> tuple[Callable[[str], str], dict[str, Figure], Callable[..., Page]]:
    """Draw the figures of a fit; what captions them, and what lays out its page."""
    from stepscape.estimators import FeaturesFit, TableFit
    from stepscape.figures import of_fit
    from stepscape.report.captions import caption, outcome_caption
    from stepscape.report.features import features_page
    from stepscape.report.fit import fit_page
    from stepscape.report.outcome import outcome_page

    if isinstance(fitted, FeaturesFit):
        return partial(caption, "features"), of_fit(fitted), features_page
    if isinstance(fitted, TableFit):
        return partial(caption, "fit"), of_fit(fitted), fit_page
    shaded = bool(fitted.uncertain["intervals"])
    return partial(outcome_caption, uncertain=shaded), of_fit(fitted), outcome_page
