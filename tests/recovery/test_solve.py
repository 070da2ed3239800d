"""Recovery against CVXPY, weak duality, and everything that the equations may be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stepscape as ss
from budget import examples
from recovery_cases import ANY, EPS, SYMMETRIC, matrices, oracle, problem, root, roots, value_of
from stepscape import memory, problems
from stepscape.errors import InputError
from stepscape.problems import CorruptedMatrix, Measurements
from stepscape.problems.linear_maps import Dense, Entries, RankOne

SOLVERS = {
    "flattest": ss.recovery.flattest,
    "nuclear norm": ss.recovery.minimum_nuclear_norm,
    "frobenius norm": ss.recovery.minimum_frobenius_norm,
}
CASES = [("any", kind) for kind in ANY] + [(s, kind) for s in ("symmetric", "psd") for kind in SYMMETRIC]


def small(structure: str, kind: str, seed: int = 0) -> Measurements:
    """Too few measurements for the truth to be recovered."""
    shape = (5, 6) if structure == "any" else (5, 5)
    return problem(kind, shape, {"any": 20, "symmetric": 11, "psd": 9}[structure], seed, structure, rank=2)


@pytest.mark.parametrize("objective", SOLVERS)
@pytest.mark.parametrize(("structure", "kind"), CASES)
def test_the_least_value_is_that_of_cvxpy(structure: str, kind: str, objective: str) -> None:
    p = small(structure, kind)
    found = SOLVERS[objective](p)
    assert found.status in ("optimal", "not identifiable")
    assert found.value == pytest.approx(oracle(p, objective), rel=1e-6)
    assert found.value == pytest.approx(value_of(p, found.matrix, objective), rel=1e-12)
    assert np.linalg.norm(p.apply(found.matrix) - p.labels) <= 2e-7 * np.linalg.norm(p.labels)


@pytest.mark.parametrize(
    ("structure", "kind", "objective"),
    [("any", "dense", "flattest"), ("symmetric", "rank one", "flattest"), ("psd", "rank one", "flattest"),
     ("any", "entries", "nuclear norm"), ("psd", "dense", "frobenius norm"),
     ("any", "rank one", "frobenius norm")],
)  # fmt: skip
def test_the_least_penalized_value_is_that_of_cvxpy(structure: str, kind: str, objective: str) -> None:
    p = small(structure, kind)
    penalty = 0.05 * float(np.mean(p.labels**2)) / value_of(p, p.truth, objective)
    found = SOLVERS[objective](p, penalty=penalty)
    assert found.status == "optimal"
    assert found.value == pytest.approx(oracle(p, objective, penalty), rel=1e-6)
    assert found.value == pytest.approx(value_of(p, found.matrix, objective, penalty), rel=1e-12)
    assert found.penalty == penalty


@examples(1 / 4)
@given(st.integers(0, 10**6), st.sampled_from(CASES), st.sampled_from(list(SOLVERS)), st.integers(1, 60))
def test_the_dual_variables_prove_the_bound(
    seed: int, case: tuple[str, str], objective: str, iterations: int
) -> None:
    # Written with A_i, D1 and D2 alone, whatever the solver did: N°(A*(λ)) ≤ 1 and bound = ⟨b, λ⟩ ≤ N(truth).
    p = small(*case, seed)
    found = SOLVERS[objective](p, iterations=iterations)
    D1, D2 = (root(side @ side, -0.5) for side in roots(p, objective))
    image = D1 @ np.einsum("i,ijk->jk", found.dual, matrices(p)) @ D2
    if p.structure == "psd":
        values = np.maximum(np.linalg.eigvalsh(image), 0.0)
    else:
        values = np.linalg.svd(image, compute_uv=False)
    dual_norm = np.linalg.norm(values) if objective == "frobenius norm" else values.max()
    assert dual_norm <= 1.0 + 1e-8
    assert found.bound == pytest.approx(float(p.labels @ found.dual), rel=1e-9, abs=1e-12)
    assert found.bound <= value_of(p, p.truth, objective) * (1.0 + 1e-8)
    assert found.gap == (found.value - found.bound) / found.value
    slack = found.residual * np.linalg.norm(p.labels) * np.linalg.norm(found.dual)
    assert found.bound <= found.value + slack + 1e-8 * found.value


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "make",
    [
        lambda seed: problems.matrix_sensing(12, 9, 1, 80, seed=seed),
        lambda seed: problems.bilinear_sensing(9, 12, 1, 90, seed=seed),
        lambda seed: problems.matrix_completion(12, 12, 1, 130, seed=seed),
        lambda seed: problems.quadratic_network(12, 1, 1, 72, seed=seed),
        lambda seed: problems.covariance_sensing(12, 2, 72, seed=seed),
        lambda seed: problems.matrix_sensing(12, 12, 1, 100, seed=seed, ensemble="sparse"),
    ],
)
def test_what_is_recovered_is_exact_and_proved(make, seed: int) -> None:  # type: ignore[no-untyped-def]
    p = make(seed)
    found = ss.recovery.flattest(p)
    assert p.error(found.matrix) <= 1e-12
    assert abs(found.gap) <= 1e-12
    assert found.unique is True
    assert found.uniqueness is not None
    assert found.uniqueness.proved
    assert found.rank == np.linalg.matrix_rank(p.truth)


def test_a_row_that_is_never_seen_is_reported() -> None:
    p = problem("entries", (6, 6), 30, 1)
    keep = (p.linear_map.rows != 2) & (p.linear_map.columns != 4)
    A = Entries(p.linear_map.rows[keep], p.linear_map.columns[keep], (6, 6))
    found = ss.recovery.flattest(Measurements(A, A.apply(p.truth), truth=p.truth))
    assert found.status == "not identifiable"
    assert (found.null_space.rows, found.null_space.columns) == (1, 1)
    assert (found.null_space.unseen_rows, found.null_space.unseen_columns) == ((2,), (4,))
    assert not found.matrix[2].any()
    assert not found.matrix[:, 4].any()
    assert found.unique is False
    rest = np.ix_([0, 1, 3, 4, 5], [0, 1, 2, 3, 5])
    np.testing.assert_allclose(found.matrix[rest], p.truth[rest], atol=1e-10)


def test_null_directions_need_not_be_rows() -> None:
    rng = np.random.default_rng(3)
    left = rng.standard_normal((20, 5)) @ (np.eye(5) - np.full((5, 5), 0.2))  # nothing along (1, …, 1)
    A = RankOne(left, rng.standard_normal((20, 4)))
    found = ss.recovery.flattest(Measurements(A, A.apply(np.outer(np.arange(5.0), np.ones(4)))))
    assert found.status == "not identifiable"
    assert (found.null_space.rows, found.null_space.columns) == (1, 0)
    assert found.null_space.unseen_rows == ()


@pytest.mark.parametrize("kind", ["dense", "entries", "rank one", "sparse"])
@pytest.mark.parametrize("objective", SOLVERS)
def test_repeated_equations_change_the_weights_alone(kind: str, objective: str) -> None:
    p = problem(kind, (6, 6), 33, 2)
    if kind == "entries":
        A = Entries(np.tile(p.linear_map.rows, 2), np.tile(p.linear_map.columns, 2), (6, 6))
    else:
        A = Dense(np.concatenate([matrices(p)] * 2))
    twice = Measurements(A, A.apply(p.truth), truth=p.truth)
    found = SOLVERS[objective](twice)
    assert found.status == "optimal"
    assert found.residual <= 1e-11
    once = SOLVERS[objective](p)
    np.testing.assert_allclose(found.matrix, once.matrix, atol=1e-5)


def test_conflicting_equations_are_infeasible_and_a_penalty_mends_them() -> None:
    A = Entries([0, 0, 1], [0, 0, 1], (2, 2))
    found = ss.recovery.flattest(Measurements(A, [1.0, 3.0, 1.0]))
    assert found.status == "infeasible"
    assert found.residual == pytest.approx(np.sqrt(2.0 / 11.0))  # ‖(1, −1, 0)‖/‖(1, 3, 1)‖
    np.testing.assert_allclose(found.matrix, np.diag([2.0, 1.0]), atol=1e-12)  # least squares
    assert found.unique is None
    softened = ss.recovery.flattest(Measurements(A, [1.0, 3.0, 1.0]), penalty=0.01)
    assert softened.status == "optimal"
    assert ss.recovery.flattest(Measurements(A, [0.0, 1e-9, 1.0])).status == "optimal"


def test_more_noisy_equations_than_unknowns_are_infeasible() -> None:
    p = problems.matrix_sensing(4, 4, 1, 20, noise=0.1, seed=1)
    assert ss.recovery.flattest(p).status == "infeasible"
    noisy = ss.recovery.flattest(p, penalty=1e-3)
    assert noisy.status == "optimal"
    assert p.error(noisy.matrix) < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_rotated_measurements_have_the_rotated_solution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = problem("rank one", (7, 6), 40, seed, rank=1)
    P, Q = (np.linalg.qr(rng.standard_normal((d, d)))[0] for d in p.shape)
    turned = Measurements(RankOne(p.linear_map.left @ P.T, p.linear_map.right @ Q.T), p.labels)
    for solve in SOLVERS.values():
        first, second = solve(p), solve(turned)
        assert second.value == pytest.approx(first.value, rel=1e-6)
        np.testing.assert_allclose(P @ first.matrix @ Q.T, second.matrix, atol=1e-5)


@pytest.mark.parametrize("factor", [1e-100, 1e-8, 1e8, 1e100])
def test_units_do_not_count(factor: float) -> None:
    p = problem("dense", (5, 5), 20, 1)
    q = Measurements(p.linear_map, factor * p.labels)
    first, second = ss.recovery.flattest(p), ss.recovery.flattest(q)
    assert second.value == pytest.approx(factor * first.value, rel=1e-6)
    assert second.iterations == first.iterations
    np.testing.assert_allclose(second.matrix / factor, first.matrix, rtol=1e-6, atol=1e-9)


def test_an_indefinite_truth_needs_the_symmetry() -> None:
    # Symmetric A_i do not see the skew part, and ‖[[1, t], [−t, −1]]‖_* = 2 for |t| ≤ 1.
    p = problems.quadratic_network(8, 1, 1, 34, seed=1)
    found = ss.recovery.flattest(p)
    assert p.error(found.matrix) <= 1e-10
    assert found.unique is True
    free = ss.recovery.flattest(Measurements(p.linear_map, p.labels))
    assert free.value == pytest.approx(found.value, rel=1e-6)
    assert free.unique is None


def test_zero_labels_have_the_solution_zero() -> None:
    A = problem("dense", (4, 5), 7, 1).linear_map
    for solve in SOLVERS.values():
        found = solve(Measurements(A, np.zeros(7)))
        assert not found.matrix.any()
        assert (found.status, found.value, found.gap, found.rank, found.unique) == (
            "optimal",
            0.0,
            0.0,
            0,
            True,
        )
        assert found.iterations == 0


def test_all_is_zero_from_the_penalty_of_the_docstring_on() -> None:
    p = problem("dense", (5, 4), 15, 1)
    D1, D2 = (root(side @ side, -0.5) for side in roots(p, "flattest"))
    limit = 2.0 / p.size * np.linalg.norm(D1 @ p.adjoint(p.labels) @ D2, 2)
    above = ss.recovery.flattest(p, penalty=1.001 * limit)
    below = ss.recovery.flattest(p, penalty=0.95 * limit)
    assert not above.matrix.any()
    assert (above.status, above.gap, above.iterations) == ("optimal", 0.0, 0)
    assert above.value == pytest.approx(float(np.mean(p.labels**2)), rel=1e-12)
    assert np.linalg.norm(below.matrix) > 1e-3 * np.linalg.norm(p.truth)


def test_semidefinite_solutions_are_equally_flat_and_may_be_one() -> None:
    few, enough = problems.phase_retrieval(8, 10, seed=1), problems.phase_retrieval(8, 40, seed=1)
    many = ss.recovery.flattest(few)
    assert many.constant
    assert many.unique is False
    assert many.status == "optimal"
    # (1/m) Σ ‖x_i‖² b_i at every solution, the truth among them.
    constant = float(np.mean(np.sum(few.linear_map.left**2, axis=1) * few.labels))
    assert many.objective == pytest.approx(constant, rel=1e-6)
    assert few.error(many.matrix) > 0.1
    one = ss.recovery.flattest(enough)
    assert one.constant
    assert one.unique is True
    assert enough.error(one.matrix) < 1e-12


@pytest.mark.parametrize("objective", SOLVERS)
def test_labels_that_no_semidefinite_matrix_has_are_infeasible(objective: str) -> None:
    p = problems.phase_retrieval(4, 6, seed=1)
    one_negative = p.labels.copy()
    one_negative[0] = -1.0  # xᵀ X x ≥ 0
    for labels in (one_negative, -p.labels):
        found = SOLVERS[objective](Measurements(p.linear_map, labels, "psd"))
        assert found.status == "infeasible"
        assert found.unique is None


def test_corrupted_matrices_agree_with_cvxpy() -> None:
    import cvxpy as cp

    p = problems.robust_pca(8, 9, 1, 0.1, seed=1)
    found = ss.recovery.flattest(p)
    X = cp.Variable(p.shape)
    task = cp.Problem(cp.Minimize(cp.normNuc(X)), [cp.sum(cp.abs(p.observed - X)) <= p.budget])
    assert found.value == pytest.approx(task.solve(solver=cp.CLARABEL), rel=1e-6)
    assert np.abs(p.observed - found.matrix).sum() <= p.budget * (1.0 + 1e-9)
    # The bound once more: ⟨Q, Y⟩ − budget·max|Q| with ‖Q‖_op ≤ 1.
    assert np.linalg.norm(found.dual, 2) <= 1.0 + 1e-12
    bound = np.sum(found.dual * p.observed) - p.budget * np.abs(found.dual).max()
    assert found.bound == pytest.approx(bound, rel=1e-9)
    assert ss.recovery.minimum_nuclear_norm(p).value == found.value


def test_budgets_of_nothing_and_of_everything() -> None:
    Y = np.arange(12.0).reshape(3, 4)
    exact = ss.recovery.flattest(CorruptedMatrix(Y, 0.0))
    np.testing.assert_array_equal(exact.matrix, Y)
    assert (exact.status, exact.gap, exact.unique) == ("optimal", 0.0, True)
    nothing = ss.recovery.flattest(CorruptedMatrix(Y, 66.0))
    assert not nothing.matrix.any()
    assert nothing.unique is True


def test_progress_is_told_and_too_few_iterations_are_undecided() -> None:
    p = problems.matrix_completion(12, 12, 2, 80, seed=1)
    seen: list[tuple[int, float]] = []
    found = ss.recovery.flattest(p, iterations=35, progress=lambda *at: seen.append(at))
    assert found.status == "undecided"
    assert found.unique is None
    assert [at for at, _ in seen] == [10, 20, 30, 35]
    assert found.iterations == 35
    assert seen[-1][1] == pytest.approx(found.gap)

    def stop(*_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ss.recovery.flattest(p, progress=stop)


def test_what_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    p, y = problem("dense", (3, 3), 5, 1), CorruptedMatrix(np.eye(3), 0.5)
    for solve in SOLVERS.values():
        with pytest.raises(InputError, match=r"problem must be Measurements or a CorruptedMatrix, got 3"):
            solve(3)
        with pytest.raises(InputError, match="penalty must be finite and not negative"):
            solve(p, penalty=-1.0)
        with pytest.raises(InputError, match="tolerance must lie strictly between 0 and 1"):
            solve(p, tolerance=0.0)
        with pytest.raises(InputError, match="iterations must be a whole number of at least 1"):
            solve(p, iterations=0)
        with pytest.raises(InputError, match="progress must be a function"):
            solve(p, progress=1)
    with pytest.raises(
        InputError, match=r"penalty must be 0 for a CorruptedMatrix, got 0\.1; choose the budget"
    ):
        ss.recovery.flattest(y, penalty=0.1)
    with pytest.raises(InputError, match="problem must be Measurements, got a CorruptedMatrix"):
        ss.recovery.minimum_frobenius_norm(y)
    big = problem("rank one", (40, 40), 2000, 1)
    monkeypatch.setattr(memory, "free_memory", lambda: 1e8)
    with pytest.raises(InputError, match=r"m must fit in memory, got 2000, which needs 16\d MB"):
        ss.recovery.flattest(big)
    with pytest.raises(InputError, match="observed must fit in memory"):
        ss.recovery.flattest(CorruptedMatrix(np.ones((600, 600)), 1.0))


def test_numbers_at_the_ends_of_float64() -> None:
    p = problem("dense", (4, 4), 14, 1)
    A, b = p.linear_map.matrices, p.labels / np.abs(p.labels).max()
    for factor in (1e-300, 1e300):
        found = ss.recovery.minimum_nuclear_norm(Measurements(p.linear_map, factor * b))
        assert found.status == "optimal"
        assert 0.0 < found.value < np.inf
    for solve in SOLVERS.values():
        for factor in (1e-200, 1e-100, 1e100):
            with pytest.raises(InputError, match=r"the A_i must have entries between 1e-70 and 1e\+70, got"):
                solve(Measurements(Dense(factor * A), b))
    with pytest.raises(InputError, match="the objective must be finite"):
        ss.recovery.flattest(Measurements(Dense(1e60 * A), 1e250 * b))
    with pytest.raises(InputError, match="the recovered matrix must be finite"):
        ss.recovery.flattest(Measurements(Dense(1e-60 * A), 1e260 * b))
    with pytest.raises(InputError, match="penalty must be comparable with the labels"):
        ss.recovery.flattest(Measurements(p.linear_map, 1e-200 * b), penalty=1e200)
    assert not ss.recovery.flattest(p, penalty=1e300).matrix.any()


def test_symmetric_solutions_are_symmetric_to_the_last_bit() -> None:
    found = ss.recovery.flattest(problems.quadratic_network(6, 1, 1, 20, seed=1))
    np.testing.assert_array_equal(found.matrix, found.matrix.T)
    assert found.residual <= 1e4 * EPS
