"""Sweeps that recover matrices: what a file means, what is refused, and what the runs record."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import stepscape as ss
from stepscape import memory
from stepscape.cli import main
from stepscape.errors import InputError
from stepscape.lab.spec import columns, identity
from stepscape.problems import low_rank
from stepscape.sweeps.file import read_sweep
from stepscape.sweeps.matrices import OBJECTIVES, PROBLEMS, SQUARE, Matrix, Recovery, Solver, recover

SMALL = """seeds = 2
[matrix]
problem = "bilinear_sensing"
d1 = 6
d2 = 5
rank = 1
m = [12, 29]
[solver]
objective = ["flattest", "nuclear norm"]
"""


def silent(_share: float) -> None:
    """Tell nobody."""


def read(text=SMALL):
    return read_sweep(text, "sweep.toml")


def run(seed=0, solver=None, **matrix):
    given = {"problem": "bilinear_sensing", "d1": 6, "d2": 5, "rank": 1, "m": 29}
    return Recovery(matrix=Matrix(**(given | matrix)), solver=Solver(**(solver or {})), seed=seed)


def test_a_file_means_every_combination():
    specs = read().specs
    assert len(specs) == 2 * 2 * 2
    assert specs[0] == run(m=12)
    assert specs[-1] == run(seed=1, solver={"objective": "nuclear norm"})
    assert len({identity(each) for each in specs}) == 8


def test_solver_and_second_side_may_be_left_out():
    text = '[matrix]\nproblem = "phase_retrieval"\nd1 = [4, 5]\nrank = 1\nm = 20\n'
    specs = read(text).specs
    assert [(each.matrix.d1, each.matrix.d2) for each in specs] == [(4, 4), (5, 5)]
    assert {each.solver for each in specs} == {Solver()}
    assert columns(specs[0])["objective"] == "flattest"


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_problems_are_those_of_the_public_names(name):
    rank = 1 if name == "phase_retrieval" else 2
    drawn = run(problem=name, d2=6, rank=rank).matrix.draw(3)
    sizes = {
        "covariance_sensing": {"d": 6, "rank": 2},
        "phase_retrieval": {"d": 6},
        "quadratic_network": {"d": 6, "positive": 1, "negative": 1},
    }.get(name, {"d1": 6, "d2": 6, "rank": 2})
    same = getattr(low_rank, name)(**sizes, m=29, seed=3)
    assert drawn.labels.tolist() == same.labels.tolist()
    assert drawn.structure == same.structure


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_without_noise_a_run_is_a_trial(objective):
    record = recover(run(solver={"objective": objective}), silent)
    found = ss.recovery.trial(run().matrix.draw(0), objective)
    assert record.outcome == "finished"
    assert record.numbers["verdict"] == found.verdict
    assert record.numbers["recovered"] == (found.verdict == "recovered")
    assert record.numbers["error"] == found.error
    assert record.numbers["ratio"] == found.ratio


def test_what_is_undecided_is_not_counted():
    record = recover(run(problem="covariance_sensing", d2=6, m=7, solver={"iterations": 1}), silent)
    assert record.numbers["verdict"] == "undecided"
    assert record.numbers["recovered"] is None


def test_with_a_penalty_a_run_is_a_solution():
    ticks: list[float] = []
    noisy = run(problem="matrix_sensing", m=60, noise=0.1, solver={"penalty": 0.05})
    record = recover(noisy, ticks.append)
    problem = noisy.matrix.draw(0)
    found = ss.recovery.flattest(problem, penalty=0.05, iterations=6000)
    assert record.numbers["status"] == "optimal"
    assert record.numbers["error"] == problem.error(found.matrix)
    assert record.numbers["rank_found"] == found.rank
    assert ticks[0] == 0.0
    assert all(0.0 <= share <= 1.0 for share in ticks)
    assert not set(record.numbers) & set(columns(noisy))


def test_noise_without_a_penalty_contradicts_itself():
    record = recover(run(problem="matrix_sensing", m=60, noise=0.1), silent)
    assert record.numbers["status"] == "infeasible"
    assert math.isfinite(record.numbers["error"])


REFUSED = {
    (
        '"bilinear_sensing"',
        '"bilinear"',
    ): "line 3: unknown problem 'bilinear'; did you mean 'bilinear_sensing'?",
    (
        '"bilinear_sensing"',
        '"phase_retrieval"',
    ): "line 5: d2 must equal d1 for phase_retrieval, got 5 beside d1 = 6",
    ('"bilinear_sensing"\nd1 = 6\nd2 = 5\nrank = 1', '"phase_retrieval"\nrank = 2'): (
        "line 4: rank must be at most 1 for this problem, got 2"
    ),
    ("rank = 1", "rank = 6"): "line 6: rank must be at most 5 for this problem, got 6",
    ("d1 = 6", "d1 = 0"): "line 4: d1 must lie between 1 and 10000000, got 0",
    ("d2 = 5", "d2 = 0"): "line 5: d2 must lie between 1 and 10000000, got 0",
    ("m = [12, 29]", "m = [12, 0]"): "line 7: m must lie between 1 and 10000000, got 0",
    ("m = [12, 29]", "noise = -1"): "line 7: noise must be finite and not negative, got -1",
    ('"bilinear_sensing"\nd1 = 6', '"matrix_completion"\nd1 = 5'): (
        "line 7: m must be at most the 25 entries of the matrix, got 29"
    ),
    ('"nuclear norm"', '"nuclear"'): "line 9: unknown objective 'nuclear'; did you mean 'nuclear norm'?",
    ("[solver]\n", "[solver]\niterations = 0\n"): "line 9: iterations must lie between 1 and 10000000, got 0",
    ("[solver]\n", "[solver]\npenalty = -1\n"): "line 9: penalty must be finite and not negative, got -1",
    ("[solver]\n", "[solver]\nsteps = 5\n"): "line 9: 'steps' belongs in [method]",
    ('problem = "bilinear_sensing"\n', ""): "line 2: [matrix] must give 'problem'",
    ("[solver]\n", "[network]\nwidth = 5\n[solver]\n"): (
        "line 8: a sweep of matrices must have the sections [matrix] and [solver], got [network], too"
    ),
}


@pytest.mark.parametrize(("old", "new"), REFUSED)
def test_what_is_wrong_is_refused_at_its_line(old, new):
    assert old in SMALL
    with pytest.raises(InputError) as error:
        read(SMALL.replace(old, new, 1))
    assert str(error.value).startswith(f"sweep.toml, {REFUSED[(old, new)]}")


def test_a_solver_alone_has_nothing_to_solve():
    with pytest.raises(InputError, match=r"the file must have a section \[matrix\]"):
        read('[solver]\nobjective = "flattest"\n')


@pytest.mark.parametrize(("sizes", "name"), [({"m": 100_000}, "m"), ({"d1": 10_000_000, "m": 1}, "d1")])
def test_what_does_not_fit_in_memory_is_refused_before_any_run(monkeypatch, sizes, name):
    monkeypatch.setattr(memory, "free_memory", lambda: 1e9)
    with pytest.raises(InputError, match=f"^{name} must fit in memory"):
        run(problem="bilinear_sensing", d2=60, **sizes).matrix.check()


def test_a_sweep_records_its_runs_and_reports_them(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEPSCAPE_CACHE", str(tmp_path / "cache"))
    Path("sweep.toml").write_text(SMALL)
    assert main(["sweep", "sweep.toml", "--out", "runs", "--executor", "serial"]) == 0
    assert "8 runs: 8 finished, 0 diverged, 0 failed" in capsys.readouterr().out
    assert main(["sweep", "sweep.toml", "--out", "runs", "--executor", "serial"]) == 0
    assert "8 were on record" in capsys.readouterr().out
    assert main(["report", "runs"]) == 0
    html = Path("runs/report.html").read_text("utf-8")
    assert "recovered" in html
    assert "bilinear" in html
    assert SQUARE[0] not in html
