"""Turn the document of a fit and its drawings into content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Block, Cell, Drawing, Facts, Fold, Grid, Page, Paragraph, Section
from stepscape.report.gain import gain_sentence
from stepscape.report.words import counted, number, plus_minus, sentence
from stepscape.training.stops import STOP_WORDS

Document = Mapping[str, Any]
# Of the tables in result.json what fits on paper.
_HOW = ("steps", "time", "edge_ratio", "bent_neurons", "stop")
_PATH = ("step_size", "cv_error", "standard_error", "brier", *_HOW)
_FOLDS = ("step_size", "fold", "cv_error", "base_error", "brier", *_HOW)


# How close a function of that many straight pieces is to the fit: slight knots do not make a piece.
PIECES = {
    "square": "within 5 % of the standard deviation of the labels",
    "logistic": "within 0.2 of the logit, at most 5 points of probability",
}


KNOTS = "in all, however slight"


def fit_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one fit: the curve, how the step size was chosen, what was dropped, certificates."""
    data, result = document["data"], document["fit"]
    lead = (
        f"{data['y']} as a function of {data['x']}: "
        f"{counted(result['measures']['pieces'], 'straight piece')}, fitted to {data['used']} of the "
        f"{data['rows']} rows of {data['file']} by gradient descent with step size "
        f"{number(result['step_size'])}."
    )
    sections = [
        Section("The fit", [*warning_blocks(document), *drawings[:1], _outcome(result)]),
        Section(
            "How the step size was chosen", [*drawings[1:], *choice(result), *folded(result)], "Step size"
        ),
        Section("The data", data_facts(document)),
        Section("Certificates", _certificates(result)),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"{data['y']} against {data['x']}", lead, sections, origin)


def fit_blocks(document: Document, drawings: Sequence[Drawing]) -> list[Block]:
    """Return a fit as part of a longer page."""
    result = document["fit"]
    return [
        *drawings[:1],
        *warning_blocks(document),
        _outcome(result),
        *drawings[1:],
        Fold("How the step size was chosen, fold by fold", [*choice(result), *_folds(result)]),
        Fold("The rows used", data_facts(document)),
        Fold("The certificates of this fit", _certificates(result)),
        Fold("What the words mean", [_GLOSSARY]),
    ]


def warning_blocks(document: Document) -> list[Block]:
    """Show what a reader must know before relying on a fit."""
    return [Paragraph(sentence(text), "warning") for text in document["warnings"]]


def _outcome(result: Document) -> Block:
    return Facts([*training_facts(result), ("root mean square residual", result["rmse"])])


def training_facts(result: Document) -> list[tuple[str, Cell]]:
    """Say how a fit was trained, and which shape it has."""
    sharpness = plus_minus(result["sharpness"], result["sharpness_residual"])
    chosen = "given" if len(result["path"] or ()) < 2 else f"cross-validation, rule {result['rule']}"
    return [
        ("step size", f"{number(result['step_size'])} ({chosen})"),
        ("training ended", f"after {number(result['steps'])} steps: {result['stop_sentence']}"),
        ("time Σ η", result["time"]),
        ("edge ratio", result["edge_ratio"]),
        ("sharpness", sharpness),
        *shape_facts(result),
    ]


def shape_facts(result: Document) -> list[tuple[str, str]]:
    """Count pieces and knots, each with what is counted."""
    measures = result["measures"]
    counts = (
        ("pieces", "pieces", f"straight {PIECES[result['loss']]}"),
        ("knots", "knots", KNOTS),
    )
    return [(name, f"{number(measures[key])} {meaning}") for name, key, meaning in counts]


def choice(result: Document, error: str = "") -> list[Block]:
    """Say what was done, and show the path; errors are squared ones in units of y, or of that name."""
    unit = f"cv error is the {error}" if error else "errors in squared units of y"
    blocks: list[Block] = [
        Paragraph(f"What was done: {'; '.join(result['done'])}."),
        Paragraph(f"The stopping rule: {result['stopping_rule']}."),
    ]
    if result["path"]:
        blocks.append(records_grid(f"The path: medians over the folds; {unit}", result["path"], _PATH))
    return blocks


def folded(result: Document) -> list[Block]:
    """Show each fold at each step size, on demand."""
    return [Fold("Each fold", grids)] if (grids := _folds(result)) else []


def _folds(result: Document) -> list[Block]:
    if not result["folds"]:
        return []
    caption = "Each fold at each step size: how long it trained, how close to the edge it came, how it ended"
    return [records_grid(caption, result["folds"], _FOLDS)]


def data_facts(document: Document) -> list[Block]:
    """Say which rows were used, and why others were not."""
    data = document["data"]
    dropped = [(f"dropped: {why}", rows) for why, rows in data["dropped"].items()]
    low, high = data["range"]
    extent = f"{data['x']} from {number(low)} to {number(high)}"
    return [Facts([("rows", data["rows"]), *dropped, ("used", data["used"]), ("range", extent)])]


def _certificates(result: Document) -> list[Block]:
    said = gain_sentence(result)
    return [
        *certificate_blocks(result["certificates"], f"in {result['units']}"),
        Paragraph(
            "A certificate bounds how much the fitted function bends, not how well it predicts, and it "
            "depends on the units, which are named above."
        ),
        *([Paragraph(sentence(f"Generalization: {said}"))] if said else []),
    ]


def records_grid(
    caption: str, records: Sequence[Mapping[str, Any]], names: Sequence[str] | None = None
) -> Grid:
    """Set records as a table, in their order: all that they hold, or what they hold of some names.

    Those that are ``chosen`` stand out.
    """
    columns = list(records[0]) if names is None else [name for name in names if name in records[0]]
    words = [name.replace("_", " ") for name in columns]
    rows = [[record[name] for name in columns] for record in records]
    chosen = [i for i, record in enumerate(records) if record.get("chosen")]
    return Grid(caption, words, rows, marked=chosen, mark="chosen")


STOP = (
    "stop",
    "why training ended, with the number of folds. "
    + "; ".join(f"`{name}`: {meaning}" for name, meaning in STOP_WORDS.items()),
)
_GLOSSARY = Facts(
    [
        ("sharpness", "largest eigenvalue of the Hessian of the training loss"),
        ("threshold", "2/step size: gradient descent cannot settle where the sharpness is larger"),
        (
            "edge ratio",
            "sharpness/threshold at the end of training. Near 1, the step size smoothed the fit; well below "
            "1, training stopped early, and that smoothed it",
        ),
        ("time", "sum of the step sizes over the steps"),
        STOP,
    ]
)
