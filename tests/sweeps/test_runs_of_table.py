"""Runs on the data of a table: kept by their digest, standardized as a fit does, drawn in its units."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import stepscape as ss
from run_cases import bits, replaced, silent
from stepscape.errors import InputError, OutputError
from stepscape.lab import data as tables
from stepscape.lab.pool import run_all
from stepscape.problems.user.example import load_example
from stepscape.sweeps.runs import Run, build, work


class TestTables:
    @given(
        arrays(float, 5, elements=st.floats(-9, 9)),
        arrays(float, 5, elements=st.floats(-9, 9)),
        st.integers(0, 4),
    )
    def test_a_digest_tells_columns_apart(self, x: Any, y: Any, index: int) -> None:
        name = tables.digest(x, y)
        assert name == tables.digest(x.copy(), y + 0.0)
        bumped = y.copy()
        bumped[index] = np.nextafter(y[index], np.inf) if y[index] else 1.0
        assert tables.digest(x, bumped) != name
        assert (tables.digest(y, x) == name) == np.array_equal(x, y)

    def test_what_was_saved_is_read(self, tmp_path: Path) -> None:
        x, y = np.array([3.0, 1.0, -0.0]), np.array([1e-300, np.pi, 2.0])
        name = tables.save(tmp_path / "a" / "data", x, y)
        assert name == tables.digest(x, y)
        back = tables.load(tmp_path / "a" / "data", name)
        np.testing.assert_array_equal(back, [x, y])
        assert not np.signbit(back[0][2])

    def test_is_written_once_and_mended(self, tmp_path: Path) -> None:
        x = np.arange(9.0)
        name = tables.save(tmp_path, x, x)
        [file] = tmp_path.iterdir()
        content, before = file.read_bytes(), file.stat().st_mtime_ns
        assert tables.save(tmp_path, x, x) == name
        assert file.stat().st_mtime_ns == before
        file.write_bytes(content[:-40])
        with pytest.raises(OutputError, match=r"^'.*npz' is damaged: its content is not that of an arch"):
            tables.load(tmp_path, name)
        with pytest.raises(OutputError, match=r"^cannot read '.*npz': embedded null byte$"):
            tables.load(tmp_path, "a\0b")
        tables.save(tmp_path, x, x)
        assert file.read_bytes() == content

    def test_numbers_of_another_table_are_not_taken(self, tmp_path: Path) -> None:
        x = np.arange(9.0)
        name, other = tables.save(tmp_path, x, x), tables.save(tmp_path, x, x + 1.0)
        (tmp_path / f"{other}.npz").rename(tmp_path / f"{name}.npz")
        with pytest.raises(OutputError, match=r"npz' is damaged: its numbers are not those of its name$"):
            tables.load(tmp_path, name)

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        x = np.arange(9.0)
        with pytest.raises(OutputError, match=r"^cannot make '.*file/data': "):
            tables.save(tmp_path / "file" / "data", x, x)

    def test_standardized_as_fit_does(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        problem, *_ = build(motorcycle, tmp_path)
        mean, spread = data.x.mean(), data.x.std()
        grid = 2.0**-20  # training sees values to this accuracy
        np.testing.assert_allclose(problem.inputs, (np.unique(data.x) - mean) / spread, rtol=0, atol=grid)
        fit = ss.StepSizeRegressor(0.01, steps=400, width=3).fit(data.x, data.y).problem_
        for ours, theirs in ((problem.inputs, fit.inputs), (problem.labels, fit.labels)):
            np.testing.assert_array_equal(ours, theirs)
        at, weights = 0, problem.averaging * data.x.size
        first = data.y[data.x == np.unique(data.x)[at]]
        assert weights[at] == pytest.approx(first.size)
        assert problem.labels[at] == pytest.approx((first.mean() - data.y.mean()) / data.y.std(), abs=grid)
        assert problem.truth is None

    def test_as_it_stands(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        problem, *_ = build(replaced(motorcycle, problem_standardize=False), tmp_path)
        np.testing.assert_array_equal(problem.inputs, data.x)
        np.testing.assert_array_equal(problem.labels, data.y)
        assert problem.weights is None

    def test_its_curve_is_in_the_units_of_the_table(self, motorcycle: Run, tmp_path: Path) -> None:
        data = load_example()
        record = work(motorcycle, silent, tmp_path)
        x, y = record.arrays["curve_x"], record.arrays["curve_y"]
        np.testing.assert_allclose(x[[0, -1]], [data.x.min(), data.x.max()], rtol=1e-12)
        problem, network, method = build(motorcycle, tmp_path)
        trained = ss.train(problem, network, method, record_every=100)
        standard = trained.midpoint.predict((x - data.x.mean()) / data.x.std())
        np.testing.assert_allclose(y, data.y.mean() + data.y.std() * standard, rtol=1e-9)
        assert "curve_truth" not in record.arrays
        assert "risk" not in record.numbers

    def test_the_work_may_carry_its_folder(self, motorcycle: Run, tmp_path: Path) -> None:
        found = run_all(partial(work, data=str(tmp_path)), [motorcycle] * 2, 2, lambda _: None)
        assert bits(found[0]) == bits(found[1]) == bits(work(motorcycle, silent, tmp_path))

    def test_data_that_are_not_there(self, motorcycle: Run) -> None:
        with pytest.raises(InputError, match=r"^the data '[0-9a-f]{32}' of a run are not in 'nowhere'; run"):
            build(motorcycle, "nowhere")
