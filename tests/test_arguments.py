"""The checks at the doors: what they read, and the one sentence where they cannot."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from stepscape import arguments as read
from stepscape.errors import InputError, expect, shown, unknown


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, 2.0), (0.5, 0.5), (np.float32(0.5), 0.5), (np.array(3), 3.0), (Fraction(1, 4), 0.25),
     (math.inf, math.inf)],
)  # fmt: skip
def test_numbers_of_python_and_numpy_are_numbers(value, expected):
    assert read.number("x", value) == expected


def test_arrays_are_copied_and_columns_of_pandas_and_tensors_are_arrays():
    given = np.ones(3)
    assert read.reals("x", given) is not given
    for values in (
        [1, 2], (1.0, 2.0), pd.Series([1, 2]), pd.Series([1, 2], dtype="Int64"), torch.tensor([1.0, 2.0]),
        np.ma.array([1.0, 2.0], mask=[False, False]), np.array([1, 2], dtype=np.int8),
    ):  # fmt: skip
        found = read.reals("x", values)
        assert (found.dtype, found.tolist()) == (np.float64, [1.0, 2.0])
    assert np.isnan(read.reals("x", pd.Series([1, None], dtype="Int64"))[1])
    assert read.vector("x", given, 3) is given
    assert read.texts("x", pd.Series(["a"])) == ["a"]
    assert (read.path("x", Path("a")), read.path("x", b"a")) == ("a", "a")
    assert read.pair("x", (0, math.inf)) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda: read.number("x", True), "x must be a number, got True"),
        (lambda: read.number("x", 10**400), "x must be a number, got a whole number of 1329 bits"),
        (lambda: read.finite("x", math.nan), "x must be a finite number, got nan"),
        (lambda: read.positive("x", 0), "x must be finite and positive, got 0.0"),
        (lambda: read.nonnegative("x", -1), "x must be finite and not negative, got -1.0"),
        (lambda: read.share("x", 1), "x must lie strictly between 0 and 1, got 1.0"),
        (lambda: read.whole("x", 1.0, 1), "x must be a whole number of at least 1, got 1.0"),
        (lambda: read.whole("x", 9, 1, 5), "x must be at most 5, got 9"),
        (lambda: read.flag("x", 1), "x must be True or False, got 1"),
        (lambda: read.text("x", b"a"), "x must be text, got b'a'"),
        (lambda: read.word("x", "bc", ["abc"]), "unknown x 'bc'; did you mean 'abc'"),
        (lambda: read.word("x", None, ["abc"]), "x must be one of 'abc', got None"),
        (lambda: read.function("x", int), "x must be a function, got the class int"),
        (lambda: read.path("x", 3), "x must be a path, got 3"),
        (lambda: read.texts("x", "ab"), "x must be a list of text, got 'ab'"),
        (lambda: read.texts("x", [1]), "each of x must be text, got 1"),
        (lambda: read.texts("x", pd.DataFrame({"a": [1]})), "must be a list of text, got a DataFrame"),
        (lambda: read.each_of("x", {}, int), "x must be a list of int, got {}"),
        (lambda: read.each_of("x", ["a"], int), "each of x must be an int, got a str"),
        (lambda: read.pair("x", (1, 1)), r"x must be two increasing numbers, got \(1.0, 1.0\)"),
        (lambda: read.pair("x", [[1], [1, 2]]), "each end of x must be a number, got a list"),
        (lambda: read.pair("x", 3), "x must be two increasing numbers, got 3"),
        (lambda: read.mapping("x", [1]), "x must be a mapping, such as a dict, got a list"),
        (lambda: read.reals("x", [[1], [1, 2]]), "x must hold real numbers, got a ragged list"),
        (lambda: read.reals("x", (i for i in [1])), "x must hold real numbers, got a generator; give"),
        (lambda: read.reals("x", np.ma.array([1], mask=[True])), "nothing masked, got a MaskedArray"),
        (lambda: read.reals("x", torch.ones(1, requires_grad=True)), "must hold real numbers, got a Tensor"),
        (lambda: read.vector("x", [1, 2], 3), r"x must have shape \(3,\), got \(2,\)"),
        (lambda: expect("x", torch.nn.Linear(1, 1), InputError), "x must be an InputError, got a Linear"),
        (lambda: (_ for _ in ()).throw(unknown("x", 3, ["a"])), "x must be one of a, got 3"),
    ],
)  # fmt: skip
def test_one_sentence_says_what_must_hold_and_what_came(act, says):
    with pytest.raises(InputError, match=says):
        act()


def test_what_came_is_shown_briefly():
    assert shown(np.float64(0.5)) == "0.5"
    assert shown("a" * 100) == f"'{'a' * 58}…"
    assert shown(np.ones((2, 3))) == "an array of shape (2, 3)"
    assert shown(lambda: 0) == "a function"
    assert shown(pd.DataFrame({"a": [1]})) == "a DataFrame of shape (1, 1)"
