"""The sweep over step sizes that the claims on networks of one input share."""

from __future__ import annotations

from stepscape.experiments.frame.levels import Levels
from stepscape.experiments.frame.limits import FEWEST_BENT, LEAST_BENT, MOST

STEP_SIZES = Levels(
    "step_size", "step sizes", "η", alive="bent_neurons", lives="learns a curve",
    dies="all neurons die, or nearly all,", fewest=FEWEST_BENT, of_width=LEAST_BENT,
)  # fmt: skip
# For the rules: what a catapult leaves of a network may be one neuron, and descent did not choose that curve.
BENT = f"{FEWEST_BENT} neurons or more, and at least {LEAST_BENT:.0%} of the width, bent among the data"
WORKS = (
    f"A step size works if at least {MOST:.0%} of its runs finish with {BENT}; {STEP_SIZES.least} or more "
    f"must work, the largest of them at least {STEP_SIZES.span:g} times the smallest."
)
