"""All theorems about a network on the line: a new one costs its file, its test and one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stepscape.theory.certificate import Certificate
from stepscape.theory.line import excess, interpolation, logistic, margins, norm, square, uncertainty
from stepscape.theory.line.facts import Facts


@dataclass(frozen=True)
class Theorem:
    """A statement about every network under one loss.

    Attributes
    ----------
    name : the key of its certificate among those of its loss.
    loss : "square" or "logistic".
    certify : evaluates both sides, premises and source.
    meaning : what it says, in words; "{gamma}" stands for the γ among the details of the certificate.
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
        "The weighted bending is at most half of what the Gauss–Newton curvature G exceeds 1 by.",
    ),
    Theorem(
        "sharpness",
        "square",
        square.sharpness,
        "The same from the sharpness of the whole Hessian, the one that is measured; R is the rest.",
    ),
    Theorem(
        "sharpness_loss",
        "square",
        square.sharpness_loss,
        "The same with the training loss L standing for R: no second measurement.",
    ),
    Theorem(
        "published",
        "square",
        square.published,
        "The form in print, with x_max at least 1/√3: with smaller ones it can fail.",
    ),
    Theorem(
        "published_as_printed",
        "square",
        square.published_as_printed,
        "The form in print, taken literally: with inputs close to 0 it can fail.",
        proved=False,
    ),
    Theorem(
        "noisy",
        "square",
        square.noisy,
        "With the error to the truth and the noise level in place of the loss; both must be known.",
    ),
    Theorem(
        "interpolation",
        "square",
        interpolation.interpolation,
        "How sharp every network through all labels is: the left side is known from the data.",
    ),
    Theorem(
        "gauss_newton",
        "logistic",
        logistic.logistic_gauss_newton,
        "Bending, weighted by how uncertain the data are, beside the Gauss–Newton curvature G.",
    ),
    Theorem(
        "weighted",
        "logistic",
        logistic.weighted,
        "The same from the sharpness of the whole Hessian; ‖R‖, what G leaves of it, is measured.",
    ),
    Theorem(
        "uncertain",
        "logistic",
        uncertainty.uncertain,
        "Bending among the inputs A with |f| ≤ γ, here {gamma}; Γ is the least curvature of one.",
    ),
    Theorem(
        "uncertain_best",
        "logistic",
        uncertainty.uncertain_best,
        "The same for the γ that makes the bound smallest, {gamma}: many inputs, or curvature.",
    ),
    Theorem(
        "interior_variation",
        "logistic",
        excess.interior_variation,
        "The bending where g is at least c, without a weight: what bounds the excess risk.",
    ),
    Theorem(
        "weighted_stationary",
        "logistic",
        logistic.weighted_stationary,
        "The first bound without ‖R‖: where descent has come to rest it vanishes.",
    ),
    Theorem(
        "uncertain_stationary",
        "logistic",
        uncertainty.uncertain_stationary,
        "The second bound without the term of the loss, under the same premise.",
    ),
    Theorem(
        "interpolation_margin",
        "logistic",
        margins.interpolation_margin,
        "What it costs to fit every label by a margin γ: the left side is from the data.",
    ),
    Theorem(
        "overlap",
        "logistic",
        excess.overlap,
        "How little the uncertain sets of truth and fit can differ; the truth must be known.",
    ),
    Theorem(
        "norm",
        "logistic",
        norm.norm_generalization,
        "How much the loss can be larger on new labels, from the size of the parameters alone.",
    ),
)


def theorems(loss: str, proved: bool = True) -> tuple[Theorem, ...]:
    """Return those about a loss; with ``proved=False`` also the ones that can be false."""
    return tuple(each for each in THEOREMS if each.loss == loss and (each.proved or not proved))
