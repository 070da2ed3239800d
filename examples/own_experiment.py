"""An experiment of your own: which starts a large step size kills.

Keeps its runs in the directory graveyard.
"""

import stepscape as ss
from stepscape.experiments.frame import Part, Says, decide
from stepscape.experiments.frame.result import collect
from stepscape.lab import Spec, Store, executor, identity, stream, sweep
from stepscape.tables import Record


class Graveyard(Spec, frozen=True, tag="graveyard/1"):
    """A network trained with one step size from a random start of one scale."""

    scale: float
    step_size: float
    seed: int


def work(run: Graveyard, tick):
    """Train, and count the neurons that are active on no input."""
    problem = ss.problems.tent(noise=0.5, seed=run.seed)
    start = ss.TwoLayerReLU.random(200, scale=run.scale, seed=stream(run.seed, "network"))
    method = ss.GradientDescent(run.step_size, steps=2_000)
    end = ss.train(problem, start, method, progress=lambda made: tick(made / 2_000))
    return Record(end.outcome, {"dead": end.dead_neurons[-1] / 200, "initial_sharpness": end.sharpness[0]})


def kills(result, least):
    """Decide whether large steps kill more neurons; small and large ones have the same seeds, in order."""
    small, large = (result.where(step_size=eta).table["dead"] for eta in STEP_SIZES)
    return decide.sign(large - small, Says("large steps", "kill", "more neurons", plural=True),
                       "share of the neurons", least)  # fmt: skip


STEP_SIZES = (0.05, 0.5)
PART = Part(
    "kills",
    "Large steps kill neurons",
    "Share of dead neurons at the large minus at the small step size, paired by seed: yes when its 95 % "
    "interval lies above 0, no when it excludes {least:.0%} or more.",
    kills,
    constants={"least": 0.01},
    by="scale",
)

if __name__ == "__main__":
    specs = [
        Graveyard(scale=scale, step_size=eta, seed=seed)
        for scale in (0.2, 1.0)
        for eta in STEP_SIZES
        for seed in range(8)
    ]
    store = Store.create("graveyard")
    with executor("threads") as threads:
        print(sweep(store, specs, work, threads))
    records = store.records([identity(spec) for spec in specs])
    judged = PART.find(collect("graveyard", {}, specs, records))
    print(PART.text)
    for scale, found in judged.rows.items():
        print(f"from scale {scale}, {judged.word('open question', scale)}: {found.sentence}")
