"""A pool keeps the order, reports from the calling thread, and stops at once."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from stepscape.lab.pool import run_all


def ignore(_: float) -> None:
    """Progress that nobody watches."""


class TestPool:
    def test_keeps_the_order(self) -> None:
        def slow_first(task: int, tick: Any) -> int:
            time.sleep(0.02 * (3 - task))
            tick(1.0)
            return task

        assert run_all(slow_first, [0, 1, 2], 3, ignore) == [0, 1, 2]
        assert run_all(slow_first, [], 2, ignore) == []

    def test_progress_comes_from_the_calling_thread_and_ends_at_one(self) -> None:
        seen: list[tuple[float, int]] = []
        run_all(lambda _, tick: tick(0.5), [1, 2, 3], 2, lambda f: seen.append((f, threading.get_ident())))
        assert seen[-1][0] == 1.0
        assert {thread for _, thread in seen} == {threading.get_ident()}

    def test_an_interruption_stops_running_and_waiting_tasks(self) -> None:
        started: list[int] = []

        def endless(task: int, tick: Any) -> None:
            started.append(task)
            while True:
                tick(0.0)
                time.sleep(0.005)

        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        begin = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            run_all(endless, range(50), 2, interrupt)
        assert time.monotonic() - begin < 30.0  # without stopping it would never return
        assert len(started) <= 2

    def test_the_first_failure_ends_the_rest(self) -> None:
        def fail_or_wait(task: int, tick: Any) -> None:
            if task == 0:
                raise ValueError("task 0 failed")
            while True:
                tick(0.0)
                time.sleep(0.005)

        with pytest.raises(ValueError, match="task 0 failed"):
            run_all(fail_or_wait, [0, 1, 2], 2, ignore)
