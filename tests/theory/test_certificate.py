from __future__ import annotations

import math
import subprocess
import sys

import pytest

from oracles import EPS
from stepscape.theory import Certificate

SHARED = {
    "assumptions": ("a premise",),
    "source": "A. Author (2020), Theorem 1",
    "name": "toy",
    "statement": "a ≤ b",
}


@pytest.mark.parametrize(
    ("excess", "verdict"), [(-1.0, "holds"), (0.0, "holds"), (63 * EPS, "holds"), (66 * EPS, "violated")]
)
def test_holds_up_to_64_eps_of_its_scale(excess, verdict):
    for scale in (1.0, 1e8, 1e-8):
        assert Certificate(scale * excess, 0.0, **SHARED, scale=scale).verdict == verdict


@pytest.mark.parametrize(
    ("left", "verdict"), [(1.0, "holds"), (1.5, "undecided"), (2.0, "undecided"), (2.1, "violated")]
)
def test_between_the_right_sides_of_both_bounds_on_the_sharpness_nothing_is_decided(left, verdict):
    certificate = Certificate(left, 1.0, **SHARED, right_upper=2.0)
    assert certificate.verdict == certificate.record()["verdict"] == verdict
    assert certificate.record()["right_upper"] == 2.0
    if verdict == "undecided":
        assert f"undecided: {left:.4g} lies between the right sides 1 and 2" in repr(certificate)
    assert Certificate(9.0, 1.0, **SHARED, right_upper=math.inf).verdict == "undecided"


def test_without_a_scale_nothing_is_forgiven():
    assert Certificate(1.0, 1.0, **SHARED).verdict == "holds"
    assert Certificate(1.0 + 4 * EPS, 1.0, **SHARED).verdict == "violated"


@pytest.mark.parametrize(
    ("left", "right"), [(math.nan, 1.0), (0.0, math.nan), (0.0, math.inf), (math.inf, 1.0)]
)
def test_a_side_that_is_not_a_number_proves_nothing(left, right):
    certificate = Certificate(left, right, **SHARED, scale=1.0)
    assert certificate.verdict == "inapplicable"
    assert "it says nothing about this network (a side is not finite)" in repr(certificate)


def test_a_premise_that_fails_makes_it_inapplicable():
    certificate = Certificate(2.0, 1.0, **SHARED, failed_premises=("the moon is full",))
    assert certificate.verdict == "inapplicable"
    assert certificate.slack == -1.0
    assert "inapplicable: it says nothing about this network (not met: the moon is full)" in repr(certificate)


def test_repr_is_one_line_that_says_everything():
    text = repr(Certificate(1.0, 3.5, **SHARED))
    assert text == "Certificate(toy holds: 1 ≤ 3.5, slack 2.5; a ≤ b; A. Author (2020), Theorem 1)"


def test_it_is_frozen_and_hashable():
    certificate = Certificate(1.0, 2.0, **SHARED, details={"x_max": 1.0})
    assert hash(certificate) == hash(Certificate(1.0, 2.0, **SHARED, details={"x_max": 1.0}))
    with pytest.raises(AttributeError, match="cannot assign"):
        certificate.left = 0.0


def test_theory_loads_numpy_and_nothing_heavy():
    # Floor rule: arrays and measurements in, so no trainer and no compiler; methods has the thresholds.
    code = (
        "import sys, stepscape.theory; heavy = {'scipy', 'numba', 'sklearn', 'matplotlib', 'torch'};"
        "ours = {'training', 'recovery', 'objectives', 'curvature', 'measures'};"
        "print(*heavy & set(sys.modules), *(m for m in ours if 'stepscape.' + m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
