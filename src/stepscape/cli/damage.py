"""What every command that reads a store says of its damaged files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepscape.cli import console

if TYPE_CHECKING:
    from stepscape.lab.store import Store


def warn_of_damage(store: Store) -> None:
    """Name on stderr what is damaged, if anything: the runs in it count as not on record."""
    from stepscape.report.words import counted

    found = store.damage()
    if found:
        more = f", as {'is' if len(found) == 2 else 'are'} {counted(len(found) - 1, 'other file')}"
        console.warn(
            f"damaged: {found[0].file}: {found[0].wrong}{more if len(found) > 1 else ''}; "
            f"'stepscape check {store.path}' sets {'them' if len(found) > 1 else 'it'} aside"
        )
