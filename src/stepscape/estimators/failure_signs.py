"""Signs that a fit of two classes failed, or that there was nothing to fit; one sentence for each sign."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.estimators.descent import overshot
from stepscape.problems.user.separation import Plane
from stepscape.tables.records import Table
from stepscape.training.stops import TIMED


def failure_signs(model: Any) -> tuple[str, ...]:
    """Say what a reader of a fitted `StepSizeClassifier` must know before relying on it."""
    said = [
        _separable(model),
        _interpolating(model),
        _trap(model),
        _no_gain(model),
        _corner(model),
        _diverged(model),
        _overshot(model),
        dead_neurons(model),
    ]
    return tuple(sentence for sentence in said if sentence)


def _separable(model: Any) -> str:
    if model.separable_ is None:
        return ""
    if isinstance(model.separable_, Plane):
        what, where = "a linear function of the features", "along it"
    else:
        low, high = model.separable_
        what, where = f"a threshold between {low:g} and {high:g}", "there"
    return (
        f"{what} separates the classes: any jump {where} fits all labels, and how close the probabilities "
        "come to 0 and 1 says how long the fit was trained, not how sure one can be"
    )


def _interpolating(model: Any) -> str:
    if model.stop_ != "interpolating":
        return ""
    run, allowed = model.trajectory_, 2.0 / model.step_size_
    then = "" if model.stopping == "cv" else '; stopping="cv" stops where held-out labels are best predicted'
    return (
        f"every label is fitted (loss {run.loss[-1]:.2g}, sharpness {run.sharpness[-1]:.2g} where the step "
        f"size allows {allowed:.3g}): no minimum exists, and longer training only adds confidence{then}"
    )


def _trap(model: Any) -> str:
    """Find the interpolation trap: most folds flat by confidence, worse than a constant on held-out labels.

    "Worse" means by more than the standard error: where there is nothing to learn every fit is a bit worse.
    """
    if model.path_ is None or model.stopping != "cv":
        return ""
    ends = _ends(model)
    errors = ends["cv_error"]
    worse = errors > model.base_log_loss_ + ends["standard_error"]
    if not worse.any():
        return ""
    folds = np.unique(model.folds_["fold"]).size
    trapped = worse & (2 * ends["trapped"] > folds)
    row = int(np.argmax(np.where(trapped if trapped.any() else worse, errors, -np.inf)))
    name, fitted = "confidence outruns knowledge", ""
    if trapped.any():
        name = "interpolation trap"
        fitted = (
            f", with every training label fitted and {ends['edge_ratio'][row]:.2g} of the sharpness that the "
            "step size allows"
        )
    return (
        f"{name}: after all {model.budget_} steps {int(worse.sum())} of {len(errors)} step sizes predict "
        f"held-out labels worse than a constant does (log-loss up to {errors[row]:.3g} against "
        f"{model.base_log_loss_:.3g}{fitted}); step size {model.step_size_:.3g} stopped after "
        f"{model.steps_} steps has {model.log_loss_:.3g}"
    )


def _ends(model: Any) -> Table:
    """Rows of the whole budget among those of all stopping times: one row per step size, as in the path."""
    step_sizes = model.times_["step_size"]
    last = np.append(step_sizes[1:] != step_sizes[:-1], True)
    return Table({name: values[last] for name, values in model.times_.columns.items()})


def _no_gain(model: Any) -> str:
    """Compare with the constant fold by fold: folds differ in how hard they are."""
    if model.path_ is None:
        return ""
    members = model.folds_.where(step_size=model.step_size_)
    share, gain = members["share"], members["base_error"] - members["cv_error"]
    mean = float(share @ gain)
    error = float(np.sqrt(share @ (gain - mean) ** 2 / max(1, gain.size - 1)))
    if mean > 2.0 * error:
        return ""
    found = "no clear gain over" if mean >= 0.0 else "the fit worse than"
    return (
        f"cross-validation finds {found} predicting the share of the classes (log-loss "
        f"{model.log_loss_:.3g} against {model.base_log_loss_:.3g})"
    )


def _corner(model: Any) -> str:
    """Whether the choice is the least training tried, or the most or longest and its loss still fell."""
    if model.times_ is None or len(model.times_) < 2:
        return ""
    [row] = np.flatnonzero(model.times_["chosen"])
    times, last = model.times_["time"], model.times_.where(step_size=model.step_size_)["chosen"][-1]
    falling = any(word in str(model.times_["stop"][row]) for word in TIMED)
    which = ""
    if times[row] == np.nanmin(times):
        which = "least"
    elif falling and times[row] == np.nanmax(times):
        which = "most"
    elif falling and last and model.stopping == "cv":
        which = "longest"
    return which and f"the {which} training tried was chosen: the error may be smaller beyond it"


def _diverged(model: Any) -> str:
    if model.times_ is None:
        return ""
    lost = {float(eta) for eta in model.times_["step_size"][model.times_["diverged"] > 0]}
    if not lost:
        return ""
    what = f"{len(lost)} of {len(model.path_)} step sizes diverged in some fold, the smallest at"
    return f"{what} {min(lost):.3g}; these were left out: {_edge(model, min(lost))}"


def _overshot(model: Any) -> str:
    """Say where too large steps raised the loss: in the final run, or else in a fold of the path.

    A descent that is stable only lowers it. The final run is of all data, the largest step sizes of the path
    are there to be tried.
    """
    run = model.trajectory_
    if overshot(model.problem_, run.loss):
        top = int(np.argmax(run.loss))
        return (
            f"training was unstable: at step {run.at_steps[top]} the training loss was {run.loss[top]:.3g}, "
            f"against {run.loss[0]:.3g} at the start and {model.base_log_loss_:.3g} for the best constant; "
            f"{_edge(model, model.step_size_)}; a smaller step_size is safer"
        )
    if model.path_ is None:
        return ""
    ends = _ends(model)
    thrown = ends["step_size"][ends["overshot"] > 0]
    if not thrown.size:
        return ""
    return (
        f"training was unstable in some fold at {thrown.size} of {len(ends)} step sizes, the smallest "
        f"{thrown.min():.3g}: its loss rose above those of the start and of the best constant; "
        f"{_edge(model, float(thrown.min()))}"
    )


def dead_neurons(model: Any) -> str:
    """Find the work of a catapult: over half of the neurons, and twice as many as before, active nowhere."""
    run = model.trajectory_
    before, dead = (int(count) for count in run.dead_neurons[[0, -1]])
    if 2 * dead <= run.network.width or dead <= 2 * before:
        return ""
    return (
        f"{dead} of {run.network.width} neurons are active on no input ({before} at the start): large steps "
        f"moved them there, and they cannot come back; {_edge(model, model.step_size_)}; a smaller step_size "
        "spares them"
    )


def _edge(model: Any, step_size: float) -> str:
    """Say why descent with a step size is unstable on these data."""
    start, allowed = model.trajectory_.sharpness[0], 2.0 / step_size
    grew = "" if start > allowed else ", but grew on the way"
    return (
        f"descent cannot stay where the sharpness exceeds 2/{step_size:.3g} = {allowed:.3g}, and it was "
        f"{start:.3g} at the start{grew}"
    )
