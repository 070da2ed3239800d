"""The command ``run``: a claim, its verdicts, its directory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape import files
from stepscape.cli import artifacts, console, extras, values
from stepscape.cli import json_documents as documents
from stepscape.cli.carry_out import Resources, carry_out
from stepscape.cli.claim_figures import claim_figures
from stepscape.cli.expectation import expected
from stepscape.cli.figure_files import DESIGNED, Pictures, write_figures
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.output import STORE, check_directory, holds, output_directory, store_in, tidy
from stepscape.cli.provenance import MADE_BY, Clock, code, colophon, provenance
from stepscape.cli.surroundings import own_style
from stepscape.errors import StepscapeError

if TYPE_CHECKING:
    from stepscape.experiments.frame import Drawn
    from stepscape.experiments.frame.ledger import Size

Document = dict[str, Any]
_KEYS = {
    "request",
    "experiment",
    "settings",
    "runs",
    "full_size",
    "changed",
    "identities",
    "figures",
    "provenance",
}
_ALWAYS = ("report.html", "table.csv", "result.json")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line."""

    name: str
    settings: Mapping[str, str]
    full: bool
    out: str
    force: bool
    resources: Resources = field(default_factory=Resources)
    pictures: Pictures = DESIGNED

    @classmethod
    def parse(
        cls,
        name: str,
        settings: Sequence[str],
        full: bool,
        out: str | None,
        force: bool,
        resources: Resources,
        pictures: Pictures = DESIGNED,
    ) -> Request:
        """Read the words of a command line."""
        chosen = values.assignments(settings)
        return cls(name, chosen, full, out or f"stepscape-{name}", force, resources, pictures)

    @property
    def key(self) -> Document:
        """What the result depends on."""
        return {"name": self.name, "set": dict(self.settings), "full": self.full}


def run_experiment(request: Request, as_json: bool, unfinished: Unfinished) -> None:
    """Answer from the directory when it holds just this; otherwise complete its store and draw."""
    tidy(request.out)
    before = _result(Path(request.out))
    document = before if _matches(before, request) else _computed(request, before, unfinished)
    console.answer(document, _lines(document, document is before), as_json)


def _computed(request: Request, before: Document, unfinished: Unfinished) -> Document:
    from stepscape import experiments

    clock = Clock()
    claim = experiments.get(request.name)
    extras.require(claim)
    chosen = claim.settings(request.settings, request.full)
    _check(request, before, chosen)
    size: Size = "full" if request.full else "quick"
    with store_in(request.out, unfinished) as store:
        if "seeds" in request.settings:
            _warn_of_few_seeds(chosen["seeds"])
        seconds = expected([(claim, chosen)], size, store, request.resources)
        with console.progress(claim.name, seconds, request.resources.workers) as progress:
            carried = carry_out(claim, chosen, store, request.resources, unfinished, progress)
        with own_style():
            drawn = claim.draw(carried.result)
        document = {
            "command": "run",
            **documents.claim_document(claim, carried, request.full),
            "request": request.key,
            "identities": list(carried.seconds),
            "figures": list(drawn),
            "pictures": request.pictures.key,
            "directory": request.out,
            "provenance": {**provenance(clock), "code": code()},
        }
        with own_style(), output_directory(request.out, True, unfinished) as directory:
            _write(directory, document, drawn, request.pictures)
    return document


def _warn_of_few_seeds(seeds: int) -> None:
    """Say before the runs that they can decide nothing."""
    from stepscape.experiments.frame.limits import LEAST_SEEDS

    if seeds < LEAST_SEEDS:
        console.warn(
            f"seeds={seeds} leaves verdicts about differences undecided; they need at least {LEAST_SEEDS}"
        )


def _result(directory: Path) -> Document:
    """Read what an earlier run left in the directory; nothing where it left nothing that can be read."""
    try:
        document = json.loads((directory / "result.json").read_bytes())
    except (OSError, ValueError):
        return {}
    ours = isinstance(document, dict) and document.get("command") == "run" and set(document) >= _KEYS
    return document if ours else {}


def _matches(before: Document, request: Request) -> bool:
    """Whether the directory holds the result of this very request, made by this very code, whole.

    A function of the user's own may have changed since: the runs themselves say so, by their identities.
    """
    from stepscape.problems.truth import is_own

    if any(map(is_own, request.settings.values())):
        return False
    if before.get("request") != request.key or before.get("schema") != console.SCHEMA:
        return False
    if any(before["provenance"].get(name) != value for name, value in _made_by().items()):
        return False
    if request.resources.retry_failed and before["runs"]["failed"]:
        return False
    folder = Path(request.out)
    if before.get("pictures") != request.pictures.key:
        return False
    drawn = request.pictures.names(before["figures"])
    return all((folder / file).is_file() for file in (*_ALWAYS, *drawn)) and _on_record(folder, before)


def _made_by() -> Document:
    made = {**provenance(Clock()), "code": code()}
    return {name: made[name] for name in MADE_BY}


def _on_record(folder: Path, before: Document) -> bool:
    from stepscape.lab.store import Store

    try:
        return len(Store.open(folder / STORE).outcomes(before["identities"])) == len(before["identities"])
    except StepscapeError:
        return False


def _check(request: Request, before: Document, settings: Mapping[str, Any]) -> None:
    """Refuse a directory that holds something else than this result or a part of it."""
    from stepscape.tables.records import plain

    if request.force:
        return
    if not before:
        check_directory(request.out)
        return
    name, now = before["experiment"]["name"], plain(settings)
    if name != request.name:
        raise holds(request.out, f"results of {name}")
    if changed := [key for key, value in now.items() if before["settings"].get(key) != value]:
        raise holds(request.out, f"results with other settings ({', '.join(changed)})")


def _write(directory: Path, document: Document, drawn: Mapping[str, Drawn], pictures: Pictures) -> None:
    from stepscape.report import render
    from stepscape.report.experiment import experiment_page
    from stepscape.tables.csv_text import csv_text
    from stepscape.tables.records import plain

    laid = claim_figures(drawn, pictures)
    page = experiment_page(plain(document), laid.drawings, colophon(document["provenance"]), laid.links)
    figures = {name: each.figure for name, each in drawn.items()}
    write_figures(directory, figures, laid.drawings, pictures)
    records = document["table"]
    rows = (record.values() for record in records)
    files.write_atomic(directory / "table.csv", csv_text(list(records[0]), map(list, rows)))
    artifacts.write_result(directory, document, render(page))


def _lines(document: Document, on_record: bool) -> list[str]:
    about, made = document["experiment"], document["provenance"]
    written = "report.html (open it in a browser), result.json, table.csv, figures/, store/"
    done = (
        f"complete since {made['started'][:10]}, nothing to do" if on_record else f"{made['seconds']:.1f} s"
    )
    lines = [about["title"], console.paragraph(f"Claim: {about['claim']}"), ""]
    lines += documents.verdict_lines(document["verdicts"], document["full_size"])
    lines += ["", f"{documents.cost_words(document)}; {done}", f"{document['directory']}: {written}"]
    return [*lines, *_size_lines(document)]


def _size_lines(document: Document) -> list[str]:
    """Say which size it was, and that settings were changed: the committed verdicts are about others."""
    from stepscape.report.experiment import listed

    if document["changed"]:
        changed = ", ".join(f"{name}={listed(value)}" for name, value in document["changed"].items())
        return [
            console.paragraph(
                f"This was the {document['size']} size with changed settings ({changed}), so these verdicts "
                "are not comparable with the committed ones."
            )
        ]
    if document["size"] == "quick":
        return ["This was the quick size; --full runs the size that the verdict is about."]
    return []
