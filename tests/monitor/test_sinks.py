"""Where rows go: files that can be read at every moment, and loggers of users, which stay theirs."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given

from monitor_rows import ANY_ROW, NAMES, row
from stepscape.errors import InputError, OutputError, Unavailable
from stepscape.monitor.row import Row
from stepscape.monitor.run_file import read_run
from stepscape.monitor.sinks import (
    Csv,
    JsonLines,
    MLflow,
    TensorBoard,
    WeightsAndBiases,
    columns,
    scalars,
    write_csv,
)

RICH = row(
    7, 0.5, step_sizes=(0.1, 0.2), clipped=True, blocks={"a/b": 3.0}, dead_units={"fc": 4}, reason="=1+1"
)


class Writer:
    """SummaryWriter of PyTorch 2.13 with tensorboard 2.21, by its signature."""

    def __init__(self, log_dir: str | None = None) -> None:
        self.log_dir, self.scalars, self.closed = log_dir, {}, False  # type: ignore[misc]

    def add_scalar(
        self, tag: str, scalar_value: float, global_step: int | None = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        assert (walltime, new_style, double_precision) == (None, False, False)
        self.scalars[tag, global_step] = scalar_value

    def close(self) -> None:
        self.closed = True


class WandbRun:
    """Run of wandb 0.31, by its signature."""

    def __init__(self) -> None:
        self.logged: list[dict[str, Any]] = []
        self.metrics: dict[str, str | None] = {}

    def define_metric(
        self, name: str, step_metric: str | None = None, step_sync: bool | None = None,
        hidden: bool | None = None, summary: str | None = None, overwrite: bool | None = None,
    ) -> None:  # fmt: skip
        assert step_sync is hidden is summary is overwrite is None
        self.metrics[name] = step_metric

    def log(self, data: dict[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        assert step is commit is None  # its counter must not run backwards
        self.logged.append(data)


class Mlflow:
    """The module mlflow 3.17, by the signature of `log_metrics` and the names that it takes."""

    def __init__(self) -> None:
        self.logged: dict[tuple[str, int | None], float] = {}

    def log_metrics(
        self, metrics: dict[str, float], step: int | None = None, synchronous: bool | None = None,
        run_id: str | None = None, timestamp: int | None = None, model_id: str | None = None,
        dataset: Any = None,
    ) -> None:  # fmt: skip
        assert synchronous is run_id is timestamp is model_id is dataset is None
        for name, value in metrics.items():
            assert re.fullmatch(r"[/\w.\- :]*", name), f"Invalid value {name!r} for parameter 'metrics'"
            self.logged[name, step] = value


# ---- JSON lines


def test_a_row_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    sink = JsonLines(path)
    assert read_run(path).rows == ()  # `stepscape watch` may wait for it
    for i in range(3):
        sink.write(row(i))
        assert [each.step for each in read_run(path).rows] == list(range(i + 1))
    sink.close()


def test_a_run_that_resumes_appends_and_cuts_off_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(row(1).to_line() + "\n" + row(2).to_line()[:50])
    sink = JsonLines(str(path))
    sink.write(row(2, 0.7))
    sink.close()
    assert path.read_text() == row(1).to_line() + "\n" + row(2, 0.7).to_line() + "\n"


def test_a_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(row(1).to_line())
    sink = JsonLines(path)
    sink.write(row(2))
    sink.close()
    assert [each.step for each in read_run(path).rows] == [1, 2]


def test_a_file_that_holds_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "thesis.tex"
    path.write_text("\\documentclass")
    with pytest.raises(InputError, match=r"'.*thesis\.tex' must hold rows, as Monitor"):
        JsonLines(path)
    assert path.read_text() == "\\documentclass"


def test_a_file_with_a_damaged_line_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(row(0).to_line() + "\nhalf a li")
    sink = JsonLines(path)
    sink.write(row(1))
    sink.close()
    assert path.read_text() == row(0).to_line() + "\nhalf a li\n" + row(1).to_line() + "\n"
    assert [each.step for each in read_run(path).rows] == [0, 1]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write '.*run\.jsonl': no such file or directory"):
        JsonLines(tmp_path / "no" / "run.jsonl")
    with pytest.raises(InputError, match=r"cannot read '.*': is a directory"):
        JsonLines(tmp_path)
    with pytest.raises(InputError, match="path must be a path, got 3"):
        JsonLines(3)  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    sink = JsonLines(tmp_path / "run.jsonl")
    sink._file = open("/dev/full", "w")  # noqa: SIM115
    with pytest.raises(OutputError, match=r"cannot write '.*': no space left on device"):
        sink.write(row())


# ---- CSV


@given(ANY_ROW)
def test_a_csv_holds_every_number_and_no_formula(tmp_path_factory: pytest.TempPathFactory, some: Row) -> None:
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    write_csv(path, [some, RICH])
    with open(path, newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    for name, value in columns(some).items():
        if value is None:
            assert first[name] == ""
        elif isinstance(value, float):
            assert float(first[name]) == value
    assert second["reason"] == "'=1+1"
    assert second["step_size/1"] == "0.2"
    assert second["blocks/a/b"] == "3.0"


def test_a_csv_is_whole_after_each_row_and_empty_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, [])
    sink = Csv(path)
    for count in (1, 2, 3):
        sink.write(row(count))
        with open(path, newline="") as file:
            assert [each["step"] for each in csv.DictReader(file)] == [str(i + 1) for i in range(count)]
    sink.close()
    assert sorted(tmp_path.iterdir()) == [path]  # and nothing half-written beside it


# ---- loggers


def test_scalars_are_what_was_measured() -> None:
    found = scalars(RICH)
    assert found["stepscape/edge_ratio"] == 0.5
    assert found["stepscape/step_size/1"] == 0.2
    assert found["stepscape/blocks/a/b"] == 3.0
    assert found["stepscape/dead_units/fc"] == 4.0
    assert found["stepscape/clipped"] == 1.0
    assert scalars(row())["stepscape/step_size"] == 0.1
    assert not {f"stepscape/{name}" for name in ("step", "status", "reason", "trace", "precision")} & set(
        found
    )
    assert all(type(value) is float for value in found.values())
    assert {name.split("/")[1].replace("step_size", "step_sizes") for name in found} <= set(NAMES)


def test_tensorboard_gets_scalars_at_the_step_and_is_not_closed() -> None:
    writer = Writer()
    sink = TensorBoard(writer)
    sink.write(RICH)
    sink.close()
    assert writer.scalars == {(name, 7): value for name, value in scalars(RICH).items()}
    assert not writer.closed


def test_a_writer_of_our_own_is_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = SimpleNamespace(SummaryWriter=Writer)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)  # type: ignore[misc]
    sink = TensorBoard(tmp_path)
    assert sink._writer.log_dir == str(tmp_path)
    assert not sink._writer.closed
    sink.close()
    assert sink._writer.closed


def test_weights_and_biases_keeps_its_own_counter() -> None:
    run = WandbRun()
    WeightsAndBiases(run).write(RICH)
    assert run.metrics == {"stepscape/*": "stepscape/step"}
    assert run.logged == [{**scalars(RICH), "stepscape/step": 7}]
    WeightsAndBiases(SimpleNamespace(log=run.log)).write(RICH)  # without define_metric


def test_mlflow_gets_metrics_at_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {(name, 7): value for name, value in scalars(RICH).items()}
    client = Mlflow()
    MLflow(client).write(RICH)
    assert client.logged == expected
    client = Mlflow()
    monkeypatch.setitem(sys.modules, "mlflow", client)  # type: ignore[misc]
    MLflow().write(RICH)
    assert client.logged == expected


def test_names_that_mlflow_refuses_are_changed() -> None:
    client = Mlflow()
    MLflow(client).write(row(dead_units={"fc#2": 4}, blocks={"head (last), große: 1-2": 3.0}))
    assert client.logged["stepscape/dead_units/fc_2", 0] == 4.0
    assert client.logged["stepscape/blocks/head _last__ große: 1-2", 0] == 3.0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TensorBoard(3), "writer must have a method add_scalar, got 3"),
        (lambda: WeightsAndBiases(None), "run must have a method log, got None"),
        (lambda: MLflow("run"), "client must have a method log_metrics, got 'run'"),
    ],
)  # fmt: skip
def test_what_is_not_a_logger_is_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        make()


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)  # type: ignore[misc]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # type: ignore[misc]
    with pytest.raises(Unavailable, match="MLflow needs the package mlflow: pip install mlflow"):
        MLflow()
    with pytest.raises(Unavailable, match="TensorBoard needs the package tensorboard"):
        TensorBoard("runs")
