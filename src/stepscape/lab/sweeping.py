"""A sweep: the runs of a plan that are not on record yet, carried out in batches until all are.

Whatever ends a sweep, the store holds every batch that was committed, and the same call resumes from there.
Several sweeps may share a store: each begins at another place, and drops what others have committed.
"""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from stepscape.arguments import each_of, flag, function, text, texts, whole
from stepscape.errors import OutputError, bad, expect, shown
from stepscape.lab.batch import Batch, Died, Done, Work, carry_out_batch, failing_work
from stepscape.lab.execution import Executor
from stepscape.lab.spec import Spec, identity
from stepscape.lab.store import Gone, Store, new_plan
from stepscape.lab.throughput import TARGET, Throughput
from stepscape.tables.records import OUTCOMES

LIVES = 3  # of a batch: worker processes that may die of it before it is split, or given up
_LOOK = 2.0  # seconds between looks at what others have committed
_REASONS = 20  # in a summary
_SALVAGE = 0.3  # seconds for batches that were called off to commit what is finished


@dataclass(frozen=True)
class Progress:
    """The progress of a sweep.

    Attributes
    ----------
    total, done : runs of this sweep, and those on record, whoever computed them.
    diverged, failed : among those done.
    workers : batches that run at a time.
    rate : runs per second over the last half minute; nan before the first.
    left : seconds at this rate; nan before the first.
    """

    total: int
    done: int
    diverged: int
    failed: int
    workers: int
    rate: float
    left: float


@dataclass(frozen=True)
class Summary:
    """How a sweep ended.

    Attributes
    ----------
    total : runs of this sweep.
    reused, computed : on record before, and carried out by this sweep; other sweeps did the rest.
    finished, diverged, failed : outcomes of all.
    reasons : why, by identity of some runs that failed.
    seconds : from beginning to end.
    """

    total: int
    reused: int
    computed: int
    finished: int
    diverged: int
    failed: int
    reasons: dict[str, str]
    seconds: float


def sweep(
    store: Store,
    specs: Iterable[Spec],
    work: Work,
    executor: Executor,
    *,
    retry_failed: bool = False,
    shard: tuple[int, int] | None = None,
    title: str = "",
    source: str = "",
    notes: Iterable[str] = (),
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Carry out the runs that are not on record, and return when all are.

    Parameters
    ----------
    store : where records go.
    specs : the runs; equal ones count once, and their order changes no result.
    work : (spec, tick) → `Record`; an exception becomes a failed record.
    executor : see `stepscape.lab.executors.executor`.
    retry_failed : carry out again what failed; what finished or diverged is never repeated.
    shard : (i, N), 1 ≤ i ≤ N: only the i-th part of N. The part of a run depends on its identity alone.
    title, source, notes : of the plan, as `status` shows it, where it was described, what else to know.
    progress : called from the calling thread, several times a second.

    Raises
    ------
    InputError
        `shard` is not a part, a spec is not of its type, or work cannot be found by other processes.
    Gone
        The store was removed, moved or replaced while the sweep ran.
    OutputError
        The system refuses to write, or a worker does not see the store; what was committed stays.
    """
    expect("store", store, Store)
    if not all(hasattr(executor, name) for name in ("workers", "submit", "stop")):
        raise bad("executor", "be what lab.executor yields", shown(executor))
    function("work", work)
    if progress is not None:
        function("progress", progress)
    retry_failed = flag("retry_failed", retry_failed)
    title, source, notes = text("title", title), text("source", source), texts("notes", notes)
    if shard is not None:
        check_shard(shard)
    runs = {identity(spec): spec for spec in each_of("specs", specs, Spec)}
    store.plan(new_plan(runs, title, source, notes))
    mine = {name: spec for name, spec in runs.items() if shard is None or _in_part(name, shard)}
    coordinator = _Coordinator(store, mine, work, executor, retry_failed, progress or (lambda _: None))
    return coordinator.run()


def _in_part(name: str, shard: tuple[int, int]) -> bool:
    part, parts = shard
    return int(name, 16) % parts == part - 1


def check_shard(shard: tuple[int, int]) -> None:
    """Refuse a part that does not exist."""
    must = "be i/N with 1 ≤ i ≤ N"
    if not isinstance(shard, tuple | list) or len(shard) != 2:
        raise bad("shard", f"{must}, as (i, N)", shown(shard))
    part, parts = (whole(f"each number of shard, which must {must},", number) for number in shard)
    if not 1 <= part <= parts:
        raise bad("shard", must, f"{part}/{parts}")


class _Coordinator:
    """Hands out batches, takes in their results, and counts. One thread, one use."""

    def __init__(
        self,
        store: Store,
        runs: Mapping[str, Spec],
        work: Work,
        executor: Executor,
        retry_failed: bool,
        progress: Callable[[Progress], None],
    ) -> None:
        self._store, self._runs, self._work = store, runs, work
        self._executor, self._progress = executor, progress
        self._began = self._looked = self._seen = time.perf_counter()
        self._outcomes = store.outcomes(list(runs))
        self._again = {
            name for name, outcome in self._outcomes.items() if retry_failed and outcome == "failed"
        }
        self._reused = len(self._outcomes) - len(self._again)
        self._counts = Counter(self._outcomes.values())
        self._computed: set[str] = set()
        self._reasons: dict[str, str] = {}
        waiting = [name for name in runs if not self._on_record(name)]
        random.shuffle(waiting)  # each sweep begins at another place
        self._waiting = deque(waiting)
        self._split: deque[Batch] = deque()  # what a worker died of
        self._under_way: dict[Future[Done], Batch] = {}
        self._pace = Throughput(self._began, self._done)

    def run(self) -> Summary:
        """Continue until nothing waits and nothing is under way."""
        self._report()
        try:
            while self._waiting or self._split or self._under_way:
                self._submit()
                ready, _ = wait(self._under_way, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in ready:
                    self._collect(future, self._under_way.pop(future))
                self._look()
                self._report()
            self._confirm()
        except OutputError:
            self._refuse_gone()  # which explains the rest
            raise
        finally:
            self._recover()
        return self._summary()

    def _look(self) -> None:
        """Notice now and then that the store is gone: a long run would come to know of it at its end."""
        if time.perf_counter() - self._seen > _LOOK:
            self._store.verify()
            self._seen = time.perf_counter()

    def _refuse_gone(self) -> None:
        try:
            self._store.verify()
        except Gone as error:
            raise Gone(f"{error}; {self._done} of {len(self._runs)} runs had been committed to it") from None

    def _confirm(self) -> None:
        """Refuse to end well unless all runs are on record: whoever has the store may have removed some."""
        lost = len(self._outcomes.keys() - self._store.outcomes(list(self._outcomes)).keys())
        if lost:
            raise OutputError(
                f"{lost} of {len(self._runs)} runs were committed to {str(self._store.path)!r} and are no "
                "longer on record there: their files were removed, moved or damaged while the sweep ran"
            )

    def _summary(self) -> Summary:
        return Summary(
            total=len(self._runs),
            reused=self._reused,
            computed=len(self._computed),
            **{outcome: self._counts[outcome] for outcome in OUTCOMES},
            reasons=self._first_reasons(),
            seconds=time.perf_counter() - self._began,
        )

    def _first_reasons(self) -> dict[str, str]:
        failed = (name for name, outcome in self._outcomes.items() if outcome == "failed")
        names = list(islice(failed, _REASONS))
        old = self._store.rows([self._runs[name] for name in names if name not in self._reasons])
        reasons = self._reasons | {row["identity"]: row["reason"] for row in old}
        return {name: reasons[name] for name in names}

    def _submit(self) -> None:
        # A few more than there are workers, so that none waits while one report is taken in.
        ahead = self._executor.workers + max(1, self._executor.workers // 4)
        while len(self._under_way) < ahead and (self._split or self._waiting):
            if self._under_way and any(batch.alone for batch in (*self._under_way.values(), *self._split)):
                return
            batch = self._split.popleft() if self._split else self._next(ahead)
            if batch.runs:
                self._under_way[self._executor.submit(batch)] = batch

    def _next(self, ahead: int) -> Batch:
        size = self._pace.size(len(self._waiting), max(1, self._executor.workers))
        if time.perf_counter() - self._looked > _LOOK:
            self._drop(list(islice(self._waiting, 2 * size * ahead)))
            self._looked = time.perf_counter()
        return self._batch([self._waiting.popleft() for _ in range(min(size, len(self._waiting)))])

    def _batch(self, names: Iterable[str]) -> Batch:
        path, runs = str(self._store.path.absolute()), {name: self._runs[name] for name in names}
        return Batch(path, self._store.id, runs, self._work, seconds=2 * TARGET, lives=LIVES)

    def _drop(self, names: list[str]) -> None:
        """Take those of the first names in the queue off it that others have committed meanwhile."""
        self._note(self._store.outcomes(names))
        for _ in names:
            self._waiting.popleft()
        self._waiting.extendleft(name for name in reversed(names) if not self._on_record(name))

    def _collect(self, future: Future[Done], batch: Batch) -> None:
        try:
            done = future.result()
        except CancelledError:
            raise OutputError("the workers are gone: their batches were canceled") from None
        except Died as death:
            self._split_up(batch, death)
            return
        self._count(done)
        self._pace.add(len(done.outcomes), done.seconds)
        self._waiting.extendleft(name for name in batch.runs if name not in done.outcomes)

    def _split_up(self, batch: Batch, death: Died) -> None:
        self._note(self._store.outcomes(list(batch.runs)))  # it may have died after its commit
        left = self._batch(name for name in batch.runs if not self._on_record(name))
        lives = batch.lives - death.lives
        if lives > 0:
            self._split.append(replace(left, lives=lives))
        elif len(left.runs) != 1:
            self._split.extend(self._batch([name]) for name in left.runs)
        elif death.certain or batch.alone:
            self._count(carry_out_batch(replace(left, work=partial(failing_work, death.how))))
        else:
            self._split.appendleft(replace(left, lives=1, alone=True))

    def _count(self, done: Done) -> None:
        self._computed.update(done.outcomes)
        self._again.difference_update(done.outcomes)
        self._note(done.outcomes)
        self._reasons.update(done.reasons)

    def _note(self, outcomes: Mapping[str, str]) -> None:
        for name, outcome in outcomes.items():
            if name in self._outcomes:
                self._counts[self._outcomes[name]] -= 1
            self._counts[outcome] += 1
            self._outcomes[name] = outcome

    def _on_record(self, name: str) -> bool:
        outcome = self._outcomes.get(name)
        return outcome is not None and not (outcome == "failed" and name in self._again)

    @property
    def _done(self) -> int:
        return len(self._outcomes) - len(self._again)

    def _recover(self) -> None:
        if not self._under_way:
            return
        self._executor.stop()
        ready, _ = wait(self._under_way, timeout=_SALVAGE)
        for future in ready:
            if not future.cancelled() and future.exception() is None:
                self._count(future.result())
        self._report()

    def _report(self) -> None:
        self._pace.at(time.perf_counter(), self._done)
        rate = self._pace.rate
        self._progress(
            Progress(
                total=len(self._runs),
                done=self._done,
                diverged=self._counts["diverged"],
                failed=self._counts["failed"],
                workers=self._executor.workers,
                rate=rate,
                left=(len(self._runs) - self._done) / rate,
            )
        )
