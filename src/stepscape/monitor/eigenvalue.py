"""The largest eigenvalue of the Hessian of a model's loss: one number, with its residual and a status."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import flag, mapping, share, texts, whole
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.lanczos import Negated, RitzPair, largest
from stepscape.monitor.operator import HessianOperator
from stepscape.monitor.probe import Loss, Probe, Select
from stepscape.monitor.wrappers import unwrapped


@dataclass(frozen=True, eq=False)
class Sharpness:
    """The largest eigenvalue λ_max of a Hessian, as far as products with vectors tell.

    λ_max is at least `lower_bound`; that no eigenvalue is larger is likely when the status is "converged" but
    never proved.

    Attributes
    ----------
    value : float
        Rayleigh quotient; nan where nothing could be measured.
    residual : float
        ‖H·vector - value·vector‖, computed: some eigenvalue lies within it of `value`.
    status : str
        "converged", "budget" (`max_products` came first), "noise_floor" (products are less accurate than the
        tolerance), "nondeterministic", "nonfinite", "unsupported", "oom" or "error".
    products : int
        Hessian products spent.
    reason : str
        One sentence for a status that is not "converged"; empty otherwise.
    error_estimate : float
        Estimate of the error of `value` from the gap to the next eigenvalue: information, not a bound.
    samples, size : int
        Examples in the batches; numbers among the chosen parameters.
    precision, batch_norm, method : str
        How it was measured: see `Probe` and `HessianOperator`; `batch_norm` is "batch", "running" or "none".
    vector : tensor (size,), optional
        Unit vector, in the order of the names of the chosen parameters.
    smallest, smallest_residual : float
        Smallest eigenvalue, or an upper bound on it, with its residual, where asked for; otherwise nan.
    """

    value: float
    residual: float
    status: str
    products: int
    reason: str = ""
    error_estimate: float = math.nan
    samples: int = 0
    size: int = 0
    precision: str = "float32"
    batch_norm: str = "none"
    method: str = "cached"
    vector: Any = None
    smallest: float = math.nan
    smallest_residual: float = math.nan

    @property
    def lower_bound(self) -> float:
        """λ_max is at least this: value - residual; nan where nothing could be measured."""
        return self.value - self.residual

    def __repr__(self) -> str:
        if math.isnan(self.value):
            return f"Sharpness({self.status}: {self.reason})"
        number = f"{self.value:.6g} ± {self.residual:.1e}, a lower bound"
        return f"Sharpness({number}, {self.status}, products={self.products}, samples={self.samples})"


REASONS = {
    "converged": "",
    "budget": "max_products were spent before the residual reached the tolerance; the value is a lower bound",
    "noise_floor": "the Hessian products are less accurate than the tolerance; raise the precision, or "
    "open autocast outside of the loss",
}


def sharpness(
    model: Any,
    loss: Loss,
    batch: Any,
    tolerance: float = 1e-3,
    *,
    weights: Iterable[float] | None = None,
    select: Select = None,
    precision: str = "float32",
    batch_norm: str = "as_is",
    dropout: str = "off",
    method: str = "auto",
    max_products: int = 200,
    smallest: bool = False,
) -> Sharpness:
    """Measure the largest eigenvalue of the Hessian of a model's loss, without touching the model.

    It is a lower bound with a residual; gradient descent with step size η is stable along its vector while it
    is below 2/η. At a residual of 1e-3 the error is typically 1e-5.

    Parameters
    ----------
    model, loss, batch, weights, select, precision, batch_norm, dropout
        As `Probe` says.
    tolerance : float
        Of the residual, relative to the value.
    method : {"auto", "cached", "double", "vjp", "differences"}
        How products are formed; see `HessianOperator`.
    max_products : int
        Most Hessian products; each costs 1 to 3 training steps on the same batch.
    smallest : bool
        Whether to find the smallest eigenvalue too, with a residual of tolerance times the largest.

    Returns
    -------
    Sharpness
        What the model, its loss or the memory does not allow is a status with a sentence, not an error.

    Raises
    ------
    InputError
        If the arguments fit no measurement: `model` is not a module or has nothing to vary, `loss` is not a
        function that returns a real scalar, `batch` is empty, a number or a word is wrong.
    Unavailable
        If PyTorch is not installed.
    """
    share("tolerance", tolerance)
    whole("max_products", max_products, 2)
    flag("smallest", smallest)
    try:
        probe = Probe(
            model, loss, batch, weights=weights, select=select, precision=precision,
            batch_norm=batch_norm, dropout=dropout,
        )  # fmt: skip
    except Unmeasured as failure:
        return Sharpness(math.nan, math.nan, failure.status, 0, str(failure), precision=precision)
    return measure(probe, tolerance=tolerance, method=method, max_products=max_products, smallest=smallest)


def measure(
    probe: Probe,
    *,
    tolerance: float = 1e-3,
    method: str = "auto",
    max_products: int = 200,
    smallest: bool = False,
) -> Sharpness:
    """Measure the largest eigenvalue for a probe; see `sharpness`."""
    operator = probe.operator(method)
    told: dict[str, Any] = {
        "samples": probe.samples, "size": probe.size,
        "precision": probe.precision, "batch_norm": probe.normalization,
    }  # fmt: skip
    try:
        with probe.measuring():
            probe.require_deterministic()
            pair = largest(operator, tolerance=tolerance, max_products=max_products)
            low = _smallest(operator, pair, tolerance, max_products) if smallest else (math.nan, math.nan)
    except (Unmeasured, RuntimeError, MemoryError) as error:
        failure = unmeasured(error)
        return Sharpness(
            math.nan,
            math.nan,
            failure.status,
            operator.products,
            str(failure),
            method=operator.method,
            **told,
        )
    return Sharpness(
        pair.value, pair.residual, pair.status, operator.products, REASONS[pair.status], pair.error_estimate,
        method=operator.method, vector=pair.vectors[0], smallest=low[0], smallest_residual=low[1], **told,
    )  # fmt: skip


def _smallest(
    operator: HessianOperator, top: RitzPair, tolerance: float, max_products: int
) -> tuple[float, float]:
    negated = Negated(operator)
    low = largest(negated, tolerance=tolerance, max_products=max_products, least_scale=abs(top.value))
    return -low.value, low.residual


def block_sharpness(
    model: Any,
    loss: Loss,
    batch: Any,
    blocks: Mapping[str, Iterable[str]] | None = None,
    tolerance: float = 1e-3,
    **settings: Any,
) -> dict[str, Sharpness]:
    """Measure the largest eigenvalue of each diagonal block of the Hessian.

    Parameters
    ----------
    model, loss, batch
        As `Probe` says.
    blocks : mapping from names to lists of patterns, optional
        Patterns of names of parameters; by default one block for each child of the model that is trained.
    tolerance : float
        Of each residual, relative to its value.
    **settings
        Of `sharpness`.

    Raises
    ------
    InputError
        As `sharpness` says, and if a block has no parameters that require gradients.
    """
    chosen = _children(model) if blocks is None else mapping("blocks", blocks)
    return {
        name: sharpness(model, loss, batch, tolerance, select=texts("each of blocks", patterns), **settings)
        for name, patterns in chosen.items()
    }


def _children(model: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, parameter in unwrapped(model).named_parameters():
        if parameter.requires_grad:
            found.setdefault(name.partition(".")[0], []).append(name)
    return found
