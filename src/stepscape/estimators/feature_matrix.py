"""The X of an estimator: what is refused before scikit-learn reads it, and its shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape.arguments import reals
from stepscape.errors import InputError, bad, shown

Array = NDArray[np.float64]
ENCODE = (
    "encode categories as numbers first, for example with scikit-learn's "
    "ColumnTransformer([('categories', OneHotEncoder(), [{column}])], remainder='passthrough')"
)


def feature_matrix(X: NDArray[Any]) -> Array:
    """X (n,) or (n, 1) as (n,), and (n, d) as it is."""
    if X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if X.ndim not in (1, 2):
        raise bad("X", "have shape (n,) or (n, d)", f"shape {X.shape}")
    return X


def refuse_unreadable(**given: Any) -> None:
    """Refuse what scikit-learn reads wrongly or not in words: masks, numbers out of range, categories."""
    for name, values in given.items():
        if isinstance(values, np.ma.MaskedArray):
            reals(name, values)
        try:
            array = np.asarray(values)
            if array.dtype.kind in "OUS" and name == "X":
                _refuse_categories(values, array)
                array.astype(np.float64)
        except (OverflowError, RuntimeError):
            raise bad(name, "hold real numbers", shown(values)) from None
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            continue  # scikit-learn has a sentence for it


def _refuse_categories(values: Any, array: NDArray[Any]) -> None:
    """Refuse a column with a text that is not a number, and name the remedy."""
    if array.ndim not in (1, 2):
        return
    columns = array.reshape(len(array), -1).T
    for column, name in zip(columns, _names(values, len(columns)), strict=False):
        text = next(_texts(column), None)
        if text is not None:
            came = f"{shown(text)} in column {name}"
            raise bad("X", "hold numbers", came, ENCODE.format(column=name))


def _names(values: Any, count: int) -> list[str]:
    """Columns as an error names them: by name in a data frame, else by position."""
    names = list(getattr(values, "columns", range(count)))
    return [repr(str(name)) if isinstance(name, str) else str(name) for name in names]


def _texts(column: NDArray[Any]) -> Iterator[str]:
    """Texts of a column that are not numbers."""
    for value in column:
        if isinstance(value, str | bytes):
            try:
                float(value)
            except ValueError:
                yield str(value)
