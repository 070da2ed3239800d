"""Values of a sweep file: spreads with exact ends, one type for each key."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.sweeps.grid import one, spread


class TestValues:
    def test_a_spread_has_exact_ends_and_the_nearest_floats_between(self) -> None:
        assert spread("k", float, {"linspace": [0.1, 0.5, 5]}) == [0.1, 0.2, 0.3, 0.4, 0.5]
        assert spread("k", float, {"logspace": [0.01, 1, 3]}) == [0.01, 0.1, 1.0]
        assert spread("k", int, {"logspace": [100, 10000, 3]}) == [100, 1000, 10000]
        assert spread("k", int, {"linspace": [1, 3, 9]}) == [1, 2, 3]

    @given(st.floats(1e-6, 1e3), st.floats(1.001, 1e6), st.integers(2, 9))
    def test_a_geometric_spread_has_equal_ratios(self, low: float, factor: float, count: int) -> None:
        high = low * factor
        found = spread("k", float, {"logspace": [low, high, count]})
        assert (found[0], found[-1], len(found)) == (low, high, count)
        # value^(count-1) = low^(count-1-i) high^i, in exact arithmetic up to one rounding of the value
        getcontext().prec = 60
        for i, value in enumerate(found):
            right = Decimal(repr(low)) ** (count - 1 - i) * Decimal(repr(high)) ** i
            assert abs(Decimal(value) ** (count - 1) / right - 1) <= Decimal(2) ** -53 * count

    def test_a_whole_number_serves_as_a_number_and_nothing_as_anything_else(self) -> None:
        assert type(one("k", float, 3)) is float
        assert math.copysign(1.0, one("k", float, -0.0)) == 1.0
        wrong = {
            int: [1.0, True, "1", [1], None],
            float: [True, "1", [1]],
            bool: [0, 1, "true"],
            str: [1, True, ["a"]],
        }
        must = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
        for kind, values in wrong.items():
            for value in values:
                with pytest.raises(InputError, match=f"^k must be {must[kind]}, got"):
                    one("k", kind, value)
