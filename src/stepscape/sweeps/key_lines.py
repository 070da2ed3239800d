"""On which line of a TOML text each key stands; the standard parser does not say."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]  # keys from the top; a number counts tables of an array, or its elements

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
# A multi-line string may end in up to two quotes of its own before the closing three.
_STRING = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|\'\'\'.*?\'\'\'(?:'{0,2})|"(?:\\.|[^"\\\n])*"|'[^'\n]*\'''', re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[Path, int]:
    """Line, from 1, of each section, key and element of an array in a valid TOML text.

    >>> key_lines("seeds = 2" + chr(10) + "[method]" + chr(10) + "steps = [5, 6]")[("method", "steps", 1)]
    3
    """
    return _Scanner(text.replace("\r\n", "\n")).document()


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Line of a key, or of the nearest thing around it that has one; 1 for the file."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


class _Scanner:
    """Walks through a text that the parser has accepted, so what follows what is never in doubt."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.lines: dict[Path, int] = {}
        self.tables: dict[Path, int] = {}  # arrays of tables: index of the last one

    def document(self) -> dict[Path, int]:
        section: Path = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            section = self._header() if self.text[self.at] == "[" else self._pair(section)
            self._skip(_BLANK)
        return self.lines

    def _header(self) -> Path:
        line, many = self._line(), self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        *parents, name = self._keys()
        self.at += 2 if many else 1
        path: Path = ()
        for key in parents:
            path = self._latest((*path, key))
        path = (*path, name)
        self.lines.setdefault(path, line)
        if many:
            self.tables[path] = self.tables.get(path, -1) + 1
            path = (*path, self.tables[path])
            self.lines[path] = line
        return path

    def _latest(self, path: Path) -> Path:
        return (*path, self.tables[path]) if path in self.tables else path

    def _pair(self, section: Path) -> Path:
        line, path = self._line(), section
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)
        return section

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip(_SPACE)
            raw = self._skip(_KEY)
            keys.append(tomllib.loads(f"key = {raw}")["key"] if raw[0] in "\"'" else raw)
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _value(self, path: Path) -> None:
        first = self.text[self.at]
        if first == "[":
            for index in self._inside("]"):
                self.lines[(*path, index)] = self._line()
                self._value((*path, index))
        elif first == "{":
            for _ in self._inside("}"):
                self._pair(path)
        else:
            self._skip(_STRING if first in "\"'" else _BARE)

    def _inside(self, closing: str) -> Iterator[int]:
        """Yield once for each element of a bracket, standing on its first character."""
        self.at += 1
        index = 0
        self._skip(_BLANK)
        while self.text[self.at] != closing:
            yield index
            index += 1
            self._skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self._skip(_BLANK)
        self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        passed = found[0] if found else ""
        self.at += len(passed)
        return passed

    def _line(self) -> int:
        return bisect_left(self.breaks, self.at) + 1
