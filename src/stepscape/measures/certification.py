"""Every theorem that speaks about a network on a problem, evaluated."""

from __future__ import annotations

from dataclasses import replace

from stepscape.arguments import share
from stepscape.curvature import Eigenpair
from stepscape.errors import expect
from stepscape.measures.landscape import MeasuredLandscape
from stepscape.measures.plane_certification import plane_facts
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_line_hessian import Array, Hessian
from stepscape.objectives.relu_line_sharpness import top
from stepscape.objectives.relu_line_sides import below
from stepscape.problems.problem import Problem
from stepscape.theory import Certificate, Facts, plane_theorems, theorems


def _sharpened(operator: Hessian, start: Array | None) -> Eigenpair:
    """λ_max with the lower side from a product in twice the digits: equality in a theorem leaves no room."""
    pair = top(operator, start)
    return replace(pair, lower=max(pair.lower, below(operator, pair.vector)))


def facts(
    problem: Problem,
    network: TwoLayerReLU,
    delta: float = 0.05,
    gamma: float = UNCERTAIN,
    sharpness: Eigenpair | None = None,
) -> Facts:
    """Collect what theorems read; each number is measured once, when a theorem first asks for it.

    Parameters
    ----------
    problem, network, delta, gamma
        As in `certify`.
    sharpness : Eigenpair, optional
        λ_max of the loss Hessian, where it is known already; its vector on all coordinates, (3k + 1,).
    """
    if sharpness is not None:
        expect("sharpness", sharpness, Eigenpair)
    operator = Hessian(problem, network)
    landscape = MeasuredLandscape(operator, operator, _sharpened, sharpness)
    return Facts(problem, network, landscape, delta, gamma)


def certify(
    problem: Problem, network: TwoLayerReLU, delta: float = 0.05, gamma: float = UNCERTAIN
) -> dict[str, Certificate]:
    """Evaluate both sides of every theorem about the loss of the problem at one network.

    Parameters
    ----------
    problem : Problem
        `truth` and `noise` are needed by "noisy", `truth` by "norm" and "overlap".
    network : TwoLayerReLU
        One iterate; it need not be a minimum. Bounds are adapted to its trained blocks.
    delta : float
        Allowed probability of failure of "noisy" and "norm", in (0, 1).
    gamma : float
        Logistic loss: inputs with |f| ≤ gamma are uncertain, in "uncertain".

    Returns
    -------
    dict of str to Certificate
        Square loss: "gauss_newton", "sharpness", "sharpness_loss", "published", "noisy", "interpolation".
        Logistic loss: "gauss_newton", "weighted", "uncertain", "uncertain_best", "interior_variation",
        "weighted_stationary", "uncertain_stationary", "interpolation_margin", "overlap" (of |f0| ≤ gamma with
        |f| ≤ 2 gamma), "norm". With several input variables "gauss_newton", "sharpness", "sharpness_loss",
        "published", "stationary", and for the logistic loss "gauss_newton", "weighted", "uncertain",
        "uncertain_best", "weighted_stationary", "uncertain_stationary".

        Each carries both sides, slack, premises and source; one whose premise fails is "inapplicable". Right
        sides are evaluated at both sides of λ_max (`Eigenpair.lower`, `.upper`): a bound "holds" with the
        lower one and is "violated" with the upper one; between them it is "undecided".

    Notes
    -----
    Certificates hold in the units of the problem's inputs and labels: g is not invariant under a shift of
    the inputs. The theorems are those of `stepscape.theory.THEOREMS` that are proved, and with several input
    variables those of `stepscape.theory.PLANE_THEOREMS`, whose left sides are one-sided (g̃ of the half-space
    of a neuron) but for "published" and "uncertain"; ``details["function_form"]`` is the one with
    g = min(g̃, g̃ of the opposite half-space), which is near 0 where neurons are active on all inputs.
    """
    expect("problem", problem, Problem)
    if problem.dimension > 1:
        share("delta", delta)
        plane = plane_facts(problem, network, gamma)
        return {theorem.name: theorem.certify(plane) for theorem in plane_theorems(problem.loss)}
    known = facts(problem, network, delta, gamma)
    return {theorem.name: theorem.certify(known) for theorem in theorems(problem.loss)}
