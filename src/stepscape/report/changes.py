"""What changed since the ledger before, and why: two sentences about a claim."""

from __future__ import annotations

from stepscape.experiments.frame.before import Before
from stepscape.experiments.frame.ledger import Entry
from stepscape.report.words import VERDICTS, counted

_MOST = 3  # parts that are named one by one


def change_words(entry: Entry) -> list[str]:
    """Return the two sentences; none if there is no ledger before.

    The first says which parts have another word, the second what was changed in between.
    """
    before = entry.before
    if before is None:
        return []
    return [_what(entry, before), _why(before)]


def _what(entry: Entry, before: Before) -> str:
    run = f"the {entry.size} run" + (f" of {before.made}" if before.made else " before")
    known = [part for part in entry.verdicts if part in before.words]
    if not known:
        return f"No part of this claim was judged in {run}."
    changed = [part for part in known if part in entry.changed]
    added = len(entry.verdicts) - len(known)
    new = f"; {counted(added, 'part')} {'is' if added == 1 else 'are'} new" if added else ""
    if not changed:
        return f"Every part that was judged in {run} has the same verdict now{new}."
    told = "; ".join(_told(entry, part) for part in changed[:_MOST])
    more = f"; and {len(changed) - _MOST} more" if len(changed) > _MOST else ""
    return f"Since {run}, {_of(len(changed), len(known))} changed: {told}{more}{new}."


def _told(entry: Entry, part: str) -> str:
    was, now = (VERDICTS[word][1] for word in entry.changed[part])
    return f"“{entry.verdicts[part].words or part}” was {was} and is {now}"


def _of(changed: int, known: int) -> str:
    if changed == known:
        return "the one verdict" if known == 1 else f"all {known} verdicts"
    return f"{changed} of {counted(known, 'verdict')}"


def _why(before: Before) -> str:
    found = [
        counted(len(before.rules), "rule") if before.rules else "",
        "the seeds" if before.seeds else "",
        f"the settings {_listed(before.settings)}" if before.settings else "",
        "what the runs measure" if before.runs else "",
        "the code" if before.code else "",
    ]
    reasons = [reason for reason in found if reason]
    if not reasons:
        return "Nothing was changed in between: neither rules nor seeds, settings or code."
    whole = reasons[0] if len(reasons) == 1 else f"{', '.join(reasons[:-1])} and {reasons[-1]}"
    return f"What was changed in between: {whole}."


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= _MOST else f"{', '.join(names[:_MOST])} and others"
