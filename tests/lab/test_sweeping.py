"""Sweeps: the same bits everywhere, resumed, shared, split and stopped without losing what was committed."""

from __future__ import annotations

import math
import random
import sys
import threading
import time

import pytest

import lab_work
from lab_work import by_identity, carried_out, times_on_record
from stepscape.errors import InputError, OutputError
from stepscape.lab import throughput as pace
from stepscape.lab.batch import Batch, carry_out_batch
from stepscape.lab.spec import identity
from stepscape.lab.store import Store


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
def test_what_is_finished_when_a_sweep_is_stopped_is_committed(store, name, tmp_path):
    specs = lab_work.chores(400, seconds=0.02, folder=tmp_path)
    done, finished = [], []

    def stop(progress):
        done.append(progress.done)
        marks = lab_work.finished(tmp_path)
        if not finished and progress.done > 5 and len(marks) > progress.done + 2:  # in the middle of a batch
            finished.extend(marks)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carried_out(store, specs, name, work=lab_work.marking, progress=stop)
    # Batches are about a second here: those under way were cut, and what they had finished was kept.
    kept = {spec.index for spec in specs if identity(spec) in store.outcomes()}
    assert set(finished) <= kept == set(lab_work.finished(tmp_path))
    assert max(done) <= len(kept) < 400
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


def test_large_arrays_are_committed_before_they_fill_the_memory(store, monkeypatch):
    from stepscape.lab import batch as batches

    monkeypatch.setattr(batches, "_LARGEST", 10_000)  # bytes; a run of 90 numbers and 3 rows of them has 2880
    specs = [spec for spec in lab_work.chores(12) if lab_work.outcome(spec.index) == "finished"]
    done = carry_out_batch(a_batch(store, runs=by_identity(specs), seconds=60.0))
    assert list(done.outcomes) == [identity(spec) for spec in specs[:4]]
    assert len(store.outcomes()) == 4
