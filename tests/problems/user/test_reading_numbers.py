"""How numbers, missing values and classes are read: the rules of docs/reference/reading-tables.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepscape.errors import InputError
from stepscape.problems.user import missing
from stepscape.problems.user.columns import select_columns, select_inputs
from table_files import read

NONE = "no note"

# How numbers are written: cells of x, cells of y, separator → x, or why it is refused.

WHOLE = ["800", "850", "900", "950", "1.000", "1.050", "1.100", "1.150", "1.200", "1.250"]
THOUSANDS = [800.0, 850, 900, 950, 1000, 1050, 1100, 1150, 1200, 1250]
FRACTIONS = ["1.000", "1.125", "1.250", "1.375", "1.500", "1.625", "1.750", "1.875", "2.000", "2.125"]
EIGHTHS = [1 + i / 8 for i in range(10)]
PLAIN_Y = [str(i) for i in range(10)]
POINT_Y = [f"{i}.5" for i in range(10)]
COMMA_Y = [f"{i},5" for i in range(10)]


def comma(cells):
    return [cell.replace(".", ",") for cell in cells]


def grouped(mark):
    return [f"{1000 * i + 12345:,}".replace(",", mark) for i in range(10)]


GROUPED = [1000.0 * i + 12345 for i in range(10)]
AMBIGUOUS = r"column 'x' is ambiguous: '1[.,]\d{3}' \(line \d+\) may be a fraction or a thousand beside '\d+'"
MIXES = r"column 'x' mixes decimal marks: '.*' \(line \d+\) and '.*' \(line \d+\); write one throughout"

NUMBERS = {
    "three decimals": (FRACTIONS, PLAIN_Y, ",", EIGHTHS, NONE),
    "three decimals, tabs": (FRACTIONS, PLAIN_Y, "\t", EIGHTHS, NONE),
    "three decimals between semicolons": (
        FRACTIONS,
        PLAIN_Y,
        ";",
        EIGHTHS,
        "'1.000' was read as 1, with the point for the decimal mark",
    ),
    "three decimals of both columns between semicolons": (
        FRACTIONS,
        FRACTIONS[::-1],
        ";",
        EIGHTHS,
        r"column '[xy]': '\d.\d+' was read as [12](\.125)?, with the point for the decimal mark",
    ),
    "three decimals from below 1": (["0.875", *FRACTIONS[:9]], PLAIN_Y, ";", [0.875, *EIGHTHS[:9]], NONE),
    "three decimals, y shows a point": (FRACTIONS, POINT_Y, ";", EIGHTHS, NONE),
    "three decimals, y shows a comma": (FRACTIONS, COMMA_Y, ";", [1000 * v for v in EIGHTHS], NONE),
    "decimal commas, three of them": (comma(FRACTIONS), PLAIN_Y, ";", EIGHTHS, NONE),
    "commas in threes between commas": (
        comma(FRACTIONS),
        PLAIN_Y,
        ",",
        [1000 * v for v in EIGHTHS],
        "'1,000' was read as 1000, with the comma for a thousands separator",
    ),
    "commas in threes between tabs": (
        comma(FRACTIONS),
        PLAIN_Y,
        "\t",
        r"ambiguous: '1,000' \(line 2\) may be a fraction or a thousand; write",
        "",
    ),
    "commas in threes, y shows a comma": (comma(FRACTIONS), COMMA_Y, "\t", EIGHTHS, NONE),
    "commas in threes, y shows a point": (comma(FRACTIONS), POINT_Y, "\t", [1000 * v for v in EIGHTHS], NONE),
    "commas in threes, y shows a point, semicolons": (
        comma(FRACTIONS),
        POINT_Y,
        ";",
        [1000 * v for v in EIGHTHS],
        "which is a guess",
    ),
    "European thousands": (
        WHOLE,
        PLAIN_Y,
        ";",
        THOUSANDS,
        "'1.000' was read as 1000, with the point for a thousands separator",
    ),
    "European thousands between commas": (WHOLE, PLAIN_Y, ",", AMBIGUOUS, ""),
    "European thousands between tabs": (WHOLE, PLAIN_Y, "\t", AMBIGUOUS, ""),
    "European thousands, y shows a comma": (WHOLE, COMMA_Y, ";", THOUSANDS, "which is a guess"),
    "European thousands, y shows a comma, tabs": (WHOLE, COMMA_Y, "\t", THOUSANDS, "which is a guess"),
    "European thousands, y shows a point": (WHOLE, POINT_Y, ";", AMBIGUOUS, ""),
    "European thousands in reverse": (WHOLE[::-1], PLAIN_Y, ";", THOUSANDS[::-1], "which is a guess"),
    "English thousands between commas": (
        comma(WHOLE),
        PLAIN_Y,
        ",",
        THOUSANDS,
        "'1,000' was read as 1000, with the comma for a thousands separator",
    ),
    "English thousands between semicolons": (comma(WHOLE), PLAIN_Y, ";", AMBIGUOUS, ""),
    "English thousands between tabs": (comma(WHOLE), PLAIN_Y, "\t", AMBIGUOUS, ""),
    "English thousands, y shows a point": (comma(WHOLE), POINT_Y, "\t", THOUSANDS, "which is a guess"),
    "thousands that do not end with 0": (
        ["812", "934", *["1.023", "1.187"] * 4],
        PLAIN_Y,
        ",",
        AMBIGUOUS,
        "",
    ),
    "the same, y shows a point": (
        ["812", "934", *["1.023", "1.187"] * 4],
        POINT_Y,
        ",",
        [812.0, 934, *[1.023, 1.187] * 4],
        NONE,
    ),
    "thousands and a million": ([*WHOLE[:9], "1.234.567"], PLAIN_Y, ",", [*THOUSANDS[:9], 1234567.0], NONE),
    "English thousands and a million": (
        [*comma(WHOLE[:9]), "1,234,567"],
        PLAIN_Y,
        "\t",
        [*THOUSANDS[:9], 1234567.0],
        NONE,
    ),
    "thousands and cents": ([*WHOLE[:9], "1.234,50"], PLAIN_Y, ";", [*THOUSANDS[:9], 1234.5], NONE),
    "English thousands and cents": (
        [*comma(WHOLE[:9]), "1,234.50"],
        PLAIN_Y,
        "\t",
        [*THOUSANDS[:9], 1234.5],
        NONE,
    ),
    "thousands beside plain ones": ([*WHOLE[:9], "1250"], PLAIN_Y, ";", AMBIGUOUS, ""),
    "a fraction beside plain thousands": (
        ["1200", "1500", *["1.023", "1.187"] * 4],
        PLAIN_Y,
        ",",
        [1200.0, 1500, *[1.023, 1.187] * 4],
        NONE,
    ),
    "the same, y shows a comma": (["1200", "1500", *["1.023", "1.187"] * 4], COMMA_Y, ";", AMBIGUOUS, ""),
    "a fraction beside 1.000": (
        [*WHOLE[:9], "0.5"],
        PLAIN_Y,
        ";",
        [800.0, 850, 900, 950, 1, 1.05, 1.1, 1.15, 1.2, 0.5],
        NONE,
    ),
    "point and comma": (["1.5", "1,5", *PLAIN_Y[2:]], PLAIN_Y, ";", MIXES, ""),
    "a point beside a comma in threes": (["1.5", "1,500", *PLAIN_Y[2:]], PLAIN_Y, ";", MIXES, ""),
    "both in threes": (["1.500", "1,500", *PLAIN_Y[2:]], PLAIN_Y, ";", MIXES, ""),
    "groups of spaces": (grouped(" "), PLAIN_Y, ",", GROUPED, NONE),
    "groups of no-break spaces": (grouped("\u00a0"), PLAIN_Y, ";", GROUPED, NONE),
    "groups of narrow spaces": (grouped("\u202f"), PLAIN_Y, "\t", GROUPED, NONE),
    "Swiss groups": (grouped("'"), PLAIN_Y, ";", GROUPED, NONE),
    "Swiss groups, typographic": (grouped("’"), PLAIN_Y, ";", GROUPED, NONE),
    "groups of India": (
        ["50,000", "75,000", *["1,00,000", "12,34,567"] * 4],
        PLAIN_Y,
        ",",
        [50000.0, 75000, *[100000.0, 1234567] * 4],
        NONE,
    ),
    "an exponent is a fraction": (
        [f"1.234e{i}" for i in range(10)],
        PLAIN_Y,
        ";",
        [float(f"1.234e{i}") for i in range(10)],
        NONE,
    ),
    "an exponent with a comma": (
        [f"1,234E+0{i}" for i in range(10)],
        PLAIN_Y,
        "\t",
        [float(f"1.234e{i}") for i in range(10)],
        NONE,
    ),
    "signs of minus": (
        ["−1.5", "-2.5", "+3.5", *POINT_Y[:7]],
        PLAIN_Y,
        ",",
        [-1.5, -2.5, 3.5, *[i + 0.5 for i in range(7)]],
        NONE,
    ),
    "marks of direction": (
        [f"\u200e{i}.5\u202c" for i in range(10)],
        PLAIN_Y,
        ",",
        [i + 0.5 for i in range(10)],
        NONE,
    ),
    "leading zeros": ([f"00{i}" for i in range(10)], PLAIN_Y, ",", [float(i) for i in range(10)], NONE),
    "percent signs": (
        [f"{i}%" for i in range(10)],
        PLAIN_Y,
        ",",
        r"dropped: 10 × not a number \(first: '0%' in column 'x', line 2\)",
        "",
    ),
    "signs of money": ([f"${i}" for i in range(10)], PLAIN_Y, ",", r"10 × not a number \(first: '\$0'", ""),
    "a sign of money behind": (
        [f"{i} €" for i in range(10)],
        PLAIN_Y,
        ";",
        r"10 × not a number \(first: '0 €'",
        "",
    ),
    "dates": (
        [f"2020-01-0{i}" for i in range(10)],
        PLAIN_Y,
        ",",
        r"10 × not a number \(first: '2020-01-00'",
        "",
    ),
    "single quotes": (
        [f"'{i}'" for i in range(10)],
        PLAIN_Y,
        ",",
        r"""10 × not a number \(first: "'0'" in""",
        "",
    ),
    "exponents of Fortran": (
        ["1.5D-03", "-2.5d+02", *[f"{i}.25D+00" for i in range(8)]],
        PLAIN_Y,
        ",",
        [1.5e-3, -250.0, *[i + 0.25 for i in range(8)]],
        NONE,
    ),
    "the null of well logs": (
        [*PLAIN_Y[:9], "-999.25"],
        PLAIN_Y,
        ",",
        [*range(9), -999.25],
        "column 'x' holds -999.25 in 1 row, far from its other values",
    ),
    "a repeated -9999": (
        ["-9999", *PLAIN_Y[1:9], "-9999"],
        PLAIN_Y,
        ",",
        [-9999.0, *range(1, 9), -9999.0],
        "column 'x' holds -9999 in 2 rows, far from its other values",
    ),
    "one -999 beside large values": (
        ["-999", *[str(10**i) for i in range(9)]],
        PLAIN_Y,
        ",",
        [-999.0, *[10.0**i for i in range(9)]],
        "holds -999 in 1 row",
    ),
    "99.99 beside small values": (
        ["99.99", *POINT_Y[:9]],
        PLAIN_Y,
        ",",
        [99.99, *[i + 0.5 for i in range(9)]],
        "holds 99.99 in 1 row",
    ),
    "a fill value of netCDF": (
        ["9.96921e+36", *POINT_Y[:9]],
        PLAIN_Y,
        ",",
        [9.96921e36, *[i + 0.5 for i in range(9)]],
        r"holds 9.96921e\+36",
    ),
    "an age of 99": (
        ["99", *[str(10 * i) for i in range(9)]],
        PLAIN_Y,
        ",",
        [99.0, *[10.0 * i for i in range(9)]],
        NONE,
    ),
}


def table_of(cells, labels, delimiter, junk=()):
    """Write a table, its cells quoted where they need it."""
    extra = "".join(f'{delimiter}"{cell}"' for cell in junk)
    names = "".join(f"{delimiter}junk{i}" for i in range(len(junk)))
    rows = "".join(f'"{x}"{delimiter}"{y}"{extra}\n' for x, y in zip(cells, labels, strict=True))
    return f"x{delimiter}y{names}\n{rows}"


@pytest.mark.parametrize("junk", [(), ("192.168.100.200", "1.234.567", "1,5", "5.5", "1.234,5")])
@pytest.mark.parametrize("case", NUMBERS)
def test_a_column_has_one_reading_and_unused_columns_have_no_say(tmp_path, case, junk):
    cells, labels, delimiter, expected, note = NUMBERS[case]
    table = read(tmp_path, table_of(cells, labels, delimiter, junk))
    assert table.delimiter == delimiter
    if isinstance(expected, str):
        with pytest.raises(InputError, match=expected):
            select_columns(table, "x", "y")
        return
    got = select_columns(table, "x", "y")
    assert got.x.tolist() == expected
    assert bool(got.notes) == (note != NONE)
    assert all(re.search(note, said) for said in got.notes)
    # The other way around, x is y; and in the same table, predictions read it alike.
    assert select_columns(table, "y", "x").y.tolist() == expected
    assert select_inputs(table, "x", got.decimal).x.tolist() == expected


def test_the_mark_of_the_data_reads_the_cells_to_predict_at_where_they_show_none(tmp_path):
    data = select_columns(read(tmp_path, table_of(PLAIN_Y, COMMA_Y, ";")), "x", "y")
    assert data.decimal == ","
    new = read(tmp_path, "x\n1.125\n1.250\n")
    assert select_inputs(new, "x", data.decimal).x.tolist() == [1125.0, 1250.0]
    assert select_inputs(new, "x").x.tolist() == [1.125, 1.25]
    assert select_inputs(read(tmp_path, "x\n1.5\n2.125\n"), "x", data.decimal).x.tolist() == [1.5, 2.125]


# Texts that stand for no value are never a class, whatever the other class is.


MISSING = """
-nan | +nan | nan(ind) | -nan(snan) | 1.#QNAN | -1.#IND | 1.#SNAN00 | #NA | \\N | n.a. | NaT | NaN | None
#DIV/0! | #VALUE! | #REF! | #NAME? | #NUM! | #N/A N/A | #WERT! | #NV | #¡DIV/0! | #Н/Д | Err:502 | .a
N/A | n/a | NA_real_ | <NA> | NULL | (null) | missing | not available | (blank) | no data
* | *** | --.-- | ---.- | #### | // | _ | ~ | : | : c | NaN% | \\\\N | k.A. | н/д | Нет данных | 欠損値
无数据 | #YOK | #HIÁNYZIK | #I/T | #DIV/0 ! | #REF | #GETTING_DATA | #N/A Field Not Applicable
"""
MISSING = ["", *(text.strip() for line in MISSING.strip().splitlines() for text in line.split("|"))]


@pytest.mark.parametrize("other", ["1", "yes"])
@pytest.mark.parametrize(
    "missing",
    MISSING,
)
def test_what_stands_for_no_value_is_not_a_class(tmp_path, missing, other):
    rows = "".join(f"{i},{missing if i % 2 else other}\n" for i in range(30))
    with pytest.raises(
        InputError, match=r"must hold .*, got only .* in all 15 usable rows; dropped: 15 × miss"
    ):
        select_columns(read(tmp_path, "x,y\n" + rows), "x", "y", "auto")
    numbers = "".join(f"{i},{missing if i % 3 == 0 else i * i}\n" for i in range(30))
    got = select_columns(read(tmp_path, "x,y\n" + numbers), "x", "y", "auto")
    assert (got.classes, len(got.x)) == ((), 20)
    assert list(got.dropped) == [f"missing value {missing!r}" if missing else "missing value"]


@pytest.mark.parametrize(
    "text", ["N.D.", "unknown", "empty", "no", "0", "nano", "#1", "a.b", "inf.", "#a", ":-)", "x*", "12d4"]
)
def test_what_may_be_a_value_is_one(tmp_path, text):
    rows = "".join(f"{i},{text if i % 2 else 'yes'}\n" for i in range(30))
    assert text in select_columns(read(tmp_path, "x,y\n" + rows), "x", "y", "auto").classes


def test_classes_in_a_guessed_encoding_are_said_with_what_else_they_could_be(tmp_path):
    rows = "x,y\n" + "".join(f"{i},{'да' if i % 2 else 'нет'}\n" for i in range(20))
    got = select_columns(read(tmp_path, rows.encode("cp1251")), "x", "y", "auto")
    assert re.search(r"cp1252, which is a guess, and 'äà' and 'íåò' depend .*'да' and 'нет'", got.notes[0])
    assert select_columns(read(tmp_path, rows), "x", "y", "auto").notes == ()


@pytest.mark.parametrize(
    ("encoding", "texts", "read_as"),
    [
        ("cp1250", ("niższy", "wyższy"), ("ni¿szy", "wy¿szy")),
        ("cp1250", ("mały", "duły"), ("ma³y", "du³y")),
        ("big5", ("否", "是"), ("§_", "¬O")),
    ],
)
def test_classes_of_signs_in_a_guessed_encoding_are_said(tmp_path, encoding, texts, read_as):
    rows = "x,y\n" + "".join(f"{i},{texts[i % 2]}\n" for i in range(20))
    got = select_columns(read(tmp_path, rows.encode(encoding)), "x", "y", "auto")
    assert set(got.classes) == set(read_as)
    assert re.search("which is a guess", got.notes[0])
    for usual in ("T °C", "m²", "cost €"):
        header = f"x,{usual}\n" + "".join(f"{i},{i * i}\n" for i in range(20))
        assert select_columns(read(tmp_path, header.encode("cp1252")), "x", usual, "auto").notes == ()


def test_the_page_lists_the_texts_of_the_code():
    page = (Path(__file__).parents[3] / "docs/reference/reading-tables.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|`]+?) \| (`.*)\|$", page, re.MULTILINE))
    listed = {kind: tuple(re.findall("`(.+?)`", texts)) for kind, texts in rows.items()}
    words = {kind: tuple(filter(None, texts)) for kind, texts in missing.WORDS.items()}
    assert listed == words | {kind: examples for kind, (_, examples) in missing.PATTERNS.items()}
    for kind, (pattern, examples) in missing.PATTERNS.items():
        assert all(re.fullmatch(pattern, text) for text in examples), kind
        assert all(map(missing.is_missing, [*examples, *map(str.upper, examples)]))
