"""The sentence on what a table proves about a fit."""

from __future__ import annotations

import pytest

from stepscape.report.gain import gain_sentence

GAIN = {
    "verdict": "certified", "value": 0.7, "fitted": 0.8, "supremum": 0.06, "deviation": 0.04, "noise": 0.25,
    "noise_estimated": True, "failed_premises": (),
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "by at least 70 % of the variance of speed in mean squared error at the inputs"),
        (
            {},
            "closer to the labels by 80 % of the variance of speed, and independent Gaussian noise of "
            "standard",
        ),
        ({}, "deviation 0.25 (standardized), as estimated from neighboring rows, can feign at most 10 %"),
        ({"noise_estimated": False}, "deviation 0.25 (standardized) can feign"),
        ({"verdict": "vacuous", "deviation": 1.0}, "could feign up to 106 %"),
        (
            {"verdict": "inapplicable", "failed_premises": ("no knot on an input",)},
            "nothing is proved about the error to the truth: this premise is not met: no knot on an input",
        ),
    ],
)
def test_the_sentence(change, words):
    assert words in gain_sentence({"y": "speed", "gain": {**GAIN, **change}})


def test_without_a_proof_there_is_no_sentence():
    assert gain_sentence({"y": "speed", "gain": None}) == gain_sentence({"y": "speed"}) == ""
