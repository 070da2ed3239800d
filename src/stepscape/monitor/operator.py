"""The Hessian of a model's loss as products with vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from stepscape.arguments import word
from stepscape.errors import bad, shown
from stepscape.monitor.failure import Unmeasured, unmeasured
from stepscape.monitor.vectors import flatten, inner, split
from stepscape.objectives.require_torch import require_torch
from stepscape.objectives.torch_hessian import once_differentiable

if TYPE_CHECKING:
    from stepscape.monitor.probe import Probe

METHODS = ("auto", "cached", "double", "vjp", "differences")
# What "auto" does next where a method fails.
LADDER = {
    ("cached", "oom"): "double", ("cached", "unsupported"): "vjp", ("cached", "error"): "vjp",
    ("double", "oom"): "vjp",
}  # fmt: skip

Product = Callable[[list[Any]], list[Any]]


class HessianOperator:
    """Symmetric matrix ∇²L(θ) of a probe at the parameters of this moment.

    "cached" builds the graph of the gradient once, and each product differentiates it: about 1.1 to 2.8
    training steps, after 2 to 5 for the graph. "double" builds it anew for each product, in the memory of one
    batch. "vjp" is `torch.func.vjp` of `torch.func.grad`. "differences" takes central differences of the
    gradient, never by itself, because kinks and rounding spoil it. "auto" tries the first three in order.

    Attributes
    ----------
    method : str
        The one in use.
    graphs, products : int
        Graphs of the gradient built and products taken so far.
    disagreement : float
        Relative difference of the last product from that with half the step; 0 except for differences.
    """

    def __init__(self, probe: Probe, method: str, pieces: Sequence[int] | None) -> None:
        self._probe = probe
        self._falls_back = word("method", method, METHODS) == "auto"
        self.method = "cached" if self._falls_back else method
        everything = range(len(probe.weights))
        listed = pieces is None or (isinstance(pieces, list | tuple | range) and len(pieces) > 0)
        if not listed or not all(type(each) is int and each in everything for each in pieces or ()):
            raise bad("pieces", f"be numbers of batches from 0 to {len(probe.weights) - 1}", shown(pieces))
        self._pieces = list(everything if pieces is None else pieces)
        total = sum(probe.weights[i] for i in self._pieces)
        self._weights = [probe.weights[i] / total for i in self._pieces]
        self.graphs, self.products, self.disagreement = 0, 0, 0.0
        self._products: list[Product] | None = None
        with probe.measuring():
            self._point = probe.point(leaves=True)

    @property
    def size(self) -> int:
        """Length of the vectors."""
        return sum(one.numel() for one in self._point)

    @property
    def device(self) -> Any:
        """Where the vectors lie."""
        return self._point[0].device

    @property
    def dtype(self) -> Any:
        """Type of flat vectors: float64 if a parameter is, else float32."""
        torch = require_torch()
        double = any(one.dtype == torch.float64 for one in self._point)
        return torch.float64 if double else torch.float32

    def product(self, vector: Any) -> Any:
        """∇²L(θ)·vector: a flat tensor (size,), or one tensor per parameter, as it was given.

        Raises
        ------
        InputError
            For a vector of another size.
        Unmeasured
            If an operation has no second derivative, or memory does not suffice.
        """
        flat = not isinstance(vector, list | tuple)
        if sum(one.numel() for one in ([vector] if flat else vector)) != self.size:
            raise bad("vector", f"have {self.size} numbers", shown(vector))
        along = split(vector.detach().reshape(-1), self._point) if flat else list(vector)
        with self._probe.measuring():
            found = self._descend_ladder(along)
        self.products += 1
        return flatten(found, self.dtype) if flat else found

    def __repr__(self) -> str:
        return f"HessianOperator(size={self.size}, method={self.method!r}, products={self.products})"

    def _descend_ladder(self, along: list[Any]) -> list[Any]:
        """Take a product by the method in use, or by the next where that fails; report the first failure."""
        first: Unmeasured | None = None
        while True:
            try:
                return self._sum(along)
            except Unmeasured as failure:
                first = first or failure
                later = LADDER.get((self.method, failure.status)) if self._falls_back else None
                if later is None:
                    raise first from None
                self.method, self._products = later, None

    def _sum(self, along: list[Any]) -> list[Any]:
        if self._products is None:
            make = getattr(self, f"_{self.method}")
            self._products = [make(number) for number in self._pieces]
        first, *rest = self._products
        if not rest:
            return [part.detach() for part in first(along)]
        total = [self._weights[0] * part.detach() for part in first(along)]
        for weight, product in zip(self._weights[1:], rest, strict=True):
            for one, part in zip(total, product(along), strict=True):
                one += weight * part.detach()
        return total

    def _cached(self, number: int) -> Product:
        """Keep the graph of one batch's gradient."""
        slopes = self._slopes(number)
        live = [i for i, slope in enumerate(slopes) if slope.requires_grad]
        grad = require_torch().autograd.grad

        def product(along: list[Any]) -> list[Any]:
            if not live:  # the loss is linear
                return [require_torch().zeros_like(one) for one in self._point]
            chosen = [along[i].to(slopes[i].dtype) for i in live]
            return self._probe.call(  # type: ignore[no-any-return]
                self._point,
                lambda _: grad(
                    [slopes[i] for i in live], self._point, chosen,
                    retain_graph=True, allow_unused=True, materialize_grads=True,
                ),
            )  # fmt: skip

        return product

    def _double(self, number: int) -> Product:
        return lambda along: self._cached(number)(along)

    def _vjp(self, number: int) -> Product:
        torch = require_torch()
        if not self._falls_back:
            self._slopes(number)  # refuses what `torch.func` would take for 0
        self.graphs += 1
        try:
            slope = torch.func.grad(lambda point: self._probe.value(number, point))
            _, pull = torch.func.vjp(slope, [one.detach() for one in self._point])
        except RuntimeError as error:
            raise unmeasured(error) from error

        def product(along: list[Any]) -> list[Any]:
            try:
                return pull([a.to(p.dtype) for a, p in zip(along, self._point, strict=True)])[0]  # type: ignore[no-any-return]
            except RuntimeError as error:
                raise unmeasured(error) from error

        return product

    def _differences(self, number: int) -> Product:
        torch = require_torch()
        least = min(torch.finfo(one.dtype).bits for one in self._point)
        if least < 32:
            raise Unmeasured("unsupported", "differences of gradients need parameters of at least float32")
        rounding = 2.0 ** (-26 if least == 64 else -11.5)
        size = max(1.0, inner(self._point, self._point) ** 0.5)

        def product(along: list[Any]) -> list[Any]:
            length = inner(along, along) ** 0.5
            if length == 0.0:
                return [torch.zeros_like(one) for one in self._point]
            steps = (rounding * size / length, 0.5 * rounding * size / length)
            far, near = (self._difference(number, along, step) for step in steps)
            gap = [a - b for a, b in zip(far, near, strict=True)]
            self.disagreement = (inner(gap, gap) / max(inner(near, near), 1e-300)) ** 0.5
            return near

        return product

    def _difference(self, number: int, along: list[Any], step: float) -> list[Any]:
        ends = []
        for sign in (step, -step):
            moved = [
                (p.detach() + sign * v).requires_grad_() for p, v in zip(self._point, along, strict=True)
            ]
            ends.append(self._probe.slopes(number, moved))
        return [(a - b) / (2.0 * step) for a, b in zip(*ends, strict=True)]

    def _slopes(self, number: int) -> tuple[Any, ...]:
        self.graphs += 1
        ends = self._probe.graph(number, self._point)
        if once_differentiable(ends):
            self._falls_back = False  # another method would take its derivative for 0
            raise Unmeasured("unsupported", "a function of the model is marked as once differentiable")
        return ends[1:]
