"""The rules of `flows` on rows that come out each way, and its networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stepscape import TwoLayerReLU
from stepscape.errors import InputError
from stepscape.experiments.edge.flows import CLAIM
from stepscape.experiments.edge.follow_runs import FLOWS, FollowRun, work
from stepscape.experiments.edge.small_networks import near_the_edge, small_network
from stepscape.experiments.frame import Result, Run
from stepscape.objectives import layered
from stepscape.problems import curve

ERRORS = {"gradient": 0.5, "central": 0.06, "rod": 0.3, "rods": 0.07, "mirror": 0.02, "twin": 0.001}
NAN = float("nan")


def judged(part: str, change: dict[str, Any], of: str = "", seeds: int = 8, only: int = 8) -> str:
    """Verdict on eight seeds of a network with kinks and of a smooth one.

    `change` is of both, or of the network `of`, and there of the first seeds `only`.
    """
    rows = []
    for network in ("relu", "gelu"):
        for seed in range(seeds):
            row = {
                "network": network, "smooth": network == "gelu", "seed": seed, "outcome": "finished",
                "edge_reached": True, "initial_edge_ratio": 0.5, "late_edge_ratio": 1.0,
                "mirror_loss_error": 0.02,
                **{f"{name}_error": error * (1.0 + 0.01 * seed) for name, error in ERRORS.items()},
            }  # fmt: skip
            rows.append(Run({**row, **(change if of in ("", network) and seed < only else {})}))
    return CLAIM.judge(Result("flows", CLAIM.quick, tuple(rows)))[part].word(CLAIM.kind)


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("mirror", {}, "yes"),
        ("mirror", {"mirror_error": 0.11}, "no"),
        ("mirror", {"mirror_error": 0.11, "twin_error": 0.04}, "yes"),
        ("mirror", {"gradient_error": 0.15}, "no"),
        ("mirror", {"gradient_error": NAN}, "no"),
        ("mirror", {"edge_reached": False}, "premise_not_met"),
        ("mirror", {"initial_edge_ratio": 1.2}, "premise_not_met"),
        # Descent does not agree with itself: every flow would be near by three times the floor alone.
        ("mirror", {"twin_error": 0.35, "gradient_error": 0.95, "mirror_error": 0.9}, "premise_not_met"),
        ("central", {}, "yes"),
        ("central", {"central_error": NAN}, "no"),
        ("central_kinks", {}, "yes"),
        ("rod", {}, "no"),
        ("rod", {"rod_error": 0.05}, "yes"),
        ("closest", {}, "yes"),
        ("closest", {"mirror_error": 0.9}, "no"),
        ("closest", {"central_error": 0.02, "rod_error": 0.02, "rods_error": 0.02}, "no"),
        ("closest", {"central_error": 0.018}, "no"),
        ("closest", {"twin_error": 0.05, "central_error": 0.14, "mirror_error": 0.03}, "no"),
        ("loss", {}, "yes"),
        ("loss", {"mirror_loss_error": 0.2}, "no"),
    ],
)
def test_each_way(part: str, change: dict[str, Any], expected: str) -> None:
    assert judged(part, change) == expected


def test_kinks_count_only_in_the_question_about_them() -> None:
    """The central flow is derived for a smooth loss."""
    assert judged("central", {"central_error": 0.5}, "relu") == "yes"
    assert judged("central_kinks", {"central_error": 0.5}, "relu") == "no"


def test_one_network_does_not_speak_for_another() -> None:
    """Neither one that cannot be judged nor one with the opposite answer vanishes behind the other."""
    assert judged("mirror", {"outcome": "diverged"}, "gelu") == "it_depends"
    assert judged("closest", {"mirror_error": 0.4}, "gelu") == "it_depends"


@pytest.mark.parametrize("part", ["mirror", "central", "closest", "loss"])
def test_a_yes_is_partial_if_a_fifth_of_the_runs_does_not_count(part: str) -> None:
    assert judged(part, {"outcome": "diverged"}, "gelu", 20, only=4) == "it_depends"


def test_a_flow_that_cannot_be_solved_is_not_the_closest() -> None:
    assert judged("closest", {"mirror_error": NAN}, seeds=20, only=9) != "yes"
    assert judged("closest", {f"{flow}_error": NAN for flow in ("central", "rods")}) == "yes"
    others = {f"{flow}_error": 2.0 for flow in FLOWS}
    assert judged("closest", {**others, "mirror_error": NAN}) == "no"


def test_the_layered_network_on_the_line_has_the_parameters_of_the_project() -> None:
    problem = curve("tent", n=9, noise=0.5, seed=0, half_width=3.0)
    net = TwoLayerReLU.random(4, seed=0)
    f = np.maximum(np.multiply.outer(problem.inputs, net.w1) + net.b1, 0.0) @ net.w2 + net.b2
    o = layered(problem, (4,), "relu")
    assert o.loss(net.parameters) == pytest.approx(0.5 * np.mean((f - problem.labels) ** 2), rel=1e-13)
    with pytest.raises(InputError, match="unknown network"):
        small_network("rely", 3, 0)


def test_a_run_that_does_not_reach_the_edge_says_so_and_one_that_does_is_followed() -> None:
    assert near_the_edge("gelu", 3, 0, 200).skip == -1
    found = work(FollowRun("gelu", 20, 24, 6, 600, 1001, True, True), lambda _: None)
    assert found.numbers["edge_reached"]
    for flow in FLOWS:
        assert 0.0 <= found.numbers[f"{flow}_error"] < 1.0
    assert found.arrays["mirror_gap"].size == 25 - 5
    assert found.arrays["descent_swing"].shape == (25, 2)
    late = work(FollowRun("gelu", 3, 24, 6, 200, 1000, True, False), lambda _: None)
    assert not late.numbers["edge_reached"]
