"""Everything that a monitor measures at one moment of training."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from stepscape.errors import StepscapeError
from stepscape.monitor.activity import activity
from stepscape.monitor.critical import critical_step_size
from stepscape.monitor.edge import PreconditionedHessian, preconditioned
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.krylov import TensorOperator
from stepscape.monitor.lanczos import Negated, RitzPair, largest
from stepscape.monitor.row import measured
from stepscape.monitor.stochastic import batch_sharpness, hessian_trace
from stepscape.monitor.subject import Subject
from stepscape.monitor.vectors import split

TRACKED = 3  # Ritz vectors whose sum starts the next measurement: the last one alone misses a crossing


@dataclass(frozen=True, eq=False)
class Moment:
    """When and how a measurement is made.

    Attributes
    ----------
    starts : dict of str to tensor (size,)
        Sums of the Ritz vectors of the last measurement, by the name of the quantity.
    audit : bool
        Whether eigenvalues are found once more from a random start.
    seed : int
        Of random starts and signs.
    clip_coefficient : float, optional
        What clipping multiplied the last gradient by; None if nobody said.
    """

    starts: dict[str, Any] = field(default_factory=dict)
    audit: bool = False
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
    starts : dict of str to tensor (size,)
        For the next measurement.
    """

    values: dict[str, Any] = field(default_factory=dict)
    status: str = "converged"
    reason: str = ""
    products: int = 0
    starts: dict[str, Any] = field(default_factory=dict)

    def __add__(self, other: Measurement) -> Measurement:
        """Join two measurements of the same moment; the first status that is not "converged" counts."""
        return Measurement(
            {**self.values, **other.values},
            other.status if self.status == "converged" else self.status,
            "; ".join(filter(None, (self.reason, other.reason))),
            self.products + other.products,
            {**self.starts, **other.starts},
        )


def measure(subject: Subject, moment: Moment) -> Measurement:
    """Measure what a subject asks for, at the parameters of this moment; training is not touched.

    Nothing is raised for what a model or its loss does: what could not be measured is missing from the
    values, and the status and the reason say why.
    """
    found = Measurement()
    try:
        with subject.probe.measuring():
            found = _loss(subject)
            if found.status == "converged":
                found = found + _eigenvalues(subject, moment)
    except Exception as error:
        return found + failed(error)
    for work in (_blocks, _trace, _critical, _batches, _dead):
        try:
            found = found + work(subject, moment)
        except Exception as error:
            found = found + failed(error)
    return found


def failed(error: Exception) -> Measurement:
    """Turn an exception into the status of a measurement without values."""
    if isinstance(error, StepscapeError) and not isinstance(error, Unmeasured):
        return Measurement(status="error", reason=str(error))
    failure = unmeasured(error)
    return Measurement(status=failure.status, reason=str(failure))


def _loss(subject: Subject) -> Measurement:
    first, second = (float(subject.probe.loss()) for _ in range(2))
    if not math.isfinite(first):
        return Measurement(status="nonfinite", reason="the loss is not finite")
    if first != second:
        reason = (
            f"two values of the loss differ ({first:.6g} and {second:.6g}): switch off what is random in it"
        )
        return Measurement({"loss": first}, "nondeterministic", reason)
    return Measurement({"loss": first})


def _eigenvalues(subject: Subject, moment: Moment) -> Measurement:
    operator = subject.probe.operator()
    found, scaled = Measurement(), None
    if "edge_ratio" in subject.names:
        try:
            scaled = _scaled(subject, moment, operator)
        except Unmeasured as failure:
            found = Measurement(reason=str(failure))
    if scaled is None or "lambda_max" in subject.names or _is_uniform(scaled):
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
    threshold = scaled.thresholds[0] if len(scaled.thresholds) == 1 else math.inf
    values: dict[str, Any] = {
        "threshold": measured(threshold) if _is_uniform(scaled) else None,
        "clipped": None if moment.clip_coefficient is None else moment.clip_coefficient < 1.0,
    }
    if _is_uniform(scaled):
        scale = scaled.factor * float(scaled.root[0]) ** 2
        values["edge_ratio"] = scale * known["lambda_max"] + float(scaled.decay[0])
        values["edge_ratio_residual"] = scale * known["residual"]
        return Measurement(values)
    pair, found = _tracked(subject, moment, scaled, "edge_ratio")
    return replace(found, values={**values, "edge_ratio": pair.value, "edge_ratio_residual": pair.residual})


def _tracked(
    subject: Subject, moment: Moment, operator: TensorOperator, name: str
) -> tuple[RitzPair, Measurement]:
    """Find the largest eigenvalue from what the last measurement knows; an audit looks a second time."""
    start = moment.starts.get(name)
    if start is not None and start.numel() != operator.size:  # parameters were frozen, or thawed
        start = None
    pair = _largest(subject, operator, start, moment.seed)
    products, reason = pair.products, ""
    if moment.audit and start is not None:
        cold = _largest(subject, operator, None, moment.seed)
        products += cold.products
        if cold.value > pair.value + subject.tolerance * abs(pair.value):
            reason = f"{name} was followed along an eigenvalue that another one overtook; corrected here"
        pair = max(pair, cold, key=lambda one: one.value)
    vectors = pair.vectors.sum(dim=0)
    return pair, Measurement(status=pair.status, reason=reason, products=products, starts={name: vectors})


def _largest(subject: Subject, operator: TensorOperator, start: Any, seed: int) -> RitzPair:
    return largest(
        operator,
        start,
        tolerance=subject.tolerance,
        max_products=subject.max_products,
        kept=TRACKED,
        seed=seed,
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
    return Measurement(values, pair.status, products=pair.products)


def _scaled(subject: Subject, moment: Moment, operator: TensorOperator) -> PreconditionedHessian:
    clip = 1.0 if moment.clip_coefficient is None else moment.clip_coefficient
    return preconditioned(subject.probe, subject.optimizer, subject.preconditioner, clip, operator)


def _is_uniform(scaled: PreconditionedHessian) -> bool:
    """Whether the scaled Hessian is a positive multiple of the Hessian, plus a multiple of the identity."""
    if len(scaled.thresholds) > 1 or scaled.factor < 0.0:
        return False
    return all(bool(each.min() == each.max()) for each in (scaled.root, scaled.decay))


def _blocks(subject: Subject, moment: Moment) -> Measurement:
    if not subject.blocks:
        return Measurement()
    from stepscape.monitor.probe import Probe

    values, found = {}, Measurement()
    for name, select in subject.blocks.items():
        probe = Probe(subject.model, subject.loss, subject.batch, **{**subject.settings, "select": select})
        with probe.measuring():
            pair = _largest(subject, probe.operator(), None, moment.seed)
        values[name] = pair.value
        found = found + Measurement(status=pair.status, products=pair.products)
    return replace(found, values={"blocks": values})


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
    if not math.isfinite(found.error):  # "no_crossing" has a value, which is only the largest step tried
        return Measurement(reason=_because("critical_step_size", found.reason or found.status))
    values = {"critical_step_size": measured(found.value), "critical_step_size_error": measured(found.error)}
    said = "" if found.status == "converged" else found.reason or found.status
    return Measurement(values, reason=_because("critical_step_size", said))


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
    found = batch_sharpness(subject.model, subject.loss, list(subject.batches), **_unweighted(subject))
    values = {
        "batch_sharpness": measured(found.ratio_of_means),
        "batch_sharpness_standard_error": measured(found.ratio_error),
        "batch_sharpness_mean_of_ratios": measured(found.mean_of_ratios),
        "batch_sharpness_mean_of_ratios_standard_error": measured(found.mean_error),
    }
    return Measurement(values, reason=_because("batch_sharpness", found.reason), products=found.products)


def _unweighted(subject: Subject) -> dict[str, Any]:
    return {name: value for name, value in subject.settings.items() if name != "weights"}


def _dead(subject: Subject, moment: Moment) -> Measurement:  # noqa: ARG001
    if "dead_units" not in subject.names:
        return Measurement()
    found = activity(subject.model, subject.loss, subject.batch, layers=subject.layers, **subject.settings)
    if found.status != "measured":
        return Measurement(reason="dead_units: no module with an activation was called; name layers")
    return Measurement(
        {"dead_units": {site.name: site.dead for site in found.sites if site.dead is not None}}
    )


def _because(name: str, reason: str) -> str:
    return f"{name}: {reason}" if reason else ""
