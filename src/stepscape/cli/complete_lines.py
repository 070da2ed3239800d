"""The document of a completed table → the lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.cli import console
from stepscape.cli.certificate_lines import short

Document = Mapping[str, Any]


def lines(document: Document) -> list[str]:
    """Print what was missing, how it was filled, how well, and what was written."""
    from stepscape.report.completion import filled_words, text_words

    data, done = document["data"], document["completion"]
    said = [
        f"{data['file']}: {filled_words(data)}",
        *map(_indented, text_words(data)),
        _indented(done["choice"]),
    ]
    if data["filled"]:
        said += ["", *console.columns(_facts(done)), "", "Columns with missing cells:", *_columns(data)]
    said += [
        "",
        f"Wrote {document['directory']}: report.html (open it in a browser), completed.csv, filled.csv "
        f"({data['filled']} rows), result.json, figures/",
    ]
    return said


def _indented(text: str) -> str:
    return console.paragraph(text, "  ")


def _facts(done: Document) -> list[tuple[str, str]]:
    from stepscape.report.completion import NORMS
    from stepscape.report.words import number

    others = [
        (
            f"with the {NORMS[other['norm']]}",
            f"{number(other['error'])}, at penalty {number(other['penalty'])}",
        )
        for other in done["compared"]
    ]
    return [
        ("norm", NORMS[done["norm"]]),
        ("penalty", number(done["penalty"])),
        ("held-out error", f"{number(done['error'])} (column means: about 1)"),
        *others,
        ("rank", number(done["rank"])),
        ("duality gap", f"{done['gap']:.0e} of the objective"),
    ]


def _columns(data: Document) -> list[str]:
    rows = [("column", "missing", "filled", "std. error", "share of its std. deviation")]
    rows += [
        (
            each["column"],
            str(each["missing"]),
            str(each["filled"]),
            *(
                "–" if each[name] is None else short(each[name])
                for name in ("standard_error", "relative_error")
            ),
        )
        for each in data["by_column"]
        if each["missing"]
    ]
    return console.columns(rows)
