"""Why nothing was measured yet, in a sentence."""

from __future__ import annotations

import math

from stepscape.monitor.schedule import TRIAL, Budget, Schedule
from stepscape.tables.number import rounded

NOTHING = (
    "Nothing was measured yet: with every='auto' the first measurement comes when the budget pays for it, "
    "with every=20 after the first step."
)
_EARLIER = "a larger budget=, or every=20, which measures whatever it costs"


def waiting(schedule: Schedule, steps: int) -> str:
    """Say what the first measurement waits for.

    Parameters
    ----------
    schedule : of the monitor.
    steps : int
        Of training, that it was told of.
    """
    if not steps or not isinstance(schedule, Budget):
        return "Nothing was measured yet: call step(number) after each step of the optimizer."
    if math.isnan(schedule.first):
        first, price = TRIAL / schedule.share, "the price of a measurement is found by a trial"
        return f"Nothing was measured yet: {price}, {_paid(first, schedule, steps)}; give {_EARLIER}."
    price = f"a measurement is predicted to cost {rounded(schedule.price, 2)} training steps or more"
    return (
        f"Nothing was measured yet: {price}, {_paid(schedule.first, schedule, steps)}; give a smaller batch, "
        f"{_EARLIER}."
    )


def _paid(first: float, schedule: Budget, steps: int) -> str:
    paid = f"which a budget of {100.0 * schedule.share:g} % pays for after about {rounded(first, 2)} steps"
    return f"{paid} ({steps} {'was' if steps == 1 else 'were'} made)"
