"""Sealed JSON: a small document that carries a checksum of its own content.

``{"schema":1,"sha256":"<of the bytes of content>","content":<content>}``. A flipped bit, a cut or an appended
byte anywhere breaks the seal; any JSON reader can read the document.
"""

from __future__ import annotations

import hashlib

import msgspec

from stepscape.errors import OutputError

SCHEMA = 1


class Damaged(OutputError):
    """A file does not hold what was written to it; the text says what is wrong, without naming the file."""


def seal(content: bytes) -> bytes:
    """Wrap the JSON text of a document."""
    digest = hashlib.sha256(content).hexdigest().encode()
    return b'{"schema":%d,"sha256":"%s","content":%s}\n' % (SCHEMA, digest, content)


_HEAD = len(seal(b"")) - len(b"}\n")


def unseal(data: bytes) -> bytes:
    """Return the JSON text inside, or raise `Damaged`."""
    content = data[_HEAD:-2]
    if seal(content) != data:
        raise Damaged(_diagnosis(data))
    return content


def _diagnosis(data: bytes) -> str:
    try:
        document = msgspec.json.decode(data)
    except ValueError:
        return "it is empty" if not data else "it is cut short or no longer JSON"
    if isinstance(document, dict) and document.get("schema", SCHEMA) != SCHEMA:
        return f"it has schema {document['schema']!r}, where this version reads {SCHEMA}"
    return "its content does not match its checksum"
