"""One value of a sweep file on trial: put to the constructors beside sound values of all other keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
import numpy as np

from stepscape.problems.problem import Problem
from stepscape.problems.truth import is_own
from stepscape.sweeps.clouds import Ball, Cloud, Mixup, Radial, Sphere, Subspaces
from stepscape.sweeps.held_rows import held_count
from stepscape.sweeps.matrices import Matrix, Solver
from stepscape.sweeps.method import OF_KIND, Method
from stepscape.sweeps.part import MOST, between
from stepscape.sweeps.parts import Bernoulli, Curve, Network, Table

_TINY = Problem(np.array([0.0, 1.0]), np.array([0.0, 1.0]))  # on which a network is tried


def _small(values: dict[str, Any], count: str, **sound: Any) -> dict[str, Any]:
    """Complete one value to those of a small part; a count is checked here and not drawn."""
    between(count, values.get(count, 1), 1)
    return sound | values | {count: sound[count]}


def _alone(values: dict[str, Any]) -> dict[str, Any]:
    """Check a size alone, and give everything else the company of small ones."""
    sizes = {name: value for name, value in values.items() if name in ("d1", "d2", "rank", "m")}
    for name, value in sizes.items():
        between(name, value, 1)
    small = {"d1": 1, "d2": 1, "rank": 1, "m": 1, "problem": "matrix_sensing"}
    return small | {name: value for name, value in values.items() if name not in sizes}


def _try_cloud(part: type[Cloud], values: dict[str, Any]) -> object:
    """Check counts alone, and draw two points with everything else."""
    sizes = {name: values[name] for name in ("n", "dimension", "count", "inner", "copies") if name in values}
    for name, value in sizes.items():
        between(name, value, 1)
    small = {name: value for name, value in values.items() if name not in sizes} | {"n": 2, "dimension": 2}
    if any(name in values for name in ("amplitude", "flip_rate")):
        small["loss"] = "logistic"
    if part is Mixup:
        law = "radial" if "law_alpha" in values else "subspaces" if {"count", "inner"} & {*values} else "ball"
        small = {"law": law, "copies": 1} | small
    found = part(**small)
    drawn = found.draw(0)
    return found.mixed(drawn, 0) if isinstance(found, Mixup) else drawn


def _try_network(values: dict[str, Any]) -> None:
    """Draw a small network; which sharpness a start can have depends on the problem."""
    Network(**_small(values, "width", width=1)).check()
    drawn = {name: value for name, value in values.items() if name != "start_sharpness"}
    Network(**_small(drawn, "width", width=1)).draw(0, _TINY)


def _try_table(values: dict[str, Any]) -> None:
    """Try a loss, and whether rows can be held out of a table that has enough of them."""
    replace(_TINY, loss=values.get("loss", "square"))
    if "held_out_rows" in values:
        held_count(values["held_out_rows"], MOST)


def _try_method(values: dict[str, Any]) -> object:
    """Describe the method that has this key."""
    kind = next((kind for kind, keys in OF_KIND.items() if keys.keys() & values.keys()), "descent")
    return Method(**{"kind": kind, "step_size": 1.0, "steps": 1, **values}).make(0)


# One value put to the constructors, everything else being sound: their sentences are the user's.
_TRY: dict[type[msgspec.Struct], Callable[[dict[str, Any]], object]] = {
    Curve: lambda values: Curve(**_small(values, "n", truth="line", n=2)).draw(0),
    Bernoulli: lambda values: Bernoulli(**_small(values, "n", truth="line", n=2)).draw(0),
    **{part: partial(_try_cloud, part) for part in (Ball, Sphere, Radial, Subspaces, Mixup)},
    Table: _try_table,
    Network: _try_network,
    Method: _try_method,
    Matrix: lambda values: Matrix(**_alone(values)).check(),
    Solver: lambda values: Solver(**values).check(),
}


def trial(part: type[msgspec.Struct], key: str) -> Callable[[Any], object]:
    """Return what refuses a value of a key, tried beside sound values of all others.

    Alone true is as good as false, and a truth of the user's own may need the interval of the inputs:
    together with the others they are tried for each combination.
    """

    def check(value: Any) -> object:
        return None if isinstance(value, bool) or is_own(value) else _TRY[part]({key: value})

    return check
