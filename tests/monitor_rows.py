"""Rows of runs for tests of the monitor: no torch."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from stepscape.monitor.row import NAMES, STATUSES, Row

REALS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
OPTIONAL = (
    "loss", "lambda_max", "lower_bound", "residual", "error_estimate", "edge_ratio", "edge_ratio_residual",
    "threshold", "lambda_min", "lambda_min_residual", "trace", "trace_standard_error", "critical_step_size",
    "critical_step_size_error", "batch_sharpness", "batch_sharpness_standard_error",
    "batch_sharpness_mean_of_ratios", "batch_sharpness_mean_of_ratios_standard_error",
)  # fmt: skip
SECONDS = st.floats(0.0, 1e9)
ANY_ROW = st.builds(
    Row,
    step=st.integers(0, 2**62),
    training_seconds=SECONDS,
    step_sizes=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=3).map(tuple),
    status=st.sampled_from(STATUSES),
    reason=st.text(st.characters(exclude_categories=["Cs"])),
    products=st.integers(0, 10**6),
    seconds=SECONDS,
    samples=st.none() | st.integers(1, 10**9),
    precision=st.sampled_from(["", "float32"]),
    clipped=st.none() | st.booleans(),
    blocks=st.none() | st.dictionaries(st.text("ab.", max_size=3), st.floats(-1e9, 1e9), max_size=2),
    dead_units=st.none() | st.dictionaries(st.text("ab", max_size=3), st.integers(0, 99), max_size=2),
    **dict.fromkeys(OPTIONAL, REALS),
)


def row(step: int = 0, edge_ratio: float | None = None, loss: float | None = 1.0, **others: Any) -> Row:
    """A converged row at a step size of 0.1, with λ_max as gradient descent would have it."""
    sizes = others.pop("step_sizes", (0.1,))
    threshold = 2.0 / sizes[0] if sizes[0] else None
    known = {"threshold": threshold, "status": "converged", "training_seconds": 0.01 * step} | others
    if edge_ratio is not None and known["threshold"]:
        known.setdefault("lambda_max", edge_ratio * known["threshold"])
    return Row(step=step, edge_ratio=edge_ratio, loss=loss, step_sizes=sizes, **known)


def rows(ratios: list[float | None], losses: list[float | None] | None = None, **others: Any) -> list[Row]:
    """Rows at steps 100, 200, …."""
    falling = losses or [2.0 / (i + 1) for i in range(len(ratios))]
    pairs = zip(ratios, falling, strict=True)
    return [row(100 * (i + 1), ratio, loss, **others) for i, (ratio, loss) in enumerate(pairs)]


__all__ = ["ANY_ROW", "NAMES", "row", "rows"]
