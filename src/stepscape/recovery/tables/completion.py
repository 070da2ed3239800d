"""A table with missing entries → the same table filled by its flattest factorization of low rank."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepscape import arguments
from stepscape.errors import bad
from stepscape.recovery.tables.completion_settings import CompletionSettings, check_settings
from stepscape.recovery.tables.held_out import HeldOut, Tick, choose, column_errors, cross_validate, deal
from stepscape.recovery.tables.notes import accuracy_notes, empty_notes
from stepscape.recovery.tables.penalized_path import Penalized, PenalizedProblem, follow, minimize
from stepscape.recovery.tables.shrinkage import Shrunk
from stepscape.recovery.tables.table_numbers import TableNumbers, read_numbers, write_back
from stepscape.recovery.tables.units import Units
from stepscape.tables.records import Table

Array = NDArray[np.float64]
PATH, RATIO = 25, 1e-3  # number of penalties, and the least over the largest
ROUGH = 1e-3  # relative duality gap of solutions on the way there
TOLERANCE = 1e-7  # relative duality gap of the final solution
FEWEST = 10  # entries that can be held out, below which cross-validation says nothing


@dataclass(frozen=True, eq=False)
class Completion:
    """A completed table, and how it was completed.

    Attributes
    ----------
    filled : array (n, p) or data frame
        The table with its missing entries filled. Observed entries are as they were; an entry in a row or a
        column without any observed entry stays nan.
    standard_error : (n, p)
        Of each filled entry; nan elsewhere. It estimates the distance of the filled number from the one that
        would have been observed: the root mean square error of held-out entries of its column, see
        `complete`.
    norm, rule : str
    penalty : float
        λ in standardized units; nan if there was nothing to fill.
    rank : int
        Of the matrix that fills the gaps, in standardized units.
    gap : float
        Relative duality gap of the solution: how far its loss plus penalty may lie above the least.
    path : Table
        One row per penalty, largest first: penalty, error (mean squared held-out error; column means score
        about 1), standard_error (over folds), chosen. It has no rows if nothing was held out.
    choice : str
        How the penalty was chosen, in a sentence.
    notes : tuple of str
        One sentence for each thing that a reader must know, such as rows that stay empty.
    """

    filled: Any = field(repr=False)
    standard_error: Array = field(repr=False)
    norm: str
    rule: str
    penalty: float
    rank: int
    gap: float
    path: Table = field(repr=False)
    choice: str
    notes: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """Mean squared held-out error at the penalty that was used; nan if nothing was held out."""
        chosen = [row["error"] for row in self.path.records() if row["chosen"]]
        return float(chosen[0]) if chosen else float("nan")

    def __repr__(self) -> str:
        """Say how much was filled, and how."""
        count = int(np.isfinite(self.standard_error).sum())
        return (
            f"Completion({self.norm} norm, penalty {self.penalty:.3g}, rank {self.rank}, held-out error "
            f"{self.error:.3g}, {count} entries with a standard error, relative gap {self.gap:.1e})"
        )


def complete(
    table: object,
    norm: str = "flat",
    penalty: float | str = "cv",
    rule: str = "min",
    folds: int = 5,
    standardize: bool = True,
    seed: int = 0,
    progress: Tick | None = None,
) -> Completion:
    """Fill the missing entries of a table of numbers.

    X minimizes ½ Σ_seen (X_ij − Y_ij)² + λ ‖diag(r) X diag(c)‖_*, where Y is the table in standardized units,
    seen are its observed entries, and r_i² and c_j² are the numbers of observed entries of row i and column
    j, each over their mean. This weighted trace norm is half the least Hessian trace of the loss over all
    factorizations X = L Rᵀ, but for that mean: its minimizers are the flattest ones.

    Parameters
    ----------
    table : array (n, p) or data frame of pandas
        Numbers, with nan (or pandas' own marks) where one is missing.
    norm : "flat" or "nuclear"
        The weighted norm, or r = c = 1.
    penalty : "cv" or float
        λ. With "cv", cross-validation chooses among 25 values from the one of which X = 0 is the solution,
        which fills every gap with the mean of its column, down to a thousandth of it.
    rule : "min" or "1se"
        The penalty of least held-out error, or the largest within one standard error of it.
    folds : int
        Each holds out a share of the observed entries, so that every row and column keeps one.
    standardize : bool
        Whether columns are centered and divided by their standard deviation (over n) first, which is undone
        afterwards. If not, nothing is centered, and λ is in the units of the table.
    seed : int
        Of the folds.
    progress : function, optional
        Called with the share of the work done.

    Returns
    -------
    Completion
        Its standard errors are s_j with s_j² = (Σ r_ij² + 4 v)/(m_j + 4): r are the residuals of the m_j
        entries of column j that were held out, at the penalty that is used, and v is the mean of r² over all
        columns, in standardized units. They include the noise of an observation. They hold for entries that
        are missing as the held-out ones are: at random, not because of their value. They are nan in a column
        of one number, and if fewer than 10 entries can be held out.

    Raises
    ------
    InputError
        The table is not one of finite numbers, or has too few to cross-validate; a setting is wrong.

    Source: Ding et al. (2024), section 3; Srebro and Salakhutdinov (2010); the path: Mazumder et al. (2010).
    """
    settings = check_settings(norm, penalty, rule, folds, standardize, seed)
    if progress is not None:
        arguments.function("progress", progress)
    numbers = read_numbers(table)
    found = complete_numbers(numbers, settings, progress or (lambda _: None))
    return replace(found, filled=write_back(table, numbers, found.filled))


def complete_numbers(numbers: TableNumbers, settings: CompletionSettings, progress: Tick) -> Completion:
    """Fill the missing entries of a matrix that was checked."""
    if numbers.seen.all():
        return _unchanged(numbers, settings)
    rows, columns = (np.flatnonzero(numbers.seen.any(axis=axis)) for axis in (1, 0))
    inner = numbers.values[np.ix_(rows, columns)]
    solved, held_out, spread = _solve(inner, settings, progress)
    place = np.ix_(rows, columns)
    completed, error = numbers.values.copy(), np.full(numbers.values.shape, np.nan)
    completed[place] = np.where(np.isnan(inner), solved.filled, inner)
    error[place] = np.where(np.isnan(inner), spread, np.nan)
    path = _path(solved.penalties, held_out, solved.chosen)
    return Completion(
        completed, error, settings.norm, settings.rule, solved.penalty,
        solved.solution.rank, solved.solution.gap, path, _choice(settings, path, solved),
        (*empty_notes(numbers), *accuracy_notes(solved.solution)),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Solved:
    """The matrix (n, p) that fills the gaps, and the penalties that were tried."""

    filled: Array
    solution: Penalized
    penalties: Array
    chosen: int
    penalty: float


def _solve(
    values: Array, settings: CompletionSettings, progress: Tick
) -> tuple[_Solved, HeldOut | None, Array]:
    """Complete a table whose rows and columns all have an observed entry; its standard errors (p,)."""
    seen = ~np.isnan(values)
    whole = settings.measured(values, seen)
    problem = PenalizedProblem.of(whole.applied(values), seen, settings.norm)
    unit = 1.0 if settings.standardize else float(whole.scale[0])
    penalties = problem.penalties(PATH, RATIO)
    if settings.penalty is not None:
        penalties = np.array([settings.penalty / unit])
    held_out = _held_out(values, settings, whole, penalties, progress)
    chosen, spread = 0, np.full(values.shape[1], np.nan)
    if held_out is not None:
        chosen = choose(held_out.errors, held_out.standard_errors, settings.rule)
        spread = column_errors(values, held_out, chosen, whole)
    solution = _final(problem, float(penalties[chosen]))
    progress(1.0)
    solved = _Solved(
        whole.undone(solution.matrix), solution, unit * penalties, chosen, unit * solution.penalty
    )
    return solved, held_out, spread


def _final(problem: PenalizedProblem, penalty: float) -> Penalized:
    """Solve to the end for one penalty, along larger ones that need not be solved so well."""
    ahead = problem.penalties(PATH, RATIO)
    start = Shrunk.zero(problem.values.shape)
    for solution in follow(problem, ahead[ahead > penalty], ROUGH):
        start = solution.shrunk
    return minimize(problem, penalty, start, TOLERANCE)


def _held_out(
    values: Array, settings: CompletionSettings, whole: Units, penalties: Array, progress: Tick
) -> HeldOut | None:
    """Cross-validate; None where too few entries can be held out and the penalty is given."""
    fold = deal(~np.isnan(values), settings.folds, settings.seed)
    can = int((fold >= 0).sum())
    if can < FEWEST:
        if settings.penalty is None:
            must = (
                f"have at least {FEWEST} entries whose row and column hold another one, to choose a penalty"
            )
            raise bad("table", must, can, "give the penalty as a number")
        return None
    check = partial(cross_validate, values, fold, whole, settings.measured, settings.norm)
    return check(penalties, lambda share: progress(0.9 * share))


def _path(penalties: Array, held_out: HeldOut | None, chosen: int) -> Table:
    if held_out is None:
        return Table.from_records([])
    rows = zip(penalties, held_out.errors, held_out.standard_errors, strict=True)
    return Table.from_records(
        [
            {"penalty": float(p), "error": float(e), "standard_error": float(s), "chosen": at == chosen}
            for at, (p, e, s) in enumerate(rows)
        ]
    )


def _choice(settings: CompletionSettings, path: Table, solved: _Solved) -> str:
    if settings.penalty is not None:
        return f"the penalty {solved.penalty:.4g} was given"
    row = path.records()[solved.chosen]
    error = f"{row['error']:.3g} ± {row['standard_error']:.2g}"
    what = {
        "min": "has the least held-out error",
        "1se": "is the largest whose held-out error is within one standard error of the least",
    }[settings.rule]
    end = "; it is the smallest of them" if solved.chosen == PATH - 1 else ""
    return f"of {PATH} penalties, {solved.penalty:.4g} {what}: {error}, in {settings.folds} folds{end}"


def _unchanged(numbers: TableNumbers, settings: CompletionSettings) -> Completion:
    nan, nothing = float("nan"), np.full(numbers.values.shape, np.nan)
    choice = "no entry is missing, so nothing was filled"
    none = Table.from_records([])
    return Completion(
        numbers.values, nothing, settings.norm, settings.rule, nan, 0, 0.0, none, choice, (choice,)
    )
