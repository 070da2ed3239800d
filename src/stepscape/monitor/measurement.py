"""Everything that a monitor measures at one moment of training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stepscape.errors import StepscapeError
from stepscape.monitor.critical import critical_step_size
from stepscape.monitor.edge import PreconditionedHessian, preconditioned
from stepscape.monitor.eigenvalue import REASONS, block_sharpness
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.krylov import TensorOperator
from stepscape.monitor.lanczos import Negated, RitzPair, largest
from stepscape.monitor.row import measured
from stepscape.monitor.stochastic import batch_sharpness, hessian_trace
from stepscape.monitor.subject import PRODUCTS, Subject
from stepscape.monitor.tracking import Track, follow
from stepscape.monitor.units import activity
from stepscape.monitor.vectors import split

SPECTRAL = {"lambda_max", "edge_ratio", "lambda_min"}  # eigenvalues, which need second derivatives


@dataclass(frozen=True, eq=False)
class Moment:
    """When a measurement is made, and what is known from before.

    Attributes
    ----------
    tracks : mapping of str to Track
        Of the last measurement, by the name of the quantity.
    seed : int
        Of random signs and vectors.
    clip_coefficient : float, optional
        What clipping multiplied the last gradient by; None if nobody said.
    """

    tracks: Mapping[str, Track] = field(default_factory=dict)
    seed: int = 0
    clip_coefficient: float | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was found.

    Attributes
    ----------
    values : dict of str to number
        Of a row, by its names.
    status, reason : as of a row.
    products : int
        Hessian products spent.
    tracks : dict of str to Track
        For the next measurement.
    """

    values: dict[str, Any] = field(default_factory=dict)
    status: str = "converged"
    reason: str = ""
    products: int = 0
    tracks: dict[str, Track] = field(default_factory=dict)

    def __add__(self, other: Measurement) -> Measurement:
        """Join two measurements of the same moment; the first status that is not "converged" counts."""
        return Measurement(
            {**self.values, **other.values},
            other.status if self.status == "converged" else self.status,
            "; ".join(dict.fromkeys(filter(None, (self.reason, other.reason)))),
            self.products + other.products,
            {**self.tracks, **other.tracks},
        )


def measure_moment(subject: Subject, moment: Moment) -> Measurement:
    """Measure what a subject asks for, at the parameters of this moment; training is not touched.

    Nothing is raised for what a model or its loss does: what could not be measured is missing from the
    values, and the status and the reason say why.
    """
    found = Measurement()
    try:
        with subject.probe.measuring():
            found = _loss(subject)
            if found.status == "converged" and not SPECTRAL.isdisjoint(subject.names):
                found = found + _eigenvalues(subject, moment)
    except Exception as error:
        return found + failed(error)
    for work in (_blocks, _trace, _critical, _batches, _dead):
        try:
            found = found + work(subject, moment)
        except Exception as error:
            found = found + failed(error)
    return found


def products_of(subject: Subject, operator: TensorOperator) -> int:
    """Hessian products of one measurement, about; an edge ratio that is a multiple of λ_max needs none."""
    if not {"lambda_max", "edge_ratio"} <= set(subject.names):
        return subject.products
    try:
        spared = _is_uniform(_scaled(subject, Moment(), operator))
    except Unmeasured:  # without a threshold there is no edge ratio
        spared = True
    return subject.products - spared * PRODUCTS["edge_ratio"]


def first_look(subject: Subject) -> Measurement:
    """Find out whether the loss can be computed at all; "converged" if so."""
    try:
        subject.probe.require_loss()
    except Exception as error:
        return failed(error)
    return Measurement()


def failed(error: Exception) -> Measurement:
    """Turn an exception into the status of a measurement without values."""
    if isinstance(error, StepscapeError) and not isinstance(error, Unmeasured):
        return Measurement(status="error", reason=str(error))
    failure = unmeasured(error)
    return Measurement(status=failure.status, reason=str(failure))


def _loss(subject: Subject) -> Measurement:
    loss = float(subject.probe.loss())
    if not math.isfinite(loss):
        return Measurement(status="nonfinite", reason="the loss is not finite")
    subject.probe.require_deterministic()
    return Measurement({"loss": loss})


def _eigenvalues(subject: Subject, moment: Moment) -> Measurement:
    operator = subject.probe.operator()
    found, scaled = Measurement(), None
    if "edge_ratio" in subject.names:
        try:
            scaled = _scaled(subject, moment, operator)
        except Unmeasured as failure:
            found = Measurement(reason=f"edge_ratio: {failure}")
    if "lambda_max" in subject.names or scaled is None or _is_uniform(scaled):
        found = found + _lambda_max(subject, moment, operator)
    if scaled is not None:
        found = found + _edge_ratio(subject, moment, scaled, found.values)
    if "lambda_min" in subject.names:
        found = found + _lambda_min(subject, moment, operator, found.values)
    return found


def _lambda_max(subject: Subject, moment: Moment, operator: TensorOperator) -> Measurement:
    pair, found = _tracked(subject, moment, operator, "lambda_max")
    values = {
        "lambda_max": pair.value, "lower_bound": pair.lower_bound, "residual": pair.residual,
        "error_estimate": measured(pair.error_estimate),
    }  # fmt: skip
    return replace(found, values=values)


def _edge_ratio(
    subject: Subject, moment: Moment, scaled: PreconditionedHessian, known: dict[str, Any]
) -> Measurement:
    """Find λ_max of the scaled Hessian; where the scale is one number, from that of the Hessian itself."""
    clip = moment.clip_coefficient
    values: dict[str, Any] = {"clipped": None if clip is None else clip < 1.0}
    if _is_uniform(scaled):
        scale = scaled.factor * float(scaled.root[0]) ** 2
        values["threshold"] = measured(scaled.thresholds[0])
        values["edge_ratio"] = scale * known["lambda_max"] + float(scaled.decay[0])
        values["edge_ratio_residual"] = scale * known["residual"]
        return Measurement(values)
    pair, found = _tracked(subject, moment, scaled, "edge_ratio")
    values |= {"edge_ratio": pair.value, "edge_ratio_residual": pair.residual}
    return replace(found, values=values)


def _tracked(
    subject: Subject, moment: Moment, operator: TensorOperator, name: str
) -> tuple[RitzPair, Measurement]:
    """Follow the largest eigenvalue from the last measurement."""
    found = follow(
        operator, moment.tracks.get(name, Track()), tolerance=subject.tolerance,
        max_products=subject.max_products,
    )  # fmt: skip
    pair, reason = found.pair, REASONS[found.pair.status]
    if found.crossing:
        reason = f"{name}: another eigenvalue had overtaken the one that was followed; corrected here"
    return pair, Measurement(
        status=pair.status, reason=reason, products=pair.products, tracks={name: found.track}
    )


def _lambda_min(
    subject: Subject, moment: Moment, operator: TensorOperator, known: dict[str, Any]
) -> Measurement:
    pair = largest(
        Negated(operator),
        tolerance=subject.tolerance,
        max_products=subject.max_products,
        least_scale=abs(known.get("lambda_max") or 0.0),
        seed=moment.seed,
    )
    values = {"lambda_min": -pair.value, "lambda_min_residual": pair.residual}
    return Measurement(values, pair.status, REASONS[pair.status], pair.products)


def _scaled(subject: Subject, moment: Moment, operator: TensorOperator) -> PreconditionedHessian:
    clip = 1.0 if moment.clip_coefficient is None else moment.clip_coefficient
    return preconditioned(subject.probe, subject.optimizer, subject.preconditioner, clip, operator)


def _is_uniform(scaled: PreconditionedHessian) -> bool:
    """Whether the scaled Hessian is a positive multiple of the Hessian, plus a multiple of the identity."""
    if len(scaled.thresholds) > 1 or scaled.factor < 0.0:
        return False
    return all(bool(each.min() == each.max()) for each in (scaled.root, scaled.decay))


def _blocks(subject: Subject, moment: Moment) -> Measurement:  # noqa: ARG001
    if not subject.blocks:
        return Measurement()
    settings = {name: value for name, value in subject.settings.items() if name != "select"}
    blocks = block_sharpness(
        subject.model, subject.loss, subject.batch, subject.blocks, subject.tolerance,
        max_products=subject.max_products, **settings,
    )  # fmt: skip
    known = {name: each.value for name, each in blocks.items() if math.isfinite(each.value)}
    joined = Measurement({"blocks": known})
    for name, each in blocks.items():
        reason = f"{name}: {each.reason}" if each.reason else ""
        joined = joined + Measurement(status=each.status, reason=reason, products=each.products)
    return joined


def _trace(subject: Subject, moment: Moment) -> Measurement:
    if "trace" not in subject.names:
        return Measurement()
    trace = hessian_trace(
        subject.model, subject.loss, subject.batch, max_products=max(10, subject.max_products),
        seed=moment.seed, **subject.settings,
    )  # fmt: skip
    values = {"trace": measured(trace.value), "trace_standard_error": measured(trace.error)}
    return Measurement(values, reason=_because("trace", trace.reason), products=trace.products)


def _critical(subject: Subject, moment: Moment) -> Measurement:
    if "critical_step_size" not in subject.names:
        return Measurement()
    found = critical_step_size(
        subject.model, subject.loss, subject.batch, _direction(subject, moment),
        step_size=subject.step_sizes[0] or None, **subject.settings,
    )  # fmt: skip
    because = _because("critical_step_size", found.reason)
    if not math.isfinite(found.error):  # the value of "no_crossing" is only the largest step tried
        return Measurement(reason=because)
    values = {"critical_step_size": measured(found.value), "critical_step_size_error": found.error}
    return Measurement(values, reason=because)


def _direction(subject: Subject, moment: Moment) -> Any:
    """P⁻¹g, the update of an optimizer without its momentum; g where groups have different thresholds."""
    try:
        scaled = _scaled(subject, moment, subject.probe.operator())
    except Unmeasured:
        return None
    if len(scaled.thresholds) > 1 or not math.isfinite(scaled.thresholds[0]):
        return None
    gradient = subject.probe.gradient()
    weights = split(scaled.thresholds[0] * scaled.root.double() ** 2, gradient)
    return [weight * each for weight, each in zip(weights, gradient, strict=True)]


def _batches(subject: Subject, moment: Moment) -> Measurement:  # noqa: ARG001
    if not subject.batches:
        return Measurement()
    settings = {name: value for name, value in subject.settings.items() if name != "weights"}
    found = batch_sharpness(subject.model, subject.loss, list(subject.batches), **settings)
    values = {
        "batch_sharpness": measured(found.ratio_of_means),
        "batch_sharpness_standard_error": measured(found.ratio_error),
        "batch_sharpness_mean_of_ratios": measured(found.mean_of_ratios),
        "batch_sharpness_mean_of_ratios_standard_error": measured(found.mean_error),
    }
    return Measurement(values, reason=_because("batch_sharpness", found.reason), products=found.products)


def _dead(subject: Subject, moment: Moment) -> Measurement:  # noqa: ARG001
    if "dead_units" not in subject.names:
        return Measurement()
    found = activity(subject.model, subject.loss, subject.batch, layers=subject.layers, **subject.settings)
    if found.status != "measured":
        return Measurement(reason=_because("dead_units", found.reason))
    return Measurement(
        {"dead_units": {each.name: each.dead for each in found.sites if each.dead is not None}}
    )


def _because(name: str, reason: str) -> str:
    return f"{name}: {reason}" if reason else ""
