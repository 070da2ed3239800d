"""Out-of-fold error, pieces and CPU time of fits of real tables, beside other smoothers.

``python benchmarks/fit.py [TABLE]...`` writes benchmarks/results/fit.md and fit.json; tables named on the
command line replace their part of an earlier result.

Every method sees the same ten folds (rows of equal input stay together), inputs and labels standardized by
the training rows, and tunes itself inside each training set. Repeated inputs enter through weights.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import cvxpy as cp
import numpy as np
import statsmodels.api as sm
from scipy.interpolate import make_smoothing_spline
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, KFold
from threadpoolctl import threadpool_limits

import stepscape as ss
from named_tables import update
from stepscape.estimators.choice import choose
from stepscape.estimators.folds import fold_of
from stepscape.measures.pieces import linear_pieces
from stepscape.problems.user.example import load_example
from stepscape.problems.user.merging import merge_repeated

FOLDS, GRID = 10, 4001
INTRODUCTION = """\
Mean squared error on held-out rows, 10 folds, as a fraction of the variance of the labels (predicting the
mean scores about 1), ± the standard error over folds; smallest in bold. Pieces: lines that draw the fit of
the whole table within 5 % of the standard deviation of the labels. CPU seconds of that fit, tuning included,
one thread. stepscape: defaults (5-fold choice among 14 step sizes); its rules "min" and "1se" share the
cross-validation and its time. All methods share folds and standardization. The scale of stepscape's
initialization (3, 6 or 12) was chosen by looking at these tables.
"""
Predict = Callable[[np.ndarray], np.ndarray]
Fits = dict[str, tuple[Predict, str]]  # label → the fit, what it tuned itself to
Data = tuple[np.ndarray, np.ndarray, np.ndarray]  # distinct inputs in order, mean labels, weights


def tables() -> dict[str, tuple[str, Callable[[], tuple[np.ndarray, np.ndarray]]]]:
    def motorcycle() -> tuple[np.ndarray, np.ndarray]:
        table = load_example()
        return table.x, table.y

    def from_statsmodels(name: str, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
        data = getattr(sm.datasets, name).load_pandas().data
        return data[x].to_numpy(float), data[y].to_numpy(float)

    def diabetes() -> tuple[np.ndarray, np.ndarray]:
        data = load_diabetes(scaled=False)
        return data.data[:, 2], data.target

    def unemployment() -> tuple[np.ndarray, np.ndarray]:
        data = sm.datasets.macrodata.load_pandas().data
        return (data["year"] + (data["quarter"] - 1) / 4).to_numpy(float), data["unemp"].to_numpy(float)

    return {
        "mcycle": ("head acceleration by time after impact (MASS)", motorcycle),
        "nile": ("flow of the Nile by year (R: Nile)", lambda: from_statsmodels("nile", "year", "volume")),
        "diabetes": ("disease progression by body mass index (scikit-learn)", diabetes),
        "unemployment": ("US unemployment by quarter (statsmodels: macrodata)", unemployment),
        "sunspots": (
            "yearly sunspots, some 28 periods (statsmodels)",
            lambda: from_statsmodels("sunspots", "YEAR", "SUNACTIVITY"),
        ),
    }


def stepscape_fits(data: Data) -> Fits:
    """Both rules share one cross-validation; the second adds one more run of about seventy."""
    x, y, weights = data
    model = ss.StepSizeRegressor(n_jobs=1).fit(x, y, weights)
    path = model.path_
    row = choose(path["cv_error"], path["standard_error"], "1se")
    smoother = ss.StepSizeRegressor(float(path["step_size"][row]), n_jobs=1).fit(x, y, weights)
    return {
        name: (
            fit.predict,
            f"step size {fit.step_size_:.3g}, ended {fit.stop_}, edge ratio {fit.edge_ratio_:.2f}",
        )
        for name, fit in (("stepscape", model), ("stepscape, 1se", smoother))
    }


def smoothing_spline(data: Data) -> Fits:
    return {"smoothing spline": (make_smoothing_spline(*data), "lambda by GCV")}


def kernel_ridge(data: Data) -> Fits:
    x, y, weights = data
    grid = {"alpha": np.logspace(-4, 1, 6), "gamma": np.logspace(-1, 2.5, 8)}
    search = GridSearchCV(
        KernelRidge(kernel="rbf"),
        grid,
        scoring="neg_mean_squared_error",
        cv=KFold(5, shuffle=True, random_state=0),
    ).fit(x[:, None], y, sample_weight=weights)
    chosen = search.best_params_
    about = f"alpha {chosen['alpha']:.2g}, gamma {chosen['gamma']:.2g}"
    return {"kernel ridge": (lambda t: search.predict(t[:, None]), about)}


def random_forest(data: Data) -> Fits:
    x, y, weights = data
    forests = [
        RandomForestRegressor(100, min_samples_leaf=leaf, oob_score=True, random_state=0, n_jobs=1).fit(
            x[:, None], y, sample_weight=weights
        )
        for leaf in (1, 3, 8, 20)
    ]
    best = max(forests, key=lambda forest: forest.oob_score_)
    about = f"100 trees, leaf {best.min_samples_leaf} by out-of-bag error"
    return {"random forest": (lambda t: best.predict(t[:, None]), about)}


def trend_filter(data: Data) -> Fits:
    """Linear trend filtering (Kim et al., 2009) on unequal inputs: the l1 norm of the changes of slope."""
    x, y, weights = data
    path = np.logspace(-4, 1, 16)
    folds = fold_of(x.size, 5, 1)
    errors = np.zeros(path.size)
    for fold in range(5):
        out = folds == fold
        fits = _trend_path((x[~out], y[~out], weights[~out]), path)
        errors += [float(weights[out] @ (_line(x[~out], f)(x[out]) - y[out]) ** 2) for f in fits]
    chosen = path[int(np.argmin(errors))]
    fit = _line(x, _trend_path(data, np.array([chosen]))[0])
    return {"trend filtering": (fit, f"lambda {chosen:.2g}")}


def _trend_path(data: Data, path: np.ndarray) -> list[np.ndarray]:
    x, y, weights = data
    gaps = np.diff(x)
    rows = np.arange(x.size - 2)
    slopes = np.zeros((x.size - 2, x.size))
    slopes[rows, rows] = 1 / gaps[:-1]
    slopes[rows, rows + 1] = -1 / gaps[:-1] - 1 / gaps[1:]
    slopes[rows, rows + 2] = 1 / gaps[1:]
    f, penalty = cp.Variable(x.size), cp.Parameter(nonneg=True)
    share = np.sqrt(weights / weights.sum())
    loss = 0.5 * cp.sum_squares(cp.multiply(share, f - y))
    problem = cp.Problem(cp.Minimize(loss + penalty * cp.norm1(slopes @ f)))
    out = []
    for value in path:
        penalty.value = value
        problem.solve(solver=cp.CLARABEL)
        out.append(np.array(f.value))
    return out


def _line(x: np.ndarray, f: np.ndarray) -> Predict:
    """Connect the dots, and go on straight outside."""

    def predict(t: np.ndarray) -> np.ndarray:
        inside = np.interp(t, x, f)
        left, right = (f[1] - f[0]) / (x[1] - x[0]), (f[-1] - f[-2]) / (x[-1] - x[-2])
        return inside + left * np.minimum(t - x[0], 0) + right * np.maximum(t - x[-1], 0)

    return predict


METHODS = (stepscape_fits, smoothing_spline, kernel_ridge, random_forest, trend_filter)


def standardized(x: np.ndarray, y: np.ndarray) -> tuple[Data, tuple[float, float, float, float]]:
    units = x.mean(), x.std(), y.mean(), y.std()
    merged = merge_repeated((x - units[0]) / units[1], (y - units[2]) / units[3])
    return (merged.x, merged.y, merged.weights), units


def run_table(name: str) -> dict[str, object]:
    what, load = tables()[name]
    x, y = load()
    distinct = np.unique(x)
    fold = fold_of(distinct.size, FOLDS, 2024)[np.searchsorted(distinct, x)]
    squares: dict[str, np.ndarray] = {}
    for k in range(FOLDS):
        out = fold == k
        data, (mx, sx, my, sy) = standardized(x[~out], y[~out])
        for method in METHODS:
            for label, (predict, _) in method(data).items():
                values = my + sy * predict((x[out] - mx) / sx)
                squares.setdefault(label, np.full(x.size, np.nan))[out] = (values - y[out]) ** 2
        print(f"{name}: fold {k + 1} of {FOLDS}", file=sys.stderr, flush=True)
    rows = [_row(label, values, fold, y) for label, values in squares.items()]
    by_name = {row["method"]: row for row in rows}
    for label, extra in _whole(x, y).items():
        by_name[label].update(extra)
    return {"table": name, "what": what, "rows": int(x.size), "distinct": int(distinct.size), "methods": rows}


def _row(label: str, squares: np.ndarray, fold: np.ndarray, y: np.ndarray) -> dict[str, object]:
    relative = squares / y.var()
    means = np.array([relative[fold == k].mean() for k in range(FOLDS)])
    return {
        "method": label,
        "error": float(relative.mean()),
        "standard_error": float(means.std(ddof=1) / np.sqrt(FOLDS)),
    }


def _whole(x: np.ndarray, y: np.ndarray) -> dict[str, dict[str, object]]:
    """Pieces and CPU time of one fit of the whole table, tuning included, one thread."""
    data, _ = standardized(x, y)
    grid = np.linspace(data[0][0], data[0][-1], GRID)
    out: dict[str, dict[str, object]] = {}
    for method in METHODS:
        start = time.process_time()
        fits = method(data)
        seconds = round(time.process_time() - start, 3)
        for label, (predict, about) in fits.items():
            pieces = linear_pieces(grid, predict(grid), 0.05)
            out[label] = {"pieces": pieces, "cpu_seconds": seconds, "tuned": about}
    return out


def markdown(results: list[dict[str, object]]) -> str:
    lines = ["# Fits of real tables", "", INTRODUCTION]
    for result in results:
        methods = result["methods"]
        best = min(row["error"] for row in methods)
        lines += [
            f"## {result['table']}: {result['what']}, {result['rows']} rows",
            "",
            "| method | error | pieces | CPU s | tuned to |",
            "|---|---|---|---|---|",
        ]
        for row in methods:
            error = f"{row['error']:.3f} ± {row['standard_error']:.3f}"
            error = f"**{error}**" if row["error"] == best else error
            lines.append(
                f"| {row['method']} | {error} | {row['pieces']} | {row['cpu_seconds']:.2f} | {row['tuned']} |"
            )
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    warnings.simplefilter("ignore")
    update("fit", tables(), run_table, markdown)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
