"""Figures of a recovered matrix: which there are, what their titles say, and what every figure keeps to."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from figure_checks import faults
from stepscape.figures.recovered import POINTS, recovered_figures, relative
from stepscape.report.captions import caption

SOLVERS = {
    "flattest": ss.recovery.flattest,
    "nuclear norm": ss.recovery.minimum_nuclear_norm,
    "frobenius norm": ss.recovery.minimum_frobenius_norm,
}


def drawn(problem, penalty=0.0):
    solutions = {name: solve(problem, penalty=penalty) for name, solve in SOLVERS.items()}
    return solutions, recovered_figures(problem, solutions)


def without_truth(problem):
    return ss.problems.Measurements(problem.linear_map, problem.labels)


EXACT = ss.problems.bilinear_sensing(d1=8, d2=7, rank=2, m=52)
FEW = without_truth(ss.problems.bilinear_sensing(d1=8, d2=7, rank=2, m=25))
NOISY = ss.problems.matrix_sensing(d1=6, d2=5, rank=1, m=60, noise=0.3)
ONE = ss.problems.Measurements(ss.problems.Entries([0], [0], (1, 1)), [3.0])
ZERO = ss.problems.Measurements(EXACT.linear_map, np.zeros(52))
CASES = {
    "exact": (EXACT, 0.0, ["spectrum", "error"]),
    "few": (FEW, 0.0, ["spectrum", "difference"]),
    "infeasible": (NOISY, 0.0, ["spectrum", "error", "residuals"]),
    "penalty": (NOISY, 0.05, ["spectrum", "error", "residuals"]),
    "penalty without truth": (without_truth(NOISY), 0.05, ["spectrum", "difference", "residuals"]),
    "one number": (ONE, 0.0, ["spectrum"]),
    "zero": (ZERO, 0.0, []),
}


@pytest.mark.parametrize("case", CASES)
def test_every_figure_keeps_the_rules(case):
    problem, penalty, names = CASES[case]
    figures = drawn(problem, penalty)[1]
    assert list(figures) == names
    for name, figure in figures.items():
        assert faults(figure, caption("recover", name), name) == [], name


def test_the_titles_say_what_was_found():
    solutions, figures = drawn(EXACT)
    words = {name: " ".join(figure.get_suptitle().split()) for name, figure in figures.items()}
    assert words["spectrum"] == (
        "The flattest matrix has rank 2, the one of least nuclear norm rank 2, that of least Frobenius norm "
        "rank 7"
    )
    missed = 100.0 * relative(solutions["frobenius norm"].matrix, EXACT.truth)
    assert words["error"].startswith("The flattest matrix is the truth up to ")
    assert words["error"].endswith(f"the one of least Frobenius norm misses it by {missed:.2g} %")
    solutions, figures = drawn(FEW)
    apart = 100.0 * relative(solutions["nuclear norm"].matrix, solutions["flattest"].matrix)
    assert f"differ by {apart:.2g} % of their norm" in " ".join(figures["difference"].get_suptitle().split())


def test_the_marks_are_the_singular_values_and_the_entries():
    solutions, figures = drawn(EXACT)
    marked = {tuple(line.get_ydata()) for line in figures["spectrum"].axes[0].lines}
    values = np.linalg.svd(solutions["flattest"].matrix, compute_uv=False)
    assert tuple(values[:2]) in marked
    entries = figures["error"].axes[0].lines[-1]
    np.testing.assert_array_equal(entries.get_xdata(), EXACT.truth.ravel())
    np.testing.assert_array_equal(entries.get_ydata(), solutions["flattest"].matrix.ravel())


def test_of_many_entries_some_are_drawn():
    large = ss.problems.matrix_completion(d1=30, d2=30, rank=1)
    line = drawn(large)[1]["error"].axes[0].lines[-1]
    assert len(line.get_xdata()) == POINTS
    assert line.get_xdata()[-1] == large.truth[-1, -1]
