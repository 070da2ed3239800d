"""What the committed ledger said of a claim before, and what has changed since: rules, seeds, runs, code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from stepscape.experiments.frame.ledger import Entry, Ledger


class Before(msgspec.Struct, frozen=True):
    """An entry of the ledger before, as far as a reader compares it with today's.

    Attributes
    ----------
    made : date of that ledger.
    words : word of every part, and of every row as ``part: row``.
    rules : today's parts that another rule judged then, or none.
    seeds : settings of seeds that were others.
    settings : further settings that were others, or that one of the two does not have.
    runs : whether the runs were of other kinds, so that they measured something else.
    code : whether other code made it.
    agrees : whether the committed ledger has today's entry, and this is what it says of the one before it.
    """

    made: str
    words: dict[str, str]
    rules: list[str] = []
    seeds: list[str] = []
    settings: list[str] = []
    runs: bool = False
    code: bool = False
    agrees: bool = False

    def changed(self, words: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Return what has another word now, as (before, now); "" if there was, or is, none."""
        pairs = {name: (self.words.get(name, ""), words.get(name, "")) for name in {**words, **self.words}}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def with_before(entry: Entry, now: Mapping[str, Any], committed: Ledger) -> Entry:
    """Put into an entry what the committed ledger says of its claim; nothing if it does not know the claim.

    If the committed entry is this one, then so is what that one says of the ledger before it. `now` is the
    provenance of the entry.
    """
    old = next((each for each in committed.entries if each.experiment.name == entry.experiment.name), None)
    if old is None:
        return entry
    if not _same(old, entry):
        return msgspec.structs.replace(entry, before=_compared(old, committed.provenance, entry, now))
    kept = old.before and msgspec.structs.replace(old.before, agrees=True)
    return msgspec.structs.replace(entry, before=kept)


def _same(old: Entry, new: Entry) -> bool:
    """Whether two entries judge the same runs by the same rules, with the same words."""
    judged = [
        {name: (each.word, each.sentence, each.fingerprint) for name, each in entry.verdicts.items()}
        for entry in (old, new)
    ]
    return judged[0] == judged[1] and not _other_settings(old, new) and old.kinds == new.kinds


def _compared(old: Entry, then: Mapping[str, Any], new: Entry, now: Mapping[str, Any]) -> Before:
    other = _other_settings(old, new)
    rules = {name: each.fingerprint for name, each in old.verdicts.items()}
    return Before(
        made=str(then.get("started", ""))[:10],
        words=old.words,
        rules=[name for name, each in new.verdicts.items() if rules.get(name) != each.fingerprint],
        seeds=[name for name in other if "seed" in name],
        settings=[name for name in other if "seed" not in name],
        runs=bool(old.kinds) and old.kinds != new.kinds,
        code=then.get("code") != now.get("code"),
    )


def _other_settings(old: Entry, new: Entry) -> list[str]:
    keys = {**new.settings, **old.settings}
    return [name for name in keys if _setting(old, name) != _setting(new, name)]


def _setting(entry: Entry, name: str) -> object:
    value = entry.settings.get(name)
    return list(value) if isinstance(value, tuple) else value
