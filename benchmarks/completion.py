"""Error and CPU time of filling real tables from which entries were removed, beside other imputers.

``python benchmarks/completion.py [TABLE]...`` writes benchmarks/results/completion.md and completion.json;
tables named on the command line replace their part of an earlier result.

Every method sees the same entries. Columns are standardized by what is left of them, for all methods alike.
The methods take turns within each seed, so that a busy machine slows all of them.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import statsmodels.api as sm
from scipy.stats import t as student
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from threadpoolctl import threadpool_limits

from named_tables import update
from stepscape.recovery import complete

SEEDS = range(10)
FLAT = "flat norm"
Fill = Callable[[np.ndarray], np.ndarray]
INTRODUCTION = """\
Entries were removed from complete real tables and filled again. The error is the root mean square of filled
minus true, in standard deviations of the columns of the whole table: the mean over 10 seeds; smallest in
bold. In brackets: by how much a method's error exceeds that of the flat norm, paired by seed, with its 95 %
interval (positive: the flat norm is better). The intervals are about the choice of the removed entries in
these tables, not about other tables, and each stands for itself. CPU seconds are medians of one table, tuning
included, one thread.

"10 %", "30 %", "50 %": every entry is removed with this probability. "uneven": entry (i, j) is removed with
probability a_i b_j, where a and b are drawn evenly from 0.2 to 1 for each row and column, about a third of
all entries. In each case, entries are put back until every row and column has two.

The flat norm and the nuclear norm are those of `stepscape.recovery.complete` with its defaults. The nuclear
norm with a path of penalties is the model of soft-impute (Mazumder et al. 2010). The Python package of it
that is best known, fancyimpute, was last released in 2021, so our own solver stands for it. IterativeImputer
(Bayesian ridge regression of each column on the others) and KNNImputer are scikit-learn's, with their
defaults; they tune nothing by cross-validation.
"""


def tables() -> dict[str, tuple[str, Callable[[], np.ndarray]]]:
    def elnino() -> np.ndarray:
        return sm.datasets.elnino.load_pandas().data.to_numpy(float)[:, 1:]

    return {
        "wine": ("chemical analyses of wines", lambda: load_wine().data),
        "diabetes": ("patients: age, sex, body, blood", lambda: load_diabetes(scaled=False).data),
        "elnino": ("sea surface temperature by year and month", elnino),
        "breast_cancer": ("shapes of cell nuclei; low rank is plausible", lambda: load_breast_cancer().data),
    }


def methods() -> dict[str, Fill]:
    return {
        FLAT: lambda table: complete(table).filled,
        "nuclear norm (soft-impute)": lambda table: complete(table, norm="nuclear").filled,
        "IterativeImputer": lambda table: IterativeImputer(random_state=0).fit_transform(table),
        "KNNImputer": lambda table: KNNImputer().fit_transform(table),
        "column means": lambda table: np.where(np.isnan(table), np.nanmean(table, axis=0), table),
    }


def chances(pattern: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    if pattern == "uneven":
        return np.outer(rng.uniform(0.2, 1.0, shape[0]), rng.uniform(0.2, 1.0, shape[1]))
    return np.full(shape, float(pattern.removesuffix(" %")) / 100)


def removed(pattern: str, shape: tuple[int, int], seed: int) -> np.ndarray:
    """Which entries are removed, so that every row and column keeps two."""
    rng = np.random.default_rng(seed)
    out = rng.random(shape) < chances(pattern, shape, rng)
    for side in (out, out.T):
        for row in side:
            while (~row).sum() < 2:
                row[rng.choice(np.flatnonzero(row))] = False
    return out


def run_seed(table: np.ndarray, pattern: str, seed: int) -> dict[str, tuple[float, float]]:
    """Error and CPU seconds of each method, in an order that turns with the seed."""
    out = removed(pattern, table.shape, seed)
    seen = np.where(out, np.nan, table)
    units = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)
    known = methods()
    order = list(known)[seed % len(known) :] + list(known)[: seed % len(known)]
    found = {}
    for name in order:
        start = time.process_time()
        filled = known[name]((seen - units[0]) / units[1]) * units[1] + units[0]
        seconds = time.process_time() - start
        missed = ((filled - table) / table.std(axis=0))[out]
        found[name] = (float(np.sqrt(np.mean(missed**2))), seconds)
    return {name: found[name] for name in known}


def run_table(name: str) -> dict[str, object]:
    what, load = tables()[name]
    table = load()
    patterns = {}
    for pattern in ("10 %", "30 %", "50 %", "uneven"):
        seeds = [run_seed(table, pattern, seed) for seed in SEEDS]
        patterns[pattern] = {method: summary(seeds, method) for method in methods()}
        print(f"{name}: {pattern}", file=sys.stderr, flush=True)
    return {"table": name, "what": what, "shape": list(table.shape), "patterns": patterns}


def summary(seeds: list[dict[str, tuple[float, float]]], method: str) -> dict[str, object]:
    errors, flat = (np.array([seed[each][0] for seed in seeds]) for each in (method, FLAT))
    excess = errors - flat
    half = student.ppf(0.975, excess.size - 1) * excess.std(ddof=1) / np.sqrt(excess.size)
    return {
        "error": float(errors.mean()),
        "errors": errors.tolist(),
        "excess": [float(excess.mean()), float(excess.mean() - half), float(excess.mean() + half)],
        "cpu_seconds": float(np.median([seed[method][1] for seed in seeds])),
    }


def signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def cell(row: dict[str, object], best: float, reference: bool) -> str:
    error = f"{row['error']:.3f}"
    error = f"**{error}**" if row["error"] == best else error
    middle, low, high = row["excess"]
    return error if reference else f"{error} ({signed(middle)} [{signed(low)}, {signed(high)}])"


def markdown(results: list[dict[str, object]]) -> str:
    lines = ["# Filling real tables", "", INTRODUCTION]
    for result in results:
        patterns = result["patterns"]
        n, p = result["shape"]
        lines += [
            f"## {result['table']}: {result['what']}, {n} rows, {p} columns",
            "",
            f"| method | {' | '.join(patterns)} | CPU s |",
            f"|---|{'---|' * (len(patterns) + 1)}",
        ]
        best = {name: min(row["error"] for row in rows.values()) for name, rows in patterns.items()}
        for method in methods():
            cells = [cell(rows[method], best[name], method == FLAT) for name, rows in patterns.items()]
            seconds = np.median([rows[method]["cpu_seconds"] for rows in patterns.values()])
            lines.append(f"| {method} | {' | '.join(cells)} | {seconds:.2f} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    warnings.simplefilter("ignore")
    update("completion", tables(), run_table, markdown)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
