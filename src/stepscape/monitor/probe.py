"""The loss of a model in training as a function of chosen parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from typing import Any

from stepscape.arguments import texts, word
from stepscape.errors import StepscapeError, bad, shown
from stepscape.monitor.batches import Batches
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.fingerprint import fingerprint, require_equal
from stepscape.monitor.guard import guarded, is_batch_norm, replay_random_numbers
from stepscape.monitor.operator import HessianOperator
from stepscape.monitor.vectors import matching
from stepscape.monitor.wrappers import unwrapped
from stepscape.objectives.require_loss import require_loss
from stepscape.objectives.require_torch import require_torch

Loss = Callable[[Any, Any], Any]
Select = str | Iterable[str] | Callable[[str, Any], bool] | None

_WITHOUT_GRAPH = "does not require grad and does not have a grad_fn"  # what PyTorch says of such a loss
_INSIDE: ContextVar[tuple[int, ...]] = ContextVar("stepscape_probes", default=())


class Probe:
    """A model, its loss and batches as a pure function of chosen parameters, at the point where training is.

    Nothing is copied at the start: `parameters` are those of this moment. Losses, gradients and Hessian
    products are taken through detached aliases of the parameters and copies of the buffers, so that neither
    ``.grad``, hooks of parameters, running statistics nor random numbers change: training continues bit by
    bit as if there had been no measurement.

    Parameters
    ----------
    model : torch.nn.Module
        Also inside DistributedDataParallel or torch.compile.
    loss : callable
        (model, batch) → a scalar tensor, the mean loss over the batch; no backward and no logging.
    batch : tensor, tuple or dict of tensors, or a list of such batches
        Copied. A list of tensors alone is one batch, as a DataLoader collates it.
    weights : list of float, optional
        Weight of each batch in a list, such as its number of labels that count; by default its number of
        examples.
    select : str, list of str or callable, optional
        Parameters to vary, among those that require gradients: patterns of names ("layers.*.weight"), or
        (name, parameter) → bool. By default all. One that several modules share has several names.
    precision : {"float32", "as_is", "float64"}
        "float32" and "float64" raise parameters, buffers and floating numbers of the batch to at least this
        precision, and ignore autocast around the measurement (not inside `loss`); "as_is" measures what
        the optimizer sees.
    batch_norm : {"as_is", "batch", "running"}
        As the model stands; by the statistics of the batch; by the running ones.
    dropout : {"off", "frozen"}
        "off" switches it off, in modules and in functions; "frozen" draws the same random numbers for every
        loss, one mask.

    Raises
    ------
    InputError
        For a model without chosen parameters, with lazy or complex ones, for an empty batch and a wrong word.
    Unmeasured
        If parameters are sharded or lie on several devices.
    Unavailable
        If PyTorch is not installed.
    """

    def __init__(
        self,
        model: Any,
        loss: Loss,
        batch: Any,
        *,
        weights: Iterable[float] | None = None,
        select: Select = None,
        precision: str = "float32",
        batch_norm: str = "as_is",
        dropout: str = "off",
    ) -> None:
        require_torch()
        require_loss(loss)
        self.model = unwrapped(model)
        self.precision = word("precision", precision, ("float32", "as_is", "float64"))
        self.batch_norm = word("batch_norm", batch_norm, ("as_is", "batch", "running"))
        self.dropout = word("dropout", dropout, ("off", "frozen"))
        self._chosen = _chooser(select)
        self._batches = Batches.read(batch, weights)
        self._probed = _probed(self.model, loss)
        self._inputs = self._batches.cast(self._raised)
        self._check()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the chosen parameters; one that several modules share has its first name."""
        return tuple(name for name, _ in self._varied())

    @property
    def parameters(self) -> tuple[Any, ...]:
        """Detached aliases of the chosen parameters: they follow training, unless the precision is raised."""
        return tuple(self._raised(parameter.detach()) for _, parameter in self._varied())

    @property
    def size(self) -> int:
        """Number of chosen parameters, counted by entries."""
        return sum(parameter.numel() for _, parameter in self._varied())

    @property
    def samples(self) -> int:
        """Number of examples in the batches."""
        return self._batches.samples

    @property
    def weights(self) -> tuple[float, ...]:
        """Share of each batch in the mean loss; they sum to 1."""
        return self._batches.weights

    @property
    def normalization(self) -> str:
        """How batch normalization is measured: "batch", "running" or "none"."""
        found = [module for module in self.model.modules() if is_batch_norm(module)]
        if not found or self.batch_norm != "as_is":
            return self.batch_norm if found else "none"
        return "batch" if any(module.training for module in found) else "running"

    @contextmanager
    def measuring(self, verify: bool = False) -> Iterator[None]:
        """Guard training while the block runs; the methods of a probe do it themselves where nobody did.

        Parameters
        ----------
        verify : bool
            Whether to compare everything that training depends on before and after, by its bits, which
            costs a copy of all parameters: for tests, and for a loss that is suspected to write.

        Raises
        ------
        Disturbed
            If something differs.
        """
        inside = _INSIDE.get()
        if id(self) in inside:
            yield
            return
        before = fingerprint(self.model) if verify else {}
        token = _INSIDE.set((*inside, id(self)))
        full = self.precision != "as_is"
        try:
            with guarded(self.model, batch_norm=self.batch_norm, dropout=self.dropout, full_precision=full):
                yield
        finally:
            _INSIDE.reset(token)
        if verify:
            require_equal(before, fingerprint(self.model))

    def loss(self, shift: Sequence[Any] | None = None) -> Any:
        """Mean loss at the parameters, moved by `shift` (one tensor per parameter): a scalar of float64."""
        torch = require_torch()
        with self.measuring():
            point = self.point(shift)
            values = [self.value(number, point).detach().double() for number in range(len(self._inputs))]
            weights = torch.tensor(self.weights, dtype=torch.float64, device=values[0].device)
            return weights @ torch.stack(values)

    def gradient(self, shift: Sequence[Any] | None = None) -> list[Any]:
        """Gradient of the mean loss by the chosen parameters, one tensor for each."""
        torch = require_torch()
        with self.measuring():
            point = self.point(shift, leaves=True)
            total = [torch.zeros_like(one) for one in point]
            for number, weight in enumerate(self.weights):
                for one, part in zip(total, self.slopes(number, point), strict=True):
                    one += weight * (part.to_dense() if part.is_sparse else part)
            return total

    def operator(self, method: str = "auto", pieces: Sequence[int] | None = None) -> HessianOperator:
        """Hessian of the mean loss at the parameters, known through its products; see `HessianOperator`.

        Parameters
        ----------
        method : {"auto", "cached", "double", "vjp", "differences"}
        pieces : list of int, optional
            Numbers of the batches whose mean loss is meant; by default all.
        """
        return HessianOperator(self, method, pieces)

    def require_loss(self) -> None:
        """Refuse a loss that cannot be computed, takes gradients, or is not a differentiable scalar.

        Raises
        ------
        InputError
            If the loss is wrong whatever the parameters are.
        Unmeasured
            If the model or the loss raises.
        """
        with self.measuring():
            self.value(0, self.point())
            self.slopes(0, self.point(leaves=True))

    def require_deterministic(self) -> None:
        """Refuse a loss that is not finite, or not the same each time it is computed.

        Raises
        ------
        Unmeasured
            "nonfinite" or "nondeterministic".
        """
        with self.measuring():
            first, again = (float(self.value(0, self.point()).detach()) for _ in range(2))
        if not math.isfinite(first):
            raise Unmeasured("nonfinite", f"the loss is {first} at the model's parameters")
        double = self.precision == "float64"
        if abs(first - again) > 64.0 * (2.0**-52 if double else 2.0**-23) * abs(first):
            reason = f"the loss was {first:.9g} and then {again:.9g}; switch random operations off"
            raise Unmeasured("nondeterministic", f"{reason}, or give dropout='frozen'")

    def point(self, shift: Sequence[Any] | None = None, leaves: bool = False) -> list[Any]:
        """Return the chosen parameters, moved by `shift`; with `leaves`, gradients can be taken by them."""
        point = list(self.parameters)
        if shift is not None:
            given = matching("shift", shift, point)
            point = [one + move.detach() for one, move in zip(point, given, strict=True)]
        return [one.requires_grad_() for one in point] if leaves else point

    def value(self, number: int, point: Sequence[Any]) -> Any:
        """Loss of one batch at a point, with its graph; buffers are copies, which may be written."""
        return self.call(point, lambda loss: _scalar(loss(self._inputs[number])))

    def slopes(self, number: int, point: Sequence[Any]) -> tuple[Any, ...]:
        """Gradient of the loss of one batch at a point of leaves."""
        return self.graph(number, point, kept=False)[1:]

    def graph(self, number: int, point: Sequence[Any], kept: bool = True) -> tuple[Any, ...]:
        """Loss of one batch at a point of leaves and its gradient; where kept, it can be differentiated."""
        torch = require_torch()

        def differentiated(loss: Callable[[Any], Any]) -> Any:
            value = _scalar(loss(self._inputs[number]))
            found = (None,)
            if value.requires_grad:
                found = torch.autograd.grad(value, list(point), allow_unused=True, create_graph=kept)
            if all(slope is None for slope in found):
                must = "depend on the chosen parameters of the model that it is given"
                then = "use differentiable operations, and no other model"
                raise bad("loss", must, "one that does not", then)
            zeros = (
                torch.zeros_like(one) if slope is None else slope
                for one, slope in zip(point, found, strict=True)
            )
            return (value, *zeros)

        return self.call(point, differentiated)  # type: ignore[no-any-return]

    def call(self, point: Sequence[Any], work: Callable[[Callable[[Any], Any]], Any]) -> Any:
        """Run `work` with the loss of a batch while the model holds a point.

        Also gradients and products are taken within it, because checkpoints compute parts of the loss again.
        What the model or the loss raises becomes `Unmeasured`.
        """
        torch = require_torch()
        given = dict(zip((f"model.{name}" for name in self.names), point, strict=True))
        for name, tensor in self.model.named_parameters():
            given.setdefault(f"model.{name}", self._raised(tensor.detach()))
        given |= {
            f"model.{name}": self._raised(buffer.detach().clone())
            for name, buffer in self.model.named_buffers()
        }
        torch.clear_autocast_cache()
        if self.dropout == "frozen":
            replay_random_numbers(self.model)
        try:
            return torch.func.functional_call(self._probed, given, (work,))
        except StepscapeError:
            raise
        except Exception as error:
            if _WITHOUT_GRAPH in str(error):
                must = "return the loss and leave gradients to the monitor"
                raise bad("loss", must, "one that takes them", "call neither backward() nor grad") from error
            raise self._located(unmeasured(error)) from error

    def __repr__(self) -> str:
        return f"Probe({type(self.model).__name__} with {self.size} parameters, {self.samples} samples)"

    def _varied(self) -> list[tuple[str, Any]]:
        first: dict[int, tuple[str, Any]] = {}
        chosen: set[int] = set()
        for name, parameter in self.model.named_parameters(remove_duplicate=False):
            first.setdefault(id(parameter), (name, parameter))
            if parameter.requires_grad and self._chosen(name, parameter):
                chosen.add(id(parameter))
        return [named for key, named in first.items() if key in chosen]

    def _raised(self, tensor: Any) -> Any:
        torch = require_torch()
        if self.precision == "as_is" or not tensor.is_floating_point():
            return tensor
        least = torch.float64 if self.precision == "float64" else torch.float32
        return tensor.to(torch.promote_types(tensor.dtype, least))

    def _located(self, failure: Unmeasured) -> Unmeasured:
        """Say of an error that the batch lies elsewhere than the model, where it does."""
        here = {str(parameter.device) for parameter in self.model.parameters()}
        there = self._batches.devices - here
        if failure.status != "error" or not there:
            return failure
        where = f"the batch lies on {' and '.join(sorted(there))}, the model on {' and '.join(sorted(here))}"
        return Unmeasured("error", f"{failure}; {where}")

    def _check(self) -> None:
        torch = require_torch()
        for name, parameter in self.model.named_parameters():
            if torch.nn.parameter.is_lazy(parameter):
                raise bad("model", "be initialized", f"the lazy parameter {name}", "call it on a batch once")
            if parameter.is_complex():
                raise bad("model", "have real parameters", f"{name} of {parameter.dtype}")
        varied = self._varied()
        if not varied:
            raise bad("model", "have chosen parameters that require gradients", "none")
        devices = sorted({str(parameter.device) for _, parameter in varied})
        if len(devices) > 1:
            reason = f"the chosen parameters lie on {' and '.join(devices)}; select those on one device"
            raise Unmeasured("unsupported", reason)


def _scalar(value: Any) -> Any:
    torch = require_torch()
    if not isinstance(value, torch.Tensor):
        raise bad(
            "loss", "return a real scalar tensor", shown(value), "return the loss itself, without item()"
        )
    if value.shape != () or value.is_complex() or not value.is_floating_point():
        came = f"a tensor of shape {tuple(value.shape)} and type {value.dtype}"
        raise bad("loss", "return a real scalar tensor", came, "take the mean over the batch")
    return value


def _probed(model: Any, loss: Loss) -> Any:
    """Return a module under which parameters and buffers of the model can be given from outside."""
    torch = require_torch()

    class Probed(torch.nn.Module):  # type: ignore[misc,name-defined]
        """A model under its loss."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, work: Callable[[Callable[[Any], Any]], Any]) -> Any:
            """Return what some work with the loss of a batch gives."""
            return work(lambda batch: loss(self.model, batch))

    return Probed()


def _chooser(select: Select) -> Callable[[str, Any], bool]:
    if select is None:
        return lambda name, parameter: True  # noqa: ARG005
    if callable(select):
        return select
    patterns = [select] if isinstance(select, str) else texts("select", select)
    return lambda name, parameter: any(fnmatchcase(name, each) for each in patterns)  # noqa: ARG005
