"""Step sizes relative to the curvature of a start, and of where small steps from it lead."""

from __future__ import annotations

from stepscape.arguments import share as strict_share
from stepscape.arguments import whole
from stepscape.curvature.lanczos import largest_eigenpair
from stepscape.errors import NotConverged, bad, expect
from stepscape.factorization import Factorization
from stepscape.objectives.factor_widths import widths_of
from stepscape.objectives.matrix_factors import Factors
from stepscape.problems.measurements import Measurements
from stepscape.recovery.training.train import train_factors
from stepscape.recovery.training.training import Training

LOOK = 500  # steps between two looks at the loss
TOLERANCE = 1e-6  # of the mean square of the labels: a loss that is small enough for λ_max


def stable_step_size(problem: Measurements, start: Factorization) -> float:
    """2/λ_max(∇²L) at some factors: above it descent leaves them, if they are a minimum.

    Raises
    ------
    InputError
        For factors at which no direction curves upwards.
    """
    expect("problem", problem, Measurements)
    expect("start", start, Factorization)
    objective = Factors(problem, widths_of(problem, None, start))
    sharpness = largest_eigenpair(objective.hessian(start.parameters), tolerance=1e-6).value
    if not sharpness > 0.0:
        raise bad("the sharpness of the start", "be positive", sharpness, "start elsewhere")
    return 2.0 / sharpness


def settled_step_size(
    problem: Measurements, start: Factorization, share: float = 0.25, steps: int = 100_000
) -> float:
    """2/λ_max where descent from a start ends that takes the step size `share`·2/λ_max(start).

    Larger steps cannot stay there. Multiples of it from 1 to about 2 are those that change where descent
    ends without making it diverge.

    Raises
    ------
    NotConverged
        If the loss exceeds 1e-6 of the mean square of the labels after all the steps.
    """
    eta = strict_share("share", share) * stable_step_size(problem, start)
    most, zero = whole("steps", steps, 1), TOLERANCE * problem.loss(0.0 * start.matrix)
    at, made, loss = start, 0, float("inf")
    while made < most:
        training = Training(eta, min(LOOK, most - made))
        path = train_factors(problem, [at], training, LOOK, measure_sharpness=False)
        at, made, loss = path.factors[0], made + training.steps, float(path.loss[0, -1])
        if loss <= zero:
            return stable_step_size(problem, at)
    raise NotConverged(f"the loss is {loss:.3g} after {made} steps of size {eta:.3g}; take more steps")
