"""On which line of a sweep file each key stands."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepscape.sweeps.key_lines import key_lines, line_of
from sweep_files import EXAMPLE, SMALL


class TestLines:
    TEXT = '''# "a = 1"
top = "x = 1 # not a comment" # a comment with ] and "
a.b . "c.d" = 1
[sec.'q x']   # comment
list = [ # [
  1, # ,
  [2,
   3], { in = 4, deep.er = [
   5] },
]
multi = """
no = 1 \\"""
[no]
""""
literal = \'\'\'
[[no]] \'\' \'\'\'\'
date = 1979-05-27 07:32:00
"quoted \\u0041" = {}
bare-1_2=true
[[many]]
one = 1
[[many]]
two = {x=1,y="}"}
[many.sub]
three = 'C:\\' # "
[[many.deep]]
four = []
[[many.deep]]
five = inf
'''

    def test_every_key_of_an_awkward_text(self) -> None:
        assert key_lines(self.TEXT) == {
            ("top",): 2,
            ("a",): 3,
            ("a", "b"): 3,
            ("a", "b", "c.d"): 3,
            ("sec", "q x"): 4,
            ("sec", "q x", "list"): 5,
            ("sec", "q x", "list", 0): 6,
            ("sec", "q x", "list", 1): 7,
            ("sec", "q x", "list", 1, 0): 7,
            ("sec", "q x", "list", 1, 1): 8,
            ("sec", "q x", "list", 2): 8,
            ("sec", "q x", "list", 2, "in"): 8,
            ("sec", "q x", "list", 2, "deep"): 8,
            ("sec", "q x", "list", 2, "deep", "er"): 8,
            ("sec", "q x", "list", 2, "deep", "er", 0): 9,
            ("sec", "q x", "multi"): 11,
            ("sec", "q x", "literal"): 15,
            ("sec", "q x", "date"): 17,
            ("sec", "q x", "quoted A"): 18,
            ("sec", "q x", "bare-1_2"): 19,
            ("many",): 20,
            ("many", 0): 20,
            ("many", 0, "one"): 21,
            ("many", 1): 22,
            ("many", 1, "two"): 23,
            ("many", 1, "two", "x"): 23,
            ("many", 1, "two", "y"): 23,
            ("many", 1, "sub"): 24,
            ("many", 1, "sub", "three"): 25,
            ("many", 1, "deep"): 26,
            ("many", 1, "deep", 0): 26,
            ("many", 1, "deep", 0, "four"): 27,
            ("many", 1, "deep", 1): 28,
            ("many", 1, "deep", 1, "five"): 29,
        }

    def test_lines_that_end_as_on_windows(self) -> None:
        assert key_lines(self.TEXT.replace("\n", "\r\n")) == key_lines(self.TEXT)

    def test_every_path_of_the_parser_has_a_line(self) -> None:
        for text in (self.TEXT, EXAMPLE, SMALL, ""):
            lines = key_lines(text)
            missing = [path for path in paths(tomllib.loads(text)) if path not in lines and path != ("sec",)]
            assert not missing

    def test_what_has_no_line_stands_on_that_of_what_is_around_it(self) -> None:
        lines = key_lines(SMALL)
        assert line_of(lines, ("method", "steps", 3, "x")) == 9
        assert line_of(lines, ("method", "no")) == 7
        assert line_of(lines, ("no", "no")) == 1

    @given(
        st.recursive(
            st.one_of(st.integers(-9, 9), st.booleans(), st.text(alphabet="ab\"'#=[]{},.\\ ", max_size=4)),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(alphabet='a."]#=', min_size=1, max_size=3), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        st.booleans(),
    )
    def test_one_more_line_in_front_moves_everything_by_one(self, value: Any, spaced: bool) -> None:
        text = f"before = {toml(value, ' ' if spaced else '')} # end\nafter = 1\n"
        assert tomllib.loads(text)["before"] == value
        lines = key_lines(text)
        assert lines["after",] == 2
        assert {path for path in paths(tomllib.loads(text)) if path not in lines} == set()
        moved = key_lines("# = [\n" + text)
        assert moved == {path: line + 1 for path, line in lines.items()}


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path of a document, keys and indexes."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in ((*path, key), *paths(item, (*path, key)))]


def toml(value: Any, space: str) -> str:
    """Write a value on one line."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)}{space}={space}{toml(item, space)}" for key, item in value.items())
        return "{" + f",{space}".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + "".join(f"{space}{toml(item, space)}," for item in value) + "]"
    return json.dumps(value)
