"""The loggers themselves, where they are installed: tensorboard 2.21, wandb 0.31, mlflow 3.17."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor_rows import row
from stepscape.monitor.sinks import MLflow, TensorBoard, WeightsAndBiases, scalars

pytestmark = pytest.mark.filterwarnings("default")  # theirs
ROWS = [row(step, 0.5, blocks={"a.weight": 3.0}, dead_units={"fc#2": 4}) for step in (7, 3_000_000_000, 12)]


def test_tensorboard_has_every_scalar(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    sink = TensorBoard(tmp_path)
    for each in ROWS:
        sink.write(each)
    sink.close()
    kept = EventAccumulator(str(tmp_path))
    kept.Reload()
    assert set(kept.Tags()["scalars"]) == set(scalars(ROWS[0]))
    assert [event.step for event in kept.Scalars("stepscape/edge_ratio")] == [each.step for each in ROWS]


def test_weights_and_biases_has_every_scalar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(project="stepscape", dir=tmp_path, mode="offline")
    sink = WeightsAndBiases(run)
    for each in ROWS:
        sink.write(each)
    sink.close()
    run.log({"of the user": 1.0})  # it is still open
    summary = {name: run.summary.get(name) for name in (*scalars(ROWS[-1]), "of the user")}
    run.finish()
    assert summary == {**scalars(ROWS[-1]), "of the user": 1.0}


def test_mlflow_has_every_scalar(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri(f"file://{tmp_path}")
        mlflow.set_experiment("stepscape")
        with mlflow.start_run() as run:
            sink = MLflow()
            for each in ROWS:
                sink.write(each)
            sink.close()
        client = mlflow.MlflowClient()
        history = client.get_metric_history(run.info.run_id, "stepscape/edge_ratio")
        assert sorted(metric.step for metric in history) == sorted(each.step for each in ROWS)
        assert len(client.get_run(run.info.run_id).data.metrics) == len(scalars(ROWS[0]))
