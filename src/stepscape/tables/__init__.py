"""Records, tables of them, intervals over seeds: what is measured, whatever it is measured on."""

from stepscape.tables.records import Record, Table

__all__ = ["Record", "Table"]


def __dir__() -> list[str]:
    return sorted(__all__)
