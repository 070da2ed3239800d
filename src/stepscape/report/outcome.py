"""Turn the document of the fit of an outcome of two values, and its drawings, into content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stepscape.report.certificates import certificate_blocks
from stepscape.report.content import Block, Drawing, Facts, Grid, Page, Paragraph, Section
from stepscape.report.fit import (
    STOP,
    choice,
    data_facts,
    folded,
    records_grid,
    training_facts,
    warning_blocks,
)
from stepscape.report.words import counted, number, sentence

Document = Mapping[str, Any]


def outcome_page(document: Document, drawings: Sequence[Drawing], origin: str) -> Page:
    """Lay out one fit: the probability, its calibration, how it was chosen, certificates."""
    data, result = document["data"], document["fit"]
    pieces = counted(result["measures"]["pieces"], "piece")
    drawn = {drawing.name: drawing for drawing in drawings}
    lead = (
        f"The {result['prediction']} as a function of {data['x']}, from {data['used']} of the {data['rows']} "
        f"rows of {data['file']}: its logit is piecewise linear with {pieces} (within 0.2), smoothed by "
        f"{_smoother(result)}."
    )
    recognized = [Paragraph(sentence(text), "aside") for text in data["recognized"]]
    chosen = [drawn[name] for name in ("path", "times") if name in drawn]
    sections = [
        Section("The fit", [*recognized, *warning_blocks(document), drawn["fit"], _outcome(result)]),
        Section("Are the probabilities right?", [*_scores(result, drawn)], "Calibration"),
        Section(
            "How step size and steps were chosen",
            [*chosen, *choice(result, "log-loss"), *folded(result)],
            "Step size",
        ),
        Section("The data", [*data_facts(document), _classes(result)]),
        Section("Certificates", _certificates(result)),
        Section("What the words mean", [_GLOSSARY]),
    ]
    return Page(f"{data['y']} against {data['x']}", lead, sections, origin)


def _smoother(result: Document) -> str:
    eta, steps = number(result["step_size"]), number(result["steps"])
    if result["at_edge"]:
        return f"the step size {eta} of gradient descent, and by stopping after {steps} steps"
    if result["stop"] == "stationary":
        return f"the step size {eta} of gradient descent, whose loss was level after {steps} steps"
    return f"early stopping, after {steps} steps of size {eta}, below the edge of stability"


def _outcome(result: Document) -> Block:
    return Facts(
        [
            ("prediction", result["prediction"]),
            *training_facts(result),
            ("uncertain", uncertain_words(result["uncertain"])),
        ]
    )


def uncertain_words(found: Document) -> str:
    """Say how many rows are uncertain, and where: in one interval, or in several."""
    what = "a probability from 27 % to 73 %"
    if found["hull"] is None:
        return f"no row with {what}"
    low, high = map(number, found["hull"])
    pieces = len(found["intervals"])
    where = f"from {low} to {high}" if low != high else f"at {low}"
    if pieces > 1 and low != high:
        where = f"in {pieces} intervals of x, within {low} to {high}"
    return f"{counted(found['rows'], 'row')} with {what}, {where}"


def _scores(result: Document, drawn: Mapping[str, Drawing]) -> list[Block]:
    if result["calibration"] is None:
        return [
            Paragraph("There was no cross-validation: nothing is known about rows that the fit has not seen.")
        ]
    error = number(result["log_loss_standard_error"])
    scores = Facts(
        [
            ("log-loss", f"{number(result['log_loss'])} ± {error}"),
            ("log-loss of one probability for all rows", result["base_log_loss"]),
            ("Brier score", result["brier"]),
            ("Brier score of one probability for all rows", result["base_brier"]),
        ]
    )
    caption = f"Rows left out of training, in bins of the predicted {result['prediction']}"
    names = {
        "predicted": "predicted",
        "observed": "observed share",
        "low": "95 % from",
        "high": "to",
        "rows": "rows",
    }
    return [
        drawn["calibration"],
        scores,
        Paragraph(
            "Scores and curve are about rows that were left out: the fold that predicts a row did not train "
            "on it. Step size and number of steps were chosen on the same folds, so the scores are slightly "
            "too good.",
            "aside",
        ),
        records_grid(caption, [{names[key]: row[key] for key in names} for row in result["calibration"]]),
    ]


def _classes(result: Document) -> Grid:
    rows = zip(result["classes"], result["class_rows"], ("0", "1"), strict=True)
    return Grid(
        f"The two values of {result['y']}", ("value", "rows", "stands for"), [(a, b, c) for a, b, c in rows]
    )


def _certificates(result: Document) -> list[Block]:
    return [
        *certificate_blocks(result["certificates"], f"in {result['units']}"),
        Paragraph(
            "A certificate bounds how much the logit bends where the fit is uncertain. Where the fit is "
            "certain, rightly or wrongly, the loss is flat and nothing is bounded: a network can fit every "
            "label, be as flat as you like, and predict badly (Qiao and Wang (2025), Theorem 3.1). The "
            "bounds depend on the units, which are named above."
        ),
    ]


_GLOSSARY = Facts(
    [
        (
            "logit",
            "log(p/(1 − p)) of a probability p: 0 is one half, ±1 are 27 % and 73 %, ±4 are 2 % and 98 %",
        ),
        (
            "log-loss",
            "mean of −log of the probability given to the observed value, in nats. A sure mistake can cost "
            "arbitrarily much",
        ),
        ("Brier score", "mean squared difference between the probability and the observed 0 or 1"),
        (
            "calibration",
            "whether an event with predicted probability p happens in a share p of the cases. A calibrated "
            "fit can be uninformative: one probability for all rows is calibrated, too",
        ),
        (
            "uncertain region",
            "where the logit is within ±1. A large step size leaves room for few bends there. Its hull runs "
            "from its first row to its last",
        ),
        (
            "separable",
            "a threshold, or a network, puts every row on the correct side. Then no fit is best: growing "
            "more certain always lowers the training loss, and stopping decides how certain the answer is",
        ),
        (
            "sharpness",
            "largest eigenvalue of the Hessian of the training loss. It is small for smooth fits and for "
            "over-confident ones",
        ),
        ("threshold", "2/step size: gradient descent cannot settle where the sharpness is larger"),
        (
            "edge ratio",
            "sharpness/threshold at the end of training. Near 1, the step size smoothed the fit; well below "
            "1, training stopped early, and that smoothed it",
        ),
        ("time", "sum of the step sizes over the steps"),
        STOP,
        (
            "iterates",
            "at the edge of stability descent swings between two networks; the fit is their midpoint",
        ),
    ]
)
