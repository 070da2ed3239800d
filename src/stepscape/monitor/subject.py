"""What a monitor measures: a model under its loss on a fixed batch, its optimizer, and which quantities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import function, share, texts, whole
from stepscape.errors import InputError, bad, shown, unknown
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.probe import Loss, Probe
from stepscape.monitor.stochastic import require_batches
from stepscape.monitor.thresholds import UserRule, inner_optimizer, rule_of
from stepscape.monitor.units import require_layers
from stepscape.objectives.require_torch import require_torch

# Hessian products that a quantity takes, about: what the first measurement is predicted to cost.
PRODUCTS = {
    "lambda_max": 13, "edge_ratio": 13, "lambda_min": 30, "trace": 60, "critical_step_size": 5,
    "dead_units": 1,
}  # fmt: skip
PER_BLOCK, PER_BATCH = 13, 3
SETTINGS = ("weights", "select", "precision", "batch_norm", "dropout")  # of a `Probe`
OWN_SETTINGS = ("measure", "blocks", "batches", "layers", "preconditioner", "tolerance", "max_products")


@dataclass(frozen=True, eq=False)
class Subject:
    """A model in training, and what is to be measured of it.

    Attributes
    ----------
    model, loss, batch, settings : what a `Probe` is made of.
    probe : Probe
    optimizer : torch.optim.Optimizer, without wrappers
    names : tuple of str
        Of `PRODUCTS`.
    blocks : mapping of str to what selects parameters.
    batches : tuple
        Minibatches of the size of training, for batch sharpness; may be empty.
    layers : list of str, optional
        Those whose units are counted; see `activity`.
    preconditioner : callable, optional
        Threshold and preconditioner of an optimizer that is not known; see `threshold_of`.
    tolerance : float
    max_products : int
    """

    model: Any
    loss: Loss
    batch: Any
    probe: Probe
    optimizer: Any
    names: tuple[str, ...]
    blocks: Mapping[str, Any]
    batches: tuple[Any, ...]
    layers: list[str] | None
    preconditioner: UserRule | None
    tolerance: float
    max_products: int
    settings: Mapping[str, Any]

    @classmethod
    def read(
        cls,
        model: Any,
        loss: Loss,
        batch: Any,
        optimizer: Any,
        *,
        measure: Iterable[str] = ("lambda_max", "edge_ratio"),
        blocks: Mapping[str, Any] | None = None,
        batches: Iterable[Any] = (),
        layers: Iterable[str] | None = None,
        preconditioner: UserRule | None = None,
        tolerance: float = 1e-3,
        max_products: int = 200,
        **settings: Any,
    ) -> Subject:
        """Check what a user gives; the model is not called.

        Raises
        ------
        InputError
            For a wrong argument.
        Unmeasured
            If parameters are sharded or lie on several devices.
        """
        names = tuple(dict.fromkeys(texts("measure", measure)))
        for name in names:
            if name not in PRODUCTS:
                raise unknown("quantity", name, PRODUCTS)
        if not isinstance(blocks or {}, Mapping):
            raise bad("blocks", "map names to patterns of parameters", shown(blocks))
        for name in settings:
            if name not in SETTINGS:
                raise unknown("setting", name, (*OWN_SETTINGS, *SETTINGS))
        probe, inner = Probe(model, loss, batch, **settings), inner_optimizer(optimizer)
        _require_own(model, inner)
        if layers is not None:
            require_layers(probe.model, texts("layers", layers))
        if preconditioner is not None:
            function("preconditioner", preconditioner, "be a function of the optimizer and a parameter")
        if not isinstance(batches, tuple) or batches:
            batches = list(batches) if isinstance(batches, Iterator) else batches
            require_batches(batches)
        for name, patterns in (blocks or {}).items():
            _require_matches(name, patterns, model, loss, batch)
        return cls(
            model, loss, batch, probe, inner, names,
            dict(blocks or {}), tuple(batches), None if layers is None else texts("layers", layers),
            preconditioner, share("tolerance", tolerance), whole("max_products", max_products, 2), settings,
        )  # fmt: skip

    @property
    def step_sizes(self) -> tuple[float, ...]:
        """η of each group of parameters, now; 0 for one that is not finite."""
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        return tuple(rate if math.isfinite(rate) else 0.0 for rate in rates)

    @property
    def no_edge_ratio(self) -> str:
        """Why no edge ratio can be known, whatever the state of the optimizer; "" if one can."""
        if "edge_ratio" in self.names and self.preconditioner is None:
            try:
                rule_of(self.optimizer)
            except Unmeasured as failure:
                return str(failure)
        return ""

    @property
    def products(self) -> int:
        """Hessian products that one measurement takes, about."""
        named = sum(PRODUCTS[name] for name in self.names)
        return named + PER_BLOCK * len(self.blocks) + PER_BATCH * len(self.batches)

    @property
    def precision(self) -> str:
        """Type of the numbers in which products are computed, such as "float32"."""
        return str(self.probe.parameters[0].dtype).removeprefix("torch.")

    def wait(self) -> None:
        """Let a graphics processor finish what it was given, so that a clock tells what it took."""
        device = self.probe.parameters[0].device
        if device.type == "cuda":
            require_torch().cuda.synchronize(device)


def _require_own(model: Any, optimizer: Any) -> None:
    """Refuse an optimizer that moves no parameter of the model."""
    moved = {id(each) for group in optimizer.param_groups for each in group["params"]}
    if moved.isdisjoint(map(id, model.parameters())):
        raise bad("optimizer", "move parameters of the model", "one that moves none of them")


def _require_matches(name: str, patterns: Any, model: Any, loss: Loss, batch: Any) -> None:
    """Refuse a block without parameters."""
    try:
        Probe(model, loss, batch, select=patterns)
    except InputError as error:
        raise bad(f"blocks[{name!r}]", "match names of parameters that are trained", patterns) from error
