"""Tools that make training flatter: a penalty on the trace of the Hessian, and sharpness-aware steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stepscape.arguments import function, positive, whole
from stepscape.errors import bad, expect, shown
from stepscape.monitor.failure import no_derivative
from stepscape.monitor.thresholds import inner_optimizer
from stepscape.objectives.require_torch import require_torch
from stepscape.objectives.torch_hessian import once_differentiable


def trace_penalty(loss: Any, parameters: Iterable[Any], probes: int = 1, generator: Any = None) -> Any:
    """Estimate tr ∇²L by vᵀ∇²L v with random signs v, as a scalar tensor that can be differentiated.

    Its expectation is the trace, and the expectation of its gradient that of the trace: add
    ``strength * trace_penalty(loss, model.parameters())`` to the loss before ``backward()``. One probe costs
    about three more backward passes. Where all activations are ReLU, the penalty sees the curvature of the
    loss and of products of layers, not that of the kinks.

    Parameters
    ----------
    loss : torch.Tensor
        A scalar with its graph.
    parameters : iterable of tensors
        Those without ``requires_grad`` are passed over; so are those that the loss does not depend on.
    probes : int
        Number of vectors v, of which the mean is taken.
    generator : torch.Generator, optional
        On the device of the parameters; by default signs come from PyTorch's generator of all training.

    Raises
    ------
    InputError
        If `loss` is not a scalar with a graph, a function in it is marked as once differentiable, or no
        parameter requires gradients.

    Notes
    -----
    With automatic mixed precision, compute the penalty within ``autocast(enabled=False)`` and scale the sum,
    not its parts. With accumulation over micro-batches, add the penalty of each micro-batch.

    Source: Hutchinson (1990) for the estimate; Damian, Ma and Lee (2021) for the trace as what noise on the
    labels minimizes.
    """
    torch = require_torch()
    given = list(parameters) if isinstance(parameters, Iterable) and not torch.is_tensor(parameters) else []
    if not all(torch.is_tensor(one) for one in given):
        raise bad("parameters", "be tensors", shown(parameters))
    if generator is not None:
        expect("generator", generator, torch.Generator)
    varied = [one for one in given if one.requires_grad]
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1 or not loss.requires_grad:
        raise bad("loss", "be a scalar tensor with its graph", shown(loss))
    if not varied:
        raise bad("parameters", "hold some that require gradients", "none")
    count = whole("probes", probes, 1)
    if once_differentiable([loss]):
        must = "be twice differentiable by autograd"
        raise bad("loss", must, "a function marked as once differentiable", "its trace would count as 0")
    slopes = torch.autograd.grad(loss, varied, create_graph=True, allow_unused=True, materialize_grads=True)
    pairs = [(p, slope) for p, slope in zip(varied, slopes, strict=True) if slope.requires_grad]
    total = loss.new_zeros(())
    for _ in range(count if pairs else 0):
        total = total + _quadratic_form(pairs, [_signs(p, generator) for p, _ in pairs])
    return total / count


def _quadratic_form(pairs: list[tuple[Any, Any]], signs: list[Any]) -> Any:
    """vᵀ∇²L v, of parameters and the slopes by them."""
    along = sum((slope * v).sum() for (_, slope), v in zip(pairs, signs, strict=True))
    try:
        bends = require_torch().autograd.grad(
            along, [p for p, _ in pairs], create_graph=True, allow_unused=True, materialize_grads=True
        )
    except RuntimeError as error:
        missing = no_derivative(error)
        if not missing:
            raise
        then = "for attention, compute the loss within torch.nn.attention.sdpa_kernel(SDPBackend.MATH)"
        raise bad("loss", "be twice differentiable by autograd", f"the operation {missing}", then) from error
    return sum((bend * v).sum() for bend, v in zip(bends, signs, strict=True))


def _signs(like: Any, generator: Any) -> Any:
    draws = require_torch().randint(0, 2, like.shape, generator=generator, device=like.device)
    return (2 * draws - 1).to(like.dtype)


class SAM:
    """Sharpness-aware minimization around any optimizer: its step, with the gradient of a point uphill.

    A step takes two gradients: g at θ, then that at θ + ρ g/‖g‖, with which the optimizer steps from θ. The
    norm is over all parameters of the optimizer. θ comes back bit by bit before the step, also when the
    second loss raises.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Learning-rate schedules, its state and its checkpoints stay its own.
    radius : float
        ρ > 0.

    Examples
    --------
    With a closure that clears gradients, computes the loss and calls ``backward()``::

        sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), radius=0.05)
        loss = sam.step(closure)

    By hand, when something comes between, such as clipping::

        loss_of(model, batch).backward()
        sam.climb()
        optimizer.zero_grad()
        loss_of(model, batch).backward()
        sam.descend()

    Notes
    -----
    Accumulation over micro-batches: let the closure run over all of them, so that both gradients belong to
    one effective batch. Automatic mixed precision in float16: ``climb()`` may see scaled gradients, because
    only their direction counts; call ``scaler.unscale_(optimizer)`` before ``descend()``, or give
    ``descend(lambda: scaler.step(optimizer))``. Batch normalization updates its running statistics in both
    passes, and dropout draws two masks.

    What SAM stabilizes is not the threshold of its optimizer: `edge_ratio` does not open it.

    Source: Foret et al. (2021).
    """

    def __init__(self, optimizer: Any, radius: float = 0.05) -> None:
        self.base = inner_optimizer(optimizer)
        self.radius = positive("radius", radius)
        self._origin: list[tuple[Any, Any]] = []

    def climb(self) -> None:
        """Move to θ + ρ g/‖g‖; nowhere if g is 0.

        Raises
        ------
        InputError
            If there is no gradient, it is not finite, or the last climb is not undone yet.
        """
        if self._origin:
            raise bad("climb", "be followed by descend before the next climb", "a second climb")
        torch = require_torch()
        moved = [p for group in self.base.param_groups for p in group["params"] if p.grad is not None]
        if not moved:
            raise bad("climb", "come after backward()", "parameters without gradients")
        slopes = [p.grad.to_dense() if p.grad.is_sparse else p.grad for p in moved]
        norm = float(torch.stack([slope.double().norm() for slope in slopes]).norm())
        if not norm < float("inf"):
            raise bad("the gradient", "be finite before climb", norm, "skip the step")
        with torch.no_grad():
            self._origin = [(p, p.detach().clone()) for p in moved]
            if norm > 0.0:
                for p, slope in zip(moved, slopes, strict=True):
                    signed = -slope if self._maximizes(p) else slope
                    p.add_(signed * (self.radius / norm))

    def restore(self) -> None:
        """Go back to θ, if the last climb is not undone yet."""
        with require_torch().no_grad():
            for p, kept in self._origin:
                p.copy_(kept)
        self._origin = []

    def descend(self, step: Callable[[], Any] | None = None) -> None:
        """Go back to θ and let the optimizer step with the gradients of the point uphill.

        Parameters
        ----------
        step : callable, optional
            What makes the step instead of ``optimizer.step()``.

        Raises
        ------
        InputError
            If nothing was climbed.
        """
        if not self._origin:
            raise bad("descend", "come after climb", "no climb")
        self.restore()
        (self.base.step if step is None else step)()

    def step(self, closure: Callable[[], Any]) -> Any:
        """Make one step and return the loss at θ.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss, calls ``backward()`` and returns the loss.
        """
        function(
            "closure", closure, "be a function that clears gradients, calls backward() and returns the loss"
        )
        with require_torch().enable_grad():
            value = closure()
            self.climb()
            try:
                closure()
            except BaseException:
                self.restore()
                raise
        self.descend()
        return value

    def __repr__(self) -> str:
        return f"SAM({type(self.base).__name__}, radius={self.radius:g})"

    def _maximizes(self, parameter: Any) -> bool:
        groups = self.base.param_groups
        return any(
            group.get("maximize", False) for group in groups if any(parameter is p for p in group["params"])
        )
