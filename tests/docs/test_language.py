"""The five commonest slips of the glossary in CONTRIBUTING.md stand nowhere: one language for all readers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COUNTED = (
    "rows?|lines?|curves?|panels?|bars?|columns?|tasks?|threads?|values?|runs|ones?|microseconds|ns|µs|s"
)
UNIT = (
    "run|core|step|neuron|plan|moment|cell|group|measure|measurement|page|premise|arm|worker|task|key|bin|input"
    "|element|knot|mapping|second|row|reason|claim|seed|fold|record|part|file|minute|setting"
)
SLIPS = {
    "a rate with 'a' (one row per run)": (
        rf"(?:\b(?:{COUNTED})|\}}|\d) an? (?:{UNIT})\b",
        [
            "one row a run",
            "0 means one a core",
            "Microseconds a step",
            "{rate:.3g} a second",
            "a panel a measure",
        ],
        ["one row per run", "10 steps of a run", "the rows of a run", "0.3 s after a step"],
    ),
    "'is no' before a noun (is not a)": (
        r"(?<!\bthere )\b(?:is|are|was|were) no (?!longer|more|less|better|worse|larger|smaller)[a-z]+",
        ["where stderr is no terminal", "they are no classes"],
        ["there is no directory", "There are no runs", "is no longer on record", "is not a terminal"],
    ),
    "'go on' (resume, continue)": (
        r"\b(?:go|goes|going|gone|went) on\b",
        ["the same command goes on where it stopped", "How to go on", "the fit went on as a line"],
        ["the same command resumes", "time goes by", "ongoing"],
    ),
    "'broken line' (dashed line; piecewise linear function)": (
        r"\bbroken(?: \w+)?:? lines?\b",
        ["A broken line of 12 pieces", "Broken line: the truth"],
        ["a dashed line", "the line is broken off"],
    ),
    "'a … each', 'a … per' (one sentence each, one row per run)": (
        r"\ban? (?:row|line|record|curve|panel|bar|column|word|sentence|index|member) (?:each|per)\b",
        ["warnings, a sentence each", "A row per step size"],
        ["one sentence each", "a row for each run", "a sentence that each reader knows"],
    ),
}


def texts(path: Path) -> Iterator[str]:
    """Yield what a reader of a file may see: pages whole, of code the strings and docstrings."""
    if path.suffix != ".py":
        yield path.read_text("utf-8")
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def read() -> list[Path]:
    """List the files whose sentences are held to the glossary."""
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("src/**/*.toml"), *ROOT.glob("docs/**/*.md")]
    return [*files, ROOT / "README.md", ROOT / "CHANGELOG.md"]


def plain(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())


def slips(text: str, pattern: str) -> list[str]:
    """Find a slip in a text, whatever its line breaks and its case."""
    return re.findall(pattern, plain(text), re.IGNORECASE)


@pytest.fixture(scope="module")
def sentences() -> list[tuple[Path, str]]:
    """Every text that a reader may see, with its file, read once for all slips."""
    return [(file.relative_to(ROOT), plain(text)) for file in read() for text in texts(file)]


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_told_from_what_only_looks_like_it(name: str) -> None:
    pattern, wrong, right = SLIPS[name]
    assert all(slips(text, pattern) for text in wrong)
    assert not any(slips(text, pattern) for text in right)


@pytest.mark.parametrize("name", SLIPS)
def test_no_sentence_makes_a_slip_of_the_glossary(name: str, sentences: list[tuple[Path, str]]) -> None:
    pattern = re.compile(SLIPS[name][0], re.IGNORECASE)
    found = [f"{file}: {slip}" for file, text in sentences for slip in pattern.findall(text)]
    assert not found, "\n".join(found)
