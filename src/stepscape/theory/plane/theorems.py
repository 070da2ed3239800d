"""All theorems about a network with inputs in R^d: a new one costs its file, its test and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepscape.arguments import word
from stepscape.theory.certificate import Certificate
from stepscape.theory.plane import logistic, square
from stepscape.theory.plane.facts import PlaneFacts


@dataclass(frozen=True)
class PlaneTheorem:
    """A statement about every network with one loss, as `stepscape.theory.Theorem` is one for the line."""

    name: str
    loss: str
    certify: Callable[[PlaneFacts], Certificate]
    meaning: str


PLANE_THEOREMS = (
    PlaneTheorem(
        "gauss_newton",
        "square",
        square.gauss_newton,
        "The weighted bending is at most half of the amount by which the Gauss–Newton curvature G exceeds 1.",
    ),
    PlaneTheorem(
        "sharpness",
        "square",
        square.sharpness,
        "The bending is bounded by the sharpness of the whole Hessian, which is measured; R is its rest.",
    ),
    PlaneTheorem(
        "sharpness_loss",
        "square",
        square.sharpness_loss,
        "The training loss L takes the place of R, so that no second measurement is needed.",
    ),
    PlaneTheorem(
        "published",
        "square",
        square.published,
        "This is the form in print, for the bending of the function; its last term is more generous.",
    ),
    PlaneTheorem(
        "stationary",
        "square",
        square.stationary,
        "Where the network interpolates or descent has come to rest, the sharpness alone bounds the bending.",
    ),
    PlaneTheorem(
        "gauss_newton",
        "logistic",
        logistic.logistic_gauss_newton,
        "The Gauss–Newton curvature G bounds the bending, weighted by how uncertain the examples are.",
    ),
    PlaneTheorem(
        "weighted",
        "logistic",
        logistic.weighted,
        "The sharpness of the whole Hessian bounds the same bending; ‖R‖, the rest beside G, is measured.",
    ),
    PlaneTheorem(
        "uncertain",
        "logistic",
        logistic.uncertain,
        "The sharpness bounds the bending among the inputs A with |f| ≤ γ; Γ is their least curvature.",
    ),
    PlaneTheorem(
        "uncertain_best",
        "logistic",
        logistic.uncertain_best,
        "This is the same for the γ that makes the bound smallest: many inputs, or much curvature.",
    ),
    PlaneTheorem(
        "weighted_stationary",
        "logistic",
        logistic.weighted_stationary,
        "This is the first bound without ‖R‖, which vanishes where descent has come to rest.",
    ),
    PlaneTheorem(
        "uncertain_stationary",
        "logistic",
        logistic.uncertain_stationary,
        "This is the second bound without the term of the loss, under the same premise.",
    ),
)


def plane_theorems(loss: str) -> tuple[PlaneTheorem, ...]:
    """Return the theorems about a loss, "square" or "logistic"."""
    word("loss", loss, dict.fromkeys(each.loss for each in PLANE_THEOREMS))
    return tuple(each for each in PLANE_THEOREMS if each.loss == loss)
