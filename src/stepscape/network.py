"""Two-layer ReLU networks: parameters, trained blocks, predictions; on the line knots."""

from __future__ import annotations

import io
import math
import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import finite, positive, reals, whole
from stepscape.arguments import path as file_path
from stepscape.errors import InputError, bad, beyond_range, expect, shown
from stepscape.files import read_bytes, write_atomic
from stepscape.kernels.evaluation import evaluate
from stepscape.memory import require_memory
from stepscape.rounding import PROMISE

Array = NDArray[np.float64]
BLOCKS = ("w1", "b1", "w2", "b2")
BIASES: dict[str, tuple[str, ...]] = {  # which biases a network has → its trained blocks
    "both": BLOCKS,
    "output": ("w1", "w2", "b2"),
    "none": ("w1", "w2"),
}
FORMAT = "stepscape.TwoLayerReLU/1"
INITS = ("torch", "he", "mean_field")
PAIRS = 4_000_000  # points times neurons up to which a prediction is a sum over all neurons
BYTES = 64  # that a neuron takes while a network is drawn: numbers, their copies, and the checks of them
SORT_COST = 256  # of a point or a neuron, in such pairs: what the sorting of knots takes


@dataclass(frozen=True, eq=False)
class TwoLayerReLU:
    """f(x) = Σ_j w2_j max(w1_j·x + b1_j, 0) + b2 for a scalar input x, or one of d variables.

    Parameters
    ----------
    w1 : array_like (k,) or (k, d)
        Input weights; (k, 1) is kept as (k,), as `Problem` keeps inputs (n, 1) as (n,). One variable always
        means the exact engine on the line; `knots` and `jumps` exist there only.
    b1, w2 : array_like (k,)
        Input biases, output weights.
    b2 : float
        Output bias.
    trainable : tuple of {"w1", "b1", "w2", "b2"}
        The blocks that training moves; sharpness, trace and certificates are about these coordinates.
        A network without biases is ``TwoLayerReLU(w1, 0 * w1, w2, 0.0, trainable=("w1", "w2"))``.

    Raises
    ------
    InputError
        For shapes that differ, width 0, numbers that are not finite, unknown block names.
    """

    w1: Array
    b1: Array
    w2: Array
    b2: float = 0.0
    trainable: tuple[str, ...] = BLOCKS

    def __post_init__(self) -> None:
        object.__setattr__(self, "w1", _rows("w1", self.w1))
        for name in ("b1", "w2"):
            object.__setattr__(self, name, _row(name, getattr(self, name)))
        if not self.w1.shape[:1] == self.b1.shape == self.w2.shape:
            must = "have the same shape (k,)" if self.w1.ndim == 1 else "have the shapes (k, d), (k,), (k,)"
            raise bad("w1, b1 and w2", must, f"{self.w1.shape}, {self.b1.shape}, {self.w2.shape}")
        if self.b1.size == 0:
            raise bad("width", "be at least 1", 0)
        object.__setattr__(self, "b2", finite("b2", self.b2))
        object.__setattr__(self, "trainable", _blocks(self.trainable))

    @classmethod
    def random(
        cls,
        width: int,
        scale: float = 1.0,
        init: Literal["torch", "he", "mean_field"] = "torch",
        seed: int = 0,
        trainable: tuple[str, ...] = BLOCKS,
        dimension: int = 1,
    ) -> TwoLayerReLU:
        """Draw a network with inputs of `dimension` d variables.

        - "torch": every parameter is U(-1, 1)·scale/√fan_in as in ``torch.nn.Linear``, fan_in d and then k;
        - "he": w1 ~ scale·√(2/d)·N(0, 1), w2 ~ scale·√(2/k)·N(0, 1), b1 = 0 and b2 = 0;
        - "mean_field": w1, b1, w2 ~ scale·(2/√k)·N(0, 1) and b2 = 0.

        An untrained b1 or b2 is zero.

        Source: He et al. (2015) for "he".
        """
        width, scale, d = whole("width", width, 1), positive("scale", scale), whole("dimension", dimension, 1)
        require_memory("width", width, BYTES * width * max(1, d // 2))
        trainable = _blocks(trainable)
        rng = generator(seed)
        if not isinstance(init, str) or init not in INITS:
            raise bad("init", f"be one of {', '.join(map(repr, INITS))}", shown(init))
        b2 = 0.0
        if init == "torch":
            inner, outer = scale / np.sqrt(d), scale / np.sqrt(width)
            w1, b1 = rng.uniform(-inner, inner, (width, d)), rng.uniform(-inner, inner, width)
            w2, b2 = rng.uniform(-outer, outer, width), float(rng.uniform(-outer, outer))
        elif init == "he":
            w1, b1 = scale * np.sqrt(2.0 / d) * rng.standard_normal((width, d)), np.zeros(width)
            w2 = scale * np.sqrt(2.0 / width) * rng.standard_normal(width)
        else:
            flat = scale * 2.0 / np.sqrt(width) * rng.standard_normal((d + 2) * width)
            w1, (b1, w2) = flat[: d * width].reshape(width, d), flat[d * width :].reshape(2, width)
        if "b1" not in trainable:
            b1 = np.zeros(width)
        return cls(w1, b1, w2, b2 if "b2" in trainable else 0.0, trainable)

    @property
    def width(self) -> int:
        """Number of neurons k."""
        return int(self.b1.size)

    @property
    def dimension(self) -> int:
        """Number of input variables d."""
        return 1 if self.w1.ndim == 1 else int(self.w1.shape[1])

    @property
    def size(self) -> int:
        """Number of parameters, (d + 2)k + 1."""
        return (self.dimension + 2) * self.width + 1

    @property
    def parameters(self) -> Array:
        """One flat vector of length (d + 2)k + 1 in the order w1 (neuron by neuron), b1, w2, b2 (a copy)."""
        return np.concatenate([self.w1.ravel(), self.b1, self.w2, [self.b2]])

    @cached_property
    def trained(self) -> NDArray[np.bool_]:
        """Mask ((d + 2)k + 1,) of the trained coordinates."""
        k = self.width
        return np.repeat([name in self.trainable for name in BLOCKS], [self.dimension * k, k, k, 1])

    def with_parameters(self, parameters: ArrayLike) -> TwoLayerReLU:
        """Return the network with another flat parameter vector ((d + 2)k + 1,)."""
        theta = _real("parameters", parameters)
        if theta.shape != (self.size,):
            raise bad("parameters", f"have shape ({self.size},)", theta.shape)
        inner, outer = theta[: self.w1.size].reshape(self.w1.shape), theta[self.w1.size : -1]
        b1, w2 = outer.reshape(2, self.width)
        return replace(self, w1=inner, b1=b1, w2=w2, b2=float(theta[-1]))

    def predict(self, x: ArrayLike) -> Array:
        """Values of f at x; on the line any shape, right to 1e-10 of each, and (m, 1) columns give (m,).

        With d > 1 variables x is (…, d) and the values (…): sums over all neurons in float64, O(m d k), that
        are off by at most (k + d + 4) u of Σ |w2| (‖w1‖ ‖x‖ + |b1|) + |b2|. Numbers beyond the range of
        float64 are refused.

        On the line few values are sums over all neurons, O(m k); many take O((m + k) log (m k)) by prefix
        sums over the knots, which round less than those sums do (`stepscape.kernels.evaluation`). Where the
        bound on the rounding of either is too large, terms cancel exactly (`stepscape.rounding`). At nan the
        value is nan. At ±∞ it is what floating point makes of the sum: ±∞, f itself where no neuron is
        active, or nan where terms cancel or a neuron has w1 = 0.
        """
        if self.dimension > 1:
            return self._values(self._rows_of(x))
        points = _points(x)
        flat = points.ravel()
        pairs = flat.size * self.width
        if pairs <= max(PAIRS, SORT_COST * (flat.size + self.width)):
            values, bounds = self._sums(flat), self._sums_bounds(flat)
        else:
            distinct, where = np.unique(flat, return_inverse=True)
            values, bounds = (each[where] for each in evaluate(self.w1, self.b1, self.w2, self.b2, distinct))
            endless = ~np.isfinite(flat)
            values[endless] = self._sums(flat[endless])
        settled = np.isfinite(values) & (bounds <= PROMISE * np.abs(values))
        doubtful = np.isfinite(flat) & ~settled
        if doubtful.any():
            values[doubtful] = self._settled(flat[doubtful])
        return np.asarray(values.reshape(points.shape))

    def _rows_of(self, x: ArrayLike) -> Array:
        """Read inputs (…, d) for d > 1."""
        points = _real("x", x)
        if points.ndim == 0 or points.shape[-1] != self.dimension:
            raise bad("x", f"have shape (…, {self.dimension})", points.shape)
        return points

    def _values(self, points: Array) -> Array:
        """Values of f at points (…, d), some rows at a time."""
        rows = points.reshape(-1, self.dimension)
        out = np.empty(len(rows))
        chunk = max(1, PAIRS // self.width)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(rows), chunk):
                z = rows[start : start + chunk] @ self.w1.T + self.b1
                out[start : start + chunk] = np.maximum(z, 0.0, out=z) @ self.w2 + self.b2
        if not np.isfinite(out[np.isfinite(rows).all(axis=1)]).all():
            raise beyond_range("the network's prediction")
        return np.asarray(out.reshape(points.shape[:-1]))

    def _settled(self, x: Array) -> Array:
        """Values of f at finite x (m,), right to 1e-10 of each whatever cancels."""
        from stepscape.rounding import values as rounding  # compiled, so that it loads late

        distinct, where = np.unique(x, return_inverse=True)
        values = rounding.evaluate(self.w1, self.b1, self.w2, self.b2, distinct).f.rounded()[0]
        if not np.isfinite(values).all():
            raise beyond_range("the network's prediction")
        return values[where]

    def _sums_bounds(self, x: Array) -> Array:
        """Bounds on the rounding of `_sums`: (k + 4) u Σ |w2| (|w1 x| + |b1|) + |b2|, and underflow."""
        with np.errstate(all="ignore"):
            steep, high = (float(np.abs(self.w2) @ np.abs(part)) for part in (self.w1, self.b1))
            sizes = np.abs(x) * steep + high + abs(self.b2) * (high + steep > 0.0)
            return (self.width + 4) * 2.0**-52 * sizes + 2.0**-1060 * (sizes > 0.0)

    def _sums(self, x: Array) -> Array:
        """Values of f at x (m,), each a sum over all neurons."""
        out = np.empty(x.size)
        chunk = max(1, PAIRS // self.width)  # at most 32 MB of activations at a time
        for start in range(0, x.size, chunk):
            with np.errstate(over="ignore", invalid="ignore"):  # at ±∞, and far out
                z = np.multiply.outer(x[start : start + chunk], self.w1) + self.b1
                out[start : start + chunk] = np.maximum(z, 0.0, out=z) @ self.w2 + self.b2
        return out

    @cached_property
    def _kinks(self) -> tuple[Array, Array]:
        require_dimension(self)
        bent = (self.w1 != 0) & (self.w2 != 0)
        with np.errstate(over="ignore"):
            where = -self.b1[bent] / self.w1[bent]
        size = self.w2[bent] * np.abs(self.w1[bent])
        inside = np.isfinite(where)
        knots, index = np.unique(where[inside], return_inverse=True)
        jumps = np.bincount(index, weights=size[inside], minlength=knots.size)
        return knots, jumps.astype(np.float64)

    @property
    def knots(self) -> Array:
        """Distinct knots -b1/w1 in increasing order; neurons with w1 = 0 or w2 = 0 have none."""
        return self._kinks[0].copy()

    @property
    def jumps(self) -> Array:
        """Change of slope at each knot: Σ w2 |w1| over the neurons that share it."""
        return self._kinks[1].copy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network as an ``.npz`` of plain arrays (no pickle), whole or not at all."""
        target, buffer = file_path("path", path), io.BytesIO()
        np.savez(
            buffer,
            format=np.array(FORMAT),
            w1=self.w1,
            b1=self.b1,
            w2=self.w2,
            b2=np.array(self.b2),
            trainable=np.array(self.trainable),
        )
        write_atomic(target, buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TwoLayerReLU:
        """Read what `save` wrote."""
        name = file_path("path", path)
        data = read_bytes(name)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                if str(file["format"]) != FORMAT:
                    raise KeyError("format")
                blocks = {name: file[name] for name in BLOCKS}
                return cls(**blocks, trainable=tuple(str(name) for name in file["trainable"]))
        except (KeyError, ValueError, EOFError, TypeError, AttributeError) as error:
            raise InputError(f"{name!r} is not a network saved by stepscape") from error
        except Exception as error:  # zipfile raises its own family for damaged archives
            raise InputError(f"{name!r} is damaged: {error}") from error

    def __repr__(self) -> str:
        frozen = [name for name in BLOCKS if name not in self.trainable]
        note = f", frozen: {', '.join(frozen)}" if frozen else ""
        shape = f"{self.knots.size} knots" if self.dimension == 1 else f"dimension={self.dimension}"
        return f"TwoLayerReLU(width={self.width}, {shape}, b2={self.b2:.4g}{note})"


def require_dimension(network: object, dimension: int = 1, name: str = "network") -> None:
    """Refuse what is not a network, and one whose inputs have another number of variables.

    Knots, pieces and worst cases are of networks on the line.
    """
    expect(name, network, TwoLayerReLU)
    if isinstance(network, TwoLayerReLU) and network.dimension != dimension:
        variables = "one input variable" if dimension == 1 else f"{dimension} input variables"
        raise bad(name, f"have {variables} here", network.dimension)


def generator(seed: int) -> np.random.Generator:
    """Return the random numbers of a seed, a whole number of at least 0."""
    return np.random.default_rng(whole("seed", seed, most=math.inf))


def _real(name: str, values: ArrayLike) -> Array:
    """Return a float64 copy, or say what is wrong; truth values do not count as numbers here."""
    return reals(name, values, "iuf")


def _rows(name: str, values: ArrayLike) -> Array:
    """Weights (k,), or (k, d) of d > 1 variables."""
    array = _real(name, values)
    if array.ndim != 2:
        return _row(name, array)
    if array.shape[1] == 0:
        raise bad(name, "have shape (k,) or (k, d)", array.shape)
    return _frozen(name, array[:, 0].copy() if array.shape[1] == 1 else np.ascontiguousarray(array))


def _row(name: str, values: ArrayLike) -> Array:
    array = _real(name, values)
    if array.ndim != 1:
        raise bad(name, "have shape (k,)", array.shape)
    return _frozen(name, array)


def _frozen(name: str, array: Array) -> Array:
    if not np.isfinite(array).all():
        raise bad(name, "be finite", f"{array[~np.isfinite(array)][0]} in it")
    array.flags.writeable = False
    return array


def _points(x: ArrayLike) -> Array:
    array = _real("x", x)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _blocks(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        given = (names,) if isinstance(names, str) else tuple(names)
    except TypeError:
        raise bad("trainable", f"name blocks among {', '.join(BLOCKS)}", shown(names)) from None
    for name in given:
        if not isinstance(name, str) or name not in BLOCKS:
            raise bad("trainable", f"name blocks among {', '.join(BLOCKS)}", shown(name))
    if not given:
        raise bad("trainable", f"name at least one block among {', '.join(BLOCKS)}", "none")
    return tuple(name for name in BLOCKS if name in given)
