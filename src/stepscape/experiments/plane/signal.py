"""The size of a truth over the law of the inputs, so that signal and noise compare alike in every dimension.

For an isotropic law E x_1² = E‖X‖²/d and E|x_1| = E‖X‖ · E|u_1|, u uniform on the unit sphere, with
E|u_1| = Γ(d/2)/(√π Γ((d + 1)/2)). The variance of x_1 is E x_1², that of |x_1| is E x_1² − (E|x_1|)².

Without such an amplitude the signal x_1 shrinks as 1/d while the noise stays, and every error changes with d.
"""

from __future__ import annotations

from math import exp, lgamma, pi, sqrt

from stepscape.errors import unknown
from stepscape.experiments.plane.spec import PlaneRun


def amplitude(run: PlaneRun, deviation: float = 1.0) -> float:
    """Return the amplitude that gives the truth of a run the standard deviation `deviation`."""
    mean, square = _radius(run)
    first = exp(lgamma(0.5 * run.dimension) - lgamma(0.5 * (run.dimension + 1))) / sqrt(pi)
    variances = {"first": square / run.dimension, "bend": square / run.dimension - (mean * first) ** 2}
    if run.target not in variances:
        raise unknown("target", run.target, variances)
    return float(deviation / sqrt(variances[run.target]))


def _radius(run: PlaneRun) -> tuple[float, float]:
    """E‖X‖ and E‖X‖² of the law of the inputs."""
    d, a = run.dimension, run.alpha
    moments = {
        "sphere": (1.0, 1.0),
        "ball": (d / (d + 1.0), d / (d + 2.0)),
        "radial": (1.0 / (a + 1.0), 2.0 / ((a + 1.0) * (a + 2.0))),
    }
    law = run.geometry.removeprefix("level_")
    if law not in moments:
        raise unknown("geometry", run.geometry, moments)
    mean, square = moments[law]
    return (mean / sqrt(square), 1.0) if law != run.geometry else (mean, square)
