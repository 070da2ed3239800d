"""The document of a fit and its drawings → content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Block, Drawing, Facts, Fold, Grid, Page, Paragraph, Section
from stepscape.report.words import number, sentence

Document = Mapping[str, Any]


def fit_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one fit: the curve, how the step size was chosen, what was dropped, certificates."""
    data, result = document["data"], document["fit"]
    lead = (
        f"{data['y']} as a function of {data['x']}, from {data['used']} of the {data['rows']} rows of "
        f"{data['file']}: a broken line of {result['measures']['pieces']} pieces, whose smoothness is "
        f"the step size {number(result['step_size'])} of gradient descent."
    )
    sections = [
        Section("The fit", [*_warnings(document), *drawings[:2], _outcome(result)]),
        Section("How the step size was chosen", [*drawings[2:], *_choice(result)], "Step size"),
        Section("The data", _data(document)),
        Section("Certificates", _certificates(result)),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"{data['y']} against {data['x']}", lead, sections, origin)


def fit_blocks(document: Document, drawings: Sequence[Drawing]) -> list[Block]:
    """Return a fit as part of a longer page."""
    result = document["fit"]
    return [
        *drawings[:1],
        *_warnings(document),
        _outcome(result),
        *drawings[2:],
        Fold("How the step size was chosen, fold by fold", _choice(result)),
        Fold("The rows used, and the residuals", [*_data(document), *drawings[1:2]]),
        Fold("The certificates of this fit", _certificates(result)),
        Fold("What the words mean", [_GLOSSARY]),
    ]


def _warnings(document: Document) -> list[Block]:
    return [Paragraph(sentence(text), "warning") for text in document["warnings"]]


def _outcome(result: Document) -> Block:
    measures = result["measures"]
    sharpness = f"{number(result['sharpness'])} ± {number(result['sharpness_residual'])}"
    chosen = "given" if result["rule"] is None else f"cross-validation, rule {result['rule']}"
    return Facts(
        [
            ("step size", f"{number(result['step_size'])} ({chosen})"),
            ("training ended", f"{result['stop_sentence']}, after {number(result['steps'])} steps"),
            ("time Σ η", result["time"]),
            ("edge ratio", result["edge_ratio"]),
            ("sharpness", sharpness),
            ("pieces", measures["pieces"]),
            ("knots", measures["knots"]),
            ("root mean square residual", result["rmse"]),
        ]
    )


def _choice(result: Document) -> list[Block]:
    blocks: list[Block] = [
        Paragraph(f"What was done: {'; '.join(result['done'])}."),
        Paragraph(f"The stopping rule: {result['stopping_rule']}."),
    ]
    if result["path"]:
        blocks.append(_grid("The path: medians over the folds; errors in squared units of y", result["path"]))
    if result["folds"]:
        caption = (
            "Each fold at each step size: how it ended, how long it trained, how close to the edge it came"
        )
        blocks.append(_grid(caption, result["folds"]))
    return blocks


def _data(document: Document) -> list[Block]:
    data = document["data"]
    dropped = [(f"dropped: {why}", rows) for why, rows in data["dropped"].items()]
    low, high = data["range"]
    extent = f"{data['x']} from {number(low)} to {number(high)}"
    return [Facts([("rows", data["rows"]), *dropped, ("used", data["used"]), ("range", extent)])]


def _certificates(result: Document) -> list[Block]:
    return [
        *certificate_blocks(result["certificates"], f"in {result['units']}"),
        Paragraph(
            "A certificate bounds how much the fitted function bends, not how well it predicts, and it "
            "speaks in the units named above: it is another statement in others."
        ),
    ]


def _grid(caption: str, records: Sequence[Mapping[str, Any]]) -> Grid:
    columns = list(records[0])
    return Grid(caption, columns, [[record[name] for name in columns] for record in records])


_GLOSSARY = Facts(
    [
        ("sharpness", "largest eigenvalue of the Hessian of the training loss"),
        ("threshold", "2/step size: gradient descent cannot settle where the sharpness is larger"),
        (
            "edge ratio",
            "sharpness/threshold at the end of training. Near 1 the step size shaped the fit; well below 1 "
            "training stopped first, and time did",
        ),
        ("knots", "places among the data where the network may bend"),
        ("pieces", "straight pieces that suffice within 5 % of the standard deviation of the labels"),
        ("time", "sum of the step sizes over the steps"),
    ]
)
