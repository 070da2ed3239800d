"""Where in a user's file something stands: errors name the file and the line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stepscape.errors import InputError, printable
from stepscape.sweeps import slips
from stepscape.sweeps.key_lines import Path, key_lines, line_of

_WHERE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Location:
    """A file by its name, and the line of each key in it."""

    name: str
    lines: Mapping[Path, int]

    @contextmanager
    def at(self, *path: str | int) -> Iterator[None]:
        """Put the file and the line of a key in front of what is refused inside."""
        try:
            yield
        except InputError as error:
            raise located(self.name, line_of(self.lines, path), str(error)) from None

    @contextmanager
    def at_first_word(self, *path: str | int) -> Iterator[None]:
        """As `at`, of the key of this section that a sentence begins with."""
        try:
            yield
        except InputError as error:
            with self.at(*path, str(error).partition(" ")[0]):
                raise


def located(name: str, line: int, sentence: str) -> InputError:
    """Word a refusal."""
    return InputError(f"{name}, line {line}: {sentence}")


def parse(content: str | bytes, name: str) -> tuple[dict[str, Any], Location]:
    """Parse a TOML file, given as it stands on disk.

    Raises
    ------
    InputError
        It is not UTF-8, or not TOML.
    """
    text = (_decode(content, name) if isinstance(content, bytes) else content).lstrip("\ufeff")
    try:
        return tomllib.loads(text), Location(name, key_lines(text))
    except RecursionError:
        raise located(name, 1, "not TOML that can be read: it is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise _wrong(text, name, str(error)) from None
    except ValueError:  # Python's own limit
        digits = re.search(r"\d[\d_]{4299}", text)
        line = text.count("\n", 0, digits.start() if digits else 0) + 1
        raise located(name, line, "not TOML that can be read: a number has thousands of digits") from None


def _decode(content: bytes, name: str) -> str:
    if wide := slips.wide_encoding(content):
        raise located(name, 1, f"the file must be UTF-8 text, got {wide}; save it as UTF-8")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{content[error.start]:02x}"
        raise located(name, line, f"the file must be UTF-8 text, got {byte}; save it as UTF-8") from None


def _wrong(text: str, name: str, message: str) -> InputError:
    found = _WHERE.search(message)
    line = int(found[1]) if found and found[1] else text.count("\n", 0, len(text.rstrip())) + 1
    what = _WHERE.sub("", message)
    advice = slips.hint(what, text.split("\n")[line - 1].rstrip("\r"))
    told = printable(f"{what[:1].lower()}{what[1:]}") + (f"; {advice}" if advice else "")
    return located(name, line, f"not TOML: {told}")
