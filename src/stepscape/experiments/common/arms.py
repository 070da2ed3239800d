"""The three arms of every step-size experiment: where a run starts and how its step size rises.

``as_printed``    PyTorch's default initialization and a constant step size: the tutorial read literally.
``small_init``    the same scaled down until the initial sharpness is 0.8·2/η for the largest step size of the
                  grid: every run starts inside its threshold, and all from the same network.
``warm_up``       a large initialization (mean-field, scale 6) and a geometric warm-up from 1/(initial
                  sharpness) over a tenth of the steps: nothing diverges, but the crossing of the
                  threshold from below is no longer the run's own doing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepscape.errors import unknown
from stepscape.experiments.frame.follow import steps_until
from stepscape.lab.spec import stream
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives import rough_sharpness
from stepscape.problems import Problem

ARMS = {
    "as_printed": "default initialization, constant step size",
    "small_init": "initialization scaled below every threshold, constant step size",
    "warm_up": "large initialization, warm-up",
}
ARM_TITLES = {
    "as_printed": "default initialization",
    "small_init": "small initialization",
    "warm_up": "large init, warm-up",
}
ARM_NAMES = {
    "as_printed": "the default start",
    "small_init": "the small start",
    "warm_up": "the large start with warm-up",
}
MARGIN = 0.8
LARGE_SCALE = 6.0


@dataclass(frozen=True)
class Start:
    """A network to start from and the share of the steps that warm up."""

    network: TwoLayerReLU
    scale: float
    warmup_share: float

    def method(self, step_size: float, steps: int) -> GradientDescent:
        """Gradient descent in this arm."""
        return GradientDescent(step_size, steps, warmup_steps=int(self.warmup_share * steps))


def start(arm: str, problem: Problem, width: int, seed: int, largest_step_size: float) -> Start:
    """Draw the start of an arm from the seed of a run; the same for every step size of a grid."""
    if arm not in ARMS:
        raise unknown("arm", arm, ARMS)
    seed = stream(seed, "network")
    if arm == "warm_up":
        return Start(TwoLayerReLU.random(width, LARGE_SCALE, "mean_field", seed), LARGE_SCALE, 0.1)
    scale = 1.0 if arm == "as_printed" else stable_scale(problem, width, seed, largest_step_size)
    return Start(TwoLayerReLU.random(width, scale, "torch", seed), scale, 0.0)


def stable_scale(problem: Problem, width: int, seed: int, step_size: float) -> float:
    """Find the largest scale of the default initialization with initial sharpness at most 0.8·2/η, to 1 %.

    At least 1e-4: where even a vanishing network is too sharp (λ_max ≥ 1 because of the output bias), the
    premise of the arm cannot be met, and the initial sharpness in the table shows it.
    """
    limit = MARGIN * 2.0 / step_size
    low, high = 1e-4, 1.0
    while high > 1.01 * low:
        middle = (low * high) ** 0.5
        network = TwoLayerReLU.random(width, middle, "torch", seed)
        if rough_sharpness(problem, network) <= limit:
            low = middle
        else:
            high = middle
    return low


def equal_time(problem: Problem, origin: Start, step_size: float, smallest: float, steps: int) -> int:
    """Count the steps until Σ η reaches the total that the smallest step size of a grid has in the end."""
    # A warm-up starts at 1/(initial sharpness), or at the step size itself if that is smaller.
    first = 1.0 / max(rough_sharpness(problem, origin.network), 1e-300)
    own, least = (
        origin.method(eta, steps).step_size_at(np.arange(steps), min(eta, first))
        for eta in (step_size, smallest)
    )
    with np.errstate(over="ignore"):  # an infinite total is never reached: all steps
        return steps_until(float(np.cumsum(least)[-1]), own)
