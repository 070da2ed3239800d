"""What a run on inputs in R^d is: data, start, method, and what is kept of it."""

from __future__ import annotations

from typing import Any

from stepscape.lab.spec import Spec

DEFAULTS: dict[str, Any] = {
    "loss": "square",
    "geometry": "ball",
    "alpha": 1.0,
    "count": 20,
    "inner": 1,
    "dimension": 10,
    "n": 128,
    "shift": 0.0,
    "target": "first",
    "amplitude": 1.0,
    "noise": 1.0,
    "width": 512,
    "biases": "both",
    "start": "matched",
    "start_sharpness": 2.0,
    "step_size": 0.9,
    "weight_decay": 0.0,
    "clip": 0.0,
    "warmup_steps": 0,
    "steps": 10_000,
    "records": 0,
    "moments": 0,
    "common_time": 0.0,
    "fresh": 2000,
}


class PlaneRun(Spec, frozen=True, tag="plane/1"):
    """One run; `DEFAULTS` has a value for every field but `seed` and `drawn`.

    Attributes
    ----------
    loss : "square" | "logistic".
    geometry : law of the inputs, one of `data.GEOMETRIES`; `alpha` is that of the radial law, `count` and
        `inner` are number and dimension of the subspaces.
    shift : moves all inputs along their last coordinate, and the truth with them.
    target, amplitude : f0 is the amplitude times one of `data.TARGETS`.
    noise : standard deviation of the labels, square loss; those of the logistic loss are Bernoulli(s(f0)).
    biases : which biases the network has, one of `starts.BIASES`.
    start : where descent begins, one of `starts.STARTS`; `start_sharpness` is that of the matched start.
    clip : longest gradient, 0 for any.
    records : moments of the curves that a drawn run keeps, 0 for none.
    moments : records from which the best held-out moment is chosen, 0 for none.
    common_time : training time Σ η at which the run is measured as well, 0 for none.
    fresh : fresh inputs on which the risk is measured.
    drawn : whether its arrays are kept.
    """

    loss: str
    geometry: str
    alpha: float
    count: int
    inner: int
    dimension: int
    n: int
    shift: float
    target: str
    amplitude: float
    noise: float
    width: int
    biases: str
    start: str
    start_sharpness: float
    step_size: float
    weight_decay: float
    clip: float
    warmup_steps: int
    steps: int
    records: int
    moments: int
    common_time: float
    fresh: int
    seed: int
    drawn: bool
