"""A claim of the frame that takes no time to test; for the tests of the frame, its ledger and its page."""

from __future__ import annotations

import numpy as np

from stepscape.experiments.frame import Claim, Drawn, Part, Says, at_least, decide, seeds, sweep
from stepscape.figures import style
from stepscape.figures.titles import finding
from stepscape.lab.spec import Spec
from stepscape.tables.records import Record

RISES = Says("the risk", "rise", "with the step size")


class FrameRun(Spec, frozen=True, tag="frame/1"):
    arm: str
    seed: int
    step_size: float
    drawn: bool


def grid(settings):
    at_least(settings, seeds=1)
    return sweep(
        FrameRun,
        settings,
        arm=settings["arms"],
        seed=seeds(settings),
        step_size=settings["step_sizes"],
        drawn=lambda run: run.seed == settings["first_seed"],
    )


def work(run, tick):
    tick(0.0)
    if run.step_size > 1.0:
        return Record("diverged", reason="the loss grew without bound")
    numbers = {"risk": run.step_size * (1.0 + 0.1 * run.seed), "inside": run.seed == 0, "bent_neurons": 3}
    return Record("finished", numbers, {"risk_over_time": np.arange(4.0)} if run.drawn else {})


def rises(result, least):
    table = result.table.where(outcome="finished")
    ends = [table.where(step_size=eta)["risk"] for eta in np.unique(table["step_size"])[[0, -1]]]
    return decide.sign(ends[1] - ends[0], RISES, "risk, largest minus smallest step size", least)


def positive(result):
    risk = result.table.where(outcome="finished")["risk"]
    return decide.inequality(risk.size, int(np.sum(risk <= 0.0)), "runs")


def draw(result):
    figure, axes = style.canvas()
    axes[0, 0].plot(result.curves("risk_over_time", arm="first")[0], lw=style.MAIN)
    style.label(axes[0, 0], "record", "risk")
    finding(figure, "The risk of one run rises from 0 to 3")
    return {"risk": Drawn(figure, "The risk of one run rises.")}


def claim(**changes):
    quick = {"arms": ("first", "second"), "step_sizes": (0.25, 0.5, 2.0), "seeds": 3, "first_seed": 0}
    fields = {
        "name": "toy",
        "title": "The title",
        "claim": "The risk rises with the step size & more.",
        "kind": "figure",
        "source": "A document, its third page",
        "setup": "How the setup was chosen.",
        "quick": quick,
        "full": {**quick, "seeds": 20},
        "grid": grid,
        "work": work,
        "parts": (
            Part(
                "rises",
                "The risk rises",
                "Risk at the largest minus at the smallest step size: no when it excludes {least:g} or more.",
                rises,
                {"least": 0.01},
                primary=True,
                by="arm",
                reads=("risk",),
            ),
            Part("positive", "Risks are positive", "No risk is 0 or less.", positive, kind="inequality",
                 reads=("risk",)),
        ),
        "draw": draw,
        "premises": {"bent_neurons": "some neurons bend", "inside": "the run starts inside"},
        "by": "arm",
        "names": {"first": "the first arm"},
    }  # fmt: skip
    return Claim(**(fields | changes))


CLAIM = claim()


SMALL = {"seeds": 2, "steps": 300, "records": 6, "width": 40, "n": 16, "margins": 5}


def tiny(settings):
    """Settings of a run in a second: short runs, small networks, three values of each list, two seeds."""
    return {name: _smaller(name, value) for name, value in settings.items()}


def _smaller(name, value):
    if isinstance(value, tuple):
        return value if len(value) < 4 else (value[0], value[len(value) // 2], value[-1])
    if isinstance(value, bool) or not isinstance(value, int) or name.startswith("first"):
        return value
    return min(value, SMALL.get(name.rpartition("_")[2], value))
