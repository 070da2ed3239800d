"""Problem and the curves: averages, order, truths, and every way to get them wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss

CURVES = ("tent", "wave", "steps", "doppler", "line")


@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1e3)), min_size=1, max_size=20
    ),
    st.floats(-1e3, 1e3),
)
def test_averages_are_weighted_and_do_not_depend_on_the_unit_of_the_weights(rows, level):
    x, y, v = np.array(rows).T
    v[0] = 1.0
    problem = ss.Problem(x, y, weights=v, truth=np.cos)
    f = np.full(x.size, level)
    loss = sum(w * (level - t) ** 2 for w, t in zip(v, y, strict=True)) / (2 * v.sum())
    assert problem.training_loss(f) == pytest.approx(loss, rel=1e-12, abs=1e-300)
    error = sum(w * (level - np.cos(t)) ** 2 for w, t in zip(v, x, strict=True)) / v.sum()
    assert problem.design_error(f) == pytest.approx(error, rel=1e-12, abs=1e-300)
    assert problem.averaging.sum() == pytest.approx(1, rel=1e-14)
    scaled = ss.Problem(x, y, weights=v * 2.0**60)
    np.testing.assert_array_equal(scaled.averaging, problem.averaging)


def test_no_weights_are_equal_weights():
    x, y = np.array([3.0, 1.0, 2.0]), np.array([1.0, 0.0, -1.0])
    plain, ones = ss.Problem(x, y), ss.Problem(x, y, weights=np.ones(3))
    assert plain.training_loss(np.zeros(3)) == pytest.approx(1 / 3)  # 1/(2n) Σ r²
    np.testing.assert_array_equal(plain.averaging, ones.averaging)
    huge = ss.Problem(x, y, weights=[1.5e308, 1.5e308, 0.0])
    assert huge.averaging.tolist() == [0.5, 0.5, 0.0]


def test_sorting_is_stable_and_keeps_rows_together():
    problem = ss.Problem([2.0, 1.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], weights=[1.0, 2.0, 3.0, 2.0])
    x, y, v = problem.line.arrays
    assert x.tolist() == [1.0, 1.0, 2.0, 2.0]
    assert y.tolist() == [2.0, 4.0, 1.0, 3.0]
    np.testing.assert_allclose(v, [0.25, 0.25, 0.125, 0.375])
    assert problem.size == 4
    assert problem.line.hull == (1.0, 2.0)
    np.testing.assert_array_equal(problem.line.padded, [-np.inf, 1.0, 1.0, 2.0, 2.0, np.inf])
    assert ss.Problem([-3.0, 1.0], [0.0, 0.0]).x_max == 3.0
    assert [array.tolist() for array in problem.line.arrays] == [x.tolist(), y.tolist(), v.tolist()]


def test_several_input_variables_are_kept_but_have_no_line():
    points = np.arange(6.0).reshape(3, 2)
    problem = ss.Problem(points, [1.0, 2.0, 3.0], truth=lambda x: x.sum(axis=1), weights=[1.0, 2.0, 1.0])
    np.testing.assert_array_equal(problem.inputs, points)
    assert problem.size == 3
    assert problem.design_error(problem.labels) == pytest.approx((0.0 + 2.0 * 9.0 + 36.0) / 4.0)
    assert repr(problem) == "Problem(data: n=3, 2 input variables, square loss, weighted)"
    message = r"inputs must have shape \(n,\) here, got \(3, 2\); this works with one input variable"
    for use in (lambda: problem.line, lambda: problem.x_max):
        with pytest.raises(ss.InputError, match=message):
            use()


def test_inputs_are_copied_read_only_and_may_be_columns_or_integers():
    x, y = np.array([[2], [1]]), [True, False]
    problem = ss.Problem(x, y)
    x[:] = 9
    assert problem.inputs.tolist() == [2.0, 1.0]
    assert problem.labels.tolist() == [1.0, 0.0]
    for array in (
        problem.inputs,
        problem.labels,
        problem.averaging,
        ss.Problem([1.0], [1.0], weights=[2]).weights,
    ):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


@pytest.mark.parametrize("name", ["inputs", "labels", "weights"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, np.nan, np.inf], r"be finite, got nan at index 1; drop or mend such entries"),
        ([1.0, 2.0, -np.inf], r"be finite, got -inf at index 2; drop or mend such entries"),
        (["1", "2", "3"], r"hold real numbers, got an array of dtype <U1"),
        ([1, None, 3], r"hold real numbers, got an array of dtype object"),
        ([1j, 2, 3], r"hold real numbers, got an array of dtype complex128"),
        ([[1.0], [1.0, 2.0]], r"hold real numbers, got a ragged list"),
    ],
)
def test_columns_must_be_finite_numbers(name, value, message):
    good = dict.fromkeys(("inputs", "labels", "weights"), np.ones(3))
    with pytest.raises(ss.InputError, match=f"{name} must {message}"):
        ss.Problem(**{**good, name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("labels", np.ones((3, 2)), r"have shape \(n,\), got \(3, 2\); this version fits one input variable"),
        ("weights", 3.0, r"have shape \(n,\), got \(\)"),
        ("inputs", 3.0, r"have shape \(n,\) or \(n, d\), got \(\)"),
        ("inputs", np.ones((3, 2, 1)), r"have shape \(n,\) or \(n, d\), got \(3, 2, 1\)"),
        ("inputs", [[1.0, 2.0], [1.0, np.nan], [0.0, 0.0]], r"be finite, got nan at index 1; drop or mend"),
    ],
)
def test_columns_must_have_a_shape(name, value, message):
    good = dict.fromkeys(("inputs", "labels", "weights"), np.ones(3))
    with pytest.raises(ss.InputError, match=f"{name} must {message}"):
        ss.Problem(**{**good, name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": [], "labels": []}, r"inputs must hold at least one number, got none"),
        ({"labels": [1.0]}, r"inputs and labels must have the same length, got 2 and 1"),
        ({"weights": [1.0]}, r"weights and inputs must have the same length, got 1 and 2"),
        ({"weights": [1.0, -1.0]}, r"weights must be at least 0 and not all 0, got a minimum of -1"),
        ({"weights": [0.0, 0.0]}, r"weights must be at least 0 and not all 0, got a minimum of 0"),
        ({"loss": "huber"}, r"unknown loss 'huber'; known: square, logistic"),
        ({"noise": -1.0}, r"noise must be finite and not negative, got -1\.0"),
        ({"noise": np.nan}, r"noise must be finite and not negative, got nan"),
        ({"noise": "some"}, r"noise must be finite and not negative, got 'some'"),
        ({"noise": [1.0]}, r"noise must be finite and not negative, got a list"),
        ({"truth": 3.0}, r"truth must be a function of the inputs, got 3\.0"),
    ],
)
def test_impossible_problems_are_refused(change, message):
    with pytest.raises(ss.InputError, match=message):
        ss.Problem(**{"inputs": [0.0, 1.0], "labels": [1.0, 2.0], **change})


def test_errors_to_the_truth_need_a_truth():
    with pytest.raises(ss.InputError, match=r"truth must be given to measure an error to it, got None"):
        ss.Problem([0.0], [1.0]).design_error([1.0])


def test_repr():
    assert repr(ss.Problem([-1.0, 2.5], [0.0, 1.0])) == "Problem(data: n=2, inputs in [-1, 2.5], square loss)"
    problem = ss.Problem([0.0], [1.0], weights=[2.0], noise=0.5, name="mine")
    assert repr(problem) == "Problem(mine: n=1, inputs in [0, 0], square loss, noise=0.5, weighted)"


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("half_width", [1.0, 3.0])
def test_labels_are_the_truth_plus_noise(name, half_width):
    make = getattr(ss.problems, name)
    clean = make(n=50, noise=0.0, seed=3, half_width=half_width)
    np.testing.assert_array_equal(clean.labels, clean.truth(clean.inputs))
    assert clean.x_max <= half_width
    noisy = make(n=40_000, noise=0.5, seed=3, half_width=half_width)
    residual = noisy.labels - noisy.truth(noisy.inputs)
    assert residual.std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * 40_000))
    assert abs(residual.mean()) < 5 * 0.5 / np.sqrt(40_000)
    assert noisy.noise == 0.5
    # Stretching the interval stretches the curve.
    u = np.linspace(-1, 1, 101)
    np.testing.assert_allclose(noisy.truth(half_width * u), make(half_width=1.0).truth(u), atol=1e-12)
    again = make(n=50, noise=0.0, seed=3, half_width=half_width)
    np.testing.assert_array_equal(clean.inputs, again.inputs)
    assert not np.any(clean.inputs == make(n=50, noise=0.0, seed=4, half_width=half_width).inputs)


def test_the_curves_are_what_they_are_called():
    tent, wave, steps, line = (
        getattr(ss.problems, name)().truth for name in ("tent", "wave", "steps", "line")
    )
    np.testing.assert_allclose(tent([-1, -0.5, 0, 0.25, 0.5]), [-0.5, -0.5, 1.5, 0.5, -0.5])
    np.testing.assert_allclose(wave([0.25, 0.5]), [1, 0], atol=1e-15)
    np.testing.assert_allclose(steps([-1, 0, 1, -0.4]), [0, 1, 0, 0.5])
    np.testing.assert_allclose(line([-1, 0.3]), [-1, 0.3])
    # Donoho and Johnstone's Doppler on [0, 1], twice its height.
    t = np.linspace(0, 1, 50)
    expected = 2 * np.sqrt(t * (1 - t)) * np.sin(2 * np.pi * 1.05 / (t + 0.05))
    np.testing.assert_allclose(ss.problems.doppler().truth(2 * t - 1), expected, atol=1e-13)


def test_designs():
    equal = ss.problems.line(n=5, design="equispaced", half_width=2.0).inputs
    np.testing.assert_allclose(equal, [-2, -1, 0, 1, 2])
    jittered = ss.problems.line(n=400, seed=1).inputs
    assert np.floor((jittered + 1) * 200).tolist() == list(range(400))
    uniform = ss.problems.line(n=4000, seed=1, design="uniform").inputs
    assert np.any(np.diff(uniform) < 0)
    counts = np.histogram(uniform, 10, (-1, 1))[0]
    assert np.all(np.abs(counts - 400) < 5 * np.sqrt(400))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, r"n must be a whole number of at least 1, got 0"),
        ({"n": 2.5}, r"n must be a whole number of at least 1, got 2\.5"),
        ({"n": True}, r"n must be a whole number of at least 1, got True"),
        ({"half_width": 0.0}, r"half_width must be finite and positive, got 0\.0"),
        ({"half_width": np.inf}, r"half_width must be finite and positive, got inf"),
        (
            {"half_width": 1e-300},
            r"half_width must be at least 1e-290, so that float64 tells inputs apart, got 1e-300",
        ),
        ({"noise": -0.5}, r"noise must be finite and not negative, got -0\.5"),
        ({"design": "grid"}, r"design must be 'jittered', 'uniform' or 'equispaced', got 'grid'"),
        (
            {"name": "tend"},
            r"unknown curve 'tend'; did you mean 'tent'\? known: tent, wave, steps, doppler, line",
        ),
    ],
)
def test_impossible_curves_are_refused(change, message):
    with pytest.raises(ss.InputError, match=message):
        ss.problems.curve(**{"name": "tent", **change})
