"""A claim that takes no time to test, with work that counts itself; for the tests of the ledger."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from stepscape.experiments.common.experiment import Experiment
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record
from stepscape.tables.verdict import Verdict

CALLS: list[float] = []  # step sizes of the runs that were carried out
REFUSED = 0.75  # a step size that the work cannot do
ANSWER = ["reproduced"]  # what the rule says of the arm "first"


class ToyRun(Spec, frozen=True, tag="toy/1"):
    claim: str
    arm: str
    step_size: float
    seed: int


def specs(settings):
    return [
        ToyRun(claim=settings["claim"], arm=arm, step_size=eta, seed=seed)
        for arm in settings["arms"]
        for eta in settings["step_sizes"]
        for seed in range(settings["seeds"])
    ]


def work(run, tick):
    tick(0.0)
    CALLS.append(run.step_size)
    if run.step_size == REFUSED:
        raise ValueError("this step size cannot be done")
    if run.step_size > 1.0:
        return Record("diverged", reason="the loss grew without bound")
    numbers = {
        "risk": run.step_size / (1 + run.seed),
        "bent_neurons": 3 + run.seed,
        "started_inside": run.seed == 0,
    }
    return Record("finished", numbers, {f"curve|{run.arm}": np.arange(4.0)})


def judge(result):
    table = result.table
    words = {"first": ANSWER[0], "second": "consistent"}
    return {
        arm: Verdict(
            words[arm], f"{len(table.where(arm=arm))} runs", {"interval": "1 [0.5, 1.5]", "nothing": np.nan}
        )
        for arm in result.settings["arms"]
    }


def figures(result):
    """A small figure without axes, which takes a tenth of the time to draw."""
    figure = Figure((4.0, 3.0))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.plot(result.table["step_size"], "o")
    axes.plot(result.arrays["curve|first"])
    return {"risk": figure}


def experiment(name="toy", **changes):
    quick = {"claim": name, "arms": ("first", "second"), "step_sizes": (0.25, 0.5, 2.0), "seeds": 2}
    fields = {
        "name": name,
        "title": f"The title of {name}",
        "claim": f"What {name} claims & more",
        "kind": "figure",
        "source": "A document, its third page",
        "setup": "How the setup was chosen",
        "quick": quick,
        "full": {**quick, "seeds": 3},
        "specs": specs,
        "work": work,
        "judge": judge,
        "figures": figures,
        "premises": {
            "bent_neurons": "some neurons bend",
            "started_inside": "the run starts inside",
            "never": "this is measured nowhere",
        },
    }
    return Experiment(**(fields | changes))


EXPERIMENT = experiment()
