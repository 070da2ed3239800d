"""Train the factors of one problem from many starts at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import each_of, flag, function, positive, whole
from stepscape.errors import bad, expect
from stepscape.factorization import Factorization
from stepscape.memory import require_memory
from stepscape.objectives.factor_widths import widths_of
from stepscape.objectives.matrix_factors import Factors
from stepscape.problems.measurements import Measurements
from stepscape.recovery.training.descent import FactorDescent
from stepscape.recovery.training.paths import Outcome, Paths
from stepscape.recovery.training.records import COLUMNS, Records
from stepscape.recovery.training.training import Training

Array = NDArray[np.float64]
BYTES = 250  # that a record of a start takes, with its place in the arrays
LARGEST_START = 1e200  # a loss, so that what is measured does not overflow
Observer = Callable[[int, Mapping[int, Factorization]], None]


def train_factors(
    problem: Measurements,
    starts: Sequence[Factorization],
    training: Training,
    record_every: int = 1000,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
    observe: Observer | None = None,
    flattest: float | None = None,
    measure_sharpness: bool = True,
    measure_frobenius: bool = False,
) -> Paths:
    """Train from several starts on one problem and return the recorded paths.

    Parameters
    ----------
    problem : Measurements
    starts : sequence of Factorization
        All with the same numbers of columns.
    training : Training
    record_every : int
        Steps between records; the first record is step 0, the last the final step.
    seed : int
        Start number s, counted from 0, takes its batches, noise and probes from the seed `seed` + s. So it
        has the same bits when it is trained alone with that seed.
    progress : callable, optional
        Called at each record with the number of steps made.
    observe : callable, optional
        Called at each record with the number of steps made and the factors {number of the start:
        Factorization} of the starts that have not diverged.
    flattest : float, optional
        The flattest trace of a solution, such as ``theory.low_rank.flattest_trace(problem, X)``, for
        `trace_ratio`.
    measure_sharpness, measure_frobenius : bool
        Measure λ_max and ‖∇²L‖_F at each record, which take much more time than the rest.

    Notes
    -----
    Divergence is an outcome, not an exception: the loss is not finite, or 1e20 times that of the start and of
    the matrix 0. Such a start stops, and the others are not changed by it.

    Raises
    ------
    InputError
        For starts that do not fit the problem or each other, a start with a loss beyond 1e200, more or
        fewer step sizes than starts, and batches without replacement that exceed the measurements.
    """
    objective = _objective(problem, starts)
    every = whole("record_every", record_every, 1)
    expect("training", training, Training)
    _require_batch(training, problem.size)
    for name, called in (("observe", observe), ("progress", progress)):
        if called is not None:
            function(name, called)
    ratio_to = None if flattest is None else positive("flattest", flattest)
    measured = flag("measure_sharpness", measure_sharpness), flag("measure_frobenius", measure_frobenius)
    count = -(-training.steps // every) + 1
    require_memory("record_every", every, BYTES * len(starts) * count, "record less often")
    at = np.array([*range(0, training.steps, every), training.steps])
    first = whole("seed", seed, most=np.inf)
    theta = np.array([start.parameters for start in starts])
    descent = FactorDescent(objective, theta, training, [first + s for s in range(len(starts))])
    log = _Log(Records(objective, ratio_to, *measured), theta, at.size)
    for index, step in enumerate(at.tolist()):
        descent.step_to(step)
        log.record(index, descent)
        if observe:
            observe(step, {s: objective.factorization(log.theta[s]) for s in descent.starts.tolist()})
        if progress:
            progress(step)
    return log.paths(training, at, descent.starts.tolist())


def _objective(problem: Measurements, starts: Sequence[Factorization]) -> Factors:
    expect("problem", problem, Measurements)
    factors = each_of("starts", starts, Factorization)
    if not factors:
        raise bad("starts", "hold at least one Factorization", "none")
    widths = [widths_of(problem, None, start) for start in factors]
    for other in widths:
        if other != widths[0]:
            raise bad("starts", f"all have the widths {widths[0]} of the first one", other)
    objective = Factors(problem, widths[0])
    for start in factors:
        with np.errstate(over="ignore", invalid="ignore"):
            loss = objective.loss(start.parameters)
        if not loss <= LARGEST_START:
            raise bad("the loss of a start", f"be at most {LARGEST_START:g}", loss, "start elsewhere")
    return objective


def _require_batch(training: Training, measurements: int) -> None:
    if training.batch and not training.replacement and training.batch > measurements:
        must = f"be at most the number of measurements, {measurements}, without replacement"
        raise bad("batch", must, training.batch)


class _Log:
    """Records under construction."""

    def __init__(self, records: Records, theta: Array, count: int) -> None:
        self.records, self.theta = records, theta
        self.columns = {name: np.full((len(theta), count), np.nan) for name in COLUMNS}
        self.vectors: list[Array | None] = [None] * len(theta)

    def record(self, index: int, descent: FactorDescent) -> None:
        """Measure every start that has not diverged."""
        for s, theta in zip(descent.starts.tolist(), descent.theta, strict=True):
            row, self.vectors[s] = self.records.measure(theta, self.vectors[s])
            for name, value in row.items():
                self.columns[name][s, index] = value
            self.theta[s] = theta

    def paths(self, training: Training, at_steps: NDArray[np.int64], alive: list[int]) -> Paths:
        """Return the records of all starts."""
        count = len(self.theta)
        outcome: tuple[Outcome, ...] = tuple("finished" if s in alive else "diverged" for s in range(count))
        return Paths(
            training=training,
            at_steps=at_steps,
            outcome=outcome,
            step_size=training.step_sizes(count),
            factors=tuple(self.records.objective.factorization(theta) for theta in self.theta),
            **self.columns,
        )
