"""The film of the claim `curve-fitting`: the curve of one sample becomes simpler as the step size grows."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.frame import Result, Run
from stepscape.experiments.square import drawing
from stepscape.figures.colors import eta_color
from stepscape.figures.film import Film, Scene
from stepscape.tables.number import number, short


def film(result: Result) -> Film | None:
    """Show the learned curves of the first sample, one step size after the other, in the headline arm.

    On the range on which most step sizes left a curve; None where fewer than two did.
    """
    shown = drawing.headline(result)
    samples = [_learned(shown.where(half_width=half_width)) for half_width in drawing.ranges(shown)]
    runs = max(samples, key=len, default=[])
    if len(runs) < 2:
        return None
    arrays = runs[0].arrays
    return Film(
        scenes=[_scene(run) for run in runs],
        dots=np.column_stack([arrays["inputs"], arrays["labels"]]),
        reference=np.column_stack([arrays["grid"], arrays["truth"]]),
        named="truth (dashed) and labels (circles)",
        across="input",
        words=f"The curve of one sample as the step size grows: {_ends(runs)}.",
        gauge=("sharpness", "2/η"),
    )


def _learned(sample: Result) -> list[Run]:
    """Return the drawn runs by step size; a network whose neurons are all dead has learned no curve."""
    runs = [
        run for run in sample.drawn("solution") if run["outcome"] == "finished" and run["bent_neurons"] > 0
    ]
    return sorted(runs, key=lambda run: float(run["step_size"]))


def _scene(run: Run) -> Scene:
    eta = float(run["step_size"])
    words = (
        f"η = {short(eta)}: {run['pieces']:.0f} pieces, sharpness {number(run['sharpness'], 2)}, "
        f"2/η = {number(2.0 / eta, 2)}"
    )
    points = np.column_stack([run.arrays["grid"], run.arrays["solution"]])
    return Scene(f"η = {short(eta)}", words, points, eta_color(eta), float(run["edge_ratio"]))


def _ends(runs: list[Run]) -> str:
    least, most = runs[0], runs[-1]
    return (
        f"{least['pieces']:.0f} linear pieces at η = {short(least['step_size'])}, "
        f"{most['pieces']:.0f} at η = {short(most['step_size'])}"
    )
