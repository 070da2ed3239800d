"""The bytes of a file → its text, line by line: what is not asked for is never held in memory."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import BinaryIO, TextIO, cast

from stepscape.errors import InputError
from stepscape.problems.user.table import GUESSED

MOST_CHARACTERS = 4 * 2**20  # of one line, and of one row whose cells hold line breaks
_CHUNK = 2**18  # bytes or characters that are read at once
_BOMS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Runs of the punctuation and the 3755 commonest characters of GB 2312, none beside a letter: where a byte is
# a character, such runs would be words without a letter of ASCII.
_CHINESE = re.compile(
    rb"(?:[\x00-\x7f]|(?<![A-Za-z])(?:[\xa1-\xa3\xb0-\xd7][\xa1-\xfe])++(?![A-Za-z\x80-\xff]))*+"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\x7f]")  # \x1a ends DOS files
_CONTROL_SHARE = 200  # text may hold a stray control character in so many; binary data hold one in ten
_END = "\0\x1a"  # what may fill the last block of a file


@dataclass(frozen=True)
class Text:
    """Text that can be read from its beginning as often as needed.

    Attributes
    ----------
    open : a new stream of it, with universal newlines.
    source, encoding : for messages, and for the record.
    """

    open: Callable[[], TextIO]
    source: str
    encoding: str = "utf-8"

    @classmethod
    def of(cls, text: str, source: str) -> Text:
        """Make a text of a string."""
        return cls(lambda: io.StringIO(text, newline=None), source)

    def blocks(self) -> Iterator[list[str]]:
        """Yield lists of lines, each with its line break, without what fills the end of a file.

        Raises
        ------
        InputError
            A line is longer than ``MOST_CHARACTERS``.
        """
        rest, number = "", 1
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                chunk = chunk.replace("\0", "") if "\0" in chunk else chunk
                first, *others = (rest + chunk).split("\n")
                if number == 1 and not rest:
                    first = first.lstrip("\ufeff")
                *lines, rest = [first, *others]
                if len(first) > MOST_CHARACTERS:
                    raise too_long(self.source, number)
                if len(rest) > MOST_CHARACTERS:
                    raise too_long(self.source, number + len(lines))
                number += len(lines)
                yield [line + "\n" for line in lines]
        if rest := rest.rstrip("\x1a"):
            yield [rest]

    def lines(self) -> Iterator[str]:
        """Yield the lines of the blocks."""
        return chain.from_iterable(self.blocks())


@dataclass(frozen=True)
class Content:
    """The bytes of a file, gzipped or not.

    Attributes
    ----------
    data : as they are on disk.
    name, source : its path and its name, for messages.
    most : bytes that it may unpack to.
    """

    data: bytes = field(repr=False)
    name: str
    source: str
    most: int

    def open(self) -> BinaryIO:
        """Open a stream of the bytes, unpacked."""
        stream = io.BytesIO(self.data)
        packed = self.data.startswith(b"\x1f\x8b")
        return cast(BinaryIO, gzip.GzipFile(fileobj=stream) if packed else stream)

    def text(self, encoding: str) -> TextIO:
        """Open a stream of the text."""
        return io.TextIOWrapper(self.open(), encoding, newline=None)

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, unpacked, piece by piece.

        Raises
        ------
        InputError
            They are damaged, or more than ``most``.
        """
        total = 0
        with self.open() as file:
            while chunk := self._next(file):
                total += len(chunk)
                if total > self.most:
                    what = f"it holds more than {self.most // 2**20} MiB; keep only the columns needed"
                    raise InputError(f"cannot read {self.name!r}: {what}")
                yield chunk

    def _next(self, file: BinaryIO) -> bytes:
        try:
            return file.read(_CHUNK)
        except (OSError, EOFError, zlib.error) as error:
            why = f"its gzip data are truncated or damaged ({error})"
            raise InputError(f"cannot unpack {self.name!r}: {why}") from error


def decode(content: Content) -> Text:
    """Find the encoding of a file, and see that it is text.

    Raises
    ------
    InputError
        It is not text, damaged or too large, or has a line that is too long.
    """
    marked = _marked(next(content.chunks(), b""))
    for encoding in [marked] if marked else ["utf-8", *GUESSED]:
        if encoding == "gb18030" and not all(map(_CHINESE.fullmatch, _lines_of_bytes(content))):
            continue
        try:
            _refuse_binary(_decoded(content, encoding), content.name, content.source)
        except UnicodeDecodeError as error:
            if marked:
                byte = f"byte 0x{error.object[error.start]:02x} does not belong"
                raise InputError(f"{content.name!r} begins as {marked} text but is not: {byte}") from error
        else:
            break
    return Text(partial(content.text, encoding), content.source, encoding)


def too_long(source: str, line: int) -> InputError:
    """Word the refusal of a line that no table has."""
    return InputError(
        f"{source!r} must have lines of at most {MOST_CHARACTERS} characters, line {line} is longer; if it "
        "is a table, keep only the columns needed"
    )


def _lines_of_bytes(content: Content) -> Iterator[bytes]:
    """Yield pieces that end with a line, so that no character is cut; a line too long is cut."""
    rest = b""
    for chunk in content.chunks():
        block = rest + chunk
        cut = block.rfind(b"\n") + 1 or (len(block) if len(block) > MOST_CHARACTERS else 0)
        yield block[:cut]
        rest = block[cut:]
    yield rest


def _marked(head: bytes) -> str:
    """Return the encoding that a byte order mark or the zeros of UTF-16 tell; else "" ."""
    marked = next((encoding for bom, encoding in _BOMS if head.startswith(bom)), "")
    sample = head[:4096]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if not marked and odd > len(sample) // 4 and not even:
        return "utf-16-le"
    if not marked and even > len(sample) // 4 and not odd:
        return "utf-16-be"
    return marked


def _decoded(content: Content, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for chunk in content.chunks():
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


def _refuse_binary(decoded: Iterable[str], name: str, source: str) -> None:
    """Refuse control characters, except zeros at the end; and a line too long, before more is unpacked."""
    ended, controls, characters, line, length, first = False, 0, 0, 1, 0, ""
    for text in decoded:
        zero = 0 if ended else text.find("\0")
        if zero >= 0 and text[zero:].strip(_END):
            raise _binary(name, _place("\0", characters + zero))
        ended = ended or zero >= 0
        if found := _CONTROL.search(text, 0, zero if ended else len(text)):
            first = first or _place(found[0], characters + found.start())
            controls += len(_CONTROL.findall(text))
        characters += len(text)
        cut = max(text.rfind("\n"), text.rfind("\r"))
        length = len(text) - cut - 1 + (length if cut < 0 else 0)
        line += text.count("\n")
        if length > MOST_CHARACTERS and not ended:
            raise too_long(source, line)
    if controls * _CONTROL_SHARE > characters:
        raise _binary(name, first)


def _place(character: str, before: int) -> str:
    return f"{character!r} at character {before + 1}"


def _binary(name: str, where: str) -> InputError:
    return InputError(f"{name!r} is not a table of text: it looks like binary data ({where})")
