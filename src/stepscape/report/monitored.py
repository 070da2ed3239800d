"""Turn the document of a monitored run and its drawing into content."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.content import Block, Cell, Choice, Drawing, Facts, Fold, Page, Paragraph, Section
from stepscape.report.words import counted, number

Document = Mapping[str, Any]
MOST_ROWS = 200  # of the table: the last ones
_NAMES = {
    "lambda_max": "λ_max",
    "step_sizes": "step size η",
    "seconds": "seconds of the measurement",
    "training_seconds": "seconds of training",
    "samples": "examples",
    "products": "Hessian products",
    "blocks": "λ_max of block",
    "dead_units": "dead units of layer",
}
_SHOWN = ("loss", "lambda_max", "residual", "edge_ratio", "status")


def monitored_page(document: Document, drawing: Drawing, origin: str) -> Page:
    """Lay out a monitored run: the picture, what happened, what to do, the numbers."""
    told, rows = document["story"], document["rows"]
    lead = f"{counted(len(rows), 'measurement')} up to step {number(rows[-1]['step'])}."
    sections = [
        Section("What happened", [Paragraph(sentence) for sentence in told[:-1]]),
        Section("The step size", [Paragraph(told[-1]), Paragraph(_SAFE, "aside")]),
        Section("The last measurement", [Facts(_facts(rows[-1]), columns=2)]),
        Section("All measurements", [*_damage(document["damage"]), _table(rows)]),
        Section("What the numbers mean", [_GLOSSARY]),
    ]
    return Page(os.path.basename(document["file"]), lead, sections, origin, hero=drawing)


def _damage(sentence: str) -> list[Block]:
    return [Paragraph(sentence, "warning")] if sentence else []


def _facts(row: Mapping[str, Any]) -> list[tuple[str, Cell]]:
    """Return what was measured, one pair for each number."""
    pairs: list[tuple[str, Cell]] = []
    for name, value in row.items():
        words = _words(name)
        if isinstance(value, Mapping):
            pairs += [(f"{words}, {key}", each) for key, each in value.items()]
        elif isinstance(value, list):
            pairs.append((words, ", ".join(map(number, value))))
        elif value is not None and value != "":
            pairs.append((words, value))
    return pairs


def _words(name: str) -> str:
    """Write the name of a column as words."""
    return _NAMES.get(name) or name.replace("_", " ")


def _table(rows: Sequence[Mapping[str, Any]]) -> Block:
    last = rows[-MOST_ROWS:]
    names = [name for name in last[0] if any(row[name] not in (None, "") for row in last)]
    plain = [name for name in names if not any(isinstance(row[name], Mapping | list) for row in last)]
    caption = "Measurements, one row for each"
    if len(rows) > len(last):
        caption = f"The last {len(last)} of {len(rows)} measurements; the file holds all of them"
    shown = [name == "step" or name in _SHOWN for name in plain]
    table = Choice(caption, list(map(_words, plain)), shown, [[row[name] for name in plain] for row in last])
    return Fold("The table", [table])


_SAFE = (
    "Below the edge is not the same as better: training on the full batch descends at the edge as well. "
    "Lower the step size if the loss spikes or does not come down."
)
_GLOSSARY = Facts(
    [
        (
            "edge ratio",
            "the largest curvature that the optimizer sees over the curvature at which its steps begin to "
            "swing: 2/η for gradient descent; momentum, preconditioner and weight decay are accounted for. "
            "1 is the edge of stability",
        ),
        ("λ_max", "largest eigenvalue of the Hessian of the loss on the batch of the monitor, a lower bound"),
        ("residual", "some eigenvalue lies within it of λ_max. Nothing proves that it is the largest one"),
        (
            "spike",
            "a loss that exceeds the median of the five measurements before by its own size and by their "
            "range",
        ),
        (
            "batch of the monitor",
            "always the same examples. Minibatches have larger curvatures than the mean over all examples, "
            "so that training with small batches can be unstable below an edge ratio of 1",
        ),
        (
            "status",
            "converged: the residual is within the tolerance. budget: lower bounds only. Otherwise nothing "
            "was measured, and the reason says why",
        ),
    ]
)
