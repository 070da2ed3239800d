"""The command ``verify``: test every claim through one store, and write the ledger of what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepscape import files
from stepscape.cli import console
from stepscape.cli import json_documents as documents
from stepscape.cli.carry_out import Outcome, Resources, carry_out
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.ledger_files import LEDGER, read_ledger, write_report
from stepscape.cli.output import check_directory, holds, output_directory, store_in
from stepscape.cli.provenance import Clock, provenance, recorders
from stepscape.cli.reference_ledger import changed_rules, full_size, reference_ledger
from stepscape.errors import StepscapeError

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim
    from stepscape.experiments.frame.ledger import Difference, Ledger


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line; no names mean every experiment."""

    names: Sequence[str]
    full: bool
    strict: bool
    out: str
    force: bool
    resources: Resources = field(default_factory=Resources)


def verify(request: Request, as_json: bool, unfinished: Unfinished) -> None:
    """Run, judge, write the ledger and its report; then compare with the committed ledger.

    Raises
    ------
    StepscapeError
        It was asked to be strict, and a verdict is not the committed one. On another type of processor, or
        with other versions, bits differ: there a verdict may be undecided where the committed one is not,
        and the other way round.
    """
    from stepscape import experiments
    from stepscape.experiments.frame import ledger

    clock = Clock()
    names = list(dict.fromkeys(request.names)) or experiments.names()
    known = [experiments.get(name) for name in names]
    _check(request, names)
    with store_in(request.out, unfinished) as store:
        carried = {
            claim.name: carry_out(
                claim, claim.settings(full=request.full), store, request.resources, unfinished
            )
            for claim in known
        }
        made = _ledger(known, carried, request.full, {**provenance(clock), "recorded_by": recorders(store)})
        figures = {claim.name: claim.draw(carried[claim.name].result) for claim in known}
        with output_directory(request.out, True, unfinished) as directory:
            files.write_atomic(directory / LEDGER, console.to_json(msgspec.to_builtins(made)))
            write_report(directory, made, figures)
    committed = reference_ledger(made.size)
    found = ledger.differences(committed, made, whole=not request.names)
    _tell(made, found, request.out, clock, as_json)
    # The same law with other bits: at few seeds an interval may then reach a limit or just miss it.
    exact = ledger.same_bits(committed, made)
    wrong = [difference for difference in found if exact or difference.contradicts]
    if wrong and request.strict:
        raise StepscapeError(
            f"{_counted(wrong)} from the committed {made.size} ledger: {'; '.join(map(str, wrong))}"
        )


def _ledger(
    known: Sequence[Claim], carried: Mapping[str, Outcome], full: bool, origin: Mapping[str, Any]
) -> Ledger:
    from stepscape.experiments.frame import ledger

    runs = {name: set(each.seconds) for name, each in carried.items()}
    entries = [
        documents.entry(
            claim,
            carried[claim.name],
            full,
            [name for name in runs if name != claim.name and runs[name] & runs[claim.name]],
        )
        for claim in known
    ]
    once = {run: seconds for each in carried.values() for run, seconds in each.seconds.items()}
    size: ledger.Size = "full" if full else "quick"
    return ledger.Ledger(size, entries, dict(origin), sum(once.values()))


def _check(request: Request, names: Sequence[str]) -> None:
    """Refuse a directory that holds anything but a part of this ledger."""
    folder = Path(request.out)
    if request.force or not (folder / LEDGER).is_file():
        if not request.force:
            check_directory(request.out)
        return
    before = read_ledger(folder)
    if before.size != ("full" if request.full else "quick"):
        raise holds(request.out, f"the {before.size} ledger")
    if others := [name for name in before.names if name not in names]:
        raise holds(request.out, f"a ledger that has {', '.join(others)} too")


def _tell(made: Ledger, found: Sequence[Difference], out: str, clock: Clock, as_json: bool) -> None:
    from stepscape import experiments

    document = {
        **msgspec.to_builtins(made),
        "full_size": {
            entry.experiment.name: full_size(experiments.get(entry.experiment.name), entry.settings)
            for entry in made.entries
            if made.size != "full"
        },
        "changed_rules": changed_rules(made),
        "differences": msgspec.to_builtins(found),
        "directory": out,
    }
    console.answer(document, _lines(document, found, clock.seconds), as_json)


def _lines(document: dict[str, Any], found: Sequence[Difference], seconds: float) -> list[str]:
    from stepscape.report.words import duration

    lines: list[str] = []
    for entry in document["entries"]:
        about = entry["experiment"]
        lines += [about["title"], console.paragraph(f"Claim ({about['kind']}): {about['claim']}")]
        lines += [console.paragraph(f"Source: {about['source']}"), ""]
        at_full = document["full_size"].get(about["name"], {})
        lines += [*documents.verdict_lines(entry["verdicts"], at_full, details=False), ""]
        lines += [documents.cost_words(entry), "", ""]
    size = document["size"]
    lines += [
        f"The rule of {name}, {', '.join(parts)} was changed after the committed {size} numbers."
        for name, parts in document["changed_rules"].items()
    ]
    if found:
        lines.append(f"{_counted(found)} from the committed {size} ledger:")
        lines += [console.paragraph(str(difference), "    ") for difference in found]
    else:
        lines.append(f"Every verdict agrees with the committed {size} ledger.")
    lines.append(f"{duration(seconds)}; {document['directory']}: report.html, {LEDGER}, figures/, store/")
    return lines


def _counted(found: Sequence[Difference]) -> str:
    return f"{len(found)} verdict{' differs' if len(found) == 1 else 's differ'}"
