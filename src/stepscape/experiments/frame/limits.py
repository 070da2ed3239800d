"""The constants that all rules share; a rule with another limit states its own."""

from __future__ import annotations

LEVEL = 0.95  # of every interval
NEARLY_ALL = 0.9  # share of runs that counts as nearly all
MOST = 0.5  # share of runs that counts as most
LEAST_SEEDS = 3  # for an interval over seeds
DECISIVE_SEEDS = 20  # that a full size has at least
LEAST_VALUES = 3  # different values for a slope
LEAST_SPAN = 4.0  # largest over smallest of these values
IMPLAUSIBLE = 0.01  # probability below which as many failures contradict a bound on their rate
FEWEST_BENT, LEAST_BENT = 3, 0.01  # neurons, share of the width: a network with fewer bends is dead
EDGE = (0.95, 1.1)  # edge ratios that count as the edge of stability
TRANSIENT = 0.2  # share of the steps of a network before which the edge does not count as reached

# A change of one of these changes every rule: they are part of each fingerprint.
COMMON = {
    "level": LEVEL,
    "nearly_all": NEARLY_ALL,
    "most": MOST,
    "least_seeds": LEAST_SEEDS,
    "implausible": IMPLAUSIBLE,
    "fewest_bent": FEWEST_BENT,
    "least_bent": LEAST_BENT,
}
