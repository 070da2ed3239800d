"""A compact SVG is the same picture: every element, style and reference, within a hundredth of a point."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from stepscape.figures import style
from stepscape.figures.compact_svg import compact

ROOT = Path(__file__).parents[2]
LARGEST = 150_000  # bytes of a committed picture
COMMITTED = sorted((ROOT / "docs").rglob("*.svg"))


@pytest.fixture(scope="module")
def original():
    """What matplotlib writes of lines, marks, hatches, text and clipped areas."""
    import io

    figure, axes = style.canvas(1, 2)
    x = np.linspace(0.0, 3.0, 40)
    axes[0, 0].plot(x, np.sin(x), "o-", label="a curve")
    axes[0, 0].fill_between(x, np.sin(x) - 0.1, np.sin(x) + 0.1, alpha=0.3)
    axes[0, 1].bar([1, 2], [2.0, 1.0], hatch="//")
    style.label(axes[0, 0], "input x", "label y", "a panel")
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue()


def elements(text):
    """Every drawn element: its name, and the numbers of its coordinates."""
    found = []
    for each in ElementTree.fromstring(text).iter():
        name = each.tag.rpartition("}")[2]
        if name in ("path", "use", "rect", "text", "image"):
            numbers = [each.get(key, "") for key in ("d", "x", "y", "width", "height", "transform")]
            found.append((name, [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", " ".join(numbers))]))
    return found


def test_the_picture_stays(original):
    before, after = elements(original), elements(compact(original))
    assert [name for name, _ in before] == [name for name, _ in after]
    for (_, one), (_, other) in zip(before, after, strict=True):
        np.testing.assert_allclose(one, other, atol=0.005001)
    scales = re.compile(r"scale\([^)]*\)")  # of glyphs: 1/64 is no 0.02
    assert scales.findall(original) == scales.findall(compact(original))


def test_it_is_much_smaller(original):
    assert len(compact(original)) < 0.6 * len(original)


def test_every_reference_has_its_target_and_every_class_its_style(original):
    text = compact(original)
    assert set(re.findall(r'href="#([^"]+)|url\(#([^)]+)', text)) <= {
        pair for name in re.findall(r' id="([^"]+)"', text) for pair in ((name, ""), ("", name))
    }
    assert set(re.findall(r' class="([^"]+)"', text)) == set(re.findall(r"\.(s[0-9a-f]+)\{", text))


def test_equal_styles_have_equal_classes_in_every_picture(original):
    other = original.replace("#0072b2", "#d55e00")
    one, two = (dict(re.findall(r"\.(s[0-9a-f]+)\{([^}]*)\}", compact(text))) for text in (original, other))
    assert all(one[name] == two[name] for name in one.keys() & two.keys())
    assert Counter(one.values()).most_common(1)[0][1] == 1


def test_compacting_again_changes_nothing(original):
    once = compact(original)
    assert compact(once) == once


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.name)
def test_committed_pictures_are_small(path):
    assert path.stat().st_size < LARGEST
