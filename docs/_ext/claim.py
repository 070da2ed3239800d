"""The directive `{claim} NAME`: what a page of a claim says by rule, from the claim and the full ledger."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docutils import nodes
from ledger import _escaped, committed
from sphinx.util.docutils import SphinxDirective

from stepscape import experiments
from stepscape.experiments.frame.ledger import Entry, changed_rules


def markdown(claim: Any, entry: Entry | None) -> str:
    """Return command, claim, parts with rule and word, setup and cost, as Markdown."""
    return "\n".join(
        [*_head(claim), *_parts(claim, entry), *_setup(claim), *_cost(entry)]
    )


def _head(claim: Any) -> Iterator[str]:
    yield from (
        "```bash",
        f"stepscape run {claim.name} --full --out {claim.name}",
        "```",
        "",
    )
    yield from (
        f"**Claim** ({claim.kind}). {_text(claim.claim)}. *({_text(claim.source)}.)*",
        "",
    )


def _parts(claim: Any, entry: Entry | None) -> Iterator[str]:
    yield from (
        ":::{list-table} Parts of the claim, the rule of each, and what it came to at full size",
        ":header-rows: 1",
        "",
        "* - Part",
        "  - Rule",
        "  - What decided",
    )
    changed = set() if entry is None else set(changed_rules(entry, claim))
    for part in claim.parts:
        first = "**" if part.primary else ""
        found = None if entry is None else entry.verdicts.get(part.name)
        yield f"* - {first}{_text(part.words)}{first}"
        yield f"  - {_text(part.text)}."
        if found is None:
            yield "  - not judged at full size yet"
            continue
        lines = [f"**{found.word.replace('_', ' ')}**: {_text(found.sentence)}."]
        lines += [
            f"{_text(row.words)}: {row.word.replace('_', ' ')}. {_text(row.sentence)}."
            for row in found.rows.values()
        ]
        if part.name in changed:
            lines.append("*The rule was changed after these numbers.*")
        yield "  - " + "\n\n    ".join(lines)
    yield from (":::", "")


def _setup(claim: Any) -> Iterator[str]:
    yield from (f"**Setup.** {_text(claim.setup)}.", "")


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


def _text(text: str) -> str:
    """Escape plain text but for what stands between backticks, which is code."""
    pieces = text.removesuffix(".").split("`")
    return "`".join(piece if i % 2 else _plain(piece) for i, piece in enumerate(pieces))


def _plain(piece: str) -> str:
    # The spaces at its ends keep it apart from the code beside it.
    start, end = piece[:1].isspace() * " ", piece[-1:].isspace() * " "
    return f"{start}{_escaped(piece)}{end}" if piece.strip() else piece


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
