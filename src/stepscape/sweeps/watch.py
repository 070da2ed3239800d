"""What is observed during a run: errors on examples that are not trained on, the edge, and the batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stepscape.lab.pool import Tick
from stepscape.measures.classification import excess_risks
from stepscape.measures.measures import pieces, risks
from stepscape.objectives import batch_sharpness
from stepscape.problems.problem import Problem
from stepscape.sweeps.material import Material, further
from stepscape.training import Snapshot, Trajectory

if TYPE_CHECKING:
    from stepscape.sweeps.runs import Run

DRAWS = 64  # batches per record that stand for the expectation of the batch sharpness


@dataclass
class Watch:
    """Looks at every record of a run.

    Attributes
    ----------
    sample : examples by whose error the best moment is chosen.
    least, best : the error there, and the moment.
    errors : the error on the rows of a table that are held out, at each record.
    ratios : batch sharpness of the iterate over the threshold, at each record of the last half.
    """

    run: Run
    found: Material
    tick: Tick
    sample: Problem | None = None
    least: float = np.inf
    best: Snapshot | None = None
    errors: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.run.measure.held_out:
            self.sample = self.found.held or further(self.run.problem, self.run.seed, "held out")

    def observe(self, snapshot: Snapshot) -> None:
        """Look at one record."""
        self.tick(snapshot.step / self.run.method.steps)
        if self.found.held is not None:
            self.errors.append(test_errors(self.found.held, snapshot)["test_error"])
        if self.sample is not None and snapshot.step:  # the untrained network is no result
            error = self.sample.training_loss(snapshot.midpoint.predict(self.sample.inputs))
            if error < self.least:
                self.least, self.best = error, snapshot
        if 2 * snapshot.step >= self.run.method.steps and self._has_batches:
            self.ratios.append(self._batch_ratio(snapshot))

    @property
    def _has_batches(self) -> bool:
        stochastic = self.run.method.name == "sgd" and self.found.training.loss == "square"
        return stochastic and self.run.measure.sharpness

    def _batch_ratio(self, snapshot: Snapshot) -> float:
        method = self.run.method
        assert isinstance(method.batch_size, int)
        replacement = method.replacement is True
        problem, seed = self.found.training, self.run.seed
        curvature = batch_sharpness(problem, snapshot.network, method.batch_size, DRAWS, replacement, seed)
        return curvature / method.make(seed).threshold()

    def numbers(self, trajectory: Trajectory) -> dict[str, Any]:
        """Return what was observed in a run that finished."""
        found: dict[str, Any] = {}
        if self.run.measure.sharpness:
            late = 2 * trajectory.at_steps >= self.run.method.steps
            middle = float(np.median(trajectory.sharpness[late]))
            found["median_edge_ratio"] = middle / trajectory.method.threshold()
        known = [ratio for ratio in self.ratios if np.isfinite(ratio)]
        if known:
            found["batch_ratio"] = float(np.median(known))
        if self.found.held is not None:
            found |= test_errors(self.found.held, _last(trajectory))
        if self.best is not None:
            found |= self._held_out(self.best, trajectory)
        return found

    def _held_out(self, best: Snapshot, trajectory: Trajectory) -> dict[str, Any]:
        found = {
            "steps": best.step,
            "time": float(trajectory.time[trajectory.at_steps == best.step][0]),
            "loss": best.loss,
            **self._errors(best),
        }
        if self.found.measured.dimension == 1:
            found["pieces"] = pieces(self.found.measured, best.midpoint)
        return {f"{name}_held_out": value for name, value in found.items()}

    def _errors(self, best: Snapshot) -> dict[str, float]:
        """Errors at the best moment: to the truth, or of a table on the rows held out."""
        if self.found.held is not None:
            return test_errors(self.found.held, best)
        problem, names = self.found.measured, ["risk"]
        measure = risks
        if problem.loss == "logistic":
            names, measure = ["excess_risk"], excess_risks
        if problem.dimension == 1:
            names += [f"{names[0]}_interior"]
        all_of_them = measure(problem, best.network, best.network_before)
        return {name: all_of_them[name] for name in names}


def test_errors(held: Problem, snapshot: Snapshot) -> dict[str, float]:
    """Errors of the midpoint on rows that are held out.

    ``test_error`` is the mean of (f - y)², or of log(1 + e^{-yf}); for two classes ``test_error_rate``, the
    share of the rows with another sign than f, 1 where f > 0.
    """
    f = snapshot.midpoint.predict(held.inputs)
    loss = held.training_loss(f)
    if held.loss == "square":
        return {"test_error": 2.0 * loss}
    wrong = (f > 0.0) != (held.labels > 0.0)
    return {"test_error": loss, "test_error_rate": float(np.mean(wrong))}


def _last(trajectory: Trajectory) -> Snapshot:
    step, loss = int(trajectory.at_steps[-1]), float(trajectory.loss[-1])
    return Snapshot(step, loss, trajectory.network, trajectory.network_before)
