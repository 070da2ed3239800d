"""The command ``fit``: a user's table → a fit, its certificates, its directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console, documents, values
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.origin import Clock, colophon, provenance
from stepscape.cli.output import output_directory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepscape.estimators import TableFit
    from stepscape.problems.tables import Columns, Inputs, RawTable

RULES = ("min", "1se")
LOSSES = ("auto", "square")


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
        seed: str,
    ) -> Request:
        """Check the words of the command line that need no file."""
        values.choice("loss", loss, LOSSES)
        return cls(
            file,
            x,
            y,
            out or f"{Path(file).name.partition('.')[0] or 'table'}-fit",
            None if step_size is None else values.positive("step_size", step_size),
            values.choice("rule", rule, RULES),
            predict,
            values.whole("seed", seed),
        )


@dataclass(frozen=True)
class Source:
    """The tables of a request as numbers: what to fit, and where to predict."""

    columns: Columns
    predicted: RawTable
    inputs: Inputs


def fit(request: Request, force: bool, as_json: bool, unfinished: Unfinished) -> None:
    """Fit a table and write its directory."""
    clock = Clock()
    source = read(request)
    from stepscape.estimators import fit_table

    with output_directory(request.out, force, unfinished) as directory:
        with console.progress("fit") as progress:
            fitted = fit_table(
                source.columns.x,
                source.columns.y,
                x_name=request.x,
                y_name=request.y,
                step_size=request.step_size,
                rule=request.rule,
                seed=request.seed,
                progress=progress,
            )
        predictions = fitted.predict(source.inputs.x)
        document = _document(request, source, fitted) | {"provenance": provenance(clock)}
        rows = prediction_rows(source.predicted, source.inputs, predictions)
        files.write_atomic(directory / "predictions.csv", artifacts.to_csv((request.x, "prediction"), rows))
        _write(directory, document, fitted)
    for warning in document["warnings"]:
        console.warn(warning)
    console.answer(document, _lines(document), as_json)


def read(request: Request) -> Source:
    """Read and check every table before anything is computed."""
    from stepscape.problems.tables import select_columns, select_inputs
    from stepscape.tablefile import read_table

    table = read_table(request.file)
    columns = select_columns(table, request.x, request.y)
    predicted = table if request.predict is None else read_table(request.predict)
    return Source(columns, predicted, select_inputs(predicted, request.x))


def prediction_rows(
    table: RawTable, inputs: Inputs, predictions: NDArray[np.float64]
) -> list[tuple[float | None, float | None]]:
    """One row for each row of the table, in its order; empty cells where the input could not be read."""
    pairs = zip(inputs.x.tolist(), predictions.tolist(), strict=True)
    made: dict[int, tuple[float, float]] = dict(zip(inputs.lines.tolist(), pairs, strict=True))
    return [made.get(line, (None, None)) for line in sorted([*table.lines, *table.ragged])]


def _document(request: Request, source: Source, fitted: TableFit) -> dict[str, Any]:
    document = documents.fitted(fitted, source.columns)
    outside = fitted.outside_warning(source.inputs.x)
    document["data"]["file"] = request.file
    return {
        "command": "fit",
        **document,
        "predictions": {
            "file": "predictions.csv",
            "table": request.predict or request.file,
            "rows": source.inputs.rows,
            "predicted": int(source.inputs.x.size),
            "outside": int(fitted.outside(source.inputs.x).sum()),
        },
        "warnings": [*fitted.warnings, *([outside] if outside else [])],
        "directory": request.out,
    }


def _write(directory: Path, document: dict[str, Any], fitted: TableFit) -> None:
    from stepscape.figures.fit import figures
    from stepscape.measures.records import plain
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.fit import fit_page

    drawn = figures(fitted.picture)
    drawings = [draw(figure, name, caption("fit", name)) for name, figure in drawn.items()]
    page = fit_page(plain(document), drawings, colophon(document["provenance"]))
    artifacts.write_figures(directory, drawn, drawings)
    artifacts.write_result(directory, document, render(page))


def _lines(document: dict[str, Any]) -> list[str]:
    from stepscape.report.words import number

    data, result = document["data"], document["fit"]
    lines = [f"{data['y']} against {data['x']}: {data['used']} of {data['rows']} rows used"]
    lines += [f"  dropped {rows}: {why}" for why, rows in data["dropped"].items()]
    lines += [console.paragraph(text, "  ") for text in result["done"]]
    lines += [console.paragraph(f"stopping rule: {result['stopping_rule']}", "  ")]
    facts = [
        ("step size", f"{result['step_size']:.4g}"),
        ("stopped", result["stop_sentence"]),
        ("edge ratio", f"{number(result['edge_ratio'])} (sharpness / (2/step size))"),
        ("sharpness", f"{number(result['sharpness'])} ± {result['sharpness_residual']:.0e}"),
        ("pieces", f"{result['measures']['pieces']} ({result['measures']['knots']} knots)"),
        ("root mean square residual", number(result["rmse"])),
    ]
    lines += ["", *console.columns(facts), *_folds(result), *_certificates(result)]
    predictions = document["predictions"]
    lines += [
        "",
        f"Wrote {document['directory']}: report.html (open it in a browser), predictions.csv "
        f"({predictions['predicted']} of {predictions['rows']} rows), result.json, figures/",
    ]
    return lines


def _folds(result: dict[str, Any]) -> list[str]:
    if result["path"] is None:
        return []
    mark = {True: "<- chosen", False: ""}
    rows = [("step size", "error", "std. error", "time of each fold", "edge ratio of each fold", "")]
    for member in result["path"]:
        folds = [fold for fold in result["folds"] if fold["step_size"] == member["step_size"]]
        rows.append(
            (
                f"{member['step_size']:.4g}",
                _short(member["cv_error"]),
                _short(member["standard_error"]),
                " ".join(_short(fold["time"]) for fold in folds),
                " ".join(_short(fold["edge_ratio"]) for fold in folds),
                mark[bool(member["chosen"])],
            )
        )
    return ["", "Cross-validation:", *console.columns(rows)]


def _certificates(result: dict[str, Any]) -> list[str]:
    rows = [
        (name, entry["verdict"], _sides(entry), entry["statement"])
        for name, entry in result["certificates"].items()
    ]
    return ["", f"Certificates, in {result['units']}:", *console.columns(rows)]


def _sides(entry: dict[str, Any]) -> str:
    sign = {"holds": "≤", "violated": ">"}.get(entry["verdict"], "|")
    return f"{_short(entry['left'])} {sign} {_short(entry['right'])}"


def _short(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3g}"
