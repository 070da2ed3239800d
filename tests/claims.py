"""Claims that take no time to test, with work that counts itself; for ledgers and commands."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from stepscape.experiments.frame import Claim, Drawn, Effect, Finding, Part, sweep
from stepscape.lab.spec import Spec
from stepscape.tables.interval import Interval
from stepscape.tables.records import Record

CALLS: list[float] = []  # step sizes of the runs that were carried out
REFUSED = 0.75  # a step size that the work cannot do
ANSWER = ["yes"]  # what the rule says of the arm "first"


class ToyRun(Spec, frozen=True, tag="toy/1"):
    claim: str
    arm: str
    step_size: float
    seed: int


def grid(settings):
    return sweep(
        ToyRun,
        settings,
        arm=settings["arms"],
        step_size=settings["step_sizes"],
        seed=range(settings["seeds"]),
    )


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
        "inside": run.seed == 0,
    }
    return Record("finished", numbers, {"curve": np.arange(4.0)})


def answer(result):
    effect = Effect("risk saved", Interval(1.0, 0.5, 1.5, 3))
    return Finding(ANSWER[0], f"{len(result.runs)} runs were made.", effect, {"nothing": np.nan})


def agrees(result):
    return Finding("yes", f"{len(result.runs)} runs agree.")


def parts(arms, judge=answer):
    rules = (("first", judge, "figure"), ("second", agrees, "one-sided rate"))
    return tuple(
        Part(name, f"The {name} part", f"The rule of the {name} part.", rule, kind=kind,
             primary=name == "first", where={"arm": name})
        for name, rule, kind in rules
        if name in arms
    )  # fmt: skip


def draw(result):
    """A small figure without axes, which takes a tenth of the time to draw."""
    figure = Figure((4.0, 3.0))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.plot(result.table["step_size"], "o")
    axes.plot(result.curves("curve", arm="first")[0])
    return {"risk": Drawn(figure, "The risk of every run.")}


def claim(name="toy", judge=answer, **changes):
    quick = {"claim": name, "arms": ("first", "second"), "step_sizes": (0.25, 0.5, 2.0), "seeds": 2}
    quick = changes.pop("quick", quick)
    fields = {
        "name": name,
        "title": f"The title of {name}",
        "claim": f"What {name} claims & more.",
        "kind": "figure",
        "source": "A document, its third page",
        "setup": "How the setup was chosen.",
        "quick": quick,
        "full": {**quick, "seeds": 20},
        "grid": grid,
        "work": work,
        "parts": parts(quick["arms"], judge),
        "draw": draw,
        "premises": {
            "bent_neurons": "some neurons bend",
            "inside": "the run starts inside",
            "never": "this is measured nowhere",
        },
        "by": "arm",
    }
    return Claim(**(fields | changes))


CLAIM = claim()
