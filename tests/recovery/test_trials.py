"""A trial has the verdict of the full solution, and has it earlier."""

from __future__ import annotations

import numpy as np
import pytest

import stepscape as ss
from stepscape import problems
from stepscape.errors import InputError
from stepscape.problems import CorruptedMatrix, Measurements
from stepscape.problems.linear_maps import Dense, Entries


@pytest.mark.parametrize("objective", ["flattest", "nuclear norm", "frobenius norm"])
@pytest.mark.parametrize("m", [40, 55, 64])
def test_the_verdict_is_that_of_the_solution(m: int, objective: str) -> None:
    solve = {
        "flattest": ss.recovery.flattest,
        "nuclear norm": ss.recovery.minimum_nuclear_norm,
        "frobenius norm": ss.recovery.minimum_frobenius_norm,
    }[objective]
    for seed in range(3):
        p = problems.matrix_sensing(8, 8, 1, m, seed=seed)
        trial, found = ss.recovery.trial(p, objective), solve(p)
        assert trial.verdict == ("recovered" if p.error(found.matrix) <= 1e-5 else "beaten")
        assert trial.iterations <= found.iterations
        if trial.verdict == "beaten":
            assert trial.ratio < 1.0 - 1e-6


def test_few_measurements_of_a_semidefinite_matrix_tie() -> None:
    few, enough = problems.phase_retrieval(8, 9, seed=1), problems.phase_retrieval(8, 40, seed=1)
    assert ss.recovery.trial(few).verdict == "tied"
    assert ss.recovery.trial(few).ratio == pytest.approx(1.0, abs=1e-6)
    assert ss.recovery.trial(enough).verdict == "recovered"


def test_all_of_a_line_segment_ties() -> None:
    # ‖diag(1 − t, t)‖_* = 1 with the one equation tr X = 1: the splitting ends at I/2.
    p = Measurements(Dense(np.eye(2)[None]), [1.0], truth=np.diag([1.0, 0.0]))
    assert ss.recovery.trial(p, "nuclear norm").verdict == "tied"


def test_what_is_never_seen_ties() -> None:
    p = problems.matrix_completion(6, 6, 1, 36, seed=1)
    seen = p.linear_map.rows != 2
    A = Entries(p.linear_map.rows[seen], p.linear_map.columns[seen], (6, 6))
    assert ss.recovery.trial(Measurements(A, p.labels[seen], truth=p.truth)).verdict == "tied"


def test_corrupted_matrices() -> None:
    good = ss.recovery.trial(problems.robust_pca(15, 15, 1, 0.05, seed=1))
    assert good.verdict == "recovered"
    assert good.error <= 1e-5
    assert ss.recovery.trial(problems.robust_pca(15, 15, 3, 0.5, seed=1)).verdict == "beaten"


def test_no_verdict_without_the_iterations() -> None:
    p = problems.matrix_completion(12, 12, 1, 130, seed=2)
    assert ss.recovery.trial(p, iterations=1).verdict == "undecided"
    assert ss.recovery.trial(p).verdict == "recovered"


def test_a_trial_needs_a_truth_without_noise() -> None:
    p = problems.matrix_sensing(4, 4, 1, 8, seed=1)
    with pytest.raises(InputError, match="truth must be given for a trial, got None"):
        ss.recovery.trial(Measurements(p.linear_map, p.labels))
    noisy = problems.matrix_sensing(4, 4, 1, 8, noise=0.1, seed=1)
    with pytest.raises(
        InputError, match=r"truth must have zero loss in a trial, got a residual of .*take noise=0"
    ):
        ss.recovery.trial(noisy)
    with pytest.raises(InputError, match="truth must have zero loss"):
        ss.recovery.trial(CorruptedMatrix(np.eye(3), 0.5, np.zeros((3, 3))))
    hidden = Measurements(Entries([0], [0], (2, 2)), [0.0], truth=np.diag([0.0, 1.0]))
    with pytest.raises(InputError, match="truth must be seen by the measurements"):
        ss.recovery.trial(hidden)
    with pytest.raises(InputError, match="unknown objective 'flat'"):
        ss.recovery.trial(p, "flat")
    with pytest.raises(InputError, match="iterations must be a whole number of at least 1"):
        ss.recovery.trial(p, iterations=0)
    with pytest.raises(InputError, match="problem must be Measurements or a CorruptedMatrix"):
        ss.recovery.trial(np.eye(2))
