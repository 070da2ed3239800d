"""What every figure keeps to: size, type, ticks, words that do not touch, a caption that names its marks."""

from __future__ import annotations

import itertools
import re

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from stepscape.figures import output
from stepscape.figures.style import GUIDE, MAIN, SECONDARY

PANELS, WIDEST, SMALLEST_TYPE, FEWEST_TICKS, HEAVIEST = 6, 7.2, 8.5, 3, 150_000
WIDTHS = {MAIN, SECONDARY, GUIDE}
SHAPES = {  # marker → words of which a caption has one
    "s": "square", "^": "triangle", "v": "triangle", "D": "diamond", "d": "diamond", "x": "cross",
    "X": "cross", "|": "tick", "P": "plus", "+": "plus", "*": "star",
}  # fmt: skip
LETTERS = {
    "lambda": "λ", "eta": "η", "sigma": "σ", "Sigma": "Σ", "theta": "θ", "beta": "β", "gamma": "γ",
    "alpha": "α", "tau": "τ", "rho": "ρ", "mu": "μ", "delta": "δ", "varepsilon": "ε", "epsilon": "ε",
}  # fmt: skip
GLYPHS = r"[λησΣθβγατρμδε]"


def faults(figure, caption, name=""):
    """What is wrong with a figure at the size it was designed for, in words; empty for nothing."""
    FigureCanvasAgg(figure)  # its renderer measures the words
    figure.draw_without_rendering()
    texts = words(figure)
    found = [
        *_size(figure, name),
        *(f"type of {each.get_fontsize():.1f} pt: {each.get_text()!r}" for each, _ in texts if _small(each)),
        *(f"touching: {pair}" for pair in overlaps(figure)),
        *(f"outside: {each!r}" for each in outside(figure)),
        *(f"raw markup: {each.get_text()!r}" for each, _ in texts if _raw(each.get_text())),
        *_ticks(figure),
        *_widths(figure),
        *(f"the caption does not say {each!r}" for each in unnamed(figure, caption)),
    ]
    if getattr(figure, "_suptitle", None) is None:
        found.append("no finding as its title")
    if (size := len(_svg_as_laid_out(figure))) > HEAVIEST:
        found.append(f"SVG of {size} bytes")
    return found


def _svg_as_laid_out(figure):
    """The figure as SVG, in the layout that was checked: to lay it out again takes as long as to draw it."""
    layout, figure._layout_engine = figure._layout_engine, None
    try:
        return output.svg(figure)
    finally:
        figure._layout_engine = layout


def words(figure):
    """Every text that is drawn, with its box."""
    ticks = [axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)]
    named = {
        label for axis in ticks for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)
    }
    out = [text for text in figure.findobj(Text) if text not in named]
    for axis in ticks:
        if axis.axes.get_visible() and axis.axes.axison:
            out += [tick.label1 for tick in _shown(axis)]
    hidden = [text for part in _hidden(figure) for text in part.findobj(Text)]
    drawn = [text for text in out if text.get_visible() and text.get_text().strip() and text not in hidden]
    return [(text, text.get_window_extent()) for text in drawn]


def _shown(axis):
    low, high = sorted(axis.get_view_interval())
    return [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]


def _hidden(figure):
    own = [ax.legend_ for ax in figure.axes if ax.legend_ is not None]
    return [part for part in [*figure.legends, *own, *figure.axes] if not part.get_visible()]


def overlaps(figure):
    """Pairs of texts whose boxes share more than a point in both directions."""
    point = figure.dpi / 72.0
    found = []
    for (one, a), (other, b) in itertools.combinations(words(figure), 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > point and high > point:
            found.append((one.get_text(), other.get_text()))
    return found


def outside(figure):
    """Texts that leave the canvas by more than a point."""
    point, canvas = figure.dpi / 72.0, figure.bbox
    return [
        text.get_text()
        for text, box in words(figure)
        if min(box.x0, box.y0, canvas.width - box.x1, canvas.height - box.y1) < -point
    ]


def panels(figure):
    """The axes that are drawn; one that is switched off and empty is no more than room."""
    return [ax for ax in figure.axes if ax.get_visible() and (ax.axison or _content(ax))]


def _content(ax):
    return [*ax.lines, *ax.collections, *ax.patches, *ax.images, *ax.texts]


def _size(figure, name):
    count, width = len(panels(figure)), figure.get_figwidth()
    if count > PANELS and not name.endswith("-all"):
        yield f"{count} panels"
    if width > WIDEST:
        yield f"{width:.1f} inches wide"
    for ax in panels(figure):
        if not _content(ax):
            yield "a panel without data"


def _small(text):
    return text.get_fontsize() < SMALLEST_TYPE - 1e-6


def _raw(text):
    bare = re.sub(r"\$[^$]*\$", "", text.replace(r"\$", ""))
    return bool(re.search(r"\w_\w|\w\^|log10", bare))


def _ticks(figure):
    for ax in panels(figure):
        for axis in (ax.xaxis, ax.yaxis) if ax.axison else ():
            shown = [tick for tick in _shown(axis) if tick.label1.get_visible() and tick.label1.get_text()]
            categorical = any(re.search(r"[A-Za-z]{3}", tick.label1.get_text()) for tick in shown)
            if shown and len(shown) < FEWEST_TICKS and not categorical:
                yield f"{len(shown)} names on the axis {axis.get_label_text() or axis.axis_name!r}"


def _widths(figure):
    for ax in panels(figure):
        for line in ax.lines:
            drawn = line.get_linestyle() not in ("None", "none", "", " ") and line.get_visible()
            if drawn and not any(np.isclose(line.get_linewidth(), width) for width in WIDTHS):
                yield f"a line of {line.get_linewidth():g} pt"


def unnamed(figure, caption):
    """Marks and symbols of a figure that neither its caption nor its own words explain."""
    said = caption.lower()
    for wanted in sorted(set(_marks(figure))):
        if not re.search(wanted, said):
            yield wanted
    texts = [text.get_text() for text, _ in words(figure)]
    for symbol in sorted({symbol for text in texts for symbol in symbols(text)}):
        beside_words = any(symbol in symbols(text) and _explains(text) for text in texts)
        if not beside_words and symbol not in caption:
            yield symbol


def _explains(text):
    """Whether a text has a word beside its symbols."""
    return bool(re.search(r"[A-Za-z]{4}", re.sub(r"\$[^$]*\$", "", text)))


def symbols(text):
    """Symbols of a text: Greek letters, and letters of its formulas with their indices."""
    found = set(re.findall(GLYPHS, re.sub(r"\$[^$]*\$", "", text)))
    for formula in re.findall(r"(?<!\\)\$([^$]*)\$", text):
        plain = re.sub(r"\\(?:mathrm|text|operatorname|mathit)\{[^{}]*\}", "", formula)
        plain = re.sub(
            r"\\([A-Za-z]+)", lambda word: LETTERS.get(word[1], " " if word[1] != "max" else "max"), plain
        )
        for letter, index in re.findall(rf"([A-Za-z]|{GLYPHS})(?![A-Za-z])(?:_\{{?([\w,]+)\}}?)?", plain):
            found.add(f"{letter}_{index}" if index else letter)
    return found


def _marks(figure):
    for ax in panels(figure):
        legend = {text.get_text() for text in _legend_texts(figure, ax)}
        bars = {
            part
            for each in ax.containers
            if isinstance(each, ErrorbarContainer)
            for part in each.get_children()
        }
        for line in ax.lines:
            if (
                line.get_visible()
                and len(line.get_xdata())
                and line.get_label() not in legend
                and line not in bars
            ):
                yield from _of_line(line)
        for each in ax.containers:
            if isinstance(each, ErrorbarContainer):
                yield r"interval|standard error|bar"
        for shade in ax.collections:
            if isinstance(shade, PolyCollection) and shade.get_alpha() == 0.2 and shade.get_paths():
                yield r"quartile|band"
            if isinstance(shade, LineCollection) and not any(
                shade in each.get_children() for each in ax.containers
            ):
                yield r"line|bar|tick"
        if any(isinstance(patch, Rectangle) and patch.get_width() for patch in ax.patches):
            yield r"shade|gray|bar"


def _of_line(line):
    style, marker = line.get_linestyle(), line.get_marker()
    if style == "--":
        dots = line._unscaled_dash_pattern[1]
        yield "dotted" if dots and dots[0] <= 1.5 else "dashed"
    if marker in SHAPES:
        yield SHAPES[marker]
    if marker in ("o", ".") and (line.get_alpha() or 1.0) < 0.6:
        yield r"faint|dot|seed|each run|every run|point"


def _legend_texts(figure, ax):
    legends = [*figure.legends, *([ax.legend_] if ax.legend_ else [])]
    return [text for legend in legends for text in legend.get_texts()]
