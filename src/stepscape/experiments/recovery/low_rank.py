"""The problems of low rank that claims about recovery share, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from stepscape import problems
from stepscape.errors import bad, unknown
from stepscape.experiments.frame.settings import Settings, at_least
from stepscape.problems.corrupted_matrix import CorruptedMatrix
from stepscape.problems.low_rank import Ensemble
from stepscape.problems.measurements import Measurements

Build = Callable[[int, int, int, float, int], Measurements | CorruptedMatrix]
OBJECTIVES = {
    "flat": "flattest",
    "nuclear": "nuclear norm",
    "frobenius": "frobenius norm",
}  # suffix of a column → objective of `stepscape.recovery`


@dataclass(frozen=True)
class Kind:
    """A kind of problem.

    Attributes
    ----------
    words : its name in figures.
    symmetric : whether the matrix is.
    build : (d, rank, m, noise, seed) → the problem.
    """

    words: str
    symmetric: bool
    build: Build

    def dimension(self, d: int) -> int:
        """Return the dimension of all matrices: so many measurements determine any of them."""
        return d * (d + 1) // 2 if self.symmetric else d * d

    def degrees_of_freedom(self, d: int, rank: int) -> int:
        """Return the dimension of the matrices of a rank."""
        return rank * d - rank * (rank - 1) // 2 if self.symmetric else rank * (2 * d - rank)

    def measurements(self, d: int, rank: int, ratio: float) -> int:
        """Return m, `ratio` times the degrees of freedom."""
        return round(ratio * self.degrees_of_freedom(d, rank))


def _sensing(ensemble: Ensemble, d: int, rank: int, m: int, noise: float, seed: int) -> Measurements:
    return problems.matrix_sensing(d, d, rank, m, noise, seed, ensemble)


def _bilinear(d: int, rank: int, m: int, noise: float, seed: int) -> Measurements:
    return problems.bilinear_sensing(d, d, rank, m, noise, seed)


def _completion(d: int, rank: int, m: int, noise: float, seed: int) -> Measurements:
    return problems.matrix_completion(d, d, rank, m, noise, seed)


def _covariance(d: int, rank: int, m: int, noise: float, seed: int) -> Measurements:
    return problems.covariance_sensing(d, rank, m, noise, seed)


def _network(d: int, rank: int, m: int, noise: float, seed: int) -> Measurements:
    return problems.quadratic_network(d, (rank + 1) // 2, rank // 2, m, noise, seed)


def _robust(d: int, rank: int, m: int, noise: float, seed: int) -> CorruptedMatrix:
    """All entries are seen, and m of them are right."""
    return problems.robust_pca(d, d, rank, 1.0 - m / (d * d), noise, seed)


PROBLEMS = {
    "gaussian": Kind("Gaussian sensing", False, partial(_sensing, "gaussian")),
    "rademacher": Kind("sensing by signs", False, partial(_sensing, "rademacher")),
    "sparse": Kind("sparse sensing", False, partial(_sensing, "sparse")),
    "bilinear": Kind("bilinear sensing", False, _bilinear),
    "completion": Kind("matrix completion", False, _completion),
    "covariance": Kind("covariance sensing", True, _covariance),
    "network": Kind("quadratic network", True, _network),
    "robust_pca": Kind("robust PCA, oracle budget", False, _robust),
}


def words(problem: str) -> str:
    """Return the name of a kind of problem in figures."""
    return PROBLEMS[problem].words


def check(settings: Settings) -> None:
    """Refuse unknown problems, and ranks and numbers of measurements that no problem has."""
    at_least(settings, d=2, seeds=1)
    for name in settings["problems"]:
        if name not in PROBLEMS:
            raise unknown("problem", name, PROBLEMS)
    for rank in settings.get("ranks", (settings.get("rank", 1),)):
        if not 1 <= rank <= settings["d"]:
            raise bad(
                "ranks" if "ranks" in settings else "rank", f"lie between 1 and d = {settings['d']}", rank
            )
    if not min(settings["ratios"]) > 0.0:
        raise bad("ratios", "be positive", min(settings["ratios"]))
