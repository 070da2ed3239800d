"""The document of a recovery → the lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.cli import console
from stepscape.cli.certificate_lines import certificate_lines

Document = Mapping[str, Any]


def lines(document: Document) -> list[str]:
    """Print what was read, each solution, whether they differ, the flat factors, and what was written."""
    from stepscape.report.recovery import comparison, difference_words, flat_facts, read_words, solution_rows
    from stepscape.report.words import sentence

    said = [console.paragraph(read_words(document["data"]))]
    said += ["", *console.columns(solution_rows(document)), ""]
    found = (*comparison(document), difference_words(document))
    said += [console.paragraph(sentence(text)) for text in found]
    if document["flat"]:
        said += ["", "Flat factors of the flattest matrix:", *console.columns(flat_facts(document))]
        if document["flat"]["certificates"]:
            said += ["", "Certificates:", *certificate_lines(document["flat"]["certificates"], "matrix")]
    where = document["directory"]
    return [
        *said,
        "",
        f"Wrote {where}: report.html (open it in a browser), flattest.npz, nuclear.npz, result.json"
        + (", figures/" if document["figures"] else ""),
    ]
