"""Two classes at given inputs, of one variable or of many: labels drawn around the truth of a problem."""

from __future__ import annotations

import numpy as np

from stepscape.arguments import nonnegative, number
from stepscape.errors import bad, expect
from stepscape.lab.spec import stream
from stepscape.losses import probability
from stepscape.network import generator
from stepscape.problems.curves import Logit
from stepscape.problems.problem import Problem


def bernoulli_labels(
    problem: Problem, amplitude: float = 2.0, flip_rate: float = 0.0, seed: int = 0
) -> Problem:
    """Labels ±1 for the logistic loss at the inputs of a problem: P(y = 1) = (1 − 2ρ) s(A·f0(x)) + ρ.

    What `bernoulli` is for curves, for inputs of any dimension. Weights stay; noise is left out.

    Parameters
    ----------
    problem : Problem
        Has a truth f0, which becomes the shape of the logit.
    amplitude : float
        A, finite and not negative.
    flip_rate : float
        ρ in [0, ½): the truth of the result is the logit of the law of the labels, flips included.
    seed : int

    Raises
    ------
    InputError
        For a problem without a truth.

    Examples
    --------
    >>> import stepscape as ss
    >>> ss.problems.bernoulli_labels(ss.problems.sphere(n=50, dimension=3), amplitude=4.0)
    Problem(sphere: n=50, 3 input variables, logistic loss)
    """
    expect("problem", problem, Problem)
    if problem.truth is None:
        raise bad("problem", "have a truth, around which labels are drawn", "none", "give Problem a truth")
    flips = number("flip_rate", flip_rate)
    if not 0.0 <= flips < 0.5:
        raise bad("flip_rate", "lie in [0, 0.5)", flips)
    logit = Logit(problem.truth, nonnegative("amplitude", amplitude), flips)
    drawn = generator(stream(seed, "classes")).uniform(size=problem.size)
    labels = np.where(drawn < probability(logit(problem.inputs)), 1.0, -1.0)
    return Problem(
        problem.inputs, labels, loss="logistic", truth=logit, weights=problem.weights, name=problem.name
    )
