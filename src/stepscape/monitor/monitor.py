"""A monitor of a training run: it measures when the budget of time allows, and leaves training alone."""

from __future__ import annotations

import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

from stepscape.arguments import function, number, share, whole, word
from stepscape.errors import bad, shown
from stepscape.monitor.failure import Unmeasured
from stepscape.monitor.measurement import (
    Measurement,
    Moment,
    failed,
    first_look,
    measure_moment,
    products_of,
)
from stepscape.monitor.probe import Loss
from stepscape.monitor.row import Row
from stepscape.monitor.schedule import HORIZON, Budget, EverySteps, Schedule
from stepscape.monitor.sinks import JsonLines, Sink, write_csv
from stepscape.monitor.story import story
from stepscape.monitor.subject import Subject
from stepscape.monitor.suggestion import Suggestion, suggest
from stepscape.monitor.tracking import Track
from stepscape.monitor.waiting import waiting
from stepscape.objectives.require_torch import require_torch

PATIENCE = {"unsupported": 1, "oom": 2, "nondeterministic": 3, "error": 3}  # failures in a row that end it
Result = TypeVar("Result")
PASSES = 15.0  # forward passes that the graph of a gradient and two Hessian products take, about


class Monitor:
    """What the optimizer of a model stabilizes, step by step, for a small share of the training time.

    Call `step` after every step of the optimizer. Most calls do nothing. When the budget pays for a
    measurement, the largest eigenvalue of the Hessian of `loss` on `batch` is found and compared with the
    threshold of the optimizer. Training stays bit by bit what it would be without.

    Parameters
    ----------
    model : torch.nn.Module
    loss : callable
        (model, batch) → scalar mean loss, without backward, scaling and logging.
    batch : batch or list of batches
        Examples to measure on, always the same. Their number decides the cost; fewer examples have a larger
        λ_max.
    optimizer : torch.optim.Optimizer, or a wrapper that holds one
    every : "auto" or int
        "auto": as often as `budget` allows. An int: after the first step and then every so many, whatever
        that costs.
    budget : float
        Time of the monitor over time of training.
    measure : list of str
        Of "lambda_max", "edge_ratio", "lambda_min", "trace", "critical_step_size", "dead_units".
    blocks : dict, optional
        Names of blocks with patterns of the names of their parameters, for a λ_max of each.
    batches : list of batches, optional
        Of the size of those in training; batch sharpness is then measured on them.
    file : path, optional
        Rows are appended to it as JSON lines, for ``stepscape watch``.
    sinks : list, optional
        `TensorBoard`, `WeightsAndBiases`, `MLflow`, `Csv`, or anything with ``write(row)`` and ``close()``.
    on_error : {"warn", "raise"}
        "warn": what cannot be measured becomes a row with a status and a reason, and a warning the first
        time; training continues. A model that is not supported, and failures that repeat, switch the monitor
        off. "raise": the exception leaves `step`.
    clock : callable, optional
        Seconds, by default ``time.perf_counter``.
    **settings
        ``layers``, ``preconditioner``, ``tolerance`` and ``max_products`` as in `activity` and `edge_ratio`;
        ``weights``, ``select``, ``precision``, ``batch_norm`` and ``dropout`` as in `Probe`.

    Attributes
    ----------
    rows : tuple of Row
        What was measured so far.
    off : str
        Why the monitor was switched off; "" while it is on.

    Raises
    ------
    InputError
        For a wrong argument.
    """

    def __init__(
        self,
        model: Any,
        loss: Loss,
        batch: Any,
        optimizer: Any,
        every: str | int = "auto",
        budget: float = 0.05,
        *,
        measure: Iterable[str] = ("lambda_max", "edge_ratio"),
        file: str | os.PathLike[str] | None = None,
        sinks: Iterable[Sink] = (),
        on_error: str = "warn",
        clock: Callable[[], float] = time.perf_counter,
        **settings: Any,
    ) -> None:
        function("clock", clock)
        self._schedule = _schedule(every, budget)
        self._raises = word("on_error", on_error, ("warn", "raise")) == "raise"
        if not isinstance(sinks, Iterable):
            raise bad("sinks", "be a list", shown(sinks))
        self._sinks = [_sink(each) for each in sinks]
        self._clock = clock
        self._rows: list[Row] = []
        self._tracks: dict[str, Track] = {}
        self._left: float | None = None
        self._training, self._steps = 0.0, 0
        self._failures: list[str] = []  # statuses of the last measurements, as long as they are one failure
        self._said: set[str] = set()
        self._tried = False  # whether what is due next is a trial of a graph and products
        self.off = ""
        self._subject: Subject | None = None
        try:
            self._subject = Subject.read(model, loss, batch, optimizer, measure=measure, **settings)
        except Unmeasured as failure:
            if self._raises:
                raise
            self._impossible = failure
        if self._subject is not None and (why := self._subject.no_edge_ratio):
            self._warn(f"the edge ratio will not be measured: {why}", key="optimizer")
        if file is not None:
            self._sinks.append(JsonLines(file))

    @property
    def rows(self) -> tuple[Row, ...]:
        """What was measured so far."""
        return tuple(self._rows)

    def step(self, step: int, clip_coefficient: float | None = None) -> Row | None:
        """Note that the optimizer has made a step, and measure if it is time to.

        A step that a ``GradScaler`` skipped, because a gradient was not finite, is none: do not call it then.

        Parameters
        ----------
        step : int
            Number of the step, which increases.
        clip_coefficient : float, optional
            What clipping multiplied the gradient of this step by: min(1, c/‖g‖). Where that is 0 or nan,
            because the gradient was not finite, nothing is known of it.

        Returns
        -------
        Row or None
            None if nothing was measured.
        """
        entered = self._clock()
        trained = 0.0 if self._left is None else entered - self._left
        self._training += trained
        self._steps += 1
        self._schedule = self._schedule.after_step(trained)
        clip = None if clip_coefficient is None else _coefficient(clip_coefficient)
        try:
            return None if self.off else self._measured(whole("step", step), clip)
        finally:
            self._left = self._clock()
            self._schedule = self._schedule.after_use(self._left - entered)

    def suggest(self) -> Suggestion:
        """Name a step size below the edge, or say why none can be named; see `suggest`."""
        return suggest(self._rows)

    def story(self) -> list[str]:
        """Tell in sentences what happened so far, or what the first measurement waits for."""
        return story(self._rows) if self._rows else [waiting(self._schedule, self._steps)]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the rows as CSV; what was not measured is an empty cell."""
        write_csv(path, self._rows)

    def close(self) -> None:
        """Close the sinks and measure no more; a file of rows is complete without it.

        A monitor that has measured nothing warns, and says why.
        """
        if self._steps and not self._rows:
            self._warn(waiting(self._schedule, self._steps), key="waiting")
        self.off = self.off or "it was closed"
        self._tracks = {}
        for sink in self._sinks:
            self._careful(sink, sink.close)
        self._sinks = []

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"off: {self.off}" if self.off else "on"
        return f"Monitor({len(self._rows)} rows, {state})"

    def _measured(self, step: int, clip_coefficient: float | None) -> Row | None:
        """Measure if it is time to, and note the row."""
        subject = self._subject
        if subject is None:
            return self._noted(step, (), failed(self._impossible), 0.0)
        if self._steps == 1 and not self._schedule.due:  # else a wrong loss is met when the budget allows
            found, seconds = self._timed(subject, lambda: first_look(subject))
            if found.status != "converged":
                return self._noted(step, subject.step_sizes, found, seconds)
        if self._schedule.trial_due:
            self._try(subject, self._price_of_trial)
        elif self._schedule.due and self._tried:
            self._try(subject, self._price_of_measurement)
        elif self._schedule.due:
            return self._measure(subject, step, clip_coefficient)
        return None

    def _measure(self, subject: Subject, step: int, clip_coefficient: float | None) -> Row:
        """Measure, and note the row."""
        count = len(self._rows)
        moment = Moment(self._tracks, count, clip_coefficient)
        found, seconds = self._timed(subject, lambda: measure_moment(subject, moment))
        nothing = found.status in (*PATIENCE, "nonfinite")
        schedule = self._schedule
        self._schedule = schedule.after_failure() if nothing else schedule.after_measurement(seconds)
        self._tracks = found.tracks
        return self._noted(step, subject.step_sizes, found, seconds)

    def _try(self, subject: Subject, price: Callable[[Subject], float]) -> None:
        """Find out what comes next, and what that costs: another trial, or a measurement."""
        begin, self._tried = self._clock(), not self._tried
        try:
            predicted = price(subject)
        except Exception:  # the measurement meets it again, and words it
            predicted, self._tried = 0.0, False
        self._schedule = self._schedule.after_trial(predicted)
        self._warn_of_price(self._clock() - begin)

    def _price_of_trial(self, subject: Subject) -> float:
        """Predict from a forward pass, the second one, what the graph of a gradient and two products take."""
        with subject.probe.measuring():
            subject.probe.loss()
            return PASSES * self._timed(subject, subject.probe.loss)[1]

    def _price_of_measurement(self, subject: Subject) -> float:
        """Predict it from the graph of a gradient and two products."""
        with subject.probe.measuring():
            operator = subject.probe.operator()
            vector = require_torch().ones(operator.size, dtype=operator.dtype, device=operator.device)
            _, first = self._timed(subject, lambda: operator.product(vector))  # with the graph
            _, each = self._timed(subject, lambda: operator.product(vector))
        return first + (products_of(subject, operator) - 1) * each

    def _timed(self, subject: Subject, work: Callable[[], Result]) -> tuple[Result, float]:
        """Return what some work gives and the seconds it took."""
        subject.wait()
        begin = self._clock()
        done = work()
        subject.wait()
        return done, self._clock() - begin

    def _noted(self, step: int, step_sizes: tuple[float, ...], found: Measurement, seconds: float) -> Row:
        """Keep a measurement as a row, hand it on, and judge whether to continue."""
        self._count_failure(found)
        reason = f"{found.reason}; the monitor is off" if self.off else found.reason
        row = Row(
            step, self._training, step_sizes, found.status, **found.values, reason=reason,
            products=found.products, seconds=seconds, **self._circumstances(),
        )  # fmt: skip
        self._rows.append(row)
        for sink in list(self._sinks):
            self._careful(sink, lambda sink=sink: sink.write(row))  # type: ignore[misc]
        if found.status in PATIENCE and self._raises:
            raise Unmeasured(found.status, reason)
        if found.reason and found.status != "converged":
            self._warn(f"step {step}: {reason}", key=found.status)
        return row

    def _circumstances(self) -> dict[str, Any]:
        if self._subject is None:
            return {}
        return {"samples": self._subject.probe.samples, "precision": self._subject.precision}

    def _count_failure(self, found: Measurement) -> None:
        """Switch the monitor off after failures of one kind in a row."""
        same = [found.status] * (found.status in PATIENCE)
        before = itertools.takewhile(lambda status: status == found.status, reversed(self._failures))
        self._failures = [*before, *same] if same else []
        if same and len(self._failures) >= PATIENCE[found.status]:
            self.off = found.reason

    def _warn_of_price(self, used: float) -> None:
        """Recommend a smaller batch where the first measurement comes late."""
        if not isinstance(self._schedule, Budget):
            return
        first = self._schedule.after_use(used).first
        if first > HORIZON:
            self._warn(
                f"measurements on this batch are expensive: the first one comes after {first:.0f} steps or "
                f"later; a smaller batch costs less",
                key="price",
            )

    def _careful(self, sink: Sink, work: Callable[[], None]) -> None:
        """Let a sink work; one that fails is dropped, and training continues."""
        try:
            work()
        except Exception as error:
            if self._raises:
                raise
            self._sinks.remove(sink)
            said = str(error).partition("\n")[0] or type(error).__name__
            self._warn(f"{type(sink).__name__} failed and gets no more rows: {said}", key=f"sink {id(sink)}")

    def _warn(self, text: str, key: str) -> None:
        """Warn the first time."""
        if key not in self._said:
            self._said.add(key)
            warnings.warn(f"stepscape: {text}", RuntimeWarning, stacklevel=2)


def _schedule(every: object, budget: object) -> Schedule:
    allowed = share("budget", budget)
    if isinstance(every, str):
        if every == "auto":
            return Budget(allowed)
        raise bad("every", "be 'auto' or a whole number of at least 1", shown(every))
    return EverySteps(whole("every", every, 1))


def _coefficient(value: object) -> float | None:
    """Read min(1, c/‖g‖), a number or a tensor with one; None for 0 and nan: ‖g‖ was not finite."""
    one = value.item() if isinstance(value, require_torch().Tensor) and value.numel() == 1 else value
    read = number("clip_coefficient", one)
    if read < 0.0 or read > 1.0:
        raise bad("clip_coefficient", "be at least 0 and at most 1", read)
    return read if read > 0.0 else None


def _sink(value: Any) -> Sink:
    if not all(callable(getattr(value, name, None)) for name in ("write", "close")):
        raise bad("each of sinks", "have methods write and close", shown(value))
    return value  # type: ignore[no-any-return]
