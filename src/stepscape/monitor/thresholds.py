"""Where an optimizer of PyTorch begins to swing: threshold and preconditioner of each of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stepscape.arguments import function, nonnegative, positive
from stepscape.errors import bad, shown
from stepscape.methods.adam import reach
from stepscape.methods.gradient_descent import stable_product
from stepscape.monitor.failure import Unmeasured
from stepscape.objectives.require_torch import require_torch

Settings = Mapping[str, Any]
UserRule = Callable[[Any, Any], tuple[Any, ...]]


@dataclass(frozen=True, eq=False)
class Threshold:
    """What bounds the curvature of one parameter.

    On a quadratic with Hessian H, steps −η P⁻¹ g with fixed P swing without growing as long as every
    eigenvalue of (tP)^{-1/2} (H + W) (tP)^{-1/2} is at most 1.

    Attributes
    ----------
    value : float
        t, at least 0; infinite where the step size is 0.
    preconditioner : float or tensor like the parameter
        P, positive.
    decay : float
        W, the weight decay that is added to the gradient; 0 where it is decoupled.
    maximize : bool
        Whether the optimizer climbs, so that −H counts.
    """

    value: float
    preconditioner: Any
    decay: float
    maximize: bool


def threshold_of(optimizer: Any, parameter: Any, preconditioner: UserRule | None = None) -> Threshold | None:
    """Read the threshold of one parameter from the settings and the state of its optimizer.

    ==============================  ======================================  =============================
    optimizer, per group            t                                       P
    ==============================  ======================================  =============================
    SGD, momentum μ, dampening τ    2(1 + μ)/(η(1 − τ))                     1
    SGD, Nesterov                   2(1 + μ)/(η(1 + 2μ))                    1
    RMSprop, momentum μ             2(1 + μ)/η                              √(v − ḡ²) + ε, ḡ 0 unless centered
    Adam, AMSGrad                   2(1 + β1)/((1 − β1)η)                   (1 − β1ᵗ)(√(v/(1 − β2ᵗ)) + ε)
    AdamW, decoupled decay w        (1 + β1)(2 − ηw)/((1 − β1)η)            as Adam
    ==============================  ======================================  =============================

    v and t are those of the last step. Coupled weight decay belongs to W.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer, or a wrapper that has one as its attribute ``optimizer``
    parameter : torch.nn.Parameter
    preconditioner : callable, optional
        (optimizer, parameter) → (P, t) or (P, t, W), for an optimizer that the table lacks. `maximize` is
        still read from the group.

    Returns
    -------
    Threshold or None
        None for a parameter that the optimizer does not move: it is in no group, or has had no gradient.

    Raises
    ------
    Unmeasured
        With the status "unsupported": there is no rule for the optimizer, or it has not made its first step.
    InputError
        If what `preconditioner` returns is not positive, or does not have the shape of the parameter.

    Notes
    -----
    Each t is the curvature at which the characteristic polynomial of the linear recurrence has the root −1,
    by coordinate; with P fixed the rule is exact even for groups with different settings.

    Source: Cohen et al. (2021), appendix on momentum; Cohen et al. (2022), adaptive methods.
    """
    inner = inner_optimizer(optimizer)
    if not isinstance(parameter, require_torch().Tensor):
        raise bad("parameter", "be a parameter of the model", shown(parameter))
    if preconditioner is not None:
        function("preconditioner", preconditioner, "be a function of the optimizer and a parameter")
    group = _group_of(inner, parameter)
    if group is None:
        return None
    if preconditioner is not None:
        return _of_the_user(preconditioner, inner, parameter, group)
    rule = rule_of(inner)
    state = inner.state.get(parameter, {})
    if rule is not _sgd and not state:
        if not inner.state:
            reason = f"{type(inner).__name__} has no state before its first step; measure after it"
            raise Unmeasured("unsupported", reason)
        return None
    value, scale = rule(group, state)
    decay = 0.0 if _decoupled(group) else float(group["weight_decay"])
    return Threshold(value, scale, decay, bool(group["maximize"]))


def inner_optimizer(optimizer: Any) -> Any:
    """Return the optimizer of PyTorch inside wrappers, such as those of Accelerate and Lightning.

    Raises
    ------
    InputError
        If there is none.
    """
    inner, kind = optimizer, require_torch().optim.Optimizer
    for _ in range(8):  # a wrapper of a wrapper; never a circle
        held = getattr(inner, "optimizer", None)
        if held is None:
            break
        inner = held
    if not isinstance(inner, kind):
        must = "be an optimizer of PyTorch, or hold one as its attribute 'optimizer'"
        raise bad("optimizer", must, shown(optimizer))
    return inner


def rule_of(optimizer: Any) -> Callable[[Settings, Settings], tuple[float, Any]]:
    """Find the rule of a class, or of one that it extends without steps of its own.

    Raises
    ------
    Unmeasured
        If there is none.
    """
    known = require_torch().optim
    rules = {known.SGD: _sgd, known.RMSprop: _rmsprop, known.Adam: _adam, known.AdamW: _adam}
    for kind in type(optimizer).__mro__:
        if kind in rules:
            return rules[kind]
        if "step" in vars(kind):
            break
    name = type(optimizer).__name__
    then = "give preconditioner=fn(optimizer, parameter), which returns (P, t)"
    raise Unmeasured("unsupported", f"no threshold is known for {name}; {then}")


def _group_of(optimizer: Any, parameter: Any) -> Settings | None:
    for group in optimizer.param_groups:
        if any(one is parameter for one in group["params"]):
            return group  # type: ignore[no-any-return]
    return None


def _over(product: float, step_size: float) -> float:
    """Return a stable product of step size and curvature as a curvature."""
    return product / step_size if step_size > 0.0 else float("inf")


def _sgd(group: Settings, _: Settings) -> tuple[float, Any]:
    momentum = float(group["momentum"])
    dampening = float(group["dampening"]) if momentum else 0.0  # PyTorch reads it with momentum only
    return _over(stable_product(momentum, group["nesterov"]), float(group["lr"]) * (1.0 - dampening)), 1.0


def _rmsprop(group: Settings, state: Settings) -> tuple[float, Any]:
    mean_square = state["square_avg"].detach().double()
    if group["centered"]:
        mean_square = (mean_square - state["grad_avg"].detach().double() ** 2).clamp(min=0.0)
    product = stable_product(float(group["momentum"]), False)
    return _over(product, float(group["lr"])), mean_square.sqrt() + float(group["eps"])


def _adam(group: Settings, state: Settings) -> tuple[float, Any]:
    beta1, beta2 = (float(beta) for beta in group["betas"])
    step, rate = float(state["step"]), float(group["lr"])
    square = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"].detach().double()
    scale = (1.0 - beta1**step) * ((square / (1.0 - beta2**step)).sqrt() + float(group["eps"]))
    decay = float(group["weight_decay"]) if _decoupled(group) else 0.0
    return _over(reach(beta1) * max(0.0, 2.0 - rate * decay), rate), scale


def _decoupled(group: Settings) -> bool:
    return bool(group.get("decoupled_weight_decay", False))


def _of_the_user(rule: UserRule, optimizer: Any, parameter: Any, group: Settings) -> Threshold:
    torch = require_torch()
    try:
        answer = rule(optimizer, parameter)
    except Exception as error:
        raise Unmeasured("error", f"preconditioner raised {type(error).__name__}: {error}") from error
    if not isinstance(answer, tuple) or len(answer) not in (2, 3):
        raise bad("preconditioner", "return (P, t) or (P, t, W)", shown(answer))
    scale = torch.as_tensor(answer[0], dtype=torch.float64, device=parameter.device).detach()
    value, decay = (
        positive("t of preconditioner", answer[1]),
        nonnegative("W of preconditioner", [*answer, 0.0][2]),
    )
    if scale.shape not in ((), parameter.shape):
        must = f"have the shape {tuple(parameter.shape)} of the parameter"
        raise bad("P of preconditioner", must, tuple(scale.shape))
    if not bool((scale > 0.0).all()):
        raise bad("P of preconditioner", "be positive", "zero, a negative number or nan")
    return Threshold(value, scale, decay, bool(group.get("maximize", False)))
