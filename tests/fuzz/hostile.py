"""Values, names and mutations that break programs."""

from __future__ import annotations

import numpy as np

NAMES = (
    "x", "y", "", " ", "x ", "0", "1", "-1", "nan", "NA", "größe", "gro\u0308ße", "\u202ex", "x\ty",
    "x\ny", "a,b", 'say "x"', "[red]x[/red]", "[/]", "$x^2$", "<b>x</b>", "=1+1", "@SUM(A1)",
    "\x1b]0;x\x07", "\x00", "x" * 400, "日本", "𝕩", "%s", "{}", "../x", "C:\\x", "--json", "-", "None",
    "true",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "1", "-1", "0.5", "1e308", "-1e308", "1e309", "1e-320", "5e-324", "1e400", "inf", "-inf",
    "nan", "NaN", "0x10", "1_000", "1,5", "1.234", "1,234", "1.234.567", "1 234", "١٢", "½", "--1",
    "1e", ".", "", " ", "None", "true", "[1]", "{}", "1e9", "1000000000000", "9" * 400, "2**31",
    "-9999", "1e-9",
)  # fmt: skip
TEXTS = (
    *NAMES,
    *NUMBERS,
    "sin",
    "module:function",
    "os:system",
    "yes",
    "no",
    "/dev/null",
    "/dev/zero",
    "http://",
    "tcp://127.0.0.1:1",
)


def pick(rng: np.random.Generator, values: tuple[str, ...] | list[str]) -> str:
    return values[int(rng.integers(len(values)))]


def mangle(rng: np.random.Generator, data: bytes) -> bytes:
    """Flip, cut, insert, repeat or swap some bytes, up to eight times."""
    content = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        at = int(rng.integers(len(content) + 1))
        length = int(rng.integers(1, 40))
        match int(rng.integers(6)):
            case 0 if content:
                content[at % len(content)] ^= 1 << int(rng.integers(8))
            case 1:
                del content[at : at + length]
            case 2:
                content[at:at] = rng.bytes(length)
            case 3:
                content[at:at] = content[at : at + length] * int(rng.integers(1, 50))
            case 4:
                del content[at:]
            case _:
                content[at:at] = pick(rng, list(TEXTS)).encode("utf-8", "surrogatepass")
    return bytes(content)
