"""The pages run: Python blocks in order, the printed text beside them, and the command lines they show."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import io
import re
import shlex
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
BLOCK = re.compile(
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```\n"
    r"(?:\s*?\n(?P<note> *<!-- [^\n]* -->\n\s*?\n)?(?P=indent)```text\n(?P<shown>.*?)^(?P=indent)```\n)?",
    re.DOTALL | re.MULTILINE,
)
SHELL = re.compile(r"^ *```bash\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
# Two machines add in another order, and the edge of stability amplifies it; a count may differ by one.
RELATIVE, ABSOLUTE = 0.05, 2e-3


def page_id(path: Path) -> str:
    return str(path.relative_to(DOCS))


def runnable() -> list[Path]:
    return [path for path in PAGES if BLOCK.search(path.read_text("utf-8"))]


@pytest.mark.long
@pytest.mark.parametrize("path", runnable(), ids=page_id)
def test_python_blocks_run_and_print_what_the_page_shows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in BLOCK.finditer(path.read_text("utf-8")):
        printed = io.StringIO()
        code = compile(textwrap.dedent(block["code"]), page_id(path), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        if block["shown"] is None:
            assert not printed.getvalue(), f"{page_id(path)} does not show what this prints:\n{block['code']}"
        elif not block["note"]:
            assert_same_text(printed.getvalue(), textwrap.dedent(block["shown"]))


def assert_same_text(printed: str, shown: str) -> None:
    assert " ".join(NUMBER.sub("#", printed).split()) == " ".join(NUMBER.sub("#", shown).split())
    for ours, theirs in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
        least = 0.0 if "e-" in theirs else ABSOLUTE  # what is written with an exponent is meant to be small
        if theirs.isdigit() and int(theirs) >= 10:
            least = 1.0
        assert float(ours) == pytest.approx(float(theirs), rel=RELATIVE, abs=least), printed


def test_comparison_of_printed_text_sees_a_changed_number_and_a_changed_word() -> None:
    assert_same_text("left 2.594 holds\n", "left  2.60 holds")
    assert_same_text("bent 13, dead 2", "bent 12, dead 2")
    for other in ("bent 14, dead 2", "bent 12, dead 3"):
        with pytest.raises(AssertionError):
            assert_same_text(other, "bent 12, dead 2")
    with pytest.raises(AssertionError):
        assert_same_text("left 2.594 holds", "left 2.9 holds")
    with pytest.raises(AssertionError):
        assert_same_text("left 2.594 holds", "left 2.594 violated")
    with pytest.raises(AssertionError):
        assert_same_text("4.3e-18", "8.6e-18")


def commands() -> list[Any]:
    found = []
    for path in PAGES:
        for block in SHELL.findall(path.read_text("utf-8")):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page_id(path), line) for line in lines if line.split()[:1] == ["stepscape"]]
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_shown_command_lines_are_understood(page: str, line: str) -> None:
    from stepscape.cli.app import command_group

    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    group = command_group()
    if words[0].startswith("-"):
        group.make_context("stepscape", words)
        return
    assert words[0] in group.commands, f"{page}: {line}"
    context = group.commands[words[0]].make_context(words[0], words[1:])
    if words[0] in ("fit", "complete", "recover"):
        parse = importlib.import_module(f"stepscape.cli.{words[0]}").Request.parse
        parse(**{name: context.params[name] for name in inspect.signature(parse).parameters})
    if words[0] == "run":
        from stepscape import experiments
        from stepscape.cli import values

        chosen = experiments.get(context.params["name"])
        chosen.settings(values.assignments(context.params["settings"] or []))


def extension(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location(name, DOCS / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_theorem_table_and_certify_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    import stepscape as ss

    table = extension("theorem_table", monkeypatch)
    for group in table.GROUPS:
        certificates = ss.certify(*group.here())
        shown = {theorem.name: here for theorem, here, _ in table.rows(group)}
        assert [name for name in shown if name != "published_as_printed"] == list(certificates)
        assert {name: repr(shown[name]) for name in certificates} == {
            name: repr(certificate) for name, certificate in certificates.items()
        }


def test_the_table_shows_what_can_be_false_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    table = extension("theorem_table", monkeypatch)
    square = table.GROUPS[0]
    verdicts = {theorem.name: there.verdict for theorem, _, there in table.rows(square)}
    assert verdicts.pop("published_as_printed") == "violated"
    assert "violated" not in verdicts.values()


def test_docstrings_become_plain_restructured_text(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = extension("plain_docstrings", monkeypatch).plain
    text = """A sum |Δ_i| g.

    x ≤ y
    y ≤ z

Uses `step_size_` and step_size_ too.

Attributes
----------
left, right : the two sides of it
size : int
    How many *.

Source: a paper.
"""
    expected = """A sum \\|Δ_i\\| g.

::

        x ≤ y
        y ≤ z

Uses `step_size_` and step_size\\_ too.

Attributes
----------
left,right
    the two sides of it
size : int
    How many \\*.

Notes
-----
Source: a paper.
"""
    assert plain(inspect.cleandoc(text).splitlines()) == expected.splitlines()


def test_no_page_points_to_a_page_that_does_not_exist() -> None:
    for path in PAGES:
        for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", path.read_text("utf-8")):
            assert (path.parent / f"{target}.md").exists(), f"{page_id(path)} → {target}"


def test_the_floors_in_contributing_are_those_of_the_contract():
    contracts = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    text = (DOCS.parent / "CONTRIBUTING.md").read_text()
    told = re.findall(r"```\n(__main__\n.*?)```", text, re.DOTALL)
    assert [block.split() for block in told] == [" ".join(floors).split()]
