"""Pictures of one small run each, made in seconds: they explain, they decide nothing.

All train the same network on the same thirty noisy points of a tent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stepscape.errors import unknown
from stepscape.experiments.frame.claim import Drawn
from stepscape.methods import GradientDescent
from stepscape.network import TwoLayerReLU
from stepscape.objectives import sharpness
from stepscape.objectives.relu_line import ReLULine
from stepscape.problems import Problem, curves
from stepscape.training import train

STEP_SIZES = (0.03, 0.2, 0.8)
TIME = 8000.0  # Σ η of each run
EDGE = 0.4  # step size of the slice
STEPS = 112  # of its path: past the crossing of the threshold, into the swing
WEIGHT = (
    "Large steps leave bends where the weight g is small. Above: g(x) of the thirty inputs (gray ticks), "
    "dashed because theory gives it: at the edge of stability the sum of the sizes of all bends, each "
    "times g there, is bounded by about 1/η. Below: the bends of three networks of 60 neurons that were "
    "trained with different step sizes η, each a stem as high as the change of slope; ∫|f''|g is that sum. "
    "One seed, equal training time 8000, large start with warm-up. Repeat: stepscape figure weight."
)
FEATURES = (
    "Large steps leave few features. Thin: what each of the 60 neurons adds to the curve; thick: the learned "
    "curve, which is their sum and a constant; hollow circles: thirty noisy labels. A bend is a change of "
    "slope of at least 1 % of all changes. One seed, step sizes η at equal training time 8000, large "
    "start with warm-up. Repeat: stepscape figure features."
)
LANDSCAPE = (
    "Descent starts to swing where the sharpness exceeds 2/η. Thin gray: contours of the training loss on a "
    "plane through parameter space that holds the direction from the start to the end of the path and the "
    "direction of the largest curvature midway. Dashed: the contour on which the sharpness λ_max is 2/η; on "
    "the shaded ground beyond it a step overshoots the valley by more than it corrects. Colored: the path of "
    f"{STEPS} steps of size η = {EDGE:g} from the hollow mark to the solid disk, projected to the plane. "
    "One seed, 30 neurons, thirty noisy labels. Repeat: stepscape figure landscape."
)


def draw(name: str) -> Drawn:
    """Compute and draw a picture, one of `NAMES`."""
    if name not in NAMES:
        raise unknown("picture", name, NAMES)
    return NAMES[name]()


def weight() -> Drawn:
    """Draw g with the bends of three networks under it."""
    from stepscape.figures.weight import weight_figure

    problem = _problem()
    return Drawn(weight_figure(problem, _trained(problem)), WEIGHT)


def features() -> Drawn:
    """Draw what every neuron adds to the curve, for three step sizes."""
    from stepscape.figures.features import features_figure

    problem = _problem()
    return Drawn(features_figure(problem, _trained(problem)), FEATURES)


def landscape() -> Drawn:
    """Draw a slice of the landscape with the contour λ_max = 2/η and the path of descent."""
    from stepscape.figures.landscape import landscape_figure
    from stepscape.measures.slice import slice_along

    problem = _problem()
    network = TwoLayerReLU.random(30, 0.6, "torch", seed=2)
    path = _path(problem, network)
    normal = sharpness(problem, network.with_parameters(path[STEPS // 2])).vector
    return Drawn(landscape_figure(slice_along(problem, network, list(path), normal), EDGE), LANDSCAPE)


NAMES: dict[str, Callable[[], Drawn]] = {"weight": weight, "landscape": landscape, "features": features}


def _problem() -> Problem:
    return curves.tent(n=30, noise=0.5, seed=0)


def _trained(problem: Problem) -> dict[float, TwoLayerReLU]:
    """Midpoint networks of three step sizes, from a large start with warm-up."""
    start = TwoLayerReLU.random(60, 6.0, "mean_field", seed=1)
    found = {}
    for eta in STEP_SIZES:
        steps = round(TIME / eta)
        method = GradientDescent(eta, steps, warmup_steps=steps // 10)
        found[eta] = train(problem, start, method, record_every=steps, measure_sharpness=False).midpoint
    return found


def _path(problem: Problem, network: TwoLayerReLU) -> NDArray[np.float64]:
    """Every iterate of descent, (STEPS + 1, 3k + 1)."""
    objective = ReLULine(problem, network)
    path = [network.parameters]
    for _ in range(STEPS):
        path.append(path[-1] - EDGE * objective.gradient(path[-1]))
    return np.array(path)
