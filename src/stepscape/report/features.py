"""Turn the document of a fit of several features, and its drawings, into content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Block, Cell, Drawing, Facts, Grid, Page, Paragraph, Section
from stepscape.report.fit import STOP, choice, folded, warning_blocks
from stepscape.report.words import number, plus_minus, sentence

Document = Mapping[str, Any]
MOST_FEATURES = 40  # ranges that a page lists
_WHERE = (
    ("none", "on no row"),
    ("one", "on one row"),
    ("few", "on up to 10 % of the rows"),
    ("many", "on more rows"),
    ("all", "on all rows"),
)


def features_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one fit: how well it predicts, which neurons hold one row, how it was chosen, certificates."""
    data, result = document["data"], document["fit"]
    drawn = {drawing.name: drawing for drawing in drawings}
    chosen = [drawn[name] for name in ("path", "times") if name in drawn]
    error = "log-loss" if result["loss"] == "logistic" else ""
    recognized = [Paragraph(sentence(text), "aside") for text in data["recognized"]]
    scores = [drawn[name] for name in ("observed", "calibration") if name in drawn]
    sections = [
        Section("The fit", [*recognized, *warning_blocks(document), *scores, Facts(_outcome(result))]),
        Section("What each feature does", [drawn["features"], _PARTIAL], "Features"),
        Section("Rows that neurons hold alone", _shattering(result, drawn["shattering"]), "Shattering"),
        Section(
            "How step size and steps were chosen",
            [*chosen, *choice(result, error), *folded(result)],
            "Step size",
        ),
        Section("The data", _data(document)),
        Section("Certificates", _certificates(result)),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"{data['y']} against {data['x']}", _lead(document), sections, origin)


def _lead(document: Document) -> str:
    data, result = document["data"], document["fit"]
    what = result["prediction"] if "prediction" in result else data["y"]
    found = f"The {what}" if "prediction" in result else what
    return (
        f"{found} as a function of {len(data['features'])} features, from {data['used']} of the "
        f"{data['rows']} rows of {data['file']}, by gradient descent with step size "
        f"{number(result['step_size'])}, stopped after {number(result['steps'])} steps."
    )


def score_facts(result: Document) -> list[tuple[str, Cell]]:
    """Say how well rows are predicted, those left out of training and the others."""
    if result["loss"] == "logistic":
        return [
            ("log-loss, rows left out", result["log_loss"]),
            ("log-loss of one probability for all rows", result["base_log_loss"]),
            ("Brier score, rows left out", result["brier"]),
            ("Brier score of one probability for all rows", result["base_brier"]),
            ("rows with a probability from 27 % to 73 %", result["uncertain_rows"]),
        ]
    return [
        ("root mean square error, rows left out", result["held_out_rmse"]),
        ("root mean square error, rows trained on", result["rmse"]),
        ("standard deviation of the labels", result["deviation"]),
    ]


def held_facts(result: Document) -> list[tuple[str, Cell]]:
    """Say where neurons are active."""
    found = result["shattering"]
    groups = [(f"neurons active {words}", found["neurons_active_on"][name]) for name, words in _WHERE]
    return [*groups, ("share of the path norm in neurons of one row", found["strength_of_single"])]


def _outcome(result: Document) -> list[tuple[str, Cell]]:
    given = "given" if len(result["path"] or ()) < 2 else f"cross-validation, rule {result['rule']}"
    return [
        *score_facts(result),
        ("step size", f"{number(result['step_size'])} ({given})"),
        ("training ended", f"after {number(result['steps'])} steps: {result['stop_sentence']}"),
        ("time Σ η", result["time"]),
        ("edge ratio", result["edge_ratio"]),
        ("sharpness", plus_minus(result["sharpness"], result["sharpness_residual"])),
    ]


def _shattering(result: Document, drawing: Drawing) -> list[Block]:
    found = result["shattering"]
    blocks: list[Block] = [
        drawing,
        Paragraph(
            "A neuron is active on the rows on one side of a hyperplane. One that is active on a single row "
            "can fit its label without changing any other prediction, and hardly adds to the sharpness. "
            "Where such neurons carry much of the fit, it repeats labels instead of learning from their "
            "neighbors."
        ),
        Facts([*held_facts(result), ("rows that some neuron holds alone", found["held_rows"])], 2),
    ]
    if not found["held"]:
        return [*blocks, Paragraph("No row is held by a neuron of its own.")]
    unit = "the logit" if result["loss"] == "logistic" else f"units of {result['y']}"
    where = "line" if "line" in found["held"][0] else "row"
    rows = [(h[where], h["neurons"], h["adds"], h["label"], h["prediction"]) for h in found["held"]]
    caption = f"Rows that neurons hold alone, those that are moved most first; moved in {unit}"
    return [*blocks, Grid(caption, (where, "neurons", "moved by them", "label", "prediction"), rows)]


def _data(document: Document) -> list[Block]:
    data = document["data"]
    dropped = [(f"dropped: {why}", rows) for why, rows in data["dropped"].items()]
    ranges = [(name, low, high) for name, (low, high) in list(data["range"].items())[:MOST_FEATURES]]
    more = len(data["range"]) - len(ranges)
    caption = "The features and their ranges" + (f", of {more} more none" if more else "")
    return [
        Facts([("rows", data["rows"]), *dropped, ("used", data["used"])]),
        Grid(caption, ("feature", "from", "to"), ranges),
    ]


def _certificates(result: Document) -> list[Block]:
    return [
        *certificate_blocks(result["certificates"], f"in {result['units']}"),
        Paragraph(
            "A certificate bounds how much the fitted function bends where many rows lie, not how well it "
            "predicts. The weight is 0 for a neuron that no row or every row activates, and small for one "
            "that few rows do: a certificate does not see a neuron that holds a single row."
        ),
    ]


_PARTIAL = Paragraph(
    "Each panel changes one feature and leaves the others as they are in the data. Where features go "
    "together, such rows do not exist, and the panel says little.",
    "aside",
)
_GLOSSARY = Facts(
    [
        ("sharpness", "largest eigenvalue of the Hessian of the training loss, on standardized data"),
        ("threshold", "2/step size: gradient descent cannot settle where the sharpness is larger"),
        (
            "edge ratio",
            "sharpness/threshold at the end. Well below 1, stopping early shaped the fit, not the step size",
        ),
        ("time", "sum of the step sizes over the steps"),
        ("path norm", "sum over the neurons of |w2| ‖w1‖: how much each can contribute"),
        ("held alone", "active on one row and no other: neural shattering in this table"),
        STOP,
    ]
)
