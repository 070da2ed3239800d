"""An experiment of your own: which starts a large step size kills.

Keeps its runs in the directory graveyard.
"""

import stepscape as ss
from stepscape.lab import Spec, Store, executor, stream, sweep
from stepscape.tables import Record, Verdict
from stepscape.tables.interval import mean_interval


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


if __name__ == "__main__":
    scales, step_sizes = (0.2, 1.0), (0.05, 0.5)
    specs = [Graveyard(scale=s, step_size=e, seed=i) for s in scales for e in step_sizes for i in range(8)]
    store = Store.create("graveyard")
    with executor("threads") as threads:
        print(sweep(store, specs, work, threads))
    table = store.table(specs)
    for scale in scales:
        few, many = (table.where(scale=scale, step_size=eta)["dead"] for eta in step_sizes)
        more = mean_interval(many - few)  # paired by seed: 95 % interval
        print(f"from scale {scale}: {few.mean():.1%} of the neurons are dead after small steps")
        word = "reproduced" if more.sign > 0 else "not_reproduced" if more.sign < 0 else "undecided"
        print("   ", Verdict(word, f"large steps kill {more} more of them"))
