"""Rows of a table that a sweep holds out: which they are, in which units, and the errors on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from run_cases import RUN, bits, replaced, silent
from stepscape.errors import InputError
from stepscape.lab import data as tables
from stepscape.problems import Problem
from stepscape.sweeps.held_rows import held_count, held_rows
from stepscape.sweeps.material import material
from stepscape.sweeps.runs import Measure, Method, Run, Table, work
from stepscape.training import Snapshot

N = 20
X = np.arange(N) % 16 * 1.5 + 100.0  # some inputs twice
Y = np.sin(X) * 7.0 + 3.0
SICK = (np.arange(N) % 4 == 0).astype(float)
PLANE = np.column_stack([X, np.cos(3.0 * np.arange(N))])


def table(folder: Path, x: Any = X, y: Any = Y, wanted: float = 0.25, **keys: Any) -> Run:
    several: dict[str, Any] = {"dimension": 2} if x.ndim == 2 else {}
    part = Table(data=tables.save(folder, x, y), x="x", y="y", n=N, held_out_rows=wanted, **several, **keys)
    measure = Measure(records=6, held_out=True, trajectory=True)
    run = msgspec.structs.replace(RUN, problem=part, measure=measure, method=Method(step_size=0.2, steps=60))
    return replaced(run, network_width=8)


@given(st.integers(2, 60), st.integers(1, 58), st.integers(0, 50), st.floats(0.0, 1.0))
def test_every_class_gives_its_share(n: int, count: int, seed: int, share: float) -> None:
    count = min(count, n - 1)
    classes = (np.arange(n) < share * n).astype(float)
    held = held_rows(classes, count, seed)
    assert held.sum() == count
    for each in np.unique(classes):
        assert abs(held[classes == each].sum() - count * np.mean(classes == each)) <= 1.0
    np.testing.assert_array_equal(held, held_rows(classes, count, seed))


def test_rows_are_equally_often_held_out() -> None:
    often = np.mean([held_rows(np.zeros(10), 3, seed) for seed in range(2000)], axis=0)
    np.testing.assert_allclose(often, 0.3, rtol=0, atol=5 * np.sqrt(0.21 / 2000))


@pytest.mark.parametrize("wanted", [0.25, 5.0])
def test_a_share_or_a_number(tmp_path: Path, wanted: float) -> None:
    run = table(tmp_path, wanted=wanted, standardize=False)
    found = material(run.problem, 3, tmp_path)
    assert found.held is not None
    assert (found.held.size, found.training.size) == (5, 15)
    together = np.concatenate([found.held.labels, found.training.labels])
    np.testing.assert_array_equal(np.sort(together), np.sort(Y))
    other = material(run.problem, 4, tmp_path).held
    assert other is not None
    assert not np.array_equal(other.labels, found.held.labels)


@pytest.mark.parametrize(("x", "y", "loss"), [(X, Y, "square"), (PLANE, Y, "square"), (X, SICK, "logistic")])
def test_units_are_those_of_the_rows_that_are_left(tmp_path: Path, x: Any, y: Any, loss: str) -> None:
    run = table(tmp_path, x, y, loss=loss)
    found = material(run.problem, 3, tmp_path)
    classes = y if loss == "logistic" else np.zeros(N)
    out = held_rows(classes, held_count(0.25, N), 3)
    assert found.held is not None
    np.testing.assert_allclose(
        found.held.inputs, (x[out] - x[~out].mean(0)) / x[~out].std(0), rtol=0, atol=1e-12
    )
    scaled = np.where(y > 0, 1.0, -1.0) if loss == "logistic" else (y - y[~out].mean()) / y[~out].std()
    np.testing.assert_allclose(found.held.labels, scaled[out], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("x", "y", "loss"), [(X, Y, "square"), (PLANE, SICK, "logistic")])
def test_errors_are_measured_at_every_record(tmp_path: Path, x: Any, y: Any, loss: str) -> None:
    run = table(tmp_path, x, y, loss=loss)
    record = work(run, silent, tmp_path)
    assert bits(record) == bits(work(run, silent, tmp_path))
    found = material(run.problem, run.seed, tmp_path)
    held = found.held
    assert isinstance(held, Problem)
    errors, rates = [], []

    def look(snapshot: Snapshot) -> None:
        f = snapshot.midpoint.predict(held.inputs)
        each = np.log1p(np.exp(-held.labels * f)) if loss == "logistic" else (f - held.labels) ** 2
        errors.append(each.mean())
        rates.append(np.mean(np.sign(f) != held.labels))

    network, method = run.network.draw(ss.lab.stream(run.seed, "network"), found.training), run.method.make(4)
    ss.train(found.training, network, method, record_every=10, measure_sharpness=False, observe=look)
    np.testing.assert_allclose(record.arrays["test_error"], errors, rtol=1e-12)
    best = 1 + int(np.argmin(errors[1:]))
    assert record.numbers["test_error"] == record.arrays["test_error"][-1]
    assert record.numbers["test_error_held_out"] == record.arrays["test_error"][best]
    assert record.numbers["steps_held_out"] == 10 * best
    assert ("pieces_held_out" in record.numbers) == (x.ndim == 1)
    assert record.numbers.get("test_error_rate") == (rates[-1] if loss == "logistic" else None)


def test_without_the_search_for_the_best_moment(tmp_path: Path) -> None:
    record = work(replaced(table(tmp_path), measure_held_out=False), silent, tmp_path)
    assert record.numbers["test_error"] > 0.0
    assert not [name for name in record.numbers if name.endswith("_held_out")]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            float("nan"),
            "held_out_rows must be a share of the rows, between 0 and 1, or a whole number of them",
        ),
        (float("inf"), "held_out_rows must be a share"),
        (0.01, "held_out_rows must hold out at least one of the 20 rows, got 0.01"),
        (0.99, "held_out_rows must leave at least 2 of the 20 rows to train on, got 0.99, which is 20 rows"),
    ],
)
def test_refused(wanted: float, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^{sentence}"):
        held_count(wanted, N)
