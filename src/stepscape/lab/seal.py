"""Sealed JSON: a small document that carries a checksum of its own content.

``{"schema":1,"sha256":"<of the bytes of content>","content":<content>}``. A flipped bit, a cut or an appended
byte anywhere breaks the seal; any JSON reader can read the document.

The seal tells what happened to a file, not who wrote it: whatever a stranger sealed is checked as well.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from stepscape.errors import OutputError, printable

SCHEMA = 1
_LONGEST = 200  # characters of a foreign text in a sentence
Content = TypeVar("Content")


class Damaged(OutputError):
    """A file does not hold what was written to it; the text says what is wrong, without naming the file."""


@dataclass(frozen=True)
class Damage:
    """A damaged file, relative to its store, and what is wrong with it; both can be printed."""

    file: str
    wrong: str


def seal(content: bytes) -> bytes:
    """Wrap the JSON text of a document."""
    digest = hashlib.sha256(content).hexdigest().encode()
    return b'{"schema":%d,"sha256":"%s","content":%s}\n' % (SCHEMA, digest, content)


_HEAD = len(seal(b"")) - len(b"}\n")


def unseal(data: bytes, kind: type[Content], what: str) -> Content:
    """Return the document inside, of its type.

    Raises
    ------
    Damaged
        The seal is broken, or what is inside is not of the type: it "is not that of `what`".
    """
    content = data[_HEAD:-2]
    if seal(content) != data:
        raise Damaged(_diagnosis(data))
    try:
        document = msgspec.json.decode(content, type=kind)
        if msgspec.json.encode(document) != content:  # the writer's own bytes need no second look
            json.loads(content, object_pairs_hook=_refuse_repeated)
    except RecursionError:
        raise Damaged("it is nested too deeply") from None
    except ValueError as error:
        raise Damaged(f"its content is not that of {what}: {printable(str(error)[:_LONGEST])}") from None
    return document


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    [(name, count)] = Counter(name for name, _ in pairs).most_common(1) or [("", 1)]
    if count > 1:
        raise ValueError(f"it has {name[:_LONGEST]!r} {count} times")


def _diagnosis(data: bytes) -> str:
    try:
        document = msgspec.json.decode(data)
        other = isinstance(document, dict) and document.get("schema", SCHEMA) != SCHEMA
        shown = printable(f"{document['schema']!r}"[:_LONGEST]) if other else ""
    except (ValueError, RecursionError):
        return "it is empty" if not data else "it is cut short or no longer JSON"
    if other:
        return f"it has schema {shown}, where this version reads {SCHEMA}"
    return "its content does not match its checksum"
