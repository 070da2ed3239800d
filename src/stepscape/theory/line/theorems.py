"""All theorems about a network on the line: a new one costs its file, its test and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepscape.arguments import flag, word
from stepscape.theory.certificate import Certificate
from stepscape.theory.line import excess, interpolation, logistic, margins, norm, square, uncertainty
from stepscape.theory.line.facts import Facts


@dataclass(frozen=True)
class Theorem:
    """A statement about every network with one loss.

    Attributes
    ----------
    name : the key of its certificate among those of its loss.
    loss : "square" or "logistic".
    certify : evaluates both sides, premises and source.
    meaning : the statement in words; "{gamma}" stands for the γ among the details of the certificate.
    proved : False for a statement that can be false; `stepscape.certify` leaves it out.
    """

    name: str
    loss: str
    certify: Callable[[Facts], Certificate]
    meaning: str
    proved: bool = True


THEOREMS = (
    Theorem(
        "gauss_newton",
        "square",
        square.gauss_newton,
        "The weighted bending is at most half of the amount by which the Gauss–Newton curvature G exceeds 1.",
    ),
    Theorem(
        "sharpness",
        "square",
        square.sharpness,
        "The bending is bounded by the sharpness of the whole Hessian, which is measured; R is its rest.",
    ),
    Theorem(
        "sharpness_loss",
        "square",
        square.sharpness_loss,
        "The training loss L takes the place of R, so that no second measurement is needed.",
    ),
    Theorem(
        "published",
        "square",
        square.published,
        "This is the form in print, with x_max at least 1/√3; a smaller x_max is violated by some networks.",
    ),
    Theorem(
        "published_as_printed",
        "square",
        square.published_as_printed,
        "This is the form in print, taken literally; with all inputs closer to 0 than 1/√3 it can fail.",
        proved=False,
    ),
    Theorem(
        "noisy",
        "square",
        square.noisy,
        "The error to the truth and the noise level take the place of the loss; both must be known.",
    ),
    Theorem(
        "interpolation",
        "square",
        interpolation.interpolation,
        "Every network through all labels is at least this sharp; the left side is known from the data.",
    ),
    Theorem(
        "gauss_newton",
        "logistic",
        logistic.logistic_gauss_newton,
        "The Gauss–Newton curvature G bounds the bending, weighted by how uncertain the examples are.",
    ),
    Theorem(
        "weighted",
        "logistic",
        logistic.weighted,
        "The sharpness of the whole Hessian bounds the same bending; ‖R‖, the rest beside G, is measured.",
    ),
    Theorem(
        "uncertain",
        "logistic",
        uncertainty.uncertain,
        "The sharpness bounds the bending among the inputs A with |f| ≤ γ, here {gamma}; Γ is their least "
        "curvature.",
    ),
    Theorem(
        "uncertain_best",
        "logistic",
        uncertainty.uncertain_best,
        "This is the same for the γ that makes the bound smallest, {gamma}: many inputs, or much curvature.",
    ),
    Theorem(
        "interior_variation",
        "logistic",
        excess.interior_variation,
        "The unweighted bending where g is at least c is bounded, which in turn bounds the excess risk.",
    ),
    Theorem(
        "weighted_stationary",
        "logistic",
        logistic.weighted_stationary,
        "This is the first bound without ‖R‖, which vanishes where descent has come to rest.",
    ),
    Theorem(
        "uncertain_stationary",
        "logistic",
        uncertainty.uncertain_stationary,
        "This is the second bound without the term of the loss, under the same premise.",
    ),
    Theorem(
        "interpolation_margin",
        "logistic",
        margins.interpolation_margin,
        "To fit every label with a margin γ costs at least this norm; the left side is known from the data.",
    ),
    Theorem(
        "overlap",
        "logistic",
        excess.overlap,
        "A small excess risk makes the uncertain sets of truth and fit overlap; the truth must be known.",
    ),
    Theorem(
        "norm",
        "logistic",
        norm.norm_generalization,
        "The size of the parameters alone bounds how much larger the loss can be on new labels.",
    ),
)


def theorems(loss: str, proved: bool = True) -> tuple[Theorem, ...]:
    """Return the theorems about a loss; with ``proved=False`` also the statements that can be false."""
    word("loss", loss, dict.fromkeys(each.loss for each in THEOREMS))
    flag("proved", proved)
    return tuple(each for each in THEOREMS if each.loss == loss and (each.proved or not proved))
