"""One measurement of a training run: what was found at a step, and its line in a file."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from stepscape.arguments import nonnegative, text, whole, word
from stepscape.errors import InputError, bad, shown, unknown
from stepscape.tables.number import number

SCHEMA = 1
STATUSES = (
    "converged", "budget", "noise_floor", "nondeterministic", "nonfinite", "unsupported", "oom", "error",
)  # fmt: skip
OPENING = f'{{"schema":{SCHEMA},'  # with which every line begins
_NUMBERS = (
    "loss", "lambda_max", "lower_bound", "residual", "error_estimate", "edge_ratio", "edge_ratio_residual",
    "threshold", "lambda_min", "lambda_min_residual", "trace", "trace_standard_error", "critical_step_size",
    "critical_step_size_error", "batch_sharpness", "batch_sharpness_standard_error",
    "batch_sharpness_mean_of_ratios", "batch_sharpness_mean_of_ratios_standard_error",
)  # fmt: skip

_TOLD = {"loss": "loss", "lambda_max": "λ_max", "edge_ratio": "edge ratio", "seconds": "seconds"}


@dataclass(frozen=True)
class Row:
    """What was measured after one step of training; None is what was not.

    Attributes
    ----------
    step : int
        Steps of the optimizer that were made before.
    training_seconds : float
        Time of training so far, without that of the measurements.
    step_sizes : tuple of float
        η of each group of parameters.
    loss : float, optional
        Of the batch of the monitor, with the normalization of its loss.
    lambda_max : float, optional
        Largest eigenvalue of the Hessian H of that loss over the trained parameters.
    lower_bound : float, optional
        `lambda_max` − `residual`: the largest eigenvalue is at least this. Nothing bounds it from above.
    residual : float, optional
        ‖Hv − λv‖; some eigenvalue lies within it of `lambda_max`.
    error_estimate : float, optional
        Expected error of `lambda_max`; information, not a bound.
    status : str
        "converged": the residual is within the tolerance. "budget": it is not, so that `lambda_max` and
        `edge_ratio` are lower bounds. "noise_floor": rounding keeps the residual above the tolerance.
        "nondeterministic", "nonfinite", "unsupported", "oom", "error": nothing can be said; see `reason`.
    reason : str
        One sentence about what is missing or doubtful; else empty.
    products : int
        Products of a Hessian and a vector that the measurement took.
    seconds : float
        Time of the measurement.
    samples : int, optional
        Examples in the batch of the monitor.
    precision : str
        Type of the numbers in which products were computed, such as "float32".
    edge_ratio : float, optional
        Largest eigenvalue over the threshold of the optimizer, preconditioned and with weight decay as the
        optimizer has them. Full-batch training is stable on a quadratic below 1.
    edge_ratio_residual : float, optional
        Some eigenvalue of the preconditioned matrix lies within it of `edge_ratio`.
    threshold : float, optional
        2/η for gradient descent; None where it differs between parameters.
    clipped : bool, optional
        Whether the gradient of this step was clipped, so that the step was smaller than `step_sizes` says.
    lambda_min, lambda_min_residual : float, optional
        Smallest eigenvalue of H, at most this, and its residual.
    trace, trace_standard_error : float, optional
        Hutchinson's estimate of the trace of H, and its standard error.
    critical_step_size, critical_step_size_error : float, optional
        Smallest step size at which a step along the (preconditioned) gradient raises the loss, and its error.
    batch_sharpness, batch_sharpness_standard_error : float, optional
        E[gᵀHg]/E[‖g‖²] over minibatches, with the gradient g and the Hessian H of each.
    batch_sharpness_mean_of_ratios, batch_sharpness_mean_of_ratios_standard_error : float, optional
        E[gᵀHg/‖g‖²] of the same minibatches.
    blocks : mapping of str to float, optional
        Largest eigenvalue of each block of parameters, a lower bound.
    dead_units : mapping of str to int, optional
        Units that are active on no example, by layer.

    Raises
    ------
    InputError
        For a number that is not finite, an unknown status, or a step that is not a whole number.
    """

    step: int
    training_seconds: float
    step_sizes: tuple[float, ...]
    status: str
    loss: float | None = None
    lambda_max: float | None = None
    lower_bound: float | None = None
    residual: float | None = None
    error_estimate: float | None = None
    reason: str = ""
    products: int = 0
    seconds: float = 0.0
    samples: int | None = None
    precision: str = ""
    edge_ratio: float | None = None
    edge_ratio_residual: float | None = None
    threshold: float | None = None
    clipped: bool | None = None
    lambda_min: float | None = None
    lambda_min_residual: float | None = None
    trace: float | None = None
    trace_standard_error: float | None = None
    critical_step_size: float | None = None
    critical_step_size_error: float | None = None
    batch_sharpness: float | None = None
    batch_sharpness_standard_error: float | None = None
    batch_sharpness_mean_of_ratios: float | None = None
    batch_sharpness_mean_of_ratios_standard_error: float | None = None
    blocks: dict[str, float] | None = None
    dead_units: dict[str, int] | None = None

    def __post_init__(self) -> None:
        whole("step", self.step, most=2**63 - 1)
        word("status", self.status, STATUSES)
        text("reason", self.reason)
        for name in ("training_seconds", "seconds"):
            nonnegative(name, getattr(self, name))
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        numbers |= {f"blocks[{name!r}]": value for name, value in (self.blocks or {}).items()}
        numbers |= {f"step_sizes[{i}]": value for i, value in enumerate(self.step_sizes)}
        for name, value in numbers.items():
            if value is not None and not math.isfinite(value):
                raise bad(name, "be finite, or None where it was not measured", value)

    def __str__(self) -> str:
        """Say what was measured, in a line."""
        known = ((words, getattr(self, name)) for name, words in _TOLD.items())
        said = [f"{words} {number(value)}" for words, value in known if value is not None]
        because = f": {self.reason}" if self.reason else ""
        return f"step {self.step}: {', '.join([*said, f'status {self.status}'])}{because}"

    @property
    def converged(self) -> bool:
        """Whether the eigenvalues are what they are called, within the tolerance."""
        return self.status == "converged"

    def to_line(self) -> str:
        """Return the row as one line of JSON without its end; what was not measured is null."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return OPENING + json.dumps(values, allow_nan=False, separators=(",", ":"))[1:]

    @classmethod
    def from_line(cls, line: str | bytes) -> Row:
        """Read the row that `to_line` wrote.

        Raises
        ------
        InputError
            For anything else; the sentence says what is wrong, not where.
        """
        return _row(cls, _values(line))


NAMES = tuple(field.name for field in fields(Row))


def measured(value: float) -> float | None:
    """Return a number as a row holds it: None for nan and infinities.

    >>> measured(1.5), measured(float("nan"))
    (1.5, None)
    """
    return float(value) if math.isfinite(value) else None


def _values(line: str | bytes) -> dict[str, Any]:
    if not isinstance(line, str | bytes):
        raise bad("line", "be text or bytes", shown(line))
    try:
        values = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise _no_json(line, error) from None
    if not isinstance(values, dict):
        raise bad("a row", "be one JSON object", shown(values))
    if "schema" not in values:
        raise bad("a row", "name its schema", "an object without one")
    if (schema := values.pop("schema")) != SCHEMA or isinstance(schema, bool):
        then = "read it with the version of stepscape that wrote it"
        raise bad("schema", f"be {SCHEMA}", shown(schema), then)
    return values


def _no_json(line: str | bytes, error: Exception) -> InputError:
    """Word a line that is not JSON; NaN and Infinity, which Python writes, get a sentence of their own."""
    found: list[str] = []
    with contextlib.suppress(ValueError, RecursionError):
        json.loads(line, parse_constant=found.append)
    if found:
        return bad("a row", "hold finite numbers, and null where nothing was measured", found[0])
    return bad("a row", "be one JSON object", f"text that is not JSON ({error})")


def _row(kind: type[Row], values: Mapping[str, Any]) -> Row:
    for name in values:
        if name not in NAMES:
            raise unknown("name in a row", name, NAMES)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InputError):  # what a row itself refuses
            raise error.__cause__ from None
        raise bad("a row", "hold values of the right kind", str(error)) from None
