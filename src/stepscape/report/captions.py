"""What the figures of the experiments show, for the eye and for who cannot see them."""

from __future__ import annotations

_CAPTIONS = {
    ("curve-fitting", "fits-noisy"): (
        "Noisy labels (first seed). Columns: step size, increasing to the right; rows: the three arms. "
        "Dashed: the truth. At the edge of stability descent swings between two functions (thin); the "
        "solution is their mean (thick). Marks below: where neurons bend; diamonds: where the slope "
        "changes, by how much."
    ),
    ("curve-fitting", "fits-clean"): (
        "The same without noise: many functions pass through these points, and the step size decides."
    ),
    ("curve-fitting", "risk-and-pieces"): (
        "Above: mean squared error to the truth against step size, compared in three fair ways: after "
        "equally many steps, after equal time Σ η, and with every run stopped at its best held-out "
        "moment. Below: straight pieces of the learned line, counted within 5 % of the standard "
        "deviation of the labels."
    ),
    ("sharpness-vs-step-size", "edge"): (
        "Above: sharpness where training ended, against step size; the dashed line is 2/η, nothing is "
        "fitted. Below: how many of the neurons bend among the data, are dead, or have their kink stuck "
        "to an input, where the Hessian does not see it."
    ),
    ("sharpness-vs-step-size", "sharpening"): (
        "Sharpness during training, over steps and over time Σ η, with the threshold 2/η of each step "
        "size as a thin line. From a small initialization it rises until it meets its threshold: "
        "progressive sharpening. With warm-up it starts above and follows the falling threshold down. "
        "Either way it then stays."
    ),
    ("interpolation-is-sharp", "sharpness"): (
        "Sharpness, less the 1 that the output bias costs, of networks that pass through every noisy label, "
        "against the number of inputs and the noise: two lower bounds from the data alone, the certified "
        "least value over all widths, and two interpolators. Descent can stay at one only with a step size "
        "below 2/λ. Dotted: the powers that the theory claims at least."
    ),
    ("interpolation-is-sharp", "stability"): (
        "Descent started a millionth away from an interpolator, along its sharpest direction, on either "
        "side. Just below 2/λ it comes back, just above it leaves, both at the predicted rate (broken "
        "lines); with knots on the inputs the loss has a kink there and neither rate holds."
    ),
    ("interpolation-is-sharp", "curves"): (
        "The functions: the flattest interpolator is close to the line that connects the dots."
    ),
    ("fit", "fit"): "The fit (thick) with the data; a diamond wherever its slope visibly changes.",
    ("fit", "residuals"): "What the fit leaves: labels minus predictions.",
    ("fit", "path"): (
        "Above: cross-validated error at each step size, with its standard error over the folds; the square "
        "is the choice. Below: how close to the edge of stability each fold came."
    ),
}


def caption(subject: str, figure: str) -> str:
    """Return the caption of a figure of an experiment (or of a "fit"); its name where none is written."""
    return _CAPTIONS.get((subject, figure), figure.replace("-", " ").replace("_", " "))
