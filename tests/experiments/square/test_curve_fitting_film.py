"""The film of curve-fitting: which runs it shows, in which order, and what it says of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.experiments.frame import Result, Run
from stepscape.experiments.square.curve_fitting import CLAIM
from stepscape.experiments.square.curve_fitting_film import film
from stepscape.figures.colors import eta_color

GRID = np.linspace(-1.0, 1.0, 11)


def run(eta: float, pieces: float, ratio: float, **changes: Any) -> Run:
    row = {
        "arm": "warm_up", "half_width": 3.0, "outcome": "finished", "step_size": eta, "pieces": pieces,
        "sharpness": ratio * 2.0 / eta, "edge_ratio": ratio, "bent_neurons": 5, **changes,
    }  # fmt: skip
    flat = {"inputs": GRID, "labels": GRID, "truth": 0.0 * GRID}
    return Run(row, {"grid": GRID, "solution": eta * GRID, **flat})


def shown(*runs: Run) -> Any:
    return film(Result("curve-fitting", CLAIM.quick, runs))


def test_step_sizes_grow_and_each_says_its_pieces_and_its_sharpness() -> None:
    found = shown(run(0.4, 5.0, 0.96), run(0.02, 14.0, 0.5), run(0.1, 9.0, 1.0, arm="small_init"))
    assert [scene.name for scene in found.scenes] == ["η = 0.02", "η = 0.4"]  # the headline arm alone
    assert [scene.words for scene in found.scenes] == [
        "η = 0.02: 14 pieces, sharpness 50, 2/η = 100", "η = 0.4: 5 pieces, sharpness 4.8, 2/η = 5",
    ]  # fmt: skip
    assert [scene.ratio for scene in found.scenes] == [0.5, 0.96]
    assert [scene.color for scene in found.scenes] == [eta_color(0.02), eta_color(0.4)]
    assert np.array_equal(found.scenes[1].points, np.column_stack([GRID, 0.4 * GRID]))
    words = "The curve of one sample as the step size grows: 14 linear pieces at η = 0.02, 5 at η = 0.4."
    assert found.words == words


def test_a_dead_network_and_a_diverged_run_are_not_simple_curves() -> None:
    kept = run(0.02, 14.0, 0.5), run(0.1, 9.0, 1.0)
    found = shown(*kept, run(0.4, 1.0, 0.2, bent_neurons=0), run(0.8, 1.0, 0.2, outcome="diverged"))
    assert [scene.name for scene in found.scenes] == ["η = 0.02", "η = 0.1"]
    assert shown(kept[0]) is None
    assert shown() is None


def test_the_range_with_most_curves_is_shown_and_the_first_of_equals() -> None:
    first = [run(eta, 9.0, 1.0) for eta in (0.02, 0.1)]
    other = [run(eta, 5.0, 1.0, half_width=1.0) for eta in (0.02, 0.1, 0.4)]
    assert len(shown(*first, *other).scenes) == 3
    assert "9 pieces" in shown(*first, *other[:2]).scenes[0].words
