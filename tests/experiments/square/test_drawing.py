"""What the figures of the family leave out is what the rules leave out."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.square.drawing import working
from stepscape.tables.records import Table


def test_runs_that_keep_too_few_neurons_are_not_drawn() -> None:
    """At η = 0.1 one of three runs keeps 5 of 1000 neurons; at 0.8 most do, and the step size is left out."""
    etas, bent = np.repeat([0.1, 0.8], 3), np.array([400.0, 30.0, 5.0, 0.0, 5.0, 40.0])
    table = Table({
        "step_size": etas, "bent_neurons": bent, "width": np.full(6, 1000.0),
        "outcome": np.full(6, "finished"),
    })  # fmt: skip
    kept = working(table)
    assert kept["step_size"].tolist() == [0.1, 0.1]
    assert kept["bent_neurons"].tolist() == [400.0, 30.0]
