"""The words that name columns: one name, or several between commas."""

from __future__ import annotations

import csv

from stepscape.errors import InputError, bad
from stepscape.problems.user.table import RawTable, clip


def column_names(table: RawTable, option: str, words: str) -> tuple[str, ...]:
    """Read the names of columns from the words of an option, as in ``--x age,dose``.

    Words that are the name of a column are this name, whatever commas they hold. Otherwise commas separate
    names, and a name that holds a comma itself stands in double quotes, as in a CSV file.

    >>> from stepscape.problems.user.table import RawTable
    >>> table = RawTable("t.csv", ("age", "dose, mg", "y"), ((), (), ()), ())
    >>> column_names(table, "x", "dose, mg"), column_names(table, "x", 'age,"dose, mg"')
    (('dose, mg',), ('age', 'dose, mg'))

    Raises
    ------
    InputError
        An empty name, or quotation marks that do not pair.
    """
    if "," not in words or _is_name(table, words):
        return (words,)
    try:
        (names,) = csv.reader([words], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        must = "be names of columns between commas, with names that hold a comma in double quotes"
        raise bad(option, must, repr(clip(words))) from None
    found = tuple(name.strip() for name in names)
    if not all(found):
        raise bad(option, "name a column before and after each comma", repr(clip(words)))
    return found


def _is_name(table: RawTable, words: str) -> bool:
    try:
        table.place(words)
    except InputError:
        return False
    return True
