"""Held-out error and CPU time of fits of several features on real tables, beside other learners.

``python benchmarks/several.py [TABLE]...`` writes benchmarks/results/several.md and several.json; tables
named on the command line replace their part of an earlier result.

Every learner sees the same outer folds, and chooses among 28 candidates by the same five inner folds,
features standardized by the rows trained on. stepscape's candidates are 4 step sizes times 7 stopping times.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import statsmodels.api as sm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import stepscape as ss
from named_tables import update

OUTER, CANDIDATES = 5, 28
OURS = "stepscape"
INTRODUCTION = f"""\
Numbers: mean squared error on held-out rows as a fraction of the variance of the labels. Two classes:
log-loss in nats, and the share of rows given the wrong class. {OUTER} folds, ± the standard error over them;
smallest in bold. Every learner chooses among {CANDIDATES} candidates by five inner folds, and no learner sees
the held-out rows. CPU seconds of one outer fold, tuning included, one thread, mean over the folds. stepscape:
defaults; its {CANDIDATES} candidates are 4 step sizes × 7 stopping times, which need 4 trainings per inner
fold, those of the others {CANDIDATES}. Forests and boosting have 60 trees, networks 100 neurons and 100
epochs. stepscape's start (λ_max = 1.9), the range of its path and its 2000 steps were chosen by looking at
the diabetes table alone.
"""
Data = tuple[np.ndarray, np.ndarray]
Learners = dict[str, tuple[Any, dict[str, Any] | None]]  # name → estimator, and its grid (None: its own)


def tables() -> dict[str, tuple[str, Callable[[], Data]]]:
    """Regression first: their labels are numbers, those of two classes are integers."""

    def diabetes() -> Data:
        data = load_diabetes(scaled=False)
        return data.data, data.target

    def star98() -> Data:
        data = sm.datasets.star98.load_pandas().data
        y = data["NABOVE"] / (data["NABOVE"] + data["NBELOW"])
        return data.iloc[:, 2:14].to_numpy(float), y.to_numpy(float)

    def linnerud() -> Data:
        data = load_linnerud()
        return data.data, data.target[:, 0]

    def classes(load: Callable[[], Any], one: int, other: int) -> Data:
        data = load()
        two = np.isin(data.target, (one, other))
        return data.data[two], (data.target[two] == other).astype(int)

    return {
        "diabetes": ("disease progression by 10 measurements (scikit-learn)", diabetes),
        "star98": ("share of pupils above the median by 12 figures of a district (statsmodels)", star98),
        "linnerud": ("weight by three exercises (scikit-learn)", linnerud),
        "cancer": ("malignant or benign (scikit-learn)", lambda: classes(load_breast_cancer, 1, 0)),
        "wine": ("second or third cultivar (scikit-learn)", lambda: classes(load_wine, 1, 2)),
        "iris": ("versicolor or virginica (scikit-learn)", lambda: classes(load_iris, 1, 2)),
        "digits": ("3 or 8, from 64 pixels (scikit-learn)", lambda: classes(load_digits, 3, 8)),
    }


def regressors() -> Learners:
    network = MLPRegressor(hidden_layer_sizes=(100,), max_iter=100, random_state=0)
    forest = RandomForestRegressor(60, random_state=0, n_jobs=1)
    boosting = GradientBoostingRegressor(n_estimators=60, random_state=0)
    return {
        OURS: (ss.StepSizeRegressor(n_jobs=1), None),
        "ridge regression": (Ridge(), {"alpha": np.logspace(-3, 4, 28)}),
        "kernel ridge": (KernelRidge(kernel="rbf"), {"alpha": np.logspace(-3, 1, 7), "gamma": GAMMAS}),
        "MLPRegressor": (network, NETWORK),
        "random forest": (forest, FOREST),
        "gradient boosting": (boosting, BOOSTING),
    }


def classifiers() -> Learners:
    network = MLPClassifier(hidden_layer_sizes=(100,), max_iter=100, random_state=0)
    forest = RandomForestClassifier(60, random_state=0, n_jobs=1)
    boosting = GradientBoostingClassifier(n_estimators=60, random_state=0)
    kernel = CalibratedClassifierCV(SVC(), ensemble=False)
    grid = {"estimator__C": np.logspace(-1, 3, 7), "estimator__gamma": GAMMAS}
    return {
        OURS: (ss.StepSizeClassifier(n_jobs=1), None),
        "logistic regression": (LogisticRegression(max_iter=2000), {"C": np.logspace(-4, 3, 28)}),
        "calibrated kernel SVC": (kernel, grid),
        "MLPClassifier": (network, NETWORK),
        "random forest": (forest, FOREST),
        "gradient boosting": (boosting, BOOSTING),
    }


GAMMAS = np.logspace(-3.5, -0.5, 4)
NETWORK = {"alpha": np.logspace(-4, 2, 7), "learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2]}
FOREST = {"max_features": [0.15, 0.33, 0.66, 1.0], "min_samples_leaf": [1, 2, 3, 5, 8, 12, 20]}
BOOSTING = {
    "learning_rate": [0.01, 0.02, 0.04, 0.07, 0.12, 0.2, 0.4],
    "max_leaf_nodes": [2, 4, 8, 16],
}


def run_table(name: str) -> dict[str, Any]:
    """Score every learner on the same folds."""
    what, load = tables()[name]
    X, y = load()
    two = y.dtype.kind == "i"
    learners = classifiers() if two else regressors()
    splitter = StratifiedKFold if two else KFold
    folds = list(splitter(OUTER, shuffle=True, random_state=2024).split(X, y))
    rows = [_scored(label, *learners[label], (X, y), folds) for label in learners]
    return {"table": name, "what": what, "rows": len(X), "features": X.shape[1], "two": two, "methods": rows}


def _scored(
    label: str, model: Any, grid: dict[str, Any] | None, data: Data, folds: list[Data]
) -> dict[str, Any]:
    X, y = data
    found, chosen, seconds = [], [], []
    for train, test in folds:
        start = time.process_time()
        fit, about = _tuned(model, grid, X[train], y[train])
        seconds.append(time.process_time() - start)
        found.append(_errors(fit, X[test], y[test], y))
        chosen.append(about)
    errors = {name: [one[name] for one in found] for name in found[0]}
    row: dict[str, Any] = {"method": label, "cpu_seconds": float(np.mean(seconds)), "tuned": chosen[0]}
    for name, values in errors.items():
        row[name] = float(np.mean(values))
        row[f"{name}_error"] = float(np.std(values, ddof=1) / np.sqrt(len(folds)))
    return row


def _tuned(model: Any, grid: dict[str, Any] | None, X: np.ndarray, y: np.ndarray) -> tuple[Any, str]:
    if grid is None:
        fit = model.fit(X, y)
        return fit, f"step size {fit.step_size_:.2g}, {fit.steps_} steps, edge ratio {fit.edge_ratio_:.2f}"
    two = y.dtype.kind == "i"
    pipe = make_pipeline(StandardScaler(), model)
    step = pipe.steps[-1][0]
    search = GridSearchCV(
        pipe,
        {f"{step}__{key}": values for key, values in grid.items()},
        scoring="neg_log_loss" if two else "neg_mean_squared_error",
        cv=(StratifiedKFold if two else KFold)(5, shuffle=True, random_state=0),
    ).fit(X, y if two else (y - y.mean()) / y.std())
    about = ", ".join(f"{key.split('__')[-1]} {value:.2g}" for key, value in search.best_params_.items())
    return (search if two else _Unscaled(search, y)), about


class _Unscaled:
    """A regressor of standardized labels that predicts in their unit."""

    def __init__(self, fit: Any, y: np.ndarray) -> None:
        self.fit, self.mean, self.spread = fit, y.mean(), y.std()

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.mean + self.spread * self.fit.predict(X)


def _errors(fit: Any, X: np.ndarray, y: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    if y.dtype.kind != "i":
        return {"error": float(np.mean((fit.predict(X) - y) ** 2) / labels.var())}
    share = fit.predict_proba(X)[:, 1]
    return {"log_loss": float(log_loss(y, share, labels=[0, 1])), "wrong": float(np.mean((share > 0.5) != y))}


def markdown(results: list[dict[str, Any]]) -> str:
    lines = ["# Fits of several features in real tables", "", INTRODUCTION]
    for result in results:
        names = {"log_loss": "log-loss", "wrong": "wrong class"} if result["two"] else {"error": "error"}
        lines += [
            f"## {result['table']}: {result['what']}, {result['rows']} rows, {result['features']} features",
            "",
            f"| method | {' | '.join(names.values())} | CPU s | tuned in the first fold to |",
            "|---|" + "---|" * (len(names) + 2),
        ]
        for row in result["methods"]:
            cells = " | ".join(_cell(row, name, result["methods"]) for name in names)
            lines.append(f"| {row['method']} | {cells} | {row['cpu_seconds']:.1f} | {row['tuned']} |")
        lines.append("")
    return "\n".join(lines)


def _cell(row: dict[str, Any], name: str, rows: list[dict[str, Any]]) -> str:
    text = f"{row[name]:.3f} ± {row[f'{name}_error']:.3f}"
    return f"**{text}**" if row[name] == min(other[name] for other in rows) else text


def main() -> None:
    warnings.simplefilter("ignore")
    warm = np.random.default_rng(0).standard_normal((20, 2))
    with threadpool_limits(1):
        ss.StepSizeRegressor(steps=50).fit(warm, warm[:, 0])  # compile before any clock runs
        ss.StepSizeClassifier(steps=50).fit(warm, warm[:, 0] > 0.0)
        update("several", tables(), run_table, markdown)


if __name__ == "__main__":
    main()
