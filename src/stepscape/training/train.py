"""Train a network on a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

from stepscape.arguments import function
from stepscape.errors import bad, expect
from stepscape.methods import (
    GradientDescent,
    LabelNoise,
    LineMethod,
    Method,
    SharpnessAware,
    StochasticGradientDescent,
    TracePenalty,
    clock_of,
)
from stepscape.network import TwoLayerReLU
from stepscape.objectives.fresh_examples import with_examples
from stepscape.objectives.method_steps import with_method
from stepscape.objectives.network_loss import network_loss
from stepscape.objectives.objective import Objective
from stepscape.problems.problem import Problem
from stepscape.training.path import Path, PathPoint
from stepscape.training.run import run
from stepscape.training.trajectory import Snapshot, Trajectory


def train(
    problem: Problem,
    network: TwoLayerReLU,
    method: Method,
    record_every: int = 1000,
    measure_sharpness: bool = True,
    observe: Callable[[Snapshot], None] | None = None,
    progress: Callable[[int], None] | None = None,
    record_at: Sequence[int] = (),
    examples: Callable[[int], Problem] | None = None,
) -> Trajectory:
    """Train `network` on `problem` and return the recorded trajectory.

    Parameters
    ----------
    problem, network
        With inputs of the same number of variables.
    method : GradientDescent or another class of `stepscape.methods`
        With stochastic descent, noise on the labels, sharpness-aware steps and the penalty on the trace (one
        input variable only) loss and sharpness are still those of all examples and their own labels, edge
        ratios are against 2/η, and the trajectory's `method` is the descent with the same step size and
        steps. With RMSProp, Adam and AdamW sharpness is that of the preconditioned Hessian, which their
        thresholds are about, and weight decay acts on all trained coordinates but b2.
    record_every : int
        Steps between records; the first record is step 0, the last the final step.
    measure_sharpness : bool
        Measure λ_max and directional smoothness at each record.
    observe : callable, optional
        Called with a `Snapshot` at each record: to follow a risk, or to keep networks.
    progress : callable, optional
        Called with the number of steps made, several times a second.
    record_at : sequence of int
        Further steps to record, from 1 to the number of steps.
    examples : callable, optional
        Number of a step, from 0, → the examples of that step, in place of those of `problem`, of which loss
        and sharpness are recorded all the same; see `stepscape.objectives.with_examples`. Mixup with fresh
        pairs is ``examples=lambda step: ss.problems.mixup(problem, copies=1, seed=step)``.

    Notes
    -----
    A step of descent costs O(n + k) with one input variable, O(n d k) with d of them. Neurons that are active
    on no input receive no gradient; plain descent without decay leaves them out, which is exact, and in R^d
    so do some methods with decay or momentum. Inputs that lie in a subspace of R^d are trained in its
    coordinates. A step of another method sums over all pairs of an example that it looks at and a neuron.
    Divergence is an outcome, not an exception. For a loss of any other kind see `stepscape.training.run`.
    """
    expect("problem", problem, Problem)
    objective, descent = _prepared(problem, network, method, examples)
    if observe is not None:
        function("observe", observe)

    def seen(point: PathPoint) -> None:
        if observe:
            observe(Snapshot(point.step, point.loss, *_networks(network, point)))

    path = run(
        objective, network.parameters, descent, record_every, measure_sharpness, seen, progress, record_at
    )
    return _trajectory(_advised(path, method), network)


def _prepared(
    problem: Problem,
    network: TwoLayerReLU,
    method: Method,
    examples: Callable[[int], Problem] | None,
) -> tuple[Objective, Method]:
    """Return the objective that descends, and the method whose clock the loop keeps."""
    if isinstance(method, LineMethod):
        if examples is not None:
            raise bad("examples", f"be left out with {type(method).__name__}", "a function")
        return with_method(problem, network, method), clock_of(method)
    if examples is not None:
        expect("method with examples", method, GradientDescent)
        return with_examples(examples, problem, network), method
    return network_loss(problem, network), method


_MILDER = {
    StochasticGradientDescent: "raise batch_size",
    LabelNoise: "lower the noise",
    SharpnessAware: "lower the radius",
    TracePenalty: "lower the weight of the penalty",
}


def _advised(path: Path, method: Method) -> Path:
    """Say of a run that diverged what to do: these methods have no warm-up."""
    if path.outcome != "diverged" or not isinstance(method, LineMethod):
        return path
    made = path.message.partition(";")[0]
    return replace(
        path, message=f"{made}; lower step_size, shrink the initialization, or {_MILDER[type(method)]}"
    )


def _trajectory(path: Path, like: TwoLayerReLU) -> Trajectory:
    """Turn a path into a trajectory: its counts become columns, its iterates networks."""
    columns: dict[str, Any] = {item.name: getattr(path, item.name) for item in fields(path)}
    for name in ("census", "theta", "theta_before"):
        del columns[name]
    columns.update(path.census)
    last, before = _networks(like, path)
    return Trajectory(**columns, network=last, network_before=before)


def _networks(like: TwoLayerReLU, at: Path | PathPoint) -> tuple[TwoLayerReLU, TwoLayerReLU]:
    return like.with_parameters(at.theta), like.with_parameters(at.theta_before)
