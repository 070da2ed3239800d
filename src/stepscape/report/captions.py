"""Captions of the figures, which are also their alternative texts."""

from __future__ import annotations

_CAPTIONS = {
    ("sweep", "step-size"): (
        "Marks are medians over seeds, whiskers run from quartile to quartile, and faint marks show every "
        "run. The dashed line is the threshold above which descent cannot settle, 2/η for gradient descent; "
        "if methods have different thresholds, each has its own color. Runs that diverged or failed are not "
        "drawn; a hollow mark is the median of the runs that remain."
    ),
    ("sweep", "functions"): (
        "Learned functions: of each group and step size the run of the first seed that finished, at up to "
        "seven step sizes. The dashed line is the truth, where it is known. Runs keep these functions if "
        "the sweep file sets curve_points; all of them are in `stepscape export --curves`."
    ),
    ("sweep", "training"): (
        "The same runs during training. The dashed line is the threshold: an edge ratio of 1 is the edge of "
        "stability. Runs keep these records if the sweep file sets trajectory."
    ),
    ("outcome", "fit"): (
        "Above: the probability (thick), the rows as ticks, and the share of rows in bins if there are "
        "enough of them. Below: its logit, the piecewise linear function that the network represents; a "
        "diamond marks each visible knot. The shaded region is uncertain: the logit is within ±1. The bar at "
        "the bottom runs from its first row to its last. Only there do the theorems bound the bends."
    ),
    ("outcome", "calibration"): (
        "Above: the observed share against the predicted probability, for rows that were left out of "
        "training; on the dashed line the two agree. Below: the number of rows with either value."
    ),
    ("outcome", "path"): (
        "Above: cross-validated log-loss at each step size, stopped at its best moment, with the standard "
        "error over folds. The square marks the choice; the dotted line is the log-loss of one probability "
        "for all rows. Below: how close each fold came to the edge of stability."
    ),
    ("outcome", "times"): (
        "Cross-validated log-loss against training time for some of the step sizes. Where a curve rises "
        "again, the fit grows certain of patterns that the rows left out do not show; above the dotted line "
        "it is worse than one probability for all rows."
    ),
    ("fit", "fit"): (
        "The fit (thick) and the data. A diamond marks each visible knot: bends within 1 % of the range "
        "count as one, and those below 1 % of all change of slope are left out."
    ),
    ("fit", "residuals"): "The residuals: labels minus predictions.",
    ("fit", "path"): (
        "Above: cross-validated error at each step size, with the standard error over folds; the square "
        "marks the choice. Below: how close each fold came to the edge of stability."
    ),
}


_NOWHERE = (
    "Above: the probability (thick), the rows as ticks, and the share of rows in bins if there are enough of "
    "them. Below: its logit, the piecewise linear function that the network represents; a diamond marks each "
    "visible knot. The fit is uncertain (logit within ±1) nowhere, and only there could the theorems bound "
    "the bends."
)


def outcome_caption(figure: str, uncertain: bool) -> str:
    """Return the caption of a figure of an outcome; it names the shaded region only if there is one."""
    return caption("outcome", figure) if uncertain or figure != "fit" else _NOWHERE


def caption(subject: str, figure: str) -> str:
    """Return the caption of a figure of an experiment (or of a "fit"); its name where none is written."""
    return _CAPTIONS.get((subject, figure), figure.replace("-", " ").replace("_", " "))
