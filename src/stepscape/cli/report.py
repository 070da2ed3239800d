"""The command ``report``: lay out again what a directory of records holds, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepscape import files
from stepscape.cli import console
from stepscape.cli.figure_files import DESIGNED, Pictures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.ledger_files import LEDGER, read_ledger, write_report
from stepscape.cli.output import STORE, output_directory, tidy
from stepscape.cli.stored_figures import figures_of
from stepscape.cli.surroundings import own_style
from stepscape.errors import InputError


def report(
    directory: str, docs: str | None, pictures: Pictures, as_json: bool, unfinished: Unfinished
) -> None:
    """Build the one report of a ledger's directory, or of a sweep's store; or the pictures of the docs."""
    tidy(directory)
    home = Path(directory)
    with own_style():
        document = _document(home, docs, pictures, unfinished)
    console.answer(
        {"command": "report", **document, "directory": directory}, _lines(directory, document), as_json
    )


def _document(home: Path, docs: str | None, pictures: Pictures, unfinished: Unfinished) -> dict[str, Any]:
    if docs is not None:
        if pictures != DESIGNED:
            raise InputError("--docs writes SVG as designed; leave --format and --size out")
        return _pictures(home, Path(docs))
    if (home / LEDGER).is_file():
        return _of_ledger(str(home), pictures, unfinished)
    if (home / "store.json").is_file():
        from stepscape.cli.sweep_report import report_sweep

        return report_sweep(str(home), pictures, unfinished)
    raise InputError(
        f"{str(home)!r} holds neither a ledger nor the store of a sweep; "
        "'stepscape verify' and 'stepscape sweep' make them"
    )


def _of_ledger(directory: str, pictures: Pictures, unfinished: Unfinished) -> dict[str, Any]:
    from stepscape.lab.store import Store

    home = Path(directory)
    ledger, store = read_ledger(home), Store.open(home / STORE)
    figures = {entry.experiment.name: figures_of(entry, store) for entry in ledger.entries}
    with output_directory(directory, True, unfinished, whole=False) as draft:
        write_report(draft, ledger, figures, pictures=pictures)
    without = [name for name, drawn in figures.items() if not drawn]
    for name in without:
        console.warn(
            f"the records of {name} are not in the store, so there is no figure; 'stepscape verify' computes "
            "them"
        )
    return {"of": "ledger", "size": ledger.size, "experiments": ledger.names, "without_figures": without}


def _pictures(home: Path, docs: Path) -> dict[str, Any]:
    """Draw the figures of every claim of a ledger into the folder of its family, as the docs show them."""
    from stepscape import experiments
    from stepscape.figures import output
    from stepscape.lab.store import Store
    from stepscape.report.drawing import captioned

    if not (home / LEDGER).is_file():
        raise InputError(f"{str(home)!r} holds no ledger; 'stepscape verify --full --out DIR' makes one")
    ledger, store = read_ledger(home), Store.open(home / STORE)
    written = []
    for entry in ledger.entries:
        name = entry.experiment.name
        drawn = figures_of(entry, store)
        if not drawn:
            console.warn(f"the records of {name} are not in the store: its pictures stay as they are")
            continue
        folder = docs / experiments.family(name)
        files.prepare_directory(folder, force=True)
        for key, each in drawn.items():
            picture = captioned(output.svg(each.figure), each.caption)
            files.write_atomic(folder / f"{name}-{key}.svg", picture)
            written.append(f"{folder.name}/{name}-{key}.svg")
    return {"of": "docs", "size": ledger.size, "docs": str(docs), "pictures": written}


def _lines(directory: str, document: Mapping[str, Any]) -> list[str]:
    if document["of"] == "docs":
        return [f"{document['docs']}: {len(document['pictures'])} pictures of the {document['size']} ledger"]
    what = f"the {document['size']} ledger" if document["of"] == "ledger" else f"{document['runs']} runs"
    pages = "report.html, claims/" if document["of"] == "ledger" else "report.html"
    return [f"{directory}: {pages} and figures/ of {what}"]
