"""``explore``: one page, about a table that is read as ``fit`` reads it, in a browser where there is one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import LEAVE, refused, said
from pages import HOSTILE, outline
from stepscape.cli import browser
from stepscape.problems.user.columns import select_columns
from stepscape.problems.user.file import read_table
from stepscape.report.words import sentence
from table_files import WRONG_TABLES, numbers

TABLE = ["explore", "t.csv", "--x", "x", "--y", "y"]
FEW = [*TABLE, "--no-open"]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """No display, no browser: what there is, a test says."""
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def given(file="explorer.html"):
    """What Python gave to the page."""
    (text,) = re.findall(
        r'<script type="application/json" id="given">(.*?)</script>', Path(file).read_text("utf-8"), re.DOTALL
    )
    return json.loads(text)


# ---- the page


def test_without_a_table_the_page_stands_alone(capsys):
    printed = said(capsys, "explore")
    assert re.fullmatch(
        r"Wrote explorer\.html \(\d+ kB, works offline\); open it in a browser: there is no display\n",
        printed.out,
    )
    assert os.listdir() == ["explorer.html"]
    assert given()["table"] is None
    assert Path("explorer.html").stat().st_size < 1_000_000


def test_a_table_is_in_the_page_with_what_was_done_to_it(capsys):
    Path("t.csv").write_text("x,y\n" + numbers() + "oops,3\n")
    document = json.loads(said(capsys, *FEW, "--json", "--out", "page.html").out)
    assert given("page.html")["table"]["source"] == "t.csv"
    assert set(document) == {"schema", "command", "file", "bytes", "opened", "table", "notes"}
    assert document["table"] == {
        "file": "t.csv", "x": "x", "y": "y", "loss": "square", "classes": [], "rows": 21, "used": 20,
        "shown": 20, "dropped": {"not a number (first: 'oops' in column 'x', line 22)": 1},
    }  # fmt: skip
    assert document["bytes"] == Path("page.html").stat().st_size
    assert document["notes"] == given("page.html")["table"]["notes"]
    assert document["notes"][0].startswith("20 of 21 rows are used; dropped: 1 × not a number")
    assert document["notes"][-1].startswith("The page trains on (x - 9.5)/5.76628 and (y - ")


def test_a_table_of_two_columns_needs_no_names(capsys):
    Path("t.csv").write_text("hours,yield\n" + numbers())
    document = json.loads(said(capsys, "explore", "t.csv", "--no-open", "--json").out)
    assert (document["table"]["x"], document["table"]["y"]) == ("hours", "yield")
    assert given()["table"]["xName"] == "hours"


def test_labels_of_two_values_are_an_outcome_whose_event_is_named(capsys):
    Path("t.csv").write_text("x,y\n" + "".join(f"{i},{'sick' if i > 9 else 'well'}\n" for i in range(20)))
    printed = said(capsys, *FEW)
    assert "the fit is the probability of 'sick'" in " ".join(printed.out.split())
    table = given()["table"]
    assert (table["loss"], table["labels"]) == ("logistic", ["well", "sick"])
    assert table["y"] == [-1.0] * 10 + [1.0] * 10
    said(capsys, *FEW, "--event", "well", "--force")
    table = given()["table"]
    assert (table["labels"], table["y"][0]) == (["sick", "well"], 1.0)
    assert "'well'" in table["notes"][-1]


def test_guesses_are_told_as_fit_tells_them(capsys):
    Path("t.csv").write_text("0,1,2\n" + "".join(f"{i},{i},{i * i % 7}\n" for i in range(20)))
    columns = select_columns(read_table("t.csv"), "1", "2")
    assert columns.notes
    told = json.loads(said(capsys, "explore", "t.csv", "--x", "1", "--y", "2", "--no-open", "--json").out)
    assert told["notes"][1:-1] == [sentence(note) for note in columns.notes]


def test_hostile_names_and_cells_are_inert(capsys):
    name = f"{HOSTILE}<!--\u2028\ufffd"
    rows = "".join(f'{i},"{"a</script><script>" if i % 3 else "b<!--"}"\n' for i in range(20))
    head = '"' + name.replace('"', '""').replace("\ufffd", "\x1b") + '",y\n'
    Path("t.csv").write_text(head + rows)
    said(capsys, "explore", "t.csv", "--x", name, "--y", "y", "--no-open")
    html = Path("explorer.html").read_text("utf-8")
    assert html.count("<script") == html.count("</script>") == 3
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", html)
    assert [tag for tag, _ in outline(html).tags].count("script") == 3
    table = given()["table"]
    assert table["xName"] == name
    assert table["labels"] == ["b<!--", "a</script><script>"]


# ---- what is refused


@pytest.mark.parametrize("case", WRONG_TABLES)
def test_a_wrong_table_gets_the_sentence_of_fit(capsys, case):
    Path("t.csv").write_bytes(WRONG_TABLES[case][0])
    sentence = refused(capsys, FEW)
    assert WRONG_TABLES[case][1] in sentence
    assert sentence == refused(capsys, ["fit", *FEW[1:-1]])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["t.csv"], "--x and --y must name a column of 't.csv', got nothing; its columns: x, y, z"),
        (["t.csv", "--x", "x"], "--y must name a column of 't.csv', got nothing; its columns: x, y, z"),
        (["t.csv", "--x", "x,z", "--y", "y"], "x must name one column here, got 2; the page draws curves;"),
        (["t.csv", "--x", "x", "--y", "w"], "unknown column 'w'"),
        (["t.csv", "--x", "x", "--y", "y", "--loss", "cube"], "unknown loss 'cube'"),
        (["t.csv", "--x", "x", "--y", "y", "--event", "2"], "y"),
        (["--x", "x"], "--x is about a table: give its FILE, too, or leave --x out"),
        (["--loss", "square"], "--loss is about a table: give its FILE"),
        (["no.csv", "--x", "x", "--y", "y"], "no.csv"),
        (["--out", "no/page.html"], "cannot write 'no/page.html': there is no directory 'no'"),
        (["--out", "."], "cannot write '.': it is a directory"),
        (["--no-opn"], "unknown option '--no-opn'; did you mean '--no-open'?"),
    ],
)
def test_wrong_words_are_refused(capsys, words, says):
    Path("t.csv").write_text("x,y,z\n" + "".join(f"{i},{i * i % 7},1\n" for i in range(20)))
    assert says in refused(capsys, ["explore", "--no-open", *words])


def test_a_file_that_exists_stays_unless_forced(capsys):
    Path("explorer.html").write_text("mine")
    assert "'explorer.html' exists; name another file or add --force" in refused(capsys, ["explore"])
    assert Path("explorer.html").read_text() == "mine"
    said(capsys, "explore", "--force")
    assert given()["table"] is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device")
def test_a_device_is_no_place_for_a_page(capsys):
    assert "cannot write '/dev/full': it is a device" in refused(
        capsys, ["explore", "--out", "/dev/full", "--force"]
    )


# ---- the browser

RECORD = 'import pathlib, sys; pathlib.Path("opened").write_text(sys.argv[1])'


def program(text):
    """A browser of its own: a script that gets the address."""
    Path("browser.py").write_text(text)
    return f"{sys.executable} {Path('browser.py').resolve()} %s"


def test_the_page_is_opened_by_its_address(capsys, surroundings):
    surroundings.setenv("BROWSER", program(RECORD))
    printed = said(capsys, "explore", "--out", "a b.html")
    assert printed.out.endswith("works offline) and opened it in your browser\n")
    assert Path("opened").read_text() == (Path.cwd() / "a b.html").as_uri()


def test_with_no_open_nothing_is_opened(capsys, surroundings):
    surroundings.setenv("BROWSER", program(RECORD))
    assert said(capsys, "explore", "--no-open").out.endswith("works offline); open it in a browser\n")
    assert not Path("opened").exists()


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"SSH_CONNECTION": "1.2.3.4 1 5.6.7.8 22", "DISPLAY": ":0"}, "this is a session on another machine"),
        ({"SSH_TTY": "/dev/pts/3"}, "this is a session on another machine"),
        ({"BROWSER": "false %s"}, "no browser could be started"),
        ({"BROWSER": "/no/such/browser %s"}, "no browser could be started"),
    ],
)
def test_where_no_browser_opens_the_page_is_there_and_the_status_0(capsys, surroundings, variables, why):
    for name, value in variables.items():
        surroundings.setenv(name, value)
    printed = said(capsys, "explore")
    assert printed.out.endswith(f"; open it in a browser: {why}\n")
    assert (printed.err, Path("explorer.html").is_file()) == ("", True)


def test_a_browser_that_does_not_come_back_is_not_waited_for(capsys, surroundings):
    surroundings.setattr(browser, "PATIENCE", 0.5)
    surroundings.setenv("BROWSER", program("import time; time.sleep(20)"))
    began = time.monotonic()
    assert "opened it in your browser" in said(capsys, "explore").out
    assert time.monotonic() - began < 15.0


def test_a_browser_gets_neither_the_terminal_nor_what_is_typed_there(surroundings):
    surroundings.setenv("TERM", "xterm")
    look = "import json, os, sys; json.dump([sys.stdin.read(), os.environ.get('TERM')], open('seen', 'w'))"
    surroundings.setenv("BROWSER", program(look))
    subprocess.run([sys.executable, "-c", LEAVE, "explore"], input="typed", text=True, check=True)
    assert json.loads(Path("seen").read_text()) == ["", None]


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_an_interrupt_after_the_page_was_written_says_so(surroundings):
    surroundings.setenv("BROWSER", program("import time; time.sleep(8)"))
    process = subprocess.Popen([sys.executable, "-c", LEAVE, "explore"], stderr=subprocess.PIPE, text=True)
    while not Path("explorer.html").exists():
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 130
    assert words == "stepscape: interrupted; the page 'explorer.html' is complete\n"
