"""Executors: which there are, one thread for each worker, workers that die, work that is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import lab_work
from lab_work import carried_out, times_on_record
from stepscape.errors import InputError, OutputError
from stepscape.lab import batch as batches
from stepscape.lab import workers as counting
from stepscape.lab.batch import carry_out_batch, sentence
from stepscape.lab.executors import executor
from stepscape.lab.one_thread import VARIABLES, one_thread
from stepscape.lab.pool import run_all
from stepscape.lab.spec import identity
from stepscape.lab.sweeping import sweep


@pytest.mark.parametrize(("name", "workers"), [("serial", 0), ("threads", 2), ("processes", 1)])
def test_each_worker_has_one_thread(store, monkeypatch, name, workers):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    specs = lab_work.chores(3)
    carried_out(store, specs, name, workers, lab_work.threads)
    assert store.table(specs)["threads"].tolist() == [1.0, 1.0, 1.0]
    assert not set(VARIABLES) & set(os.environ)


def test_the_number_of_threads_is_put_back(monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with threadpool_limits(2):
        before = [library["num_threads"] for library in threadpool_info()]
        with one_thread():
            assert {library["num_threads"] for library in threadpool_info()} == {1}
            assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "1"
        assert [library["num_threads"] for library in threadpool_info()] == before
        assert os.environ["OMP_NUM_THREADS"] == "2"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("thread",),
            "unknown executor 'thread'; did you mean 'threads'\\? known: serial, threads, processes, dask",
        ),
        (("threads", -1), "workers must be a whole number, at least 0, got -1; 0 means one per core"),
        (("threads", 1.5), "workers must be a whole number, at least 0, got 1.5"),
        (("threads", True), "workers must be a whole number, at least 0, got True"),
        (("threads", np.int64(-1)), "workers must be a whole number, at least 0, got -1"),
        (("threads", 1, "tcp://x:1"), "a scheduler needs the executor 'dask', got 'threads'"),
    ],
)
def test_executors_that_there_are_not(arguments, says):
    with pytest.raises(InputError, match=says):
        executor(*arguments)


def test_the_number_of_workers():
    from stepscape.lab.pool import cores

    for name, asked, given in (
        ("serial", 5, 1),
        ("threads", 3, 3),
        ("threads", np.uint8(3), 3),
        ("threads", 0, cores()),
        ("processes", 0, cores()),
    ):
        with executor(name, asked) as pool:
            assert pool.workers == given


def test_a_killed_process_costs_its_batch_and_a_deadly_run_fails_alone(store, tmp_path):
    specs = lab_work.chores(20, folder=tmp_path)
    summary = carried_out(store, specs, "processes", 2, lab_work.deadly)
    outcomes = dict(enumerate(store.table(specs)["outcome"].tolist()))
    assert outcomes.pop(7) == "failed"
    assert store.records([identity(specs[7])])[0].reason == "its worker process died: SIGKILL"
    assert outcomes == {i: lab_work.outcome(i) for i in range(20) if i != 7}
    assert (tmp_path / "died").exists()  # run 3 killed a worker once, and was then carried out
    assert summary.computed == 20
    assert set(times_on_record(store).values()) == {1}


def test_a_worker_that_died_after_its_commit_repeats_nothing(store):
    specs = lab_work.chores(6)
    began = []

    class Dying:
        """Carries a batch out, and the first time loses the report."""

        workers = 1

        def submit(self, batch):
            future = Future()
            done = carry_out_batch(batch)
            began.extend(spec.index for spec in batch.runs.values())
            if len(began) == 1:
                future.set_exception(batches.Died("SIGKILL"))
            else:
                future.set_result(done)
            return future

        def stop(self):
            pass

    summary = sweep(store, specs, lab_work.work, Dying())
    assert sorted(began) == list(range(6))
    assert (summary.finished, summary.diverged, summary.failed) == (4, 1, 1)


def test_what_dies_beside_a_deadly_run_is_not_blamed(store, monkeypatch):
    monkeypatch.setattr(sys.modules["stepscape.lab.sweeping"], "LIVES", 1)
    specs = lab_work.chores(8)
    handed = {}

    class Blaming:
        """Whatever is handed over within a moment shares a process, which does not survive run 7."""

        workers = 2

        def submit(self, batch):
            future = Future()
            handed[future] = batch
            threading.Timer(0.02, self.settle).start()
            return future

        def settle(self):
            together = {future: handed.pop(future) for future in list(handed)}
            deadly = any(identity(specs[7]) in batch.runs for batch in together.values())
            for future, batch in together.items():
                if deadly:
                    future.set_exception(batches.Died("gone", certain=False))
                else:
                    future.set_result(carry_out_batch(batch))

        def stop(self):
            pass

    summary = sweep(store, specs, lab_work.work, Blaming())
    assert summary.reasons == {
        identity(specs[5]): "ValueError: run 5 cannot be carried out",
        identity(specs[7]): "its worker process died: gone",
    }
    assert set(times_on_record(store).values()) == {1}


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_whatever_work_raises_is_a_reason(store, name):
    specs = lab_work.chores(2)
    summary = carried_out(store, specs, name, 1, lab_work.wrong)
    assert summary.failed == 2
    assert set(summary.reasons.values()) == {"TypeError: the work function returned dict, not a Record"}


def test_reasons_are_one_line():
    assert sentence(MemoryError()) == "not enough memory"
    assert sentence(InputError("width must be at least 1,\n got 0")) == "width must be at least 1, got 0"
    assert sentence(ZeroDivisionError()) == "ZeroDivisionError"
    assert len(sentence(ValueError("x" * 9999))) == 500


def test_work_that_other_processes_cannot_find_is_refused(store):
    with pytest.raises(
        InputError, match=r"must find the work function and specs by name, in a module: .*lambda"
    ):
        carried_out(store, lab_work.chores(1), "processes", 1, lambda *_: None)


def test_a_module_that_other_processes_lack_is_named(store, monkeypatch):
    import types

    module = types.ModuleType("only_here")
    exec("def work(spec, tick): pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(InputError, match=r"a worker cannot load .* No module named 'only_here'"):
        carried_out(store, lab_work.chores(1), "processes", 1, module.work)


def test_a_process_that_cannot_start_is_no_batchs_fault(store, tmp_path):
    # A script without the usual guard cannot be imported by the process it starts.
    script = tmp_path / "unguarded.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "import lab_work\n"
        "from stepscape.lab.executors import executor\n"
        "from stepscape.lab.store import Store\n"
        "from stepscape.lab.sweeping import sweep\n"
        "with executor('processes', 1) as pool:\n"
        f"    sweep(Store.open({str(store.path)!r}), lab_work.chores(2), lab_work.work, pool)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("OutputError: a worker process could not start: exit status 1")
    assert store.outcomes() == {}


# ---- how many workers


@pytest.mark.parametrize(
    ("asked", "scheduler", "runs", "given", "why"),
    [
        (0, None, None, 2, ""),
        (3, None, None, 3, ""),
        (8, None, 100, 8, ""),
        (
            5000,
            None,
            None,
            8,
            "8 workers instead of 5000: 4 for each of the 2 cores of this machine are the most",
        ),
        (10**9, None, 10**6, 8, "8 workers instead of 1000000000: 4 for each of the 2 cores"),
        (5000, None, 3, 3, "3 workers instead of 5000: there are no more runs"),
        (0, None, 1, 1, ""),
        (2, None, 0, 1, ""),
        (0, "slurm", 5, 0, ""),
        (300, "slurm", 10**6, 300, ""),
        (
            10**9,
            "slurm",
            10**6,
            10_000,
            "10000 workers instead of 1000000000: 10000 are the most that a cluster",
        ),
        (300, "slurm", 20, 20, ""),
        (10**9, "tcp://host:1", 5, 10**9, ""),  # not started by us
    ],
)
def test_more_workers_than_there_can_be_work_for_are_not_started(
    monkeypatch, asked, scheduler, runs, given, why
):
    monkeypatch.setattr(counting, "cores", lambda: 2)
    count, sentence = counting.workers(asked, scheduler, runs)
    assert count == given
    assert sentence.startswith(why)
    assert bool(sentence) == bool(why)


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_an_absurd_number_of_workers_is_a_sentence_and_a_sensible_number(store, monkeypatch, name):
    monkeypatch.setattr(counting, "cores", lambda: 1)
    monkeypatch.setattr(counting, "PER_CORE", 2)
    with pytest.warns(UserWarning, match="^2 workers instead of 1000000000: "):
        pool = executor(name, 10**9)
    with pool as workers:
        assert workers.workers == 2
        assert sweep(store, lab_work.chores(4), lab_work.work, workers).computed == 4
    told = []
    executor("threads", 5, runs=1, warn=told.append)
    executor("threads", 2, runs=1, warn=told.append)
    assert told == ["1 worker instead of 5: there are no more runs"]


def test_a_machine_without_threads_left_says_so(store, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", refuse)
    says = "^no worker can start: can't start new thread; give fewer workers$"
    with pytest.raises(OutputError, match=says):
        carried_out(store, lab_work.chores(2))
    with pytest.raises(OutputError, match=says):
        run_all(lambda task, _: task, [1, 2], 2, lambda _: None)
