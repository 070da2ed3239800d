"""Memory is predicted before it is taken; machines, containers and limits are pretended."""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys

import numpy as np
import pytest

import stepscape as ss
from stepscape import memory
from stepscape.errors import InputError
from stepscape.experiments.interpolation.interpolators import one_sided_sharpness
from stepscape.experiments.interpolation.runs import _interpolates
from stepscape.measures.features import active_sets
from stepscape.theory.line.flattest import flattest_interpolator
from stepscape.theory.line.spline import spline_interpolator

MEMINFO = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n"


@pytest.fixture
def files(monkeypatch):
    """What the system's files hold; those not named are not there."""
    held = {"/proc/meminfo": MEMINFO}
    monkeypatch.setattr(memory, "_text", lambda path: held.get(path, ""))
    monkeypatch.setattr(memory, "_process", lambda: float("inf"))
    return held


@pytest.mark.usefixtures("files")
def test_what_does_not_fit_is_refused_in_one_sentence():
    assert memory.free_memory() == 8.192e9
    memory.require_memory("n", 10**9, 8.1e9)
    said = r"^n must fit in memory, got 1e9, which needs 9 GB where 8.2 GB are free; give a smaller n$"
    with pytest.raises(InputError, match=said):
        memory.require_memory("n", "1e9", 9e9)
    with pytest.raises(InputError, match=r"got 1e300, which needs 8e\+282 EB .* free; record less often"):
        memory.require_memory("steps", "1e300", 8e300, "record less often")


@pytest.mark.parametrize(
    ("own", "group", "limit", "used"),
    [
        ("0::/a/b\n", "/sys/fs/cgroup/a", "memory.max", "memory.current"),
        ("0::/\n", "/sys/fs/cgroup", "memory.max", "memory.current"),
        (
            "3:cpu:/x\n4:memory,hugetlb:/a\n",
            "/sys/fs/cgroup/memory/a",
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
        ),
    ],
)
def test_a_container_leaves_its_limit_less_what_is_held(files, own, group, limit, used):
    files |= {"/proc/self/cgroup": own, f"{group}/{limit}": "5000\n", f"{group}/{used}": "3000\n"}
    assert memory.free_memory() == 2000.0
    files[f"{group}/memory.stat"] = "anon 1\ninactive_file 500\n"  # files in the cache can go
    assert memory.free_memory() == 2500.0
    files[f"{group}/{used}"] = "9000\n"
    assert memory.free_memory() == 0.0
    files[f"{group}/{limit}"] = "max\n"
    assert memory.free_memory() == 8.192e9


def test_a_machine_that_does_not_tell_has_its_physical_memory_or_an_address_space(files, monkeypatch):
    del files["/proc/meminfo"]
    assert memory.free_memory() > 1e8
    monkeypatch.delattr("os.sysconf")
    assert memory.free_memory() == float(sys.maxsize)


def test_the_limit_on_a_process_counts_what_it_holds():
    code = (
        "import resource; from stepscape.memory import free_memory;"
        "resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.RLIM_INFINITY)); print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 2**29 < float(done.stdout) < 2**31
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != 2**31


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (999.6, "1 kB"), (99600, "100 kB"), (2.4e13, "24 TB")],
)
def test_sizes_are_words(size, words):
    assert memory.in_words(size) == words


X = np.linspace(-1.0, 1.0, 40)
ASKS = {
    "n": lambda: ss.problems.tent(n=10**9),
    "n, of an outcome": lambda: ss.problems.bernoulli("tent", n=10**12),
    "width": lambda: ss.TwoLayerReLU.random(width=10**12),
    "width, of a fit": lambda: ss.StepSizeRegressor(0.1, width=10**9).fit(X, X),
    "width, of constant labels": lambda: ss.StepSizeRegressor(0.1, width=10**9).fit(X, 0.0 * X),
    "width, of an outcome's fit": lambda: ss.StepSizeClassifier(width=10**9).fit(X, X > 0.1),
    "width, of folds": lambda: ss.StepSizeRegressor(width=10**7).fit(X, X),
    "step_sizes": lambda: ss.StepSizeRegressor(step_sizes=np.linspace(0.1, 1.0, 10**6), width=2).fit(X, X),
    "inputs": lambda: flattest_interpolator(np.arange(20_000.0), np.zeros(20_000)),
}


@pytest.mark.parametrize("ask", ASKS)
def test_a_number_that_asks_for_too_much_is_refused_before_it_is_taken(monkeypatch, ask):
    monkeypatch.setattr(memory, "free_memory", lambda: 4e9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    name = ask.partition(",")[0]
    with pytest.raises(
        InputError, match=rf"^{name} must fit in memory, got .* needs .* where 4 GB are free; give"
    ):
        ASKS[ask]()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kilobytes


def test_records_of_every_step_are_refused_before_the_first(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 4e9)
    problem, network = ss.problems.tent(n=10), ss.TwoLayerReLU.random(5)
    said = (
        r"^record_every must fit in memory, got 1, which needs 1.5 TB where 4 GB are free; record less often$"
    )
    with pytest.raises(InputError, match=said):
        ss.train(problem, network, ss.GradientDescent(0.1, 10**9), record_every=1)


def test_a_basis_of_lanczos_and_a_table_of_active_sets_are_refused(monkeypatch):
    problem, network = ss.problems.tent(n=10), ss.TwoLayerReLU.random(30)
    monkeypatch.setattr(memory, "SMALL", 0)
    monkeypatch.setattr(memory, "free_memory", lambda: 1e3)
    with pytest.raises(InputError, match=r"size must fit in memory, got 200, .* give fewer parameters"):
        ss.curvature.largest_eigenpair(ss.curvature.Matrix(np.eye(200)))
    with pytest.raises(InputError, match=r"width must fit in memory, got 30, which needs 5.1 kB"):
        active_sets(problem, network)
    for ask in (one_sided_sharpness, _interpolates):
        with pytest.raises(InputError, match=r"width must fit in memory, got 30, which needs"):
            ask(problem, network)
    with pytest.raises(InputError, match=r"inputs must fit in memory, got 10 of them"):
        spline_interpolator(problem.inputs, problem.labels)


def test_a_warm_up_of_any_length_takes_a_block_of_memory(monkeypatch):
    problem, network = ss.problems.tent(n=10), ss.TwoLayerReLU.random(5)
    method = ss.GradientDescent(0.2, 700, warmup_steps=500)
    whole = ss.train(problem, network, method, record_every=50)
    monkeypatch.setattr(importlib.import_module("stepscape.training.engine"), "BLOCK", 37)
    blocks = ss.train(problem, network, method, record_every=50)
    np.testing.assert_array_equal(blocks.time, whole.time)
