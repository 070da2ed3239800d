from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stepscape.errors import InputError
from stepscape.problems.user import cells as numbers
from stepscape.problems.user.columns import select_columns, select_inputs
from stepscape.problems.user.delimited import parse_delimited
from stepscape.problems.user.example import load_example
from stepscape.problems.user.merging import bin_inputs, merge_repeated
from stepscape.problems.user.table import RawTable
from stepscape.problems.user.text import Text

EPS = np.finfo(float).eps
ROWS = "".join(f"{i},{i / 2}\n" for i in range(12))


def select(text, x="x", y="y"):
    return select_columns(parse_delimited(Text.of(text, "t.csv")), x, y)


def table(cells, delimiter=",", decimal="") -> RawTable:
    lines = range(2, len(cells) + 2)
    return RawTable("t.csv", ("x",), (tuple(cells),), lines, delimiter=delimiter, decimal=decimal)


# Cells → numbers.


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(".,"))
def test_the_shortest_decimal_form_reads_back_bit_for_bit(value, mark):
    parsed = numbers.parse([f" {value!r}\u00a0".replace(".", mark)], mark)
    assert parsed.values.tobytes() == np.float64(value).tobytes()


@given(
    st.integers(0, 10**12),
    st.integers(0, 99),
    st.sampled_from(".,"),
    st.sampled_from([" ", "\u202f", "'", "m"]),
)
def test_thousands_separators_mean_nothing(whole, hundredths, mark, separator):
    group = {".": ",", ",": "."}[mark] if separator == "m" else separator
    cell = f"{whole:,}".replace(",", group) + mark + f"{hundredths:02d}"
    assert numbers.parse([cell], mark).values[0] == float(f"{whole}.{hundredths:02d}")


def test_what_counts_as_missing_infinite_and_text():
    missing = ["", " ", "NA", "N/A", "NaN", "null", "None", ".", "-", "?", "#N/A", "<NA>", "—"]
    infinite = ["inf", "-Infinity", "+INF", "∞", "1e999", "-1e400"]
    text = [
        "abc",
        "5%",
        "$5",
        "€5",
        "1_000",
        "0x10",
        "1 2",
        "12:30",
        "2020-01-01",
        "1,2,345",
        "--5",
        "1e",
        "٣",
    ]
    for kind, cells in ((numbers.MISSING, missing), (numbers.INFINITE, infinite), (numbers.TEXT, text)):
        parsed = numbers.parse(cells, ".")
        assert set(parsed.faults) == {kind}
        assert np.isnan(parsed.values).all()


def test_a_minus_sign_is_a_minus_sign():
    assert numbers.parse(["−1.5", "-1.5", "+1.5", ".5", "5.", "1E3"], ".").values.tolist() == [
        -1.5,
        -1.5,
        1.5,
        0.5,
        5.0,
        1000.0,
    ]


@pytest.mark.parametrize(
    ("cells", "delimiter", "decimal", "values"),
    [
        (["1.5", "2"], ",", "", [1.5, 2]),
        (["1,5", "2"], ";", "", [1.5, 2]),
        (["1.234", "2.5"], ";", "", [1.234, 2.5]),
        (["1,234", "2,000"], ";", "", [1.234, 2]),
        (["1,234", "2"], ",", "", [1234, 2]),
        (["1,234", "2"], "\t", ".", [1234, 2]),
        (["1,234", "2"], "\t", ",", [1.234, 2]),
        (["1.234", "2"], "\t", ",", [1234, 2]),
        (["0,234", "1,234"], "\t", "", [0.234, 1.234]),
        (["1,234", "1,234.5"], "\t", "", [1234, 1234.5]),
        (["1.234", "1.234.567"], "\t", "", [1234, 1234567]),
    ],
)
def test_the_decimal_mark_is_read_off_the_column_then_the_file(cells, delimiter, decimal, values):
    assert select_inputs(table(cells, delimiter, decimal), "x").x.tolist() == values


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (["1.5", "1,5"], r"column 'x' mixes decimal marks: '1.5' \(line 2\) and '1,5' \(line 3\)"),
        (
            ["1,234", "1.5"],
            r"mixes decimal marks: '1.5' \(line 3\) and '1,234' \(line 2\); write one throughout",
        ),
        (["1.234", "1,5"], r"mixes decimal marks: '1.234' \(line 2\) and '1,5' \(line 3\)"),
        (["1.234", "1,234"], r"mixes decimal marks: '1.234' \(line 2\) and '1,234' \(line 3\)"),
        (["5", "1,234"], r"column 'x' is ambiguous: '1,234' \(line 3\) may be a fraction or a thousand"),
    ],
)
def test_a_mark_that_cannot_be_decided_is_refused(cells, sentence):
    with pytest.raises(InputError, match=sentence):
        select_inputs(table(cells, "\t"), "x")


# Columns.


def test_rows_that_cannot_be_used_are_dropped_and_counted_once():
    text = "x,y\n" + ROWS + "abc,1\n1,\n,abc\ninf,inf\n5,$3\n1,2,3\nNA,NA\n"
    got = select(text)
    assert got.dropped == {
        "missing value": 2,
        "missing value 'NA'": 1,
        "infinite (first: 'inf' in column 'x', line 17)": 1,
        "not a number (first: 'abc' in column 'x', line 14)": 2,
        "number of cells not 2 (first: 3 on line 19)": 1,
    }
    assert got.rows == 19 == len(got.x) + sum(got.dropped.values())
    np.testing.assert_array_equal(got.x, np.arange(12.0))
    np.testing.assert_array_equal(got.y, np.arange(12) / 2)
    np.testing.assert_array_equal(got.lines, np.arange(12) + 2)


def test_a_long_cell_is_clipped_in_messages():
    got = select("x,y\n" + ROWS + "a" * 500 + ",1\n")
    assert list(got.dropped) == [f"not a number (first: '{'a' * 37}…' in column 'x', line 14)"]


@given(st.lists(st.tuples(*[st.sampled_from(["1.5", "2", "NA", "inf", "abc"])] * 2), min_size=1))
def test_every_row_is_kept_or_counted(rows):
    rows = [*rows, *[(str(i), "2") for i in range(10)]]
    raw = RawTable("t", ("x", "y"), tuple(zip(*rows, strict=True)), range(2, len(rows) + 2))
    usable = [row for row in rows if not {"NA", "inf", "abc"} & set(row)]
    got = select_columns(raw, "x", "y")
    assert len(got.x) == len(usable)
    assert got.rows == len(rows) == len(got.x) + sum(got.dropped.values())


def test_ten_rows_are_enough_and_nine_are_not():
    rows = [f"{i},{i}\n" for i in range(10)]
    assert len(select("x,y\n" + "".join(rows)).x) == 10
    with pytest.raises(
        InputError, match=r"'t.csv' must have at least 10 rows with .* 'x' and 'y', got 9 of 9$"
    ):
        select("x,y\n" + "".join(rows[:9]))
    with pytest.raises(InputError, match=r"got 9 of 10; dropped: 1 × missing value 'NA'$"):
        select("x,y\n" + "".join(rows[:9]) + "NA,1\n")
    with pytest.raises(InputError, match=r"got 1 of 1$"):
        select("x,y\n1,2\n")


def test_a_column_of_text_says_what_it_holds():
    text = "x,y\n" + "".join(f"2020-01-{i:02d},{i}\n" for i in range(1, 20))
    with pytest.raises(
        InputError, match=r"got 0 of 19; dropped: 19 × not a number \(first: '2020-01-01' in column"
    ):
        select(text)


def test_decimal_commas_between_commas_show_as_ragged_rows():
    with pytest.raises(InputError, match=r"12 × number of cells not 2 \(first: 4 on line 2\)"):
        select("x,y\n" + "1,5,2,5\n" * 12)


def test_inputs_that_are_all_equal_are_refused():
    with pytest.raises(
        InputError, match=r"'x' must hold at least two distinct inputs, got 7.5 in all 12 usable rows"
    ):
        select("x,y\n" + "".join(f"7.5,{i}\n" for i in range(12)))


def test_names_that_do_not_serve():
    with pytest.raises(
        InputError, match=r"unknown column 'time'; did you mean 'times'\? known: times, accel"
    ):
        select("times,accel\n" + ROWS, "time", "accel")
    with pytest.raises(
        InputError, match="column 'y' must have a name of its own, but columns 2 and 3 both bear it"
    ):
        select("x,y,y\n" + ROWS.replace("\n", ",1\n"))
    with pytest.raises(InputError, match="x and y must be two columns, got 'x' for both"):
        select("x,y\n" + ROWS, "x", "x")


def test_a_name_twice_elsewhere_does_no_harm():
    assert len(select("x,y,z,z\n" + ROWS.replace("\n", ",1,2\n")).x) == 12


def test_of_thousands_of_names_few_are_listed():
    names = [f"column{i}" for i in range(5000)]
    text = ",".join(names) + "\n" + ",".join("1" * 5000)
    with pytest.raises(
        InputError, match=r"did you mean 'column4321'\? known: column4321, column0, .*, … \(of 't.csv'\)$"
    ) as error:
        select(text, "colum4321", "y")
    assert len(str(error.value)) < 400


def test_inputs_to_predict_at_need_one_number():
    raw = parse_delimited(Text.of("x,note\nNA,a\n2.5,b\n", "t.csv"))
    got = select_inputs(raw, "x")
    assert (got.x.tolist(), got.lines.tolist(), got.dropped) == ([2.5], [3], {"missing value 'NA'": 1})
    with pytest.raises(
        InputError, match=r"'t.csv' must have at least one row with a number in 'note', got 0 of 2; drop"
    ):
        select_inputs(raw, "note")


# Merging and binning.

few = st.integers(-3, 3).map(float)
sizes = st.shared(st.integers(1, 60), key="n")
inputs = sizes.flatmap(lambda n: arrays(float, n, elements=few | st.floats(-1e3, 1e3)))
labels = sizes.flatmap(lambda n: arrays(float, n, elements=st.floats(-1e3, 1e3)))
weights = sizes.flatmap(lambda n: arrays(float, n, elements=st.sampled_from([0.5, 1.0, 3.0])))


@given(inputs, labels, weights, st.floats(-10, 10), st.floats(-10, 10))
def test_merging_changes_square_loss_by_a_constant(x, y, w, a, b):
    def f(t):
        return a * np.abs(t) + b * np.sin(t)

    got = merge_repeated(x, y, w)
    assert (np.diff(got.x) > 0).all()
    mean = got.y[np.searchsorted(got.x, x)]
    left = (w * (f(x) - y) ** 2).sum()
    right = (got.weights * (f(got.x) - got.y) ** 2).sum() + (w * (y - mean) ** 2).sum()
    scale = (w * (np.abs(f(x)) + np.abs(y)) ** 2).sum()
    assert abs(left - right) <= 64 * len(x) * EPS * scale + np.finfo(float).tiny  # where squares vanish
    assert got.weights.sum() == w.sum()


@given(inputs, labels)
def test_inputs_that_stand_alone_keep_their_labels_bit_for_bit(x, y):
    distinct, first, counts = np.unique(x, return_index=True, return_counts=True)
    got = merge_repeated(x, y)
    np.testing.assert_array_equal(got.x, distinct)
    np.testing.assert_array_equal(got.weights, counts)
    np.testing.assert_array_equal(got.y[counts == 1], y[first[counts == 1]])


@given(inputs, st.floats(-1e300, 1e300))
def test_labels_that_agree_keep_their_value_bit_for_bit(x, value):
    got = merge_repeated(x, np.full(len(x), value))
    assert (got.y == value).all()


def test_the_mean_of_far_labels_does_not_cancel():
    assert merge_repeated(np.zeros(3), np.array([1e15, 1e15 + 1, 1e15 + 2])).y[0] == 1e15 + 1


@given(inputs, labels, weights, st.integers(1, 20), st.randoms(use_true_random=False))
def test_binning_omits_the_slope_within_bins_and_nothing_else(x, y, w, bins, random):
    got = bin_inputs(x, y, bins, w)
    assert len(got.x) <= max(bins, 1)
    assert (np.diff(got.x) > 0).all()
    assert math.isclose(got.weights.sum(), w.sum(), rel_tol=len(x) * EPS)
    # Which bin a datum went to follows from the weights: bins are runs of sorted inputs.
    order = np.argsort(x, kind="stable")
    x, y, w = x[order], y[order], w[order]
    bin_of = np.searchsorted(np.cumsum(got.weights), np.cumsum(w) - w / 2)
    slope = np.array([random.uniform(-5, 5) for _ in got.x])
    height = np.array([random.uniform(-5, 5) for _ in got.x])
    delta, epsilon = x - got.x[bin_of], y - got.y[bin_of]
    left = (w * (height[bin_of] + slope[bin_of] * delta - y) ** 2).sum()
    kept = (got.weights * (height - got.y) ** 2).sum()
    omitted = (w * (slope[bin_of] * delta - epsilon) ** 2).sum()
    scale = (w * (5 + 5 * (np.abs(x) + np.abs(got.x[bin_of])) + np.abs(y) + np.abs(epsilon)) ** 2).sum()
    assert abs(left - kept - omitted) <= 64 * len(x) * EPS * scale


def test_bins_of_distinct_inputs_hold_equal_counts():
    x = np.random.default_rng(0).permutation(1003).astype(float)
    got = bin_inputs(x, 2 * x, 10)
    assert set(got.weights) <= {100.0, 101.0}
    np.testing.assert_allclose(got.y, 2 * got.x, rtol=8 * EPS)
    assert got.x[0] == pytest.approx(49.5, abs=0.5)


def test_a_count_that_bins_divide_is_split_evenly():
    x = np.arange(20.0)
    assert bin_inputs(x, x, 10).weights.tolist() == [2.0] * 10


def test_a_mean_stays_in_its_bin():
    # Unclipped, (0.4333… · x) / 0.4333… rounds up past the largest input.
    x = np.array([0.0, 1.3523456401393918])
    assert bin_inputs(x, x, 1, np.array([1e-20, 0.1 + 1 / 3])).x[0] <= x[1]


def test_no_more_inputs_than_bins_are_only_merged():
    x, y = np.array([1.0, 2, 3, 3, 3, 3, 3, 3]), np.arange(8.0)
    for got, expected in zip(bin_inputs(x, y, 3), merge_repeated(x, y), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_neighboring_floats_stay_apart():
    x = 1 + EPS * np.arange(8)
    assert (np.diff(bin_inputs(x, x, 4).x) > 0).all()


def test_no_bins_are_refused():
    with pytest.raises(InputError, match="bins must be at least 1, got 0"):
        bin_inputs(np.arange(3.0), np.arange(3.0), 0)


# The example.


def test_the_motorcycle_data():
    got = load_example("motorcycle")
    assert (got.x_name, got.y_name, got.rows, got.dropped) == ("times", "accel", 133, {})
    merged = merge_repeated(got.x, got.y)
    assert len(merged.x) == 94
    # Venables and Ripley's table: first and last time, and the largest deceleration.
    assert (got.x.min(), got.x.max(), got.y.min(), got.y.max()) == (2.4, 57.6, -134.0, 75.0)


def test_an_example_that_does_not_exist():
    with pytest.raises(InputError, match=r"unknown example 'motocycle'; did you mean 'motorcycle'\?"):
        load_example("motocycle")
