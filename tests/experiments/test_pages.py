"""Numbers written by hand on the page of a claim are numbers of the full ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stepscape import experiments
from stepscape.experiments.frame import ledger

DOCS = next(parent / "docs" for parent in Path(__file__).parents if (parent / "docs" / "conf.py").is_file())
DIRECTIVE = re.compile(r"^:*`*\{claim\} (\S+)", re.MULTILINE)
SKIPPED = re.compile(
    r"```.*?```|:::.*?:::|`[^`]*`|\]\([^)]*\)|arXiv:\S+|^#.*?$",
    re.DOTALL | re.MULTILINE,
)
# Counts and years are words; what was measured has a decimal point, a percent sign or a power of ten.
NUMBER = re.compile(
    r"[−-]?\d+(?:\.\d+)? × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[−-]?\d+(?:\.\d+)?e[−-]?\d+|[−-]?\d+(?:\.\d+)? ?%|[−-]?\d+\.\d+"
)
ANY = re.compile(r"[-−]?\d+(?:\.\d+)?(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|e[-−]?\d+)?")
POWER = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def scientific(text: str) -> str:
    """Write a number as Python reads it."""
    return text.rstrip(" %").replace(" × 10", "e").translate(POWER)


def numbers(document: Any) -> Iterator[float]:
    """Every number of a document, also those inside its sentences."""
    if isinstance(document, dict):
        for item in document.values():
            yield from numbers(item)
    elif isinstance(document, list):
        for item in document:
            yield from numbers(item)
    elif isinstance(document, str):
        yield from (float(scientific(text)) for text in ANY.findall(document.replace("\u202f", "")))
    elif isinstance(document, int | float):
        yield float(document)


def is_rounded(written: str, known: float) -> bool:
    """Whether a number is written with its own digits; signs are not compared."""
    mantissa, _, exponent = scientific(written).partition("e")
    step = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    number = abs(float(scientific(written)))
    scales = (1.0, 100.0) if written.endswith("%") else (1.0,)
    return any(abs(number - abs(scale * known)) <= 0.5001 * step for scale in scales)


def strangers(text: str, entry: Any) -> list[str]:
    """Numbers of a page that its entry in the ledger, or what stands in its place, does not have."""
    known = set(numbers(msgspec.to_builtins(entry)))
    written = NUMBER.findall(SKIPPED.sub(" ", text).replace("\u202f", ""))
    return [number for number in written if not any(is_rounded(number, each) for each in known)]


def pages() -> list[tuple[Path, str]]:
    found = [(path, DIRECTIVE.search(path.read_text("utf-8"))) for path in DOCS.rglob("*.md")]
    return [(path, match[1]) for path, match in found if match and "_build" not in path.parts]


def test_written_numbers_are_compared_with_those_of_the_ledger() -> None:
    about = ledger.About("toy", "", "", "figure", "", "")
    verdict = ledger.Verdict(
        "reproduced", "It falls: −13.2 [−13.9, −12.4].", {"share": 0.876, "small": 2.34e-7}
    )
    entry = ledger.Entry(about, "full", {"noise": 0.5}, {"a": verdict}, [], ledger.Runs(1, 0, 0), {}, 1.0)
    assert strangers("falls by 13.2 [−13.9, −12.4], 88 % of 8, noise 0.5, 2.3e-7, 2.3 × 10⁻⁷", entry) == []
    assert strangers("falls by 13.3, 87 % of 8, noise 0.50, 2.4 × 10⁻⁷; see `0.77`", entry) == [
        "13.3", "87 %", "2.4 × 10⁻⁷"
    ]  # fmt: skip


@pytest.mark.parametrize(("path", "name"), pages())
def test_every_number_of_a_page_is_in_the_ledger(path: Path, name: str) -> None:
    file = resources.files("stepscape") / "data" / "ledger-full.json"
    entries = {entry.experiment.name: entry for entry in ledger.read(file.read_bytes(), file.name).entries}
    # Before a claim is judged at full size its page knows no numbers but its settings and those of its rules.
    claim = experiments.get(name)
    rules = [dict(part.constants) for part in claim.parts]
    assert strangers(path.read_text("utf-8"), [entries.get(name), dict(claim.full), rules]) == []
