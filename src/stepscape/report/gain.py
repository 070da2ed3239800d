"""What a table proves about the error of a fit to the truth, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepscape.report.words import number

CONFIDENCE = "95 %"


def gain_sentence(result: Mapping[str, Any]) -> str:
    """Say what is proved, "vacuous" when nothing is; "" for a fit that asks for no proof."""
    gain = result.get("gain")
    if not gain:
        return ""
    if gain["verdict"] == "inapplicable":
        failed = ", ".join(gain["failed_premises"])
        return f"nothing is proved about the error to the truth: this premise is not met: {failed}"
    y, noise = result["y"], _noise(gain)
    closer = f"{_percent(gain['fitted'])} of the variance of {y}"
    feigned = _percent(gain["supremum"] + gain["deviation"])
    if gain["verdict"] == "vacuous":
        return (
            f"vacuous: the fit is closer to the labels than their mean by {closer}, but as far as its "
            f"flatness is known, {noise} could feign up to {feigned}"
        )
    return (
        f"with probability {CONFIDENCE} the fit is closer to the truth than the mean of {y}, by at least "
        f"{_percent(gain['value'])} of the variance of {y} in mean squared error at the inputs: it is closer "
        f"to the labels by {closer}, and {noise} can feign at most {feigned}"
    )


def _noise(gain: Mapping[str, Any]) -> str:
    how = ", as estimated from neighboring rows," if gain["noise_estimated"] else ""
    return f"independent Gaussian noise of standard deviation {number(gain['noise'])} (standardized){how}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f} %"
