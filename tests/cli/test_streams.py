"""What a command prints on streams of any kind (closed, full, of another encoding), and of hostile files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import stepscape
from commands import LEAVE, said
from stepscape.cli import console, streams
from stepscape.errors import OutputError

CHILD = [sys.executable, "-c", LEAVE]
HOSTILE = "a\x1b]0;title\x07\x9b31m\u202eb\udcff[red]c[/red]"


def shell(line, **environment):
    variables = os.environ | {"PYTHONPATH": str(Path(stepscape.__file__).parents[1])} | environment
    variables.pop("PYTHONUNBUFFERED", None)  # what is buffered can fail later
    return subprocess.run(["sh", "-c", line, "sh", *CHILD], capture_output=True, env=variables)


# ---- streams that are closed or full


def warn_and_answer(words):
    def act(_unfinished):
        console.warn("mind the gap")
        console.answer({"command": "x"}, ["a line"], "--json" in words)

    return act


SCRIPT = """
import sys
sys.path[:0] = {tests!r}
from stepscape.cli import app, main
from test_streams import warn_and_answer
app.parse = warn_and_answer
sys.exit(main())
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_without_stderr_the_document_stands_alone_on_stdout(stderr):
    script = SCRIPT.format(tests=[str(Path(__file__).parent), str(Path(__file__).parents[1])])
    line = f'"$1" -c "$2" --json {stderr}'
    done = subprocess.run(["sh", "-c", line, "sh", sys.executable, script], capture_output=True)
    assert json.loads(done.stdout)["command"] == "x"
    assert done.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ('"$@" nonsense 2>/dev/full', 2, b""),
        ('"$@" nonsense 2>&-', 2, b""),
        ('"$@" nonsense >&- 2>&-', 2, b""),
        ('"$@" example-sweep >&-', 0, b""),
        ('"$@" --help >/dev/full', 1, b"stepscape: could not read or write: No space left on device\n"),
        ('"$@" example-sweep >/dev/full 2>&1', 1, b""),
        ('"$@" example-sweep | head -n 1 >/dev/null', 0, b""),
    ],
)
def test_the_exit_status_is_right_whatever_the_streams_are(line, status, said):
    done = shell(line)
    assert (done.returncode, done.stderr) == (status, said)


def test_a_closed_stream_is_no_file_of_ours():
    script = (
        "import os, sys; from stepscape.cli import streams; streams.prepare(); "
        "file = open('table', 'w'); sys.stderr.write('lost'); os.write(2, b'lost'); file.write('kept')"
    )
    subprocess.run(["sh", "-c", f'"{sys.executable}" -c "{script}" 2>&-'], check=True)
    assert Path("table").read_text() == "kept"


# ---- encodings


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "utf-8"])
def test_every_text_can_be_written_in_every_encoding(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    streams.prepare()
    streams.write("λ_max ≤ 2/η ± ½, x², Größe, да, 日本, \udcff")
    streams.flush()
    text = raw.getvalue().decode(encoding)
    assert "\\udcff" in text
    if encoding == "ascii":
        assert text.startswith("lambda_max <= 2/eta +/- 1/2, x^2, Gro\\xdfe, \\u0434\\u0430, \\u65e5\\u672c")
    if encoding == "utf-8":
        assert text.startswith("λ_max ≤ 2/η ± ½, x², Größe, да, 日本, ")


@pytest.mark.parametrize(
    ("character", "spelled"),
    [
        ("Σ", "Sigma"),
        ("σ", "sigma"),
        ("é", "e"),
        ("e\u0301", "e"),
        ("⁻", "^-"),
        ("₂", "_2"),
        ("→", "->"),
        ("½", "1/2"),
        ("…", "..."),
    ],
)
def test_a_character_that_an_encoding_lacks_has_a_readable_spelling(character, spelled):
    streams.prepare()
    assert character.encode("ascii", "stepscape.readable").decode() == spelled


def test_only_what_cannot_be_encoded_is_respelled():
    streams.prepare()
    assert "½ λ".encode("cp1252", "stepscape.readable") == "½ lambda".encode("cp1252")
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "stepscape.readable")


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
)
def test_a_terminal_without_unicode_gets_the_whole_result(variables):
    done = shell('"$@" list --long', **variables)
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout.isascii()
    assert b"lambda_max settles at 2/eta" in b" ".join(done.stdout.split())


# ---- control characters


def test_nothing_that_acts_on_a_terminal_is_printed(capsys):
    console.warn(HOSTILE)
    console.answer({}, [HOSTILE, "two\nlines\tand a tab"], as_json=False)
    printed = capsys.readouterr()
    for text in printed:
        assert not set("\x1b\x07\x9b\u202e\udcff") & set(text)
        assert r"a\x1b]0;title\x07\x9b31m\u202eb\udcff[red]c[/red]" in text
    assert "two\nlines\tand a tab" in printed.out


def test_a_progress_bar_shows_names_as_they_are(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    with console.progress(HOSTILE) as progress:
        progress(0.5, f"[/] {HOSTILE}")
    assert "\x07" not in capsys.readouterr().err


def test_a_column_name_of_a_file_does_not_act_on_the_terminal(capsys):
    name = "\u202ename[/]"
    rows = "\n".join(f"{i},{i * i % 7}" for i in range(12))
    Path("t.csv").write_text(f"{name},y\n{rows}\n", encoding="utf-8")
    err = said(capsys, "fit", "t.csv", "--x", "z", "--y", "y", status=2).err
    assert "name[/], y" in err
    assert "\u202e" not in err


# ---- sentences


def test_a_stream_that_fails_in_another_way_is_said_so(monkeypatch):
    class Odd(io.StringIO):
        def write(self, _text):
            raise ValueError("I/O operation on closed file")

    monkeypatch.setattr(sys, "stdout", Odd())
    with pytest.raises(OutputError, match=r"cannot write to standard output: i/O operation on closed file"):
        streams.write("x")


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "NAME", "--x", "x", "--y", "y"],
        ["run", "curve-fitting", "--out", "NAME"],
        ["demo", "--out", "NAME"],
        ["status", "NAME"],
        ["report", "NAME"],
        ["verify", "curve-fitting", "--out", "NAME"],
        ["run", "NAME"],
    ],
)
@pytest.mark.parametrize("name", ["b" + 398 * "a" + "c", "d/" * 2500 + "data.csv"])
def test_a_name_that_is_too_long_is_shortened_and_what_is_wrong_is_said(capsys, words, name):
    err = said(capsys, *(name if word == "NAME" else word for word in words), status=2).err
    assert f"{name[:40]}" in err
    assert " characters)" in err
    assert "too long" in err or "unknown" in err
    assert len(err) < 700


def test_prose_is_not_shortened():
    from stepscape.cli.wording import sentence

    text = "it's 'one' that doesn't match, isn't it? " + "word " * 20 + "and 'another' one, isn't it?"
    assert sentence(OutputError(text)) == " ".join(text.split())
