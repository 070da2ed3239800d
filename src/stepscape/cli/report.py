"""The command ``report``: lay out again what a directory of records holds, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import console
from stepscape.cli.carry_out import recorded
from stepscape.cli.figure_files import DESIGNED, Pictures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.ledger_files import LEDGER, read_ledger, write_report
from stepscape.cli.output import STORE, output_directory, tidy
from stepscape.cli.surroundings import own_style
from stepscape.errors import InputError

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim, Drawn
    from stepscape.experiments.frame.ledger import Entry
    from stepscape.lab.store import Store


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
    figures = {entry.experiment.name: _figures(entry, store) for entry in ledger.entries}
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
        drawn = _figures(entry, store)
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


def _figures(entry: Entry, store: Store) -> Mapping[str, Drawn]:
    """Draw a claim from its records; nothing where this version would make other runs."""
    from stepscape import experiments
    from stepscape.lab.spec import identity

    name = entry.experiment.name
    if name not in experiments.names():
        return {}
    claim: Claim = experiments.get(name)
    settings = _typed(entry.settings, claim.full if entry.size == "full" else claim.quick)
    if set(settings) != set(entry.settings):
        return {}
    specs = claim.specs(settings)
    identities = {identity(spec) for spec in specs}
    if len(store.outcomes(list(identities))) < len(identities):
        return {}
    return claim.draw(recorded(claim, settings, store, specs).result)


def _typed(settings: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Give lists of a document back the type that a claim expects."""
    kinds = {name: type(value) for name, value in default.items()}
    return {name: kinds[name](value) for name, value in settings.items() if name in kinds}


def _lines(directory: str, document: Mapping[str, Any]) -> list[str]:
    if document["of"] == "docs":
        return [f"{document['docs']}: {len(document['pictures'])} pictures of the {document['size']} ledger"]
    what = f"the {document['size']} ledger" if document["of"] == "ledger" else f"{document['runs']} runs"
    return [f"{directory}: report.html and figures/ of {what}"]
