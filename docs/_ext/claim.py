"""The directive `{claim} NAME`: what a page of a claim says by rule, from the claim and the full ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chips import chip, committed, text
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from stepscape import experiments
from stepscape.experiments.frame.ledger import Entry, changed_rules
from stepscape.report.changes import change_words


def markdown(claim: Any, entry: Entry | None) -> str:
    """Return command, claim, parts with rule and word, what changed, setup and cost, as Markdown."""
    return "\n".join(
        [
            *_head(claim),
            *_parts(claim, entry),
            *_changes(entry),
            *_setup(claim),
            *_cost(entry),
        ]
    )


def _head(claim: Any) -> Iterator[str]:
    yield from (
        "```bash",
        f"stepscape run {claim.name} --full --out {claim.name}",
        "```",
        "",
    )
    yield from (
        f"**Claim** ({claim.kind}). {text(claim.claim)}. *({text(claim.source)}.)*",
        "",
    )


def _parts(claim: Any, entry: Entry | None) -> Iterator[str]:
    changed = set() if entry is None else set(changed_rules(entry, claim))
    for part in claim.parts:
        found = None if entry is None else entry.verdicts.get(part.name)
        verdict = "*not judged at full size yet*" if found is None else chip(found.word)
        decides = " *This part decides.*" if part.primary else ""
        sentence = "" if found is None else f" {text(found.sentence)}."
        yield from (f"**{text(part.words)}** {verdict}{sentence}{decides}", "")
        if found is not None:
            for row in found.rows.values():
                yield f"- {text(row.words)} {chip(row.word)} {text(row.sentence)}."
        yield f"- Rule: {text(part.text)}."
        if found is not None and part.name in changed:
            yield "- *The rule was changed after these numbers.*"
        yield ""


def _changes(entry: Entry | None) -> Iterator[str]:
    said = [] if entry is None else change_words(entry)
    if said:
        yield from (f"**Since the last full run.** {text(' '.join(said))}.", "")


def _setup(claim: Any) -> Iterator[str]:
    yield from (f"**Setup.** {text(claim.setup)}.", "")


def _cost(entry: Entry | None) -> Iterator[str]:
    if entry is None:
        return
    runs = entry.runs
    ended = f"{runs.finished} finished, {runs.diverged} diverged, {runs.failed} failed"
    shared = (
        f"; shared with {', '.join(f'`{name}`' for name in entry.shared)}"
        if entry.shared
        else ""
    )
    yield from (
        f"**Cost.** {runs.total} runs ({ended}), {entry.seconds / 60:.0f} minutes of one worker{shared}.",
        "",
    )


class ClaimBlock(SphinxDirective):
    """The directive `{claim} NAME`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Render the Markdown of a claim in its page."""
        self.env.note_reread()  # the ledger may have changed
        claim = experiments.get(self.arguments[0])
        entries = {entry.experiment.name: entry for entry in committed("full").entries}
        return self.parse_text_to_nodes(markdown(claim, entries.get(claim.name)))


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("claim", ClaimBlock)
    return {"parallel_read_safe": True}
