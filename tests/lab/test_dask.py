"""Sweeps on Dask: a real scheduler and workers of their own, one of them killed; the script for Slurm."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, Future
from pathlib import Path

import pytest

import lab_work
from stepscape.errors import InputError, OutputError, Unavailable
from stepscape.lab import address, cluster
from stepscape.lab.batch import Died
from stepscape.lab.executors import executor
from stepscape.lab.one_thread import VARIABLES
from stepscape.lab.spec import identity
from stepscape.lab.store import Store
from stepscape.lab.sweeping import sweep

pytestmark = pytest.mark.long

pytest.importorskip("distributed")


@pytest.fixture(autouse=True)
def _environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "store")


class Machines:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder):
        self.folder, self.file = folder, folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", self.file
        )
        deadline = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.workers = []

    @property
    def address(self):
        import json

        return json.loads(self.file.read_text())["address"]

    def worker(self):
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--scheduler-file", self.file)
        self.workers.append(self._start("worker", *options, "--local-directory", self.folder))

    def _start(self, what, *options):
        command = [sys.executable, "-m", "distributed.cli.dask_" + what, *map(str, options)]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def machines(tmp_path):
    found = Machines(tmp_path)
    yield found
    found.stop()


def rows(store, specs):
    records = store.records([identity(spec) for spec in specs])
    return [(r.outcome, dict(r.numbers), {n: a.tobytes() for n, a in r.arrays.items()}) for r in records]


def listening():
    """Where this process and those that it started accept connections."""
    psutil = pytest.importorskip("psutil")
    this = psutil.Process()
    sockets = [
        socket for process in (this, *this.children(recursive=True)) for socket in process.net_connections()
    ]
    return [tuple(found.laddr) for found in sockets if found.status == psutil.CONN_LISTEN]


def test_a_cluster_of_this_machine_gives_the_same_bits(store, tmp_path):
    specs = lab_work.chores(20)
    with executor("dask", 2) as pool:
        assert pool.workers == 2
        assert {host for host, _ in listening()} == {"127.0.0.1"}
        summary = sweep(store, specs, lab_work.work, pool)
        sweep(store, [lab_work.Chore(index=99)], lab_work.threads, pool)
    assert summary.computed == 20
    assert store.table([lab_work.Chore(index=99)])["threads"].tolist() == [1.0]
    serial = Store.create(tmp_path / "serial")
    with executor("serial") as pool:
        sweep(serial, specs, lab_work.work, pool)
    assert rows(store, specs) == rows(serial, specs)


def test_a_worker_killed_in_the_middle_costs_nothing(store, machines):
    for _ in range(2):
        machines.worker()
    specs = lab_work.chores(160, seconds=0.02)
    killed = threading.Event()
    workers = []

    def watch(progress):
        workers.append(progress.workers)
        if progress.done > 20 and not killed.is_set():
            machines.workers[0].send_signal(signal.SIGKILL)
            killed.set()

    with executor("dask", scheduler=machines.address) as pool:
        deadline = time.monotonic() + 60
        while pool.workers < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
        summary = sweep(store, specs, lab_work.work, pool, progress=watch)
    assert killed.is_set()
    assert workers[0] == 2
    assert machines.workers[0].wait(60) == -signal.SIGKILL
    assert machines.workers[1].poll() is None
    expected = [lab_work.outcome(index) for index in range(160)]
    assert store.table(specs)["outcome"].tolist() == expected
    assert summary.failed == expected.count("failed")


def test_a_deadly_run_fails_alone(store, tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys.modules["stepscape.lab.sweeping"], "LIVES", 1
    )  # a nanny takes seconds to start another
    specs = lab_work.chores(12, folder=tmp_path)
    (tmp_path / "died").touch()
    with executor("dask", 1) as pool:
        summary = sweep(store, specs, lab_work.deadly, pool)
    assert summary.reasons[identity(specs[7])] == "its worker process died: its Dask worker was lost"
    outcomes = store.table(specs)["outcome"].tolist()
    assert outcomes.pop(7) == "failed"
    assert outcomes == [lab_work.outcome(index) for index in range(12) if index != 7]


def test_a_worker_that_does_not_see_the_store_is_named(store, tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "verify", lambda _: None)  # the coordinator does: it is on another machine
    with executor("dask", 1) as pool:
        (store.path / "store.json").rename(tmp_path / "elsewhere")
        host = socket.gethostname()
        says = f"^the worker on {host!r} does not see the store: .* directory that all workers share$"
        with pytest.raises(OutputError, match=says):
            sweep(store, lab_work.chores(3), lab_work.work, pool)


def test_what_a_worker_cannot_import_is_one_sentence(store, tmp_path, monkeypatch):
    (tmp_path / "only_now.py").write_text("def work(spec, tick): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import only_now

    with executor("dask", 1) as pool:
        (tmp_path / "only_now.py").unlink()
        with pytest.raises(InputError, match=r"^a worker cannot load .* No module named 'only_now'$"):
            sweep(store, lab_work.chores(3), only_now.work, pool)


def test_a_scheduler_that_ends_stops_the_sweep(store, machines):
    machines.worker()
    with executor("dask", scheduler=machines.address) as pool:

        def end(progress):
            if progress.done:
                machines.stop()

        with pytest.raises(
            OutputError, match=r"^the (workers are gone|Dask scheduler does not answer any more)"
        ):
            sweep(store, lab_work.chores(200, seconds=0.05), lab_work.work, pool, progress=end)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "not an address",
            "tcp://:x",
            "host",
            "tcp://host:",
            "slrum",
            "",
            "http://host:8787",
            "tcp://host:0",
        ),
        *(
            "https://host:443",
            "tcp://host:65536",
            "tcp://host:1/path",
            "tcp://user@host:1",
            "host:1 ",
            "host:١",
        ),
    ],
)
def test_what_is_no_address_is_refused(text):
    says = "^scheduler must be an address of the form tcp://host:port, or slurm, got '"
    with pytest.raises(InputError, match=says), executor("dask", scheduler=text):
        pass


@pytest.mark.parametrize(
    "text", ["tcp://127.0.0.1:1", "nowhere.invalid:8786", "[::1]:1", "tls://127.0.0.1:1"]
)
def test_a_scheduler_that_cannot_be_reached_is_one_sentence_within_seconds(text, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    says = f"^cannot reach the Dask scheduler {re.escape(repr(text))}: "
    with pytest.raises(OutputError, match=says), executor("dask", scheduler=text):
        pass


def hang_up(connection):
    connection.close()


def say(*words):
    def answer(connection):
        for word in words:
            connection.sendall(word)

    return answer


class Port:
    """Something else than a scheduler listens."""

    def __init__(self, answer):
        self.answer, self.kept = answer, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.kept.append(self.socket.accept()[0])
                self.answer(self.kept[-1])

    def close(self):
        for each in (self.socket, *self.kept):
            each.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (say(), "what listens there gave no answer of Dask within 0.3 s"),
        (hang_up, "(OSError: Timed out|CommClosedError)"),
        (say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "what listens there is no Dask scheduler"),
        (say(b"SSH-2.0-OpenSSH_9.6\r\n"), "what listens there is no Dask scheduler"),
        (say(bytes(8)), "what listens there is no Dask scheduler"),
        (say(b"\xff" * 64), "what listens there is no Dask scheduler"),
        (say((2**33).to_bytes(8, "little"), b"and little more"), "what listens there gave no answer of Dask"),
        (say((4).to_bytes(8, "little"), b"\0\0\0\0"), "what listens there is no Dask scheduler"),
    ],
)
def test_what_else_listens_there_is_one_sentence_within_seconds(monkeypatch, caplog, answer, says):
    monkeypatch.setattr(cluster, "CONNECT", 0.3)
    port = Port(answer)
    with (
        pytest.raises(OutputError, match=f"^cannot reach the Dask scheduler '{port.address}': {says}"),
        executor("dask", scheduler=port.address),
    ):
        pass
    port.close()
    assert not caplog.records


def test_a_question_is_not_waited_for():
    with pytest.raises(OutputError, match=r"^it does not answer: no answer within 0\.1 s$"):
        address.answer_within(0.1, lambda: time.sleep(5), "it does not answer")
    with pytest.raises(OutputError, match=r"^it fails: ValueError: no$"):
        address.answer_within(5, failing, "it fails")
    assert address.answer_within(5, lambda: 7, "it answers") == 7


def failing():
    raise ValueError("no")


@pytest.mark.parametrize("way", ["worker", "hung"])
def test_a_scheduler_that_hangs_or_loses_its_workers_is_not_waited_for(
    store, machines, monkeypatch, caplog, way
):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    machines.worker()
    harm, says = {
        "worker": (
            lambda: machines.workers[0].kill(),
            "^the Dask scheduler has had no worker for 1 s; start some",
        ),
        "hung": (
            lambda: machines.scheduler.send_signal(signal.SIGSTOP),
            "^the Dask scheduler does not answer any more: ",
        ),
    }[way]
    specs = lab_work.chores(400, seconds=0.02)
    harmed = []

    def watch(progress):
        if progress.done and not harmed:
            harmed.append(progress.done)
            harm()

    with executor("dask", scheduler=machines.address) as pool:
        pool._patience = 60.0
        while not pool.workers:
            time.sleep(0.1)
        pool._patience = 1.0
        monkeypatch.setattr(cluster, "ANSWER", 1.0)
        with pytest.raises(OutputError, match=says):
            sweep(store, specs, lab_work.work, pool, progress=watch)
    assert not caplog.records
    assert 1 <= len(store.outcomes()) < 400  # what was finished is kept, and the rest can follow
    assert set(lab_work.times_on_record(store).values()) == {1}


@pytest.mark.parametrize("scheduler", [None, "tcp://127.0.0.1:1", "slurm"])
def test_without_dask_the_extra_is_named(monkeypatch, scheduler):
    for name in ("distributed", "dask_jobqueue"):
        monkeypatch.setitem(sys.modules, name, None)
    says = r"is not installed; pip install 'stepscape\[cluster\]'$"
    with pytest.raises(Unavailable, match=says), executor("dask", 1, scheduler):
        pass


def test_how_futures_of_dask_are_handed_on():
    from distributed.scheduler import KilledWorker

    killed = KilledWorker("task", None, 3)
    for error, kind, says in (
        (killed, Died, "its Dask worker was lost"),
        (CancelledError(), CancelledError, None),
        (InputError("no"), InputError, "^no$"),
        (RuntimeError("oh"), OutputError, "^a Dask worker could not carry out a batch: RuntimeError: oh$"),
    ):
        future, reported = Future(), Future()
        future.set_exception(error)
        cluster._forward(reported, future)
        with pytest.raises(kind, match=says):
            reported.result(0)
    assert killed.allowed_failures == 3
    future, reported = Future(), Future()
    future.cancel()
    cluster._forward(reported, future)
    with pytest.raises(CancelledError):
        reported.result(0)


# ---- Slurm, which is not installed here


def test_the_script_of_a_slurm_job():
    options = {
        "queue": "long",
        "account": "project7",
        "cores": 4,
        "memory": "8GB",
        "walltime": "02:00:00",
        "job_script_prologue": ["module load python"],
        "job_extra_directives": ["--constraint=cpu"],
    }
    lines = cluster.job_script(options).splitlines()
    for line in (
        "#!/usr/bin/env bash",
        "#SBATCH -p long",
        "#SBATCH -A project7",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=8G",
        "#SBATCH -t 02:00:00",
        "#SBATCH --constraint=cpu",
        "module load python",
        *(f"export {name}=1" for name in VARIABLES),
    ):
        assert line in lines
    assert lines.index("export OMP_NUM_THREADS=1") < lines.index("module load python")
    command = lines[-1]
    assert "distributed.cli.dask_worker" in command or "dask worker" in command
    assert "--nworkers 4" in command
    assert "--nthreads 1" in command
    assert "tcp://" in command
    assert "--no-dashboard --dashboard-address 127.0.0.1:0" in command


def test_what_slurm_needs_is_asked_for(monkeypatch):
    with pytest.raises(
        InputError, match=r"^\[cluster\] must say how much memory a job needs, got no memory; add "
    ):
        cluster.job_script({})
    with pytest.raises(InputError, match=r"^\[cluster\] does not describe a job: "):
        cluster.job_script({"memory": "much"})
    with (
        pytest.raises(InputError, match="workers must be at least 1 with Slurm, got 0; it is how many"),
        executor("dask", 0, "slurm", {"memory": "1GB"}),
    ):
        pass
    monkeypatch.setenv("PATH", os.fspath(Path(sys.executable).parent))
    with (
        pytest.raises(OutputError, match=r"^Slurm's command sbatch is not found"),
        executor("dask", 1, "slurm", {"memory": "1GB"}),
    ):
        pass


def test_a_local_cluster_that_cannot_start_is_told(monkeypatch):
    import distributed

    def dying(**_options):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", dying)
    with (
        pytest.raises(OutputError, match=r"cluster on this machine could not start: .*Nanny failed to"),
        executor("dask", 1),
    ):
        pass
