"""Signs that a fit of two classes failed, or that there was nothing to fit; a sentence each."""

from __future__ import annotations

from typing import Any

import numpy as np

from stepscape.figures.path import TIMED


def failure_signs(model: Any) -> tuple[str, ...]:
    """Say what a reader of a fitted `StepSizeClassifier` must know before relying on it."""
    said = [
        _separable(model),
        _interpolating(model),
        _trap(model),
        _no_gain(model),
        _corner(model),
        _lost(model),
    ]
    return tuple(sentence for sentence in said if sentence)


def _separable(model: Any) -> str:
    if model.separable_ is None:
        return ""
    low, high = model.separable_
    return (
        f"a threshold between {low:g} and {high:g} separates the classes: any step there fits, and how near "
        "the probabilities come to 0 and 1 says how long the fit was trained, not how sure one can be"
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
    """Find the interpolation trap: flat by confidence, worse than a constant on labels held out.

    Worse by more than the standard error: where nothing is to be learned every fit is a little worse.
    """
    if model.path_ is None or model.stopping != "cv":
        return ""
    errors, times = model.path_["budget_error"], model.times_
    spread = [times.where(step_size=eta)["standard_error"][-1] for eta in model.path_["step_size"]]
    worse = errors > model.base_log_loss_ + np.array(spread)
    if not worse.any():
        return ""
    row = int(np.argmax(np.where(worse, errors, -np.inf)))
    trap = "interpolating" in str(model.path_["budget_stop"][row])
    name = "interpolation trap" if trap else "confidence outruns knowledge"
    fitted = ", with every label fitted that it saw" if trap else ""
    return (
        f"{name}: after all {model.steps} steps {int(worse.sum())} of {len(errors)} step sizes predict "
        f"held-out labels worse than a constant does (log-loss up to {errors[row]:.3g} against "
        f"{model.base_log_loss_:.3g}{fitted}); step size {model.step_size_:.3g} stopped after "
        f"{model.steps_} steps has {model.log_loss_:.3g}"
    )


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
    return (
        f"cross-validation finds no clear gain over predicting the share of the classes (log-loss "
        f"{model.log_loss_:.3g} against {model.base_log_loss_:.3g})"
    )


def _corner(model: Any) -> str:
    """Whether the choice is the least training tried, or the most and more would change something."""
    if model.times_ is None or len(model.times_) < 2:
        return ""
    times = model.times_["time"]
    chosen = float(times[model.times_["chosen"]][0])
    level = not any(word in str(model.times_["stop"][model.times_["chosen"]][0]) for word in TIMED)
    which = {float(np.nanmin(times)): "least", float(np.nanmax(times)): "most"}.get(chosen)
    if which is None or (which == "most" and level):
        return ""
    return f"the {which} training tried was chosen: the error may be smaller beyond it"


def _lost(model: Any) -> str:
    if model.times_ is None:
        return ""
    lost = {float(eta) for eta in model.times_["step_size"][model.times_["diverged"] > 0]}
    if not lost:
        return ""
    what = f"{len(lost)} of {len(model.path_)} step sizes diverged in some fold"
    return f"{what}, the smallest at {min(lost):.3g}; where they did they were left out"
