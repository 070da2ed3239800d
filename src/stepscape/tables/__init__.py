"""Records, tables of them, intervals over seeds, verdicts: what is measured, whatever it is measured on."""

from stepscape.tables.records import Record, Table
from stepscape.tables.verdict import Verdict

__all__ = ["Record", "Table", "Verdict"]
