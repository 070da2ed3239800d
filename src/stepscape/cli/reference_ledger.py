"""What the ledgers that come with stepscape say of a claim that was made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stepscape.experiments.frame.reference import SIZES, reference_ledger
from stepscape.tables.records import plain

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim
    from stepscape.experiments.frame.ledger import Ledger, Size


def full_size(claim: Claim, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the words of a claim in the committed full ledger for a run with these settings.

    They are empty where it has none by today's rules, or where its runs differ from this one in more than
    size: each setting must be that of the ledger or, if the two sizes of the claim differ in it, that of the
    quick size.
    """
    committed = next(
        (each for each in reference_ledger("full").entries if each.experiment.name == claim.name), None
    )
    if committed is None or not _differs_in_size_only(claim, plain(settings), committed.settings):
        return {}
    return _words(claim, "full")


def full_sizes(made: Ledger) -> dict[str, dict[str, str]]:
    """Return the words of every claim in the committed full ledger; none for a full ledger."""
    from stepscape import experiments

    if made.size == "full":
        return {}
    known = {entry.experiment.name: entry.settings for entry in made.entries}
    return {
        name: full_size(experiments.get(name), settings)
        for name, settings in known.items()
        if name in experiments.names()
    }


def _differs_in_size_only(claim: Claim, here: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    quick, full = plain(claim.quick), plain(claim.full)
    size = {name for name in quick if quick[name] != full[name]}
    return set(here) == set(there) and all(
        value == there[name] or (name in size and value == quick[name]) for name, value in here.items()
    )


def words(claim: Claim) -> tuple[str, dict[str, str]]:
    """Return the committed words of a claim by part, and their size: full where there are any."""
    for size in SIZES:
        if found := _words(claim, size):
            return size, found
    return "", {}


def _words(claim: Claim, size: Size) -> dict[str, str]:
    """Words of parts and of their rows; a word that another rule gave is not one of today's."""
    from stepscape.experiments.frame import ledger

    for entry in reference_ledger(size).entries:
        if entry.experiment.name == claim.name:
            kept = {part.name for part in claim.parts}.difference(ledger.changed_rules(entry, claim))
            words = entry.words.items()
            return {part: word for part, word in words if part.partition(": ")[0] in kept}
    return {}


def compared(made: Ledger, committed: Ledger) -> Ledger:
    """Say in every entry what the committed ledger says of its claim, and what changed since."""
    import msgspec

    from stepscape.experiments.frame.before import with_before

    entries = [with_before(entry, made.provenance, committed) for entry in made.entries]
    return msgspec.structs.replace(made, entries=entries)


def changed_rules(made: Ledger) -> dict[str, list[str]]:
    """Parts whose rule is not the one of the committed ledger of that size, by claim."""
    before = {entry.experiment.name: entry for entry in reference_ledger(made.size).entries}
    found = {
        entry.experiment.name: [
            part
            for part, verdict in entry.verdicts.items()
            if (old := before[entry.experiment.name].verdicts.get(part)) is not None
            and old.fingerprint != verdict.fingerprint
        ]
        for entry in made.entries
        if entry.experiment.name in before
    }
    return {name: parts for name, parts in found.items() if parts}
