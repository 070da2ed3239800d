"""The gallery shows what its code draws, the notebook runs, and no example is left unmentioned."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "docs" / "gallery"
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def test_every_picture_is_drawn_by_the_lines_above_it() -> None:
    text = (GALLERY / "index.md").read_text("utf-8")
    drawn = re.findall(r'^write\(.*, "(.*\.svg)"\)$', text, re.MULTILINE)
    shown = re.findall(r"^!\[[^\]]{20,}\]\((.*\.svg)\)$", text, re.MULTILINE)
    assert drawn == shown
    assert sorted(drawn) == sorted(path.name for path in GALLERY.glob("*.svg"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_well_formed_and_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] for cell in code)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    pictures = 0
    for cell in code:
        source = "".join(cell["source"])
        exec(compile(source, path.name, "exec"), namespace)
        if source.startswith("Picture("):
            pictures += eval(source, namespace)._repr_svg_().startswith("<svg")
    assert pictures == 3
    assert (tmp_path / "fit.pdf").read_bytes().startswith(b"%PDF")


def test_every_example_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "examples.md").read_text("utf-8")
    for path in (ROOT / "examples").iterdir():
        if path.suffix in (".py", ".ipynb"):
            assert f"../examples/{path.name}" in page, path.name


def test_how_to_build_the_documentation_is_what_is_tested() -> None:
    command = " -b html docs docs/_build/html"
    assert f"bin/python -m sphinx{command}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert f"bin/python -m sphinx -q -W --keep-going{command}" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_a_search_of_the_documentation_finds_what_people_look_for() -> None:
    pages = [path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts]
    for word in ("pandas", "PDF", "spike", "notebook", "gallery"):
        assert any(re.search(rf"\b{word}s?\b", page) for page in pages), word
