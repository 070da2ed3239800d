"""One valid call of everything public in `stepscape.monitor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from stepscape import monitor

# What measurements return; their constructors check nothing.
READ_ONLY = {
    f"monitor.{name}"
    for name in (
        "Activity", "BatchSharpness", "CriticalStepSize", "EdgeRatio", "Followed", "HessianOperator",
        "HessianTrace", "LossSlice", "PreconditionedHessian", "RitzPair", "Row", "RunFile", "Sharpness",
        "SiteActivity", "Suggestion", "Threshold", "Track", "Unmeasured",
    )
}  # fmt: skip
# What the package itself calls, with tensors and rows that it has made.
INNER = {
    "monitor.Csv.write", "monitor.JsonLines.write", "monitor.MLflow.write", "monitor.TensorBoard.write",
    "monitor.TensorBoard",  # needs its package
    "monitor.WeightsAndBiases.write", "monitor.HessianOperator.product",
    "monitor.PreconditionedHessian.product", "monitor.SAM.descend", "monitor.Track.start",
    *(f"monitor.Probe.{name}" for name in ("call", "graph", "measuring", "point", "slopes", "value")),
}  # fmt: skip


class Log:
    """What loggers offer."""

    def add_scalar(self, name: str, value: float, step: int) -> None:
        """Take one number."""

    def log(self, values: dict[str, float]) -> None:
        """Take numbers."""

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        """Take numbers of a step."""


def _loss(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    loss: torch.Tensor = ((model(batch[0]) - batch[1]) ** 2).mean()
    return loss


def _rule(optimizer: Any, parameter: Any) -> tuple[float, float]:  # noqa: ARG001
    return 1.0, 20.0


def calls(folder: Path, file: Any, anything: Any) -> dict[str, dict[str, Any]]:
    """Return the arguments of each, by its name; a batch may be anything that the loss takes."""
    torch.manual_seed(0)
    model, pair = torch.nn.Linear(2, 1), (torch.randn(5, 2), torch.randn(5, 1))
    made = {"model": model, "loss": _loss, "batch": anything(pair)}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    probe, run = monitor.Probe(model, _loss, pair), folder / "run.jsonl"
    row = monitor.Row(0, 1.0, (0.1,), "converged", lambda_max=2.0, edge_ratio=0.1)
    run.write_text(row.to_line() + "\n")
    search = {"tolerance": 1e-3, "max_products": 20}
    shift = [torch.zeros_like(p) for p in model.parameters()]

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = _loss(model, pair)
        value.backward()
        return value

    watch = monitor.Monitor(model, _loss, pair, optimizer)
    return {
        "monitor.Probe": {**made, "weights": [1.0], "select": lambda *_: True, "precision": "float32",
                          "batch_norm": "as_is", "dropout": "off"},
        "monitor.Probe.loss": {"self": probe, "shift": shift},
        "monitor.Probe.gradient": {"self": probe, "shift": shift},
        "monitor.Probe.operator": {"self": probe, "method": "auto", "pieces": [0]},
        "monitor.Monitor": {
            **made, "optimizer": optimizer, "every": 2, "budget": 0.1, "measure": ["lambda_max"],
            "file": file(folder / "rows.jsonl"), "sinks": [monitor.WeightsAndBiases(Log())],
            "on_error": "warn", "clock": lambda: 0.0,
        },
        "monitor.Monitor.step": {"self": watch, "step": 1, "clip_coefficient": 0.5},
        "monitor.Monitor.to_csv": {"self": watch, "path": file(folder / "rows.csv")},
        "monitor.Row.from_line": {"line": row.to_line()},
        "monitor.SAM": {"optimizer": optimizer, "radius": 0.1},
        "monitor.SAM.step": {"self": monitor.SAM(optimizer), "closure": closure},
        "monitor.JsonLines": {"path": file(folder / "lines.jsonl")},
        "monitor.Csv": {"path": file(folder / "lines.csv")},
        "monitor.WeightsAndBiases": {"run": Log()},
        "monitor.MLflow": {"client": Log()},
        "monitor.read_run": {"path": file(run)},
        "monitor.suggest": {"rows": [row]},
        "monitor.activity": {**made, "layers": [""]},
        "monitor.batch_sharpness": {"model": model, "loss": _loss, "batches": anything([pair, pair])},
        "monitor.block_sharpness": {**made, "blocks": {"all": ["*"]}, "tolerance": 1e-3},
        "monitor.critical_step_size": {**made, "direction": shift_of(model), "step_size": 0.1,
                                       "tolerance": 0.02, "max_passes": 8},
        "monitor.edge_ratio": {**made, "optimizer": optimizer, "preconditioner": _rule,
                               "clip_coefficient": 0.5, **search},
        "monitor.hessian_trace": {**made, **search, "seed": 0},
        "monitor.loss_slice": {**made, "dimensions": 1, "radius": 0.5, "points": 3, "seed": 0},
        "monitor.sharpness": {
            **made, **search, "weights": [1.0], "select": lambda *_: True, "precision": "float32",
            "batch_norm": "as_is", "dropout": "off", "method": "auto", "smallest": False,
        },
        "monitor.largest": {
            "operator": probe.operator(), "start": torch.ones(3), **search, "least_scale": 0.0, "kept": 1,
            "rows": 8, "seed": 0,
        },
        "monitor.follow": {
            "operator": probe.operator(), "track": monitor.Track(), "audit_every": 2, "kept": 1,
        },
        "monitor.preconditioned": {
            "probe": probe, "optimizer": optimizer, "preconditioner": _rule, "clip_coefficient": 0.5,
            "hessian": probe.operator(),
        },
        "monitor.threshold_of": {"optimizer": optimizer, "parameter": model.weight, "preconditioner": _rule},
        "monitor.trace_penalty": {
            "loss": _loss(model, pair), "parameters": list(model.parameters()), "probes": 1,
            "generator": torch.Generator().manual_seed(0),
        },
    }  # fmt: skip


def shift_of(model: torch.nn.Module) -> list[torch.Tensor]:
    """One tensor of ones for each parameter."""
    return [torch.ones_like(p) for p in model.parameters()]
