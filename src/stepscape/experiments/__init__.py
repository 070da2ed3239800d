"""The experiments by name; a module is imported when its experiment is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from stepscape.arguments import flag, function, mapping, whole
from stepscape.errors import bad, expect, unknown
from stepscape.experiments.frame import Claim, Result
from stepscape.experiments.frame.claim import run as carry_out

__all__ = ["Claim", "Result", "family", "get", "names", "run"]

_MODULES = {
    "curve-fitting": "stepscape.experiments.square.curve_fitting",
    "sharpness-vs-step-size": "stepscape.experiments.edge.sharpness_vs_step_size",
    "flow-or-descent": "stepscape.experiments.edge.flow_or_descent",
    "chaos": "stepscape.experiments.edge.chaos",
    "flows": "stepscape.experiments.edge.flows",
    "catapult": "stepscape.experiments.edge.catapult",
    "nonmonotone": "stepscape.experiments.edge.nonmonotone",
    "self-stabilization": "stepscape.experiments.edge.self_stabilization",
    "knots-on-data": "stepscape.experiments.edge.knots_on_data",
    "risk-vs-step-size": "stepscape.experiments.square.risk_vs_step_size",
    "sparsity-vs-step-size": "stepscape.experiments.square.sparsity_vs_step_size",
    "robustness": "stepscape.experiments.square.robustness",
    "weighted-tv": "stepscape.experiments.square.weighted_tv",
    "same-tv": "stepscape.experiments.square.same_tv",
    "width": "stepscape.experiments.square.width",
    "feature-learning": "stepscape.experiments.square.feature_learning",
    "clean-labels": "stepscape.experiments.square.clean_labels",
    "random-labels": "stepscape.experiments.square.random_labels",
    "forces": "stepscape.experiments.forces.forces",
    "truth-complexity": "stepscape.experiments.forces.truth_complexity",
    "what-is-stabilized": "stepscape.experiments.forces.what_is_stabilized",
    "catapult-graveyard": "stepscape.experiments.forces.catapult_graveyard",
    "interpolation-is-sharp": "stepscape.experiments.interpolation.interpolation_is_sharp",
    "sharpness-vs-risk": "stepscape.experiments.folklore.sharpness_vs_risk",
    "reparametrization": "stepscape.experiments.folklore.reparametrization",
    "sharp-but-good": "stepscape.experiments.folklore.sharp_but_good",
    "benign-or-not": "stepscape.experiments.interpolation.benign_or_not",
    "double-descent": "stepscape.experiments.interpolation.double_descent",
    "logistic-step-sizes": "stepscape.experiments.logistic.logistic_step_sizes",
    "logistic-arms": "stepscape.experiments.logistic.logistic_arms",
    "uncertain-regions": "stepscape.experiments.logistic.uncertain_regions",
    "noise-robustness": "stepscape.experiments.logistic.noise_robustness",
    "weak-to-strong": "stepscape.experiments.logistic.weak_to_strong",
    "flat-but-wrong": "stepscape.experiments.confidence.flat_but_wrong",
    "confident-curvature": "stepscape.experiments.confidence.confident_curvature",
    "smoothness-or-confidence": "stepscape.experiments.confidence.smoothness_or_confidence",
    "does-descent-get-there": "stepscape.experiments.confidence.does_descent_get_there",
    "perturbed-loss": "stepscape.experiments.recovery.perturbed_loss",
    "scalar-landscape": "stepscape.experiments.recovery.scalar_landscape",
    "lambda-max-is-not-trace": "stepscape.experiments.recovery.lambda_max_is_not_trace",
    "training-to-flatness": "stepscape.experiments.recovery.training_to_flatness",
    "when-certificates-speak": "stepscape.experiments.certificates.when_certificates_speak",
    "worst-case-gap": "stepscape.experiments.certificates.worst_case_gap",
    "generalization-gap": "stepscape.experiments.certificates.generalization_gap",
    "rates": "stepscape.experiments.certificates.rates",
    "risk-constants": "stepscape.experiments.certificates.risk_constants",
    "phase-transition": "stepscape.experiments.recovery.phase_transition",
    "norm-minimal-balanced": "stepscape.experiments.recovery.norm_minimal_balanced",
    "noise-stability": "stepscape.experiments.recovery.noise_stability",
    "quadratic-teacher": "stepscape.experiments.recovery.quadratic_teacher",
    "depth-effect": "stepscape.experiments.recovery.depth_effect",
    "shattering": "stepscape.experiments.plane.shattering",
    "bias": "stepscape.experiments.plane.bias",
    "ood-neurons": "stepscape.experiments.plane.ood_neurons",
    "sphere-construction": "stepscape.experiments.plane.sphere_construction",
    "shattering-logistic": "stepscape.experiments.plane.shattering_logistic",
    "dimension-sweep": "stepscape.experiments.plane.dimension_sweep",
    "union-of-subspaces": "stepscape.experiments.plane.union_of_subspaces",
    "radial-family": "stepscape.experiments.plane.radial_family",
    "mixup": "stepscape.experiments.plane.mixup",
    "better-than-mixup": "stepscape.experiments.plane.better_than_mixup",
    "thresholds": "stepscape.experiments.deep.thresholds",
    "minima-stability": "stepscape.experiments.deep.minima_stability",
    "sgd-batch-sharpness": "stepscape.experiments.deep.sgd_batch_sharpness",
    "residual-and-batch-norm": "stepscape.experiments.deep.residual_and_batch_norm",
    "deep-nonlinear": "stepscape.experiments.deep.deep_nonlinear",
    "large-step-logistic-regression": "stepscape.experiments.illustrations.large_step_logistic_regression",
    "accelerated": "stepscape.experiments.illustrations.accelerated",
    "arbitrarily-fast": "stepscape.experiments.illustrations.arbitrarily_fast",
    "chaotic-descent": "stepscape.experiments.illustrations.chaotic_descent",
    "swiss-roll": "stepscape.experiments.illustrations.swiss_roll",
}


def run(
    claim: str | Claim,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[float, str], None] | None = None,
    workers: int = 0,
    full: bool = False,
    **changes: Any,
) -> Result:
    """Carry out all runs of a claim in memory and collect their records.

    Parameters
    ----------
    claim : a claim or its name.
    settings : values that differ from those of the quick size, or of the full size with `full`.
    progress : called with a fraction and a message.
    workers : threads (0: one per core).
    changes : settings by keyword, as in ``run("curve-fitting", seeds=2, truth=my_function)``.

    Raises
    ------
    InputError
        For a setting that the claim does not have, and for a value of another type. Any run that cannot be
        carried out raises, too.
    """
    chosen = get(claim) if isinstance(claim, str) else claim
    expect("claim", chosen, Claim)
    given = {} if settings is None else mapping("settings", settings)
    if both := [name for name in changes if name in given]:
        raise bad(both[0], "be given once", "it in settings and as a keyword")
    if progress is not None:
        function("progress", progress)
    resolved = chosen.settings({**given, **changes}, flag("full", full))
    return carry_out(chosen, resolved, progress or (lambda *_: None), whole("workers", workers))


def names() -> list[str]:
    """Names of all experiments, in the order in which they are best read."""
    return list(_MODULES)


def family(name: str) -> str:
    """Return the family of a claim, which is the folder of its module and of its page."""
    if not isinstance(name, str) or name not in _MODULES:
        raise unknown("experiment", name, _MODULES)
    return _MODULES[name].rpartition(".")[0].rpartition(".")[2]


def get(name: str) -> Claim:
    """Return the claim of that name; an unknown name is refused with the nearest known one."""
    if not isinstance(name, str) or name not in _MODULES:
        raise unknown("experiment", name, _MODULES)
    claim: Claim = importlib.import_module(_MODULES[name]).CLAIM
    return claim


def __dir__() -> list[str]:
    return sorted(__all__)
