"""An optimizer as a map z ↦ F(z) of one flat vector: the weights, and what the method keeps beside them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stepscape.arguments import vector
from stepscape.curvature.operator import Operator, Scaled, Shifted
from stepscape.errors import bad, shown
from stepscape.methods import AdamW, Adaptive, GradientDescent, LabelNoise, StochasticGradientDescent
from stepscape.objectives.descent import Descent
from stepscape.objectives.objective import Objective, require_objective
from stepscape.objectives.relu_line import ReLULine
from stepscape.objectives.relu_plane import ReLUPlane
from stepscape.training.rules import RULES, Parts
from stepscape.training.seen_gradient import Seen, seen_gradient

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OptimizerMap:
    """A method on an objective as a map of one flat state vector z, with a constant step size.

    z = (θ, velocity) with momentum, (θ, v) for RMSProp, (θ, m, v, t) for Adam with its number t of steps
    made, and θ alone for gradient descent and SAM; t stands last for methods that draw random numbers, too.
    A step is that of ``torch.optim``.

    Parameters
    ----------
    objective : Objective
    method : any of `stepscape.methods` but TracePenalty
        Without warm-up.
    decayed : array_like of bool, optional
        Mask (size,) of the coordinates that weight decay acts on; by default all of them, and of the
        network of `objectives.line` and `objectives.plane` the trained ones but the output bias.

    Raises
    ------
    InputError
        For a warm-up, a method that has no step of its own, or a random one on an objective without examples.
    """

    objective: Objective
    method: object
    decayed: ArrayLike | None = None

    def __post_init__(self) -> None:
        require_objective(self.objective)
        if type(self.method) not in RULES:
            known = ", ".join(each.__name__ for each in RULES)
            raise bad("method", f"be one of {known}", shown(self.method))
        if isinstance(self.method, GradientDescent):
            self._check_descent(self.method)
        object.__setattr__(self, "decayed", self._mask())
        _ = self._seen

    def _check_descent(self, method: GradientDescent) -> None:
        if method.warmup_steps:
            raise bad("warmup_steps", "be 0 for a map, whose step size is constant", method.warmup_steps)
        if not method.decay_biases:
            must = "be True for a map, which does not tell biases from weights"
            raise bad("decay_biases", must, False, "choose the coordinates with decayed")

    def _mask(self) -> Array:
        size, objective = self.objective.size, self.objective
        if self.decayed is None and isinstance(objective, ReLULine | ReLUPlane):
            return np.append(objective.network.trained[:-1], False).astype(float)
        if self.decayed is None and self._decay > 0.0 and isinstance(objective, Descent):
            name = type(objective).__name__
            raise bad("decayed", f"be given, because {name} decays some coordinates only", "None")
        mask = np.ones(size) if self.decayed is None else vector("decayed", self.decayed, size)
        if not np.isin(mask, (0.0, 1.0)).all():
            raise bad("decayed", "be a mask of truth values", "other numbers")
        return mask

    @property
    def size(self) -> int:
        """Length of z."""
        return self.objective.size + sum(self._kept)

    @property
    def deterministic(self) -> bool:
        """Whether a step draws no random numbers."""
        return not isinstance(self.method, StochasticGradientDescent | LabelNoise)

    def start(self, theta: ArrayLike) -> Array:
        """Return the state z (size,) before the first step from θ: all that is kept beside θ is 0."""
        at = vector("theta", theta, self.objective.size)
        return np.concatenate([at, np.zeros(sum(self._kept))])

    def step(self, z: ArrayLike) -> Array:
        """Return F(z) (size,)."""
        parts = self._parts(z)
        made = 0 if self.deterministic else int(parts[-1][0])
        gradient = self._seen(parts[0], made)
        mask = np.asarray(self.decayed)
        return np.concatenate(RULES[type(self.method)].move(self.method, parts, gradient, mask))

    def weights(self, z: ArrayLike) -> Array:
        """Return a copy of θ."""
        return self._parts(z)[0].copy()

    def preconditioner(self, z: ArrayLike) -> Array:
        """Return the diagonal P by which the step that led to z divided; before any step, that of the first.

        v is that after the update, and Adam's P contains both of its corrections: see `RMSProp` and `Adam`.
        Ones for the other methods.
        """
        parts = self._parts(z)
        if self._adapts and not parts[-1].any():  # the v of RMSProp, or the t of Adam
            parts = self._parts(self.step(z))
        return RULES[type(self.method)].preconditioner(self.method, parts)

    def stabilized(self, z: ArrayLike, theta: ArrayLike | None = None) -> Operator:
        """Return P^{-1/2} (∇²L + λ·diag(mask)) P^{-1/2}, whose λ_max the method's threshold is about.

        At the weights of z, or at another θ, such as a midpoint, with the P of z. The decay of `AdamW` is
        part of its threshold instead.
        """
        parts = self._parts(z)
        at = parts[0] if theta is None else vector("theta", theta, self.objective.size)
        operator = self.objective.hessian(at)
        if self._decay and not isinstance(self.method, AdamW):
            operator = Shifted(operator, self._decay * np.asarray(self.decayed))
        return Scaled(operator, self.preconditioner(z) ** -0.5) if self._adapts else operator

    @cached_property
    def _kept(self) -> tuple[int, ...]:
        return RULES[type(self.method)].kept(self.method, self.objective.size)

    @cached_property
    def _seen(self) -> Seen:
        return seen_gradient(self.objective, self.method)

    @property
    def _adapts(self) -> bool:
        """Whether P is more than ones."""
        return isinstance(self.method, Adaptive)

    @property
    def _decay(self) -> float:
        decays = isinstance(self.method, GradientDescent | Adaptive)
        return self.method.weight_decay if decays else 0.0  # type: ignore[attr-defined]

    def _parts(self, z: ArrayLike) -> Parts:
        given = vector("z", z, self.size)
        return tuple(np.split(given, np.cumsum([self.objective.size, *self._kept])[:-1]))
