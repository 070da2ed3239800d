"""Rows of runs as the claims of the family plane read them, with values of one's own."""

from __future__ import annotations

from typing import Any

from stepscape.experiments.frame import Run

PLAIN = {
    "kind": "plane/1", "outcome": "finished", "width": 100, "live_neurons": 100, "bent_neurons": 100,
    "arrived": True, "at_edge": True, "train_error": 1e-9, "realized_noise": 1.0, "design_error": 1.0,
    "population_error": 1.0, "null_population": 0.75, "linear_population": 0.06, "sharpness": 2.2,
    "edge_ratio": 1.0, "dead_share": 0.0, "live_rate": 0.5, "smallest_live_rate": 0.3, "path_rate": 0.5,
    "live_path_rate": 0.5, "live_path_rate_equal_time": 0.5, "population_error_equal_time": 1.0,
    "population_error_held_out": 0.2, "decay_time": 0.0, "drawn": False,
}  # fmt: skip


def row(**changes: Any) -> Run:
    """Return a run like a plain one, with some values changed."""
    return Run({**PLAIN, **changes})
