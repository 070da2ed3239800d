"""The command recover: what it finds, what it says of noise and of what is not seen, what it refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import stepscape as ss
from commands import listing, refused, said
from stepscape.cli import main
from stepscape.recovery.penalties import noise_penalty

FIGURES = ["error", "spectrum"]


def wrote(names=FIGURES):
    return sorted(
        [
            *(f"figures/{name}.{kind}" for name in names for kind in ("png", "svg")),
            "flattest.npz", "nuclear.npz", "report.html", "result.json",
        ]
    )  # fmt: skip


def save(problem, path="measured.npz"):
    ss.problems.write_measurements(path, problem)
    return problem


def words_of(text):
    """A text without its line breaks."""
    return " ".join(text.split())


def document(out="out"):
    return json.loads((Path(out) / "result.json").read_text("utf-8"))


def recover(*words, status=0):
    assert main(["recover", "measured.npz", "--out", "out", *words]) == status


# ---- what it writes


def test_the_truth_is_recovered_and_every_file_says_so(capsys):
    problem = save(ss.problems.bilinear_sensing(d1=8, d2=6, rank=1, m=45))
    out = words_of(said(capsys, "recover", "measured.npz").out)
    assert (
        "measured.npz: 45 measurements (rank-one matrices A_i) of a matrix X of shape 8×6; it holds the truth"
        in words_of(out)
    )
    assert "The flattest matrix that fits all labels has rank 1 and is the truth up to" in words_of(out)
    folder = Path("measured-recovered")
    assert listing(folder) == wrote()
    result = document(folder)
    found = ss.recovery.flattest(problem)
    assert result["solutions"]["flattest"]["objective"] == found.objective
    assert result["solutions"]["flattest"]["status"] == "optimal"
    assert result["solutions"]["frobenius"]["error"] > 0.1
    with np.load(folder / "flattest.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["left", "matrix", "right"]
        np.testing.assert_array_equal(arrays["matrix"], found.matrix)
        assert arrays["left"].shape == (8, 1)
        factors = ss.Factorization(arrays["left"], arrays["right"])
    # The columns that were left out are rounding, and what remains is as flat as X allows.
    np.testing.assert_allclose(factors.matrix, found.matrix, rtol=0, atol=1e-9 * np.abs(found.matrix).max())
    objective = ss.objectives.factors(problem, factors=factors)
    trace = ss.theory.low_rank.flattest_trace(problem, found.matrix)
    assert objective.trace(factors.parameters) == pytest.approx(trace, rel=1e-9)
    flat = result["flat"]
    assert flat["trace"] == pytest.approx(trace, rel=1e-9)
    dense = np.array([objective.hessian(factors.parameters).product(unit) for unit in np.eye(objective.size)])
    assert flat["sharpness"] == pytest.approx(np.linalg.eigvalsh(dense)[-1], rel=1e-7)
    assert flat["step_size"] == pytest.approx(2.0 / flat["sharpness"], rel=1e-12)
    assert {each["verdict"] for each in flat["certificates"].values()} == {"holds"}
    assert result["difference"] < 1e-6
    assert result["data"]["guessed"] == result["warnings"] == []


def test_the_largest_step_size_is_where_descent_leaves():
    """Below 2/λ_max descent returns to the flat factors from nearby, above it does not."""
    problem = save(ss.problems.matrix_sensing(d1=4, d2=3, rank=1, m=12))
    recover()
    with np.load("out/flattest.npz") as arrays:
        factors = ss.Factorization(arrays["left"], arrays["right"])
    objective = ss.objectives.factors(problem, factors=factors)
    edge = document()["flat"]["step_size"]

    def last_loss(step_size):
        theta = factors.parameters + 1e-6
        for _ in range(400):
            theta = theta - step_size * objective.gradient(theta)
        return objective.loss(theta)

    assert last_loss(0.97 * edge) < 1e-14
    assert last_loss(1.03 * edge) > 1e-9


def test_a_truth_that_is_missed_by_more_than_float64_holds(capsys):
    np.savez(
        "measured.npz", rows=[0, 1], cols=[0, 1], shape=[2, 2], b=[1e5, 1e5], truth=np.full((2, 2), 5e-324)
    )
    out = said(capsys, "recover", "measured.npz", "--out", "out").out
    assert document()["solutions"]["flattest"]["error"] is None
    assert "The flattest matrix that fits all labels has rank 2." in words_of(out)


def test_json_is_the_document_of_the_file(capsys):
    save(ss.problems.matrix_completion(d1=6, d2=5, rank=1))
    printed = said(capsys, "recover", "measured.npz", "--out", "out", "--json").out
    assert json.loads(printed) == document()


# ---- noise, and what the measurements do not tell


def noisy():
    return save(ss.problems.matrix_sensing(d1=6, d2=5, rank=1, m=60, noise=0.3, seed=1))


def test_labels_that_contradict_each_other_ask_for_a_penalty(capsys):
    problem = noisy()
    printed = said(capsys, "recover", "measured.npz", "--out", "out")
    result = document()
    assert result["solutions"]["flattest"]["status"] == "infeasible"
    assert result["flat"] is None
    assert "No matrix satisfies all equations; with a penalty" in words_of(printed.out)
    zero = result["penalty"]["zero"]
    assert f"(X = 0 from {zero:.4g} on, and about {result['penalty']['noise']:.3g} leaves out" in printed.err
    with np.load("out/flattest.npz") as arrays:
        assert list(arrays) == ["matrix"]
    assert listing(Path("out")) == wrote([*FIGURES, "residuals"])
    # The threshold is the one that the solver finds.
    assert not ss.recovery.flattest(problem, penalty=zero * (1 + 1e-9)).matrix.any()
    assert ss.recovery.flattest(problem, penalty=zero * (1 - 1e-3)).matrix.any()


def test_with_a_penalty_above_that_of_the_noise_the_rank_is_that_of_the_truth(capsys):
    problem = noisy()
    penalty = 2.0 * noise_penalty(problem, problem.noise)
    printed = said(capsys, "recover", "measured.npz", "--out", "out", "--penalty", str(penalty))
    result = document()
    assert result["penalty"]["noise"] == penalty / 2.0
    found = result["solutions"]
    assert found["flattest"]["status"] == found["nuclear"]["status"] == "optimal"
    assert found["flattest"]["rank"] == found["nuclear"]["rank"] == 1
    assert found["flattest"]["error"] < 0.1
    assert 0.0 < found["flattest"]["residual"] < 0.5
    assert "loss + penalty·norm" in words_of(printed.out)
    assert result["flat"]["step_size"] is None
    assert "with a penalty the factors do not minimize the loss alone" in words_of(printed.out)
    # D1 and D2 of Gaussian measurements are near multiples of I, so that the two norms are alike.
    assert found["nuclear"]["value"] == pytest.approx(found["flattest"]["value"], rel=0.15)


def test_a_penalty_that_leaves_nothing_is_named(capsys):
    noisy()
    printed = said(capsys, "recover", "measured.npz", "--out", "out", "--penalty", "1e6")
    assert "the penalty is so large that X = 0; below" in printed.err
    assert document()["solutions"]["flattest"]["rank"] == 0


def test_rows_and_columns_that_are_never_seen_are_named(capsys):
    mask = np.ones((6, 5))
    mask[[1, 4]] = mask[:, 2] = 0
    save(ss.problems.matrix_completion(d1=6, d2=5, rank=1, mask=mask))
    printed = said(capsys, "recover", "measured.npz", "--out", "out")
    result = document()
    assert result["identifiable"]["unseen_rows"] == [1, 4]
    assert result["identifiable"]["unseen_columns"] == [2]
    assert result["solutions"]["flattest"]["status"] == "not identifiable"
    said_so = "no measurement sees 2 dimensions of its rows and 1 dimension of its columns (no measurement "
    assert f"{said_so}touches rows 1, 4 and columns 2, counted from 0)" in printed.err
    assert "rows 1, 4; columns 2" in Path("out/report.html").read_text("utf-8")


def test_labels_of_zero_have_the_answer_zero(capsys):
    np.savez("measured.npz", A=np.random.default_rng(0).standard_normal((7, 3, 3)), b=np.zeros(7))
    out = said(capsys, "recover", "measured.npz", "--out", "out").out
    assert "X = 0 is the answer" in words_of(out)
    assert listing(Path("out")) == wrote([])
    result = document()
    assert result["solutions"]["flattest"]["objective"] == 0.0
    assert result["flat"]["sharpness"] is None
    with np.load("out/flattest.npz") as arrays:
        assert arrays["left"].shape == (3, 1)


def test_one_number_is_a_matrix():
    np.savez("measured.npz", rows=[0], cols=[0], shape=[1, 1], b=[3.0])
    recover()
    with np.load("out/flattest.npz") as arrays:
        assert arrays["matrix"].tolist() == [[3.0]]


def test_semidefinite_solutions_of_vectors_are_equally_flat(capsys):
    save(ss.problems.phase_retrieval(d=5, m=20))
    out = said(capsys, "recover", "measured.npz", "--out", "out").out
    assert "of a positive semidefinite matrix X of shape 5×5" in words_of(out)
    assert "Every positive semidefinite solution is equally flat" in words_of(out)
    with np.load("out/flattest.npz") as arrays:
        assert arrays["right"].shape == (5, 0)
        np.testing.assert_allclose(arrays["left"] @ arrays["left"].T, arrays["matrix"], rtol=0, atol=1e-7)


def test_labels_that_no_semidefinite_matrix_has(capsys):
    vectors = np.random.default_rng(0).standard_normal((20, 5))
    squares = vectors[:, :2] ** 2  # labels of the rank-one matrices e_1 e_1ᵀ and e_2 e_2ᵀ

    def said_of(labels):
        np.savez("measured.npz", vectors=vectors, b=labels, psd=True)
        printed = said(capsys, "recover", "measured.npz", "--out", "out", "--force")
        assert document()["solutions"]["flattest"]["status"] == "infeasible"
        return printed.err

    symmetric_one = "satisfies all equations, but a symmetric one does: if X may have negative eigenvalues"
    negative = said_of(-squares[:, 0])
    assert symmetric_one in negative
    assert "with any --penalty, X = 0 is the answer" in negative
    both = said_of(squares[:, 0] - squares[:, 1])
    assert symmetric_one in both
    assert "give --penalty, a positive number" in both
    assert "least squares misses the labels by" in said_of(np.arange(20.0))


def test_what_a_file_leaves_open_is_said(capsys):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((14, 4)), rng.standard_normal(4)
    np.savez("measured.npz", vectors=x, b=(x @ w) ** 2)
    printed = said(capsys, "recover", "measured.npz", "--out", "out")
    assert "stepscape: warning: X is taken for symmetric, because the file holds vectors" in printed.err
    assert "of a symmetric matrix X of shape 4×4" in words_of(printed.out)
    np.savez("measured.npz", A=np.einsum("ij,ik->ijk", x, x), b=(x @ w) ** 2)
    printed = said(capsys, "recover", "measured.npz", "--out", "out", "--force")
    assert "every A_i is symmetric, so that no measurement sees the antisymmetric part" in printed.err


def test_a_symmetric_matrix_of_both_signs():
    problem = save(ss.problems.quadratic_network(d=6, positive=1, negative=1, m=21))
    recover()
    with np.load("out/flattest.npz") as arrays:
        left, right = arrays["left"], arrays["right"]
    assert left.shape == right.shape == (6, 1)
    np.testing.assert_allclose(left @ left.T - right @ right.T, problem.truth, rtol=0, atol=1e-7)


def test_without_a_truth_the_two_solutions_are_compared(capsys):
    problem = ss.problems.bilinear_sensing(d1=6, d2=6, rank=2, m=16)
    save(ss.problems.Measurements(problem.linear_map, problem.labels))
    out = said(capsys, "recover", "measured.npz", "--out", "out").out
    assert "error to the truth" not in words_of(out)
    result = document()
    assert result["difference"] > 1e-3
    assert "The flattest matrix and the one of least nuclear norm differ by" in words_of(out)
    assert listing(Path("out")) == wrote(["difference", "spectrum"])


def test_spent_iterations_are_undecided(capsys):
    save(ss.problems.bilinear_sensing(d1=6, d2=6, rank=2, m=25))
    printed = said(capsys, "recover", "measured.npz", "--out", "out", "--iterations", "2")
    assert document()["solutions"]["flattest"]["status"] == "undecided"
    assert "the iterations were spent before the solver was done (flattest, nuclear: gap" in printed.err


def test_the_example_is_read_by_the_command(capsys):
    out = said(capsys, "example-npz", "example.npz").out
    assert "Next: stepscape recover example.npz" in words_of(out)
    assert ss.problems.read_measurements("example.npz").size == 200
    assert "'example.npz' exists; name another file or add --force" in refused(
        capsys, ["example-npz", "example.npz"]
    )
    assert json.loads(said(capsys, "example-npz", "example.npz", "--force", "--json").out)["file"]


# ---- wrong input

GOOD = {"A": np.random.default_rng(0).standard_normal((4, 3, 2)), "b": np.arange(4.0)}
WRONG = {
    "NaN in b": ({"b": np.array([1.0, np.nan, 2.0, 3.0])}, "b must be finite, got nan at index (1,)"),
    "infinite A": ({"A": np.full((4, 3, 2), np.inf)}, "A must be finite"),
    "other length": ({"b": np.arange(5.0)}, "b must have one number per measurement (4), got 5"),
    "objects": ({"b": np.array([None, 1, 2, 3])}, "Python objects"),
    "empty": ({"A": np.zeros((0, 3, 2)), "b": np.zeros(0)}, "must hold at least one number"),
    "not square": ({"symmetric": True}, "every A_i must be symmetric for the structure 'symmetric'"),
    "not symmetric": (
        {"A": np.random.default_rng(0).standard_normal((4, 2, 2)), "symmetric": True},
        "every A_i must be symmetric for the structure 'symmetric'",
    ),
    "truth of another shape": ({"truth": np.zeros((2, 3))}, "truth must have shape (3, 2)"),
    "two kinds": ({"left": np.zeros((4, 3))}, "must hold one kind of measurements"),
    "another name": ({"c": np.zeros(3)}, "it holds the unknown array 'c'"),
    "beyond the range": ({"A": 1e-200 * GOOD["A"]}, "the A_i must have entries between"),
    "beyond the squares": ({"A": 1e200 * GOOD["A"]}, "Σ A_i A_iᵀ must be finite"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_measurements_are_refused(capsys, case):
    arrays, says = WRONG[case]
    np.savez("measured.npz", **{**GOOD, **arrays})
    assert says in refused(capsys, ["recover", "measured.npz", "--out", "out"])
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--penalty", "-1"], "penalty must be finite and positive, got -1"),
        (["--penalty", "much"], "penalty must be finite and positive, got 'much'"),
        (["--iterations", "0"], "iterations must be at least 1, got 0"),
        (["--iterations", "1.5"], "iterations must be a whole number"),
        (["--out", "full"], "output directory 'full' is not empty; name another or add --force"),
        (["--format", "gif"], "unknown format 'gif'"),
        (["--rank", "2"], "unknown option '--rank'"),
    ],
)
def test_wrong_options_are_refused(capsys, words, says):
    np.savez("measured.npz", **GOOD)
    Path("full").mkdir()
    Path("full/mine.txt").write_text("precious")
    assert says in refused(capsys, ["recover", "measured.npz", *words])


def test_wrong_files_are_refused(capsys):
    assert "cannot read 'no.npz': there is no such file" in refused(capsys, ["recover", "no.npz"])
    Path("text.npz").write_text("1,2,3\n")
    assert "'text.npz' is not an npz file" in refused(capsys, ["recover", "text.npz"])
    Path("empty.npz").write_bytes(b"")
    assert "'empty.npz' is empty (0 bytes)" in refused(capsys, ["recover", "empty.npz"])


def test_a_problem_that_does_not_fit_in_memory_is_refused(capsys, monkeypatch):
    from stepscape import memory

    rows, columns = np.divmod(np.arange(3000), 100)
    np.savez("measured.npz", left=np.eye(100)[rows], right=np.eye(100)[columns], b=np.ones(3000))
    monkeypatch.setattr(memory, "free_memory", lambda: 1e8)
    assert "m must fit in memory" in refused(capsys, ["recover", "measured.npz", "--out", "out"])


def test_force_replaces_what_it_writes_and_leaves_the_rest():
    np.savez("measured.npz", **GOOD)
    Path("out").mkdir()
    Path("out/mine.txt").write_text("precious")
    Path("out/flattest.npz").write_text("old")
    recover("--force")
    assert Path("out/mine.txt").read_text() == "precious"
    assert np.load("out/flattest.npz")["matrix"].shape == (3, 2)


@pytest.mark.parametrize("step", ["solve", "write"])
def test_an_interrupt_leaves_nothing(capsys, monkeypatch, step):
    from stepscape import recovery
    from stepscape.cli import artifacts

    def interrupt(*_args, **_options):
        raise KeyboardInterrupt

    np.savez("measured.npz", **GOOD)
    if step == "solve":
        monkeypatch.setattr(recovery, "minimum_nuclear_norm", interrupt)
    else:
        monkeypatch.setattr(artifacts, "write_result", interrupt)
    recover(status=130)
    assert capsys.readouterr().err == "stepscape: interrupted; nothing was left behind\n"
    assert os.listdir() == ["measured.npz"]


def test_what_cannot_be_written_is_status_1(capsys, monkeypatch):
    from stepscape import files

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    np.savez("measured.npz", **GOOD)
    monkeypatch.setattr(files, "write_atomic", full)
    recover(status=1)
    assert "o space left on device" in capsys.readouterr().err
    assert os.listdir() == ["measured.npz"]


def test_hostile_names_reach_every_file_harmless(capsys):
    name = "<script>alert(1)<script> $x^2$ \x1b[31m.npz"
    Path(name).write_bytes(b"")
    np.savez("m.npz", **GOOD, name="<script>\x1b[31m")
    os.replace("m.npz", name)
    printed = said(capsys, "recover", name, "--out", "out")
    assert "\x1b" not in printed.out + printed.err
    assert "<script" not in Path("out/report.html").read_text("utf-8")
