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
        "side. Just below 2/λ it comes back, just above it leaves, both at the predicted rate (broken "
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
    ("flat-but-wrong", "flatness"): (
        "Networks that pass through every noisy label with margin γ, medians and quartiles over seeds. "
        "Above: their sharpness; black, dotted: its explicit bound; in color: the thresholds 2/η. Below: "
        "their training loss and gradient. Hollow marks: descents from a random start on the same labels, "
        "at their median margin."
    ),
    ("flat-but-wrong", "risk"): (
        "Above: test loss of the same networks; dotted: what their errors predict, proportional to γ. Below: "
        "their test error. Broken line: the truth itself. Hollow marks: descents, at their median margin."
    ),
    ("flat-but-wrong", "functions"): (
        "What a flat interpolator and descents say about the same labels (bars above and below; first "
        "seed): the probability of label 1. Broken line: the truth."
    ),
    ("flat-but-wrong", "staying"): (
        "Sharpness over the threshold 2/η during descents that start on an interpolator (first seed): left "
        "at a margin where it is flat, right at the margin where it is sharpest."
    ),
    ("confident-curvature", "one-neuron"): (
        "Sharpness of the loss of one example at the neuron with the shortest gradient, against its "
        "margin. The Gauss–Newton part gets sharper, then flatter; the residual part is largest at margin "
        "0, so that the whole Hessian falls first. Broken line: the curvature of the loss in the "
        "prediction alone."
    ),
    ("confident-curvature", "one-example"): (
        "One example learned by a wide network from scaled initializations (first seed): its curvature "
        "and its squared gradient against its margin, on the closed form of gradient flow. From the "
        "default initialization the gradient does not change, and the curvature only falls."
    ),
    ("confident-curvature", "sample"): (
        "Curvature of all examples of a sample at all records of descents, in bins of their margin: medians "
        "with quartiles (first seed). Dotted: what a gradient that never changes would give."
    ),
    ("does-descent-get-there", "fates"): (
        "What became of the runs, a bar for each initialization (rows) and step size (columns), as long as "
        "the counts of its seeds. Certified flat: λ_max ≤ 2/η, fits the labels as well as the truth, and "
        "the bound where the network is uncertain is not vacuous."
    ),
    ("does-descent-get-there", "times"): (
        "Steps (left) and time Σ η (right) until a run is first certified flat, medians and quartiles of the "
        "runs that got there. Broken line: what gradient flow would do."
    ),
    ("does-descent-get-there", "found"): (
        "Left: both sides of the certificate where runs end certified flat, below what a function needs that "
        "passes through every uncertain label with the same confidence. Right: excess risk of the interior "
        "of every run, by fate."
    ),
    ("smoothness-or-confidence", "planes"): (
        "Above: roughness against confidence during training, medians over seeds; a star: the truth. Below: "
        "the two factors that flatness bounds together, with the limit 2/η of each step size (thin). Curves "
        "begin once the loss stays below that of the start."
    ),
    ("smoothness-or-confidence", "margins"): (
        "Runs of their own that keep the margin y f, medians over seeds; a star: the truth. Above: roughness "
        "against the median y f during training. Below: median y f against median |f|; on the thin line they "
        "are equal, as they are when no label is missed."
    ),
    ("smoothness-or-confidence", "over-time"): (
        "Median and largest |f| over the inputs, roughness, and sharpness over the threshold 2/η, against "
        "the steps: medians and quartiles over seeds."
    ),
    ("smoothness-or-confidence", "equal-levels"): (
        "Roughness where the runs come to equal confidence, confidence where they come to equal roughness, "
        "and the largest |f| at the end among the outer tenths of the inputs and the rest; medians and "
        "quartiles of the runs that come there."
    ),
    ("sweep", "step-size"): (
        "Medians over seeds, whiskers from quartile to quartile, every run as a faint mark. Dashed: the "
        "threshold above which descent cannot settle, 2/η for gradient descent; where methods have different "
        "thresholds, each in the color of its own. Runs that diverged or failed are not drawn; a hollow mark "
        "is the median of those that were left."
    ),
    ("outcome", "fit"): (
        "Above: the probability (thick), the rows as ticks, and their share in bins where there are enough "
        "of them. Below: its logit, the broken line that the network draws; a diamond wherever it visibly "
        "bends. Shaded: the uncertain region, where the logit is within ±1; the bar at the bottom runs from "
        "its first row to its last. Only there do the theorems bound the bends."
    ),
    ("outcome", "calibration"): (
        "Above: how often it came out against the predicted probability, for rows that were left out of "
        "training; on the dashed line as often as predicted. Below: how many rows, by what came out."
    ),
    ("outcome", "path"): (
        "Above: cross-validated log-loss at each step size, stopped at its best moment, with its standard "
        "error over the folds; the square is the choice, the dotted line one probability for all rows. "
        "Below: how close to the edge of stability each fold came."
    ),
    ("outcome", "times"): (
        "Cross-validated log-loss against training time for some of the step sizes. Where curves rise again "
        "the fit grows certain of what does not hold for the rows left out; above the dotted line it is "
        "worse than one probability for all rows."
    ),
    ("fit", "fit"): "The fit (thick) with the data; a diamond wherever its slope visibly changes.",
    ("fit", "residuals"): "What the fit leaves: labels minus predictions.",
    ("fit", "path"): (
        "Above: cross-validated error at each step size, with its standard error over the folds; the square "
        "is the choice. Below: how close to the edge of stability each fold came."
    ),
}


_NOWHERE = (
    "Above: the probability (thick), the rows as ticks, and their share in bins where there are enough of "
    "them. Below: its logit, the broken line that the network draws; a diamond wherever it visibly bends. "
    "Nowhere is the fit uncertain (logit within ±1), and only there do the theorems bound the bends."
)


def outcome_caption(figure: str, uncertain: bool) -> str:
    """Return the caption of a figure of an outcome; what is shaded only where something is."""
    return caption("outcome", figure) if uncertain or figure != "fit" else _NOWHERE


def caption(subject: str, figure: str) -> str:
    """Return the caption of a figure of an experiment (or of a "fit"); its name where none is written."""
    return _CAPTIONS.get((subject, figure), figure.replace("-", " ").replace("_", " "))
