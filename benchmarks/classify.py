"""Log-loss, Brier score and CPU time of fits of two classes on real tables, beside other classifiers.

``python benchmarks/classify.py [TABLE]...`` writes benchmarks/results/classify.md and classify.json; tables
named on the command line replace their part of an earlier result.

Every method sees the same stratified folds of rows and tunes itself, by log-loss, inside each training set.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import statsmodels.api as sm
from joblib import Parallel, delayed
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import brier_score_loss, log_loss
from sklearn.model_selection import GridSearchCV, RepeatedStratifiedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from threadpoolctl import threadpool_limits

import stepscape as ss
from named_tables import update
from stepscape.estimators.choice import choose
from stepscape.estimators.descent import Schedule, descend
from stepscape.estimators.prediction import Prediction
from stepscape.problems.user.units import TwoClasses

FOLDS, REPEATS = 5, 2
OURS = "stepscape"
INTRODUCTION = f"""\
Log-loss (nats) and Brier score on held-out rows, {FOLDS} stratified folds, {REPEATS} times, ± the standard
error over {FOLDS} folds (repeats are not counted as further data); smallest in bold. Behind: log-loss minus
that of "stepscape" in the same folds, ± its standard error. CPU seconds of one fit of the whole table, tuning
included, one thread. stepscape: defaults, cross-validation chooses step size and stopping time; "1se" is its
one-standard-error rule; "all steps" chooses the step size alone and spends the budget; all three share one
cross-validation, and its time. It holds all rows of an input out together, the other methods hold out rows.
The scale of stepscape's initialization, its warm-up and the range of its path were chosen by looking at
cross-validated errors on these tables (and on another column of two of them).
"""
Predict = Callable[[np.ndarray], np.ndarray]  # inputs → P(1 | x)
Fits = dict[str, tuple[Predict, str]]  # label → the fit, what it tuned itself to


def tables() -> dict[str, tuple[str, Callable[[], tuple[np.ndarray, np.ndarray]]]]:
    def cancer() -> tuple[np.ndarray, np.ndarray]:
        data = load_breast_cancer()
        return data.data[:, 1], 1 - data.target

    def iris() -> tuple[np.ndarray, np.ndarray]:
        data = load_iris()
        two = data.target > 0
        return data.data[two, 3], data.target[two] - 1

    def vote() -> tuple[np.ndarray, np.ndarray]:
        data = sm.datasets.anes96.load_pandas().data
        return data["income"].to_numpy(float), data["vote"].to_numpy(int)

    def affairs() -> tuple[np.ndarray, np.ndarray]:
        data = sm.datasets.fair.load_pandas().data
        return data["yrs_married"].to_numpy(float), (data["affairs"] > 0).to_numpy(int)

    return {
        "cancer": ("malignant by mean texture (scikit-learn: breast cancer)", cancer),
        "iris": ("virginica or versicolor by petal width (scikit-learn)", iris),
        "vote": ("vote for Dole by income (statsmodels: anes96)", vote),
        "affairs": ("any affair by years married (statsmodels: fair)", affairs),
    }


def stepscape_fits(x: np.ndarray, y: np.ndarray) -> Fits:
    """Every choice shares one cross-validation; the further ones add one run of about sixty each.

    All of them predict as the classifier does: straight beyond the training inputs.
    """
    model = ss.StepSizeClassifier(n_jobs=1).fit(x, y)
    times, path = model.times_, model.path_
    row = choose(times["cv_error"], times["standard_error"], "1se")
    last = int(np.nanargmin(path["budget_error"]))
    schedule = Schedule(model.width, model.steps, model.random_state)
    data = TwoClasses.of(x, 2.0 * y - 1.0, np.ones(x.size))
    faced = data.swap_labels() if data.needs_mirror else data  # as the classifier trains
    problem = faced.problem()
    sign = -1.0 if data.needs_mirror else 1.0
    unit = model.units_[0]
    found: Fits = {
        OURS: (
            lambda t: model.predict_proba(t)[:, 1],
            _ended(model.trajectory_, model.step_size_, model.stop_),
        )
    }
    for name, eta, until in (
        ("stepscape, 1se", times["step_size"][row], int(times["steps"][row])),
        ("stepscape, all steps", path["step_size"][last], None),
    ):
        run = descend(problem, float(eta), schedule, until=until)
        logit = Prediction.of(faced, problem, run.trajectory)
        found[name] = (
            lambda t, logit=logit: expit(sign * logit(unit.standardize(t))),
            _ended(run.trajectory, float(eta), run.stop),
        )
    return found


def _ended(run: ss.Trajectory, eta: float, stop: str) -> str:
    return f"step size {eta:.3g}, {run.at_steps[-1]} steps (time {run.time[-1]:.3g}), {stop}"


def spline(x: np.ndarray, y: np.ndarray) -> Fits:
    knots = min(8, np.unique(x).size)
    model = make_pipeline(
        SplineTransformer(knots, degree=3, knots="quantile", include_bias=False),
        StandardScaler(),
        LogisticRegressionCV(
            Cs=20,
            cv=_inner(),
            scoring="neg_log_loss",
            max_iter=2000,
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ),
    ).fit(x[:, None], y)
    about = f"{knots} knots, C {float(model[-1].C_):.2g}"
    return {"logistic regression on splines": (lambda t: model.predict_proba(t[:, None])[:, 1], about)}


def boosting(x: np.ndarray, y: np.ndarray) -> Fits:
    grid = {"max_leaf_nodes": [2, 4, 8], "max_iter": [10, 30, 100]}
    search = GridSearchCV(
        HistGradientBoostingClassifier(learning_rate=0.1, random_state=0),
        grid,
        scoring="neg_log_loss",
        cv=_inner(),
    ).fit(x[:, None], y)
    chosen = search.best_params_
    about = f"{chosen['max_iter']} trees of {chosen['max_leaf_nodes']} leaves"
    return {"gradient boosting": (lambda t: search.predict_proba(t[:, None])[:, 1], about)}


def isotonic(x: np.ndarray, y: np.ndarray) -> Fits:
    low = 1.0 / (x.size + 2)  # the rule of succession: a step of one label is no certainty
    model = IsotonicRegression(increasing="auto", y_min=low, y_max=1 - low, out_of_bounds="clip").fit(x, y)
    return {"isotonic regression": (model.predict, f"clipped at 1/(n + 2) = {low:.2g}")}


def line(x: np.ndarray, y: np.ndarray) -> Fits:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=np.inf)).fit(x[:, None], y)
    return {"logistic regression on x": (lambda t: model.predict_proba(t[:, None])[:, 1], "no tuning")}


def constant(x: np.ndarray, y: np.ndarray) -> Fits:
    share = float(y.mean())
    return {"share of the class": (lambda t: np.full(t.size, share), f"{share:.3f} of {x.size} rows")}


METHODS = (stepscape_fits, spline, boosting, isotonic, line, constant)


def _inner() -> StratifiedKFold:
    return StratifiedKFold(5, shuffle=True, random_state=0)


def run_table(name: str) -> dict[str, object]:
    what, load = tables()[name]
    x, y = load()
    split = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=2024).split(x[:, None], y)
    tasks = [delayed(held_out)(x, y, train, test) for train, test in split]
    scores = Parallel(n_jobs=2)([*tasks, delayed(whole)(x, y)])
    rows = [row(label, scores[:-1], scores[-1][label]) for label in scores[0]]
    return {
        "table": name,
        "what": what,
        "rows": int(x.size),
        "distinct": int(np.unique(x).size),
        "methods": rows,
    }


def held_out(
    x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Log-loss and Brier score of every method in one fold."""
    warnings.simplefilter("ignore")
    out = {}
    with threadpool_limits(1):
        for method in METHODS:
            for label, (predict, _) in method(x[train], y[train]).items():
                p = predict(x[test])
                out[label] = (
                    float(log_loss(y[test], p, labels=[0, 1])),
                    float(brier_score_loss(y[test], p)),
                )
    return out


def whole(x: np.ndarray, y: np.ndarray) -> dict[str, dict[str, object]]:
    """CPU time of one fit of the whole table, and what it tuned itself to."""
    warnings.simplefilter("ignore")
    out: dict[str, dict[str, object]] = {}
    with threadpool_limits(1):
        for method in METHODS:
            start = time.process_time()
            fits = method(x, y)
            seconds = round(time.process_time() - start, 3)
            out |= {label: {"cpu_seconds": seconds, "tuned": about} for label, (_, about) in fits.items()}
    return out


def row(
    label: str, scores: list[dict[str, tuple[float, float]]], extra: dict[str, object]
) -> dict[str, object]:
    losses, briers = np.array([fold[label] for fold in scores]).T
    behind = losses - np.array([fold[OURS][0] for fold in scores])
    found: dict[str, object] = {"method": label}
    for name, values in (("log_loss", losses), ("brier", briers), ("behind", behind)):
        found[name] = float(values.mean())
        found[f"{name}_error"] = float(values.std(ddof=1) / np.sqrt(FOLDS))
    return {**found, **extra}


def markdown(results: list[dict[str, object]]) -> str:
    lines = ["# Fits of two classes in real tables", "", INTRODUCTION]
    for result in results:
        methods = result["methods"]
        lines += [
            f"## {result['table']}: {result['what']}, {result['rows']} rows, {result['distinct']} inputs",
            "",
            "| method | log-loss | behind | Brier score | CPU s | tuned to |",
            "|---|---|---|---|---|---|",
        ]
        for entry in methods:
            loss, brier = (_cell(entry, name, methods) for name in ("log_loss", "brier"))
            behind = (
                "" if entry["method"] == OURS else f"{entry['behind']:+.4f} ± {entry['behind_error']:.4f}"
            )
            lines.append(
                f"| {entry['method']} | {loss} | {behind} | {brier} | {entry['cpu_seconds']:.2f} "
                f"| {entry['tuned']} |"
            )
        lines.append("")
    return "\n".join(lines)


def _cell(entry: dict[str, object], name: str, methods: list[dict[str, object]]) -> str:
    text = f"{entry[name]:.4f} ± {entry[f'{name}_error']:.4f}"
    return f"**{text}**" if entry[name] == min(other[name] for other in methods) else text


def main() -> None:
    update("classify", tables(), run_table, markdown)


if __name__ == "__main__":
    main()
