"""The index of a ledger has a card for each claim, and the page of a claim everything that belongs to it."""

from __future__ import annotations

import base64
import hashlib
import re

import msgspec
import numpy as np
import pytest

import claims
from pages import HOSTILE, outline
from stepscape import experiments
from stepscape.experiments.frame import ledger
from stepscape.experiments.frame.before import Before
from stepscape.experiments.frame.kinds import FOR_ALL, KINDS, WORDS
from stepscape.figures import style
from stepscape.report import draw, page_share, render, render_index, thumbnail, words
from stepscape.report.claim import claim_page
from stepscape.report.content import Page, Section
from stepscape.report.headline import finding, first_clause, headline
from stepscape.report.ledger import ledger_index


@pytest.fixture
def entry():
    toy = claims.claim()
    return ledger.enter(toy, experiments.run(toy, toy.quick), "quick", ["it broke", "it broke", "no"], 61.0)


def named(entry, name, **changes):
    about = msgspec.structs.replace(entry.experiment, name=name)
    return msgspec.structs.replace(entry, experiment=about, **changes)


def toy_figure(points=3):
    figure, axes = style.canvas()
    axes[0, 0].plot(np.random.default_rng(0).normal(size=points), "o")
    return figure


def book(*entries, size="quick"):
    return ledger.Ledger(size, list(entries), {}, 61.0)


def index_of(*entries, **more):
    html = render_index(ledger_index(book(*entries), **more, origin="made here"))
    return outline(html), html


def page_of(entry, drawings=(), **more):
    return outline(render(claim_page(entry, drawings, origin="made here", **more)))


# ---- the page of a claim


def test_the_page_has_everything_that_belongs_to_a_claim(entry):
    page = page_of(entry, [draw(toy_figure(), "toy-risk", "what it shows")])
    for said in (
        "What toy claims & more", "figure", "A document, its third page", "reproduced", "consistent",
        "6 runs were made.", "1 [0.5, 1.5], n = 3", "Rule: The rule of the first part.",
        "what it shows", "some neurons bend", "3 to 4, median 3.5",
        "measured in 4 of 6 runs", "How the setup was chosen", "0.25, 0.5, 2.0",
        "stepscape run toy", "1 min 1 s", "8 finished, 4 diverged, 3 failed", "2 runs failed: it broke.",
        "1 run failed: no.", "made here", "quick size",
    ):  # fmt: skip
        assert said in page.text, said
    assert "in the store" not in page.text
    assert "before: ●" not in page.text
    assert ("a", {"href": "../report.html"}) in page.tags


def test_a_claim_whose_records_are_gone_says_so(entry):
    assert "The records of these runs are no longer in the store" in page_of(entry).text


def test_the_first_figure_stands_below_the_lead_and_large_ones_are_linked(entry):
    drawings = [draw(toy_figure(), f"toy-{name}", f"The {name} caption.") for name in ("first", "second")]
    html = render(claim_page(entry, drawings, [("Every cell", "../figures/toy-cells-all.svg")]))
    order = ["What toy claims", "The first caption.", "Contents", "Verdicts", "The second caption."]
    places = [html.index(words) for words in order]
    assert places == sorted(places)
    assert html.count("The first caption.</figcaption>") == 1
    assert '<a href="../figures/toy-cells-all.svg">Every cell</a>' in html


def test_a_quick_page_shows_the_verdict_of_the_full_size(entry):
    text = " ".join(page_of(entry, full_size={"first": "partly", "second": "consistent"}).text.split())
    assert "● reproduced this part decides full size: ◐ partly reproduced" in text
    assert text.count("full size: ◐ partly reproduced") == 1
    assert "full size: ≤" not in text  # the same word says nothing new
    index, _ = index_of(entry, full_size={"toy": {"first": "partly"}})
    assert "full size: ◐ partly reproduced" in " ".join(index.text.split())


def test_the_page_says_what_changed_since_the_ledger_before_and_why(entry):
    before = Before(
        "2026-10-01", {"first": "partly", "second": "consistent"}, ["first"], ["seeds"], code=True
    )
    changed = msgspec.structs.replace(entry, before=before)
    text = " ".join(page_of(changed).text.split())
    assert (
        "Since the quick run of 2026-10-01, 1 of 2 verdicts changed: “The first part” was partly reproduced "
        "and is reproduced. What was changed in between: 1 rule, the seeds and the code." in text
    )
    assert "before: ◐ partly reproduced" in text
    assert "changed from the committed ledger" in text
    index, _ = index_of(changed)
    assert "changed from the committed ledger" in index.text
    assert any("Since the quick run" in (a.get("title") or "") for _, a in index.tags)
    for same in (entry, msgspec.structs.replace(entry, before=Before("", entry.words))):
        assert "changed from the committed ledger" not in page_of(same).text
        assert "changed" not in index_of(same)[0].text


# ---- the index


def test_the_index_links_every_claim_and_marks_every_verdict(entry):
    parts = {word: ledger.Verdict(word, "why", {}) for word in WORDS}
    page, _ = index_of(msgspec.structs.replace(entry, verdicts=parts), named(entry, "other"))
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links.count("claims/toy.html") == links.count("claims/other.html") == 2  # picture and title
    assert {link[1:] for link in links if link.startswith("#")} <= set(identifiers)
    for kind in KINDS.values():  # without color, marks tell the verdicts of a kind apart
        known = dict.fromkeys([*kind, *FOR_ALL])
        assert len({words.VERDICTS[word][0] for word in known}) == len(known)
    tips = {attributes.get("title") for _, attributes in page.tags}
    for word in WORDS:  # each mark of the strip is told in words
        assert f"{word.replace('_', ' ')}: {words.VERDICTS[word][1]}" in tips


def test_claims_stand_in_the_order_of_the_story():
    some = ["weighted-tv", "sharpness-vs-step-size", "noise-robustness", "sparsity-vs-step-size"]
    about = [
        ledger.About(name, f"The title of {name}", *["text"] * 4) for name in [*some, "curve-fitting", "x"]
    ]
    verdicts = {"a": ledger.Verdict("yes", "", {}, primary=True)}
    entries = [ledger.Entry(each, "quick", {}, verdicts, [], ledger.Runs(1, 0, 0), {}, 1.0) for each in about]
    page, _ = index_of(*entries)
    order = [
        "Curve fitting", "The title of curve-fitting", "The title of sparsity-vs-step-size",
        "The edge of stability", "The title of sharpness-vs-step-size", "Weighted variation",
        "The title of weighted-tv", "The logistic loss", "The title of noise-robustness", "Further claims",
        "The title of x",
    ]  # fmt: skip
    places = [page.text.rindex(words) for words in order]
    assert places == sorted(places)
    assert [tag for tag, _ in page.tags].count("section") == 6  # five chapters, and the words below


def test_all_the_index_may_run_is_its_search_and_its_policy_says_so(entry):
    _, html = index_of(entry)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in html
    )


def test_the_size_is_said_and_the_commands_repeat_it(entry):
    full = ledger.Ledger("full", [msgspec.structs.replace(entry, size="full")], {})
    text = outline(render_index(ledger_index(full))).text
    assert "stepscape verify toy --full" in text
    assert "full size" in text
    assert "--full" not in index_of(entry)[0].text
    assert "quick size" in index_of(entry)[0].text


def test_hostile_words_stay_words(entry):
    about = msgspec.structs.replace(
        entry.experiment, title=HOSTILE, claim=HOSTILE, setup=HOSTILE, source=HOSTILE
    )
    bad = ledger.Verdict("partly", HOSTILE, {HOSTILE: HOSTILE}, HOSTILE)
    premise = ledger.Premise("column", HOSTILE, "", 2, 1, HOSTILE)
    hostile = msgspec.structs.replace(
        entry, experiment=about, verdicts={HOSTILE: bad}, premises=[premise], failures={HOSTILE: 1}
    )
    for html in (
        render(claim_page(hostile, [], [(HOSTILE, "../figures/x.svg")], {}, HOSTILE)),
        index_of(hostile)[1].replace("<script>(", "", 1),
    ):
        assert "<script" not in html
        page = outline(html.replace("</script>", ""))
        assert "alert(1)" in page.text
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


# ---- headlines and pictures


def test_the_title_of_a_card_is_the_finding_of_the_part_that_decides(entry):
    assert headline(entry).words == "The first part"
    assert finding(entry) == "6 runs were made"

    def told(kind="figure", **changes):
        found = msgspec.structs.replace(entry.verdicts["first"], kind=kind, **changes)
        return finding(msgspec.structs.replace(entry, verdicts={"first": found}))

    rows = {
        "a": ledger.Row(
            "not_reproduced", "The risk does not fall: 0.1 [0, 0.2] (why).", {}, "the small start"
        ),
        "b": ledger.Row(
            "reproduced", "The risk falls: 0.3 [0.2, 0.4] (why; 4 seeds).", {}, "the large start"
        ),
    }
    assert told(rows=rows) == "The risk falls: 0.3 [0.2, 0.4] (the large start)"
    assert told(word="premise_not_met", sentence="There is no such run.") == "The title of toy"
    few = "2 seeds give no usable interval: at least 3 are needed."
    assert told(word="undecided", sentence=few) == "The title of toy"
    assert told("inequality", word="holds", sentence="The inequality holds at all 8 runs; it is tight.") == (
        "The title of toy: the inequality holds at all 8 runs"
    )


@pytest.mark.parametrize(
    ("sentence", "clause"),
    [
        ("It falls: 1 [0; 2] (a; b); it rises.", "It falls: 1 [0; 2]"),
        ("2 seeds give no usable interval: at least 3 are needed; it falls.", "It falls"),
        ("2 seeds give no usable interval: 3 are needed.", "2 seeds give no usable interval: 3 are needed"),
        ("λ falls (once) and rises.", "λ falls (once) and rises"),
        ("", ""),
    ],
)
def test_the_first_clause_that_says_something(sentence, clause):
    assert first_clause(sentence) == clause


def test_a_thumbnail_is_the_largest_panel_or_the_one_that_is_marked():
    from io import BytesIO

    from matplotlib.figure import Figure
    from PIL import Image

    def shade(figure):
        data = base64.b64decode(thumbnail(figure).partition("base64,")[2])
        assert len(data) < 20_000
        with Image.open(BytesIO(data)) as image:
            assert image.size == (320, 200)
            return np.asarray(image.convert("L"))[100, 160]

    figure = Figure((6.0, 3.0))
    for at, width, face in ((0.05, 0.2, "black"), (0.3, 0.6, "gray")):
        figure.add_axes((at, 0.1, width, 0.8), facecolor=face)
    assert abs(shade(figure) - 128) < 10
    figure.axes[0].set_gid("hero")
    assert shade(figure) < 10
    assert shade(Figure((6.0, 3.0))) == 255


def test_a_page_of_huge_figures_stays_below_eight_megabytes():
    figures = [toy_figure(22_000) for _ in range(10)]
    share = page_share(len(figures))
    drawings = [draw(figure, f"figure-{i}", largest=share) for i, figure in enumerate(figures)]
    assert sum(len(drawing.svg) for drawing in drawings) > 8_000_000
    html = render(Page("t", "l", [Section("s", drawings)]))
    assert len(html.encode()) < 8_000_000
    assert page_share(1) == page_share(0) >= page_share(100)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (9.94, "9.9 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599.4, "59 min 59 s"),
        (7325.0, "2 h 2 min"),
    ],
)
def test_durations_are_written_in_two_units(seconds, text):
    assert words.duration(seconds) == text
