"""Sweeps: the same bits everywhere, resumed, shared, split and stopped without losing what was committed."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

import lab_work
from stepscape.errors import InputError, OutputError
from stepscape.lab import batch as batches
from stepscape.lab import throughput as pace
from stepscape.lab.batch import Batch, carry_out_batch, sentence
from stepscape.lab.executors import executor
from stepscape.lab.one_thread import VARIABLES, one_thread
from stepscape.lab.spec import identity
from stepscape.lab.status import WINDOW, _rate, status
from stepscape.lab.store import Store
from stepscape.lab.sweeping import sweep
from stepscape.lab.throughput import TARGET, Throughput


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


def carried_out(store, specs, where="threads", workers=2, work=lab_work.work, **options):
    with executor(where, workers) as pool:
        return sweep(store, specs, work, pool, **options)


def by_identity(specs):
    return {identity(spec): spec for spec in specs}


def bits(store, specs):
    """Everything that a store says about some runs, to the last bit."""
    return [
        (
            r.outcome,
            dict(r.numbers),
            {name: (a.dtype.str, a.shape, a.tobytes()) for name, a in r.arrays.items()},
        )
        for r in store.records([identity(spec) for spec in specs])
    ]


def times_on_record(store):
    """How many segments hold each run, read from the manifests themselves."""
    held = [
        row["identity"]
        for file in (store.path / "segments").glob("*.json")
        for row in json.loads(file.read_text())["content"]["rows"]
    ]
    return {name: held.count(name) for name in held}


# ---- the same bits


def test_executor_order_and_shards_change_no_bit(tmp_path):
    specs = lab_work.chores(40)
    shuffled = random.Random(1).sample(specs, len(specs))
    found = {}
    for name, workers in (("serial", 0), ("threads", 2), ("processes", 2)):
        made = Store.create(tmp_path / name)
        summary = carried_out(made, specs if name == "serial" else shuffled, name, workers)
        assert (summary.total, summary.computed, summary.reused) == (40, 40, 0)
        found[name] = bits(made, specs)
    shards = Store.create(tmp_path / "shards")
    for part in (3, 1, 2):
        carried_out(shards, shuffled, shard=(part, 3))
    found["shards"] = bits(shards, specs)
    assert found["threads"] == found["serial"]
    assert found["processes"] == found["serial"]
    assert found["shards"] == found["serial"]
    direct = lab_work.work(specs[0], lambda _: None)
    assert found["serial"][0][1]["largest"] == direct.numbers["largest"]


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


# ---- what is on record stays, and is not repeated


def test_outcomes_are_records_and_nothing_is_repeated(store):
    specs = lab_work.chores(60)
    expected = [lab_work.outcome(index) for index in range(60)]
    first = carried_out(store, specs[:25])
    assert (first.total, first.computed) == (25, 25)
    second = carried_out(store, specs + specs)  # equal runs count once
    assert (second.total, second.reused, second.computed) == (60, 25, 35)
    assert store.table(specs)["outcome"].tolist() == expected
    for outcome in ("finished", "diverged", "failed"):
        assert getattr(second, outcome) == expected.count(outcome)
    assert set(times_on_record(store).values()) == {1}
    third = carried_out(store, specs)
    assert (third.reused, third.computed) == (60, 0)
    assert third.reasons == {
        identity(specs[i]): f"ValueError: run {i} cannot be carried out" for i in (5, 18, 31, 44, 57)
    }
    assert store.records([identity(specs[3])])[0].reason == "run 3 went far"


def test_retry_failed_repeats_the_failed_alone(store, tmp_path):
    specs = lab_work.chores(30, folder=tmp_path)
    (tmp_path / "broken").touch()
    assert carried_out(store, specs, work=lab_work.noting).failed == 2
    assert carried_out(store, specs, work=lab_work.noting, retry_failed=True).failed == 2
    (tmp_path / "broken").unlink()
    assert carried_out(store, specs, work=lab_work.noting).failed == 2
    done = []
    mended = carried_out(
        store, specs, work=lab_work.noting, retry_failed=True, progress=lambda now: done.append(now.done)
    )
    assert (done[0], done[-1]) == (28, 30)
    assert (mended.reused, mended.computed, mended.finished, mended.failed) == (28, 2, 30, 0)
    assert mended.reasons == {}
    assert lab_work.begun(tmp_path) == {i: 3 if i in (5, 18) else 1 for i in range(30)}
    assert store.table(specs)["outcome"].tolist() == ["finished"] * 30


def test_shards_are_a_partition_that_order_does_not_change(tmp_path):
    specs = lab_work.chores(50)
    parts = []
    for part in range(1, 5):
        made = Store.create(tmp_path / f"part{part}")
        carried_out(made, random.sample(specs, len(specs)), shard=(part, 4))
        parts.append(set(made.outcomes()))
        assert made.plans()[0].total == 50  # the plan is the whole, whichever part runs here
        assert {int(name, 16) % 4 for name in parts[-1]} == {part - 1}
    assert sum(map(len, parts)) == 50
    assert set().union(*parts) == {identity(spec) for spec in specs}


@pytest.mark.parametrize("shard", [(0, 4), (5, 4), (1, 0)])
def test_a_shard_that_is_none_is_refused(store, shard):
    with pytest.raises(InputError, match=r"shard must be i/N with 1 ≤ i ≤ N, got \d/\d"):
        carried_out(store, lab_work.chores(3), shard=shard)
    assert store.plans() == []


def test_two_sweeps_at_once_share_the_work(store, monkeypatch):
    monkeypatch.setattr(pace, "TARGET", 0.1)
    monkeypatch.setattr(sys.modules["stepscape.lab.sweeping"], "_LOOK", 0.05)
    specs = lab_work.chores(240, seconds=0.02)
    summaries = []
    sweeps = [
        threading.Thread(
            target=lambda: summaries.append(carried_out(Store.open(store.path), specs, workers=1))
        )
        for _ in range(2)
    ]
    for one in sweeps:
        one.start()
    for one in sweeps:
        one.join()
    assert all(
        summary.total == 240 and summary.finished + summary.diverged + summary.failed == 240
        for summary in summaries
    )
    assert len(store.table(specs)) == 240
    # Each does about a half. Both may be at the same batches between two looks, but seldom are: their orders
    # are random. Without looking each would do all.
    assert all(summary.computed < 200 for summary in summaries)
    assert bits(store, specs[:10]) == bits(store, specs[:10])


# ---- workers that die, work that is wrong


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


# ---- stores that are not there, writes that fail


def a_batch(store, **changes):
    values = {
        "path": str(store.path),
        "store": store.id,
        "runs": by_identity(lab_work.chores(2)),
        "work": lab_work.work,
    }
    return Batch(**values | {"seconds": 1.0, "lives": 1} | changes)


def test_a_worker_that_does_not_see_the_store_names_its_host(store, tmp_path):
    import socket

    host = socket.gethostname()
    other = Store.create(tmp_path / "other")
    with pytest.raises(
        OutputError, match=f"^the worker on '{host}' does not see the store: .*no such directory"
    ):
        carry_out_batch(a_batch(store, path=str(tmp_path / "nowhere")))
    with pytest.raises(
        OutputError, match=f"^the worker on '{host}' sees another store at .*all workers share$"
    ):
        carry_out_batch(a_batch(store, path=str(other.path)))
    assert other.outcomes() == store.outcomes() == {}


@pytest.mark.parametrize("name", ["serial", "threads"])
def test_writes_that_fail_stop_the_sweep_and_lose_nothing(store, monkeypatch, name):
    specs = lab_work.chores(40, seconds=0.01)
    monkeypatch.setattr(pace, "TARGET", 0.05)
    commit, commits = Store.commit, []

    def failing(self, entries, origin):
        commits.append(1)
        if len(commits) > 4:
            raise OutputError("cannot write 'x.npz': no space left on device")
        return commit(self, entries, origin)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", failing)
        with pytest.raises(OutputError, match="no space left on device"):
            carried_out(store, specs, name)
    held = set(store.outcomes())
    assert 4 <= len(held) < 40
    summary = carried_out(store, specs)
    assert summary.reused == len(held)
    assert len(store.table(specs)) == 40
    assert set(times_on_record(store).values()) == {1}


def test_the_time_of_a_batch_ends_it(store):
    specs = lab_work.chores(5, seconds=0.02)
    done = carry_out_batch(a_batch(store, runs=by_identity(specs), seconds=0.03))
    assert 1 <= len(done.outcomes) < 5
    assert list(done.outcomes) == [identity(spec) for spec in specs[: len(done.outcomes)]]
    assert set(store.outcomes()) == set(done.outcomes)


# ---- stopping


@pytest.mark.parametrize("name", ["serial", "threads", "processes"])
def test_what_is_finished_when_a_sweep_is_stopped_is_committed(store, name):
    specs = lab_work.chores(400, seconds=0.02)
    done = []

    def stop(progress):
        done.append(progress.done)
        if len(done) == done.index(progress.done) + 3 and progress.done > 5:  # in the middle of a batch
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(store, specs, name, progress=stop)
    # Batches are about a second here: those under way were cut, what they had finished was kept and counted.
    assert len(store.outcomes()) == done[-1] > done[-2]
    assert carried_out(store, specs[:50], name).total == 50
    assert set(times_on_record(store).values()) == {1}


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_a_run_that_is_called_off_ends_at_its_next_tick_and_is_no_record(store, name):
    specs = lab_work.chores(3, seconds=15.0)
    seen = []

    def stop(progress):
        seen.append(progress)
        if len(seen) == 12:  # two seconds: it is under way
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(store, specs, name, 2, progress=stop)
    assert store.outcomes() == {}


def test_work_that_does_not_listen_is_left_behind(store):
    specs = lab_work.chores(2)
    began = time.monotonic()

    def stop(_):
        if time.monotonic() - began > 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(store, specs, "processes", 1, lab_work.deaf, progress=stop)
    assert len(store.outcomes()) in (0, 1, 2)


# ---- progress and pace


def test_progress_counts_up_to_the_end(store):
    specs = lab_work.chores(60, seconds=0.005)
    seen = []
    summary = carried_out(store, specs, progress=seen.append)
    done = [progress.done for progress in seen]
    assert done[0] == 0
    assert done == sorted(done)
    last = seen[-1]
    assert (last.done, last.total, last.diverged, last.failed) == (60, 60, summary.diverged, summary.failed)
    assert last.workers == 2
    assert 0 < last.rate < 2 / 0.005
    assert last.left == 0.0
    assert math.isnan(seen[0].rate)
    assert math.isnan(seen[0].left)


def test_a_batch_is_one_run_until_a_time_is_known_then_a_second_and_a_half():
    measured = Throughput(0.0, 0)
    assert measured.size(10_000, 4) == 1
    measured.add(0, 0.0)  # an empty batch teaches nothing
    assert measured.size(10_000, 4) == 1
    measured.add(1, 0.01)
    assert measured.size(10_000, 4) == round(TARGET / 0.01)
    assert measured.size(40, 4) == 10  # never more than spreads the rest over the workers
    assert measured.size(41, 4) == 11
    measured.add(1, 2.99)
    assert measured.size(10_000, 4) == 1  # 1.5 s a run
    measured.add(1, 1000.0)
    assert measured.size(10_000, 4) == 1
    for _ in range(32):  # the last batches count
        measured.add(100, 1.0)
    assert measured.size(10_000, 4) == 150
    for _ in range(32):
        measured.add(100, 0.0)
    assert measured.size(1000, 4) == 250


def test_the_rate_is_that_of_the_last_while():
    measured = Throughput(100.0, 7)
    assert math.isnan(measured.rate)
    measured.at(110.0, 27)
    assert measured.rate == 2.0
    measured.at(120.0, 27)  # nothing came: it sinks
    assert measured.rate == 1.0
    for second in range(1, 101):
        measured.at(120.0 + second, 27 + 5 * second)
    assert measured.rate == pytest.approx(5.0)


# ---- executors


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
        ("threads", 0, cores()),
        ("processes", 0, cores()),
    ):
        with executor(name, asked) as pool:
            assert pool.workers == given


# ---- status


def test_the_rate_is_that_of_the_commits_after_the_first():
    assert math.isnan(_rate([], 10.0))
    assert math.isnan(_rate([(0.0, 5)], 10.0))
    assert _rate([(0.0, 5), (10.0, 20), (20.0, 20)], 20.0) == 2.0
    assert _rate([(0.0, 5), (10.0, 20), (20.0, 20)], 40.0) == 1.0
    assert math.isnan(_rate([(0.0, 5), (10.0, 20)], 10.0 + WINDOW + 1.0))
    assert _rate([(0.0, 1), (1000.0, 1)], 3000.0) == 1 / 3000  # long runs: it may still be at work
    assert math.isnan(_rate([(0.0, 1), (1000.0, 1)], 4001.0))


def test_status_tells_what_is_left_and_how_fast(store):
    specs = lab_work.chores(30)
    assert status(store) == []
    carried_out(store, specs, shard=(1, 2), title="a grid", source="grid.toml")
    before = len(store.outcomes())
    now = time.time()
    (half,) = status(store, now + 5.0)
    assert (half.title, half.source, half.total) == ("a grid", "grid.toml", 30)
    counts = list(store.outcomes().values())
    assert (half.finished, half.diverged, half.failed) == tuple(
        map(counts.count, ("finished", "diverged", "failed"))
    )
    assert half.missing == 30 - before > 0
    assert 4.0 <= half.quiet <= 6.0
    assert 0 < half.rate <= before / 5.0
    assert half.left == pytest.approx(half.missing / half.rate)
    (cold,) = status(store, now + 4000.0)
    assert math.isnan(cold.rate)
    assert math.isnan(cold.left)
    carried_out(store, specs, title="a grid", source="grid.toml")
    (whole,) = status(store)  # the same plan, once
    assert whole.missing == 0
    assert math.isnan(whole.left)
    carried_out(store, specs[:3], source="part")
    assert [standing.total for standing in status(store)] in ([30, 3], [3, 30])
