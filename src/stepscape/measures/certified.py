"""The class of functions that a network is certified to lie in, and the worst of it against the truth."""

from __future__ import annotations

import math

import numpy as np

from stepscape.arguments import pair
from stepscape.errors import bad, expect
from stepscape.losses import loss_of
from stepscape.measures.certification import certify
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.problems.one_variable import require_line
from stepscape.problems.problem import Problem
from stepscape.theory import FlatClass, worst_case_excess, worst_case_gap
from stepscape.theory.certificate import Certificate
from stepscape.theory.line.worst_case import SOURCE

_FITS = "the network fits the labels of I at least as well as the truth does"


def certified_class(
    problem: Problem,
    network: TwoLayerReLU,
    gamma: float = UNCERTAIN,
    interval: tuple[float, float] | None = None,
) -> FlatClass:
    """Return {∫|h''|g ≤ C, |h(x_i)| ≤ M}: C as certified at the network, M the largest |f(x_i)| it has.

    Square loss: C is the right side of "published". Logistic loss: C is the right side of "uncertain", and g
    that of the inputs with |f| ≤ gamma. The network lies in the class.

    Parameters
    ----------
    gamma : inputs with |f| ≤ gamma are uncertain; logistic loss only.
    interval : judge the inputs in it only, (low, high); None: all where g says something.

    Raises
    ------
    InputError
        When the certificate does not apply, as where no input is uncertain or f is 0 at every input.
    """
    require_line(problem, network)
    limits = None if interval is None else pair("interval", interval)
    f = network.predict(problem.inputs)
    bound = certify(problem, network, gamma=gamma)["uncertain" if problem.loss == "logistic" else "published"]
    if bound.failed_premises or not math.isfinite(bound.right):
        why = bound.failed_premises[0] if bound.failed_premises else f"its right side is {bound.right:g}"
        raise bad(
            "the network", f"meet the premises of the certificate {bound.name!r}", f"one without: {why}"
        )
    return FlatClass(
        problem.inputs,
        variation=max(bound.left, bound.right, 0.0),
        height=float(np.abs(f[problem.averaging > 0.0]).max()),
        weights=None if problem.weights is None else problem.averaging,
        counted=np.abs(f) <= gamma if problem.loss == "logistic" else None,
        interval=limits or (-math.inf, math.inf),
        trainable=network.trainable,
    )


def worst_case(
    problem: Problem,
    network: TwoLayerReLU,
    gamma: float = UNCERTAIN,
    interval: tuple[float, float] | None = None,
) -> Certificate:
    """Bound the error of the network by the worst of its certified class, in numbers: no rate, no constant.

    Left: the excess risk of the network on I (logistic loss) or its mean squared error to the truth (square
    loss), over the inputs I of the class. Right: the largest of any function of the class that fits the
    labels of I at least as well as the truth does. Arguments as in `certified_class`; the problem needs a
    truth.

    ``details``: ``constant``, the same error of the best constant; ``vacuous``, 1 when the right side is not
    below it; ``attained``, a lower bound on the supremum; ``share``, the weight of I; ``variation`` and
    ``height`` of the class.

    Raises
    ------
    InputError
        As `certified_class`; for a problem without a truth.
    """
    expect("problem", problem, Problem)
    if problem.truth is None:
        raise bad("truth", "be given to bound an error to it", None)
    flat = certified_class(problem, network, gamma, interval)
    f, f0 = network.predict(problem.inputs), np.asarray(problem.truth(problem.inputs), dtype=np.float64)
    logistic, inside = problem.loss == "logistic", flat.inside
    found = (worst_case_excess if logistic else worst_case_gap)(flat, problem.labels, f0)
    excess = problem.excess_risk(f, inside)
    value = loss_of(problem.loss).value
    ahead = flat.averaging @ (value(f, problem.labels) - value(f0, problem.labels))[inside]
    size = float(flat.averaging @ (np.abs(f) + np.abs(f0))[inside])
    what = "Ex_I(f)" if logistic else "Σ_I v (f − f0)²"
    among = f"∫|h''|g ≤ {flat.variation:.4g}, |h| ≤ {flat.height:.4g}, L_I(h) ≤ L_I(f0)"
    return Certificate(
        left=excess if logistic else 2.0 * excess,
        right=found.value,
        assumptions=(*found.assumptions, _FITS),
        source=SOURCE,
        name="worst_case",
        statement=f"{what} ≤ its supremum over the h with {among}",
        failed_premises=() if ahead <= 0.0 else (_FITS,),
        scale=size * (1.0 if logistic else 1.0 + size),
        details={
            "constant": found.constant,
            "vacuous": float(found.vacuous),
            "attained": found.attained,
            "share": found.share,
            "variation": flat.variation,
            "height": flat.height,
        },
    )
