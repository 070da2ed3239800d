"""Descent on a linear network with one example, from starts inside, between and beyond 2/η and 4/η."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import objectives
from stepscape.experiments.frame.settings import Settings, at_least, seeds
from stepscape.experiments.frame.sweep import sweep
from stepscape.lab.pool import Tick
from stepscape.lab.spec import Spec
from stepscape.methods import GradientDescent
from stepscape.objectives.edge_toys import Catapult
from stepscape.tables.records import Record

Array = NDArray[np.float64]
LARGEST = 1e100  # |f| beyond it has diverged
ROUNDING = 1e-20  # a smaller loss is the rounding of u·v
QUICK: dict[str, Any] = {
    "catapult_widths": (100, 1000, 10_000),
    "products": (0.5, 1.5, 2.2, 2.8, 3.5, 4.3),
    "step_size": 0.5,
    "steps": 400,
    "seeds": 4,
    "first_seed": 0,
}
FULL: dict[str, Any] = {
    **QUICK,
    "catapult_widths": (30, 100, 300, 1000, 3000, 10_000, 30_000),
    "products": (0.5, 1.0, 1.5, 1.9, 2.1, 2.4, 2.8, 3.2, 3.6, 3.9, 4.1, 4.5),
    "steps": 2000,
    "seeds": 20,
    "first_seed": 100,
}


class CatapultRun(Spec, frozen=True, tag="catapult/1"):
    """Descent on ½(u·v)²/k from a random start with ηλ = `product` and f drawn from N(0, 1)."""

    catapult_width: int
    product: float
    step_size: float
    steps: int
    seed: int
    drawn: bool


def grid(settings: Settings) -> list[CatapultRun]:
    """Every width, product and seed."""
    at_least(settings, seeds=1, steps=10)
    first = settings["first_seed"]
    return sweep(
        CatapultRun, settings, catapult_width=settings["catapult_widths"], product=settings["products"],
        seed=seeds(settings), drawn=lambda run: run.seed == first,
    )  # fmt: skip


def begin(run: CatapultRun) -> tuple[Catapult, Array]:
    """Build toy and start; a width, a product or a step size that is impossible is refused."""
    GradientDescent(run.step_size, run.steps)
    toy = objectives.catapult(run.catapult_width)
    # ηλ is what is given; a start needs |f| < ½√k λ, so that f is cut there.
    curvature = run.product / run.step_size
    f = float(np.random.default_rng(run.seed).standard_normal())
    most = 0.4 * np.sqrt(run.catapult_width) * abs(curvature)
    return toy, toy.start(curvature, float(np.clip(f, -most, most)), run.seed)


def work(run: CatapultRun, tick: Tick) -> Record:
    """Descend, and compare f and λ with their recursion after every step."""
    toy, theta = begin(run)
    eta, k = run.step_size, run.catapult_width
    f, curvature = [toy.output(theta)], [toy.curvature(theta)]
    error = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(run.steps):
            theta = theta - eta * toy.gradient(theta)
            was, bend = f[-1], curvature[-1]
            f.append(toy.output(theta))
            curvature.append(toy.curvature(theta))
            if not abs(f[-1]) < LARGEST:
                break
            expected = was * (1.0 - eta * bend + eta**2 * was * was / k)
            change = eta * was * was / k * (eta * bend - 4.0)
            # √kλ bounds the sum of |u_i v_i|/√k, whose rounding f has.
            scale = abs(was) * (1.0 + eta * bend + eta**2 * was * was / k) + np.sqrt(k) * bend
            bends = bend + eta * was * was / k * (eta * bend + 4.0)
            error = max(error, abs(f[-1] - expected) / scale)
            error = max(error, abs(curvature[-1] - bend - change) / bends)
            if step % 100 == 0:
                tick(0.9 * step / run.steps)
    loss = 0.5 * np.square(f[:-1] if not abs(f[-1]) < LARGEST else f)
    numbers: dict[str, Any] = {
        "recursion_error": error,
        "first_loss": float(loss[0]),
        "largest_loss": float(loss.max()),
        "growth": float(loss.max() / loss[0]),
        "last_loss": float(loss[-1]),
        "last_product": float(eta * curvature[len(loss) - 1]),
        "rises": int(np.sum((np.diff(loss) > 0.0) & (loss[1:] > ROUNDING))),
    }
    arrays = {"loss": loss, "edge_ratio": 0.5 * eta * np.array(curvature[: len(loss)])} if run.drawn else {}
    if not abs(f[-1]) < LARGEST:
        return Record("diverged", numbers, arrays, "f left every bound")
    return Record("finished", numbers, arrays)
