"""The commands ``list`` and ``run``: an experiment, its verdicts, its directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console, documents, values
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.origin import Clock, colophon, provenance
from stepscape.cli.output import output_directory

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def list_experiments(as_json: bool, _unfinished: Unfinished) -> None:
    """Print every experiment with its claim."""
    from stepscape import experiments

    known = [experiments.get(name) for name in experiments.names()]
    document = {"command": "list", "experiments": [documents.describe(experiment) for experiment in known]}
    lines = []
    for experiment in known:
        lines += [f"{experiment.name}: {experiment.title}", console.paragraph(experiment.claim, "    "), ""]
    console.answer(document, [*lines, "Run one with: stepscape run NAME"], as_json)


def run_experiment(
    name: str,
    settings: Sequence[str],
    full: bool,
    out: str | None,
    force: bool,
    as_json: bool,
    unfinished: Unfinished,
) -> None:
    """Run one experiment and write its directory."""
    from stepscape import experiments

    clock = Clock()
    experiment = experiments.get(name)
    chosen = experiments.resolve_settings(experiment, values.assignments(settings), full)
    target = out or f"stepscape-{name}"
    with output_directory(target, force, unfinished) as directory:
        with console.progress("run") as progress:
            result = experiments.run(experiment, chosen, progress)
        document = {
            "command": "run",
            **documents.judged(experiment, result, full),
            "directory": target,
            "provenance": provenance(clock),
        }
        _write(directory, document, experiment.figures(result))
    console.answer(document, _lines(document), as_json)


def _write(directory: Path, document: dict[str, Any], figures: Mapping[str, Figure]) -> None:
    from stepscape.measures.records import plain
    from stepscape.report import draw, render
    from stepscape.report.captions import caption
    from stepscape.report.experiment import experiment_page

    about = document["experiment"]["name"]
    drawings = [draw(figure, name, caption(about, name)) for name, figure in figures.items()]
    page = experiment_page(plain(document), drawings, colophon(document["provenance"]))
    artifacts.write_figures(directory, figures, drawings)
    records = document["table"]
    rows = (record.values() for record in records)
    files.write_atomic(directory / "table.csv", artifacts.to_csv(list(records[0]), map(list, rows)))
    artifacts.write_result(directory, document, render(page))


def _lines(document: dict[str, Any]) -> list[str]:
    from stepscape.report.words import VERDICTS, number

    about = document["experiment"]
    lines = [about["title"], console.paragraph(f"Claim: {about['claim']}"), ""]
    for subject, verdict in document["verdicts"].items():
        lines.append(f"{subject.replace('_', ' ')}: {VERDICTS[verdict['word']][1].upper()}")
        lines.append(console.paragraph(verdict["sentence"], "    "))
        lines += console.columns([(name, number(v)) for name, v in verdict["numbers"].items()], "      ")
    written = "report.html (open it in a browser), result.json, table.csv, figures/"
    lines += ["", f"{document['provenance']['seconds']:.1f} s; wrote {document['directory']}: {written}"]
    if document["size"] == "quick":
        lines.append("This was the quick size; --full runs the size that the verdict is about.")
    return lines
