"""How a table is completed: the arguments of `complete`, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stepscape import arguments
from stepscape.errors import bad, shown
from stepscape.recovery.tables.penalized_path import NORMS
from stepscape.recovery.tables.units import Units, one_unit, own_units

Array = NDArray[np.float64]
RULES = ("min", "1se")


@dataclass(frozen=True)
class CompletionSettings:
    """Norm, penalty (None: cross-validated), rule, folds, units and seed."""

    norm: str
    penalty: float | None
    rule: str
    folds: int = 5
    standardize: bool = True
    seed: int = 0

    @property
    def measured(self) -> Callable[[Array, NDArray[np.bool_]], Units]:
        """What gives the columns their units."""
        return own_units if self.standardize else one_unit


def check_settings(
    norm: object, penalty: object, rule: object, folds: object, standardize: object, seed: object
) -> CompletionSettings:
    """Check what `complete` was given."""
    given = None
    if not (isinstance(penalty, str) and penalty == "cv"):
        must = "be 'cv', or finite and positive"
        given = arguments.number("penalty", penalty, must)
        if not 0.0 < given < np.inf:
            raise bad("penalty", must, shown(penalty))
    return CompletionSettings(
        arguments.word("norm", norm, NORMS),
        given,
        arguments.word("rule", rule, RULES),
        arguments.whole("folds", folds, 2),
        arguments.flag("standardize", standardize),
        arguments.whole("seed", seed),
    )
