"""Settings → the runs of a claim, in order; and what is tried before the first of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np

from stepscape.experiments.frame.settings import Settings
from stepscape.lab.spec import Spec, columns
from stepscape.problems.truth import is_own, sealed

AnySpec = TypeVar("AnySpec", bound=Spec)


def sweep(kind: type[AnySpec], settings: Settings, **fields: Any) -> list[AnySpec]:
    """Return a run for every combination of the swept fields; the field named last varies fastest.

    Parameters
    ----------
    kind : class of the runs' specs.
    settings : those that are fields of the spec are adopted.
    fields : a sequence is swept, a function derives its value from the run's other fields (in order: from
        those derived before it, too), anything else is fixed. A mapping among the swept values sets the
        fields that it names, all at once, and the keyword is then only a label.

    >>> class Run(Spec, frozen=True, tag="run/1"):
    ...     size: int
    ...     seed: int
    ...     drawn: bool
    >>> for run in sweep(Run, {"size": 3}, seed=(0, 1), drawn=lambda run: run.seed == 0):
    ...     print(run.size, run.seed, run.drawn)
    3 0 True
    3 1 False
    """
    swept = {name: list(values) for name, values in fields.items() if _is_swept(values)}
    derived = {name: value for name, value in fields.items() if callable(value)}
    fixed = {name: value for name, value in fields.items() if name not in swept and name not in derived}
    given = {name: settings[name] for name in kind.__struct_fields__ if name in settings}
    runs, seals = [], dict[tuple[str, float], str]()
    for values in product(*swept.values()):
        run = SimpleNamespace(**{**given, **fixed})
        for name, value in zip(swept, values, strict=True):
            vars(run).update(value if isinstance(value, Mapping) else {name: value})
        for name, derive in derived.items():
            setattr(run, name, derive(run))
        if is_own(vars(run).get("truth")):
            _seal_truth(run, seals)
        runs.append(kind(**vars(run)))
    return runs


def _seal_truth(run: SimpleNamespace, seals: dict[tuple[str, float], str]) -> None:
    """Put the values of a user's own truth into the spec, so that another function makes other runs."""
    key = run.truth, float(vars(run).get("half_width", 1.0))
    if key not in seals:
        seals[key] = sealed(run.truth, -key[1], key[1])
    run.truth = seals[key]


def trial(runs: Sequence[Spec], begin: Callable[[Any], object]) -> None:
    """Begin every run of the first seed, so that a wrong setting is refused before the first run.

    `begin` builds problem, start and method of a run; what it returns does not matter. The first seed is that
    of each kind of run.
    """
    first: dict[type, int] = {}
    for run in runs:
        seed = columns(run).get("seed", 0)
        first[type(run)] = min(seed, first.get(type(run), seed))
    for run in runs:
        if columns(run).get("seed", 0) == first[type(run)]:
            begin(run)


def _is_swept(values: Any) -> bool:
    return isinstance(values, Sequence | np.ndarray) and not isinstance(values, str | bytes)
