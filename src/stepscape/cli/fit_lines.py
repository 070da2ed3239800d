"""The document of a fit → the lines for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepscape.cli import console
from stepscape.cli.certificate_lines import certificate_lines, short

Document = Mapping[str, Any]


def lines(document: Document) -> list[str]:
    """Print a fit: what was used, what was done, what came of it, what is proved, what was written."""
    data, result, predictions = document["data"], document["fit"], document["predictions"]
    said = [f"{data['y']} against {data['x']}: {data['used']} of {data['rows']} rows used"]
    said += [f"  dropped {rows}: {why}" for why, rows in data["dropped"].items()]
    said += [console.paragraph(text, "  ") for text in [*data["recognized"], *result["done"]]]
    said += [console.paragraph(f"stopping rule: {result['stopping_rule']}", "  ")]
    said += ["", *console.columns(_facts(result)), *_folds(result), *_certificates(result)]
    said += [
        "",
        f"Wrote {document['directory']}: report.html (open it in a browser), predictions.csv "
        f"({predictions['predicted']} of {predictions['rows']} rows), result.json, figures/",
    ]
    return said


def _training(result: Document) -> list[tuple[str, str]]:
    from stepscape.report.fit import shape_facts
    from stepscape.report.words import number

    return [
        ("step size", f"{result['step_size']:.4g}"),
        ("ended", f"after {result['steps']} steps: {result['stop_sentence']}"),
        ("edge ratio", f"{number(result['edge_ratio'])} (sharpness / (2/step size))"),
        ("sharpness", f"{number(result['sharpness'])} ± {result['sharpness_residual']:.0e}"),
        *shape_facts(result),
    ]


def _features(result: Document) -> list[tuple[str, str]]:
    """Say what came of a fit against several columns."""
    from stepscape.report.features import held_facts, score_facts
    from stepscape.report.words import number

    return [
        ("step size", f"{result['step_size']:.4g}"),
        ("ended", f"after {result['steps']} steps: {result['stop_sentence']}"),
        ("edge ratio", f"{number(result['edge_ratio'])} (sharpness / (2/step size))"),
        ("sharpness", f"{number(result['sharpness'])} ± {result['sharpness_residual']:.0e}"),
        *((name, number(value)) for name, value in score_facts(result)),
        *((name, number(value)) for name, value in held_facts(result)),
    ]


def _square(result: Document) -> list[tuple[str, str]]:
    from stepscape.report.words import number

    return [*_training(result), ("root mean square residual", number(result["rmse"]))]


def _logistic(result: Document) -> list[tuple[str, str]]:
    from stepscape.report.outcome import uncertain_words

    negative, positive = (
        f"{rows} × {name}" for name, rows in zip(result["classes"], result["class_rows"], strict=True)
    )
    return [
        ("prediction", result["prediction"]),
        ("rows", f"{positive}, {negative}"),
        *_training(result),
        ("log-loss", f"{short(result['log_loss'])} ({short(result['base_log_loss'])} without x)"),
        ("Brier score", f"{short(result['brier'])} ({short(result['base_brier'])} without x)"),
        ("uncertain", uncertain_words(result["uncertain"])),
    ]


_FACTS: dict[str, Callable[[Document], list[tuple[str, str]]]] = {"square": _square, "logistic": _logistic}


def _facts(result: Document) -> list[tuple[str, str]]:
    return _features(result) if "shattering" in result else _FACTS[result["loss"]](result)


def _folds(result: Document) -> list[str]:
    if result["path"] is None:
        return []
    mark = {True: "<- chosen", False: ""}
    rows = [("step size", "error", "std. error", "time of each fold", "edge ratio of each fold", "")]
    for member in result["path"]:
        folds = [fold for fold in result["folds"] if fold["step_size"] == member["step_size"]]
        rows.append(
            (
                f"{member['step_size']:.4g}",
                short(member["cv_error"]),
                short(member["standard_error"]),
                " ".join(short(fold["time"]) for fold in folds),
                " ".join(short(fold["edge_ratio"]) for fold in folds),
                mark[bool(member["chosen"])],
            )
        )
    of = {"square": "squared error", "logistic": "log-loss in nats"}[result["loss"]]
    return ["", f"Cross-validation ({of}):", *console.columns(rows)]


def _certificates(result: Document) -> list[str]:
    from stepscape.report.gain import gain_sentence

    said = gain_sentence(result)
    proved = [console.paragraph(f"generalization: {said}", "  ")] if said else []
    return [
        "",
        f"Certificates, in {result['units']}:",
        *certificate_lines(result["certificates"], "fit"),
        *proved,
    ]
