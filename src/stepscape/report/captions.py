"""Captions of the figures, which are also their alternative texts."""

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
        "deviation of the labels. Faint marks: every run."
    ),
    ("sharpness-vs-step-size", "edge"): (
        "Above: sharpness where training ended, against step size; the dashed line is 2/η, nothing is "
        "fitted; faint marks: every run. Below: how many of the neurons bend among the data, are dead, or "
        "have their kink stuck to an input, where the Hessian does not see it."
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
        "side. Just below 2/λ it comes back, just above it leaves, both at the predicted rate (dashed "
        "lines); with knots on the inputs the loss has a kink there and neither rate holds."
    ),
    ("interpolation-is-sharp", "curves"): (
        "The functions: the flattest interpolator is close to the line that connects the dots, except near "
        "the ends of the data, where g is small and bends cost almost nothing. The axis spans the labels; "
        "where a curve leaves it, the picture says how far it goes."
    ),
    ("risk-vs-step-size", "risk"): (
        "Mean squared error to the truth against step size, medians and quartiles over seeds; rows: at the "
        "inputs, and on a grid in the interior (weight g at least a tenth of its largest value) and near the "
        "boundary. Three fair ways to stop: after equally many steps, at equal time Σ η, at the best "
        "held-out moment. Dashed: the noise variance, the risk of a curve through every label."
    ),
    ("risk-vs-step-size", "averaging"): (
        "Above: the risk of each of the last two iterates and of their mean. At the edge of stability "
        "descent swings between two functions, and the last one alone looks worse than their mean. Below: "
        "training loss; above the dashed line it is larger than that of the truth, and the theorems on the "
        "risk do not speak."
    ),
    ("sparsity-vs-step-size", "sparsity"): (
        "Above: bends of the learned function, counted by size: straight pieces within 5 % of the standard "
        "deviation of the labels, features (hundredths of the range with more than 1 % of the slope change), "
        "and their effective number (participation: 1 for one bend, more the more evenly change is "
        "spread). Middle: knots and neurons; carriers hold 90 % of Σ |w1 w2|. Below: total and weighted "
        "variation of the slope, with the bound 1/η − ½ for stationary points."
    ),
    ("weighted-tv", "sides"): (
        "Above: both sides of the inequalities where training ended; dashed: 1/η − ½, what λ_max = 2/η gives "
        "without the residual. Below: left side over right side; 1 would be equality, more a violation."
    ),
    ("weighted-tv", "over-time"): (
        "Both sides at every record of the first seed, from the start on: the inequalities hold at every "
        "point, trained or not. The thin line is 1/η − ½ for the step size of the moment; it bounds the left "
        "side only where λ_max is below 2/η, up to the residual. At large step sizes all of it swings with "
        "the two phases of descent."
    ),
    ("weak-to-strong", "excess"): (
        "Excess risk against the number of examples, medians and quartiles over seeds: above where the "
        "truth is uncertain, below where the weight g is at least a tenth of its largest value. Columns: "
        "step size. Dotted: the power that the theory claims at most, through the median of the smallest "
        "size."
    ),
    ("weak-to-strong", "norm"): (
        "Norm of the parameters and variation of the slope against the number of examples, with the "
        "powers of n below which the norm is to stay."
    ),
    ("weak-to-strong", "premises"): (
        "Above: share of the runs that fit the labels of the uncertain hull at least as well as the truth, "
        "without which the theorem says nothing. Below: sharpness over the threshold 2/η."
    ),
    ("noise-robustness", "excess"): (
        "Above: excess risk in the interior against the rate of flipped labels, at three moments. Below: "
        "what the largest step size saves against each smaller one, paired by seed; above 0 it helps."
    ),
    ("noise-robustness", "overlap"): (
        "Overlap of the inputs where the network and where the truth is uncertain, at the end. Black: the "
        "overlap of a network that is uncertain everywhere; where it is 1 the question is empty."
    ),
    ("logistic-step-sizes", "functions"): (
        "Learned logits of the first seed. Columns: step size; rows: at most three of the cells. Gray: where "
        "|f| is at most 1. Where a curve leaves the axis, the number above says how far it goes."
    ),
    ("logistic-step-sizes", "sharpness"): (
        "Sharpness over the last half of training against step size, medians and quartiles; step sizes "
        "within 10 % are pooled. Dashed: the line 2/η. Dotted: the untrained network; where it lies above "
        "the line, a run starts beyond the edge."
    ),
    ("logistic-step-sizes", "excess-interior"): (
        "Excess risk where the weight g is at least a tenth of its largest value, one curve per moment, "
        "medians and quartiles; step sizes within 10 % are pooled."
    ),
    ("logistic-step-sizes", "excess-by-region"): (
        "Excess risk at the end over all inputs, in the interior, where the theory speaks, and near the ends "
        "of the data, where it is silent; step sizes within 10 % are pooled."
    ),
    ("logistic-step-sizes", "excess-everywhere"): (
        "Excess risk over all inputs, one curve per moment, medians and quartiles; step sizes within 10 % "
        "are pooled."
    ),
    ("logistic-step-sizes", "loss"): (
        "Training loss of the mean of the last two iterates, one curve per moment, with that of the truth on "
        "the same labels; step sizes within 10 % are pooled."
    ),
    ("logistic-step-sizes", "weighted-tv"): (
        "Weighted variation ∫|f″|g, one curve per moment, medians and quartiles; step sizes within 10 % are "
        "pooled."
    ),
    ("logistic-step-sizes", "pieces"): (
        "Straight pieces of the learned logit, within 0.2, one curve per moment; step sizes within 10 % are "
        "pooled."
    ),
    ("logistic-step-sizes", "iterates"): (
        "Excess risk at the end of each of the last two iterates and of their mean, the solution; step sizes "
        "within 10 % are pooled."
    ),
    ("logistic-step-sizes", "help"): (
        "The intervals that the rule reads: one panel per moment, one line per cell, and the mean over all "
        "cells, which decides. Blue, pointing right: the largest step size has less excess risk in the "
        "interior than the smallest; red, pointing left: more."
    ),
    ("logistic-arms", "edge"): (
        "Sharpness over the threshold 2/η against the step size, medians and quartiles over all cells: the "
        "untrained network, and the mean over the last half of the steps. Columns: arms."
    ),
    ("logistic-arms", "excess-interior"): (
        "Excess risk where the weight g is at least a tenth of its largest value, at three moments, medians "
        "and quartiles over seeds, narrowest interval. Rows: amplitude of the truth; columns: arms."
    ),
    ("logistic-arms", "excess-everywhere"): (
        "Excess risk over all inputs at three moments, medians and quartiles over seeds, narrowest interval. "
        "Rows: amplitude of the truth; columns: arms."
    ),
    ("logistic-arms", "help"): (
        "The intervals that the rule reads; thick: the mean over all cells, which decides. Blue, pointing "
        "right: the largest step size has less excess risk than the smallest; red, pointing left: more."
    ),
    ("logistic-arms", "complex-truths"): (
        "What the largest step size loses against the best smaller one, each stopped at its best held-out "
        "moment, against the variation of the truth's slope: plain above, weighted by g below. Above the "
        "dashed line the largest is worse."
    ),
    ("logistic-arms", "where-the-risk-sits"): (
        "Share of the excess risk that lies at the inputs outside the interior, medians and quartiles over "
        "seeds; dashed: the share of the inputs that are there."
    ),
    ("uncertain-regions", "regions"): (
        "Where the network is uncertain (gray) as training proceeds, upward; black at the top: where the "
        "truth is. Columns: step size; rows: at most three of the cells; first seed."
    ),
    ("uncertain-regions", "overlap"): (
        "Overlap of the uncertain regions of network and truth, intersection over union, during training. "
        "Where the truth is uncertain everywhere it is the share of the network's own region."
    ),
    ("uncertain-regions", "share"): (
        "Share of the inputs where the network is uncertain, during training; dashed: that of the truth."
    ),
    ("uncertain-regions", "step-a"): (
        "Both sides of the inequality that turns excess risk into overlap, at the end. Above the dashed line "
        "the bound says nothing."
    ),
    ("uncertain-regions", "flat-bounds"): (
        "Both sides of two bounds on the variation where the network is uncertain, at the end: each input "
        "weighted by its curvature, and the set of uncertain inputs with the best γ."
    ),
    ("sweep", "step-size"): (
        "Marks are medians over seeds, whiskers run from quartile to quartile, and faint marks show every "
        "run. The dashed line is the threshold above which descent cannot settle, 2/η for gradient descent; "
        "if methods have different thresholds, each has its own color. Runs that diverged or failed are not "
        "drawn; a hollow mark is the median of the runs that remain."
    ),
    ("outcome", "fit"): (
        "Above: the probability (thick), the rows as ticks, and the share of rows in bins if there are "
        "enough of them. Below: its logit, the piecewise linear function that the network represents; a "
        "diamond marks each visible bend. The shaded region is uncertain: the logit is within ±1. The bar at "
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
    ("fit", "fit"): "The fit (thick) and the data; a diamond marks each visible change of slope.",
    ("fit", "residuals"): "The residuals: labels minus predictions.",
    ("fit", "path"): (
        "Above: cross-validated error at each step size, with the standard error over folds; the square "
        "marks the choice. Below: how close each fold came to the edge of stability."
    ),
}


_NOWHERE = (
    "Above: the probability (thick), the rows as ticks, and the share of rows in bins if there are enough of "
    "them. Below: its logit, the piecewise linear function that the network represents; a diamond marks each "
    "visible bend. The fit is uncertain (logit within ±1) nowhere, and only there could the theorems bound "
    "the bends."
)


def outcome_caption(figure: str, uncertain: bool) -> str:
    """Return the caption of a figure of an outcome; it names the shaded region only if there is one."""
    return caption("outcome", figure) if uncertain or figure != "fit" else _NOWHERE


def caption(subject: str, figure: str) -> str:
    """Return the caption of a figure of an experiment (or of a "fit"); its name where none is written."""
    return _CAPTIONS.get((subject, figure), figure.replace("-", " ").replace("_", " "))
