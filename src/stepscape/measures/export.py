"""Certificates with all that they were computed from, as exact numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from stepscape.curvature import Eigenpair
from stepscape.errors import bad
from stepscape.measures.certification import facts
from stepscape.measures.plane_certification import plane_facts
from stepscape.measures.uncertainty import UNCERTAIN
from stepscape.network import TwoLayerReLU
from stepscape.objectives.relu_plane_sides import MOST_INPUTS
from stepscape.problems.problem import Problem
from stepscape.theory import Certificate, plane_theorems, theorems

FORMAT = "stepscape-certificate/1"
RECHECKED = {
    "square": ("gauss_newton", "sharpness", "sharpness_loss", "published"),
    "logistic": ("gauss_newton", "weighted", "uncertain", "uncertain_best"),
}
_ROOM = 2.0**-40  # relative, by which γ exceeds the |f(x_i)| that it was chosen to be


def exported(
    problem: Problem, network: TwoLayerReLU, gamma: float = UNCERTAIN
) -> tuple[dict[str, Any], dict[str, Certificate]]:
    """Return a document from which `recheck.py` proves the certificates, and the certificates.

    Numbers are hexadecimal floats, arrays in the order of the inputs, which with several variables are lists
    of rows. Beside the data and the network the document holds, for H and for its Gauss-Newton part, a vector
    whose Rayleigh quotient is at least `lower`, and a number `upper` that exceeds every eigenvalue.

    Raises
    ------
    InputError
        If a number of the network is so large that its eigenvalues have no upper bound, and for more inputs
        of several variables than an upper bound is computed for.
    """
    several = problem.dimension > 1
    if several and problem.size > MOST_INPUTS:
        then = "ss.certify in Python evaluates the certificates of more"
        raise bad(
            "a table of several inputs", f"have at most {MOST_INPUTS} rows to be exported", problem.size, then
        )
    known = (plane_facts if several else facts)(problem, network, gamma=gamma)
    of_loss = (plane_theorems if several else theorems)(problem.loss)
    found = {theorem.name: theorem.certify(known) for theorem in of_loss}  # type: ignore[arg-type]
    top, linear = known.landscape.sharpness, known.landscape.gauss_newton
    inputs, labels, weights = (
        (problem.points, problem.labels, problem.averaging) if several else problem.line.arrays
    )
    document = {
        "format": FORMAT,
        "loss": problem.loss,
        "inputs": _hex(inputs),
        "labels": _hex(labels),
        "weights": _hex(weights),
        "network": {
            **{name: _hex(getattr(network, name)) for name in ("w1", "b1", "w2")},
            "b2": float(network.b2).hex(),
            "trainable": list(network.trainable),
        },
        "hessian": _sides(top),
        "gauss_newton": _sides(linear),
        "certificates": {name: _claim(problem.loss, c) for name, c in found.items()},
    }
    return document, found


def _hex(values: Any) -> list[Any]:
    """Exact numbers, row by row where there are rows."""
    return [_hex(value) if np.ndim(value) else float(value).hex() for value in values]


def _sides(pair: Eigenpair) -> dict[str, Any]:
    if not math.isfinite(pair.upper):
        raise bad("the network", "have eigenvalues with an upper bound to be exported", pair)
    # A lower side in use is the Rayleigh quotient to the last digit; one in the file leaves these digits out.
    lower = pair.lower - 2.0**-44 * abs(pair.lower)
    return {"vector": _hex(pair.vector), "lower": lower.hex(), "upper": float(pair.upper).hex()}


def _claim(loss: str, certificate: Certificate) -> dict[str, Any]:
    gamma = certificate.details.get("gamma")
    extra = {}
    if certificate.name.startswith("uncertain") and gamma is not None:
        extra["gamma"] = (gamma * (1.0 + _ROOM) if certificate.name == "uncertain_best" else gamma).hex()
    return {
        "statement": certificate.statement,
        "left": float(certificate.left).hex(),
        "right": float(certificate.right).hex(),
        "right_upper": float(certificate.right_upper).hex(),
        "verdict": certificate.verdict,
        "rechecked": certificate.name in RECHECKED[loss] and certificate.verdict != "inapplicable",
        "source": certificate.source,
        **extra,
    }
