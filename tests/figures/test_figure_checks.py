"""The checks of figures see what they look for."""

from __future__ import annotations

import numpy as np
import pytest

from figure_checks import faults, symbols
from stepscape.figures.bands import interval_bars, ribbon
from stepscape.figures.colors import MEASURED, MOMENT
from stepscape.figures.references import guide, theory
from stepscape.figures.style import DOUBLE, SINGLE, canvas, label
from stepscape.figures.titles import finding
from stepscape.tables.interval import Interval
from stepscape.tables.records import Table

CAPTION = "The sharpness falls. Solid: medians."


def figure(size=SINGLE, columns=1):
    made, axes = canvas(1, columns, size)
    for ax in axes.flat:
        ax.plot([0.0, 1.0], [0.0, 1.0], lw=2.2)
        label(ax, "step size η", r"sharpness $\lambda_{\max}$")
    finding(made, "The sharpness falls by half")
    return made, axes[0, 0]


def test_a_figure_of_the_house_has_no_faults():
    made, ax = figure()
    theory(ax, [0.1, 0.9], [0.9, 0.1], r"$2/\eta$")
    assert faults(made, "It falls as the dashed line.") == []


def words(ax, **look):
    ax.text(0.1, 0.5, look.pop("text", "small"), **look)


FAULTS = {
    "type of 8.0 pt": lambda ax: words(ax, fontsize=8.0),
    "touching": lambda ax: [words(ax), words(ax)],
    "outside": lambda ax: ax.text(1.3, 0.5, "far away").set_in_layout(False),
    "raw markup: 'g_A'": lambda ax: words(ax, text="g_A"),
    "raw markup: 'n^(2)'": lambda ax: words(ax, text="n^(2)"),
    "a line of 1.1 pt": lambda ax: ax.axhline(0.5, lw=1.1),
    "2 names on the axis": lambda ax: ax.set_yticks([0.0, 1.0]),
    "'dotted'": lambda ax: guide(ax, 0.5),
    "'dashed'": lambda ax: theory(ax, [0.0, 1.0], [1.0, 0.0]),
    "'triangle'": lambda ax: ax.plot([0.5], [0.5], **MOMENT["_held_out"].marks),
    "does not say 'g_A'": lambda ax: words(ax, text="$g_A$"),
    "does not say 'σ'": lambda ax: words(ax, text=r"$\sigma^2$"),
    "interval": lambda ax: interval_bars(ax, [0.5], [Interval(0.5, 0.4, 0.6, 20)], MEASURED.marks),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault):
    made, ax = figure()
    FAULTS[fault](ax)
    assert any(fault in found for found in faults(made, CAPTION)), faults(made, CAPTION)


def test_sizes_panels_titles_and_ribbons_are_seen():
    assert "7.3 inches wide" in faults(figure((7.3, 3.0))[0], CAPTION)
    many = figure((7.2, 3.0), 7)[0]
    assert "7 panels" in faults(many, CAPTION)
    assert "7 panels" not in faults(many, CAPTION, "risk-all")
    bare, axes = canvas(1, 2, DOUBLE)
    assert {"no finding as its title", "a panel without data"} <= set(faults(bare, CAPTION))
    rows = [{"step_size": eta, "risk": eta * seed} for eta in (0.1, 0.2, 0.3) for seed in range(3)]
    ribbon(axes[0, 0], Table.from_records(rows), "step_size", "risk", MEASURED.line)
    assert any("quartile" in found for found in faults(bare, CAPTION))
    heavy, ax = figure()
    for _ in range(40):
        ax.plot(np.random.default_rng(0).normal(size=(4000, 1)), lw=0.8)
    assert any(found.startswith("SVG of ") for found in faults(heavy, CAPTION))


def test_symbols_are_letters_with_their_indices():
    assert symbols(r"$\lambda_{\max}\eta/2$ and $g_A$, $n^{-2/5}$") == {"λ_max", "η", "g_A", "n"}
    assert symbols("training time Σ η") == {"Σ", "η"}
    assert symbols("no symbol, 12 %") == set()
