"""A row is a line of JSON and back; whatever is not a row is refused in one sentence."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_rows import ANY_ROW, NAMES, row
from stepscape.errors import InputError
from stepscape.monitor.row import OPENING, Row, measured

GOOD = row(3, 0.5).to_line()


@given(ANY_ROW)
def test_a_line_is_its_row(original: Row) -> None:
    line = original.to_line()
    assert Row.from_line(line) == original
    assert Row.from_line(line.encode()) == original
    assert "\n" not in line
    assert line.startswith(OPENING)
    values = json.loads(line, parse_constant=pytest.fail)  # no NaN, no Infinity
    assert values.pop("schema") == 1
    assert tuple(values) == NAMES
    for name, value in values.items():
        assert (value is None) == (getattr(original, name) is None)


@given(st.binary(max_size=80) | st.text(max_size=80) | st.integers(0, len(GOOD) - 1).map(lambda n: GOOD[:n]))
def test_whatever_else_is_refused_in_one_sentence(line: str | bytes) -> None:
    with pytest.raises(InputError) as refusal:
        Row.from_line(line)
    assert "\n" not in str(refusal.value).strip()


def test_a_row_in_words() -> None:
    assert str(row(7, 0.5, loss=2.0, seconds=0.25)) == (
        "step 7: loss 2, λ_max 10, edge ratio 0.500, seconds 0.250, status converged"
    )
    failed = Row(7, 1.0, (0.1,), "oom", reason="memory did not suffice")
    assert str(failed) == "step 7: seconds 0, status oom: memory did not suffice"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[1]", "a row must be one JSON object, got a list"),
        ("[" * 100_000, "must be one JSON object, got text that is not JSON"),
        ("{}", "a row must name its schema, got an object without one"),
        ('{"schema":2}', "schema must be 1, got 2; read it with the version of stepscape that wrote it"),
        ('{"schema":true}', "schema must be 1, got True"),
        ('{"schema":1,"lamda_max":2}', "unknown name in a row 'lamda_max'; did you mean 'lambda_max'?"),
        ('{"schema":1,"step":3}', "missing required field `training_seconds`"),
        (GOOD.replace("0.5", "NaN"), "hold finite numbers, and null where nothing was measured, got NaN"),
        (GOOD.replace('"step":3', '"step":"3"'), r"Expected `int`, got `str` - at `\$.step`"),
        (GOOD.replace('"step":3', '"step":-3'), "^step must be a whole number of at least 0, got -3"),
        (GOOD.replace('"step":3', f'"step":{10**30}'), "(Expected `int`|must be at most)"),
        (GOOD.replace("converged", "perfect"), "unknown status 'perfect'"),
        (GOOD.replace("0.5", "1" + "0" * 400), "Number out of range"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong(line: str, says: str) -> None:
    assert line != GOOD
    with pytest.raises(InputError, match=says):
        Row.from_line(line)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"loss": math.nan}, "loss must be finite, or None where it was not measured, got nan"),
        ({"trace": math.inf}, "trace must be finite"),
        ({"step_sizes": (0.1, math.nan)}, r"step_sizes\[1\] must be finite"),
        ({"blocks": {"head": math.inf}}, r"blocks\['head'\] must be finite"),
        ({"training_seconds": -1.0}, "training_seconds must be finite and not negative, got -1.0"),
        ({"seconds": math.nan}, "seconds must be finite and not negative"),
        ({"status": "fine"}, "unknown status 'fine'"),
        ({"reason": None}, "reason must be text"),
        ({"step": 1.5}, "step must be a whole number"),
    ],
)  # fmt: skip
def test_a_row_holds_no_number_that_is_not_finite(values: dict, says: str) -> None:
    known = {"step": 0, "training_seconds": 0.0, "step_sizes": (0.1,), "status": "converged"}
    with pytest.raises(InputError, match=says):
        Row(**known | values)


def test_what_is_not_finite_was_not_measured() -> None:
    assert [measured(x) for x in (1, -0.5, math.nan, math.inf, -math.inf)] == [1.0, -0.5, None, None, None]
