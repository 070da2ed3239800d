"""Which units of a network are awake: how often each of them is above zero on a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from stepscape.arguments import texts
from stepscape.errors import unknown
from stepscape.monitor.probe import Loss, Probe
from stepscape.objectives.require_torch import require_torch

MOST = 8  # names of layers in a hint
TINY = 1e-3  # below it in size, an output of a smooth activation counts as nothing


@dataclass(frozen=True, eq=False)
class SiteActivity:
    """Units of one layer.

    Attributes
    ----------
    name : str
        Of the module; "name#2" where a module is called a second time in one forward pass.
    kind : str
        "switch": a unit is on where its output (ReLU), or its pre-activation (a layer that was named), is
        positive. "smooth": GELU, SiLU and their like have no off state.
    rates : tensor of float64, one number per unit
        Share of the samples, and of the positions in them, at which the unit is on; for a smooth activation
        at which its output is at least 1e-3 in size.
    """

    name: str
    kind: str
    rates: Any

    @property
    def units(self) -> int:
        """Number of channels of a convolution, or of features."""
        return int(self.rates.numel())

    @property
    def dead(self) -> int | None:
        """Number of units that are never on; None for smooth activations, which do not die."""
        return int((self.rates == 0.0).sum()) if self.kind == "switch" else None

    @property
    def linear(self) -> int | None:
        """Number of units that are always on, and so are linear on these data; None for smooth ones."""
        return int((self.rates == 1.0).sum()) if self.kind == "switch" else None


@dataclass(frozen=True, eq=False)
class Activity:
    """Units of a model on a batch.

    Attributes
    ----------
    sites : tuple of SiteActivity
        In the order of their calls.
    status : str
        "measured", or "no_sites": no module with an activation was called, which is not the same as no dead
        units. Functions such as ``F.relu`` are not modules: name the layers before them.
    samples : int
        Examples seen.
    reason : str
        What to do where there are no sites; else "".
    """

    sites: tuple[SiteActivity, ...]
    status: str
    samples: int
    reason: str = ""

    def __str__(self) -> str:
        if not self.sites:
            return f"No unit was watched: {self.reason}."
        if self.dead is None:
            return "All activations are smooth, and their units do not die."
        return f"{self.dead} of {self.units} units are never on, over {self.samples} examples."

    @property
    def dead(self) -> int | None:
        """Number of units, over all switching layers, that are never on; None if there is no such layer."""
        return sum(found) if (found := [site.dead for site in self.sites if site.dead is not None]) else None

    @property
    def units(self) -> int:
        """Number of units of all switching layers."""
        return sum(site.units for site in self.sites if site.kind == "switch")


def activity(
    model: Any, loss: Loss, batch: Any, *, layers: Iterable[str] | None = None, **settings: Any
) -> Activity:
    """Measure how often each unit of a model is on, in one forward pass.

    Parameters
    ----------
    model, loss, batch : as in `sharpness`.
    layers : list of str, optional
        Names of layers whose outputs are pre-activations, such as ``["conv1", "fc1"]``, where the activation
        is a function and not a module. By default all modules with a known activation: ReLU and ReLU6; GELU,
        SiLU, Mish, ELU, CELU, SELU, Softplus and Hardswish, which are smooth.
    **settings : as in `Probe`.

    Notes
    -----
    Units lie on the second dimension of outputs with 2, 4 and 5 dimensions. With 3 dimensions they lie on the
    second one after a one-dimensional convolution, and otherwise on the last.

    Raises
    ------
    InputError
        For a layer that the model does not have.
    Unmeasured
        If the model or its loss fails.
    """
    probe = Probe(model, loss, batch, **settings)
    sites = _sites(probe.model, layers)
    counts = _Counts()
    with probe.measuring(), _hooks(probe.model, sites, counts):
        probe.loss()
    found = tuple(SiteActivity(name, kind, on / seen) for name, (kind, on, seen) in counts.of_sites.items())
    if found:
        return Activity(found, "measured", probe.samples)
    return Activity((), "no_sites", probe.samples, _hint(probe.model, layers))


def _hint(model: Any, layers: Iterable[str] | None) -> str:
    """Say what to name, where nothing was watched."""
    if layers is not None:
        return "the named layers were not called; name those that the loss calls"
    before = [name for name, module in model.named_modules() if isinstance(module, _kinds())]
    names = ", ".join(map(repr, before[:MOST])) + ", …" * (len(before) > MOST)
    return (
        "no module such as ReLU or GELU was called, and functions such as F.relu cannot be seen; give "
        f"layers=[…] with the layers before them, among {names or 'none'}"
    )


def _kinds() -> tuple[type, ...]:
    """Classes of layers whose outputs may be pre-activations."""
    nn = require_torch().nn
    return (nn.modules.conv._ConvNd, nn.Linear, nn.modules.batchnorm._BatchNorm)


def require_layers(model: Any, named: Iterable[str]) -> None:
    """Refuse the name of a layer that a model does not have."""
    modules = dict(model.named_modules())
    for name in named:
        if name not in modules:
            raise unknown("layer", name, [each for each in modules if each])


def _sites(model: Any, layers: Iterable[str] | None) -> dict[str, str]:
    """Names of the modules to watch, and their kinds."""
    modules = dict(model.named_modules())
    if layers is not None:
        named = texts("layers", layers)
        require_layers(model, named)
        return dict.fromkeys(named, "switch")
    nn = require_torch().nn
    switches = (nn.ReLU, nn.ReLU6)
    smooth = (nn.GELU, nn.SiLU, nn.Mish, nn.ELU, nn.CELU, nn.SELU, nn.Softplus, nn.Hardswish)
    return {
        name: "switch" if isinstance(module, switches) else "smooth"
        for name, module in modules.items()
        if isinstance(module, (*switches, *smooth))
    }


@dataclass
class _Counts:
    """What hooks saw: of each site its kind, how often each unit was on, and at how many places."""

    of_sites: dict[str, tuple[str, Any, int]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    channels_second: bool = False

    def begin(self, *_: Any) -> None:
        """Start another batch."""
        self.calls.clear()

    def see(self, name: str, kind: str, output: Any) -> None:
        """Count the units that are on in the output of a module."""
        output = output[0] if isinstance(output, tuple) else output  # a recurrent layer adds its state
        self.calls[name] = self.calls.get(name, 0) + 1
        key = name if self.calls[name] == 1 else f"{name}#{self.calls[name]}"
        second = output.ndim in (2, 4, 5) or (output.ndim == 3 and self.channels_second)
        rows = output.detach().movedim(1 if second and output.ndim > 1 else -1, -1)
        rows = rows.reshape(-1, rows.shape[-1])
        on = ((rows > 0.0) if kind == "switch" else (rows.abs() >= TINY)).sum(dim=0).double().cpu()
        _, before, seen = self.of_sites.get(key, (kind, 0.0, 0))
        self.of_sites[key] = (kind, on + before, seen + len(rows))


@contextmanager
def _hooks(model: Any, sites: dict[str, str], counts: _Counts) -> Iterator[None]:
    """Watch modules for the time of a block."""
    conv = require_torch().nn.modules.conv._ConvNd
    linear = require_torch().nn.Linear

    def watch(name: str, kind: str) -> Callable[..., None]:
        return lambda module, inputs, output: counts.see(name, kind, output)  # noqa: ARG005

    def note(module: Any, *_: Any) -> None:
        counts.channels_second = isinstance(module, conv)

    handles = [model.register_forward_pre_hook(counts.begin)]
    try:
        for name, module in model.named_modules():
            if isinstance(module, (conv, linear)):
                handles.append(module.register_forward_hook(note))
            if name in sites:
                handles.append(module.register_forward_hook(watch(name, sites[name])))
        yield
    finally:
        for handle in handles:
            handle.remove()
