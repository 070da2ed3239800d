"""The command watch: what it draws, reports and refuses, and how it ends."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commands import LEAVE, listing, refused, said
from monitor_rows import row, rows
from pages import HOSTILE, outline
from stepscape.cli import completion
from stepscape.cli.watch_lines import watch_lines

RUN = rows([0.1, 0.4, 0.8, 1.0, 1.0, 1.9, 1.0, 1.0], [2.0, 1.5, 1.2, 1.0, 0.9, 6.0, 0.8, 0.7], residual=1e-3)


def write(path, given, more=""):
    Path(path).write_text("".join(each.to_line() + "\n" for each in given) + more, encoding="utf-8")


@pytest.fixture
def run_file(here):
    write("run.jsonl", RUN)
    return here / "run.jsonl"


# ---- what it draws


@pytest.mark.usefixtures("run_file")
@pytest.mark.parametrize("words", [[], ["--once"]])
def test_elsewhere_than_on_a_terminal_the_picture_is_drawn_once(capsys, words):
    printed = said(capsys, "watch", "run.jsonl", *words)
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[0] == "run.jsonl: 8 measurements"
    assert lines[2].startswith("edge ratio (dashed: edge of stability)")
    assert any("⠁" <= letter <= "⣿" for letter in printed.out)
    assert "step 100" in printed.out
    assert "step 800" in printed.out
    whole = " ".join(printed.out.split())
    assert "Last measurement: step 800, loss 0.700, λ_max 20, residual 0.00100, edge ratio 1" in whole
    assert "The run has been at the edge since step 400: 5 measurements, median edge ratio 1." in whole
    assert "The loss spike at step 600 (from 1.20 to 6) came with an edge ratio of 1.9." in whole
    assert listing(Path.cwd()) == ["run.jsonl"]


def test_a_run_that_has_not_begun_and_a_line_that_is_half_written(capsys):
    write("run.jsonl", [])
    assert "run.jsonl: waiting for the first measurement" in said(capsys, "watch", "run.jsonl").out
    write("run.jsonl", RUN[:1], RUN[1].to_line()[:99])
    assert "run.jsonl: 1 measurement\n" in said(capsys, "watch", "run.jsonl").out


def test_the_document_holds_all_of_it(capsys):
    write("run.jsonl", RUN)
    document = json.loads(said(capsys, "watch", "run.jsonl", "--json").out)
    assert (document["schema"], document["command"], document["file"]) == (1, "watch", "run.jsonl")
    assert document["measurements"] == len(document["rows"]) == 8
    assert [{"schema": 1, **each} for each in document["rows"]] == [
        json.loads(each.to_line()) for each in RUN
    ]
    assert [(each["place"], each["first"], each["last"]) for each in document["phases"]] == [
        ("below", 100, 300),
        ("at", 400, None),
    ]
    assert [spike["step"] for spike in document["spikes"]] == [600]
    assert document["suggestion"]["step_sizes"] == [pytest.approx(0.1 * 0.8 / 1.9)]
    assert document["story"][-1] == document["suggestion"]["reason"]


@pytest.mark.parametrize("width", [1, 40, 80, 300])
def test_no_line_is_wider_than_the_terminal(width):
    from stepscape.cli.watch_document import watch_document
    from stepscape.monitor.run_file import RunFile

    document = watch_document("run.jsonl", RunFile(tuple(RUN)))
    assert max(map(len, watch_lines(document, width))) <= max(40, width)


def test_what_is_not_measured_is_said(capsys):
    write("run.jsonl", rows([None, None], [None, None], status="unsupported", reason="no"))
    out = said(capsys, "watch", "run.jsonl").out
    assert "edge ratio: not measured" in out
    assert "loss: not measured" in out


@pytest.mark.usefixtures("run_file")
def test_a_terminal_without_braille_gets_asterisks():
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, "watch", "run.jsonl"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "|**" in done.stdout
    assert "lambda_max 20" in done.stdout
    assert done.stdout.isascii()


def test_no_torch_is_needed(run_file):
    code = f"import sys; sys.modules['torch'] = None; sys.argv = ['x', 'watch', {str(run_file)!r}]; {LEAVE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "8 measurements" in done.stdout


def test_damaged_lines_are_counted_wherever_a_run_is_shown(capsys):
    write("run.jsonl", RUN[:4], "garbage\n" + "".join(each.to_line() + "\n" for each in RUN[4:]))
    says = "1 of 9 lines could not be read, line 5: a row must be one JSON object"
    assert says in " ".join(said(capsys, "watch", "run.jsonl").out.split())
    document = json.loads(said(capsys, "watch", "run.jsonl", "--json", "--out", "run.html").out)
    assert document["measurements"] == 8
    assert document["damage"].startswith(says)
    assert says in outline(Path("run.html").read_text(encoding="utf-8")).text


# ---- the report


def test_the_report_is_one_page_with_the_story(capsys):
    write("run.jsonl", RUN)
    printed = said(capsys, "watch", "run.jsonl", "--out", "run.html")
    assert printed.out.splitlines()[-1] == "Wrote run.html"
    page = outline(Path("run.html").read_text(encoding="utf-8"))
    for sentence in json.loads(said(capsys, "watch", "run.jsonl", "--json").out)["story"]:
        assert sentence.replace("λ_max", "λmax") in page.text
    assert "svg" in {tag for tag, _ in page.tags}
    assert not {"script", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not any(
        name in ("src", "href") and str(value).startswith("http")
        for _, a in page.tags
        for name, value in a.items()
    )
    assert "8 measurements up to step 800." in page.text


def test_a_text_of_the_file_does_nothing(capsys):
    evil = f"{HOSTILE}\x1b[31m"
    write("run.jsonl", [row(i, 1.0, reason=evil, blocks={evil: 1.0}, status="error") for i in range(3)])
    printed = said(capsys, "watch", "run.jsonl", "--out", "run.html")
    assert "\x1b" not in printed.out
    page = outline(Path("run.html").read_text(encoding="utf-8"))
    assert "script" not in {tag for tag, _ in page.tags}
    assert "<script>alert(1)</script>" in page.text  # as text
    assert "\x1b" not in Path("run.html").read_text(encoding="utf-8")


def test_a_long_run_is_reported_by_its_last_rows(capsys):
    write("run.jsonl", rows([1.0] * 450))
    said(capsys, "watch", "run.jsonl", "--out", "run.html")
    text = Path("run.html").read_text(encoding="utf-8")
    assert "The last 200 of 450 measurements; the file holds all of them" in text
    assert text.count("<tr>") <= 210


# ---- what it refuses


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG\r\n\x1a\n\x00", "the file 'run.jsonl' must hold rows, as Monitor(…, file=…) writes them"),
        (b"hello\n", "got none that can be read; line 1: a row must be one JSON object"),
        (b'{"schema":2}\n', "schema must be 1, got 2"),
    ],
)  # fmt: skip
def test_a_file_that_holds_something_else(capsys, content, says):
    Path("run.jsonl").write_bytes(content)
    assert says in refused(capsys, ["watch", "run.jsonl"])


def test_what_is_refused_before_anything_is_drawn(capsys):
    assert "there is no such file" in refused(capsys, ["watch", "run.jsonl"])
    write("run.jsonl", [])
    says = "'run.jsonl' must hold a measurement, got none yet; wait for the first one"
    assert says in refused(capsys, ["watch", "run.jsonl", "--out", "run.html"])
    write("run.jsonl", RUN)
    Path("run.html").write_text("mine")
    assert "'run.html' exists; name another file or add --force" in refused(
        capsys, ["watch", "run.jsonl", "--out", "run.html"]
    )
    said(capsys, "watch", "run.jsonl", "--out", "run.html", "--force")
    assert Path("run.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "there is no directory 'no'" in refused(capsys, ["watch", "run.jsonl", "--out", "no/run.html"])


def test_a_shell_completes_files_of_rows():
    write("run.jsonl", [])
    write("other.csv", [])
    assert completion.runs("") == ["run.jsonl"]


# ---- while it trains


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *words):
        import pty

        self._master, slave = pty.openpty()
        environment = {
            **os.environ,
            "TERM": "xterm",
            "COLUMNS": "90",
            "LINES": "50",
            "PYTHONIOENCODING": "utf-8",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEAVE, *words], stdin=slave, stdout=slave, stderr=slave, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def wait_for(self, text, patience=60.0):
        deadline = time.monotonic() + patience
        while text not in self.seen and time.monotonic() < deadline:
            if select.select([self._master], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self._master, 65536).decode("utf-8", "replace")
                except OSError:  # the command has ended
                    break
        assert text in self.seen, self.seen[-2000:]

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        self.wait_for("interrupted; nothing was left behind")
        status = self.process.wait(timeout=60)
        os.close(self._master)
        return status


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_follows_the_file_until_ctrl_c():
    write("run.jsonl", [])
    terminal = Terminal("watch", "run.jsonl")
    try:
        terminal.wait_for("waiting for the first measurement")
        write("run.jsonl", RUN[:3], RUN[3].to_line()[:40])
        terminal.wait_for("run.jsonl: 3 measurements")
        terminal.wait_for("Ctrl-C ends the watch")
        write("run.jsonl", RUN)
        terminal.wait_for("run.jsonl: 8 measurements")
        assert terminal.end() == 130
        assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l")  # the cursor is back
    finally:
        terminal.process.kill()
    assert listing(Path.cwd()) == ["run.jsonl"]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_damage_is_told_and_a_file_that_is_removed_ends_the_watch():
    write("run.jsonl", RUN)
    terminal = Terminal("watch", "run.jsonl")
    try:
        terminal.wait_for("8 measurements")
        write("run.jsonl", RUN, "garbage\n")
        terminal.wait_for("1 of 9 lines could not be read, line 9: a row must be")
        Path("run.jsonl").unlink()
        terminal.wait_for("cannot read 'run.jsonl': there is no such file")
        assert terminal.process.wait(timeout=60) == 2
    finally:
        terminal.process.kill()
