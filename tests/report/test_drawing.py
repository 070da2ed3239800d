"""A drawing on a page: its caption begins with the finding, once."""

from __future__ import annotations

import pytest

import pictures
from stepscape.figures.style import canvas
from stepscape.figures.titles import finding
from stepscape.report.captions import caption
from stepscape.report.drawing import draw


@pytest.mark.parametrize("x_name", ["times", "cost in $", "a_b"])
def test_a_caption_begins_with_the_finding_of_its_figure(x_name: str) -> None:
    for name, figure in pictures.fit_figures(x_name=x_name, rows=20).items():
        said = " ".join(figure.get_suptitle().replace(r"\$", "$").split())
        drawing = draw(figure, name, caption("fit", name))
        assert drawing.caption == f"{said}. {caption('fit', name)}"
        assert "<desc>" in drawing.svg


def test_a_caption_that_says_its_finding_is_left_as_it_is() -> None:
    figure, _ = canvas()
    finding(figure, "One of 2 runs ends here.")
    for given in ("One of 2 runs ends here. Solid: runs.", ""):
        assert draw(figure, "runs", given).caption == given


def test_a_caption_writes_the_formula_of_a_title_as_text() -> None:
    figure, _ = canvas()
    finding(figure, r"$\lambda_{\max}$ fell from 14 to 0.12")
    assert draw(figure, "run", "Above: runs.").caption == "λ_max fell from 14 to 0.12. Above: runs."
