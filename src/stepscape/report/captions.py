"""Captions of the figures, which are also their alternative texts."""

from __future__ import annotations

_CAPTIONS = {
    ("sweep", "step-size"): (
        "What was measured at the end of every run against the step size. Solid lines are medians over "
        "seeds, bands run from quartile to quartile, and faint dots show every run where there are at most "
        "20 seeds. The dashed line is the threshold above which descent cannot settle, 2/η for gradient "
        "descent; if methods have different thresholds, each has its own color. The edge ratio is the "
        "sharpness λ_max over its threshold, the risk the mean squared error to the truth, the excess risk "
        "the log-loss over that of the truth, the error on held-out rows the mean squared error there, or "
        "the log-loss for two classes. The rate of a neuron is the share of the examples on which it "
        "is active; its mean is weighted by |w2| ‖w1‖. Runs that diverged or failed are not drawn; a hollow "
        "mark is the median of the runs that remain."
    ),
    ("sweep", "functions"): (
        "Learned functions: of each group and step size the run of the first seed that finished, at up to "
        "seven step sizes. The dashed line is the truth, if it is known. Runs keep these functions if the "
        "sweep file sets curve_points; all of them are in `stepscape export --curves`."
    ),
    ("sweep", "training"): (
        "The same runs during training. The dashed line is the threshold: an edge ratio of 1 is the edge of "
        "stability. Runs keep these records if the sweep file sets trajectory."
    ),
    ("sweep", "rates"): (
        "The neurons of the same runs at the end of training: which percentage of them is active on at most "
        "so many of the examples. The farther to the left a curve rises, the fewer examples they hold; its "
        "height at 0 is the share of dead neurons. Runs keep their rates if the sweep file sets rates; "
        "all of them are in `stepscape export --curves`."
    ),
    ("outcome", "fit"): (
        "Above: the fitted probability (solid), the rows as gray ticks, and the share of rows in bins with "
        "its 95 % interval if there are enough of them. Below: its logit, the piecewise linear function that "
        "the network represents; diamonds mark where one straight piece ends and the next begins. The shaded "
        "ground is uncertain: the logit is within ±1, the dotted lines. The bar at the bottom runs from the "
        "first row there to the last. Only there do the theorems bound the bends."
    ),
    ("outcome", "calibration"): (
        "Above: the observed share with its 95 % interval against the predicted probability, for rows that "
        "were left out of training; beside each mark the number of rows, if there is room. On the dashed "
        "line the two agree. Below: bars count the rows with either value."
    ),
    ("outcome", "path"): (
        "Above: cross-validated log-loss at each step size η, stopped at its best moment; bars are standard "
        "errors over folds. The square marks the choice; the dotted line is the log-loss of one probability "
        "for all rows. A hollow disk: in some fold the loss was not level, so that stopping early also "
        "smoothed it. Below: the sharpness of each fold over its threshold, drawn within 0.5 and 1.5; the "
        "dashed line is the edge of stability."
    ),
    ("outcome", "times"): (
        "Cross-validated log-loss against training time Σ η for some of the step sizes. If a curve rises "
        "again, the fit grows certain of patterns that the rows left out do not show; above the dotted line "
        "it is worse than one probability for all rows. The square marks the choice."
    ),
    ("watch", "run"): (
        "Above: the edge ratio, the largest curvature over the threshold of the optimizer; the dashed line "
        "is the edge of stability. Below: the loss on the batch of the monitor. Squares and dotted lines "
        "mark spikes of the loss. Disks mark measurements where there are few. On shaded ground the loss was "
        "not finite."
    ),
    ("complete", "penalty"): (
        "Mean squared error of cells that were held out, in units of the variance of each column, at each "
        "penalty λ: on the left the norm counts little beside the observed cells, on the right it leaves "
        "only the column means, the dotted line. Bars are standard errors over folds; a disk (flat norm) and "
        "a square (nuclear norm) mark the choices."
    ),
    ("complete", "columns"): (
        "Standard error of a filled cell, from cells of its column that were held out, over the standard "
        "deviation of the column. On the dotted line a filled cell is no better than the mean of its column. "
        "At most 24 columns are drawn: those that are filled best."
    ),
    ("recover", "spectrum"): (
        "Singular values of the flattest matrix (disks), of the one of least nuclear norm (hollow squares) "
        "and of the one of least Frobenius norm (line without marks). A disk inside a square is a value that "
        "both have. Values below a millionth of the largest one are not drawn."
    ),
    ("recover", "error"): (
        "Every point is an entry of the matrix: its value in the truth, and in the solution that the panel "
        "names. On the dotted line the two agree. Of more than 400 entries, 400 evenly spaced ones are drawn."
    ),
    ("recover", "difference"): (
        "Every point is an entry of the matrix: its value in the flattest matrix, and in the one of least "
        "nuclear or Frobenius norm. On the dotted line the two agree. Of more than 400 entries, 400 evenly "
        "spaced ones are drawn."
    ),
    ("recover", "residuals"): (
        "Every point is a measurement: its label, and what the matrix says instead. On the dotted line the "
        "two agree. Of more than 400 measurements, 400 evenly spaced ones are drawn."
    ),
    ("fit", "fit"): (
        "The data (hollow circles) and the fit (solid). Diamonds mark where one straight piece ends and the "
        "next begins; pieces follow the fit within 5 % of the standard deviation of the labels. Below: data "
        "minus fit, with dotted lines at plus and minus their root mean square."
    ),
    ("fit", "path"): (
        "Above: cross-validated error at each step size η; bars are standard errors over folds, and the "
        "square marks the choice. A hollow disk: in some fold the loss was not level, so that stopping early "
        "also smoothed it. With the rule 1se the dotted line is the least error plus its standard error. "
        "Below: the sharpness of each fold over its threshold, drawn within 0.5 and 1.5; the dashed line is "
        "the edge of stability."
    ),
    ("features", "observed"): (
        "Every circle is a row: its label, and what the fold predicts that left the row out of training. On "
        "the dotted line the two agree."
    ),
    ("features", "calibration"): (
        "Above: the observed share with its 95 % interval against the predicted probability, for rows that "
        "were left out of training; beside each mark the number of rows, if there is room. On the dashed "
        "line the two agree. Below: bars count the rows with either value."
    ),
    ("features", "shattering"): (
        "Neurons by the share of the rows on which they are active. The dark bar on the left counts those "
        "that are active on a single row; neurons that are active on no row are not drawn. Rows with equal "
        "inputs count once."
    ),
    ("features", "features"): (
        "The mean prediction over the rows of the table if one feature had the value on the axis and the "
        "others were as they are. Panels share the vertical axis; the features that move the mean prediction "
        "most are drawn, six at most."
    ),
    ("features", "path"): (
        "Above: cross-validated error at each step size η, stopped at its best moment; bars are standard "
        "errors over folds. The square marks the choice; the dotted line is the error without features. A "
        "hollow disk: in some fold the loss was not level, so that stopping early also shaped the fit. "
        "Below: the sharpness of each fold over its threshold, drawn within 0.5 and 1.5; the dashed line is "
        "the edge of stability."
    ),
    ("features", "times"): (
        "Cross-validated error against training time Σ η, for each step size. If a curve rises again, the "
        "fit begins to repeat labels that the rows left out do not share; above the dotted line it is worse "
        "than no features at all. The square marks the choice."
    ),
}


_NOWHERE = (
    "Above: the fitted probability (solid), the rows as gray ticks, and the share of rows in bins with its "
    "95 % interval if there are enough of them. Below: its logit, the piecewise linear function that the "
    "network represents; diamonds mark where one straight piece ends and the next begins. The fit is "
    "uncertain (logit within ±1, the dotted lines) nowhere, and only there could the theorems bound the "
    "bends."
)


def outcome_caption(figure: str, uncertain: bool) -> str:
    """Return the caption of a figure of an outcome; it names the shaded region only if there is one."""
    return caption("outcome", figure) if uncertain or figure != "fit" else _NOWHERE


def caption(subject: str, figure: str) -> str:
    """Return the caption of a figure of an experiment (or of a "fit"); its name where none is written."""
    return _CAPTIONS.get((subject, figure), figure.replace("-", " ").replace("_", " "))
