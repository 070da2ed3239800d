"""The table of further numbers: one row per setting, over the runs that count."""

import math

import numpy as np

from stepscape.experiments.frame.medians import medians, nothing_finished
from stepscape.tables.records import Table

RUNS = Table(
    {
        "outcome": np.array(["finished", "finished", "diverged", "finished"]),
        "step_size": np.array([0.1, 0.1, 0.1, 0.2]),
        "risk": np.array([1.0, 3.0, 100.0, np.nan]),
        "flat": np.array([1.0, 0.0, 1.0, 1.0]),
    }
)


def finished(table: Table) -> np.ndarray:
    return np.asarray(table["outcome"] == "finished")


def test_medians_and_shares_are_over_the_runs_of_a_setting_that_count():
    found = medians(RUNS, ["step_size"], ["risk"], ["flat"], finished)
    assert found.columns["runs"].tolist() == [2, 1]
    assert found["risk"][0] == 2.0
    assert found["flat"].tolist() == [0.5, 1.0]
    assert math.isnan(found["risk"][1])


def test_without_a_mask_every_run_counts():
    assert medians(RUNS, ["step_size"], ["risk"])["risk"][0] == 3.0


def test_what_no_run_measured_is_left_out():
    assert list(medians(RUNS, ["step_size"], ["tv"], ["dead"]).columns) == ["step_size", "runs"]


def test_no_runs_have_no_rows():
    assert not len(medians(RUNS.rows(np.zeros(4, bool)), ["step_size"], ["risk"]))


def test_a_table_of_diverged_runs_says_so():
    assert nothing_finished(RUNS.where(outcome="diverged")) == "no run finished"
    assert not nothing_finished(RUNS)
