"""Where a run stood against the edge of stability, and when: below it, at it, beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepscape.monitor.row import Row

# A ratio is at the edge from the first of these on, and later until it is below the second.
AT_EDGE, LEFT_EDGE = 0.9, 0.8
BEYOND = 1.2  # edge ratio above which training does not merely hover at the edge
PLACES = ("below", "at", "beyond")
LASTING = 3  # measurements in a row that begin a phase


@dataclass(frozen=True)
class Phase:
    """Measurements at one place, but for one or two in a row that are not.

    Attributes
    ----------
    place : {"below", "at", "beyond"}
    first : int
        Step of the first measurement.
    last : int, optional
        Step of the last one; None for the last phase of a run.
    ratios : tuple of float
        Edge ratios measured.
    """

    place: str
    first: int
    last: int | None
    ratios: tuple[float, ...]


def phases(rows: Sequence[Row]) -> list[Phase]:
    """Divide a run into phases: one begins with three measurements in a row at another place.

    A single jump or dip neither ends nor delays one. Measurements before the first three at one place belong
    to no phase, and those without an edge ratio do not count.
    """
    known = [row for row in rows if row.edge_ratio is not None]
    places = _calmed(places_of(known))
    begins: list[int] = []
    for i in range(len(known) - LASTING + 1):
        if len(set(places[i : i + LASTING])) == 1 and (not begins or places[begins[-1]] != places[i]):
            begins.append(i)
    ends = [*begins[1:], len(known)]
    return [
        Phase(
            places[begin], known[begin].step, None if end == len(known) else known[end - 1].step,
            tuple(row.edge_ratio for row in known[begin:end] if row.edge_ratio is not None),
        )
        for begin, end in zip(begins, ends, strict=False)
    ]  # fmt: skip


def places_of(known: Sequence[Row]) -> list[str]:
    """Return the place of each row with an edge ratio: at the edge from 0.9, or 0.8 once there, to 1.2."""
    places: list[str] = []
    for row in known:
        ratio = row.edge_ratio or 0.0
        least = AT_EDGE if not places or places[-1] == "below" else LEFT_EDGE
        places.append("beyond" if ratio > BEYOND else "at" if ratio >= least else "below")
    return places


def _calmed(places: Sequence[str]) -> list[str]:
    """Replace each place but the first and the last by the middle one of three: single jumps go."""
    order = [PLACES.index(place) for place in places]
    middle = [sorted(order[i - 1 : i + 2])[1] for i in range(1, len(order) - 1)]
    return [PLACES[i] for i in (*order[:1], *middle, *order[1:][-1:])]
