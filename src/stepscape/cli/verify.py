"""The command ``verify``: test every claim through one store, and write the ledger of what came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepscape import files
from stepscape.cli import console, extras
from stepscape.cli import json_documents as documents
from stepscape.cli.carry_out import Outcome, Resources, carry_out
from stepscape.cli.expectation import DRAWING, expected, share_of_runs
from stepscape.cli.interrupt import Unfinished
from stepscape.cli.ledger_files import LEDGER, read_ledger, write_report
from stepscape.cli.output import check_directory, holds, output_directory, store_in, tidy
from stepscape.cli.provenance import MADE_BY, Clock, code, provenance, recorders
from stepscape.cli.publication import CLAIMS, FIGURES
from stepscape.cli.reference_ledger import changed_rules, compared, full_sizes
from stepscape.cli.surroundings import own_style
from stepscape.cli.verify_lines import counted, lines
from stepscape.errors import StepscapeError
from stepscape.experiments.frame.reference import reference_ledger

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim
    from stepscape.experiments.frame.ledger import Difference, Ledger, Size
    from stepscape.lab.store import Store

KINDS = ("svg", "png")


@dataclass(frozen=True)
class Request:
    """What was asked for on the command line; no names mean every experiment."""

    names: Sequence[str]
    full: bool
    strict: bool
    out: str
    force: bool
    resources: Resources = field(default_factory=Resources)
    long: bool = False


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
    asked = [experiments.get(name) for name in names]
    known = [claim for claim in asked if not extras.lacks(claim)]
    if not known:
        extras.require(asked[0])
    skipped = {claim.name: extras.need(claim) for claim in asked if extras.lacks(claim)}
    tidy(request.out)
    _check(request, names)
    with store_in(request.out, unfinished) as store:
        made = _made(request, known, store, clock, unfinished)
    committed = reference_ledger(made.size)
    found = ledger.differences(committed, made, whole=not request.names and not skipped)
    _tell(made, found, request, clock, skipped, as_json)
    # The same law with other bits: at few seeds an interval may then reach a limit or just miss it.
    exact = ledger.same_bits(committed, made)
    wrong = [difference for difference in found if exact or difference.contradicts]
    if wrong and request.strict:
        raise StepscapeError(
            f"{counted(wrong)} from the committed {made.size} ledger: {'; '.join(map(str, wrong))}"
        )


def _made(
    request: Request, known: Sequence[Claim], store: Store, clock: Clock, unfinished: Unfinished
) -> Ledger:
    """Complete the store, judge, and write; a report of the same ledger, made by the same code, stays."""
    chosen = {claim.name: claim.settings(full=request.full) for claim in known}
    size: Size = "full" if request.full else "quick"
    seconds = expected([(claim, chosen[claim.name]) for claim in known], size, store, request.resources)
    runs = share_of_runs(seconds, len(known))
    with console.progress("verify", seconds, request.resources.workers) as progress:
        carried = {
            claim.name: carry_out(
                claim, chosen[claim.name], store, request.resources, unfinished,
                _share(progress, runs, claim.name, i, len(known)),
            )
            for i, claim in enumerate(known)
        }  # fmt: skip
        origin = {**provenance(clock), "code": code(), "recorded_by": recorders(store)}
        made = _ledger(known, carried, request.full, origin)
        made = compared(made, reference_ledger(size))
        before = _unchanged(Path(request.out), made)
        if before is not None:
            return before
        if runs == 0.0 and DRAWING * len(known) >= console.LONG:
            console.tell(f"every run is on record; drawing takes {console.roughly(DRAWING * len(known))}")
        with own_style():
            figures = {claim.name: claim.draw(carried[claim.name].result) for claim in known}
        with own_style(), output_directory(request.out, True, unfinished) as directory:
            made.provenance["figures"] = write_report(
                directory, made, figures, lambda done: progress(runs + (1.0 - runs) * done, "drawing")
            )
            files.write_atomic(directory / LEDGER, console.to_json(msgspec.to_builtins(made)))
    return made


def _share(progress: console.Progress, runs: float, name: str, index: int, count: int) -> console.Progress:
    def show(fraction: float, message: str) -> None:
        progress(runs * (index + fraction) / count, f"claim {index + 1} of {count}, {name}: {message}")

    return show


def _unchanged(folder: Path, made: Ledger) -> Ledger | None:
    """Return the ledger of a directory if it is this one, made by this code, with its report whole."""
    from stepscape.experiments.frame import ledger

    try:
        before = read_ledger(folder)
    except StepscapeError:
        return None
    read = ledger.read(console.to_json(msgspec.to_builtins(made)).encode(), "this ledger")
    same = before.entries == read.entries and all(
        before.provenance.get(name) == made.provenance.get(name) for name in MADE_BY
    )
    drawn = [f"{FIGURES}/{name}.{kind}" for name in before.provenance.get("figures", ()) for kind in KINDS]
    pages = [f"{CLAIMS}/{name}.html" for name in before.names]
    written = ("report.html", *pages, *drawn)
    whole = "figures" in before.provenance and all((folder / file).is_file() for file in written)
    return before if same and whole else None


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


def _tell(
    made: Ledger,
    found: Sequence[Difference],
    request: Request,
    clock: Clock,
    skipped: Mapping[str, str],
    as_json: bool,
) -> None:
    document = {
        **msgspec.to_builtins(made),
        "full_size": full_sizes(made),
        "changed_rules": changed_rules(made),
        "differences": msgspec.to_builtins(found),
        "directory": request.out,
        "skipped": dict(skipped),
    }
    console.answer(document, lines(document, found, clock.seconds, request.long), as_json)
