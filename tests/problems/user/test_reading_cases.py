"""The rules of docs/reference/reading-tables.md, each with the files that users of other tools reported."""

from __future__ import annotations

import codecs
import gzip
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from stepscape.cli.fit import prediction_rows
from stepscape.errors import InputError
from stepscape.problems.user.columns import select_columns, select_inputs
from table_files import read

N = 12
X = [float(i) for i in range(N)]
Y = [i * i + 0.25 for i in range(N)]
NONE = "no note"


def body(delimiter=",", mark=".", rows=range(N), end="", before=""):
    """Rows of the numbers X and Y; with decimal commas between commas they are quoted."""
    quote = '"' if mark == delimiter else ""
    return "".join(
        f"{before}{quote}{X[i]}{quote}{delimiter}{quote}{Y[i]}{quote}{end}\n".replace(
            ".", mark if not quote else ","
        )
        for i in rows
    )


def numbered(row):
    """Rows of the numbers X and Y behind cells that count them."""
    return "".join(row.format(i=i, x=x, y=y) for i, (x, y) in enumerate(zip(X, Y, strict=True)))


PLAIN = body()


@dataclass(frozen=True)
class Layout:
    """A file that holds X and Y, under these names, with this note (a pattern)."""

    content: str | bytes
    x: str = "x"
    y: str = "y"
    note: str = NONE
    lost: int = 0
    names: tuple[str, ...] = field(default=())


def cp1252(text):
    return text.encode("cp1252")


LAYOUTS = {
    # Separators and decimal marks.
    "comma": Layout("x,y\n" + PLAIN),
    "semicolon": Layout("x;y\n" + body(";")),
    "semicolon and decimal comma": Layout("x;y\n" + body(";", ",")),
    "tab": Layout("x\ty\n" + body("\t")),
    "tab and decimal comma": Layout("x\ty\n" + body("\t", ",")),
    "bar": Layout("x|y\n" + body("|")),
    "bar and decimal comma": Layout("x|y\n" + body("|", ",")),
    "white space": Layout("x y\n" + body("   ")),
    "white space at both ends": Layout("  x   y \n" + body("  ", end="  ", before="  ")),
    "white space and decimal comma": Layout("x y\n" + body(" ", ",")),
    "quoted decimal commas between commas": Layout("x,y\n" + body(",", ",")),
    "comma and space": Layout("x, y\n" + body(", ")),
    "Excel names the separator": Layout("sep=;\nx;y\n" + body(";", ",")),
    "Excel names it in quotes": Layout('"sep=;"\nx;y\n' + body(";", ",")),
    "Excel names a tab": Layout("sep=\t\nx\ty\n" + body("\t")),
    "a name with the other separator": Layout("x;y, in g\n" + body(";"), y="y, in g"),
    "names with spaces": Layout("the x,the y\n" + PLAIN, "the x", "the y"),
    "commas in a text column": Layout("note;x;y\n" + body(";", ",", before="a, b, c;")),
    "lists in a text column": Layout("x;y;l\n" + body(";", end=";['112', '112']")),
    "times of day beside commas": Layout("t,x,y\n" + body(before="20:53:06,")),
    "spaces in every text": Layout("note|x|y\n" + body("|", before="Point Rd North|")),
    # Line ends and padding.
    "CR LF": Layout("x,y\r\n" + PLAIN.replace("\n", "\r\n")),
    "CR of an old Mac": Layout("x,y\r" + PLAIN.replace("\n", "\r")),
    "mixed line ends": Layout("x,y\r\n" + PLAIN),
    "CR CR LF": Layout("x,y\r\r\n" + PLAIN.replace("\n", "\r\r\n")),
    "no line end at the end": Layout("x,y\n" + PLAIN.rstrip()),
    "blank lines": Layout("\n\nx,y\n\n" + PLAIN.replace("\n", "\n \n") + "\n\n"),
    "Control-Z of DOS": Layout("x,y\n" + PLAIN + "\x1a"),
    "Control-Z after the last cell": Layout("x,y\n" + PLAIN.rstrip() + "\x1a"),
    "trailing zero byte": Layout("x,y\n" + PLAIN + "\0"),
    "a block of zero bytes": Layout("x,y\n" + PLAIN + "\0" * 512),
    "zero bytes after the last cell": Layout("x,y\n" + PLAIN.rstrip() + "\0\0"),
    "gzip": Layout(gzip.compress(("x,y\n" + PLAIN).encode(), mtime=0)),
    "gzip in two members": Layout(gzip.compress(b"x,y\n") + gzip.compress(PLAIN.encode())),
    # Quotation marks.
    "all quoted": Layout('"x","y"\n' + body('","', before='"', end='"')),
    "doubled quotes": Layout("x,y,m\n" + body(end=',"a ""b"", c"')),
    "backslash quotes": Layout("x,y,m\n" + body(end=r',"{\"a\": 1, \"b\": 2}"')),
    "backslash before a closing quote": Layout("x,y,m\n" + body(end=r',"C:\dir\"')),
    "one cell with backslash quotes": Layout(
        "m,x,y\n" + body(before=r'"say \"hi\"",', rows=[0]) + body(before="a,", rows=range(1, N))
    ),
    "spaces after closing quotes": Layout('"x" ,"y" \n' + body(before='"', end='" ').replace(",", '" ,"')),
    "line breaks in quotes": Layout("m,x,y\n" + body(before='"a\nb, c\n\nd",')),
    "inches": Layout("m,x,y\n" + body(before='12" pipe,')),
    "an apostrophe": Layout("m,x,y\n" + body(before="don't,")),
    "a mark of a quotation alone in a text": Layout("m,x,y\n" + body(before="rock 'n' roll,")),
    # Byte order marks and encodings.
    "UTF-8 with a mark": Layout(codecs.BOM_UTF8 + ("x,y\n" + PLAIN).encode()),
    "UTF-8 with two marks": Layout(codecs.BOM_UTF8 * 2 + ("x,y\n" + PLAIN).encode()),
    "a mark before quotes": Layout(codecs.BOM_UTF8 + ('"x",y\n' + PLAIN).encode()),
    "a mark within quotes": Layout('"\ufeffx",y\n' + PLAIN),
    "UTF-16 with a mark": Layout(("x,y\n" + PLAIN).encode("utf-16")),
    "UTF-16 with two marks": Layout(("\ufeffx,y\n" + PLAIN).encode("utf-16")),
    "UTF-16 without a mark": Layout(("x,y\n" + PLAIN).encode("utf-16-le")),
    "UTF-16 of the other order": Layout(("x\ty\n" + body("\t", ",")).encode("utf-16-be")),
    "UTF-32": Layout(("x,y\n" + PLAIN).encode("utf-32")),
    "a name in cp1252": Layout(
        cp1252("größe,y\n" + PLAIN), "größe", note="read as cp1252, which is a guess, and 'größe' depends"
    ),
    "an unused name in cp1252": Layout(cp1252("x,y,größe\n" + body(end=",1"))),
    "a sign but no letter in cp1252": Layout(cp1252("x in €,y\n" + PLAIN), "x in €"),
    "a name in GB 18030": Layout(
        ("年龄,y\n" + PLAIN).encode("gb18030"), "年龄", note="read as gb18030, which is a guess"
    ),
    "a name in cp1251": Layout(
        ("возраст,y\n" + PLAIN).encode("cp1251"), "âîçðàñò", note=r"in cp1251: 'возраст'"
    ),
    "a name in Latin-1": Layout(
        b"\xe9\x81,y\n" + PLAIN.encode(), "é\ufffd", note="read as latin-1, which is a guess"
    ),
    "a name in UTF-8": Layout("größe,y\n" + PLAIN, "größe"),
    # Names that look equal.
    "decomposed in the file": Layout("gro\u0308ße,y\n" + PLAIN, "größe"),
    "decomposed in the command": Layout("größe,y\n" + PLAIN, "gro\u0308ße"),
    "the sign of angstrom": Layout("\u212b,y\n" + PLAIN, "\u00c5"),
    "the sign of micro": Layout("\u00b5m,y\n" + PLAIN, "\u03bcm"),
    "a no-break space": Layout("the\u00a0x,y\n" + PLAIN, "the x"),
    "a space without width": Layout("x\u200b,y\n" + PLAIN),
    "a line break in a name": Layout('"the\nx",y\n' + PLAIN, "the x"),
    "names that differ by a sign of a power": Layout("m2,m²,y\n" + body(before="7,"), "m²"),
    "names of 400 characters": Layout("n" * 400 + ",y\n" + PLAIN, "n" * 400),
    # The header.
    "no header": Layout(PLAIN, "1", "2"),
    "no header, and its first row says 1": Layout(
        body(rows=[1, *range(N)], before="1,"), "2", "3", note=NONE, lost=-1
    ),
    "pandas names the columns": Layout(
        "0,1,2\n" + body(before="7.5,"), "1", "2", note="the first line, 0, 1, 2, was read as column names"
    ),
    "pandas names the columns of whole numbers": Layout(
        "0,1,2\n" + body(before="7,"), "1", "2", note="was read as column names"
    ),
    "pandas with an index": Layout(
        ",0,1\n" + numbered("{i},{x},{y}\n"), "0", "1", note="was read as column names"
    ),
    "pandas, two columns": Layout("0,1\n" + PLAIN, "0", "1", note="was read as column names"),
    "years": Layout(
        "1999,2000\n" + PLAIN, "1999", "2000", note="the first line, 1999, 2000, was read as column names"
    ),
    "years beside a text": Layout("country,1999,2000\n" + body(before="Chad,"), "1999", "2000"),
    "an index without a name": Layout(",x,y\n" + body(before="a,")),
    "R's row names": Layout("x y\n" + numbered('"r{i}" {x} {y}\n')),
    "R's row names between commas": Layout("x,y\n" + numbered('"r{i}",{x},{y}\n')),
    "a name twice, unused": Layout("x,y,z,z\n" + body(end=",1,2")),
    "numpy.savetxt": Layout("# x y\n" + body(" ")),
    "a sign in a column of its own": Layout("#\tx\ty\n" + body("\t")),
    "a sign before the first comma": Layout("#,x,y\n" + PLAIN),
    "numpy.savetxt with commas": Layout("# made by hand\n# x,y\n" + PLAIN),
    "# without a space": Layout("#x\ty\n" + body("\t")),
    "# is a name, beside texts": Layout("#,name,x,y\n" + numbered("{i},Mon{i},{x},{y}\n")),
    "#id, beside texts": Layout("#id,name,x,y\n" + numbered("{i},Mon{i},{x},{y}\n")),
    "a comment above a header": Layout("# by hand, in March\nx,y\n" + PLAIN),
    "a comment as wide as the header": Layout("# a, b, c\nname,x,y\n" + body(before="a,")),
    "a comment above years": Layout(
        "# by year, by country, by hand\ncountry,1999,2000\n" + body(before="Chad,"), "1999", "2000"
    ),
    "a row of empty cells above": Layout(",,\nx,y,z\n" + body(end=",1")),
    "a title": Layout(
        "Land-Ocean: Global Means\nx,y,z\n" + body(end=",***"),
        note="begins on line 2: the line above it, 'Land-Ocean: Global Means', was taken for a title",
    ),
    "a title padded by Excel": Layout(
        "Results,,\n,,\nx,y,z\n" + body(end=",1"), note="begins on line 3: the line above it, 'Results', was"
    ),
    "titles and a blank line": Layout(
        "Results\nby me\n\nx;y\n" + body(";"),
        note="begins on line 4: the 2 lines above it, from 'Results' on, were",
    ),
    "a title with commas": Layout("Means, of land, sea, and ice\nx,y\n" + PLAIN, note="begins on line 2"),
    "a title above numbers": Layout("Results\n" + body(before="1.5,"), "2", "3", note="begins on line 2"),
    "units below the header": Layout("x,y\ns,m\n" + PLAIN, lost=1),
    "a second header line": Layout("x,y\nraw,raw\n" + PLAIN, lost=1),
    "the header again in the middle": Layout(
        "x,y\n" + body(rows=range(6)) + "x,y\n" + body(rows=range(6, N)), lost=1
    ),
    "a mark in the middle": Layout(
        "x,y\n" + body(rows=range(6)) + "\ufeffx,y\n" + body(rows=range(6, N)), lost=1
    ),
    # Below the table.
    "a comment in the middle": Layout("x,y\n" + body(rows=range(6)) + "# pause\n" + body(rows=range(6, N))),
    "a comment at the end": Layout("x,y\n" + PLAIN + "# the end, at last, of it\n"),
    "a total": Layout("x,y\n" + PLAIN + "Total,600\n", lost=1),
    "a source": Layout("x,y\n" + PLAIN + "\nSource: my own\n", lost=1),
    "rows of empty cells at the end": Layout("x,y\n" + PLAIN + ",\n,\n", lost=2),
    "lines of dashes": Layout("x|y\n---|---\n" + body("|"), lost=1),
    # Rows of another length.
    "Excel leaves out empty cells at the end": Layout(
        "x,y,note\n" + body(rows=range(4), end=",a") + body(rows=range(4, N))
    ),
    "a tab at the end of the header": Layout("x\ty\tnote\t\n" + body("\t", end="\t", before="")),
    "every row shorter than the header": Layout("x,y,\n" + PLAIN),
    "a delimiter at the end of every row": Layout("x,y\n" + body(end=",")),
    "delimiters at the end of every row": Layout("x,y\n" + body(end=",,,")),
    "a delimiter at the end of some rows": Layout(
        "x,y\n" + body(rows=range(4)) + body(rows=range(4, N), end=",")
    ),
    "tabs at the end of some rows": Layout(
        "x\ty\n" + body("\t", rows=range(4)) + body("\t", rows=range(4, N), end="\t\t")
    ),
    "a row too long": Layout("x,y\n" + PLAIN + "5,6,7\n", lost=1),
    "a row too short of white space": Layout("x y\n" + body(" ") + "5\n", lost=1),
    # Signatures of other files are read whole.
    "CDF": Layout("CDF,y\n" + PLAIN, "CDF"),
    "BZh": Layout("BZh9,y\n" + PLAIN, "BZh9"),
    "PK": Layout("PK,y\n" + PLAIN, "PK"),
    "%PDF": Layout("%PDF,y\n" + PLAIN, "%PDF"),
    "ARROW1": Layout("ARROW1,y\n" + PLAIN, "ARROW1"),
    "PAR1": Layout("PAR1,y\n" + PLAIN, "PAR1"),
    "SQLite format 3": Layout("SQLite format 3,y\n" + PLAIN, "SQLite format 3"),
    "FEA1": Layout("FEA1,y\n" + PLAIN, "FEA1"),
    "a version of Git LFS": Layout("version https://git-lfs,y\n" + PLAIN, "version https://git-lfs"),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_every_layout_gives_the_same_numbers(tmp_path, case):
    layout = LAYOUTS[case]
    table = read(tmp_path, layout.content)
    got = select_columns(table, layout.x, layout.y)
    rows = slice(max(0, -layout.lost), None)
    assert (got.x[rows].tolist(), got.y[rows].tolist()) == (X, Y)
    assert sum(got.dropped.values()) == max(0, layout.lost)
    if layout.note == NONE:
        assert got.notes == ()
    else:
        assert len(got.notes) == 1
        assert re.search(layout.note, got.notes[0])


# Which columns the rows of the second table go to, None where x has no number: as many as rows.

PREDICTED = {
    "quoted empty cells of one column": ('x\n1.0\n""\n3.0\n4.0\n""\n6.0\n', [1.0, None, 3, 4, None, 6]),
    "blank lines between data of one column": ("x\n1\n\n3\n\n\n6\n", [1.0, None, 3, None, None, 6]),
    "a blank line first": ("x\n\n2\n3\n", [None, 2.0, 3]),
    "blank lines at the end of one column": ("x\n1\n2\n\n\n", [1.0, 2]),
    "lines of spaces in one column": ("x\n1\n   \n3\n  \n", [1.0, None, 3]),
    "an empty quoted cell at the end": ('x\n1\n2\n""\n', [1.0, 2, None]),
    "missing values of one column": ("x\n1\nNA\n#N/A\n-\n5\n", [1.0, None, None, None, 5]),
    "texts in one column": ("x\n1\nabc\n3\n", [1.0, None, 3]),
    "a comment in one column": ("x\n1\n# half time\n3\n", [1.0, 3]),
    "decimal commas of one column": ("x\n1,5\n\n3,5\n", [1.5, None, 3.5]),
    "empty cells of many columns": ("id,x\na,1\nb,\nc,3\n,\n,5\n", [1.0, None, 3, None, 5]),
    "rows of empty cells": ("id,x,z\na,1,2\n,,\nc,3,4\n", [1.0, None, 3]),
    "blank lines of many columns": ("id,x\na,1\n\nb,2\n", [1.0, 2]),
    "short rows": ("x,id,z\n1,a\n\n2\n3,b,c\n", [1.0, 2, 3]),
    "short rows without the input": ("id,z,x\na,b,1\nb\nc,d,3\n", [1.0, None, 3]),
    "a row too long": ("id,x\na,1\nb,2,c\nd,3\n", [1.0, None, 3]),
    "infinite": ("id,x\na,1\nb,inf\nc,3\n", [1.0, None, 3]),
    "an empty row in quotes": ('id,x\n"a","1"\n"",""\n"c","3"\n', [1.0, None, 3]),
    "short rows of white space whose first cell may be missing": ("x a\n1 2\n3\n4 5\n", [1.0, None, 4]),
    "short rows of white space": ("a x\n1 2\n3\n4 5\n", [2.0, None, 5]),
    "without a header": ("1.5\n2.5\n\n4.5\n", [1.5, 2.5, None, 4.5]),
}


@pytest.mark.parametrize("case", PREDICTED)
def test_there_is_one_prediction_for_each_row_in_order(tmp_path, case):
    content, expected = PREDICTED[case]
    table = read(tmp_path, content)
    inputs = select_inputs(table, "x" if table.header else "1")
    rows = prediction_rows(table, inputs, {"prediction": (2 * inputs.x).tolist()})
    assert rows == [(x, None if x is None else 2 * x) for x in expected]
    assert inputs.rows == len(expected)


# What is refused, and how.

REFUSED = {
    "decimal commas between commas": (
        "x,y\n" + "1,5,2,5\n" * 12,
        r"12 × number of cells not 2 \(first: 4 on",
    ),
    "half of them": ("x,y\n" + "1,5,2\n" * 12, r"12 × number of cells not 2 \(first: 3 on line 2\)"),
    "a title of as many cells": (
        "Means, of land\nx,y\n" + PLAIN,
        r"unknown column 'x'; .*line 2 holds this name",
    ),
    "a header below texts": (
        "a,b\nc,d\ne,f\nx,y\n" + PLAIN,
        "line 4 holds this name: if it is the header, move it right above the data",
    ),
    "units in a comment below the names": ("# x,y\n# s,m\n" + PLAIN, "known: s, m .*line 1 holds this name"),
    "# above a header": ("# x,y\na,b\n" + PLAIN, "known: a, b .*line 1 holds this name"),
    "the same name twice": ("x,x,y\n" + body(before="1,"), "columns 1 and 2 both bear it"),
    "the same name twice, decomposed": ("x\u0308,ẍ,y\n" + body(before="1,"), "unknown column 'x'"),
    "long names": ("n" * 400 + ",m\n" + PLAIN, f"known: {'n' * 59}…, m "),
    "numbers as names": ("400,500\n" + PLAIN, r"unknown column 'x'; known: 1, 2 \(the first line of"),
    "a quote that never closes": (
        'x,y\n1,"2\n' + PLAIN * 3,
        "from line 2 on: a quote opened there is never cl",
    ),
    "a quote that closes in a cell": ('x,y\n1,"2"3\n' + PLAIN, "from line 2 on: ',' expected after"),
    "a table and a zero byte in it": ("x,y\n1,\0\n" + PLAIN, r"binary data \('\\x00' at character 7\)"),
    "Excel": (b"PK\x03\x04" + bytes(9), "a spreadsheet"),
    "NetCDF": (b"CDF\x01" + bytes(9), "a NetCDF file"),
    "bzip2": (b"BZh91AY&SY" + bytes(9), "a bzip2 file"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "Arrow": (b"ARROW1\0\0" + bytes(9), "an Arrow"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer"),
    "HTML": ("<!doctype html><table>", "HTML or XML"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path, case):
    content, sentence = REFUSED[case]
    with pytest.raises(InputError, match=sentence):
        select_columns(read(tmp_path, content), "x", "y")


def test_a_name_line_with_a_hash_names_rows_of_whole_numbers_and_texts(tmp_path):
    rows = "".join(f"{i},Mon{i},{40 + i},{50 + 2 * i}\n" for i in range(1, 13))
    for header in ("#,Name,HP,Attack\n", "# No,Name,HP,Attack\n"):
        got = select_columns(read(tmp_path, header + rows), "HP", "Attack")
        assert (got.x.tolist(), got.y.tolist()) == ([*range(41, 53)], [*range(52, 76, 2)])


def test_a_header_with_one_tab_too_many_is_still_one_of_tabs(tmp_path):
    table = read(tmp_path, "x\ty\t\n" + body("\t"))
    assert (table.delimiter, table.names) == ("\t", ("x", "y", ""))


def test_a_loss_of_more_than_half_of_the_rows_is_said(tmp_path):
    rows = PLAIN + "NA,1\n" * 12
    assert select_columns(read(tmp_path, "x,y\n" + rows), "x", "y").notes == ()
    got = select_columns(read(tmp_path, "x,y\n" + rows + "b,1\n"), "x", "y")
    assert got.notes == (
        "13 of 25 rows were dropped: 12 × missing value 'NA', 1 × not a number (first: 'b' in column 'x', "
        "line 26)",
    )


def test_a_name_that_is_a_number_in_the_first_row_too_is_said(tmp_path):
    got = select_columns(read(tmp_path, "3,1,2\n" + body(before="1,", rows=range(1, N))), "1", "2")
    assert np.unique(got.x).tolist() == [1.0, 3.0]
    assert re.search("was read as data, and '1' and '2' as the position of a column", got.notes[0])


def test_there_are_cases_enough():
    assert sum(map(len, (LAYOUTS, PREDICTED, REFUSED))) >= 120
