"""The largest eigenvalue on tensors: known spectra, ARPACK, rates of misses, and every status."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from stepscape.errors import InputError
from stepscape.monitor import Unmeasured, lanczos, largest
from stepscape.monitor.krylov import Krylov
from stepscape.monitor.lanczos import Negated

EPS = 2.0**-52
SPECTRA = {
    "indefinite": np.linspace(-5.0, 2.0, 80),
    "negative definite": -np.arange(1.0, 41),
    "multiple": np.concatenate([np.linspace(0, 1, 30), [2, 2, 2]]),
    "all equal": np.full(20, 3.0),
    "zero": np.zeros(5),
    "one number": np.array([-2.5]),
    "tiny": 1e-140 * np.arange(9.0),
    "restarted": np.concatenate([np.linspace(0, 1, 400), [1.003]]),
    "outliers": np.concatenate([np.linspace(-0.1, 1, 200), [6, 12, 25, 50, 100]]),
}


@dataclass(frozen=True)
class Diagonal:
    """A diagonal matrix; its vectors have the type of its numbers."""

    values: torch.Tensor

    @property
    def size(self):
        return len(self.values)

    @property
    def device(self):
        return self.values.device

    @property
    def dtype(self):
        return self.values.dtype

    def product(self, vector):
        return self.values * vector


@dataclass(frozen=True)
class Rounded(Diagonal):
    """Products with a relative error of this size, the same for the same vector."""

    error: float = 0.0

    def product(self, vector):
        draw = torch.Generator().manual_seed(int(vector[:4].double().abs().sum() * 1e9) % 2**31)
        image = self.values * vector
        return image + self.error * image.norm() / len(image) ** 0.5 * torch.randn(len(image), generator=draw)


def spectrum(top, bulk=0.5, size=6000):
    """Eigenvalues of a bulk on [0, bulk] under some that are given, in float32."""
    values = torch.linspace(0.0, bulk, size)
    values[-len(top) :] = torch.tensor(top)
    return values


@pytest.mark.parametrize("name", SPECTRA)
def test_the_largest_eigenvalue_of_a_known_spectrum_is_found(name):
    values = SPECTRA[name]
    pair = largest(Diagonal(torch.tensor(values)), tolerance=1e-8, max_products=600)
    top = values.max()
    assert pair.status == "converged"
    assert pair.residual <= 1e-8 * abs(pair.value)
    assert abs(pair.value - top) <= pair.residual + 64 * EPS * np.abs(values).max()
    assert pair.lower_bound <= top


@pytest.mark.parametrize("rows", [4, 7, 24])
def test_the_space_stays_orthonormal_and_its_relation_holds_through_restarts(rows):
    """A V = V T + beside·v eᵀ and VᵀV = 1, to the rounding of float64."""
    operator = Diagonal(torch.tensor(SPECTRA["outliers"]))
    krylov = Krylov(operator, torch.ones(operator.size, dtype=torch.float64), rows)
    for _ in range(40):
        if krylov.done == krylov.most:
            krylov.restart(krylov.most // 2)
        krylov.extend()
        done = krylov.done
        V, T = krylov.rows[: done + 1], torch.from_numpy(krylov.projection[:done, :done])
        assert (V @ V.T - torch.eye(done + 1)).abs().max() <= 256 * EPS
        rest = V[:done] * operator.values - T @ V[:done]
        rest[-1] -= krylov.beside * V[done]
        assert rest.abs().max() <= 256 * EPS * 100


@pytest.mark.parametrize("rows", [7, 24, 80])
@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float64, 1e-8), (torch.float64, 1e-12), (torch.float32, 3e-4)]
)
def test_rows_are_orthogonalized_when_a_bound_is_passed_and_not_before(rows, dtype, bound, monkeypatch):
    """Simon's recurrence keeps |VVᵀ - 1| within the bound at fewer orthogonalizations than steps.

    What it lets pass disturbs A V = V T + beside·v eᵀ by no more than the norm of A times as much. In float32
    an orthogonalization of one row, and not of the one after it, loses everything: |VVᵀ - 1| is near 1.
    """
    operator, steps, taken = Diagonal(torch.tensor(SPECTRA["outliers"]).to(dtype)), 60, []
    restore = Krylov._orthogonalize
    monkeypatch.setattr(Krylov, "_orthogonalize", lambda *given: taken.append(1) or restore(*given))

    def overlap(bound):
        draw = torch.Generator().manual_seed(0)
        start = torch.randn(operator.size, generator=draw, dtype=torch.float64).to(dtype)
        krylov, largest_seen = Krylov(operator, start, rows, bound), 0.0
        for _ in range(steps):
            if krylov.done == krylov.most:
                krylov.restart(krylov.most // 2)
            krylov.extend()
            done = krylov.done
            V, T = krylov.rows[: done + 1].double(), torch.from_numpy(krylov.projection[:done, :done])
            seen = float((V @ V.T - torch.eye(done + 1)).abs().max())
            rest = V[:done] * operator.values - T @ V[:done]
            rest[-1] -= krylov.beside * V[done]
            assert rest.norm() <= 100 * max(bound, 64 * torch.finfo(dtype).eps)
            largest_seen = max(largest_seen, seen)
        return largest_seen

    assert overlap(bound) <= bound
    assert len(taken) < 0.75 * steps
    if rows == 80:
        taken.clear()
        assert overlap(np.inf) > 0.5
        assert not taken


def test_a_symmetric_matrix_gives_what_arpack_gives():
    draw = np.random.default_rng(3)
    A = draw.standard_normal((250, 250))
    A = A + A.T

    class Dense(Diagonal):
        def product(self, vector):
            return torch.from_numpy(A) @ vector

    dense = Dense(torch.zeros(250, dtype=torch.float64))
    operator = LinearOperator((250, 250), matvec=lambda v: A @ v, dtype=np.float64)
    for which, found in (
        ("LA", largest(dense, tolerance=1e-9)),
        ("SA", largest(Negated(dense), tolerance=1e-9)),
    ):
        expected = eigsh(operator, k=1, which=which, return_eigenvectors=False)[0]
        sign = 1.0 if which == "LA" else -1.0
        assert abs(sign * found.value - expected) <= 1e-12 * abs(expected)


def test_ritz_values_are_not_repeated():
    """A space without orthogonalization shows the largest eigenvalue several times: 100.001, 100, 100, …"""
    operator = Diagonal(torch.tensor(SPECTRA["outliers"]))
    pair = largest(operator, tolerance=1e-10, kept=5, max_products=300)
    values = [float(v @ operator.product(v)) for v in pair.vectors]
    assert np.allclose(values, [100, 50, 25, 12, 6], rtol=1e-6)
    assert (pair.vectors @ pair.vectors.T - torch.eye(5)).abs().max() <= 0.1 * 1e-10


@pytest.mark.parametrize(
    ("top", "misses", "products"),
    [
        ([5.0], 0, 10.1),
        ([1.0, 0.98], 0, 15.4),
        ([1.0, 0.995], 2, 15.8),
        ([0.97**i for i in range(20)], 0, 22.95),
    ],
)
def test_few_random_starts_miss_the_largest_eigenvalue(top, misses, products):
    """Of 60 starts at most 2 where the first two values are 0.5 % apart, none elsewhere.

    What patience costs is known as well, within 0.1 to 0.2 products.
    """
    operator = Diagonal(spectrum(top))
    pairs = [largest(operator, seed=seed) for seed in range(60)]
    assert {pair.status for pair in pairs} == {"converged"}
    wrong = [pair for pair in pairs if abs(pair.value - top[0]) > 1e-3 * top[0]]
    assert len(wrong) <= misses
    assert np.mean([pair.products for pair in pairs]) == pytest.approx(products, abs=0.2)
    right = [abs(pair.value - top[0]) for pair in pairs if pair not in wrong]
    assert np.median(right) <= 1e-5 * top[0]


@pytest.mark.parametrize("seed", [107, 246, 388, 561])
def test_a_second_eigenvalue_is_left_that_a_look_one_product_earlier_would_settle_on(seed):
    """These starts hold little of the first: the residual is small long before the value is steady."""
    operator = Diagonal(spectrum([1.0, 0.995]))
    assert abs(largest(operator, seed=seed).value - 1.0) <= 1e-5


@pytest.mark.parametrize("seed", range(4))
def test_a_random_start_is_not_believed_before_ten_products(seed):
    assert largest(Diagonal(spectrum([5.0], bulk=1e-3)), seed=seed).products == 10


def test_a_converged_value_is_never_far_above_the_largest():
    """The value is a Rayleigh quotient, at most λ_max up to the rounding of float32."""
    operator = Diagonal(spectrum([1.0, 0.98]))
    for seed in range(10):
        assert largest(operator, seed=seed).value <= 1.0 + 16 * 2.0**-23


def test_a_budget_that_is_spent_leaves_a_lower_bound_with_its_true_residual():
    operator = Diagonal(torch.tensor(SPECTRA["restarted"]))
    for budget in (2, 5, 12):
        pair = largest(operator, tolerance=1e-8, max_products=budget)
        assert (pair.status, pair.products) == ("budget", budget)
        assert pair.lower_bound <= 1.003
        vector = pair.vectors[0]
        residual = (operator.product(vector) - pair.value * vector).norm()
        assert abs(pair.residual - residual) <= 64 * EPS


def test_products_less_accurate_than_the_tolerance_are_a_noise_floor():
    values = spectrum([1.0, 0.8], size=2000)
    assert largest(Rounded(values, 1e-2)).status == "noise_floor"
    assert largest(Rounded(values, 1e-5)).status == "converged"
    assert largest(Rounded(values, 1e-2), tolerance=0.05).status == "converged"


def test_two_looks_at_the_true_residual_are_three_products_apart(monkeypatch):
    """Products with an error of 1 % satisfy the estimate at once, and never the residual."""
    done = []
    restore = lanczos._verified
    monkeypatch.setattr(lanczos, "_verified", lambda *given: done.append(given[1].done) or restore(*given))
    operator = Rounded(spectrum([1.0, 0.8], size=2000), 1e-2)
    assert largest(operator).status == "noise_floor"
    assert np.diff(done).tolist() == [2]  # and the look itself


def test_a_search_takes_the_memory_of_25_vectors_and_orthogonalizes_seldom(monkeypatch):
    """In float32, five large eigenvalues: about 6 of 11 steps at a bound of a tenth of the tolerance."""
    operator, taken, shapes = Diagonal(torch.tensor(SPECTRA["outliers"]).float()), [], set()
    restore = Krylov._orthogonalize

    def counted(krylov, *given):
        taken.append(1)
        shapes.add(tuple(krylov.rows.shape))
        return restore(krylov, *given)

    monkeypatch.setattr(Krylov, "_orthogonalize", counted)
    for seed in range(6):
        pair = largest(operator, tolerance=1e-4, kept=4, seed=seed)
        assert (pair.vectors @ pair.vectors.T - torch.eye(4)).abs().max() <= 0.1 * 1e-4
    assert shapes == {(25, operator.size)}
    assert len(taken) == pytest.approx(36, abs=1)


def test_the_estimate_of_the_error_is_near_the_error():
    operator = Diagonal(spectrum([1.0, 0.9]).double())
    pair = largest(operator, tolerance=1e-4)
    assert pair.error_estimate <= pair.residual
    assert abs(pair.value - 1.0) <= 2 * pair.error_estimate


def test_products_that_are_not_finite_are_refused():
    with pytest.raises(Unmeasured, match=r"a Hessian product is not finite; the loss overflows") as failure:
        largest(Diagonal(torch.tensor([1.0, float("nan")])))
    assert failure.value.status == "nonfinite"
    with pytest.raises(Unmeasured, match=r"the square of a Hessian product overflows; rescale the loss"):
        largest(Diagonal(1e200 * torch.ones(3, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tolerance": 1.0}, r"tolerance must lie strictly between 0 and 1, got 1\.0"),
        ({"max_products": 1}, r"max_products must be a whole number of at least 2, got 1"),
        ({"kept": 0}, r"kept must be a whole number of at least 1, got 0"),
        ({"rows": 3}, r"rows must be a whole number of at least 4, got 3"),
        ({"least_scale": -1.0}, r"least_scale must be finite and not negative, got -1\.0"),
        ({"start": torch.zeros(4)}, r"start must be finite and not zero, got norm 0\.0"),
        ({"start": torch.ones(3)}, r"start must be a tensor of shape \(4,\), got a Tensor of shape \(3,\)"),
    ],
)
def test_a_wrong_number_is_refused(wrong, sentence):
    with pytest.raises(InputError, match=sentence):
        largest(Diagonal(torch.ones(4)), **wrong)


def test_a_start_that_is_given_gets_a_twentieth_of_noise():
    start = torch.zeros(5000)
    start[0] = 3.0
    begun = lanczos._begin(Diagonal(torch.ones(5000)), start, seed=0)
    assert float((begun - start / 3.0).norm()) == pytest.approx(0.05, rel=1e-5)


def test_the_search_draws_from_no_one_elses_random_numbers():
    before = torch.get_rng_state()
    largest(Diagonal(torch.arange(9.0)))
    assert torch.equal(before, torch.get_rng_state())
