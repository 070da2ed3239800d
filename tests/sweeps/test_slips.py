"""Slips of the keyboard and of editors in a sweep file: one sentence with the line and what to write."""

from __future__ import annotations

import pytest

from stepscape.sweeps.file import read_sweep
from sweep_files import SMALL, TABLE, changed, read, refuse

TRUTH, WIDTH, STEP, STEPS = 'truth = "tent"', "width = 5", "step_size = 0.1", "steps = 10"
BACKSLASH = "a backslash in double quotes is an escape; write a path in single quotes or with forward slashes"
BOOLEAN, UNSET = "write true or false", "leave out a key to use its default"
QUOTES = "text stands in straight quotes, \" or '"
POINT = "a number has a decimal point, such as 0.1"


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        (TRUTH, 'data = "C:\\Users\\me\\d.csv"', 4, BACKSLASH),
        (TRUTH, 'data = "D:\\data\\d.csv"', 4, BACKSLASH),
        (TRUTH, 'data = "\\\\server\\share\\x.csv"', 4, BACKSLASH),
        (TRUTH, 'data = "C:\\xyz.csv"', 4, BACKSLASH),
        (TRUTH, "truth = “tent”", 4, QUOTES),
        (TRUTH, "truth = ‘tent’", 4, QUOTES),
        (TRUTH, "truth = „tent“", 4, QUOTES),
        (TRUTH, "truth = «tent»", 4, QUOTES),
        (TRUTH, "truth = tent", 4, "text stands in double quotes, numbers and true or false do not"),
        (
            WIDTH,
            "width = five  # “five” neurons",
            6,
            "text stands in double quotes, numbers and true or false do not",
        ),
        (TRUTH, 'truth: "tent"', 4, "each line is key = value"),
        (TRUTH, 'truth "tent"', 4, "each line is key = value"),
        (WIDTH, "width := 5", 6, "each line is key = value"),
        (WIDTH, "width = 5\nwidth = 6", 7, "a key stands once"),
        (WIDTH, "width\u00a0= 5", 6, "words stand apart by ordinary spaces"),
        (WIDTH, "width =\u20035", 6, "words stand apart by ordinary spaces"),
        (STEP, "step_size = 0,1", 8, POINT),
        (STEP, "step_size = -1,25  # comma", 8, POINT),
        (STEP, "step_size = .1", 8, "a number begins with a digit, such as 0.5"),
        (STEP, "step_size = [0.1, .2]", 8, "a number begins with a digit, such as 0.5"),
        (STEP, "step_size = 1.", 8, "a digit follows a decimal point, such as 5.0"),
        (STEP, "step_size = [1., 2]", 8, "a digit follows a decimal point, such as 5.0"),
        (STEP, "step_size = 1.e-3", 8, "a digit follows a decimal point, such as 5.0"),
        (STEPS, "steps = 0100", 9, "a number does not begin with 0"),
        (STEP, "step_size = (0.1, 0.2)", 8, "a list stands in square brackets"),
        (STEP, "step_size = [0.1, 0.2", 9, "a list ends with ]"),
        (STEP, STEP + "\nnesterov = True", 9, BOOLEAN),
        (STEP, STEP + "\nnesterov = FALSE # no", 9, BOOLEAN),
        (STEP, STEP + "\nnesterov = [true, False]", 9, BOOLEAN),
        (STEP, STEP + "\nnesterov = yes", 9, BOOLEAN),
        (STEP, STEP + "\nnesterov = off", 9, BOOLEAN),
        (STEP, STEP + "\nmomentum = None", 9, UNSET),
        (STEP, STEP + "\nmomentum = null", 9, UNSET),
        (STEP, STEP + "\nmomentum =", 9, "a value stands on the line of its key"),
        (STEP, STEP + "\nmomentum = NaN", 9, "write nan or inf"),
        (STEP, STEP + ";", 8, "a line ends without a semicolon"),
        (STEP, "// a comment\n" + STEP, 8, "a comment begins with #"),
        ("[method]", "[method", 7, "a section is written [method]"),
        ("[method]", "[network]", 7, "a section stands once; [[method]] may stand several times"),
        (TRUTH, 'truth = "tent', 4, "text ends on its line, with the quote it begins with"),
        (TRUTH, "truth = 'tent", 9, "text ends on its line, with the quote it begins with"),
    ],
)
def test_a_slip_is_one_sentence_with_its_line_and_a_hint(old, new, line, hint):
    refuse(changed(old, new), f"{line}: not TOML: …; {hint}…")


def test_a_path_that_lost_its_backslashes_is_explained(tmp_path):
    table = 'data = "C:\\temp\\new.csv"\nx = "a"\ny = "b"'
    refuse(changed(TRUTH, table), f"4: cannot read …; {BACKSLASH}", tmp_path)
    refuse(changed(TRUTH, table.replace("\\", "/")), "4: cannot read …: there is no directory 'C:/temp'")


@pytest.mark.parametrize("path", ["'sub\\d.csv'", "'sub/d.csv'", '"sub/d.csv"', '"sub\\\\d.csv"'])
def test_a_path_in_single_quotes_or_with_forward_slashes_is_a_path(tmp_path, path):
    (tmp_path / "sub").mkdir()
    for name in ("sub/d.csv", "sub\\d.csv"):  # the second where a backslash is a letter of a name
        (tmp_path / name).write_text(TABLE)
    table = f'data = {path}\nx = "time"\ny = "pull"'
    assert len(read(changed(TRUTH, table), tmp_path).specs) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_two_bytes_a_letter_are_named(encoding):
    kind = encoding.upper()[:6]
    says = "UTF-…" if encoding == "utf-32-le" else kind
    refuse(SMALL.encode(encoding), f"1: the file must be UTF-8 text, got {says}; save it as UTF-8")


@pytest.mark.parametrize("before", ["\ufeff", "\ufeff\ufeff", "\n\t \n", "# “comment”\n"])
def test_what_editors_add_changes_nothing(before):
    assert read_sweep((before + SMALL).encode(), "a", "").specs == read(SMALL).specs
    assert read((before + SMALL).replace("\n", "\r\n").replace(" = ", "\t=\t")).specs == read(SMALL).specs


def test_what_acts_on_a_terminal_is_shown():
    refuse(changed("width", "wi\x1b[31mdth"), "6: not TOML: …")
    refuse(changed(WIDTH, 'width = 5\n"\\u001b[1m" = 1'), r"7: unknown [network] key '\x1b[1m'; …")


def test_lines_of_an_old_mac():
    refuse(
        SMALL.replace("\n", "\r"),
        "1: not TOML: …; lines end with a line feed, not with a carriage return alone",
    )
