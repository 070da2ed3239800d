"""The ledgers that come with stepscape: files that ``verify`` wrote, one for each size."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepscape.experiments.common.ledger import Ledger, Size


def reference_ledger(size: Size) -> Ledger:
    """Read the ledger of that size; empty where none has been committed."""
    from stepscape.experiments.common import ledger

    file = resources.files("stepscape") / "data" / f"ledger-{size}.json"
    if not file.is_file():
        return ledger.Ledger(size, [], {})
    return ledger.read(file.read_bytes(), file.name)


def full_size(name: str) -> dict[str, str]:
    """Return the verdicts of an experiment by part in the committed full ledger; empty where it has none."""
    size, verdicts = words(name)
    return verdicts if size == "full" else {}


def words(name: str) -> tuple[str, dict[str, str]]:
    """Return the committed verdicts of an experiment by part, and their size: full where there are any."""
    for size in ("full", "quick"):
        for entry in reference_ledger(size).entries:
            if entry.experiment.name == name:
                return size, {part: verdict.word for part, verdict in entry.verdicts.items()}
    return "", {}
