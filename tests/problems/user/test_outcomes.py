"""Columns of two different values: which they are, which of them is 1, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepscape.errors import InputError
from stepscape.problems.user import cells as numbers
from stepscape.problems.user.columns import LEAST_ROWS, Columns, select_columns
from stepscape.problems.user.outcomes import Outcome, outcome_of, shown
from stepscape.problems.user.table import RawTable

MISSING = ["", "NA", "nan", " ", "none"]
cell = st.text(alphabet="abAB 01.-", min_size=1, max_size=3)


def table(cells: Sequence[str], inputs: Sequence[str] | None = None) -> RawTable:
    x = tuple(inputs or map(str, range(len(cells))))
    return RawTable("t.csv", ("x", "y"), (x, tuple(cells)), range(2, len(cells) + 2), decimal=".")


def select(cells: Sequence[str], loss: str = "auto", inputs: Sequence[str] | None = None) -> Columns:
    return select_columns(table(cells, inputs), "x", "y", loss)


def outcome(cells: Sequence[str], least: int = LEAST_ROWS) -> Outcome:
    return outcome_of(tuple(cells), numbers.parse(cells, "."), np.ones(len(cells), dtype=bool), least)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no", "yes"),
        ("-", "+"),  # a lone dash is a missing value elsewhere
        ("–", "+"),
        ("\u2212", "+"),
        ("False", "True"),
        ("0", "1"),
        ("-1", "1.0"),
        ("1", "2"),
        ("well", "sick"),
        ("control", "case"),
        ("normal", "abnormal"),
        ("no event", "event"),
        ("not spam", "spam"),
        ("alive", "dead"),
        ("nein", "ja"),
        ("нет", "да"),
        ("absent", "here"),
        ("F", "M"),  # of no meaning that is known: the alphabet
        ("A", "a"),
        ("b", "C"),  # and not the order of codes
        ("2", "ten"),  # text is after numbers
        ("20200101", "20200102"),  # all digits of a number
        ("Not hospitalized", "Hospitalized"),  # whatever the alphabet says
        ("no", "1"),  # and whatever is a number
    ],
)
@pytest.mark.parametrize("loss", ["auto", "logistic"])
def test_which_of_two_values_is_1(one: str, other: str, loss: str) -> None:
    for cells in ([one, other] * 8, [other, one] * 8):
        got = select(cells, loss)
        np.testing.assert_array_equal(got.y, [float(c == other) for c in cells])
        assert got.classes == (one, other.removesuffix(".0"))


def test_numbers_are_equal_by_value_and_texts_by_letters() -> None:
    assert select(["0", "0.0", "-0", "00", "1", "1.00", "1e0"] * 2).classes == ("0", "1")
    assert select(["-0.0", "1"] * 6).classes == ("0", "1")
    spelled = select([" Yes", "yes ", "no", "NO", "yes"] * 3)
    assert spelled.classes == ("no", "yes")  # as most cells have it
    np.testing.assert_array_equal(spelled.y[:5], [1, 1, 0, 0, 1])


def test_other_columns_are_numbers_as_ever() -> None:
    cells = [*"0123456789", "0", "err", "NA"]
    auto, square = select(cells), select(cells, "square")
    assert auto.classes == square.classes == ()
    np.testing.assert_array_equal(auto.y, square.y)
    assert auto.dropped == square.dropped
    assert select(["5"] * 12, "square").classes == ()
    np.testing.assert_array_equal(select(["0", "3"] * 6, "square").y, [0.0, 3.0] * 6)
    with pytest.raises(
        InputError, match=r"with a number in both 'x' and 'y', got 0 of 16; dropped: 16 × not"
    ):
        select(["yes", "no"] * 8, "square")


@given(st.lists(st.sampled_from(["yes", "no", *MISSING, "inf"]), max_size=12))
def test_every_row_is_kept_or_counted(cells: list[str]) -> None:
    cells += ["yes", "no"] * 5
    got = select(cells)
    wanted = [c for c in cells if c in ("yes", "no")]
    np.testing.assert_array_equal(got.y, [float(c == "yes") for c in wanted])
    assert got.rows == len(cells) == len(got.y) + sum(got.dropped.values())
    for marker in {text.strip() for text in MISSING}:
        reason = f"missing value {marker!r}" if marker else "missing value"
        assert got.dropped.get(reason, 0) == sum(c.strip() == marker for c in cells)
    assert sum(c for why, c in got.dropped.items() if why.startswith("infinite")) == cells.count("inf")


def test_rows_without_an_input_do_not_count() -> None:
    got = select(["a", "b", "c"] * 6, inputs=["1", "2", "NA"] * 5 + ["1", "3", "oops"])
    assert got.classes == ("a", "b")
    assert got.dropped == {
        "missing value 'NA'": 5,
        "not a number (first: 'oops' in column 'x', line 19)": 1,
    }


def test_a_dash_is_a_value_beside_a_plus_alone() -> None:
    got = select(["+", "-", "\u2212", "-", "", "NA"] * 5)
    assert got.classes == ("-", "+")  # as most cells have it
    np.testing.assert_array_equal(got.y, [1, 0, 0, 0] * 5)
    assert got.dropped == {"missing value": 5, "missing value 'NA'": 5}
    assert select(["no", "yes", "-"] * 6).dropped == {"missing value '-'": 6}
    stray = select([*"0123456789", "+", "-", "-"])
    assert stray.classes == ()
    assert stray.dropped["missing value '-'"] == 2
    blank = select(["+", "-"] * 10, inputs=["1", ""] * 5 + [str(i) for i in range(10)])
    assert blank.dropped == {"missing value": 5}  # that of x: y has a value there


@pytest.mark.parametrize("opposite", [("Not available", "Available"), ("Missing", "Present")])
def test_an_opposite_is_a_value_beside_what_it_denies_alone(opposite: tuple[str, str]) -> None:
    assert select([*opposite] * 7).classes == opposite
    assert select([*opposite, "absent"] * 7).dropped == {f"missing value {opposite[0]!r}": 7}
    assert select([opposite[0], "no", "yes"] * 7).dropped == {f"missing value {opposite[0]!r}": 7}


@pytest.mark.parametrize("answers", [("no", "yes"), ("Well", "sick"), ("0", "1"), ("not ill", "ILL")])
def test_none_beside_an_answer_is_no_answer(answers: tuple[str, str]) -> None:
    got = select([*answers, "None"] * 7)
    assert got.classes == answers
    assert got.dropped == {"missing value 'None'": 7}


def test_a_missing_value_is_named_by_its_text_whatever_came_first() -> None:
    got = select(["", "NA", "none", " ", "?", "inf", "err", *"0123456789"])
    assert list(got.dropped.items()) == [
        ("missing value", 2),
        ("missing value 'NA'", 1),
        ("missing value 'none'", 1),
        ("missing value '?'", 1),
        ("infinite (first: 'inf' in column 'y', line 7)", 1),
        ("not a number (first: 'err' in column 'y', line 8)", 1),
    ]


def test_text_among_numbers_is_an_error_of_the_table() -> None:
    got = select(["0", "1"] * 5 + ["err"])
    assert got.classes == ("0", "1")
    assert got.dropped == {"not a number (first: 'err' in column 'y', line 12)": 1}


@given(st.lists(cell, min_size=1, max_size=20), st.integers(1, 20))
def test_the_values_partition_the_rows(cells: list[str], least: int) -> None:
    found = outcome(cells, least)
    good = found.codes.faults == numbers.GOOD
    assert len(set(found.names)) == len(found.names)
    counted = np.bincount(found.codes.values[good].astype(int), minlength=len(found.names))
    np.testing.assert_array_equal(counted, found.counts)
    assert np.isnan(found.codes.values[~good]).all()
    for one, code, kept in zip(cells, found.codes.values, good, strict=True):
        if kept and not numbers.is_number(one):
            assert found.names[int(code)].casefold() == one.strip().casefold()
        elif kept:
            assert float(found.names[int(code)]) == float(one)


def test_a_numeric_column_of_parquet() -> None:
    y = np.array([3.0, 7.0, np.nan, np.inf] * 6)
    got = select_columns(RawTable("t", ("x", "y"), (np.arange(24.0), y), range(1, 25)), "x", "y", "auto")
    assert got.classes == ("3", "7")
    assert sum(got.dropped.values()) == 12


def test_a_third_class_is_never_taken_for_a_fault() -> None:
    for loss in ("logistic", "auto"):
        with pytest.raises(InputError, match=r"got 3: 0 \(20 rows\), 1 \(20\), 'unsure' \(20\)$"):
            select(["0", "1", "unsure"] * 20, loss)
        with pytest.raises(InputError, match=r"got 4: 0 .*, 1 .*, 'err' .*, 'oops'"):  # two of twelve
            select(["0", "1"] * 5 + ["err", "oops"], loss)
    with pytest.raises(InputError, match=r"got 3: 0 \(10 rows\), 1 \(10\), 'err' \(1\)"):
        select(["0", "1"] * 10 + ["err"], "logistic")
    assert select(["0", "1"] * 10 + ["err"], "auto").classes == ("0", "1")


def test_text_that_repeats_among_numbers_is_doubtful() -> None:
    for loss in ("auto", "square"):
        got = select(["0", "1", "2", "unsure"] * 5, loss)
        assert got.dropped == {"not a number (first: 'unsure' in column 'y', line 5)": 5}
        assert (
            "5 of 20 rows were dropped because 'y' holds no number there, 'unsure' in 5 of them" in got.doubt
        )
        assert select([*"0123456789", "err"], loss).doubt == ""
        few = select([*"0123456789", "a", "b"], loss).doubt
        assert few.startswith("2 of 12 rows were dropped because 'y' holds no number there, such as 'a': ")
    assert select(["0", "1"] * 10 + ["err"]).doubt == ""


def test_spellings_that_were_taken_for_one_value_are_told() -> None:
    assert select(["yes", "yes", "yes ", "Yes", "no"] * 3).readings == (
        "'yes', 'yes ', 'Yes' were taken for one value",
    )
    assert select(["yes", "no"] * 6).readings == ()
    assert select(["1", "1.0", "0"] * 6).readings == ()


def test_a_guess_is_told() -> None:
    guess = "no rule tells which of 'F' and 'M' stands for 1: 'M', the later in the alphabet, was taken"
    for loss in ("auto", "logistic"):
        assert select(["F", "M"] * 6, loss).readings == (guess,)
        for known in (["no", "yes"], ["Not ill", "Ill"], ["1", "2"], ["0", "ten"]):
            assert select(known * 6, loss).readings == ()


@pytest.mark.parametrize("loss", ["auto", "logistic"])
def test_where_no_rule_tells_the_rarer_of_two_texts_stands_for_1(loss: str) -> None:
    rarer = "no rule tells which of {} and {} stands for 1: {}, the rarer, was taken"
    for no, yes in (("M", "F"), ("F", "M")):
        got = select([no] * 9 + [yes] * 8, loss)
        np.testing.assert_array_equal(got.y, [0.0] * 9 + [1.0] * 8)
        assert got.readings == (rarer.format(repr(no), repr(yes), repr(yes)),)
    known = select(["no"] * 5 + ["yes"] * 12, loss)  # a rule goes before: the answer is the more frequent one
    np.testing.assert_array_equal(known.y, [0.0] * 5 + [1.0] * 12)
    unused = select([*["M"] * 9, *["F"] * 8, "F", "F"], loss, [*map(str, range(17)), "", "NA"])
    np.testing.assert_array_equal(unused.y, [0.0] * 9 + [1.0] * 8)  # rows that are dropped do not count


def test_accents_written_in_two_ways_are_one_text() -> None:
    got = select(["n\u00e3o", "na\u0303o", "sim", "sim"] * 4)
    assert got.classes == ("n\u00e3o", "sim")
    np.testing.assert_array_equal(got.y, [0, 0, 1, 1] * 4)


def test_equal_numbers_are_no_labels_but_of_the_square_loss() -> None:
    with pytest.raises(
        InputError, match=r"^column 'y' must hold different values, got only 1 in all 12 usable rows$"
    ):
        select(["1"] * 12)
    np.testing.assert_array_equal(select(["1"] * 12, "square").y, np.ones(12))


LOGISTIC = "^column 'y' must hold two different values for the logistic loss, got "
AUTO = "^column 'y' must hold numbers or two values, got "


@pytest.mark.parametrize(
    ("cells", "loss", "sentence"),
    [
        (["yes"] * 12, "logistic", LOGISTIC + "only 'yes' in all 12 usable rows$"),
        (
            ["yes"] * 12 + ["-"] * 3,
            "logistic",
            LOGISTIC + "only 'yes' in .* rows; dropped: 3 × missing value '-'$",
        ),
        (["yes"] * 12, "auto", AUTO + "only 'yes' in all 12 usable rows$"),
        (["1"] * 12, "logistic", LOGISTIC + "only 1 in all 12 usable rows$"),
        (["a", "b)", "c"] * 4, "logistic", LOGISTIC + r"3: 'a' \(4 rows\), 'b\)' \(4\), 'c' \(4\)$"),
        (["a", "b)", "c"] * 4, "auto", AUTO + r"3: 'a' \(4 rows\), 'b\)' \(4\), 'c' \(4\)$"),
        (
            ["0", "1", "2"] * 4,
            "logistic",
            LOGISTIC + r"3: 0 \(4 rows\), 1 \(4\), 2 \(4\); numbers are for the square loss$",
        ),
        (
            [str(i / 3) for i in range(20)],
            "logistic",
            LOGISTIC + "20, such as 0, 0.3333 and 0.6667; numbers are for the square loss$",
        ),
        ([f"t{i}" for i in range(20)], "auto", AUTO + "20, such as 't0', 't1' and 't10'$"),
        (["x" * 99, "b", "c"] * 4, "auto", AUTO + "3: 'b' .* 'x{37}…'"),
        (
            ["none", "mild", "severe"] * 5,  # a grade, and no table of mild and severe with gaps
            "auto",
            AUTO + r"3: 'mild' \(5 rows\), 'none' \(5\), 'severe' \(5\); where 'none' stands for no value, "
            "leave the cell empty$",
        ),
        (
            ["None", "none", "a", "b", "c", "NA"] * 5,
            "logistic",
            LOGISTIC + r"4: .* 'None' \(10\); where 'None' stands for no value, leave the cell empty; "
            "dropped: 5 × missing value 'NA'$",
        ),
        (["nil", "mild"] * 10, "auto", AUTO + "only 'mild' in all 10 .*; dropped: 10 × missing value 'nil'$"),
        (
            ["+", "-", "?", "0"] * 5,
            "auto",
            r"3: 0 \(5 rows\), '\+' \(5\), '-' \(5\); where '-' stands for no",
        ),
        (["a", "b"] * 8, "logsitic", "^unknown loss 'logsitic'; did you mean 'logistic'"),
        (["a", "b"] * 4, "auto", "at least 10 rows with a number in 'x' and a value in 'y', got 8 of 8$"),
        (["a", "b", "c"] * 2, "auto", "with a number in both 'x' and 'y', got 0 of 6"),
        (["a", "b", "c"] * 2, "logistic", "with a number in 'x' and a value in 'y', got 6 of 6$"),
        (["a", "b"] * 4, "logistic", "at least 10 rows with a number in 'x' and a value in 'y', got 8 of 8$"),
        ([""] * 12, "logistic", "got 0 of 12; dropped: 12 × missing value$"),
    ],
)
def test_what_is_not_two_values_is_refused(cells: list[str], loss: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        select(cells, loss)
    assert "\n" not in str(caught.value)


def test_values_in_a_sentence() -> None:
    assert [shown("1.5"), shown("it's"), shown("a" * 50)] == ["1.5", '"it\'s"', f"'{'a' * 37}…'"]


PAIRS = [("low", "high"), ("F", "M"), ("1", "2"), ("0", "none of it")]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("place", [0, 1])
def test_the_event_that_is_named_stands_for_1(pair: tuple[str, str], place: int) -> None:
    cells = [pair[i % 3 > 0] for i in range(24)]
    got = select_columns(table(cells), "x", "y", "auto", pair[place])
    assert got.classes == (pair[1 - place], pair[place])
    assert got.y.tolist() == [float(cell == pair[place]) for cell in cells]
    assert got.readings == ()  # nothing was guessed


def test_an_event_may_be_written_in_any_way_that_the_table_has() -> None:
    cells = ["high", "High ", "low", "Low"] * 6
    assert select_columns(table(cells), "x", "y", "auto", "LOW").classes[1].casefold() == "low"
    numeric = select_columns(table(["1", "2.0"] * 12), "x", "y", "auto", "1.0")
    assert numeric.classes == ("2", "1")
    cased = ["a", "A"] * 12
    assert select_columns(table(cased), "x", "y", "auto", "a").classes == ("A", "a")


@pytest.mark.parametrize(
    ("cells", "loss", "event", "words"),
    [
        (["low", "high"] * 12, "auto", "hihg", "one of the two values 'low' and 'high', got 'hihg'"),
        (["1", "2"] * 12, "logistic", "3", "one of the two values 1 and 2, got 3"),
        (["1", "2"] * 12, "square", "2", "left out with the square loss, which fits numbers, got 2"),
        ([str(i) for i in range(24)], "auto", "2", "one of two values of 'y', which holds 24, such as"),
    ],
)
def test_an_event_that_cannot_be_is_refused(cells: list[str], loss: str, event: str, words: str) -> None:
    with pytest.raises(InputError, match=f"event must be {words}"):
        select_columns(table(cells), "x", "y", loss, event)
