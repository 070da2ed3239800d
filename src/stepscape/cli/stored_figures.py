"""The figures of a claim, drawn from the records that an earlier command has left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepscape.cli.carry_out import recorded
from stepscape.cli.ledger_files import LEDGER, read_ledger
from stepscape.cli.output import STORE
from stepscape.errors import InputError

if TYPE_CHECKING:
    from stepscape.experiments.frame import Claim, Drawn
    from stepscape.experiments.frame.ledger import Entry
    from stepscape.lab.store import Store


def stored_figures(name: str, directory: str) -> Mapping[str, Drawn]:
    """Draw a claim from the directory of a ledger (``verify``) or of its own results (``run``).

    Raises
    ------
    InputError
        The directory holds no results of the claim, or those of runs that this version would not make.
    """
    from stepscape.lab.store import Store

    home = Path(directory)
    settings, full = _settings(name, home)
    drawn = drawn_from(name, settings, full, Store.open(home / STORE))
    if not drawn:
        raise InputError(
            f"the runs of {name} in {directory!r} are not complete, or another version made them; "
            "leave --from out to run it again"
        )
    return drawn


def _settings(name: str, home: Path) -> tuple[Mapping[str, Any], bool]:
    """Return the settings of the runs on record, and whether they are of the full size."""
    if (home / LEDGER).is_file():
        for entry in read_ledger(home).entries:
            if entry.experiment.name == name:
                return entry.settings, entry.size == "full"
        raise InputError(f"the ledger of {str(home)!r} does not hold {name}")
    try:
        document = json.loads((home / "result.json").read_bytes())
        if document["experiment"]["name"] == name:
            return document["settings"], document["size"] == "full"
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise InputError(
        f"{str(home)!r} holds no results of {name}; 'stepscape run' and 'stepscape verify' make them"
    )


def figures_of(entry: Entry, store: Store) -> Mapping[str, Drawn]:
    """Draw a claim of a ledger from its records; nothing where this version would make other runs."""
    return drawn_from(entry.experiment.name, entry.settings, entry.size == "full", store)


def drawn_from(name: str, stored: Mapping[str, Any], full: bool, store: Store) -> Mapping[str, Drawn]:
    """Draw a claim with these settings from its records; nothing where this version would make other runs."""
    from stepscape import experiments
    from stepscape.lab.spec import identity

    if name not in experiments.names():
        return {}
    claim: Claim = experiments.get(name)
    settings = _typed(stored, claim.full if full else claim.quick)
    if set(settings) != set(stored):
        return {}
    specs = claim.specs(settings)
    identities = {identity(spec) for spec in specs}
    if len(store.outcomes(list(identities))) < len(identities):
        return {}
    return claim.draw(recorded(claim, settings, store, specs).result)


def _typed(settings: Mapping[str, Any], default: Mapping[str, Any]) -> dict[str, Any]:
    """Give lists of a document back the type that a claim expects."""
    kinds = {name: type(value) for name, value in default.items()}
    return {name: kinds[name](value) for name, value in settings.items() if name in kinds}
