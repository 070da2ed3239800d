"""One valid call of everything that is public."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import dynamics_calls
import low_rank_calls
import method_calls
import monitor_calls
import plane_calls
import plane_door_calls
import plane_theory_calls
import recovery_calls
import stepscape as ss
import torch_calls
from stepscape.lab.batch import Batch, Done, carry_out_batch
from stepscape.lab.spec import Spec
from stepscape.lab.store import Entry, Store, new_plan
from stepscape.sweeps.runs import Curve, Method, Network
from stepscape.tables import Record, Table

# Classes that the package makes and a user only reads: their constructors check nothing.
READ_ONLY = {
    "theory.MaxMargin",
    "Certificate", "Eigenpair", "InputError", "StepscapeError", "Trajectory", "errors.NotConverged",
    "errors.OutputError", "errors.Unavailable", "estimators.FeaturesFit", "estimators.OutcomeFit",
    "estimators.TableFit", "measures.PredictionGain", "measures.Shattering", "theory.Gain",
    "experiments.Claim", "experiments.Result", "lab.Curve", "lab.Spec", "lab.Store", "objectives.State",
    "objectives.TorchHessian",
    "theory.Counterexample", "theory.ExcessIdentity", "theory.ExpectedWorstCase",
    "theory.ConstantTrace", "theory.FlatInterpolatorBound", "theory.Flattest", "theory.FlattestRescaling",
    "theory.MatrixWeights",
    "theory.PerturbedLoss",
    "theory.InterpolationBound", "theory.MarginCost", "theory.Neurons", "theory.Theorem",
    "theory.TraceRescaling",
    "theory.WeightedSpline",
    "theory.WeightLimits", "theory.WorstCase", "training.Path", "training.PathPoint", "training.Snapshot",
    "recovery.NullSpace", "recovery.Recovered", "recovery.Trial", "recovery.Uniqueness",
    "recovery.Completion", "sweeps.Run", "lab.status.SweepStatus",
} | {
    name
    for sibling in (
        dynamics_calls, low_rank_calls, monitor_calls, plane_door_calls, plane_theory_calls, recovery_calls,
    )
    for name in sibling.READ_ONLY
}  # fmt: skip
# Methods of an objective's own loop: what calls them is the loop, with arrays that it has checked.
INNER = {
    "objectives.ReLULine.descend", "objectives.Hessian.lanczos", "objectives.State.at",
    "objectives.State.move", "objectives.State.restore", "theory.Facts.variation",
    "theory.MatrixWeights.around", "theory.MatrixWeights.undo",
} | low_rank_calls.INNER | method_calls.INNER | monitor_calls.INNER | plane_calls.INNER | (
    plane_theory_calls.INNER | recovery_calls.INNER
)  # fmt: skip


@dataclass(frozen=True)
class Text:
    """An argument that may be any text, such as a name."""

    value: str


@dataclass(frozen=True)
class File:
    """An argument that is a path: any text or bytes names one."""

    value: str


@dataclass(frozen=True)
class Anything:
    """An argument that another argument, a function of the user's, makes sense of."""

    value: Any


class Case(Spec, frozen=True, tag="public/1"):
    seed: int


def work(run: Case, tick: Callable[[float], None]) -> Record:
    tick(1.0)
    return Record("finished", {"risk": run.seed / 2})


class Here:
    """An executor without threads."""

    workers = 1

    def submit(self, batch: Batch) -> Future[Done]:
        future: Future[Done] = Future()
        future.set_result(carry_out_batch(batch))
        return future

    def stop(self) -> None:
        pass


N = 8
X, Y = np.linspace(-1.0, 1.0, N), np.sin(np.arange(N))
SIGNS = np.where(Y > 0.0, 1.0, -1.0)
W = np.linspace(1.0, 2.0, N)
NEURONS = {
    "w1": np.array([1.0, -0.7, 0.4]),
    "b1": np.array([0.3, 0.2, -0.1]),
    "w2": np.array([0.5, 0.6, -0.7]),
}
BLOCKS = ("w1", "b1", "w2", "b2")


@cache
def objects() -> dict[str, Any]:
    """What calls are made of."""
    problem = ss.Problem(X, Y, truth=np.sin, noise=0.5, weights=W)
    classes = ss.Problem(X, SIGNS, loss="logistic", truth=np.sin)
    net, method = ss.TwoLayerReLU(**NEURONS, b2=0.1), ss.GradientDescent(0.05, 6)
    return {
        "problem": problem, "classes": classes, "net": net, "method": method,
        "run": ss.train(problem, net, method, record_every=3),
        "square": ss.measures.facts(problem, net), "logistic": ss.measures.facts(classes, net),
        "flat": ss.theory.FlatClass(X, 1.0, 2.0), "line": ss.objectives.line(problem, net),
        "hessian": ss.objectives.Hessian(problem, net), "matrix": ss.curvature.Matrix(np.diag([1.0, 2.0])),
        "regressor": ss.StepSizeRegressor(0.3, steps=60, width=5).fit(X, Y),
        "classifier": ss.StepSizeClassifier(0.3, steps=60, width=5).fit(X, SIGNS),
        "fit": ss.estimators.fit_table(X, Y, step_size=0.3, steps=60, width=5),
        "outcome": ss.estimators.fit_outcome(X, (Y > 0) * 1.0, step_size=0.3, steps=60, width=5,
        stopping="budget"),
        "features_fit": ss.estimators.fit_features(
            np.column_stack([X, np.square(X)]), Y, step_size=0.3, steps=60, width=5, stopping="budget"
        ),
        "claim": ss.experiments.get("curve-fitting"),
        "result": ss.experiments.run("curve-fitting", TINY),
        "figure": Figure((1.0, 1.0)), "measurements": ss.problems.matrix_sensing(4, 3, 1, 11),
        "trained": ss.train(problem, net, method, measure_sharpness=True),
        "table": Table({"a": np.arange(3), "b": np.array(["x", "y", "z"])}),
    }  # fmt: skip


TINY = {
    "seeds": 1, "clean_seeds": 0, "steps": 2, "width": 4, "n": 4, "records": 1, "step_sizes": (0.01, 0.02),
    "arms": ("as_printed",),
}  # fmt: skip
RUN = {
    "problem": Curve(truth="tent", n=4),
    "network": Network(width=3),
    "method": Method(step_size=0.1, steps=2),
}


def flatness_calls() -> dict[str, dict[str, Any]]:
    """Arguments of what the theory of low-rank problems offers."""
    p = ss.problems.matrix_sensing(d1=3, d2=3, rank=1, m=12, seed=0)
    psd = ss.problems.phase_retrieval(d=3, m=12, seed=0)
    matrix, layers = np.outer(X[:3], Y[:3]), [np.ones((2, 3)), np.ones((3, 2))]
    at = ss.Factorization.random((3, 3), 2, seed=0)
    here, blocks = {"measurements": p, "factors": at}, {"blocks": [matrix, matrix], "depth": 3}
    whole = {"matrix": matrix, "depth": 3}
    return {
        "theory.PerturbedLoss.at": {"self": ss.theory.perturbed_loss(p, at), "size": X},
        "theory.balanced": {**here, "scaled": True},
        "theory.block_penalty": blocks,
        "theory.constant_trace": {"measurements": psd},
        "theory.diagonal_trace": {"design": np.ones((3, 4)), "layers": np.ones((2, 4))},
        "theory.diagonal_weight_decay": {"vector": X, "depth": 3},
        "theory.flat_diagonal_layers": {"vector": X, "depth": 3},
        "theory.flat_factors": {"measurements": p, "matrix": matrix, "scaled": True, "width": 2},
        "theory.flat_layers": {**whole, "width": 2},
        "theory.flattest_blocks_trace": blocks,
        "theory.flattest_diagonal_trace": {"design": np.ones((3, N)), "vector": X, "depth": 3},
        "theory.flattest_identity_sharpness": {"matrix": matrix},
        "theory.flattest_layers_trace": whole,
        "theory.identity_curvature": {"factors": at, "direction": at},
        "theory.identity_curvature_as_printed": {
            "factors": ss.Factorization.random((3, 3), 3, seed=0),
            "direction": ss.Factorization.random((3, 3), 3, seed=1),
        },
        "theory.identity_measurements": {"matrix": matrix},
        "theory.layers_trace": {"layers": layers, "measurements": p},
        "theory.matrix_weights": {"measurements": p, "scaled": False},
        "theory.norm_minimal": {**here, "reference": matrix, "scaled": True},
        "theory.norm_minimal_as_printed": {**here, "delta": 0.1, "reference": matrix},
        "theory.perturbed_loss": here,
        **{
            f"theory.{name}": {"factors": at}
            for name in (
                "excess_by_imbalance", "identity_sharpness", "imbalance", "imbalance_by_excess",
                "norm_excess",
            )
        },
    }  # fmt: skip


def calls(folder: Any) -> dict[str, dict[str, Any]]:
    """Arguments of every public callable by its name; "self" is the object of a method."""
    at = objects()
    here = {"problem": at["problem"], "network": at["net"]}
    pair = {**here, "before": at["net"]}
    there = {"problem": at["classes"], "network": at["net"]}
    store = Store.create(folder / "store")
    store.commit([Entry(Case(seed=1), work(Case(seed=1), lambda _: None), 0.1)], {})
    run = list(store.outcomes())
    curve = {"n": 5, "noise": 0.5, "seed": 0, "half_width": 2.0, "design": "jittered"}
    ends = {"low": 0.0, "high": 1.0}
    estimator = {
        "step_size": 0.05, "rule": "min", "width": 5, "steps": 200, "step_sizes": np.array([0.1, 0.2]),
        "n_splits": 2,
        "random_state": 0, "n_jobs": 1, "progress": print_nothing,
    }  # fmt: skip
    facts = {"facts": at["square"]}
    other = {"facts": at["logistic"]}
    fit = {
        "x": X, "y": Y, "x_name": Text("x"), "y_name": Text("y"), "step_size": 0.3, "rule": "min",
        "seed": 0,
        "progress": print_nothing,
    }  # fmt: skip
    weights = {"inputs": X, "weights": W, "trainable": BLOCKS}
    return {
        **dynamics_calls.calls(),
        **low_rank_calls.calls(folder, File, Text),
        **method_calls.calls(at["problem"], at["net"]),
        **monitor_calls.calls(folder, File, Anything),
        **torch_calls.calls(),
        **plane_calls.calls(),
        **plane_door_calls.calls(),
        **plane_theory_calls.calls(at["square"].landscape),
        **recovery_calls.calls(print_nothing, Text),
        "explorer.page": {"problem": at["classes"], "x_name": Text("x"), "y_name": Text("y")},
        "GradientDescent": {
            "step_size": 0.1, "steps": 5, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1,
            "warmup_steps": 2, "clip": 1.0, "decay_biases": False,
        },
        "GradientDescent.threshold": {"self": at["method"], "step_size": 0.1},
        "GradientDescent.step_size_at": {"self": at["method"], "step": np.array([1, 2]), "initial": 0.1},
        "Problem": {
            "inputs": X, "labels": Y, "loss": "square", "truth": np.sin, "noise": 0.5, "weights": W,
            "name": Text("data"),
        },
        "Problem.training_loss": {"self": at["problem"], "predictions": Y},
        "Problem.design_error": {"self": at["problem"], "predictions": Y},
        "Problem.excess_risk": {"self": at["problem"], "predictions": Y, "mask": X > 0},
        "StepSizeClassifier": {**estimator, "stopping": "budget", "fit": (X, SIGNS)},
        "StepSizeClassifier.fit": {
            "self": ss.StepSizeClassifier(0.3, steps=20, width=5, stopping="budget"), "X": X, "y": SIGNS,
            "sample_weight": W,
        },
        **{
            f"StepSizeClassifier.{name}": {"self": at["classifier"], "X": X}
            for name in ("decision_function", "predict_proba", "predict_log_proba", "predict")
        },
        "StepSizeRegressor": {**estimator, "stopping": "budget", "fit": (X, Y)},
        "StepSizeRegressor.fit": {
            "self": ss.StepSizeRegressor(0.3, steps=20, width=5), "X": X, "y": Y, "sample_weight": W,
        },
        "StepSizeRegressor.predict": {"self": at["regressor"], "X": X},
        "Trajectory.predict": {"self": at["run"], "x": X},
        "WeightedTVRegressor": {
            "penalty": 0.1, "alpha": 0.5, "n_splits": 2, "repeats": 1, "random_state": 0, "fit": (X, Y),
        },
        "WeightedTVRegressor.fit": {
            "self": ss.WeightedTVRegressor(0.1, 0.5), "X": X, "y": Y, "sample_weight": W,
        },
        "WeightedTVRegressor.predict": {"self": ss.WeightedTVRegressor(0.1, 0.5).fit(X, Y), "X": X},
        "TwoLayerReLU": {**NEURONS, "b2": 0.5, "trainable": BLOCKS},
        "TwoLayerReLU.random": {"width": 3, "scale": 1.0, "init": "torch", "seed": 0, "trainable": BLOCKS,
        "dimension": 1},
        "TwoLayerReLU.with_parameters": {"self": at["net"], "parameters": at["net"].parameters},
        "TwoLayerReLU.predict": {"self": at["net"], "x": X},
        "TwoLayerReLU.save": {"self": at["net"], "path": File(folder / "net.npz")},
        "TwoLayerReLU.load": {"path": File(saved(folder))},
        "certified_class": {**here, "gamma": 1.0, "interval": (-1.0, 1.0)},
        "certify": {**here, "delta": 0.05, "gamma": 1.0},
        "directional_smoothness": pair,
        "hessian": {**here, "gauss_newton": False},
        "hessian_trace": here,
        "sharpness": {
            **here, "start": np.ones(10), "tolerance": 1e-6, "gauss_newton": False, "weight_decay": 0.1,
            "decay_biases": False,
        },
        "train": {
            **here, "method": at["method"], "record_every": 3, "measure_sharpness": False,
            "observe": print_nothing, "progress": print_nothing, "record_at": np.array([2]),
            "examples": lambda _: at["problem"],
        },
        "worst_case": {**here, "gamma": 1.0, "interval": (-1.0, 1.0)},
        "curvature.Matrix": {"values": np.eye(2)},
        "curvature.Matrix.product": {"self": at["matrix"], "vector": np.ones(2)},
        "curvature.Scaled": {"operator": at["matrix"], "scale": np.ones(2)},
        "curvature.Scaled.product": {
            "self": ss.curvature.Scaled(at["matrix"], np.ones(2)), "vector": np.ones(2),
        },
        "curvature.Shifted": {"operator": at["matrix"], "shift": np.ones(2)},
        "curvature.Shifted.product": {
            "self": ss.curvature.Shifted(at["matrix"], np.ones(2)), "vector": np.ones(2),
        },
        "Eigenpair.exceeds": {"self": ss.Eigenpair(2.0, 0.25, np.zeros(3), 4), "limit": 1.5},
        "curvature.largest_eigenpair": {
            "operator": at["matrix"], "start": np.ones(2), "tolerance": 1e-6, "max_products": 50,
        },
        **{
            f"estimators.{kind}.{name}": {"self": at[made], "x": X}
            for kind, made in (("TableFit", "fit"), ("OutcomeFit", "outcome"))
            for name in ("predict", "predictions")
        },
        "estimators.fit_table": {**fit, "settings": {"steps": 20, "width": 5}},
        "estimators.fit_features": {
            **{key: value for key, value in fit.items() if key != "x_name"},
            "x": np.column_stack([X, np.square(X)]), "y": (Y > 0) * 1.0, "x_names": ("a", "b"),
            "loss": "logistic", "classes": ("no", "yes"),
            "settings": {"steps": 20, "width": 5, "stopping": "budget"},
        },
        "estimators.FeaturesFit.predict": {"self": at["features_fit"], "x": np.ones((3, 2))},
        "estimators.FeaturesFit.predictions": {"self": at["features_fit"], "x": np.ones((3, 2))},
        "estimators.FeaturesFit.outside": {"self": at["features_fit"], "x": np.ones((3, 2))},
        "estimators.FeaturesFit.outside_warning": {"self": at["features_fit"], "x": np.ones((3, 2))},
        "figures.half_planes": {
            "problem": ss.Problem(np.column_stack([X, np.square(X)]), Y), "neurons": [0],
            "network": ss.TwoLayerReLU([[1.0, 0.0], [0.0, 1.0]], [0.0, -1.0], [1.0, 1.0]),
        },
        "measures.shattering": {"problem": at["problem"], "network": at["net"]},
        "estimators.fit_outcome": {
            **fit, "y": (Y > 0) * 1.0, "classes": ("no", "yes"),
            "settings": {"steps": 20, "width": 5, "stopping": "budget"},
        },
        "experiments.Claim.settings": {"self": at["claim"], "overrides": {"seeds": "2"}, "full": False},
        "experiments.Claim.specs": {"self": at["claim"], "settings": at["claim"].settings(TINY)},
        "experiments.Claim.judge": {"self": at["claim"], "result": at["result"]},
        "experiments.Claim.collect": {"self": at["claim"], "settings": TINY, "specs": [], "records": []},
        "experiments.Result.of": {"self": at["result"], "kind": Case},
        "experiments.Result.curves": {"self": at["result"], "name": Text("mean")},
        "experiments.family": {"name": "curve-fitting"},
        "experiments.get": {"name": "curve-fitting"},
        "experiments.run": {
            "claim": "curve-fitting", "settings": TINY, "progress": print_nothing, "workers": 1,
            "full": False,
        },
        "lab.Store.create": {"path": File(folder / "store")},
        "lab.Store.open": {"path": File(folder / "store")},
        "lab.Store.commit": {
            "self": store, "entries": [Entry(Case(seed=1), Record("finished"), 0.1)],
            "origin": {"by": "a test"},
        },
        "lab.Store.outcomes": {"self": store, "identities": run},
        "lab.Store.records": {"self": store, "identities": run},
        "lab.Store.rows": {"self": store, "specs": [Case(seed=1)]},
        "lab.Store.table": {"self": store, "specs": [Case(seed=1)]},
        "lab.Store.curves": {"self": store, "identities": run},
        "lab.Store.plan": {"self": store, "plan": new_plan(run, "", "", ())},
        "lab.curve_table": {"curves": list(store.curves())},
        "lab.executor": {
            "name": "threads", "workers": 1, "scheduler": None, "options": None,
            "runs": 1, "warn": print_nothing,
        },
        "lab.sweep": {
            "store": store, "specs": [Case(seed=1)], "work": work, "executor": Here(),
            "retry_failed": False,
            "shard": (1, 1), "title": Text("a"), "source": Text("b"), "notes": ("c",),
            "progress": print_nothing,
        },
        "lab.identity": {"spec": Case(seed=1)},
        "lab.stream": {"seed": 0, "purpose": Text("network")},
        "lab.status.status": {"store": store, "now": 1e9},
        "measures.facts": {**here, "delta": 0.05, "gamma": 1.0, "sharpness": None},
        "measures.tightest_worst_case": {**here, "interval": (-1.0, 1.0), "moving": True},
        "measures.prediction_gain": {**here, "noise": 0.5, "rows": 9.0, "delta": 0.1, "draws": 2, "seed": 0},
        "measures.measures.risks": pair,
        "measures.measures.pieces": here,
        "measures.measures.shape": here,
        "measures.measures.measure": pair,
        "measures.measures.measure_trajectory": {"problem": at["problem"], "run": at["run"]},
        "measures.measures.ending": {"run": at["run"]},
        "measures.classification.excess_risks": {**there, "before": at["net"]},
        "measures.classification.confidence": there,
        "objectives.Hessian": {**here, "gauss_newton": False, "decay": 0.1, "unit": 1.0, "careful": True},
        "objectives.Hessian.product": {"self": at["hessian"], "vector": np.ones(10)},
        "objectives.Hessian.product_and_error": {"self": at["hessian"], "vector": np.ones(10)},
        "figures.against_step_size": {
            "groups": {"all": [{"outcome": "finished", "step_size": 0.1, "sharpness": 2.0}]},
        },
        "figures.functions": {"problem": at["problem"], "runs": {"η": at["run"]}},
        "figures.of_fit": {"fit": at["fit"]},
        "figures.pdf": {"figure": at["figure"]},
        "figures.png": {"figure": at["figure"], "dots_per_inch": 30},
        "figures.svg": {"figure": at["figure"]},
        "figures.training": {"runs": {"η": at["trained"]}},
        "objectives.ReLULine": here,
        **{
            f"objectives.ReLULine.{name}": {"self": at["line"], "theta": at["net"].parameters}
            for name in ("loss", "gradient", "hessian", "census", "largest_loss")
        },
        "objectives.ReLULine.rough_sharpness": {
            "self": at["line"], "theta": at["net"].parameters, "decay": 0.1, "decay_biases": False,
        },
        "objectives.ReLULine.sharpness": {
            "self": at["line"], "theta": at["net"].parameters, "decay": 0.1, "start": np.ones(10),
            "tolerance": 1e-6, "decay_biases": False,
        },
        "objectives.ReLULine.smoothness": {
            "self": at["line"], "theta": at["net"].parameters, "before": np.ones(10),
        },
        "objectives.line": here,
        "objectives.logistic_regression": {"inputs": np.array([[1.0, 2.0]]), "labels": np.array([1])},
        "objectives.layered": {"problem": at["problem"], "hidden": (3, 2), "activation": "gelu"},
        "objectives.catapult": {"width": 4},
        "objectives.self_stabilizing": {"step_size": 0.1, "slope": 0.01},
        "objectives.quadratic": {"matrix": np.eye(2)},
        "objectives.corrugated": {"ripple": 0.1},
        "objectives.quartic": {"curvature": 1.0, "fall": 1.0},
        "objectives.rough_sharpness": here,
        "objectives.secant_curvature": {
            "objective": ss.objectives.scalar_product(), "theta": np.ones(2), "before": np.zeros(2),
        },
        "problems.curve": {"name": "tent", **curve},
        **{f"problems.{name}": {**curve, **ends} for name in ("doppler", "line", "steps", "tent", "wave")},
        "problems.curve:own": {"name": np.sin, **curve, **ends},
        "problems.bernoulli": {
            "name": "tent", **curve, **ends, "noise": NOTHING, "amplitude": 2.0, "flip_rate": 0.1,
        },
        "sweeps.build": {"run": ss.sweeps.Run(**RUN), "data": File("")},
        "tables.Record": {"outcome": "finished", "numbers": {"a": 1}, "arrays": {"b": X},
        "reason": Text("")},
        "tables.Table": {"columns": {"a": X}},
        "tables.Table.from_records": {"records": [{"a": 1}]},
        "tables.Table.rows": {"self": at["table"], "which": np.array([True, False, True])},
        "tables.Table.__getitem__": {"self": at["table"], "which": 0},
        "theory.Facts": {**here, "landscape": at["square"].landscape, "delta": 0.05, "gamma": 1.0},
        "theory.FlatClass": {
            "inputs": X, "variation": 1.0, "height": 1.0, "weights": W, "counted": W, "interval": (-1.0,
            1.0),
            "trainable": BLOCKS, "center": 0.5,
        },
        "theory.FlatClass.merge": {"self": at["flat"], "values": Y[at["flat"].inside]},
        **{
            f"recovery.{name}": {
                "problem": at["measurements"], "penalty": 0.0, "tolerance": 1e-6, "iterations": 40,
                "progress": print_nothing,
            }
            for name in ("flattest", "minimum_nuclear_norm", "minimum_frobenius_norm")
        },
        "recovery.complete": {
            "table": np.where(np.eye(4, 3) > 0.0, np.nan, 1.0 + np.arange(12.0).reshape(4, 3) ** 2),
            "norm": Text("flat"), "penalty": 1.0, "rule": Text("min"), "folds": 2, "standardize": True,
            "seed": 0, "progress": lambda _: None,
        },
        "recovery.trial": {"problem": at["measurements"], "objective": "flattest", "iterations": 40},
        **flatness_calls(),
        "theory.confidence_curvature": {"gamma": 1.0},
        "theory.counterexample": {"a": 0.1, "c": 20.0, "rho": 0.5},
        "theory.interpolation_rate": {"noise": 1.0, "half_width": 1.0},
        "theory.one_neuron": {"a": 0.5, "mass": 0.01, "size": 20.0, "rho": 1.0},
        "theory.printed_counterexample": {"a": 0.5},
        "theory.excess_identity": {"truth": Y, "predictions": X, "labels": SIGNS, "weights": W,
        "mask": X > 0},
        "theory.expected_excess": {"flat": at["flat"], "draws": 2, "seed": 0},
        "theory.expected_gap": {
            "flat": at["flat"], "noise": 0.5, "draws": 2, "seed": 0, "law": Text("signs"),
        },
        "theory.certified_gain": {
            "flat": at["flat"], "labels": Y, "predictions": X, "noise": 0.5, "delta": 0.1,
            "draws": 2, "seed": 0,
        },
        "theory.flat_interpolator": {"inputs": X, "labels": SIGNS, "margin": 20.0},
        "theory.flat_interpolator_bound": {"inputs": X, "labels": SIGNS, "margin": 20.0},
        "theory.flattest_interpolator": {
            "inputs": X[:3], "labels": Y[:3], "margin": 0.1, "tolerance": 0.1, "max_iterations": 100,
        },
        **{
            f"theory.{name}": facts
            for name in (
                "gauss_newton", "interpolation", "noisy", "published", "published_as_printed", "sharpness",
                "sharpness_loss",
            )
        },
        **{
            f"theory.{name}": other
            for name in (
                "interior_variation", "interpolation_margin", "logistic_gauss_newton",
                "norm_generalization",
                "overlap", "uncertain", "uncertain_best", "uncertain_stationary", "weighted",
                "weighted_stationary",
            )
        },
        "theory.weighted_by": {**other, "curvature": np.full(X.size, 1e-3)},
        "theory.flattest_rescaling": {**NEURONS, "inputs": X, "weights": W, "tolerance": 1e-2},
        "theory.least_trace_rescaling": {**NEURONS, "inputs": X, "weights": W},
        "theory.rescaled": {**NEURONS, "scales": 2.0},
        "theory.interior": {"t": X, **weights},
        "theory.bend_prices": {"inputs": X, "weights": W, "alpha": 0.5},
        "theory.interpolation_bound": {**weights, "labels": Y},
        "theory.largest_stable_step_size": {"sharpness": 2.0, "momentum": 0.5, "nesterov": False},
        "theory.margin_cost": {"inputs": X, "labels": SIGNS},
        "theory.max_margin": {"inputs": np.array([[1.0, 0.5], [-0.5, 1.0]]), "labels": np.array([1, -1])},
        "theory.merged_knots": NEURONS,
        "theory.overlap_bound": {
            "truth": Y, "predictions": X, "gamma_truth": 0.5, "gamma": 1.0, "weights": W,
        },
        "theory.population_weight": {"t": X},
        "theory.spline_interpolator": {"inputs": X, "labels": Y, "shift": 0.25},
        "theory.theorems": {"loss": "square", "proved": True},
        "theory.threshold": {"step_size": 0.1, "momentum": 0.5, "nesterov": False},
        "theory.total_variation": {**NEURONS, "interval": (-1.0, 1.0)},
        "theory.uncertain_set": {"predictions": Y, "gamma": 1.0},
        "theory.weight": {"t": X, **weights, "side": "both"},
        "theory.weight_limits": weights,
        "theory.WeightedSpline.predict": {"self": ss.theory.weighted_spline(X, Y, 0.1), "x": X},
        "theory.weighted_spline": {**weights, "labels": Y, "penalty": 0.1, "variation": None},
        "theory.weighted_tv": {**NEURONS, **weights, "form": "function"},
        "theory.worst_case_excess": {"flat": at["flat"], "labels": SIGNS, "truth": Y},
        "theory.worst_case_gap": {"flat": at["flat"], "labels": Y, "truth": Y},
        "training.Snapshot.predict": {"self": snapshot(), "x": X},
        "training.run": {
            "objective": ss.objectives.scalar_product(), "theta": np.array([1.5, 0.4]),
            "method": at["method"],
            "record_every": 3, "measure_sharpness": False, "observe": print_nothing,
            "progress": print_nothing,
            "record_at": np.array([2]), "decayed": np.array([True, False]),
        },
    }  # fmt: skip


NOTHING = object()  # a parameter of the siblings that this one does not have


def saved(folder: Any) -> str:
    path = str(folder / "saved.npz")
    objects()["net"].save(path)
    return path


@cache
def snapshot() -> Any:
    seen: list[Any] = []
    at = objects()
    ss.train(at["problem"], at["net"], at["method"], observe=seen.append)
    return seen[-1]


def print_nothing(*_: Any) -> None:
    pass
