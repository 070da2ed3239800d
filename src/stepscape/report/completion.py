"""Turn the document of a completed table and its drawings into content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Cell, Drawing, Facts, Fold, Page, Paragraph, Section
from stepscape.report.fit import records_grid, warning_blocks
from stepscape.report.words import counted, number, sentence

Document = Mapping[str, Any]
NORMS = {"flat": "flat norm", "nuclear": "nuclear norm"}


def completion_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one completed table: what was filled, how well, how the penalty was chosen."""
    data, done = document["data"], document["completion"]
    drawn = {drawing.name: drawing for drawing in drawings}
    filled = [drawn["columns"]] if "columns" in drawn else []
    chosen = [drawn["penalty"]] if "penalty" in drawn else []
    sections = [
        Section("The filled cells", [*warning_blocks(document), *filled, _facts(done), _columns(data)]),
        Section("How the penalty was chosen", [*chosen, *_choice(done)], "Penalty"),
        Section("The data", [*map(Paragraph, map(sentence, text_words(data))), _counts(data)]),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"{data['file']}, completed", f"{data['file']}: {filled_words(data)}.", sections, origin)


def filled_words(data: Document) -> str:
    """Say how many of the missing cells were filled.

    >>> print(filled_words({"filled": 2, "missing": 3, "rows": 9, "columns": ["a", "b"]}))
    2 of 3 missing cells filled, in 9 rows and 2 columns of numbers
    """
    columns = counted(len(data["columns"]), "column")
    return (
        f"{data['filled']} of {counted(data['missing'], 'missing cell')} filled, in "
        f"{counted(data['rows'], 'row')} and {columns} of numbers"
    )


def text_words(data: Document) -> list[str]:
    """Say which columns hold text and were left as they are."""
    names = data["text_columns"]
    if not names:
        return []
    holds = "holds text and stays" if len(names) == 1 else "hold text and stay"
    return [f"{', '.join(names)} {holds} as in the file"]


def _facts(done: Document) -> Block:
    error = f"{number(done['error'])} of the variance (column means: about 1)"
    others: list[tuple[str, Cell]] = [
        (f"held-out error with the {NORMS[other['norm']]}", f"{number(other['error'])} of the variance")
        for other in done["compared"]
    ]
    return Facts(
        [
            ("norm", NORMS[done["norm"]]),
            ("penalty λ", done["penalty"]),
            ("held-out error", error),
            *others,
            ("rank", done["rank"]),
            ("relative duality gap", done["gap"]),
        ]
    )


def _columns(data: Document) -> Block:
    records = [each for each in data["by_column"] if each["missing"]]
    caption = "Columns with missing cells; the relative error is in standard deviations of the column"
    return records_grid(caption, records) if records else Paragraph("No cell is missing.")


def _choice(done: Document) -> list[Block]:
    said: list[Block] = [Paragraph(sentence(done["choice"]))]
    if done["path"]:
        said.append(Fold("Each penalty", [records_grid("Held-out error at each penalty", done["path"])]))
    return said


def _counts(data: Document) -> Block:
    names = ("rows", "observed", "missing", "filled")
    return Facts(
        [*((name, data[name]) for name in names), ("columns of numbers", ", ".join(data["columns"]))]
    )


_GLOSSARY = Facts(
    [
        (
            "flat norm",
            "the weighted trace norm of the matrix, whose rows and columns are multiplied by the square "
            "roots of their numbers of observed cells. Of all factorizations that fit equally well, the "
            "flattest one has the least such norm",
        ),
        ("nuclear norm", "the sum of the singular values, without weights"),
        ("penalty", "how strongly the norm counts beside the squared error of the observed cells"),
        (
            "held-out error",
            "mean squared error of observed cells that were left out, in units of the variance of each "
            "column",
        ),
        (
            "standard error",
            "typical distance of a filled number from the one that would have been observed, from the cells "
            "of its column that were held out. It holds for cells that are missing at random, not because of "
            "their value",
        ),
        ("rank", "number of singular values that the penalty leaves"),
    ]
)
