"""Objects that do not belong into the arguments of a public function, and those that may."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from public_calls import Anything, File, N, Text


def wrong_objects() -> dict[str, Callable[[], Any]]:
    """Make an object of each kind that a user may give by mistake."""
    import pandas as pd
    import scipy.sparse
    import torch

    return {
        "torch module": lambda: torch.nn.Linear(2, 1),
        "tensor with gradient": lambda: torch.ones(N, requires_grad=True),
        "data frame": lambda: pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}),
        "series of text": lambda: pd.Series(["a", "b"]),
        "text": lambda: "wrong",
        "bytes": lambda: b"wrong",
        "None": lambda: None,
        "dict": lambda: {"a": object()},
        "list of text": lambda: ["a", "b"],
        "ragged list": lambda: [[1.0], [1.0, 2.0]],
        "object": object,
        "complex": lambda: 1j,
        "nan": lambda: float("nan"),
        "inf": lambda: float("inf"),
        "-inf": lambda: -float("inf"),
        "huge": lambda: 10**400,
        "True": lambda: True,
        "masked": lambda: np.ma.array(np.ones(N), mask=np.arange(N) == 1),
        "sparse": lambda: scipy.sparse.eye(N).tocsr(),
        "date": lambda: datetime.date(2020, 1, 1),
        "lambda": lambda: lambda: 0,
        "class": lambda: dict,
        "empty": lambda: np.zeros(0),
        "two columns": lambda: np.ones((3, 2)),
        "cube": lambda: np.ones((2, 2, 2)),
        "array of objects": lambda: np.array([None, 1], dtype=object),
        "array of nan": lambda: np.full(N, np.nan),
        "generator": lambda: (i for i in range(3)),
        "negative": lambda: -1,
        "module": lambda: sys,
    }


def takes(example: Any, wrong: str) -> bool:
    """Whether an argument like the example may take that object without an error."""
    if isinstance(example, File):
        return wrong in ("text", "bytes")
    if isinstance(example, Anything):
        return True
    if isinstance(example, Text):
        return wrong == "text"
    if isinstance(example, bool):
        return wrong == "True"
    if isinstance(example, np.ndarray):
        return wrong in ("empty", "two columns", "cube", "inf", "-inf", "negative", "True")
    if isinstance(example, float):
        return wrong == "negative"
    if isinstance(example, list | tuple):
        words = example and isinstance(example[0], str)
        return wrong == "empty" or bool(words and wrong in ("list of text", "series of text"))
    return False


# What these arguments take besides, as their documentation says.
DOCUMENTED = {
    ("seed", "huge"),
    ("depth", "inf"), ("x", "nan"), ("x", "inf"), ("x", "array of nan"), ("truth", "None"),
    ("random_state", "huge"),
    ("random_state", "True"), ("n_jobs", "negative"), ("settings", "dict"), ("options", "dict"),
    ("workers", "huge"), ("n_jobs", "None"), ("predictions", "nan"),
    ("predictions", "array of nan"), ("which", "negative"), ("clip_coefficient", "nan"),
    ("run", "tensor with gradient"), ("parameter", "tensor with gradient"),
}  # fmt: skip
