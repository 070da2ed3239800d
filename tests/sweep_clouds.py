"""Small runs with inputs in R^d, for tests."""

from __future__ import annotations

from stepscape.sweeps.runs import Ball, Measure, Method, Mixup, Network, Radial, Run, Sphere, Subspaces

SHARED = {"n": 24, "dimension": 3}
LAWS = (
    Ball(**SHARED, scale=2.0, radius=1.5, noise=0.3),
    Sphere(**SHARED, truth="norm", loss="logistic", amplitude=3.0, flip_rate=0.1),
    Radial(**SHARED, alpha=4.0, noise=0.2),
    Subspaces(**SHARED, count=4, inner=2, noise=0.1),
    Mixup(**SHARED, law="radial", law_alpha=2.0, alpha=0.5, copies=3),
    Mixup(**SHARED, law="sphere", loss="logistic", fresh=True, copies=2),
    Ball(n=24, dimension=1),
)
STEPS = 60


def run_on(problem: object, **changes: object) -> Run:
    parts = {
        "network": Network(width=12, scale=0.5, init="he"),
        "method": Method(step_size=0.3, steps=STEPS, weight_decay=0.01),
        "measure": Measure(records=6, held_out=True, trajectory=True, rates=True),
        "seed": 4,
    }
    return Run(**{"problem": problem, **parts, **changes})  # type: ignore[arg-type]
